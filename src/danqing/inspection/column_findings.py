"""What can be wrong with a table's columns: constant, identical, missing, infinite, identifiers.

What training does about them is decided in `danqing.preparation.encoding`. Knows no target:
columns that give it away are for `target_leakage`.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.data.table import Column, Table
from danqing.inspection.finding import Finding, count_of

__all__ = ["find_column_problems", "is_row_number", "summarise_columns", "value_range"]

_MOSTLY = 0.5
_DISTINCT = 0.9  # as in the encoding: text with more distinct values than this identifies rows
_ROWS = 50


def summarise_columns(table: Table) -> list[dict[str, Any]]:
    """Give each column's kind, its missing and distinct values, and their range.

    Examples
    --------
    >>> summarise_columns(Table((Column("size", "number", np.array([1.0, 3.0, np.nan])),)))[0]
    {'name': 'size', 'kind': 'number', 'missing': 1, 'distinct': 2, 'min': 1.0, 'median': 2.0, \
'max': 3.0}
    """
    return [_summarise(column) for column in table.columns]


def find_column_problems(table: Table, summary: list[dict[str, Any]]) -> list[Finding]:
    """Find columns without information, copies of others, gaps, infinities and identifiers.

    Parameters
    ----------
    table : Table
    summary : list of dict
        From `summarise_columns`.
    """
    constant = {one["name"] for one in summary if one["distinct"] <= 1}
    found = [
        _constant(summary, constant),
        _identical(Table(tuple(c for c in table.columns if c.name not in constant))),
        _mostly_missing(table, summary, constant),
        _infinite(table),
        *_identifiers(table, summary),
    ]
    return [finding for finding in found if finding]


def is_row_number(column: Column) -> bool:
    """Whether the values are consecutive integers, in any order, with few gaps.

    Examples
    --------
    >>> is_row_number(Column("id", "number", np.array([3.0, 1.0, 2.0])))
    True
    """
    values = column.values
    if (
        column.kind != "number"
        or len(values) == 0
        or not np.isfinite(values).all()
        or (values % 1 != 0).any()
    ):
        return False
    if len(np.unique(values)) < len(values):
        return False
    # Deleted rows leave gaps; ages, years or prices repeat.
    return bool(np.ptp(values) < 2 * len(values))


def value_range(numbers: NDArray[np.float64]) -> dict[str, float]:
    """Give minimum, median and maximum of finite numbers.

    Examples
    --------
    >>> value_range(np.array([1e308, -1e308, 1.5e308, 1.7e308]))
    {'min': -1e+308, 'median': 1.25e+308, 'max': 1.7e+308}
    """
    ordered = np.sort(numbers)
    middle = ordered[[(len(ordered) - 1) // 2, len(ordered) // 2]]
    # Halved first: the sum of two large numbers may be infinite.
    return {
        "min": float(ordered[0]),
        "median": float((middle / 2).sum()),
        "max": float(ordered[-1]),
    }


def _summarise(column: Column) -> dict[str, Any]:
    known = column.values[~column.missing]
    summary: dict[str, Any] = {
        "name": column.name,
        "kind": column.kind,
        "missing": len(column.values) - len(known),
    }
    if column.kind == "category":
        values, counts = np.unique(known.astype(str), return_counts=True)
        common = np.argsort(-counts, kind="stable")[:3]
        most = {str(values[place]): int(counts[place]) for place in common}
        return {**summary, "distinct": len(values), "most_common": most}
    summary["distinct"] = len(np.unique(known))
    finite = np.sort(known[np.isfinite(known)])
    if not len(finite):
        return {**summary, "min": None, "median": None, "max": None}
    if column.kind == "date":
        places = (0, len(finite) // 2, -1)
        low, middle, high = (str(finite[place].astype("datetime64[s]")) for place in places)
        return {**summary, "min": low, "median": middle, "max": high}
    return {**summary, **value_range(finite)}


def _constant(summary: list[dict[str, Any]], constant: set[str]) -> Finding | None:
    names = [one["name"] for one in summary if one["name"] in constant]
    if not names:
        return None
    return Finding(
        "constant-columns",
        "note",
        len(names),
        message=f"{count_of(len(names), 'column', 'is', 'are')} constant or empty.",
        meaning="A column that never changes can't help to predict anything.",
        action="Training leaves out columns that are the same in every row. If a value is only "
        "sometimes missing, that is used.",
        examples=tuple(names[:5]),
    )


def _identical(table: Table) -> Finding | None:
    seen: dict[bytes, str] = {}
    pairs = []
    for column in table.columns:
        key = _digest(column)
        if key in seen:
            pairs.append(f"{column.name} = {seen[key]}")
        seen.setdefault(key, column.name)
    if not pairs:
        return None
    return Finding(
        "identical-columns",
        "note",
        len(pairs),
        message=f"{count_of(len(pairs), 'column', 'repeats', 'repeat')} another one in every row.",
        meaning="A copy adds nothing, and explanations split its importance between two names.",
        action="Training uses the first of them.",
        examples=tuple(pairs[:5]),
    )


def _digest(column: Column) -> bytes:
    """Hash a column; identical columns have equal hashes."""
    digest = hashlib.blake2b(column.kind.encode())
    if column.kind == "category":
        for value in column.values.tolist():
            word = b"" if value is None else value.encode(errors="surrogatepass")
            digest.update(b"%d:%s" % (-1 if value is None else len(word), word))
    else:
        # -0.0 equals 0.0, and all NaN are alike, though their bytes differ.
        numbers = column.values.astype(np.float64) + 0.0
        numbers[column.missing] = np.nan
        digest.update(numbers.data.cast("B"))
    return digest.digest()


def _mostly_missing(
    table: Table, summary: list[dict[str, Any]], constant: set[str]
) -> Finding | None:
    shares = {one["name"]: one["missing"] / max(1, len(table)) for one in summary}
    most = sorted(
        (name for name, share in shares.items() if share > _MOSTLY and name not in constant),
        key=lambda name: -shares[name],
    )
    if not most:
        return None
    return Finding(
        "mostly-missing",
        "warning",
        len(most),
        message=f"{count_of(len(most), 'column', 'is', 'are')} mostly empty.",
        meaning="The few known values of such a column can mislead. That a value is missing may "
        "be informative, if it will be missing for the same reason in new rows.",
        action="Training replaces missing values by the median (in categories: by a category of "
        "their own), and tells the network which were missing.",
        examples=tuple(f"{name}: {shares[name]:.0%} missing" for name in most[:5]),
    )


def _infinite(table: Table) -> Finding | None:
    found = {
        column.name: int(np.isinf(column.values).sum())
        for column in table.columns
        if column.kind == "number" and np.isinf(column.values).any()
    }
    if not found:
        return None
    total = sum(found.values())
    return Finding(
        "infinite-values",
        "warning",
        total,
        message=f"{count_of(total, 'value', 'is', 'are')} infinite.",
        meaning="Infinity is not a measurement; often something was divided by zero.",
        action="Training can't use such values. Leave these cells empty: missing values are "
        "filled in.",
        examples=tuple(f"{name}: {count:,}" for name, count in list(found.items())[:5]),
    )


def _identifiers(table: Table, summary: list[dict[str, Any]]) -> list[Finding]:
    if len(table) <= _ROWS:
        return []
    texts, numbers = [], []
    for column, one in zip(table.columns, summary, strict=True):
        known = len(table) - one["missing"]
        if column.kind == "category" and known and one["distinct"] > _DISTINCT * known:
            texts.append(column.name)
        elif is_row_number(column):
            numbers.append(column.name)
    meaning = "Such a column identifies rows; what is learned from it doesn't hold for new rows."
    found = [
        Finding(
            "identifiers",
            "note",
            len(texts),
            message=f"{count_of(len(texts), 'text column', 'differs', 'differ')} in nearly every "
            "row, as names or document numbers do.",
            meaning=meaning,
            action="Training leaves out text that differs in more than 90 % of the rows.",
            examples=tuple(texts[:5]),
        ),
        Finding(
            "identifiers",
            "warning",
            len(numbers),
            message=f"{count_of(len(numbers), 'column', 'seems', 'seem')} to number the rows.",
            meaning=meaning,
            action="Training leaves out 0 to n - 1 and 1 to n, in any order, and different whole "
            "numbers called id or the like; it uses others. If they are row numbers, delete the "
            "column, or leave it out with --column NAME=ignore.",
            examples=tuple(numbers[:5]),
        ),
    ]
    return [finding for finding in found if finding.count]
