"""What can be wrong with a table's columns: constant, identical, missing, infinite, identifiers.

What these findings say that training does is what `danqing.preparation.encoding` does; here
nothing of it is known. Columns that give the answer away are for `answers`.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.data.table import Column, Table
from danqing.inspection.duplicate_examples import count_of
from danqing.inspection.finding import Finding

__all__ = ["counts_rows", "find_column_problems", "ranges", "summarise_columns"]

_MOSTLY = 0.5
_DISTINCT = 0.9  # as in the encoding: text with more different values than this names its row
_ROWS = 50


def summarise_columns(table: Table) -> list[dict[str, Any]]:
    """Tell each column's kind, missing and different values, and their range.

    Examples
    --------
    >>> summarise_columns(Table((Column("size", "number", np.array([1.0, 3.0, np.nan])),)))[0]
    {'name': 'size', 'kind': 'number', 'missing': 1, 'distinct': 2, 'min': 1.0, 'median': 2.0, \
'max': 3.0}
    """
    return [_summarise(column) for column in table.columns]


def find_column_problems(table: Table, summary: list[dict[str, Any]]) -> list[Finding]:
    """Find columns that say nothing, repeat another, or lack values.

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
        _missing(table, summary, constant),
        _infinite(table),
        *_identifiers(table, summary),
    ]
    return [finding for finding in found if finding]


def counts_rows(column: Column) -> bool:
    """Tell whether the values are whole numbers in a row, in any order, with few gaps.

    Examples
    --------
    >>> counts_rows(Column("id", "number", np.array([3.0, 1.0, 2.0])))
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
    # Rows that were deleted leave gaps; ages, years or prices repeat.
    return bool(np.ptp(values) < 2 * len(values))


def ranges(numbers: NDArray[np.float64]) -> dict[str, float]:
    """Tell the smallest, middle and largest of finite numbers.

    Examples
    --------
    >>> ranges(np.array([1e308, -1e308, 1.5e308, 1.7e308]))
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
    return {**summary, **ranges(finite)}


def _constant(summary: list[dict[str, Any]], constant: set[str]) -> Finding | None:
    if not constant:
        return None
    names = [one["name"] for one in summary if one["name"] in constant]
    verb = "is" if len(names) == 1 else "are"
    return Finding(
        "constant-columns",
        "note",
        len(names),
        f"{count_of(len(names), 'column')} {verb} always the same, or empty.",
        "What never changes can't tell one row from another.",
        "Training leaves out columns that are the same in every row; where the only difference "
        "is that some values are missing, that is used.",
        tuple(names[:5]),
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
    verb = "repeats" if len(pairs) == 1 else "repeat"
    return Finding(
        "identical-columns",
        "note",
        len(pairs),
        f"{count_of(len(pairs), 'column')} {verb} another one in every row.",
        "A copy adds nothing, and makes explanations share its weight between two names.",
        "Training uses the first of them.",
        tuple(pairs[:5]),
    )


def _digest(column: Column) -> bytes:
    """Tell identical columns: equal ones have equal digests."""
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


def _missing(table: Table, summary: list[dict[str, Any]], constant: set[str]) -> Finding | None:
    shares = {one["name"]: one["missing"] / max(1, len(table)) for one in summary}
    most = sorted(
        (name for name, share in shares.items() if share > _MOSTLY and name not in constant),
        key=lambda name: -shares[name],
    )
    if not most:
        return None
    verb = "is" if len(most) == 1 else "are"
    return Finding(
        "mostly-missing",
        "warning",
        len(most),
        f"{count_of(len(most), 'column')} {verb} mostly empty.",
        "What little is known of such a column can mislead; that it is missing may itself tell "
        "something, if it will be missing for the same reason in new rows.",
        "Training fills gaps with the column's middle value (for categories: a value of its "
        "own), and tells the network that they were gaps.",
        tuple(f"{name}: {shares[name]:.0%} missing" for name in most[:5]),
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
    verb = "is" if total == 1 else "are"
    return Finding(
        "infinities",
        "warning",
        total,
        f"{count_of(total, 'value')} {verb} infinite.",
        "An infinity is no measurement; often something was divided by zero.",
        "Training can't use them as numbers. Leave these cells empty: gaps are filled.",
        tuple(f"{name}: {count:,}" for name, count in list(found.items())[:5]),
    )


def _identifiers(table: Table, summary: list[dict[str, Any]]) -> list[Finding]:
    if len(table) <= _ROWS:
        return []
    texts, numbers = [], []
    for column, one in zip(table.columns, summary, strict=True):
        known = len(table) - one["missing"]
        if column.kind == "category" and known and one["distinct"] > _DISTINCT * known:
            texts.append(column.name)
        elif counts_rows(column):
            numbers.append(column.name)
    return [
        Finding(
            "identifiers",
            "warning" if names is numbers else "note",
            len(names),
            f"{count_of(len(names), 'column')} {words}",
            "Such a column names a row; what is learned from it holds for no new row.",
            action,
            tuple(names[:5]),
        )
        for names, words, action in (
            (
                texts,
                "of text differ in nearly every row, as names or numbers of documents do."
                if len(texts) > 1
                else "of text differs in nearly every row, as names or numbers of documents do.",
                "Training leaves out text that is different in more than 90 % of the rows.",
            ),
            (
                numbers,
                "seem to count the rows." if len(numbers) > 1 else "seems to count the rows.",
                "Training uses it as any number. If it is a row's number, delete the column.",
            ),
        )
        if names
    ]
