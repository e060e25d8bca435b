"""All runs in a folder, in an order that compares them. Knows no TensorFlow and no NumPy."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from danqing.errors import RunError
from danqing.runs.run_folder import RunFolder

__all__ = ["list_runs"]

_log = logging.getLogger("danqing")


def list_runs(folder: str | Path = "runs") -> list[RunFolder]:
    """List the runs in a folder: grouped by data, best validation score first.

    Runs that are damaged, or of a later format, are left out with a warning.
    """
    ranked = []
    for path in sorted(Path(folder).glob("*/config.json")):
        run = RunFolder(path.parent)
        try:
            ranked.append((_rank(run), run))
        except RunError as error:
            _log.warning("%s. The run is left out", error)
    return [run for _, run in sorted(ranked, key=lambda pair: pair[0])]


def _rank(run: RunFolder) -> tuple[Any, ...]:
    """Give what a run is sorted by, once its JSON files have been read."""
    _ = run.config, run.network
    if run.finished and not isinstance(run.metrics.get("test"), dict):
        raise RunError(f"{run.folder / 'metrics.json'}: is damaged; train again")
    # Accuracies are better the higher, errors the lower.
    scores = [row.get("val_accuracy", -row.get("val_mae", 0.0)) for row in run.history]
    return str(run.data.get("fingerprint")), -max(scores, default=0.0), str(run.folder)
