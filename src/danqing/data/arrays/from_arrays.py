"""From arrays to pictures or a table, the same way for npz files and for objects from Python.

Knows no files and no labels: targets only become one plain array.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.data.table import Column, Table
from danqing.errors import SourceError

__all__ = ["examples_from_arrays", "target_from_array"]


def examples_from_arrays(
    parts: Sequence[NDArray[Any]], where: object, names: Sequence[str] = ()
) -> list[Any]:
    """Make pictures of arrays with 3 or 4 dimensions, and tables of those with 2.

    Parameters
    ----------
    parts : sequence of ndarray
        The parts of one source, training first, which decides what the values mean. Pictures of
        shape (n, height, width[, channels]): whole numbers from 0 to 255, or from 0 to 1 as
        floats, which become 0 to 255. Tables of shape (n, columns): numbers, truth values or text.
    where : object
        What messages call the source.
    names : sequence of str
        Names of the columns; "0", "1", ... if not given.

    Returns
    -------
    list of ndarray of uint8, shape (n, height, width, channels), or of Table

    Raises
    ------
    SourceError
        If dimensions, types or values are none of these, or parts differ in shape.

    Examples
    --------
    >>> pictures = examples_from_arrays([np.full((2, 8, 8), 0.5)], "here")[0]
    >>> pictures.shape, int(pictures.max())
    ((2, 8, 8, 1), 128)
    >>> examples_from_arrays([np.zeros((5, 3))], "here")[0].names
    ('0', '1', '2')
    """
    first = parts[0]
    for part in parts:
        if part.ndim not in (2, 3, 4) or 0 in part.shape[1:]:
            raise SourceError(
                f"{where}: has examples of shape {part.shape}; expected (n, columns) for a table, "
                "(n, height, width) or (n, height, width, channels) for pictures"
            )
        if part.shape[1:] != first.shape[1:]:
            raise SourceError(
                f"{where}: its parts differ in shape, {first.shape[1:]} for training and "
                f"{part.shape[1:]}; make them alike"
            )
    if first.ndim == 2:
        return [_table(part, where, names) for part in parts]
    if first.ndim == 4 and first.shape[3] > 4:
        mend = "; np.moveaxis(x, 1, -1) does that" if first.shape[1] <= 4 else ""
        raise SourceError(
            f"{where}: has pictures of shape {first.shape[1:]}; "
            f"expected 1 to 4 channels, as the last axis{mend}"
        )
    scale = _scale(first, where)
    return [_pictures(part, scale, where) for part in parts]


def target_from_array(y: NDArray[Any], where: object) -> NDArray[Any]:
    """Give targets as one plain array: bool, integers, floats, or object (str or None).

    Raises
    ------
    SourceError
        If there are several a row, or their type is another.
    """
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1:
        mend = "; of one-hot rows give y.argmax(axis=1)" if y.ndim == 2 else ""
        raise SourceError(f"{where}: has targets of shape {y.shape}; expected one a row{mend}")
    if y.dtype.kind == "O":
        return _plain_objects(y, where)
    if y.dtype.kind == "S":
        y = np.char.decode(y, "utf-8", "replace")
    if y.dtype.kind == "U":
        return y.astype(object)
    if y.dtype.kind not in "biuf":
        raise SourceError(f"{where}: has targets of type {y.dtype}; expected numbers or text")
    return y


def _plain_objects(y: NDArray[Any], where: object) -> NDArray[Any]:
    values = [None if v is None or v != v else v for v in y.tolist()]
    present = [v for v in values if v is not None]
    if all(isinstance(v, str) for v in present):
        return np.array([*values, None], dtype=object)[:-1]
    if all(isinstance(v, bool | np.bool_) for v in present) and len(present) == len(values):
        return np.array(present, dtype=bool)
    if all(isinstance(v, int) and abs(v) < 2**63 for v in values):
        return np.array(values, dtype=np.int64)
    if all(isinstance(v, int | float | np.number) for v in present):
        return np.array([np.nan if v is None else float(v) for v in values])
    other = next(v for v in present if not isinstance(v, str))
    raise SourceError(
        f"{where}: has targets of mixed kinds, among them {type(other).__name__}; "
        "expected numbers only, or text only"
    )


def _table(x: NDArray[Any], where: object, names: Sequence[str]) -> Table:
    if len(names) != x.shape[1] or len(set(names)) != len(names):
        names = [str(number) for number in range(x.shape[1])]
    if x.dtype.kind in "biuf":
        columns = x.astype(np.float64).T
        # An infinity is no measurement; the network could do nothing with it either.
        columns = np.where(np.isinf(columns), np.nan, columns)
        kinds = "number"
    elif x.dtype.kind in "US":
        texts = np.char.decode(x, "utf-8", "replace") if x.dtype.kind == "S" else x
        columns, kinds = texts.T.astype(object), "category"
        columns[columns == ""] = None
    else:
        raise SourceError(
            f"{where}: has columns of type {x.dtype}; expected real numbers or text; "
            "columns of different kinds go into a data frame"
        )
    return Table(
        tuple(
            Column(str(name), kinds, np.ascontiguousarray(values))  # type: ignore[arg-type]
            for name, values in zip(names, columns, strict=True)
        )
    )


def _scale(x: NDArray[Any], where: object) -> float:
    """Tell what a value is multiplied with to reach 0 to 255."""
    if x.dtype.kind not in "biuf":
        raise SourceError(f"{where}: has pictures of type {x.dtype}; expected uint8, 0 to 255")
    if x.dtype.kind == "b":
        return 255.0
    if x.dtype.kind != "f":
        return 1.0
    return 255.0 if x.size and x.max() <= 1 else 1.0


def _pictures(x: NDArray[Any], scale: float, where: object) -> NDArray[np.uint8]:
    if x.dtype != np.uint8 and x.size:
        low, high = x.min(), x.max()
        top = 255 / scale
        whole = x.dtype.kind != "f" or scale != 1.0 or bool((x == np.rint(x)).all())
        if not (low >= 0 and high <= top and whole):
            raise SourceError(
                f"{where}: has pictures with values from {low:.6g} to {high:.6g} ({x.dtype}); "
                "expected whole numbers from 0 to 255, or floats from 0 to 1"
            )
    if scale != 1.0:
        x = np.rint(x * np.float64(scale))
    pictures = x.astype(np.uint8, copy=False)
    return pictures[..., np.newaxis] if pictures.ndim == 3 else pictures
