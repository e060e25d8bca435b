"""What is said about a column that wasn't read as its owner may expect.

Knows numbers and texts; no files.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import isinf

from danqing.data.tables.number_columns import NumberColumn

__all__ = ["NAMED", "read_as_categories", "taken_as_missing"]

NAMED = 3
"""How many values a message quotes."""

_MANY = 20  # categories that begin with a digit; fewer are no quantity
_OFTEN = 0.3  # of the values are different
_QUANTITY = re.compile(r"[~<>≈≤≥ ]*[+-]?[.,]?\d.*", re.DOTALL)


def taken_as_missing(name: str, kind: str, count: int, seen: Sequence[tuple[int, str]]) -> str:
    """Name the values of a column that don't fit its kind.

    Parameters
    ----------
    name, kind : str
        The column, and what it holds: number or date.
    count : int
        How many values don't fit.
    seen : sequence of (int, str)
        Row, from 0, and text of the first `NAMED`.

    Examples
    --------
    >>> taken_as_missing("size", "number", 1, [(6, "12*")])
    "the column 'size': 1 value is not a number, and taken as missing ('12*' in row 7)"
    """
    quoted = [f"{text!r} in row {row + 1}" for row, text in seen]
    more = ", ..." if count > len(seen) else ""
    more += "; numbers end at 1.8e308" if any(_overflows(text) for _, text in seen) else ""
    values = f"value is not a {kind}" if count == 1 else f"values are not {kind}s"
    return (
        f"the column {name!r}: {count:,} {values}, and taken as missing ({', '.join(quoted)}{more})"
    )


def _overflows(text: str) -> bool:
    try:
        return text[-1:].isdecimal() and isinf(float(text))
    except ValueError:
        return False


def read_as_categories(name: str, column: NumberColumn) -> str:
    """Say that a column is read as categories, though its texts are or begin with numbers.

    Examples
    --------
    >>> times = [f"{hour:02}:{minute}" for hour in range(24) for minute in (15, 45)]
    >>> read_as_categories("start", NumberColumn(times, [1] * len(times)))
    "the column 'start' is read as 48 categories: texts such as '00:15' are neither numbers nor \
dates; --column start=ignore leaves it out"
    """
    if len(column.texts) < 2 or column.codes():
        return ""
    mark = max(column.fits, key=lambda mark: column.fits[mark])
    best = column.fits[mark]
    if column.looks_numeric() and 0 < best < column.present <= 2 * best:
        # A number in the other way of writing, 1,5 among 1.5, doesn't fit either.
        other = next(
            text
            for place, text in enumerate(column.texts)
            if not column.absent[place] and not column.is_number(place, mark)
        )
        return (
            f"the column {name!r} is read as categories, because {column.present - best:,} of its "
            f"{column.present:,} values, such as {other!r}, are not numbers; "
            f"--column {name}=number takes them as missing"
        )
    quantities = [text for text in column.texts if _QUANTITY.fullmatch(text)]
    different = len(column.texts)
    if different <= max(_MANY, _OFTEN * column.present) or 2 * len(quantities) < different:
        return ""
    return (
        f"the column {name!r} is read as {different:,} categories: texts such as "
        f"{quantities[0]!r} are neither numbers nor dates; --column {name}=ignore leaves it out"
    )
