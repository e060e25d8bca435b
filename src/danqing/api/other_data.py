"""Other data than a run was trained on, loaded by the run's target and for its task.

Knows no evaluation.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from danqing.data.dataset import Dataset
    from danqing.preparation.encoding import Encoding
    from danqing.runs.run_folder import RunFolder

__all__ = ["load_for"]


def load_for(files: RunFolder, source: Any) -> Dataset:
    """Load other data for a run to be evaluated on: by its target and for its task."""
    from danqing.data.arrays.objects import pairs_of
    from danqing.data.dataset import Dataset
    from danqing.data.sources import load_data

    if isinstance(source, Dataset):
        return source
    if isinstance(source, tuple | list):
        pairs = [(_as_trained(files, x), y) for x, y in pairs_of(source)]
        return load_data(sum(pairs, ()), task=files.task)
    if not _has_columns(source):
        return load_data(source)
    target = files.data.get("target") or None
    encoding = files.preparation.encoding
    if encoding is not None and target is None:
        target = _column_unknown_to(encoding, source)
    columns = encoding.types if encoding is not None and target else None
    return load_data(source, target=target, task=files.task if target else None, columns=columns)


def _has_columns(source: Any) -> bool:
    """Whether a source is a table, of which a target can be chosen."""
    from danqing.data.catalog.openml import OPENML
    from danqing.data.sources import SOURCE_NAMES
    from danqing.data.tables.table_files import TABLE_SUFFIXES, table_subsets

    if not isinstance(source, str | Path):
        return hasattr(source, "columns")
    name, path = str(source).lower(), Path(source).expanduser()
    if source in SOURCE_NAMES:
        return False
    if path.is_dir():
        return "train" in table_subsets(path)
    return name.endswith(TABLE_SUFFIXES) or name.startswith(OPENML) or not path.exists()


def _column_unknown_to(encoding: Encoding, source: Any) -> str | None:
    """Find the target of a file for a run that names none, as those on bundled data do.

    It is the only column that the network doesn't take, if there is just one.
    """
    from danqing.data.tables.frame_files import read_frame
    from danqing.data.tables.table_files import TABLE_SUFFIXES

    if not isinstance(source, str | Path) or not str(source).lower().endswith(TABLE_SUFFIXES):
        return None
    names = read_frame(Path(source).expanduser()).frame.columns
    others = [name for name in names if name not in encoding.kinds and name not in encoding.dropped]
    return others[0] if len(others) == 1 else None


def _as_trained(files: RunFolder, x: Any) -> Any:
    """Read examples in memory as `predict` does: columns by name, pictures in training's scale."""
    encoding = files.preparation.encoding
    if encoding is None:
        from danqing.prediction.pictures_in_memory import pictures_in_memory

        return pictures_in_memory(x, files.preparation, files.input_shape)
    from danqing.data.arrays.frames import is_frame
    from danqing.data.arrays.objects import examples_of
    from danqing.data.table import Table

    table = examples_of(x)
    if not isinstance(table, Table) or len(table.names) != len(encoding.names):
        return table
    columns = {column.name: column for column in table.columns}
    if set(columns) == set(encoding.names):
        return Table(tuple(columns[name] for name in encoding.names))
    if is_frame(x):
        return table
    named = zip(table.columns, encoding.names, strict=True)
    return Table(tuple(replace(column, name=name) for column, name in named))
