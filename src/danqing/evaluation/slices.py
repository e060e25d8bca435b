"""Slices: how good predictions are for each category, and each quarter, of each column.

Knows a table's columns and a score for each row. Bad slices are distinguished from bad luck: the
more slices there are, the stronger the evidence has to be.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.data.table import Column, Table
from danqing.evaluation.intervals import mean_error_interval, proportion_interval

__all__ = ["Slice", "find_slices"]

_FEWEST = 10  # rows of a slice
_MOST_VALUES = 20  # of a category column, the most frequent
_DISTINCT = 6  # number columns with no more distinct values have a slice per value
_QUARTERS = (0.25, 0.5, 0.75)


@dataclass(frozen=True)
class Slice:
    """Some rows of a table, and the metric on them.

    Attributes
    ----------
    column : str
    value : str or None
        The category or number; None for missing values and ranges.
    low, high : str or None
        A range's ends; None otherwise.
    n : int
    figure : float
        Accuracy, or mean absolute error.
    ci95 : [low, high] or None
    stands_out : bool
        Whether it is worse than all rows together, corrected for the number of slices (C.
        Bonferroni 1936): its interval at the level 1 - 0.05 / slices lies on the worse side.
    """

    column: str
    value: str | None
    low: str | None
    high: str | None
    n: int
    figure: float
    ci95: list[float] | None
    stands_out: bool


def find_slices(
    table: Table, scores: NDArray[Any], *, higher_is_better: bool = True
) -> list[Slice]:
    """Measure every slice of at least 10 rows, worst first.

    Parameters
    ----------
    table : Table
    scores : ndarray, shape (n,)
        Of bool, whether each prediction is correct; or of float, its absolute error.
    higher_is_better : bool
        Whether large scores are good ones.

    Examples
    --------
    >>> colour = np.array(["red"] * 20 + ["blue"] * 80, dtype=object)
    >>> found = find_slices(Table((Column("colour", "category", colour),)), colour == "blue")
    >>> [(one.value, one.n, one.figure, one.stands_out) for one in found]
    [('red', 20, 0.0, True), ('blue', 80, 1.0, False)]
    """
    groups = [
        (column.name, *rest)
        for column in table.columns
        for rest in _groups(column)
        if _FEWEST <= rest[-1].sum() < len(table)
    ]
    overall = float(np.mean(scores))
    strict = 1 - 0.05 / max(1, len(groups))
    found = []
    for name, value, low, high, rows in groups:
        inside = scores[rows]
        figure = float(inside.mean())
        wide = _interval(inside, strict)
        worse = wide is not None and (wide[1] < overall if higher_is_better else wide[0] > overall)
        found.append(
            Slice(name, value, low, high, len(inside), figure, _interval(inside, 0.95), worse)
        )
    return sorted(found, key=lambda one: one.figure if higher_is_better else -one.figure)


def _interval(scores: NDArray[Any], level: float) -> list[float] | None:
    if scores.dtype == bool:
        return proportion_interval(int(scores.sum()), len(scores), level)
    return mean_error_interval(scores, level)


def _groups(
    column: Column,
) -> Iterator[tuple[str | None, str | None, str | None, NDArray[np.bool_]]]:
    """Give the value, the ends and the rows of each slice of a column."""
    missing = column.missing
    if missing.any():
        yield None, None, None, missing
    if missing.all():
        return
    if column.kind == "category":
        values, counts = np.unique(column.values[~missing].astype(str), return_counts=True)
        texts = np.where(missing, "", column.values).astype(str)
        for value in values[np.argsort(-counts, kind="stable")[:_MOST_VALUES]]:
            yield str(value), None, None, (texts == value) & ~missing
        return
    numbers = column.values.astype(np.float64)
    numbers[missing] = np.nan
    distinct = np.unique(numbers[~missing])
    if column.kind == "number" and len(distinct) <= _DISTINCT:
        for value in distinct:
            yield f"{value:g}", None, None, numbers == value
        return
    edges = [-np.inf, *np.unique(np.quantile(numbers[~missing], _QUARTERS)), np.inf]
    for start, end in pairwise(edges):
        rows = (numbers > start) & (numbers <= end)
        if rows.any():
            low, high = (_written(end_of(numbers[rows]), column) for end_of in (np.min, np.max))
            yield None, low, high, rows


def _written(number: Any, column: Column) -> str:
    if column.kind == "date":
        moment = np.datetime64(int(number), "ms")
        return str(np.datetime_as_string(moment, unit="D"))
    return f"{number:.4g}"
