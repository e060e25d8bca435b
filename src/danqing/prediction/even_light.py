"""Photos of drawings, evened out: shade and dark corners are not ink. Knows no network.

The ground is what remains when all strokes are closed: a morphological closing with a window that
is wider than any stroke (Serra 1982, "Image Analysis and Mathematical Morphology"). On paper light
acts as a factor, so the picture is divided by its ground.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["even_out", "has_light_ground"]

_SIDE = 128  # pixels of the shorter side, at which the ground is estimated
_LONGEST = 512  # of the longer
_WINDOW = 0.3  # share of the shorter side; strokes are narrower
_EVEN = 0.04  # share of its brightness, by which the ground of an even picture may vary
_DARKEST = 20  # brightness of a dark ground, below which it says nothing of the light
_FITS = 8  # rounds of fitting a surface
_SURE = (40, 170)  # a border darker or lighter than this leaves no doubt

Grey = NDArray[np.float64]


def has_light_ground(grey: NDArray[np.uint8]) -> bool:
    """Whether dark ink lies on light ground, also where that is in the shade."""
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    brightness = float(np.median(border))
    if not _SURE[0] < brightness < _SURE[1] or min(grey.shape) < 8:
        return brightness > 127
    # Around each stroke there is more ground than ink: where it has most of what is light or dark.
    small = _smooth(_reduced(grey))
    darkest, lightest = _extreme(small, np.min), _extreme(small, np.max)
    return float((small - darkest).sum()) > float((lightest - small).sum())


def even_out(grey: NDArray[np.uint8], *, light_ground: bool) -> NDArray[np.uint8]:
    """Remove uneven light from a drawing; light ink on dark ground comes out.

    Parameters
    ----------
    grey : ndarray of uint8, shape (height, width)
    light_ground : bool
        Whether its ink is dark, on light ground.

    Returns
    -------
    ndarray of uint8, shape (height, width)
        In even light only inverted, where the ground is light.

    Examples
    --------
    >>> paper = np.tile(np.linspace(120, 240, 60), (60, 1))
    >>> paper[20:40, 28:32] *= 0.4
    >>> ink = even_out(paper.astype(np.uint8), light_ground=True)
    >>> int(ink[:, :28].max()) < 10, int(ink[30, 30]) > 140
    (True, True)
    """
    plain = 255 - grey if light_ground else grey
    if min(grey.shape) < 8:
        return plain
    dark_on_light = grey if light_ground else 255 - grey
    small = _smooth(_reduced(dark_on_light))
    slope = _slope(small)
    # Both are no darker than the ground: the first follows edges of shade, the second dark corners.
    ground = _smooth(np.minimum(_closed(small), slope * _closed(small / slope))).clip(1, 255)
    low, high = np.percentile(ground, (2, 98))
    if high - low < _EVEN * (high if light_ground else 255):
        return plain
    paper = np.asarray(
        Image.fromarray(ground.astype(np.float32)).resize(
            (grey.shape[1], grey.shape[0]), Image.Resampling.BICUBIC
        ),
        dtype=np.float64,
    ).clip(1, 255)
    if light_ground:
        ink = 1 - dark_on_light / paper
    else:  # what light there is on dark ground is known from the little that it gives back
        light = (255 - paper).clip(_DARKEST)
        ink = (paper - dark_on_light) / 255 * (np.median(light) / light)
    return np.asarray((255 * ink).clip(0, 255).round(), dtype=np.uint8)


def _reduced(grey: NDArray[np.uint8]) -> Grey:
    height, width = grey.shape
    scale = min(1, _SIDE / min(height, width), _LONGEST / max(height, width))
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    return np.asarray(Image.fromarray(grey).resize(size, Image.Resampling.BOX), dtype=np.float64)


def _slope(small: Grey) -> Grey:
    """Fit a quadratic surface to the ground: strokes are darker, and weigh little."""
    rows, columns = (np.linspace(-1, 1, length) for length in small.shape)
    y, x = (axis.ravel() for axis in np.meshgrid(rows, columns, indexing="ij"))
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)
    values, weights = small.ravel(), np.ones(small.size)
    fitted = values
    for _ in range(_FITS):
        weighted = terms * weights[:, np.newaxis]
        fitted = terms @ np.linalg.lstsq(weighted.T @ terms, weighted.T @ values, rcond=None)[0]
        weights = np.where(values > fitted - _EVEN * fitted.max(), 1.0, 0.02)
    return np.asarray(fitted.reshape(small.shape).clip(0.1 * fitted.max() + 1, None))


def _closed(small: Grey) -> Grey:
    """Close dark strokes; the picture goes on beyond its border as it tends to there."""
    reach = _reach(small)
    wide = np.pad(small, 2 * reach, mode="reflect", reflect_type="odd")
    return _extreme_of(_extreme_of(wide, reach, np.max), reach, np.min)


def _extreme(small: Grey, most: Callable[..., Any]) -> Grey:
    reach = _reach(small)
    return _extreme_of(np.pad(small, reach, mode="edge"), reach, most)


def _extreme_of(wide: Grey, reach: int, most: Callable[..., Any]) -> Grey:
    """Find the largest or smallest value in the window around each pixel."""
    for axis in (0, 1):
        windows = np.lib.stride_tricks.sliding_window_view(wide, 2 * reach + 1, axis)
        wide = most(windows, axis=-1)
    return wide


def _reach(small: Grey) -> int:
    return max(1, int(_WINDOW * min(small.shape) / 2))


def _smooth(small: Grey) -> Grey:
    """Average over 3x3 pixels: grain is neither ink nor light."""
    wide = np.pad(small, 1, mode="edge")
    rows = wide[:-2] + wide[1:-1] + wide[2:]
    return np.asarray((rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]) / 9)
