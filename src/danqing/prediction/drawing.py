"""Drawings, processed as MNIST's were, for a network trained on such pictures.

MNIST's own steps, as its authors describe them: the ink is cropped, scaled to fit 20x20 pixels
with its proportions kept, and placed in 28x28 so that its centre of mass is in the middle
(LeCun, Bottou, Bengio & Haffner 1998, "Gradient-based learning applied to document recognition",
section III.A). Knows no network.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from danqing.data.images.decode import flatten
from danqing.data.images.image_file import open_picture, read_file
from danqing.errors import PictureError
from danqing.prediction.even_light import even_out, has_light_ground

__all__ = ["draw_like_mnist", "read_drawing"]

_INK = 20 / 28  # share of a side that the ink fills


def read_drawing(
    source: str | Path | bytes, input_shape: tuple[int, int, int]
) -> tuple[NDArray[np.uint8], str]:
    """Read a picture file, or its content, for a network that takes pictures of `input_shape`.

    Pillow may warn of odd files; `danqing.data.images.image_file.quiet` silences it.

    A grey picture of exactly that size, on a dark ground, is taken as it is. Any other is treated
    as a drawing, dark on light or light on dark, evened out if its light is uneven.

    Returns
    -------
    picture : ndarray of uint8, shape (height, width, 1)
    steps : str
        How it was processed, in words; empty if it was not.

    Raises
    ------
    PictureError
        If the file is missing, is not a picture, is far too large, or shows nothing.
    """
    name = "" if isinstance(source, bytes) else f"{source}: "
    try:
        return _read_drawing(source, input_shape)
    except PictureError as error:
        raise PictureError(f"{name}{error}") from None


def _read_drawing(
    source: str | Path | bytes, input_shape: tuple[int, int, int]
) -> tuple[NDArray[np.uint8], str]:
    grey = _read_grey(source if isinstance(source, bytes) else read_file(source))
    height, width, _ = input_shape
    if grey.shape == (height, width) and _border_brightness(grey) <= 127:
        return grey[..., np.newaxis], ""
    light_ground = has_light_ground(grey)
    drawn = draw_like_mnist(even_out(grey, light_ground=light_ground), (height, width))
    inverted = "inverted, " if light_ground else ""
    return drawn[..., np.newaxis], f"{inverted}cropped, scaled, centred by mass"


def _border_brightness(grey: NDArray[np.uint8]) -> float:
    """Give the median of the border's pixels; ``np.median`` takes ten times as long for so few."""
    border = np.sort(np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]]))
    middle = len(border) // 2  # of an even number
    return (int(border[middle - 1]) + int(border[middle])) / 2


def draw_like_mnist(ink: NDArray[np.uint8], size: tuple[int, int] = (28, 28)) -> NDArray[np.uint8]:
    """Crop, scale and centre light ink on a dark ground as MNIST's authors did.

    Parameters
    ----------
    ink : ndarray of uint8, shape (height, width)
    size : (height, width) of the result

    Raises
    ------
    PictureError
        If there is no ink: all pixels are about the same.

    Examples
    --------
    >>> stroke = np.zeros((200, 300), np.uint8)
    >>> stroke[50:150, 20:30] = 255
    >>> drawn = draw_like_mnist(stroke)
    >>> drawn.shape, int(np.flatnonzero(drawn.max(axis=1))[0])
    ((28, 28), 4)
    """
    low, high = int(np.percentile(ink, 5)), int(ink.max())
    if high - low < 32:
        raise PictureError("shows nothing: all its pixels are about the same; draw with contrast")
    # Paper has tone and grain: below a fifth of the ink's own contrast, it is ground.
    scaled_ink = np.clip((ink.astype(np.float64) - low) / (high - low), 0, 1)
    scaled_ink[scaled_ink < 0.2] = 0
    rows, columns = np.flatnonzero(scaled_ink.any(axis=1)), np.flatnonzero(scaled_ink.any(axis=0))
    cropped = scaled_ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    side = _INK * min(size) / max(cropped.shape)
    scaled_size = tuple(max(1, round(length * side)) for length in cropped.shape)
    scaled = np.asarray(
        Image.fromarray((cropped * 255).astype(np.uint8)).resize(
            (scaled_size[1], scaled_size[0]), Image.Resampling.LANCZOS
        ),
        dtype=np.float64,
    )
    # Thin strokes get darker when scaled down; MNIST's ink is fully bright in its middle.
    scaled *= 255 / max(scaled.max(), 1)
    placed = np.zeros(size)
    starts = []
    for axis in (0, 1):
        mass = scaled.sum(axis=1 - axis)
        centre = float((mass * (np.arange(len(mass)) + 0.5)).sum() / mass.sum())
        start = round(size[axis] / 2 - centre)
        starts.append(min(max(start, 0), size[axis] - scaled.shape[axis]))
    placed[starts[0] : starts[0] + scaled.shape[0], starts[1] : starts[1] + scaled.shape[1]] = (
        scaled
    )
    return np.asarray(placed.round(), dtype=np.uint8)


def _read_grey(content: bytes) -> NDArray[np.uint8]:
    with open_picture(content) as opened:
        flat = flatten(opened)
        if flat.mode.startswith("I"):  # 16 bits per pixel: a drawing needs contrast, not depth
            deep = np.asarray(flat, dtype=np.float64)
            return np.asarray(deep * 255 / max(deep.max(), 1), dtype=np.uint8)
        grey = flat if flat.mode == "L" else flat.convert("L")
        return np.frombuffer(grey.tobytes(), np.uint8).reshape(grey.height, grey.width)
