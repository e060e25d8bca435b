"""Pictures on a page: arrays as images, as data URIs, as many as its size allows. Knows no page."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["Album", "data_uri", "enlarged", "picture_of", "thumbnail"]

_SIDE = 64  # pixels at most
_COLOURS = 64  # of a coloured thumbnail, so that it stays small


def picture_of(pixels: NDArray[np.uint8]) -> Image.Image:
    """Return pixels as an image.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (height, width, channels)
        Of other than 3 channels, the first is shown.
    """
    return Image.fromarray(
        np.ascontiguousarray(pixels if pixels.shape[-1] == 3 else pixels[..., 0])
    )


def enlarged(image: Image.Image, side: int) -> Image.Image:
    """Scale an image so that its longer side is `side`; small ones keep their pixels visible."""
    scale = side / max(image.size)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    how = Image.Resampling.NEAREST if scale >= 2 else Image.Resampling.LANCZOS
    return image.convert("RGB").resize(size, how)


def thumbnail(pixels: NDArray[np.uint8]) -> Image.Image:
    """Return pixels as an image of at most 64 by 64 pixels and, if coloured, 64 colours."""
    image = picture_of(pixels)
    image.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    return image.quantize(_COLOURS) if image.mode == "RGB" else image


def data_uri(image: Image.Image) -> str:
    """Return an image as a data URI, a PNG.

    Examples
    --------
    >>> data_uri(picture_of(np.zeros((28, 28, 1), np.uint8)))[:22]
    'data:image/png;base64,'
    """
    written = io.BytesIO()
    image.save(written, "png", optimize=True)
    return "data:image/png;base64," + base64.b64encode(written.getvalue()).decode()


class Album:
    """Thumbnails that fit into so many bytes.

    Parameters
    ----------
    room : int
        Bytes.

    Examples
    --------
    >>> album = Album(200)
    >>> album.add(np.zeros((1, 1, 1), np.uint8))[:10], album.add(np.zeros((9, 9, 1), np.uint8))
    ('data:image', '')
    """

    def __init__(self, room: int) -> None:
        self.room = room

    def add(self, picture: NDArray[Any]) -> str:
        """Return the picture's data URI, or nothing where there is no room left."""
        made = data_uri(thumbnail(picture))
        if len(made) > self.room:
            return ""
        self.room -= len(made)
        return made
