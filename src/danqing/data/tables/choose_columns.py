"""The words of the caller about columns: the target, and types that override what values say.

Knows names only, no values.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import cast

from danqing.data.table import ColumnKind, ColumnType
from danqing.errors import SourceError

__all__ = ["COLUMN_TYPES", "case_hint", "choose_target", "chosen_types"]

COLUMN_TYPES = ("category", "number", "date", "ignore")
_TARGETS = ("target", "label", "class", "y")


def choose_target(names: tuple[str, ...], target: str | None, where: object) -> str:
    """Return the name of the target column.

    Raises
    ------
    SourceError
        If there is no such column, or none is named and none stands out; the columns are listed.

    Examples
    --------
    >>> choose_target(("height", "Label"), None, "a.csv")
    'Label'
    """
    listed = ", ".join(map(repr, names[:20])) + (", ..." if len(names) > 20 else "")
    if target is not None:
        if target in names:
            return target
        lower = {name.lower(): name for name in names}
        close = difflib.get_close_matches(target.lower(), list(lower), n=3)
        hint = f"did you mean {' or '.join(repr(lower[c]) for c in close)}? " if close else ""
        raise SourceError(f"{where}: has no column {target!r}; {hint}it has {listed}")
    likely = [name for name in names if name.lower() in _TARGETS]
    if len(likely) == 1:
        return likely[0]
    raise SourceError(
        f"{where}: which column is the target? Name it with --target; the columns are {listed}"
    )


def chosen_types(
    columns: Mapping[str, str | ColumnType], names: Sequence[str], where: object
) -> tuple[dict[str, ColumnType], list[str]]:
    """Check the types that the caller has chosen, and set apart the columns to ignore.

    Raises
    ------
    SourceError
        If there is no such column or type.

    Examples
    --------
    >>> chosen_types({"zip": "category", "id": "ignore"}, ("zip", "id"), "a.csv")
    ({'zip': ColumnType(kind='category', written='')}, ['id'])
    """
    types, ignored = {}, []
    for name, kind in columns.items():
        if isinstance(kind, ColumnType):
            types[name] = kind
            continue
        if kind not in COLUMN_TYPES:
            raise SourceError(
                f"the column {name!r} can't be of type {kind!r}; expected "
                f"{', '.join(COLUMN_TYPES[:-1])} or {COLUMN_TYPES[-1]}"
            )
        if name not in names:
            choose_target(tuple(names), name, where)
        if kind == "ignore":
            ignored.append(name)
        else:
            types[name] = ColumnType(cast("ColumnKind", kind))
    return types, ignored


def case_hint(missing: Sequence[str], names: Sequence[str]) -> str:
    """Say which names differ from missing ones only in case, or in spaces around them."""
    lower = {name.strip().casefold(): name for name in names}
    near = [(name, lower[name.strip().casefold()]) for name in missing
            if name.strip().casefold() in lower]  # fmt: skip
    if not near:
        return ""
    listed = ", ".join(f"{has!r}" for _, has in near[:5])
    return f" (it has {listed}; upper and lower case count, so rename)"
