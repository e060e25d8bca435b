"""Whether pictures stay what they are when mirrored: clothes do, digits don't."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from danqing.data.split import Subset

__all__ = ["is_flip_invariant"]

_MOST = 4000  # pictures looked at,
_SIDE = 32  # of at most about so many pixels a side


def is_flip_invariant(train: Subset) -> bool:
    """Tell whether mirrored copies of training pictures help to recognise others.

    Some training pictures are answered for by their nearest neighbour among the others (Cover &
    Hart 1967, "Nearest neighbor pattern classification"); where more answers are right once the
    others' mirrored copies are neighbours, too, a picture's class survives horizontal_flip.

    Examples
    --------
    >>> from danqing.data.split import divide
    >>> from danqing.data.catalog.mnist import load_mnist
    >>> is_flip_invariant(split(load_mnist(), 0.1).train)
    False
    """
    chosen = np.sort(np.random.default_rng(0).permutation(train.rows)[:_MOST])
    pictures, labels = _small(np.asarray(train.x[chosen])), np.asarray(train.y[chosen])
    nearest, near = _nearest(pictures, pictures)
    mirrored, mirrored_near = _nearest(pictures, pictures[:, :, ::-1])
    with_copies = np.where(mirrored_near < near, mirrored, nearest)
    right, right_with_copies = (labels[answers] == labels for answers in (nearest, with_copies))
    return bool(right_with_copies.sum() > right.sum())


def _small(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    step = max(1, min(pictures.shape[1:3]) // _SIDE)
    return pictures[:, ::step, ::step].astype(np.float32)


def _nearest(
    pictures: NDArray[np.float32], others: NDArray[np.float32]
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Give each picture's nearest among the others but the one at its own place, and how near.

    Near is the squared distance less the picture's own square.
    """
    flat = others.reshape(len(others), -1)
    distances = pictures.reshape(len(pictures), -1) @ (-2 * flat.T)
    distances += np.einsum("ij,ij->i", flat, flat)
    np.fill_diagonal(distances, np.inf)
    return distances.argmin(axis=1), distances.min(axis=1)
