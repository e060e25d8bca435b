"""Dataset: labelled examples in memory, with their names and where they came from.

Knows no preparation and no network: what is here is raw, as the source gave it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

__all__ = ["Dataset"]


@dataclass(frozen=True)
class Dataset:
    """Labelled pictures, in a part for training and a part for testing.

    Attributes
    ----------
    name : str
        Short name, used in the names of run folders.
    source : str
        The word that loads it again.
    x_train, x_test : ndarray of uint8, shape (n, height, width, channels)
        Pixels from 0 to 255.
    y_train, y_test : ndarray of int64, shape (n,)
        Classes, as positions in `class_names`.
    class_names : tuple of str

    Examples
    --------
    >>> from danqing import load_data
    >>> dataset = load_data("mnist")
    >>> dataset.x_train.shape, dataset.input_shape, len(dataset.class_names)
    ((60000, 28, 28, 1), (28, 28, 1), 10)
    """

    name: str
    source: str
    x_train: NDArray[np.uint8] = field(repr=False)
    y_train: NDArray[np.int64] = field(repr=False)
    x_test: NDArray[np.uint8] = field(repr=False)
    y_test: NDArray[np.int64] = field(repr=False)
    class_names: tuple[str, ...]

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of a picture."""
        height, width, channels = self.x_train.shape[1:]
        return height, width, channels

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over shapes, types and bytes of all four arrays and the class names."""
        digest = hashlib.sha256()
        for array in (self.x_train, self.y_train, self.x_test, self.y_test):
            digest.update(f"{array.shape}{array.dtype}".encode())
            digest.update(np.ascontiguousarray(array).data.cast("B"))
        digest.update("\0".join(self.class_names).encode())
        return digest.hexdigest()
