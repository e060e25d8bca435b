"""From raw targets to a task: classes with names, or numbers.

The one place that decides it, for every kind of source. Knows no examples and no files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from danqing.data.dataset import Task
from danqing.data.natural_order import natural_key
from danqing.errors import SourceError

__all__ = ["TASKS", "WITHOUT_TARGET", "Labels", "make_labels", "text_of_number"]

TASKS = ("classification", "regression")
WITHOUT_TARGET = "rows without a target"
_MANY_VALUES = 50  # whole numbers of a table up to so many distinct ones are classes;
_MANY_SHARE = 0.1  # more are numbers if they are more than this share of the rows


@dataclass(frozen=True)
class Labels:
    """What `make_labels` made of the targets of a source's parts.

    Attributes
    ----------
    class_names : tuple of str
        In natural order; empty for regression.
    parts : list of ndarray, each of shape (rows kept,)
        Positions in `class_names` as int64; for regression float64.
    kept : list of ndarray of bool, each of shape (rows,)
        Which rows of each part have a target.
    removed : mapping of str to int
        How many rows have none; empty if all have one.
    """

    class_names: tuple[str, ...]
    parts: list[NDArray[Any]] = field(repr=False)
    kept: list[NDArray[np.bool_]] = field(repr=False)
    removed: Mapping[str, int]


def make_labels(
    parts: Sequence[NDArray[Any]],
    where: object,
    *,
    pictures: bool = False,
    task: str | None = None,
    names: Sequence[str] = (),
) -> Labels:
    """Choose the task from the targets, and bring them to the form that it needs.

    Text and truth values are classes; numbers with fractions are numbers. Whole numbers are
    classes of pictures; of a table they are classes unless there are more than 50 distinct ones,
    and these are more than a tenth of the rows.

    Parameters
    ----------
    parts : sequence of ndarray, each of shape (n,)
        Raw targets of each part of a source: bool, integers, floats (missing: NaN, also
        infinities) or object (each a str or None).
    where : object
        What messages call the source.
    pictures : bool
        Whether the examples are pictures, rather than rows of a table.
    task : {"classification", "regression"}, optional
        Overrides the choice.
    names : sequence of str
        Names of the classes 0, 1, 2..., used if the targets are such numbers.

    Raises
    ------
    SourceError
        If the task is unknown, regression is wanted on text, no row has a target, or all have
        the same class.

    Examples
    --------
    >>> labels = make_labels([np.array(["10", "9", None, "10"], object)], "pets.csv")
    >>> labels.class_names, labels.parts[0].tolist(), labels.removed
    (('9', '10'), [1, 0, 1], {'rows without a target': 1})
    >>> make_labels([np.array([0.5, 2.0])], "prices.csv").parts[0].tolist()
    [0.5, 2.0]
    """
    if task is not None and task not in TASKS:
        raise SourceError(f"{where}: the task {task!r} is unknown; expected {' or '.join(TASKS)}")
    plain = [_plain(part) for part in parts]
    kept = [~_missing(part) for part in plain]
    present = [part[rows] for part, rows in zip(plain, kept, strict=True)]
    missing = sum(int((~rows).sum()) for rows in kept)
    removed = {WITHOUT_TARGET: missing} if missing else {}
    if not len(present[0]):
        raise SourceError(f"{where}: no row for training has a target; fill in the targets")
    if (task or _task_of(present, pictures)) == "regression":
        return Labels((), [_numbers(part, where) for part in present], kept, removed)
    class_names, positions = _classes(present, names)
    if len(class_names) < 2:
        raise SourceError(
            f"{where}: every row has the class {class_names[0]!r}; expected at least two classes"
        )
    return Labels(class_names, positions, kept, removed)


def text_of_number(value: float) -> str:
    """Write a number as people would: 3 rather than 3.0.

    Examples
    --------
    >>> text_of_number(3.0), text_of_number(0.5)
    ('3', '0.5')
    """
    value = float(value)
    return f"{value:.0f}" if value.is_integer() and abs(value) < 1e16 else repr(value)


def _plain(targets: NDArray[Any]) -> NDArray[Any]:
    if targets.dtype.kind == "f":
        return targets.astype(np.float64)
    if targets.dtype.kind in "UO":
        stripped = (None if text is None else text.strip() or None for text in targets.tolist())
        return np.fromiter(stripped, dtype=object, count=len(targets))
    return targets


def _missing(targets: NDArray[Any]) -> NDArray[np.bool_]:
    if targets.dtype.kind == "O":
        return np.array([text is None for text in targets.tolist()], dtype=bool)
    if targets.dtype.kind == "f":
        return np.asarray(~np.isfinite(targets))
    return np.zeros(len(targets), dtype=bool)


def _task_of(parts: list[NDArray[Any]], pictures: bool) -> Task:
    if any(part.dtype.kind in "Ob" for part in parts):
        return "classification"
    values = np.concatenate(parts)
    if values.dtype.kind == "f" and (values != np.rint(values)).any():
        return "regression"
    distinct = len(np.unique(values))
    many = distinct > _MANY_VALUES and distinct > _MANY_SHARE * len(values)
    return "regression" if many and not pictures else "classification"


def _numbers(targets: NDArray[Any], where: object) -> NDArray[np.float64]:
    if targets.dtype.kind == "O" and len(targets):
        raise SourceError(
            f"{where}: regression needs a number in each row, "
            f"and the target has text such as {targets[0]!r}; "
            "choose a target of numbers, or --task classification"
        )
    return targets.astype(np.float64)


def _classes(
    parts: list[NDArray[Any]], names: Sequence[str]
) -> tuple[tuple[str, ...], list[NDArray[np.int64]]]:
    if any(part.dtype.kind in "Ob" for part in parts):
        texts = [_texts(part) for part in parts]
        found = sorted(set().union(*texts), key=natural_key)
        position = {name: number for number, name in enumerate(found)}
        return tuple(found), [
            np.fromiter((position[text] for text in part), dtype=np.int64, count=len(part))
            for part in texts
        ]
    values, positions = np.unique(np.concatenate(parts), return_inverse=True)
    ends = np.cumsum([len(part) for part in parts])[:-1]
    numbers = tuple(
        str(v) if values.dtype.kind in "iu" else text_of_number(v) for v in values.tolist()
    )
    return _named(values, numbers, names), np.split(positions.astype(np.int64), ends)


def _texts(targets: NDArray[Any]) -> list[str]:
    if targets.dtype.kind == "O":
        return cast("list[str]", targets.tolist())
    if targets.dtype.kind == "b":
        return ["true" if truth else "false" for truth in targets.tolist()]
    return [text_of_number(value) for value in targets.tolist()]


def _named(values: NDArray[Any], numbers: tuple[str, ...], names: Sequence[str]) -> tuple[str, ...]:
    if not names:
        return numbers
    with np.errstate(invalid="ignore"):
        positions = values.astype(np.int64)
    fit = (positions == values).all() and positions.min() >= 0 and positions.max() < len(names)
    chosen = tuple(names[p] for p in positions.tolist()) if fit else ()
    return chosen if len(set(chosen)) == len(values) else numbers
