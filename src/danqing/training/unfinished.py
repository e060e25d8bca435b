"""What remains of a training that did not reach its end, and how the user learns of it.

Knows run folders, and no network.
"""

from __future__ import annotations

from pathlib import Path

from danqing.errors import TrainingInterrupted
from danqing.recipe.recipe import MOST_EPOCHS
from danqing.runs.create import remove_if_nothing_learned
from danqing.runs.run_folder import RunFolder

__all__ = ["interrupted", "what_is_kept"]


def interrupted(run: RunFolder) -> TrainingInterrupted:
    """Make the error that ends an interrupted training; it says how to resume."""
    if remove_if_nothing_learned(run):
        return TrainingInterrupted("interrupted before the first step; nothing was kept")
    epochs, finished = run.config["epochs"], len(run.history)
    count = f"{finished} epochs" if epochs == MOST_EPOCHS else f"{finished} of {epochs} epochs"
    return TrainingInterrupted(
        f"interrupted after {count}; what was learned so far is kept in {run.folder}, "
        f"`danqing evaluate {run.folder}` evaluates it. To resume, repeat the command with "
        f"--out {run.folder} --resume",
        run.folder,
    )


def what_is_kept(folder: Path) -> str:
    """Say how a training that failed can be resumed, or where its history is."""
    if (folder / "checkpoints").exists():
        return f"A checkpoint is kept: repeat the command with --out {folder} --resume"
    return f"Its history is in {folder}"
