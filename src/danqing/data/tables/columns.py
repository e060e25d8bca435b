"""From Polars' series to a Table's columns: numbers, categories or dates.

Knows no files: the fields of a CSV file arrive as text. A column's type is decided from all of its
values, and the decimal mark of one column may decide that of another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from danqing.data.table import Column, ColumnType, infinite_as_missing
from danqing.data.tables.text_column import TextColumn
from danqing.errors import SourceError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["column_from_series", "columns_from_series"]

Notes = list[str]


def columns_from_series(
    columns: Sequence[pl.Series],
    where: object,
    types: Mapping[str, ColumnType],
    notes: Notes,
    *,
    trained: bool = False,
    separator: str = ",",
) -> tuple[Column, ...]:
    """Convert the series of one table to columns.

    Parameters
    ----------
    columns : sequence of polars.Series
    where : object
        How messages refer to the source.
    types : mapping of str to ColumnType
        Known types; those of other columns are inferred from their values.
    notes : list of str
        What was decided, or taken as missing, is appended here, a line each.
    trained : bool
        Whether `types` are those of training, which every value must have; otherwise values that
        don't fit are taken as missing.
    separator : str
        The file's: with a semicolon, decimals often follow a comma.

    Raises
    ------
    SourceError
        If a series contains lists or the like, values don't have their known type, or it can't be
        decided how numbers are written.
    """
    import polars as pl

    texts = {
        series.name: TextColumn(series, where, trained=trained)
        for series in columns
        if series.dtype == pl.String or isinstance(series.dtype, pl.Categorical | pl.Enum)
    }
    for name, text in texts.items():
        text.decide_kind(types.get(name))
    votes = {mark for text in texts.values() if (mark := text.decimal())}
    decimal = votes.pop() if len(votes) == 1 else ""
    made = []
    for series in columns:
        known = types.get(series.name)
        if series.name in texts:
            made.append(texts[series.name].column(decimal, separator, notes))
        else:
            made.append(_plain_column(series, where, known, notes))
    return tuple(made)


def column_from_series(
    series: pl.Series, where: object, kind: ColumnType | None = None, notes: Notes | None = None
) -> Column:
    """Convert a single series of any plain type to a column, as `columns_from_series` does.

    Examples
    --------
    >>> import polars
    >>> column_from_series(polars.Series("a", ["1", "NA", "2.5"]), "a.csv").values.tolist()
    [1.0, nan, 2.5]
    >>> column_from_series(polars.Series("a", ["2024-05-01", ""]), "a.csv").kind
    'date'
    """
    types = {series.name: kind} if kind else {}
    return columns_from_series([series], where, types, [] if notes is None else notes)[0]


def _plain_column(
    series: pl.Series, where: object, known: ColumnType | None, notes: Notes
) -> Column:
    """Convert a series that isn't text."""
    import polars as pl

    dtype = series.dtype
    if dtype == pl.Boolean:
        words = series.replace_strict({True: "true", False: "false"}, return_dtype=pl.String)
        return TextColumn(words, where).category()
    if dtype == pl.Date or isinstance(dtype, pl.Datetime):
        column = Column(series.name, "date", _dates(series))
        return _of_kind(column, series, where, known, notes)
    if isinstance(dtype, pl.Time | pl.Duration) or dtype in (pl.Time, pl.Duration):
        # In seconds: Polars counts times of day in nanoseconds, durations in their own unit.
        unit = {"ms": 1e3, "us": 1e6, "ns": 1e9}[getattr(dtype, "time_unit", "ns")]
        series = series.to_physical().cast(pl.Float64) / unit
    elif not (dtype.is_numeric() or dtype == pl.Null):
        raise SourceError(
            f"{where}: the column {series.name!r} contains values of type {dtype}; "
            "expected numbers, text, booleans or dates; leave it out"
        )
    if known and known.kind == "category" and dtype == pl.Null:
        return Column(series.name, "category", np.full(len(series), None, dtype=object))
    if _is_inexact(series):
        # Whole numbers beyond what float64 holds are codes, kept as they are written.
        texts = TextColumn(series.cast(pl.String), where)
        if not known or known.kind == "category":
            return texts.category()
    column = Column(series.name, "number", _numbers(series.cast(pl.Float64, strict=False), notes))
    return _of_kind(column, series, where, known, notes)


def _of_kind(
    column: Column, series: pl.Series, where: object, known: ColumnType | None, notes: Notes
) -> Column:
    """Convert to another kind that was asked for; what was trained on is converted later."""
    import polars as pl

    if known is None or known.kind == column.kind or known.written:
        return replace(column, written=known.written) if known else column
    if known.kind == "number":
        raise SourceError(f"{where}: the column {column.name!r} has dates; expected numbers")
    if column.kind == "number":
        whole = series.dtype.is_integer()
        values = column.values.tolist()
        from danqing.data.labels import text_of_number

        words = (
            series.cast(pl.String).to_list()
            if whole
            else [None if v != v else text_of_number(v) for v in values]
        )
    else:
        words = [None if v is None else str(v) for v in series.to_list()]
    texts = TextColumn(pl.Series(column.name, words, dtype=pl.String), where)
    texts.decide_kind(known)
    return texts.column("", ",", notes)


def _is_inexact(series: pl.Series) -> bool:
    """Whether float64 can't hold some of the whole numbers."""
    import polars as pl

    dtype = series.dtype
    if not (dtype.is_integer() or isinstance(dtype, pl.Decimal)):
        return False
    low, high = cast("Any", series.min()), cast("Any", series.max())
    if low is None or (abs(int(low)) <= 2**53 and abs(int(high)) <= 2**53):
        return False
    plain = series.drop_nulls().cast(pl.Float64)
    return any(
        abs(int(value)) > 2**53 and int(value) != int(number)
        for value, number in zip(series.drop_nulls().to_list(), plain.to_list(), strict=True)
    )


def _dates(series: pl.Series) -> NDArray[np.datetime64]:
    import polars as pl

    if isinstance(series.dtype, pl.Datetime) and series.dtype.time_zone:
        series = series.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return np.asarray(series.cast(pl.Datetime("ms")).to_numpy()).astype("datetime64[ms]")


def _numbers(series: pl.Series, notes: Notes) -> NDArray[np.float64]:
    values = np.array(series.to_numpy(), dtype=np.float64)
    return infinite_as_missing(values, series.name, notes)
