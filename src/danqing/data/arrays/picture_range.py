"""The values of pictures in arrays: which is black and which is white, for a whole set.

Values a little outside are clipped: resampling overshoots. Knows no files.
"""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.errors import SourceError

__all__ = ["WHITES", "Range", "pictures_in_range", "range_of_pictures"]

Range = tuple[float, float]
"""The values of black and of white."""

WHITES = (255, 1023, 4095, 16383, 65535)
"""White at 8, 10, 12, 14 and 16 bits."""

_OVERSHOOT = 0.1  # share of the range, by which values may lie outside
_HAIR = 0.001  # share of the range that is rounding, not worth a word
_EXPECTED = "expected integers from 0 to 255, or floats from 0 to 1"
_CUT = "np.clip(x, {:g}, {:g}) cuts off what lies outside"

_log = logging.getLogger("danqing")


def range_of_pictures(x: NDArray[Any], where: object) -> Range:
    """Infer the values of black and white from all pictures of a training set.

    Floats are from 0 to 1. Integers have 8 bits; or 10, 12, 14 or 16, if there are values that
    need them. Floats that are whole numbers, or reach from about 0 to about 255, are such integers.

    Parameters
    ----------
    x : ndarray, shape (n, height, width[, channels])
    where : object
        How messages refer to the source.

    Raises
    ------
    SourceError
        If the type or the values are none of these.

    Examples
    --------
    >>> range_of_pictures(np.array([[[-1e-8, 1.0000001]]]), "here")
    (0, 1)
    >>> range_of_pictures(np.array([[[0, 3000]]], np.uint16), "here")
    (0, 4095)
    """
    if x.dtype.kind not in "biuf":
        raise SourceError(f"{where}: has pictures of type {x.dtype}; expected uint8, 0 to 255")
    if x.dtype.kind == "b":
        return 0, 1
    if x.dtype.itemsize == 1 or not x.size:
        return 0, 255
    low, high = float(x.min()), float(x.max())
    if x.dtype.kind == "f" and low >= -_OVERSHOOT and high <= 1 + _OVERSHOOT:
        return 0, 1
    # Values between whole numbers were resampled: then the range must be plain to see.
    whole = x.dtype.kind != "f" or bool((x == np.rint(x)).all())
    white = next((white for white in WHITES if high <= white), None)
    if low >= 0 and white and whole:
        return 0, white
    if low >= -255 * _OVERSHOOT and (128 if low >= 0 else 64) <= high <= 255 * (1 + _OVERSHOOT):
        return 0, 255
    if whole and low < 0 and white == 255:
        return 0, 255  # and refused, unless it is a little below 0
    top = 1 if high <= 2 else 255
    raise _refusal(x, where, f"{_EXPECTED}; {_CUT.format(0, top)}")


def pictures_in_range(x: NDArray[Any], ends: Range, where: object) -> NDArray[np.uint8]:
    """Scale pictures to 0 to 255, and clip what lies a little outside.

    Parameters
    ----------
    x : ndarray, shape (n, height, width[, channels])
    ends : (black, white)
        As `range_of_pictures` found for the training set.
    where : object
        How messages refer to the source.

    Returns
    -------
    ndarray of uint8, shape (n, height, width, channels)

    Raises
    ------
    SourceError
        If values lie outside by more than a tenth of the range, or are not numbers, or are clearly
        of another scale.

    Examples
    --------
    >>> pictures_in_range(np.array([[[-0.01, 0.5, 1.02]]]), (0, 1), "here").ravel().tolist()
    [0, 128, 255]
    """
    if x.size and (x.dtype != np.uint8 or ends != (0, 255)):
        x = _scaled(x, ends, where)
    pictures = x.astype(np.uint8, copy=False)
    return pictures[..., np.newaxis] if pictures.ndim == 3 else pictures


def _scaled(x: NDArray[Any], ends: Range, where: object) -> NDArray[Any]:
    black, white = ends
    low, high, span = float(x.min()), float(x.max()), white - black
    expected = _EXPECTED if ends in ((0, 1), (0, 255)) else f"expected {black:g} to {white:g}"
    beyond = max(black - low, high - white) / span
    if not beyond <= _OVERSHOOT:  # or not a number
        raise _refusal(x, where, f"{expected}; {_CUT.format(black, white)}")
    if x.dtype.kind == "f" and white >= 255 and high <= 1 and (x != np.rint(x)).any():
        raise _refusal(x, where, f"expected {black:g} to {white:g}, as in training")
    if beyond > _HAIR:
        _log.warning(
            "%s: has pictures with values from %.4g to %.4g; they are clipped to %g to %g",
            where, low, high, black, white,
        )  # fmt: skip
    if beyond > 0:
        x = x.clip(black, white)
    if span == 255:
        return x if x.dtype.kind != "f" else np.rint(x)
    scaled: NDArray[Any] = np.rint((x - np.float64(black)) * (255 / np.float64(span)))
    return scaled


def _refusal(x: NDArray[Any], where: object, expected: str) -> SourceError:
    low, high = float(x.min()), float(x.max())
    return SourceError(
        f"{where}: has pictures with values from {low:.6g} to {high:.6g} ({x.dtype}); {expected}"
    )
