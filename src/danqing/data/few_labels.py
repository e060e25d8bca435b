"""Few labels: which training rows keep theirs, to study how few are enough. Knows no split."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["draw_labelled"]


def draw_labelled(labels: NDArray[Any], labels_per_class: int, seed: int) -> NDArray[np.bool_]:
    """Draw so many rows of each class, or all where there are fewer.

    Parameters
    ----------
    labels : ndarray of int64, shape (n,)
    labels_per_class : int
    seed : int
        Of the draw.

    Returns
    -------
    ndarray of bool, shape (n,)

    Examples
    --------
    >>> labelled = draw_labelled(np.array([0, 1, 0, 1, 0]), 1, seed=0)
    >>> labelled.sum(), labelled[[1, 3]].sum()
    (np.int64(2), np.int64(1))
    """
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    sizes = np.bincount(labels)
    place = np.arange(len(labels)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    labelled = np.zeros(len(labels), np.bool_)
    labelled[by_class[place < labels_per_class]] = True
    return labelled
