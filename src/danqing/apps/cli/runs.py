"""`danqing runs`: parse, call, print. Must not load TensorFlow."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from danqing.runs.run_folder import RunFolder

__all__ = ["runs"]


def runs() -> None:
    """List the runs in ./runs, grouped by data, best validation score first."""
    from danqing.apps.cli.progress import say_warnings
    from danqing.runs.listing import list_runs

    say_warnings()
    found = list_runs()
    if not found:
        print("no runs in ./runs yet; `danqing train` makes one", file=sys.stderr)
        return
    rows = [("data", "network", "validation", "test", "epochs", "run")]
    for run in found:
        validation, test = _scores(run)
        rows.append(
            (
                str(run.data.get("name", "?")),
                f"{run.members} x " * (run.members > 1) + str(run.config.get("network", "?")),
                validation,
                test,
                _epochs(run),
                str(run.folder),
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row[:5], widths, strict=True)]
        print("  ".join([*cells, row[5]]))


def _scores(run: RunFolder) -> tuple[str, str]:
    """Format the best validation score and the test score."""
    rows, test = run.history, run.metrics["test"] if run.finished else {}
    if rows and "val_mae" in rows[0]:
        best = f"MAE {min(row['val_mae'] for row in rows):.4g}"
        score = "R2 undefined" if test.get("r2") is None else f"R2 {test['r2']:.3f}"
    else:
        best = f"{max(row['val_accuracy'] for row in rows):.2%}" if rows else ""
        score = f"{test.get('accuracy', 0):.2%}"
    return best, score if test else "" if run.finished else "unfinished"


def _epochs(run: RunFolder) -> str:
    """Format the epochs done and, unless time was the limit, how many were to be."""
    done = str(len(run.history))
    return done if run.config.get("minutes") else f"{done}/{run.config.get('epochs', '?')}"
