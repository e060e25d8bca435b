"""All runs in a folder, in an order that compares them. Knows no TensorFlow and no NumPy."""

from __future__ import annotations

from pathlib import Path

from danqing.errors import RunError
from danqing.runs.run_folder import RunFolder

__all__ = ["list_runs"]


def list_runs(folder: str | Path = "runs") -> list[RunFolder]:
    """List the runs in a folder: grouped by data, best validation score first."""

    def rank(run: RunFolder) -> tuple[str, float, str]:
        # Accuracies are better the higher, errors the lower.
        best = max((r.get("val_accuracy", -r.get("val_mae", 0.0)) for r in run.history), default=0)
        return str(run.data.get("fingerprint")), -best, str(run.folder)

    readable = []
    for path in sorted(Path(folder).glob("*/config.json")):
        run = RunFolder(path.parent)
        try:
            readable.append((rank(run), run))
        except (RunError, KeyError, AttributeError):
            continue
    return [run for _, run in sorted(readable, key=lambda pair: pair[0])]
