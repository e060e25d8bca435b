"""A finished run that a new training builds on, as its base or its teacher: what must agree.

Knows no loop and writes nothing.
"""

from __future__ import annotations

from pathlib import Path

from danqing.data.dataset import Dataset
from danqing.errors import RunError
from danqing.runs.run_folder import RunFolder, load_run

__all__ = ["load_finished_run", "refuse_other_data"]


def load_finished_run(folder: str | Path) -> RunFolder:
    """Open a run to fine-tune or to learn from.

    Raises
    ------
    RunError
        If it is no run, or has not finished.
    """
    run = load_run(folder)
    if not run.finished:
        raise RunError(
            f"run {run.folder}: has not finished; resume it by --resume, or name a finished run"
        )
    return run


def refuse_other_data(dataset: Dataset, run: RunFolder, option: str = "--from") -> None:
    """Refuse data of another kind than a run was trained on.

    Parameters
    ----------
    dataset : Dataset
    run : RunFolder
    option : str
        The one that named the run, for the message.

    Raises
    ------
    RunError
        Names what differs.
    """
    kind = "rows of a table" if dataset.tabular else "pictures"
    expected = "pictures" if len(run.input_shape) == 3 else "rows of a table"
    if kind != expected or dataset.task != run.task:
        raise RunError(
            f"run {run.folder}: was trained for {run.task} of {expected}, but {dataset.name} is "
            f"for {dataset.task} of {kind}; train without {option}"
        )
    if not dataset.tabular and dataset.input_shape != run.input_shape:
        shapes = ["x".join(map(str, shape)) for shape in (run.input_shape, dataset.input_shape)]
        raise RunError(
            f"run {run.folder}: expects pictures of shape {shapes[0]}, but those of "
            f"{dataset.name} have shape {shapes[1]}; train without {option}"
        )
    if list(dataset.class_names) != run.class_names:
        odd = sorted(set(dataset.class_names) ^ set(run.class_names)) or ["their order"]
        raise RunError(
            f"run {run.folder}: its classes differ from those of {dataset.name} "
            f"({', '.join(odd[:5])}); use data with the same classes, or train without {option}"
        )
