"""Pictures in memory, arrays or PIL images, -> what a trained network takes.

Knows no network; must load neither TensorFlow nor scikit-learn.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from danqing.data.images.folder import read_pictures
from danqing.data.images.image_file import quiet
from danqing.errors import PictureError
from danqing.prediction.drawing import read_drawing
from danqing.prediction.picture_scale import to_uint8
from danqing.prediction.resize import resize_pictures
from danqing.preparation.preparation import Preparation

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["is_image", "pictures_in_memory"]

_IN_PNG = ("1", "L", "LA", "I", "I;16", "P", "RGB", "RGBA")


def is_image(x: object) -> bool:
    """Whether it is a PIL image."""
    from PIL import Image

    return isinstance(x, Image.Image)


def pictures_in_memory(
    x: Any, preparation: Preparation, shape: tuple[int, ...]
) -> NDArray[np.uint8]:
    """Convert pictures in memory to what a network takes.

    Parameters
    ----------
    x : PIL image, array, or sequence of them
        Arrays of shape (h, w), (h, w, c), (n, h, w) or (n, h, w, c).
    preparation : Preparation
        The run's.
    shape : (height, width, channels)
        What the network takes.

    Returns
    -------
    ndarray of uint8, shape (n, height, width, channels)

    Raises
    ------
    PictureError
        If it isn't pictures, or they have a scale that can't be the training's.
    """
    array = x
    if type(x) is not np.ndarray:
        if is_image(x):
            return _from_image(x, preparation, shape)
        if isinstance(x, list | tuple) and any(is_image(one) for one in x):
            each = [pictures_in_memory(one, preparation, shape) for one in x]
            return np.concatenate(each)
        if not isinstance(x, np.ndarray) and hasattr(x, "read_all"):
            x = x[:]  # decoded pictures that are kept on disk
        if isinstance(x, list | tuple) and len({np.shape(one) for one in x}) > 1:
            return np.concatenate([pictures_in_memory(one, preparation, shape) for one in x])
        array = _as_array(x)
    batch = _batch(to_uint8(array, preparation.pictures_as), shape)
    if batch.shape[1:] == tuple(shape):
        return batch
    if batch.shape[-1] in (1, 3) and not preparation.drawings:
        resized: NDArray[np.uint8] = resize_pictures(batch, shape)
        return resized
    from PIL import Image

    images = [Image.fromarray(one[..., 0] if one.shape[-1] == 1 else one) for one in batch]
    return np.concatenate([_from_image(image, preparation, shape) for image in images])


def _as_array(x: Any) -> NDArray[Any]:
    try:
        return np.asarray(x)
    except (ValueError, TypeError) as error:
        raise PictureError(
            f"{type(x).__name__}: can't be converted to an array of pictures "
            f"({str(error).splitlines()[0]}); expected arrays of equal shape, or files"
        ) from None


def _batch(x: NDArray[np.uint8], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Add the axes of number and channels that are not there."""
    height, width, channels = shape
    flat = height * width * channels
    if x.ndim in (1, 2) and x.shape[-1] == flat and x.shape != (height, width):
        raise PictureError(
            f"pictures of shape {x.shape} are flattened; expected (n, {height}, {width}, "
            f"{channels}), such as x.reshape(-1, {height}, {width}, {channels})"
        )
    if x.ndim == 2:
        return x[None, ..., None]
    if x.ndim == 3 and x.shape[1:] != (height, width) and x.shape[-1] in (1, 2, 3, 4):
        return x[None]
    if x.ndim == 3:
        return x[..., None]
    if x.ndim != 4 or 0 in x.shape[1:]:
        raise PictureError(
            f"pictures of shape {x.shape}: expected (h, w), (h, w, c), (n, h, w) or (n, h, w, c)"
        )
    if x.shape[-1] > 4 and x.shape[1:] != tuple(shape):
        raise PictureError(
            f"pictures of shape {x.shape}: expected channels as the last axis; "
            "np.moveaxis(x, 1, -1) brings them there"
        )
    return x


def _from_image(
    image: Image, preparation: Preparation, shape: tuple[int, ...]
) -> NDArray[np.uint8]:
    """Read a PIL image as a file of it would be read."""
    content = _encode(image)
    if preparation.drawings:
        with quiet():
            return read_drawing(content, (shape[0], shape[1], shape[2]))[0][None]
    as_arrays_were = {"size": list(shape[:2]), "mode": "L" if shape[2] == 1 else "RGB"}
    known = preparation.pictures_as if "size" in preparation.pictures_as else as_arrays_were
    pictures, bad = read_pictures([content], known)
    if bad:
        raise PictureError(bad[0][1])
    resized: NDArray[np.uint8] = resize_pictures(pictures, shape)
    return resized


def _encode(image: Image) -> bytes:
    from PIL import ImageOps

    upright = ImageOps.exif_transpose(image)
    kind = "TIFF" if upright.mode == "F" else "PNG"
    if upright.mode in ("La", "RGBa"):
        upright = upright.convert("RGBA")
    elif upright.mode not in (*_IN_PNG, "F"):
        upright = upright.convert("RGB")
    file = io.BytesIO()
    upright.save(file, kind, **({"compress_level": 1} if kind == "PNG" else {}))
    return file.getvalue()
