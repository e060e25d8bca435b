"""Small pictures inside the page, as many as its size allows. Knows no figures."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["Album", "data_uri"]

_SIDE = 64  # pixels at most
_COLOURS = 64  # of a coloured picture, so that it stays small


def data_uri(picture: NDArray[np.uint8]) -> str:
    """Give a picture as the address of itself, a PNG.

    Parameters
    ----------
    picture : ndarray of uint8, shape (height, width, channels)
        Large ones are made smaller; of other than 3 channels, the first is shown.

    Examples
    --------
    >>> data_uri(np.zeros((28, 28, 1), np.uint8))[:22]
    'data:image/png;base64,'
    """
    channels = picture.shape[-1]
    opened = Image.fromarray(np.ascontiguousarray(picture if channels == 3 else picture[..., 0]))
    opened.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    if channels == 3:
        opened = opened.quantize(_COLOURS)
    written = io.BytesIO()
    opened.save(written, "png", optimize=True)
    return "data:image/png;base64," + base64.b64encode(written.getvalue()).decode()


class Album:
    """Pictures that fit into so many bytes.

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
        """Give the picture's address, or nothing where there is no room left."""
        made = data_uri(picture)
        if len(made) > self.room:
            return ""
        self.room -= len(made)
        return made
