"""Rows in memory, as Python users have them, -> a Table of the columns that a network knows.

Rows are arrays, data frames, dicts or lists of dicts. Knows no network and no files; never imports
pandas.
"""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from danqing.data.arrays.frames import is_frame, table_of_frame
from danqing.data.arrays.from_arrays import unmasked
from danqing.data.labels import text_of_number
from danqing.data.table import Column, ColumnKind, Table, texts_of_dates
from danqing.data.tables.choose_columns import case_hint
from danqing.errors import SourceError
from danqing.preparation.encoding import Encoding

__all__ = ["rows_in_memory"]

_LISTED = 10  # columns in a message


def rows_in_memory(x: Any, encoding: Encoding) -> Table:
    """Convert rows in memory to a table.

    Parameters
    ----------
    x : data frame, dict, list of dicts, array, list of rows, or Table
        Columns are found by name; those of an array have the order of training.
    encoding : Encoding
        What was fitted to the training table.

    Raises
    ------
    SourceError
        If columns are missing, or an array has another number of them than in training.

    Examples
    --------
    >>> from danqing.preparation.encoding import fit_encoding
    >>> size = Column("size", "number", np.array([1.0, 2.0, 6.0]))
    >>> colour = Column("colour", "category", np.array(["red", "blue", "red"], object))
    >>> encoding = fit_encoding(Table((size, colour)))
    >>> for x in ({"colour": "red", "size": 2}, [[2, "red"]]):
    ...     print(encoding.transform(rows_in_memory(x, encoding)).tolist())
    [[0.0, 0.0, 1.0]]
    [[0.0, 0.0, 1.0]]
    """
    if isinstance(x, Table):
        return x
    if is_frame(x):
        return _from_frame(x, encoding)
    if isinstance(x, Mapping):
        return _from_dict(x, encoding)
    if hasattr(x, "to_dict") and hasattr(x, "index"):  # a pandas series: one row by name
        return _from_dict(x.to_dict(), encoding)
    if hasattr(x, "toarray") and hasattr(x, "nnz"):
        raise SourceError("rows are a sparse matrix; expected a dense one, x.toarray()")
    if isinstance(x, list | tuple) and x and all(isinstance(row, Mapping) for row in x):
        return _from_dicts(x, encoding)
    names = getattr(getattr(x, "dtype", None), "names", None)
    if names:
        return _from_dict({name: x[name] for name in names}, encoding)
    return _from_array(x, encoding)


def _from_frame(frame: Any, encoding: Encoding) -> Table:
    needed = encoding.kinds
    keys = [key for key in frame.columns if str(key) in needed]
    _refuse_missing(needed, {str(key) for key in frame.columns}, encoding)
    table = table_of_frame(frame[keys], encoding.types)
    return Table(
        tuple(
            _with_infinities(one, frame[key]) for one, key in zip(table.columns, keys, strict=True)
        )
    )


def _with_infinities(column: Column, series: Any) -> Column:
    """Keep infinities, which training takes for missing values: in new rows they are flagged."""
    if column.kind != "number" or not str(series.dtype).lower().startswith("float"):
        return column
    raw = np.asarray(series.to_numpy(), np.float64)
    return replace(column, values=np.where(np.isinf(raw), raw, column.values))


def _from_dict(x: Mapping[Any, Any], encoding: Encoding) -> Table:
    columns = {str(key): value for key, value in x.items()}
    _refuse_missing(encoding.kinds, columns, encoding)
    used = {name: columns[name] for name in encoding.kinds}
    several = {name: hasattr(v, "__len__") and not isinstance(v, str) for name, v in used.items()}
    if not any(several.values()):
        return _from_dicts([x], encoding)
    lengths = {name: len(v) if several[name] else -1 for name, v in used.items()}
    if len(set(lengths.values())) > 1:
        first, second = list(dict.fromkeys(lengths.values()))[:2]
        one, other = (next(n for n, v in lengths.items() if v == some) for some in (first, second))
        said = ["a single value" if some < 0 else f"{some} values" for some in (first, second)]
        raise SourceError(
            f"the column {one!r} has {said[0]} and {other!r} has {said[1]}; expected as many"
        )
    return _table(encoding, {name: list(values) for name, values in used.items()})


def _from_dicts(rows: Sequence[Mapping[Any, Any]], encoding: Encoding) -> Table:
    named = [{str(key): value for key, value in row.items()} for row in rows]
    _refuse_missing(encoding.kinds, set().union(*named), encoding)
    for number, row in enumerate(named, 1):
        absent = [name for name in encoding.kinds if name not in row]
        if absent:
            raise SourceError(
                f"row {number} lacks {_listed(absent)}; expected every column that the network "
                "was trained on, None where a value is missing"
            )
    return _table(encoding, {name: [row[name] for row in named] for name in encoding.kinds})


def _from_array(x: Any, encoding: Encoding) -> Table:
    names = _order(encoding)
    try:
        array = np.asarray(unmasked(x))
        if array.dtype.kind == "U" and isinstance(x, list | tuple):
            array = np.asarray(x, dtype=object)  # or NumPy turns numbers among text into text
    except (ValueError, TypeError) as error:
        raise SourceError(
            f"rows can't be converted to an array ({str(error).splitlines()[0]}); expected rows of "
            "equal length"
        ) from None
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8", "replace")
    if array.ndim == 1 and array.size == len(names):
        raise SourceError(
            f"received one row of shape {array.shape}; expected (n, {len(names)}), such as "
            "np.reshape(x, (1, -1))"
        )
    if array.ndim != 2 or array.shape[1] != len(names):
        raise SourceError(
            f"received rows of shape {array.shape}; expected (n, {len(names)}), the columns of "
            f"training in their order: {_listed(names)}"
        )
    place = {name: number for number, name in enumerate(names)}
    if array.dtype.kind in "biuf":
        numbers = array.astype(np.float64)
        return Table(
            tuple(Column(name, "number", numbers[:, place[name]]) for name in encoding.kinds)
        )
    return _table(encoding, {name: array[:, place[name]].tolist() for name in encoding.kinds})


def _order(encoding: Encoding) -> tuple[str, ...]:
    """Give the training table's columns in their order."""
    if encoding.names:
        return encoding.names
    # Runs of before do not know the order; with arrays, the names are numbers.
    names = (*encoding.kinds, *encoding.dropped)
    if not encoding.dropped:
        return names
    if all(name.isdecimal() for name in names):
        return tuple(sorted(names, key=int))
    raise SourceError(
        "the order of the training table's columns isn't known; expected a data frame or dicts, "
        "whose columns have names"
    )


def _refuse_missing(needed: Mapping[str, Any], found: Any, encoding: Encoding) -> None:
    missing = [name for name in needed if name not in found]
    if not missing:
        return
    if len(missing) == len(needed) and all(name.isdecimal() for name in _order(encoding)):
        raise SourceError(
            "the network was trained on an array, whose columns have no names; expected an array "
            f"of shape (n, {len(_order(encoding))}), such as frame.to_numpy()"
        )
    raise SourceError(
        f"the data lack {'columns' if len(missing) > 1 else 'the column'} {_listed(missing)}"
        f"{case_hint(missing, list(found))}; expected every column that the network was trained on"
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:_LISTED])) + (", ..." if len(names) > _LISTED else "")


def _table(encoding: Encoding, columns: Mapping[str, list[Any]]) -> Table:
    return Table(tuple(_column(name, columns[name], kind) for name, kind in encoding.kinds.items()))


def _column(name: str, values: list[Any], kind: ColumnKind) -> Column:
    """Make a column of Python's values, as far as possible of the kind it had in training."""
    present = [value for value in values if not _is_missing(value)]
    if kind == "number" and all(_is_number(value) for value in present):
        numbers = np.array([np.nan if _is_missing(v) else float(v) for v in values], np.float64)
        return Column(name, "number", numbers)
    if kind == "date" and all(isinstance(v, datetime.date | np.datetime64) for v in present):
        moments = [np.datetime64("NaT", "ms") if _is_missing(v) else _moment(v) for v in values]
        return Column(name, "date", np.array(moments, "datetime64[ms]"))
    texts: list[str | None] = [None if _is_missing(v) else _text(name, v) for v in values]
    return Column(name, "category", np.array([*texts, None], dtype=object)[:-1])


def _is_missing(value: Any) -> bool:
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float | np.floating | np.datetime64) and bool(value != value)


def _is_number(value: Any) -> bool:
    numeric = isinstance(value, int | float | np.number | decimal.Decimal)
    return numeric and not isinstance(value, bool | np.bool_)


def _moment(value: Any) -> np.datetime64:
    if isinstance(value, datetime.datetime) and value.tzinfo:
        value = value.astimezone(datetime.UTC).replace(tzinfo=None)
    return np.datetime64(value, "ms")


def _text(name: str, value: Any) -> str | None:
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, bool | np.bool_):
        return str(bool(value)).lower()
    if isinstance(value, int | np.integer):
        return str(int(value))
    if isinstance(value, float | np.floating | decimal.Decimal):
        return text_of_number(float(value))
    if isinstance(value, datetime.date | np.datetime64):
        return texts_of_dates(np.array([_moment(value)]))[0]
    raise SourceError(
        f"the column {name!r} contains a {type(value).__name__}; expected numbers, text, booleans "
        "or dates"
    )
