"""From Polars' series to a Table's columns: numbers, categories or dates.

Knows no files: the fields of a CSV file arrive as text, and their type is decided here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from danqing.data.table import Column, ColumnKind
from danqing.errors import SourceError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["MISSING_WORDS", "column_from_series"]

MISSING_WORDS = frozenset(
    ("", "?", "-", "na", "n/a", "#n/a", "nan", "-nan", "null", "none", "inf", "+inf", "-inf",
     "infinity", "+infinity", "-infinity")
)  # fmt: skip
"""Words, in lower case, that mean a missing value among numbers. In text only "" does."""

_DAYS = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日")
_TIMES = tuple(
    f"{day}{between}{time}"
    for day in _DAYS[:2]
    for between in ("T", " ")
    for time in ("%H:%M", "%H:%M:%S", "%H:%M:%S%.f", "%H:%M:%S%.f%#z")
)
_DATES = (*_DAYS, *_TIMES)


def column_from_series(
    series: pl.Series, where: object, kind: ColumnKind | None = None, *, decimal_comma: bool = False
) -> Column:
    """Convert a series of any plain type to a column.

    Text becomes numbers if every value is a number or means a missing one; otherwise dates if all
    values share one format, year first (ISO 8601 and similar); otherwise categories.

    Parameters
    ----------
    series : polars.Series
    where : object
        How messages refer to the source.
    kind : {"number", "category", "date"}, optional
        The column's type. Inferred from the values if not given.
    decimal_comma : bool
        Whether 1,5 may mean one and a half.

    Raises
    ------
    SourceError
        If the series contains lists or the like, or its values are not of that `kind`.

    Examples
    --------
    >>> import polars
    >>> column_from_series(polars.Series("a", ["1", "NA", "2.5"]), "a.csv").values.tolist()
    [1.0, nan, 2.5]
    >>> column_from_series(polars.Series("a", ["2024-05-01", ""]), "a.csv").kind
    'date'
    """
    import polars as pl

    dtype = series.dtype
    if isinstance(dtype, pl.Categorical | pl.Enum):
        series, dtype = series.cast(pl.String), pl.String()
    if dtype == pl.String:
        return _from_text(series, where, kind, decimal_comma)
    if dtype == pl.Boolean:
        words = series.replace_strict({True: "true", False: "false"}, return_dtype=pl.String)
        return Column(series.name, "category", _texts(words))
    if dtype == pl.Date or isinstance(dtype, pl.Datetime):
        return Column(series.name, "date", _dates(series))
    if isinstance(dtype, pl.Time | pl.Duration) or dtype in (pl.Time, pl.Duration):
        # In seconds: Polars counts times of day in nanoseconds, durations in their own unit.
        unit = {"ms": 1e3, "us": 1e6, "ns": 1e9}[getattr(dtype, "time_unit", "ns")]
        series = series.to_physical().cast(pl.Float64) / unit
    elif not (dtype.is_numeric() or dtype == pl.Null):
        raise SourceError(
            f"{where}: the column {series.name!r} contains values of type {dtype}; "
            "expected numbers, text, booleans or dates; leave it out"
        )
    numbers = _numbers(series.cast(pl.Float64, strict=False))
    if kind == "category" and dtype == pl.Null:
        return Column(series.name, "category", np.full(len(series), None, dtype=object))
    return Column(series.name, "number", numbers)


def _from_text(
    texts: pl.Series, where: object, kind: ColumnKind | None, decimal_comma: bool
) -> Column:
    import polars as pl

    texts = texts.str.strip_chars()
    texts = texts.set(texts == "", None)
    if kind == "category":
        return Column(texts.name, "category", _texts(texts))
    plain = texts
    if decimal_comma:
        # Points would separate thousands there; only text without them is taken for a number.
        plain = texts.str.replace(r"^([+-]?\d*),(\d+)$", "$1.$2")
    plain = plain.set(plain.str.to_lowercase().is_in(list(MISSING_WORDS)), None)
    numbers = plain.cast(pl.Float64, strict=False)
    if kind != "date" and numbers.null_count() == plain.null_count():
        return Column(texts.name, "number", _numbers(numbers))
    if kind == "number":
        row = int((numbers.is_null() & plain.is_not_null()).arg_max() or 0)
        raise SourceError(
            f"{where}: row {row + 1} of the column {texts.name!r} is {texts[row]!r}; "
            "expected a number as in the training rows"
        )
    dates = _parsed_dates(texts)
    if dates is not None:
        return Column(texts.name, "date", _dates(dates))
    if kind == "date":
        raise SourceError(
            f"{where}: the column {texts.name!r} has values that are not dates; "
            "expected dates as in the training rows, such as 2024-05-31"
        )
    return Column(texts.name, "category", _texts(texts))


def _parsed_dates(texts: pl.Series) -> pl.Series | None:
    """Parse dates if one format fits every value that is present."""
    present = texts.drop_nulls()
    if not len(present):
        return None
    for written in _DATES:
        # The first value almost always decides: most columns are not dates.
        if present[:1].str.to_datetime(written, strict=False, time_unit="ms").null_count():
            continue
        parsed = texts.str.to_datetime(written, strict=False, time_unit="ms")
        if parsed.null_count() == texts.null_count():
            return parsed
    return None


def _dates(series: pl.Series) -> NDArray[np.datetime64]:
    import polars as pl

    if isinstance(series.dtype, pl.Datetime) and series.dtype.time_zone:
        series = series.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return np.asarray(series.cast(pl.Datetime("ms")).to_numpy()).astype("datetime64[ms]")


def _numbers(series: pl.Series) -> NDArray[np.float64]:
    values = np.array(series.to_numpy(), dtype=np.float64)
    # An infinity is not a measurement; the network could do nothing with it either.
    values[np.isinf(values)] = np.nan
    return values


def _texts(series: pl.Series) -> NDArray[Any]:
    """Return text as objects that share one str per distinct value: compact, quick to compare."""
    import polars as pl

    distinct = series.unique().drop_nulls()
    # The last position is a null's.
    words = np.array([*distinct.to_list(), None], dtype=object)
    codes = series.replace_strict(
        distinct, pl.Series(range(len(distinct)), dtype=pl.Int64), default=len(distinct)
    )
    return cast("NDArray[Any]", words[codes.fill_null(len(distinct)).to_numpy()])
