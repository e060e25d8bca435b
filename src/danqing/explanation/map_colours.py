"""Maps as colours: cinnabar for evidence for the target, azure for evidence against it.

Knows no page and no file.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.pages.colours import AZURE, CINNABAR

__all__ = ["change_colours", "map_colours"]

_FAINT = 0.22  # of the picture beneath its map
_COVER = 0.9  # so that the picture is seen through the strongest colour


def map_colours(values: NDArray[Any], picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Colour a map on a faint drawing of its picture.

    Full colour is the 99.5th percentile of the sizes: one outlier must not pale all others.

    Parameters
    ----------
    values : ndarray, shape (height, width)
    picture : ndarray of uint8, shape (height, width, channels)

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)

    Examples
    --------
    >>> black = np.zeros((1, 3, 1), np.uint8)
    >>> map_colours(np.array([[-1.0, 0.0, 1.0]]), black).tolist()
    [[[53, 111, 177], [255, 255, 255], [206, 70, 52]]]
    """
    sizes = np.abs(np.asarray(values, np.float64))
    greatest = np.percentile(sizes, 99.5) or sizes.max() or 1.0
    strength = np.minimum(sizes / greatest, 1)[..., None]
    hue = np.where(np.asarray(values)[..., None] > 0, CINNABAR, AZURE)
    return _mixed(_ground(picture), hue, strength)


def change_colours(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Colour lighter pixels in cinnabar and darker ones in azure."""
    change = after.astype(np.float64).mean(axis=-1) - before.astype(np.float64).mean(axis=-1)
    strength = np.sqrt(np.minimum(np.abs(change) / 255, 1))[..., None]
    hue = np.where(change[..., None] > 0, CINNABAR, AZURE)
    return _mixed(_ground(before), hue, strength)


def _mixed(
    ground: NDArray[np.float64], hue: NDArray[Any], strength: NDArray[np.float64]
) -> NDArray[np.uint8]:
    cover = _COVER * strength
    mixed: NDArray[np.uint8] = np.rint(ground * (1 - cover) + hue * cover).astype(np.uint8)
    return mixed


def _ground(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the picture as faint ink on white; a mostly light one is not inverted."""
    grey = picture.astype(np.float64).mean(axis=-1, keepdims=True)
    ink = grey if np.median(grey) < 128 else 255 - grey
    return np.repeat(255 - _FAINT * ink, 3, axis=-1)
