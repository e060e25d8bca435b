"""Other data than a run was trained on, loaded by the run's target and for its task.

Knows no evaluation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from danqing.data.dataset import Dataset
    from danqing.runs.run_folder import RunFolder

__all__ = ["load_for"]


def load_for(files: RunFolder, source: Any) -> Dataset:
    """Load other data for a run to be evaluated on: by its target and for its task."""
    from danqing.data.dataset import Dataset
    from danqing.data.sources import load_data

    if isinstance(source, Dataset):
        return source
    target = files.data.get("target") or None
    encoding = files.preparation.encoding
    columns = encoding.types if encoding is not None and target else None
    return load_data(source, target=target, task=files.task if target else None, columns=columns)
