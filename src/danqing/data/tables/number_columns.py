"""From a column's distinct texts to numbers, in the one way of writing that all of them allow.

Knows no files and no Polars.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from danqing.data.tables.numbers import ERROR_MARKS, MISSING_WORDS, NumberText, read_number
from danqing.errors import SourceError

__all__ = ["LARGEST_EXACT", "TOLERATED", "WRITTEN", "WRITTEN_PLAIN", "NumberColumn", "tolerated"]

TOLERATED = 0.02  # share of values that may not fit the column's type, and are taken as missing
LARGEST_EXACT = 2**53
WRITTEN = {".": "", ",": "1.234,5"}
"""What `ColumnType.written` says of columns with each decimal mark."""
WRITTEN_PLAIN = "1,234.5"
"""The same of a decimal point, where a unit follows."""
PERCENT = {".": "1,234.5%", ",": "1.234,5%"}
_ENOUGH = 20  # values among which a single one may not fit
_FEW_CODES = 0.5  # codes repeat: at most so many different whole numbers a row
_SAMPLE = 200
_LEADING_ZERO = re.compile(r"[+-]?0\d+")
_EXPONENT = re.compile(r"\d+[eE]\d+")
_WHOLE = re.compile(r"[+-]?\d+")
_CODE = re.compile(r"[A-Za-z]+[-_ ]?\d[\w-]*|\d+[A-Z]{1,2}\d*")
_GROUPED = re.compile(r"[^\d]*[1-9]\d{0,2}([.,]\d{3})+[^\d]*")


def tolerated(count: int) -> float:
    """Return how many of `count` values may not fit their column's type."""
    return max(TOLERATED * count, 1.0 if count >= _ENOUGH else 0.0)


@dataclass(frozen=True)
class NumberColumn:
    """A column's distinct texts, read as numbers in every way of writing.

    Attributes
    ----------
    texts : sequence of str
        Distinct, stripped, none empty.
    counts : sequence of int
        How often each occurs.
    """

    texts: Sequence[str]
    counts: Sequence[int] = field(repr=False)

    @cached_property
    def read(self) -> list[NumberText | None]:
        """Each text, read."""
        return [read_number(text) for text in self.texts]

    @cached_property
    def absent(self) -> list[bool]:
        """Whether each text means a missing value, or a number too large."""
        return [
            text.lower() in MISSING_WORDS
            or text.lower() in ERROR_MARKS
            or (found is not None and math.inf in (abs(found.point or 0), abs(found.comma or 0)))
            for text, found in zip(self.texts, self.read, strict=True)
        ]

    @cached_property
    def present(self) -> int:
        """How many values are there."""
        return self._total(not absent for absent in self.absent)

    @cached_property
    def fits(self) -> dict[str, int]:
        """How many values are numbers if a point, or a comma, precedes the decimals."""
        return {
            ".": self._total(self.is_number(i, ".") for i in range(len(self.texts))),
            ",": self._total(self.is_number(i, ",") for i in range(len(self.texts))),
        }

    def looks_numeric(self) -> bool:
        """Whether half of a sample of the texts are numbers, or mean missing ones."""
        step = max(1, len(self.texts) // _SAMPLE)
        sample = self.texts[::step]
        good = sum(
            text.lower() in MISSING_WORDS
            or text.lower() in ERROR_MARKS
            or read_number(text) is not None
            for text in sample
        )
        return 2 * good >= len(sample)

    def decimal(self) -> str | None:
        """Return the decimal mark that this column's own values decide, or None."""
        point, comma = self.fits["."], self.fits[","]
        limit = self.present - tolerated(self.present)
        if max(point, comma) < limit or point == comma:
            return None
        return "." if point > comma else ","

    def ambiguous(self) -> bool:
        """Whether 1.250 or 1,250 may be one and a quarter, or 1250."""
        return self.fits["."] == self.fits[","] and any(
            found is not None and None not in (found.point, found.comma)
            and found.point != found.comma
            for found in self.read
        )  # fmt: skip

    def thousands(self) -> str | None:
        """Return the decimal mark if the ambiguous values can only be thousands.

        Decimals are written with a fixed number of digits, or without trailing zeros: 950 beside
        2.500 is neither.
        """
        plain, grouped, zero = [], [], False
        for text, found in zip(self.texts, self.read, strict=True):
            if found is None:
                continue
            if _GROUPED.fullmatch(text):
                grouped.append(text)
                zero = zero or re.sub(r"\D", "", text).endswith("0")
            else:
                plain.append(found.point)
        marks = {mark for text in grouped for mark in ".," if mark in text}
        whole = plain and all(v is not None and abs(v) < 1000 and v % 1 == 0 for v in plain)
        if len(marks) != 1 or not whole or not zero:
            return None
        return "," if marks == {"."} else "."

    @cached_property
    def percent(self) -> bool:
        """Whether most values are percentages."""
        signs = [found is not None and found.percent for found in self.read]
        return 2 * self._total(signs) > self.present

    @cached_property
    def currency(self) -> str:
        """The currency of most values that name one; empty if none does."""
        totals: dict[str, int] = {}
        for found, count in zip(self.read, self.counts, strict=True):
            if found is not None and found.currency:
                totals[found.currency] = totals.get(found.currency, 0) + count
        return max(totals, key=lambda name: totals[name], default="")

    def mixed_units(self) -> tuple[str, str] | None:
        """Return two units between which the column changes too often, if it does."""
        units: dict[str, int] = {}
        for found, count in zip(self.read, self.counts, strict=True):
            if found is not None and (found.point or found.comma):
                unit = "%" if found.percent else found.currency
                units[unit] = units.get(unit, 0) + count
        if "%" not in units:  # an amount without a sign is in the currency of the others
            units.pop("", None)
        often = [unit for unit, count in units.items() if count > tolerated(self.present)]
        often.sort(key=lambda unit: -units[unit])
        return (often[0] or "no sign", often[1] or "no sign") if len(often) > 1 else None

    def codes(self) -> bool:
        """Whether the texts are codes that only look like numbers: 0042, 1E2, B2 beside 10."""
        zeros = [bool(_LEADING_ZERO.fullmatch(text)) for text in self.texts]
        padded = self._total(zeros)
        if padded > tolerated(self.present):
            return True
        if padded:  # as long as most others, as postal codes are
            width = max(len(t) for t, zero in zip(self.texts, zeros, strict=True) if zero)
            alike = self._total(len(text) == width for text in self.texts)
            if width > 2 and alike >= 0.9 * self.present:
                return True
        exponents = self._total(
            bool(_EXPONENT.fullmatch(text)) and not absent
            for text, absent in zip(self.texts, self.absent, strict=True)
        )
        others = [t for t in self.texts if not _EXPONENT.fullmatch(t) and not _WHOLE.fullmatch(t)]
        if exponents > tolerated(self.present) and all(read_number(t) is None for t in others):
            return True
        inexact = self._total(_is_inexact(text) for text in self.texts)
        return inexact > tolerated(self.present) or self._stray_codes()

    def _stray_codes(self) -> bool:
        """Whether a few texts such as B2 are codes like the whole numbers beside them."""
        strays = [t for t, found in zip(self.texts, self.read, strict=True) if found is None]
        if not any(_CODE.fullmatch(text) for text in strays):
            return False
        numbers = [t for t, found in zip(self.texts, self.read, strict=True) if found is not None]
        whole = all(_WHOLE.fullmatch(text) for text in numbers)
        return whole and len(numbers) <= _FEW_CODES * self.present

    def written_as(self, trained: str, decimal: str) -> str:
        """Return how new values are written: as in training, unless they leave no doubt.

        Parameters
        ----------
        trained : str
            How the training rows are written: see `ColumnType`.
        decimal : str
            The decimal mark in other columns of the new file; empty if they don't decide it.
        """
        mark = self.decimal() or decimal
        percent = trained.endswith("%")
        if mark and self.fits[mark] == self.present:  # a file from another country
            return PERCENT[mark] if percent else WRITTEN[mark]
        return trained

    def choose_written(self, decimal: str, separator: str, name: str, where: object) -> str:
        """Decide how the numbers are written: by themselves, by other columns, by the file.

        Raises
        ------
        SourceError
            If units are mixed, or nothing decides between decimals and thousands.
        """
        if units := self.mixed_units():
            raise SourceError(
                f"{where}: the column {name!r} mixes numbers with {units[0]} and {units[1]}; "
                f"bring them to one unit, or leave the column out: --column {name}=ignore"
            )
        mark = self.decimal() or ""
        if decimal and self.fits[decimal] >= self.present - tolerated(self.present):
            mark = decimal
        if not mark and self.ambiguous():
            mark = self.thousands() or ("." if separator == "," else "")
        if not mark and self.ambiguous():
            quoted = next(
                text
                for text, one in zip(self.texts, self.read, strict=True)
                if one and one.point is not None and one.comma not in (None, one.point)
            )
            raise SourceError(
                f"{where}: {quoted} in the column {name!r} may have a decimal mark or a thousands "
                "separator, and no other number decides it; save the numbers without thousands "
                f"separators, or leave the column out: --column {name}=ignore"
            )
        mark = mark or decimal or ("," if separator == ";" else ".")
        return PERCENT[mark] if self.percent else WRITTEN[mark]

    def is_number(self, place: int, decimal: str) -> bool:
        """Whether a text is a number if `decimal` precedes the decimals."""
        found = self.read[place]
        if self.absent[place] or found is None:
            return False
        value = found.point if decimal == "." else found.comma
        return value is not None

    def _total(self, chosen: Iterable[bool]) -> int:
        return sum(count for count, one in zip(self.counts, chosen, strict=True) if one)


def _is_inexact(text: str) -> bool:
    """Whether a whole number is beyond what float64 holds exactly."""
    if not 16 <= len(text) < 300 or not _WHOLE.fullmatch(text):
        return False
    return abs(int(text)) > LARGEST_EXACT and int(float(text)) != int(text)
