"""Options that several commands share. Knows no command."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["TargetOption", "TaskOption"]

_TASKS = ("classification", "regression")


def _check_task(task: str | None) -> str | None:
    if task is not None and task not in _TASKS:
        from danqing.errors import RecipeError

        raise RecipeError(f"--task {task}: expected {' or '.join(_TASKS)}")
    return task


TargetOption = Annotated[
    str | None, typer.Option(metavar="COLUMN", help="Column of a table to predict.")
]
TaskOption = Annotated[
    str | None,
    typer.Option(
        metavar="TASK",
        callback=_check_task,
        help="classification or regression. If not given, text and integers with few distinct "
        "values are classes, any other target means regression.",
    ),
]
