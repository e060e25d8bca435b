"""From arrays to pictures or a table, in the same way for npz files and for in-memory data.

Knows no files. Targets are only converted to plain arrays: what they mean is for
`danqing.data.labels`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.data.arrays.picture_range import pictures_in_range, range_of_pictures
from danqing.data.labels import missing_labels
from danqing.data.table import Column, Table, infinite_as_missing
from danqing.errors import SourceError

__all__ = ["check_lengths", "examples_from_arrays", "is_inexact", "pictures_as_of",
           "target_from_array", "unmasked"]  # fmt: skip

_log = logging.getLogger("danqing")


def examples_from_arrays(
    arrays: Mapping[str, NDArray[Any]], where: object, names: Sequence[str] = ()
) -> dict[str, Any]:
    """Convert arrays with 3 or 4 dimensions to pictures, and arrays with 2 to tables.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        The examples of each subset of a source. The first, ``train``, decides what the values
        mean. Pictures have the shape (n, height, width[, channels]) and the values that
        `danqing.data.arrays.picture_range` knows, which are scaled to 0 to 255. Tables have the
        shape (n, columns) and contain numbers, booleans or text.
    where : object
        How messages refer to the source.
    names : sequence of str
        Column names; "0", "1", ... if not given.

    Returns
    -------
    dict of str to ndarray of uint8, shape (n, height, width, channels), or to Table

    Raises
    ------
    SourceError
        If shapes, types or values are none of these, or the subsets' shapes differ.

    Examples
    --------
    >>> pictures = examples_from_arrays({"train": np.full((2, 8, 8), 0.5)}, "here")["train"]
    >>> pictures.shape, int(pictures.max())
    ((2, 8, 8, 1), 128)
    >>> examples_from_arrays({"train": np.zeros((5, 3))}, "here")["train"].names
    ('0', '1', '2')
    """
    first = next(iter(arrays.values()))
    for x in arrays.values():
        if x.ndim not in (2, 3, 4) or 0 in x.shape[1:]:
            raise SourceError(
                f"{where}: has examples of shape {x.shape}; expected (n, columns) for a table, "
                "(n, height, width) or (n, height, width, channels) for pictures"
            )
        if x.shape[1:] != first.shape[1:]:
            raise SourceError(
                f"{where}: has training examples of shape {first.shape[1:]} and others of shape "
                f"{x.shape[1:]}; expected one shape"
            )
    if first.ndim == 2:
        return {subset: _table(x, where, names) for subset, x in arrays.items()}
    if first.ndim == 4 and first.shape[3] > 4:
        hint = "; np.moveaxis(x, 1, -1) does that" if first.shape[1] <= 4 else ""
        raise SourceError(
            f"{where}: has pictures of shape {first.shape[1:]}; "
            f"expected 1 to 4 channels, as the last axis{hint}"
        )
    ends = range_of_pictures(first, where)
    return {subset: pictures_in_range(x, ends, where) for subset, x in arrays.items()}


def unmasked(x: Any) -> Any:
    """Make masked values missing; what isn't a masked array is given back.

    Examples
    --------
    >>> unmasked(np.ma.masked_greater([1, 5], 3)).tolist()
    [1.0, nan]
    """
    if not isinstance(x, np.ma.MaskedArray) or not np.ma.is_masked(x):
        return x
    if x.dtype.kind in "biuf":
        return np.ma.filled(x.astype(np.float64), np.nan)
    return np.ma.filled(x.astype(object), None)


def pictures_as_of(arrays: Mapping[str, NDArray[Any]], where: object) -> dict[str, Any]:
    """Return what a Dataset remembers of arrays of pictures: ``{"range": [black, white]}``.

    Empty for tables, and for pictures from 0 to 255.

    Examples
    --------
    >>> pictures_as_of({"train": np.full((2, 8, 8), 0.5)}, "here")
    {'range': [0, 1]}
    """
    first = next(iter(arrays.values()))
    if first.ndim not in (3, 4):
        return {}
    ends = range_of_pictures(first, where)
    if first.dtype.kind in "iu" and first.size and first.max() <= 1:
        return {"brightest": 1}  # or new ones would be taken for another scale
    return {} if ends == (0, 255) else {"range": list(ends)}


def target_from_array(y: NDArray[Any], where: object) -> NDArray[Any]:
    """Convert targets to a plain array: booleans, integers, floats, or objects (str or None).

    Raises
    ------
    SourceError
        If there are several per row, or their type is another.
    """
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1:
        hint = "; for one-hot rows use y.argmax(axis=1)" if y.ndim == 2 else ""
        raise SourceError(f"{where}: has targets of shape {y.shape}; expected one per row{hint}")
    if y.dtype.kind == "O":
        return _plain_objects(y, where)
    if y.dtype.kind == "S":
        y = np.char.decode(y, "utf-8", "replace")
    if y.dtype.kind == "U":
        return y.astype(object)
    if y.dtype.kind not in "biuf":
        raise SourceError(f"{where}: has targets of type {y.dtype}; expected numbers or text")
    return y


def check_lengths(x: Mapping[str, Any], y: Mapping[str, NDArray[Any]], where: object) -> None:
    """Check that each subset has as many targets as examples.

    Raises
    ------
    SourceError
        If one hasn't.
    """
    for subset, targets in y.items():
        if len(x[subset]) != len(targets):
            raise SourceError(
                f"{where}: has {len(x[subset]):,} examples and {len(targets):,} targets for "
                f"{subset}; expected as many"
            )


def is_inexact(values: NDArray[Any]) -> bool:
    """Whether float64 can't hold some of these integers.

    Examples
    --------
    >>> is_inexact(np.array([2**53])), is_inexact(np.array([2**53 + 1]))
    (False, True)
    """
    return values.size > 0 and bool(
        max(abs(int(values.min())), abs(int(values.max()))) > 2**53
        and any(int(v) != int(float(v)) for v in values.ravel().tolist())
    )


def _plain_objects(y: NDArray[Any], where: object) -> NDArray[Any]:
    absent = missing_labels(y).tolist()
    values = [None if missing else v for v, missing in zip(y.tolist(), absent, strict=True)]
    present = [v for v in values if v is not None]
    if all(isinstance(v, str) for v in present):
        return np.array([*values, None], dtype=object)[:-1]
    if all(isinstance(v, bool | np.bool_) for v in present) and len(present) == len(values):
        return np.array(present, dtype=bool)
    if len(present) == len(values) and all(isinstance(v, int | np.integer) for v in present):
        exact = all(-(2**63) <= v < 2**63 for v in present)
        return np.array(values, np.int64) if exact else np.array([str(v) for v in values], object)
    if all(isinstance(v, int | float | np.number) for v in present):
        return np.array([np.nan if v is None else float(v) for v in values])
    other = next(v for v in present if not isinstance(v, str))
    raise SourceError(
        f"{where}: has targets of mixed types, among them {type(other).__name__}; "
        "expected only numbers, or only text"
    )


def _table(x: NDArray[Any], where: object, names: Sequence[str]) -> Table:
    if len(names) != x.shape[1] or len(set(names)) != len(names):
        names = [str(number) for number in range(x.shape[1])]
    if x.dtype.kind in "iu" and is_inexact(x):
        # Whole numbers beyond what float64 holds are codes, kept as they are.
        columns, kind = x.astype(str).T.astype(object), "category"
    elif x.dtype.kind in "biuf":
        columns = np.array(x.T, np.float64)
        notes: list[str] = []
        for name, values in zip(names, columns, strict=True):
            infinite_as_missing(values, name, notes)
        for note in notes:
            _log.warning("%s: %s", where, note)
        kind = "number"
    elif x.dtype.kind in "US":
        texts = np.char.decode(x, "utf-8", "replace") if x.dtype.kind == "S" else x
        columns, kind = texts.T.astype(object), "category"
        columns[columns == ""] = None
    else:
        raise SourceError(
            f"{where}: has columns of type {x.dtype}; expected real numbers or text; "
            "for columns of different types use a data frame"
        )
    return Table(
        tuple(
            Column(str(name), kind, np.ascontiguousarray(values))  # type: ignore[arg-type]
            for name, values in zip(names, columns, strict=True)
        )
    )
