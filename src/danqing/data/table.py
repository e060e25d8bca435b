"""Table: named columns of raw values, as they came from a file or a data frame.

Knows no encoding: missing values are still missing, text is still text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["Column", "ColumnKind", "ColumnType", "Table", "concatenate_tables",
           "infinite_as_missing", "texts_of_dates"]  # fmt: skip

ColumnKind = Literal["number", "category", "date"]


@dataclass(frozen=True)
class ColumnType:
    """What a column's values are, and how they are written as text.

    Attributes
    ----------
    kind : {"number", "category", "date"}
    written : str
        Of numbers an example, such as ``1.234,5``, ``1,234.5%`` or ``1,234.5 kg``; of dates the
        order, such as ``day-month-year``. Empty if that is the usual: a decimal point; the year
        first.
    """

    kind: ColumnKind
    written: str = ""


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes
    ----------
    name : str
    kind : {"number", "category", "date"}
    values : ndarray, shape (n,)
        Numbers as float64, missing as NaN; categories as object, each a str or None; dates as
        datetime64[ms], missing as NaT.
    written : str
        How the values were written as text: see `ColumnType`.
    left_out : str
        Why training is to leave the column out, though it was read; empty if it isn't.
    """

    name: str
    kind: ColumnKind
    values: NDArray[Any] = field(repr=False)
    written: str = ""
    left_out: str = ""

    @property
    def missing(self) -> NDArray[np.bool_]:
        """Which values are missing, shape (n,)."""
        if self.kind == "category":
            return np.array([value is None for value in self.values.tolist()], dtype=bool)
        return np.asarray(np.isnan(self.values) if self.kind == "number" else np.isnat(self.values))


@dataclass(frozen=True)
class Table:
    """Columns of equal length; rows are indexed as in an array.

    Examples
    --------
    >>> table = Table((Column("height", "number", np.array([1.8, 1.6, np.nan])),))
    >>> len(table), table.shape, table[[0, 2]].columns[0].missing.tolist()
    (3, (3, 1), [False, True])
    """

    columns: tuple[Column, ...]

    def __len__(self) -> int:
        return len(self.columns[0].values) if self.columns else 0

    def __getitem__(self, rows: Any) -> Table:
        return Table(tuple(replace(c, values=c.values[rows]) for c in self.columns))

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self), len(self.columns)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names, in order."""
        return tuple(column.name for column in self.columns)

    def row_digests(self) -> list[bytes]:
        """Hash each row to 16 bytes; equal rows have equal hashes."""
        fields = []
        for column in self.columns:
            if column.kind == "category":
                texts = (None if v is None else _utf8(v) for v in column.values.tolist())
                # Each text comes after its length, so that boundaries between texts are certain.
                fields.append([b"\1" if t is None else b"\2%d:%b" % (len(t), t) for t in texts])
            else:
                # -0.0 equals 0.0, and all NaN are alike, though their bytes differ.
                plain = column.values.astype(np.float64) + 0.0
                plain[column.missing] = np.nan
                fields.append([value.tobytes() for value in plain])
        return [
            hashlib.blake2b(b"".join(row), digest_size=16).digest()
            for row in zip(*fields, strict=True)
        ]


def _utf8(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


def concatenate_tables(tables: Sequence[Table]) -> Table:
    """Put the rows of tables with the same columns one below the other.

    Examples
    --------
    >>> table = Table((Column("height", "number", np.array([1.8, 1.6])),))
    >>> concatenate_tables([table, table[[0]]]).columns[0].values.tolist()
    [1.8, 1.6, 1.8]
    """
    columns = zip(*(table.columns for table in tables), strict=True)
    return Table(
        tuple(replace(own[0], values=np.concatenate([c.values for c in own])) for own in columns)
    )


def texts_of_dates(dates: NDArray[np.datetime64]) -> list[str | None]:
    """Write dates as ISO 8601 has them, without the time where it is midnight; None if missing.

    Examples
    --------
    >>> texts_of_dates(np.array(["2024-05-31", "2024-05-31T10:30", "NaT"], "datetime64[ms]"))
    ['2024-05-31', '2024-05-31T10:30:00.000', None]
    """
    written = np.datetime_as_string(dates, unit="ms").tolist()
    return [None if text == "NaT" else text.removesuffix("T00:00:00.000") for text in written]


def infinite_as_missing(
    values: NDArray[np.float64], name: str, notes: list[str] | None
) -> NDArray[np.float64]:
    """Replace infinities by NaN, in place: no measurement is one, and no network takes one.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
    name : str
        Of the column.
    notes : list of str, optional
        How many there are is appended here.

    Examples
    --------
    >>> notes = []
    >>> infinite_as_missing(np.array([1.0, np.inf]), "size", notes).tolist(), notes
    ([1.0, nan], ["the column 'size': 1 infinite value, the first in row 2, is taken as missing"])
    """
    rows = np.flatnonzero(np.isinf(values))
    if len(rows):
        values[rows] = np.nan
        count = f"{len(rows):,} infinite value{'s' * (len(rows) > 1)}"
        verb = "are" if len(rows) > 1 else "is"
        if notes is not None:
            notes.append(
                f"the column {name!r}: {count}, the first in row {rows[0] + 1}, {verb} taken as "
                "missing"
            )
    return values
