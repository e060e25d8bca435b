"""One column of text: what it is, and its values as numbers, dates or categories.

Knows no other column: what these say about the decimal mark is handed in.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from danqing.data.table import Column, ColumnKind, ColumnType
from danqing.data.tables.column_notes import NAMED, read_as_categories, taken_as_missing
from danqing.data.tables.dates import DAY_FIRST, MONTH_FIRST, DateText, choose_order, read_date
from danqing.data.tables.number_columns import (
    TOLERATED,
    WRITTEN,
    WRITTEN_PLAIN,
    NumberColumn,
    tolerated,
)
from danqing.data.tables.numbers import INFINITE_WORDS, MISSING_WORDS, parse_number
from danqing.data.tables.units import common_unit
from danqing.errors import SourceError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["TextColumn"]

_WHOLE = r"(?:[1-9]\d{0,14}|0)"  # no leading zeros, and exact in float64
_PLAIN = (
    rf"^(?:[+-]?{_WHOLE}(?:\.\d*(?:[eE][+-]?\d{{1,2}})?)?|[+-]?\.\d+|[+-]?\d+[eE][+-]\d{{1,2}})$"
)
_GROUP = r"^[+-]?[1-9]\d{0,2}\.\d{3}$"
_EXAMPLE = "2024-05-31"
_UNNAMED = MISSING_WORDS - INFINITE_WORDS


class TextColumn:
    """A column of text, of which a kind is decided first, and the values afterwards.

    Parameters
    ----------
    series : polars.Series
        Of text.
    where : object
        How messages refer to the source.
    trained : bool
        Whether the kind that is given is that of training, which every value must have.
    """

    def __init__(self, series: pl.Series, where: object, *, trained: bool = False) -> None:
        import polars as pl

        texts = series.cast(pl.String).str.strip_chars()
        self.texts = texts.set(texts == "", None)
        self.name, self.where, self.trained = series.name, where, trained
        self.kind: ColumnKind = "category"
        self.known: ColumnType | None = None
        self.unit = ""  # behind every number
        self._plain: pl.Series | None = None
        self._order: tuple[str, bool] | None = None

    def decide_kind(self, known: ColumnType | None) -> None:
        """Decide the kind from all values, or take the one that is known."""
        self.known = known
        self.trained = self.trained and known is not None
        if known:
            self.kind = known.kind
            if known.kind == "date" and not self.trained:
                self._order = choose_order(self._present_dates, 1.0)
            if unit := known.written.partition(" ")[2]:
                self._strip(unit)
            return
        if not self._is_plain():
            self._strip(common_unit(self._distinct.to_list(), self._counts, TOLERATED))
        if self._is_plain() or self._is_number():
            self.kind = "number"
        elif self._is_date():
            self.kind = "date"

    def _strip(self, unit: str) -> None:
        """Take the unit away from behind the numbers."""
        if unit:
            self.unit = unit
            self.texts = self.texts.str.strip_suffix(unit).str.strip_chars()
            for name in ("_distinct", "_codes", "_numbers", "_dates"):
                self.__dict__.pop(name, None)

    def decimal(self) -> str | None:
        """Return the decimal mark that this column's own values decide, or None."""
        if self.kind != "number":
            return None
        if self._plain is not None:
            pointed = self._plain.str.contains(".", literal=True)
            grouped = self._plain.str.contains(_GROUP)
            return "." if (pointed & ~grouped).any() else None
        return self._numbers.decimal()

    def column(self, decimal: str, separator: str, notes: list[str]) -> Column:
        """Give the column.

        Parameters
        ----------
        decimal : str
            The mark before decimals in other columns of the file; empty if they don't decide it.
        separator : str
            The file's.
        notes : list of str
            What was decided, or taken as missing, is appended here.
        """
        if self.kind == "number":
            column = self._number_column(decimal, separator, notes)
            if not self.unit:
                self.unit = "" if self._plain is not None else self._numbers.currency
                return replace(column, written=self._with_unit(column.written))
            if self.known is None:
                notes.append(f"the column {self.name!r} is read as numbers of {self.unit}")
            return replace(column, written=self._with_unit(column.written))
        if self.kind == "date":
            return self._date_column(notes)
        if self.known is None and (note := read_as_categories(self.name, self._numbers)):
            notes.append(note)
        return self.category()

    def category(self) -> Column:
        """Give the column as categories, which share one str per distinct value."""
        words = np.array([*self._distinct.to_list(), None], dtype=object)
        return Column(self.name, "category", words[self._codes])

    @cached_property
    def _distinct(self) -> pl.Series:
        return self.texts.unique(maintain_order=True).drop_nulls()

    @cached_property
    def _codes(self) -> NDArray[np.int64]:
        """The place of each value among the distinct ones; of a missing one, the last place."""
        import polars as pl

        missing = len(self._distinct)
        codes = self.texts.replace_strict(
            self._distinct, pl.Series(range(missing), dtype=pl.Int64), default=missing
        )
        return np.asarray(codes.fill_null(missing).to_numpy())

    @property
    def _counts(self) -> list[int]:
        """How often each distinct value occurs."""
        counts = np.bincount(self._codes, minlength=len(self._distinct) + 1)[:-1]
        return [int(count) for count in counts]

    @cached_property
    def _numbers(self) -> NumberColumn:
        return NumberColumn(self._distinct.to_list(), self._counts)

    @cached_property
    def _dates(self) -> list[DateText | None]:
        return [read_date(text) for text in self._distinct.to_list()]

    @property
    def _present_dates(self) -> list[DateText]:
        return [date for date in self._dates if date is not None]

    def _is_plain(self) -> bool:
        """Whether all values are numbers as programs write them; most columns of numbers are."""
        present = self.texts.drop_nulls()
        present = present.filter(~present.str.to_lowercase().is_in(list(_UNNAMED)))
        if not present.str.contains(_PLAIN).all():
            return False
        self._plain = present
        return True

    def _is_number(self) -> bool:
        numbers = self._numbers
        if not numbers.looks_numeric():
            return False
        best = max(numbers.fits.values())
        if numbers.present - best > tolerated(numbers.present):
            return False
        # Without any value that is a number, marks of errors still mean numbers.
        return (best > 0 and not numbers.codes()) or not numbers.present

    def _is_date(self) -> bool:
        sample = self._distinct.gather_every(max(1, len(self._distinct) // 200)).to_list()
        if 2 * sum(read_date(text) is not None for text in sample) < len(sample) or not sample:
            return False
        pairs = zip(self._dates, self._distinct.to_list(), self._counts, strict=True)
        known = [(date, n) for date, text, n in pairs if text.lower() not in MISSING_WORDS]
        total = sum(n for _, n in known)
        bad = sum(n for date, n in known if date is None)
        self._order = choose_order(self._present_dates, TOLERATED)
        return bad <= tolerated(total) and self._order is not None

    def _number_column(self, decimal: str, separator: str, notes: list[str]) -> Column:
        import polars as pl

        if self._plain is not None and not self._is_grouped(decimal, separator):
            words = self.texts.str.to_lowercase().is_in(list(MISSING_WORDS))
            values = self.texts.set(words.fill_null(value=False), None).cast(
                pl.Float64, strict=False
            )
            mark = decimal or ("," if separator == ";" and self._only_whole() else ".")
            return Column(self.name, "number", _finite(values.to_numpy()), WRITTEN[mark])
        if self.trained and self.known:
            written = self._numbers.written_as(self.known.written.partition(" ")[0], decimal)
        else:
            written = self._numbers.choose_written(decimal, separator, self.name, self.where)
        way = self._with_unit(written)
        distinct = [parse_number(text, way) for text in self._distinct.to_list()]
        if self.trained and None in distinct:
            self._refuse(distinct.index(None), "a number", way)
        nothing = self.known and all(v is None or v != v for v in distinct)
        if nothing and None in distinct:
            self._refuse(distinct.index(None), "a number", "")
        self._note_missing(distinct, "number", notes)
        found = np.array([*(math.nan if v is None else v for v in distinct), math.nan])
        return Column(self.name, "number", found[self._codes], written)

    def _with_unit(self, written: str) -> str:
        return f"{written or WRITTEN_PLAIN} {self.unit}" if self.unit else written

    def _only_whole(self) -> bool:
        return self._plain is not None and not self._plain.str.contains(r"[.eE]").any()

    def _is_grouped(self, decimal: str, separator: str) -> bool:
        """Whether plain values such as 1.250 may be thousands."""
        if self._plain is None or decimal == ",":
            return decimal == ","
        if decimal or separator == "," or self.decimal():
            return False
        return bool(self._plain.str.contains(_GROUP).any())

    def _date_column(self, notes: list[str]) -> Column:
        texts = self._distinct.to_list()
        if self.trained and self.known:
            order = self.known.written
        else:
            order, certain = self._order or ("", True)
            if not certain:
                notes.append(
                    f"the column {self.name!r} has dates in which day and month can't be told "
                    f"apart, such as {self._distinct[0]}; the day is taken to come first; "
                    "otherwise write the year first"
                )
        at = 1 if order == MONTH_FIRST else 0
        distinct: list[float | None] = []
        for text, date in zip(texts, self._dates, strict=True):
            moment = date[at] if date and (date.certain or order) else None
            missing = text.lower() in MISSING_WORDS
            distinct.append(math.nan if missing else moment)
        if None in distinct and (self.trained or all(v is None or v != v for v in distinct)):
            example = {DAY_FIRST: "31/05/2024", MONTH_FIRST: "05/31/2024"}.get(order, _EXAMPLE)
            self._refuse(distinct.index(None), f"a date, such as {example},", "")
        self._note_missing(distinct, "date", notes)
        moments = [np.datetime64("NaT") if v is None or v != v else np.datetime64(int(v), "ms")
                   for v in distinct]  # fmt: skip
        values = np.array([*moments, np.datetime64("NaT")], dtype="datetime64[ms]")
        return Column(self.name, "date", values[self._codes], order)

    def _refuse(self, place: int, expected: str, written: str) -> None:
        row = int((self._codes == place).argmax())
        like = f" such as {written}" if written else ""
        raise SourceError(
            f"{self.where}: row {row + 1} of the column {self.name!r} is {self.texts[row]!r}; "
            f"expected {expected}{like} as in the training rows"
        )

    def _note_missing(self, distinct: list[float | None], kind: str, notes: list[str]) -> None:
        """Name the values that are taken as missing, though they aren't empty."""
        texts = self._distinct.to_list()
        bad = np.array([
            value is None or (value != value and text.lower() not in _UNNAMED)
            for text, value in zip(texts, distinct, strict=True)
        ] + [False])  # fmt: skip
        rows = np.flatnonzero(bad[self._codes]).tolist()
        if rows:
            seen = [(row, str(self.texts[row])) for row in rows[:NAMED]]
            notes.append(taken_as_missing(self.name, kind, len(rows), seen))


def _finite(values: Any) -> NDArray[np.float64]:
    numbers = np.array(values, dtype=np.float64)
    numbers[np.isinf(numbers)] = np.nan
    return numbers
