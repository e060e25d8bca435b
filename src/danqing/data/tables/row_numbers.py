"""Columns that number or name the rows, and rows that are none: what must not be learned from.

Knows columns and their names; no files and no targets.
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from danqing.data.table import Column, Table

__all__ = ["IDENTIFIERS", "is_index", "is_row_number", "without_identifiers"]

IDENTIFIERS = ("row numbers", "identifiers, different in every row")
_FEWEST = 20  # rows; in fewer, consecutive numbers may be anything
_INDEX = re.compile(r"column \d+|Unnamed: \d+|__index_level_\d+__|\.\.\.1")
_IDENTIFIER = re.compile(
    r".*[a-z](?:ID|Id)|(?:.*[\s_.-])?(?i:id|ids|uid|guid|uuid|index|idx|row|row_?num(?:ber)?)"
    r"|.*(?:编号|序号|行号)"
)


def is_index(column: Column) -> bool:
    """Whether a column is the row numbers that data frames write, shuffled or not.

    Examples
    --------
    >>> is_index(Column("Unnamed: 0", "number", np.array([7.0, 0.0, 3.0])))
    True
    """
    return bool(_INDEX.fullmatch(column.name)) and _are_different_integers(column.values, column)


def is_row_number(values: NDArray[np.float64]) -> bool:
    """Whether values are 0 to n - 1 or 1 to n, in any order.

    Examples
    --------
    >>> is_row_number(np.array([2.0, 1.0, 3.0])), is_row_number(np.array([1.0, 2.0, 4.0]))
    (True, False)
    """
    if not len(values) or np.isnan(values).any():
        return False
    ordered = np.sort(values)
    return bool(ordered[0] in (0, 1) and (np.diff(ordered) == 1).all())


def without_identifiers(tables: dict[str, Table], kept: frozenset[str]) -> dict[str, Table]:
    """Mark the columns that number or name the rows, so that training leaves them out.

    Parameters
    ----------
    tables : dict of str to Table
        Of each subset.
    kept : frozenset of str
        Columns whose type was asked for; they are used.
    """
    reasons: dict[str, str] = {}
    columns = {name: [t.columns[i] for t in tables.values()]
               for i, name in enumerate(tables["train"].names)}  # fmt: skip
    for name, own in columns.items():
        if name in kept or own[0].kind != "number" or len(own[0].values) < _FEWEST:
            continue
        whole = np.concatenate([column.values for column in own])
        if is_row_number(whole) or all(is_row_number(c.values) for c in own if len(c.values)):
            reasons[name] = IDENTIFIERS[0]
        elif _IDENTIFIER.fullmatch(name) and _are_different_integers(whole, own[0]):
            reasons[name] = IDENTIFIERS[1]
    if len(reasons) == len(columns):  # the only column there is, it must be meant
        return tables
    return {
        subset: Table(
            tuple(replace(c, left_out=reasons.get(c.name, c.left_out)) for c in table.columns)
        )
        for subset, table in tables.items()
    }


def _are_different_integers(values: NDArray[np.float64], column: Column) -> bool:
    if column.kind != "number" or not len(values) or np.isnan(values).any():
        return False
    return bool((values % 1 == 0).all() and len(np.unique(values)) == len(values))
