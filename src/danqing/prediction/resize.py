"""Arrays of pictures, resized and converted to what a network takes. Knows no network."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.data.images.decode import Look, Mode, fit
from danqing.errors import PictureError

__all__ = ["resize_pictures"]


def resize_pictures(pictures: Any, shape: tuple[int, ...]) -> Any:
    """Resize pictures, and convert between grey and RGB, unless they have the shape already.

    Parameters
    ----------
    pictures : Pictures, shape (n, height, width, channels)
    shape : (height, width, channels)

    Raises
    ------
    PictureError
        If their channels can't be converted to those of `shape`.

    Examples
    --------
    >>> resize_pictures(np.zeros((2, 8, 8, 3), np.uint8), (4, 4, 1)).shape
    (2, 4, 4, 1)
    """
    if len(pictures.shape) != 4:
        raise PictureError("the data are rows of a table, but the network takes pictures")
    if tuple(pictures.shape[1:]) == tuple(shape):
        return pictures
    height, width, channels = shape
    if pictures.shape[-1] not in (1, 3) or channels not in (1, 3):
        raise PictureError(
            f"pictures of {pictures.shape[-1]} channels can't be converted to {channels}"
        )
    mode: Mode = "L" if channels == 1 else "RGB"
    resized: NDArray[np.uint8] = np.empty((len(pictures), *shape), np.uint8)
    for number in range(len(pictures)):
        picture = pictures[number : number + 1][0]
        own_height, own_width, own_channels = picture.shape
        original = Look(own_height, own_width, own_channels == 1, picture.tobytes())
        resized[number] = np.frombuffer(fit(original, (height, width), mode), np.uint8).reshape(
            shape
        )
    return resized
