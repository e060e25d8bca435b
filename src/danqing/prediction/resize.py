"""Arrays of pictures, resized and converted to what a network takes. Knows no network."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from danqing.data.images.decode import Look, Mode, fit
from danqing.errors import PictureError

if TYPE_CHECKING:
    from danqing.data.dataset import Pictures
    from danqing.data.split import Splits, Subset

__all__ = ["ResizedPictures", "resize_pictures", "resize_splits"]


class ResizedPictures:
    """Pictures that are resized when they are indexed.

    Parameters
    ----------
    pictures : Pictures
    shape : (height, width, channels)

    Examples
    --------
    >>> pictures = ResizedPictures(np.zeros((2, 8, 8, 3), np.uint8), (4, 4, 1))
    >>> pictures.shape, pictures[1:].shape
    ((2, 4, 4, 1), (1, 4, 4, 1))
    """

    def __init__(self, pictures: Pictures, shape: tuple[int, ...]) -> None:
        self.pictures, self.shape = pictures, (len(pictures), *shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> NDArray[np.uint8]:
        pictures = self.pictures[rows]
        one = pictures.ndim == len(self.shape) - 1
        resized: NDArray[np.uint8] = resize_pictures(
            pictures[None] if one else pictures, self.shape[1:]
        )
        return resized[0] if one else resized


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


def resize_splits(splits: Splits, shape: tuple[int, ...], *, in_memory: bool = False) -> Splits:
    """Resize the pictures of all subsets to what a network takes; tables stay as they are.

    The digests of rows remain those of the original pictures.

    Parameters
    ----------
    splits : Splits
    shape : tuple of int
        What the network takes.
    in_memory : bool
        Resize at once what is in memory, and not each time that it is indexed.
    """
    if len(shape) != 3 or tuple(splits.train.x.shape[1:]) == tuple(shape):
        return splits
    resized: dict[int, Any] = {}

    def convert(subset: Subset) -> Subset:
        key = id(subset.x)
        if key not in resized:
            resized[key] = ResizedPictures(cast("Pictures", subset.x), shape)
            if in_memory and isinstance(subset.x, np.ndarray):
                resized[key] = resized[key][:]
        return replace(subset, x=resized[key])

    return replace(
        splits,
        train=convert(splits.train),
        validation=convert(splits.validation),
        test=convert(splits.test),
        unlabelled=convert(splits.unlabelled) if splits.unlabelled else None,
    )
