"""Which finished runs can teach a new network. Knows no TensorFlow."""

from __future__ import annotations

from danqing.data.dataset import Dataset
from danqing.errors import RecipeError, RunError
from danqing.runs.run_folder import RunFolder
from danqing.training.earlier_run import refuse_other_data

__all__ = ["check_teacher"]


def check_teacher(
    teacher: RunFolder, dataset: Dataset, base: RunFolder | None, unlabelled: int
) -> None:
    """Refuse a teacher that was trained on other data, or encodes a table unlike the base.

    Raises
    ------
    RecipeError
        If there are pictures without labels, which have targets of another kind.
    RunError
        Names what differs.
    """
    if unlabelled:
        raise RecipeError(
            "teacher: can't be combined with pictures without labels yet; leave out --teacher, "
            "or --unlabelled and --labels-per-class"
        )
    refuse_other_data(dataset, teacher, "--teacher")
    encodings = [run.network["preparation"].get("encoding") for run in (base or teacher, teacher)]
    if encodings[0] != encodings[1]:
        raise RunError(
            f"run {teacher.folder}: encodes the table's columns differently from the run of "
            "--from; leave out --from or --teacher"
        )
