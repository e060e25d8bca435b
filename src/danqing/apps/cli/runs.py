"""`danqing runs`: parse, call, print. Must not load TensorFlow."""

from __future__ import annotations

import sys

__all__ = ["runs"]


def runs() -> None:
    """List the runs in ./runs: grouped by data, best validation accuracy first."""
    from danqing.runs.run import list_runs

    found = list_runs()
    if not found:
        print("no runs here yet; `danqing train` makes one in ./runs", file=sys.stderr)
        return
    rows = [("data", "network", "validation", "test", "epochs", "run")]
    for run in found:
        best = max((row["val_accuracy"] for row in run.history), default=None)
        test = f"{run.metrics['test']['accuracy']:.2%}" if run.finished else "unfinished"
        rows.append(
            (
                str(run.data.get("name", "?")),
                str(run.config.get("network", "?")),
                "" if best is None else f"{best:.2%}",
                test,
                f"{len(run.history)}/{run.config.get('epochs', '?')}",
                str(run.folder),
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row[:5], widths, strict=True)]
        print("  ".join([*cells, row[5]]))
