"""Units: in a first row beneath the columns' names (cm, kg, °C), or behind every number (12 kg).

Knows no types: a column counts as numbers if all its other values look like numbers.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from danqing.data.tables.numbers import ERROR_MARKS, MISSING_WORDS, read_number

if TYPE_CHECKING:
    import polars as pl

__all__ = ["common_unit", "rows_of_units"]

_FEWEST = 5  # values beneath the unit
_SAMPLE = 100
_LONGEST = 12  # characters of a unit
_DISTINCT = 20  # fewer values with a unit are as good as categories, and may be classes
_WITH_UNIT = re.compile(
    rf"(?P<number>.*\d[.,]?)(?P<space>\s*)(?P<unit>[^\d\s].{{0,{_LONGEST - 1}}})"
)
_NUMBERED = re.compile(r"[A-Z]{1,2}")  # 12B and 14B are numbers of houses or buses


def common_unit(texts: Sequence[str], counts: Sequence[int], allowed: float) -> str:
    """Find the unit that stands behind all numbers of a column, or all but a few.

    Parameters
    ----------
    texts : sequence of str
        Distinct.
    counts : sequence of int
        How often each occurs.
    allowed : float
        Share of the values that may be something else.

    Returns
    -------
    str
        Empty if there is none.

    Examples
    --------
    >>> texts = [f"{number / 4} kg" for number in range(40)]
    >>> common_unit(texts, [1] * 40, 0.02), common_unit([*texts, "2 lb"], [1] * 40 + [9], 0.02)
    ('kg', '')
    """
    first = next(filter(None, map(_WITH_UNIT.fullmatch, texts[:_DISTINCT])), None)
    if first is None or len(texts) <= _DISTINCT:
        return ""
    unit = str(first["unit"])
    if not first["space"] and _NUMBERED.fullmatch(unit):
        return ""
    other = sum(
        count
        for text, count in zip(texts, counts, strict=True)
        if not _is_missing(text) and not _has_unit(text, unit)
    )
    return unit if _is_unit(unit) and other <= allowed * sum(counts) else ""


def rows_of_units(
    frame: pl.DataFrame, numbers: Collection[str] | None = None
) -> tuple[bool, pl.DataFrame]:
    """Find out whether the first row holds units, and empty it if so.

    Parameters
    ----------
    frame : DataFrame
    numbers : collection of str, optional
        The columns of numbers, if that is known; else their other values tell.

    Examples
    --------
    >>> import polars
    >>> frame = polars.DataFrame({"size": ["cm", *"123456"], "kind": list("-abcabc")})
    >>> rows_of_units(frame)[0]
    True
    """
    import polars as pl

    if numbers is None and len(frame) <= _FEWEST:
        return False, frame
    first = frame.row(0)
    numeric = [
        (place, series)
        for place, series in enumerate(frame.get_columns())
        if series.dtype == pl.String
        and (_has_numbers(series[1:]) if numbers is None else series.name in numbers)
    ]
    units = [place for place, _ in numeric if _is_unit(first[place])]
    given = [place for place, _ in numeric if first[place] is not None and first[place].strip()]
    if not units or len(units) < len(given):
        return False, frame
    others = [value for place, value in enumerate(first) if place not in units]
    if len(units) == 1 and not all(_is_missing(str(value or "")) for value in others):
        return False, frame  # a single stray mark
    empty = [
        series.clone().set(pl.Series([True] + [False] * (len(frame) - 1)), None)
        if series.dtype == pl.String
        else series
        for series in frame.get_columns()
    ]
    return True, pl.DataFrame(empty)


def _has_unit(text: str, unit: str) -> bool:
    """Whether a text is a number with a unit; a currency or % is part of the number itself."""
    number = text.removesuffix(unit)
    return number != text and read_number(text) is None and read_number(number) is not None


def _has_numbers(series: pl.Series) -> bool:
    sample = series.drop_nulls().gather_every(max(1, len(series) // _SAMPLE)).to_list()
    known = [text.strip() for text in sample if not _is_missing(text)]
    numbers = sum(read_number(text) is not None for text in known)
    return numbers >= min(_FEWEST, len(sample)) > 0 and numbers >= 0.9 * len(known)


def _is_missing(text: str) -> bool:
    return text.strip().lower() in MISSING_WORDS or text.strip().lower() in ERROR_MARKS


def _is_unit(text: str | None) -> bool:
    word = (text or "").strip()
    plain = 0 < len(word) <= _LONGEST and not _is_missing(word) and read_number(word) is None
    return plain and any(c.isalpha() or c in "%°$€£¥" for c in word) and not word[0].isdecimal()
