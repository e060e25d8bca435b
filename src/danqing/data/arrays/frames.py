"""Data frames of pandas or Polars -> a Table, each column with the type that it has there.

Never imports pandas: a data frame is recognised by its attributes. Knows no targets.
"""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.data.arrays.from_arrays import is_inexact
from danqing.data.labels import text_of_number
from danqing.data.table import Column, ColumnType, Table, infinite_as_missing, texts_of_dates
from danqing.data.tables.columns import column_from_series
from danqing.errors import SourceError

__all__ = ["HERE", "is_frame", "table_of_frame", "values_of_pandas"]

HERE = "the data given"


def is_frame(obj: Any) -> bool:
    """Whether an object is a data frame of pandas or Polars, or behaves like one."""
    return not isinstance(obj, Table) and hasattr(obj, "columns") and hasattr(obj, "to_numpy")


def table_of_frame(
    frame: Any, types: Mapping[str, ColumnType] | None = None, notes: list[str] | None = None
) -> Table:
    """Convert a data frame; text stays text, as it was typed on purpose.

    Parameters
    ----------
    frame : pandas.DataFrame or polars.DataFrame
    types : mapping of str to ColumnType, optional
        Types of columns instead of their own.
    notes : list of str, optional
        Which values were taken as missing is appended here.

    Raises
    ------
    SourceError
        If two columns have one name, or values are of a type that no column can have.
    """
    types = types or {}
    names = [str(name) for name in frame.columns]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise SourceError(f"{HERE} has two columns {doubled[0]!r}; rename one")
    columns = []
    for name, key in zip(names, frame.columns, strict=True):
        series = frame[key]
        known = types.get(name)
        if type(series).__module__.split(".")[0] == "polars":
            # A data frame's text stays text: unlike in a CSV file, it was typed on purpose.
            is_text = str(series.dtype) in ("String", "Categorical", "Enum")
            known = known or (ColumnType("category") if is_text else None)
            columns.append(column_from_series(series, HERE, known, notes))
        else:
            column = _column_of_values(name, values_of_pandas(series), notes)
            column = _as_category(column) if str(series.dtype) == "category" else column
            columns.append(_of_type(column, known, notes) if known else column)
    return Table(tuple(columns))


def _of_type(column: Column, known: ColumnType, notes: list[str] | None) -> Column:
    """Convert a column to the kind that was asked for."""
    import polars as pl

    if known.kind == column.kind:
        return replace(column, written=known.written)
    if column.kind == "number":
        column = _as_category(column)
    elif column.kind == "date":
        words = texts_of_dates(column.values)
        column = Column(column.name, "category", np.array([*words, None], dtype=object)[:-1])
    if known.kind == "category":
        return column
    texts = pl.Series(column.name, column.values.tolist(), dtype=pl.String)
    return column_from_series(texts, HERE, known, notes)


def _as_category(column: Column) -> Column:
    if column.kind != "number":
        return column
    values = [None if v != v else text_of_number(v) for v in column.values.tolist()]
    return Column(column.name, "category", np.array([*values, None], dtype=object)[:-1])


def values_of_pandas(series: Any) -> NDArray[Any]:
    """Return a series' values as a plain array; missing objects become None."""
    missing = np.asarray(series.isna(), dtype=bool)
    values = np.asarray(series.to_numpy())
    if values.dtype.kind in "biufM":
        return values
    if values.dtype.kind == "m":
        return np.asarray(values / np.timedelta64(1, "s"))
    if str(series.dtype).startswith(("datetime64", "period")):
        return np.asarray(series.astype("datetime64[ns, UTC]").to_numpy("datetime64[ns]"))
    values = values.astype(object)
    values[missing] = None
    present = values[~missing].tolist()
    if present and all(isinstance(value, bool | np.bool_) for value in present):
        return np.array([None if v is None else str(bool(v)).lower() for v in values], object)
    whole = present and all(isinstance(value, int | np.integer) for value in present)
    if whole and any(int(v) != int(float(v)) for v in present if abs(int(v)) < 2**1000):
        return np.array([*(None if v is None else str(int(v)) for v in values), None], object)[:-1]
    if present and all(
        isinstance(value, int | float | np.number | decimal.Decimal) for value in present
    ):
        return np.array([np.nan if value is None else float(value) for value in values])
    return values


def _column_of_values(name: str, values: NDArray[Any], notes: list[str] | None) -> Column:
    if values.ndim != 1:
        raise SourceError(f"{HERE}: the column {name!r} is not one-dimensional; leave it out")
    if values.dtype.kind == "b":
        words = np.array(["false", "true"], dtype=object)[values.astype(np.int64)]
        return Column(name, "category", words)
    if values.dtype.kind in "iu" and is_inexact(values):
        # Whole numbers beyond what float64 holds are codes, kept as they are.
        return Column(name, "category", np.array([*map(str, values.tolist()), None], object)[:-1])
    if values.dtype.kind in "iuf":
        numbers = infinite_as_missing(values.astype(np.float64), name, notes)
        return Column(name, "number", numbers)
    if values.dtype.kind == "M":
        return Column(name, "date", values.astype("datetime64[ms]"))
    present = [value for value in values.tolist() if value is not None]
    if not present:
        return Column(name, "number", np.full(len(values), np.nan))
    if all(isinstance(value, datetime.date) for value in present):
        return Column(name, "date", np.array([_moment(value) for value in values.tolist()]))
    texts = [None if value is None else _text(name, value) for value in values.tolist()]
    return Column(name, "category", np.array([*texts, None], dtype=object)[:-1])


def _moment(value: datetime.date | None) -> np.datetime64:
    if isinstance(value, datetime.datetime) and value.tzinfo:
        value = value.astimezone(datetime.UTC).replace(tzinfo=None)
    return np.datetime64("NaT" if value is None else value, "ms")


def _text(name: str, value: Any) -> str | None:
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, bool | np.bool_):
        return str(bool(value)).lower()
    if isinstance(value, int | np.integer):
        return str(int(value))
    if isinstance(value, float | np.number | decimal.Decimal):
        return text_of_number(float(value))
    raise SourceError(
        f"{HERE}: the column {name!r} contains objects of type {type(value).__name__}; "
        "expected numbers, text, booleans or dates"
    )
