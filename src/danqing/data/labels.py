"""From raw targets to a task: classes with names, or numbers.

The only place that decides this, for every kind of source. Knows no examples and no files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from danqing.data.dataset import LabelType, Task
from danqing.data.natural_order import natural_key
from danqing.errors import SourceError

__all__ = ["TASKS", "WITHOUT_TARGET", "Labels", "make_labels", "missing_labels", "text_of_number"]

TASKS = ("classification", "regression")
WITHOUT_TARGET = "rows without a target"
_MANY_VALUES = 50  # A table's whole numbers are a regression target with more distinct values,
_DENSE_VALUES = 20  # or with more than so many
_DENSE_SHARE = 0.5  # that are at least so much of their range.
_NAMED = 10  # rows that a message lists

_Targets = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Labels:
    """The labels that `make_labels` made of a source's targets.

    Attributes
    ----------
    class_names : tuple of str
        In natural order; empty for regression.
    by_subset : dict of str to ndarray, shape (rows kept,)
        For each subset, positions in `class_names` as int64, or regression targets as float64.
    kept : dict of str to ndarray of bool, shape (rows,)
        For each subset, which of its rows have a target.
    removed : mapping of str to int
        How many rows have none; empty if all have one.
    label_type : {"text", "boolean", "integer", "number"}
        What the classes were before they became names.
    notes : tuple of str
        Which rows these are, and whether whole numbers became classes or a regression target.
    """

    class_names: tuple[str, ...]
    by_subset: dict[str, NDArray[Any]] = field(repr=False)
    kept: dict[str, NDArray[np.bool_]] = field(repr=False)
    removed: Mapping[str, int]
    label_type: LabelType = "text"
    notes: tuple[str, ...] = ()


def make_labels(
    targets: _Targets,
    where: object,
    *,
    pictures: bool = False,
    task: str | None = None,
    names: Sequence[str] = (),
    skip: Mapping[str, NDArray[np.bool_]] | None = None,
) -> Labels:
    """Infer the task from the targets, and convert them to classes or numbers.

    Text and booleans are classes; numbers with fractions are regression targets. Integers are
    classes if they label pictures, or have `names`. In a table they are a regression target if
    they have more than 50 distinct values, or more than 20 that are at least half of the integers
    in their range; otherwise they are classes.

    Parameters
    ----------
    targets : mapping of str to ndarray, shape (n,)
        Raw targets of each subset of a source, ``train`` first: booleans, integers, floats (NaN
        and infinities are missing) or objects (each a str or None).
    where : object
        How messages refer to the source.
    pictures : bool
        Whether the examples are pictures rather than rows of a table.
    task : {"classification", "regression"}, optional
        Overrides the inference.
    names : sequence of str
        Names of the classes 0, 1, 2, ..., used if the targets are such numbers.
    skip : mapping of str to ndarray of bool, optional
        Rows of a subset that are left out, though they may have a target.

    Raises
    ------
    SourceError
        If the task is unknown, regression is asked for and the targets are text, or no row has
        a target.

    Examples
    --------
    >>> labels = make_labels({"train": np.array(["10", "9", None, "10"], object)}, "pets.csv")
    >>> labels.class_names, labels.by_subset["train"].tolist(), labels.removed
    (('9', '10'), [1, 0, 1], {'rows without a target': 1})
    >>> make_labels({"train": np.array([0.5, 2.0])}, "prices.csv").by_subset["train"].tolist()
    [0.5, 2.0]
    """
    if task is not None and task not in TASKS:
        raise SourceError(f"{where}: the task {task!r} is unknown; expected {' or '.join(TASKS)}")
    plain = {subset: _plain(values) for subset, values in targets.items()}
    absent = {subset: _missing(values) for subset, values in plain.items()}
    for subset, rows in (skip or {}).items():
        absent[subset] = absent[subset] & ~rows
    kept = {subset: ~rows for subset, rows in absent.items()}
    for subset, rows in (skip or {}).items():
        kept[subset] = kept[subset] & ~rows
    present = {subset: values[kept[subset]] for subset, values in plain.items()}
    missing = sum(int(rows.sum()) for rows in absent.values())
    removed = {WITHOUT_TARGET: missing} if missing else {}
    notes = [_missing_rows(absent, missing)] if missing else []
    if not len(present["train"]):
        raise SourceError(f"{where}: no training row has a target; fill in the targets")
    chosen, task_note = _infer_task(list(present.values()), pictures, names)
    if task_note and task is None:
        notes.append(task_note)
    if (task or chosen) == "regression":
        numbers = {subset: _numbers(values, where) for subset, values in present.items()}
        return Labels((), numbers, kept, removed, notes=tuple(notes))
    class_names, positions = _classes(list(present.values()), names)
    label_type = _label_type(list(present.values()), class_names, names)
    by_subset = dict(zip(present, positions, strict=True))
    return Labels(class_names, by_subset, kept, removed, label_type, tuple(notes))


def missing_labels(y: Any) -> NDArray[np.bool_]:
    """Whether each label of an array, a list or a series is missing: None, NaN or pandas' NA.

    Examples
    --------
    >>> missing_labels(["a", None, float("nan")]).tolist()
    [False, True, True]
    """
    if hasattr(y, "isna"):
        return np.asarray(y.isna(), dtype=bool)
    if hasattr(y, "is_null"):  # Polars: a null; NaN only among floats
        y = y.to_list()
    array = y if isinstance(y, np.ndarray) else np.array(y, dtype=object)
    if array.dtype.kind == "f":
        return np.asarray(np.isnan(array))
    if array.dtype.kind != "O":
        return np.zeros(array.shape, dtype=bool)
    missing = [_is_missing(value) for value in array.ravel().tolist()]
    return np.array(missing, dtype=bool).reshape(array.shape)


def _is_missing(value: object) -> bool:
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float | np.floating) and value != value


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


def _missing_rows(absent: Mapping[str, NDArray[np.bool_]], missing: int) -> str:
    """Name the rows without a target, from 1."""
    several = len(absent) > 1
    rows = [
        (f"{subset} {row + 1}" if several else f"{row + 1}")
        for subset, own in absent.items()
        for row in np.flatnonzero(own)[:_NAMED].tolist()
    ]
    listed = ", ".join(rows[:_NAMED]) + (", ..." if missing > _NAMED else "")
    verb, noun = ("is", "row") if missing == 1 else ("are", "rows")
    return f"{missing:,} {noun} without a target {verb} left out: {noun} {listed}"


def _infer_task(
    targets: list[NDArray[Any]], pictures: bool, names: Sequence[str]
) -> tuple[Task, str]:
    """Infer the task; with a line about it if whole numbers could be meant otherwise."""
    if any(values.dtype.kind in "Ob" for values in targets):
        return "classification", ""
    everything = _together(targets)
    if everything.dtype.kind == "f" and (everything != np.rint(everything)).any():
        return "regression", ""
    values = np.unique(everything)
    if pictures or (names and _named(values, (), names)):
        return "classification", ""
    distinct = len(values)
    dense = distinct >= _DENSE_SHARE * (float(values[-1]) - float(values[0]) + 1)
    if distinct > _MANY_VALUES or (distinct > _DENSE_VALUES and dense):
        line = f"the target has {distinct} different whole numbers: taken for numbers to predict"
        return "regression", f"{line} (regression); for classes, --task classification"
    line = f"the target has {distinct} different whole numbers: taken for classes"
    return "classification", f"{line}; for numbers to predict, --task regression"


def _numbers(targets: NDArray[Any], where: object) -> NDArray[np.float64]:
    if targets.dtype.kind == "O" and len(targets):
        raise SourceError(
            f"{where}: regression needs a number in each row, "
            f"but the target contains text such as {targets[0]!r}; "
            "choose a numeric target, or --task classification"
        )
    return targets.astype(np.float64)


def _classes(
    targets: list[NDArray[Any]], names: Sequence[str]
) -> tuple[tuple[str, ...], list[NDArray[np.int64]]]:
    if any(values.dtype.kind in "Ob" for values in targets):
        texts = [_texts(values) for values in targets]
        found = sorted(set().union(*texts), key=natural_key)
        position = {name: number for number, name in enumerate(found)}
        return tuple(found), [
            np.fromiter((position[text] for text in own), dtype=np.int64, count=len(own))
            for own in texts
        ]
    distinct, positions = np.unique(_together(targets), return_inverse=True)
    ends = np.cumsum([len(values) for values in targets])[:-1]
    numbers = tuple(
        str(v) if distinct.dtype.kind in "iuO" else text_of_number(v) for v in distinct.tolist()
    )
    return _named(distinct, numbers, names), np.split(positions.astype(np.int64), ends)


def _label_type(
    targets: list[NDArray[Any]], class_names: tuple[str, ...], names: Sequence[str]
) -> LabelType:
    kinds = {values.dtype.kind for values in targets if len(values)}
    if "O" in kinds or (kinds != {"b"} and names and class_names[0] in names):
        return "text"
    if kinds == {"b"}:
        return "boolean"
    if kinds <= {"i", "u"}:
        return "integer"
    # A column of whole numbers of a file arrives as floats.
    whole = all(((v == np.rint(v)) & (np.abs(v) < 1e15)).all() for v in targets)
    return "integer" if whole else "number"


def _together(targets: list[NDArray[Any]]) -> NDArray[Any]:
    """Join the subsets' targets; integers stay exact, where NumPy would make them floats."""
    if len({values.dtype.kind for values in targets if len(values)} & set("iu")) == 2:
        return np.concatenate([values.astype(object) for values in targets])
    return np.concatenate(targets)


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
