"""Whether a horizontal flip preserves a picture's class: that of clothes, not that of digits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from danqing.data.split import Subset

__all__ = ["is_flip_invariant"]

_MOST = 4000  # pictures compared,
_SIDE = 32  # reduced to about so many pixels a side


def is_flip_invariant(train: Subset) -> bool:
    """Whether flipped copies of training pictures help to classify others.

    A sample of the training pictures is classified by each one's nearest neighbour among the others
    (Cover & Hart 1967, "Nearest neighbor pattern classification"). If more of them are correct
    once flipped copies may be neighbours, too, a flip preserves the class.

    Examples
    --------
    >>> from danqing.data.split import split
    >>> from danqing.data.catalog.mnist import load_mnist
    >>> is_flip_invariant(split(load_mnist(), 0.1).train)
    False
    """
    chosen = np.sort(np.random.default_rng(0).permutation(train.rows)[:_MOST])
    pictures, labels = _small(np.asarray(train.x[chosen])), np.asarray(train.y[chosen])
    nearest, near = _nearest(pictures, pictures)
    flipped, flipped_near = _nearest(pictures, pictures[:, :, ::-1])
    nearest_of_both = np.where(flipped_near < near, flipped, nearest)
    correct, correct_of_both = (labels[rows] == labels for rows in (nearest, nearest_of_both))
    return bool(correct_of_both.sum() > correct.sum())


def _small(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    step = max(1, min(pictures.shape[1:3]) // _SIDE)
    return pictures[:, ::step, ::step].astype(np.float32)


def _nearest(
    pictures: NDArray[np.float32], others: NDArray[np.float32]
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Find each picture's nearest among `others`, except the one at its own place.

    Returns
    -------
    nearest : ndarray of int, shape (n,)
    near : ndarray of float, shape (n,)
        The squared distance, less the picture's own squared length.
    """
    flat = others.reshape(len(others), -1)
    distances = pictures.reshape(len(pictures), -1) @ (-2 * flat.T)
    distances += np.einsum("ij,ij->i", flat, flat)
    np.fill_diagonal(distances, np.inf)
    return distances.argmin(axis=1), distances.min(axis=1)
