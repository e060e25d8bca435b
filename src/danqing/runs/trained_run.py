"""Open a run folder for what needs a trained network. Knows no network."""

from __future__ import annotations

import logging
from pathlib import Path

from danqing.errors import RunError
from danqing.runs.run_folder import RunFolder, load_run

__all__ = ["load_trained_run"]

_log = logging.getLogger("danqing")


def load_trained_run(folder: str | Path) -> RunFolder:
    """Open a run folder that holds a trained network; warn if its training was interrupted.

    Raises
    ------
    RunError
        If there is no such folder, it is not a run, or nothing has been trained yet.
    """
    run = load_run(folder)
    if run.finished:
        return run
    epochs = f"{len(run.history):,} of {run.config.get('epochs', '?')} epochs"
    mend = f"finish it: repeat `danqing train` with --out {folder} --resume"
    if not run.trained:
        raise RunError(
            f"run {folder}: has no network yet, its training has not finished ({epochs}); {mend}"
        )
    _log.warning("run %s: its training was interrupted after %s; %s", folder, epochs, mend)
    return run
