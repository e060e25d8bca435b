"""A finished run that a new training builds on, as its base or its teacher: what must agree.

Knows no loop and writes nothing.
"""

from __future__ import annotations

from pathlib import Path

from danqing.data.dataset import Dataset
from danqing.errors import RecipeError, RunError
from danqing.runs.run_folder import RunFolder, load_run

__all__ = ["check_earlier_runs", "load_finished_run"]


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


def check_earlier_runs(
    dataset: Dataset, base: RunFolder | None, teacher: RunFolder | None, unlabelled: int
) -> None:
    """Refuse a base or a teacher that does not go with the data, or with each other.

    Parameters
    ----------
    dataset : Dataset
    base, teacher : RunFolder, optional
        The runs of ``--from`` and ``--teacher``.
    unlabelled : int
        How many unlabelled pictures there are.

    Raises
    ------
    RecipeError
        If there is a teacher, and there are unlabelled pictures, which have other targets.
    RunError
        Names what differs.
    """
    if teacher:
        _check_teacher(teacher, dataset, base, unlabelled)
    if base:
        _refuse_other_data(dataset, base, "--from")


def _check_teacher(
    teacher: RunFolder, dataset: Dataset, base: RunFolder | None, unlabelled: int
) -> None:
    """Refuse a teacher that was trained on other data, or encodes a table unlike the base."""
    if unlabelled:
        raise RecipeError(
            "teacher: can't be combined with unlabelled pictures yet; leave out --teacher, "
            "or --unlabelled and --labels-per-class"
        )
    _refuse_other_data(dataset, teacher, "--teacher")
    encodings = [run.network["preparation"].get("encoding") for run in (base or teacher, teacher)]
    if encodings[0] != encodings[1]:
        raise RunError(
            f"run {teacher.folder}: encodes the table's columns differently from the run of "
            "--from; leave out --from or --teacher"
        )


def _refuse_other_data(dataset: Dataset, run: RunFolder, option: str) -> None:
    """Refuse data of another kind than a run was trained on."""
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
