"""What the training rows covered, and which new values lie far outside: those are flagged.

Predictions for such values are guesses, however confident. Knows a table's columns; no network.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.data.labels import text_of_number
from danqing.data.table import Column, ColumnKind, ColumnType, Table, texts_of_dates
from danqing.preparation.conversion import values_as

__all__ = ["TrainingRange", "TrainingRanges", "fit_ranges"]

_MOST = 100_000  # categories of a column; more are not remembered
_DIGITS = 8  # of a digest, in base 16


@dataclass(frozen=True)
class TrainingRange:
    """The values of one column in the training rows.

    Attributes
    ----------
    name : str
    kind : {"number", "category", "date"}
    low, high : float
        Of numbers; of dates in milliseconds since 1970.
    digests : str
        Of categories: 32 bits of each one's hash in base 16, in ascending order. They are enough to
        recognise a category, and show nobody which there were.
    """

    name: str
    kind: ColumnKind
    low: float = 0.0
    high: float = 0.0
    digests: str = ""

    def unusual(self, values: NDArray[Any]) -> Iterator[tuple[int, str]]:
        """Find values beyond the range by more than its width, and categories never seen.

        Yields
        ------
        row : int
        text : str
        """
        if self.kind == "category":
            texts = values.tolist()
            new = {text for text in set(texts) if text is not None and not self._knows(text)}
            for row in [row for row, text in enumerate(texts) if text in new] if new else []:
                yield row, f"{self.name}: {texts[row]!r} never occurs in training"
            return
        plain = _plain(values)
        width = self.high - self.low
        with np.errstate(invalid="ignore"):
            far = (plain > self.high + width) | (plain < self.low - width)
        for row in np.flatnonzero(far).tolist():
            value, low, high = map(self._text, (plain[row], self.low, self.high))
            yield row, f"{self.name}: {value} is far beyond the training range, {low} to {high}"

    @cached_property
    def _known(self) -> frozenset[str]:
        ends = range(0, len(self.digests), _DIGITS)
        return frozenset(self.digests[start : start + _DIGITS] for start in ends)

    def _knows(self, text: str) -> bool:
        return not self.digests or _digest(text) in self._known

    def _text(self, value: float) -> str:
        if self.kind == "number":
            return text_of_number(value) if np.isfinite(value) else str(value)
        return str(texts_of_dates(np.array([int(value)], "datetime64[ms]"))[0])


@dataclass(frozen=True)
class TrainingRanges:
    """The training rows' values, column by column.

    Attributes
    ----------
    columns : tuple of TrainingRange
    """

    columns: tuple[TrainingRange, ...]

    def flags(self, table: Table, types: Mapping[str, ColumnType]) -> list[list[str]]:
        """Say of each row what is far from the training rows; an empty list if nothing is.

        Parameters
        ----------
        table : Table
            With the columns of training; raises as `Encoding.transform` does if one can't be read.
        types : mapping of str to ColumnType
            Of the columns in training, from `Encoding.types`.
        """
        found: list[list[str]] = [[] for _ in range(len(table))]
        by_name = {column.name: column for column in table.columns}
        for column in self.columns:
            values = values_as(by_name[column.name], types[column.name])
            for row, text in column.unusual(values):
                found[row].append(text)
        return found

    def to_json(self) -> list[dict[str, Any]]:
        """Give what was learned as plain data."""
        plain = []
        for one in self.columns:
            kept = {"digests": one.digests}
            if one.kind != "category":
                kept = {"low": one.low, "high": one.high}  # type: ignore[dict-item]
            plain.append({"name": one.name, "kind": one.kind, **kept})
        return plain

    @classmethod
    def from_json(cls, plain: Iterable[Mapping[str, Any]]) -> TrainingRanges:
        """Rebuild from what `to_json` gave."""
        return cls(tuple(TrainingRange(**one) for one in plain))


def fit_ranges(table: Table, names: Iterable[str]) -> TrainingRanges:
    """Fit the ranges of some columns on the training rows.

    Parameters
    ----------
    table : Table
        The training rows, and no others.
    names : iterable of str
        The columns that the network sees.

    Examples
    --------
    >>> size = Column("size", "number", np.array([1.0, 2.0, 4.0]))
    >>> colour = Column("colour", "category", np.array(["red", "blue", "red"], object))
    >>> types = {"size": ColumnType("number"), "colour": ColumnType("category")}
    >>> ranges = fit_ranges(Table((size, colour)), types)
    >>> sizes = Column("size", "number", np.array([6.9, 7.1, np.nan]))
    >>> colours = Column("colour", "category", np.array(["red", "red", "pink"], object))
    >>> ranges.flags(Table((sizes, colours)), types)
    [[], ['size: 7.1 is far beyond the training range, 1 to 4'], \
["colour: 'pink' never occurs in training"]]
    """
    kept = set(names)
    fitted = [_fit(column) for column in table.columns if column.name in kept]
    return TrainingRanges(tuple(one for one in fitted if one is not None))


def _fit(column: Column) -> TrainingRange | None:
    present = column.values[~column.missing]
    if column.kind == "category":
        texts = set(present.tolist())
        # Programs differ in how they write booleans: true, True, TRUE.
        if {text.lower() for text in texts} <= {"true", "false"}:
            texts |= {
                again for text in texts for again in (text.lower(), text.upper(), text.title())
            }
        if len(texts) > _MOST:
            return None
        return TrainingRange(
            column.name, "category", digests="".join(sorted(set(map(_digest, texts))))
        )
    if not len(present):
        return None
    plain = _plain(present)
    return TrainingRange(column.name, column.kind, float(plain.min()), float(plain.max()))


def _plain(values: NDArray[Any]) -> NDArray[np.float64]:
    """Give numbers as they are, and dates in milliseconds since 1970, missing ones as NaN."""
    if values.dtype.kind != "M":
        return values
    plain = values.astype("datetime64[ms]").astype(np.int64).astype(np.float64)
    plain[np.isnat(values)] = np.nan
    return plain


def _digest(text: str) -> str:
    content = text.encode(errors="surrogatepass")
    return hashlib.blake2b(content, digest_size=_DIGITS // 2).hexdigest()
