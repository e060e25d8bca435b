"""Convert a new column to the kind that it had in training.

Knows one column at a time, and of training only the column's kind.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.data.labels import text_of_number
from danqing.data.table import Column, ColumnKind, ColumnType, texts_of_dates
from danqing.data.tables.dates import parse_date
from danqing.data.tables.numbers import MISSING_WORDS, parse_number
from danqing.errors import SourceError

__all__ = ["values_as"]


def values_as(column: Column, wanted: ColumnType) -> NDArray[Any]:
    """Convert a column's values to the type `wanted`.

    A few rows may look like another kind than the many of training: codes that happen to be all
    digits look like numbers, and an empty column can be anything.

    Returns
    -------
    ndarray, shape (n,)
        As in a `Column` of that kind.

    Raises
    ------
    SourceError
        If a value can't be converted; the message names column, row and value.

    Examples
    --------
    >>> values_as(Column("size", "category", np.array(["1.5", None], object)),
    ...           ColumnType("number")).tolist()
    [1.5, nan]
    """
    kind = wanted.kind
    if column.kind == kind:
        return column.values
    if kind == "category":
        return _texts(column)
    if column.kind == "category":
        read = _number if kind == "number" else _moment
        values = [read(value, wanted.written) for value in column.values.tolist()]
        if None in values:
            row = values.index(None)
            raise SourceError(_complaint(column.name, row, column.values[row], kind))
        dtype = np.float64 if kind == "number" else "datetime64[ms]"
        return np.array(values, dtype=dtype)
    if not column.missing.all():
        row = int(np.argmin(column.missing))
        raise SourceError(_complaint(column.name, row, column.values[row], kind))
    return np.full(len(column.values), np.nan if kind == "number" else np.datetime64("NaT", "ms"))


def _complaint(name: str, row: int, value: object, kind: ColumnKind) -> str:
    said = repr(value) if isinstance(value, str) else str(value)
    expected = {"number": "a number", "date": "a date such as 2024-05-31"}[kind]
    return f"row {row + 1} of the column {name!r} is {said}; expected {expected}, as in training"


def _texts(column: Column) -> NDArray[Any]:
    values: list[str | None]
    if column.kind == "number":
        values = [None if math.isnan(v) else text_of_number(v) for v in column.values.tolist()]
    else:
        values = texts_of_dates(column.values)
    return np.array([*values, None], dtype=object)[:-1]


def _number(text: str | None, written: str) -> float | None:
    return parse_number(text, written)


def _moment(text: str | None, written: str) -> np.datetime64 | None:
    if text is None or text.strip().lower() in MISSING_WORDS:
        return np.datetime64("NaT", "ms")
    moment = parse_date(text, written)
    return None if moment is None else np.datetime64(moment, "ms")
