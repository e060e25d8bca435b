"""A finished run that a new training builds on, as its base or its teacher: what must agree.

Knows no loop and writes nothing.
"""

from __future__ import annotations

from pathlib import Path

from danqing.data.dataset import Dataset
from danqing.data.tables.choose_columns import case_hint
from danqing.errors import RecipeError, RunError
from danqing.runs.run_folder import RunFolder, load_run

__all__ = ["check_earlier_runs", "load_finished_run"]

_LISTED = 10  # columns in a message


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
        _refuse_other_examples(dataset, base)


def _check_teacher(
    teacher: RunFolder, dataset: Dataset, base: RunFolder | None, unlabelled: int
) -> None:
    """Refuse a teacher that was trained on other data, or sees them unlike the base."""
    if unlabelled:
        raise RecipeError(
            "teacher: can't be combined with unlabelled pictures yet; leave out --teacher, "
            "or --unlabelled and --labels-per-class"
        )
    _refuse_other_kind(dataset, teacher, "--teacher", same_task=True)
    # Pictures are resized for the base, and a teacher sees what the network sees.
    shape = base.input_shape if base else dataset.input_shape
    if not dataset.tabular and shape != teacher.input_shape:
        whose = f"that of {base.folder}" if base else f"those of {dataset.name}"
        raise RunError(
            f"run {teacher.folder}: expects pictures of shape {_shape(teacher.input_shape)}, but "
            f"{whose} have shape {_shape(shape)}; train without --teacher"
        )
    if list(dataset.class_names) != teacher.class_names:
        odd = sorted(set(dataset.class_names) ^ set(teacher.class_names)) or ["their order"]
        raise RunError(
            f"run {teacher.folder}: its classes differ from those of {dataset.name} "
            f"({', '.join(odd[:5])}); use data with the same classes, or train without --teacher"
        )
    encodings = [run.network["preparation"].get("encoding") for run in (base or teacher, teacher)]
    if encodings[0] != encodings[1]:
        raise RunError(
            f"run {teacher.folder}: encodes the table's columns differently from the run of "
            "--from; leave out --from or --teacher"
        )


def _refuse_other_examples(dataset: Dataset, base: RunFolder) -> None:
    """Refuse what a network to start from can't take: other columns, or no pictures."""
    _refuse_other_kind(dataset, base, "--from", same_task=False)
    if dataset.tabular:
        _refuse_other_columns(dataset, base)
    elif dataset.input_shape != base.input_shape:
        channels = {dataset.input_shape[-1], base.input_shape[-1]}
        if len(channels) > 1 and not channels <= {1, 3}:
            raise RunError(
                f"run {base.folder}: expects pictures of shape {_shape(base.input_shape)}, and "
                f"those of {dataset.name}, of shape {_shape(dataset.input_shape)}, can't be "
                "converted to its channels; train without --from"
            )


def _refuse_other_columns(dataset: Dataset, base: RunFolder) -> None:
    encoding = base.preparation.encoding
    if encoding is None:
        raise RunError(f"run {base.folder}: was trained on encoded rows; train without --from")
    left_out = {column.name: column.left_out for column in dataset.x_train.columns}
    known = {*encoding.kinds, *encoding.dropped, *encoding.names}
    missing = [name for name in encoding.kinds if name not in left_out]
    more = [name for name, reason in left_out.items() if name not in known and not reason]
    found = []
    if missing:
        found.append(f"lacks {_listed(missing)}{case_hint(missing, list(left_out))}")
    if dataset.target in missing:
        found[-1] += f" ({dataset.target!r} is the target now: start from a run trained without it)"
    if more:
        found.append(f"also has {_listed(more)} (--column NAME=ignore leaves a column out)")
    if found:
        raise RunError(
            f"run {base.folder}: learned from other columns: {dataset.name} {' and '.join(found)}; "
            "use a table with the same columns, or train without --from"
        )


def _refuse_other_kind(dataset: Dataset, run: RunFolder, option: str, *, same_task: bool) -> None:
    kind = "rows of a table" if dataset.tabular else "pictures"
    expected = "pictures" if len(run.input_shape) == 3 else "rows of a table"
    if kind != expected or (same_task and dataset.task != run.task):
        raise RunError(
            f"run {run.folder}: was trained for {run.task} of {expected}, but {dataset.name} is "
            f"for {dataset.task} of {kind}; train without {option}"
        )


def _listed(names: list[str]) -> str:
    return ", ".join(map(repr, names[:_LISTED])) + (", ..." if len(names) > _LISTED else "")


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
