"""Pixel values of any type and scale -> uint8 from 0 to 255, as the training pictures had.

Knows no shapes and no files. What can't be the scale of training is refused, never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.errors import PictureError

__all__ = ["to_uint8"]

_OVERSHOOT = 0.1  # of the range: what resampling makes of a sharp edge
_BYTES = (0, 255)
_DARKEST = 25.5  # a brightest pixel below can't be told from another scale
_DEEP = 16384  # likewise of 16 bits


def to_uint8(x: NDArray[Any], pictures_as: Mapping[str, Any]) -> NDArray[np.uint8]:
    """Convert pixel values to uint8 in the scale of the training pictures.

    Parameters
    ----------
    x : ndarray
        Booleans; integers from 0 to 255, or to 65,535 (16 bits); or floats, from 0 to 1 or, if
        training had no floats from 0 to 1, from 0 to 255.
    pictures_as : mapping
        As in `danqing.data.dataset.Dataset`.

    Raises
    ------
    PictureError
        If values are NaN or infinite, or in a scale that can't be the training's.

    Examples
    --------
    >>> to_uint8(np.array([0.0, 0.5, 1.02]), {}).tolist()
    [0, 128, 255]
    >>> to_uint8(np.array([0.0, 128.0, 255.0]), {}).tolist()
    [0, 128, 255]
    """
    white = pictures_as.get("range", _BYTES)[1]
    if x.dtype == np.uint8 and white == 255 and x.size and x.max() > 1:
        return x  # the most common, and the quickest to tell
    if x.dtype.kind == "b":
        return x.astype(np.uint8) * np.uint8(255)
    if x.dtype.kind not in "uif":
        raise PictureError(
            f"pictures of type {x.dtype}: expected numbers, such as uint8 from 0 to 255"
        )
    if not x.size:
        return x.astype(np.uint8)
    if not np.isfinite(x).all():
        raise PictureError(
            "pictures contain NaN or infinities; expected finite numbers, such as np.nan_to_num(x)"
        )
    low, high = float(x.min()), float(x.max())
    if not low and not high:
        return np.zeros(x.shape, np.uint8)
    dim = pictures_as.get("brightest") == 1
    factor = _factor(x, low, high, float(white), dim=dim)
    if factor is None:
        expected = {1: "floats from 0 to 1", 255: "uint8 from 0 to 255"}.get(
            white, f"values from 0 to {white:g}"
        )
        raise PictureError(
            f"pictures have values from {low:.6g} to {high:.6g} ({x.dtype}), which isn't the scale "
            f"of the training pictures; expected {expected}, as in training"
        )
    if factor == 1 and x.dtype == np.uint8:
        return x
    return np.rint(x * np.float64(factor)).clip(0, 255).astype(np.uint8)


def _factor(x: NDArray[Any], low: float, high: float, white: float, *, dim: bool) -> float | None:
    """Give what brings the values to 0 to 255; None if it can't be known."""
    if white not in (1, 255):
        fits = low >= -_OVERSHOOT * white and 1 < high <= (1 + _OVERSHOOT) * white
        return 255 / white if fits else None
    if x.dtype.kind != "f":
        # Zeros and ones may be a mask, or all but black.
        if low < -_OVERSHOOT * 255 or (high < 2 and not dim):
            return None
        if high <= 255 * (1 + (_OVERSHOOT if x.dtype.kind == "i" else 0)):
            return 1.0
        return 255 / 65535 if low >= 0 and _DEEP <= high <= 65535 else None
    if high <= 1 + _OVERSHOOT:
        if low < -_OVERSHOOT or high <= 0:
            return None
        ambiguous = white != 1 and high == 1 and bool((x == np.rint(x)).all())
        return None if ambiguous else 255.0
    if white == 1 or low < -_OVERSHOOT * 255 or high > 255 * (1 + _OVERSHOOT):
        return None
    dark = high < _DARKEST and not (low >= 0 and bool((x == np.rint(x)).all()))
    return None if dark else 1.0
