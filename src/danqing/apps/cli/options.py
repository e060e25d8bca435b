"""Options that several commands share. Knows no command."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["ColumnOption", "DataOption", "TargetOption", "TaskOption", "column_types"]

_TASKS = ("classification", "regression")


def _check_task(task: str | None) -> str | None:
    if task is not None and task not in _TASKS:
        from danqing.errors import RecipeError

        raise RecipeError(f"--task {task}: expected {' or '.join(_TASKS)}")
    return task


def column_types(chosen: list[str] | None) -> dict[str, str]:
    """Parse the values of --column.

    Examples
    --------
    >>> column_types(["zip=category", "a=b=number"])
    {'zip': 'category', 'a=b': 'number'}
    """
    from danqing.data.tables.choose_columns import COLUMN_TYPES
    from danqing.errors import RecipeError

    types = {}
    for word in chosen or ():
        name, equals, kind = word.rpartition("=")
        if not equals or not name or kind not in COLUMN_TYPES:
            raise RecipeError(f"--column {word}: expected NAME={'|'.join(COLUMN_TYPES)}")
        types[name] = kind
    return types


ColumnOption = Annotated[
    list[str] | None,
    typer.Option(
        "--column",
        metavar="NAME=TYPE",
        help="Type of a table's column: category, number, date, or ignore to leave it out; may be "
        "repeated. If not given, types are inferred from all values.",
    ),
]
DataOption = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="SOURCE",
        help="Where the data of the run are now, if they are no longer where it was trained.",
    ),
]
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
