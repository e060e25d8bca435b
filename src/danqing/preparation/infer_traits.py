"""Infer the traits of data on which a recipe's defaults depend. Knows no recipe."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from danqing.data.dataset import Dataset
from danqing.data.split import Subset
from danqing.preparation.flip_invariance import is_flip_invariant
from danqing.recipe.traits import Traits

__all__ = ["infer_traits", "looks_like_mnist"]


def infer_traits(dataset: Dataset, train: Subset, unlabelled: int = 0) -> Traits:
    """Infer the traits of what a network is to learn from.

    Parameters
    ----------
    dataset : Dataset
    train : Subset
        Its labelled training rows.
    unlabelled : int
        How many pictures without labels there are beside them.

    Examples
    --------
    >>> from danqing.data.split import split
    >>> from danqing.data.catalog.mnist import load_mnist
    >>> mnist = load_mnist()
    >>> traits = infer_traits(mnist, split(mnist, 0.1).train)
    >>> traits.rows, traits.drawings
    (54000, True)
    """
    classes = dataset.task == "classification"
    drawings = not dataset.tabular and looks_like_mnist(dataset.x_train[:200])
    may_flip = classes and not drawings and not dataset.tabular
    return Traits(
        dataset.tabular,
        dataset.task,
        len(train),
        dataset.input_shape,
        drawings,
        may_flip and is_flip_invariant(train),
        unlabelled,
    )


def looks_like_mnist(pictures: NDArray[np.uint8]) -> bool:
    """Whether pictures look like MNIST's: light ink in 20x20 pixels, centred by mass.

    Parameters
    ----------
    pictures : ndarray of uint8, shape (n, height, width, channels)
        A sample of a data set.

    Examples
    --------
    >>> looks_like_mnist(np.full((3, 28, 28, 1), 255, np.uint8))
    False
    """
    if pictures.ndim != 4 or pictures.shape[1:] != (28, 28, 1):
        return False
    alike = 0
    for picture in pictures[..., 0].astype(np.float64):
        rows, columns = np.flatnonzero(picture.any(axis=1)), np.flatnonzero(picture.any(axis=0))
        if len(rows):
            longest = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
            places = np.arange(28) - 13.5
            off = [abs((picture.sum(axis=a) * places).sum()) / picture.sum() for a in (0, 1)]
            alike += longest == 20 and max(off) <= 1
    return bool(alike >= 0.8 * len(pictures) > 0)
