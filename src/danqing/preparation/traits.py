"""The traits of data on which a recipe's defaults depend, read off it. Knows no recipe."""

from __future__ import annotations

import numpy as np

from danqing.data.dataset import Dataset
from danqing.data.divide import Part
from danqing.preparation.mirroring import bears_mirroring
from danqing.recipe.traits import Traits

__all__ = ["traits_of"]


def traits_of(
    dataset: Dataset, train: Part, shape: tuple[int, ...], drawings: bool, unlabelled: int = 0
) -> Traits:
    """Tell the traits of what a network is to learn from.

    Parameters
    ----------
    dataset : Dataset
    train : Part
        Its labelled training rows.
    shape : tuple of int
        Of what the network takes.
    drawings : bool
        Whether the pictures are made like MNIST's.
    unlabelled : int
        Pictures without labels beside them.

    Examples
    --------
    >>> from danqing.data.divide import divide
    >>> from danqing.data.mnist import load_mnist
    >>> mnist = load_mnist()
    >>> traits_of(mnist, divide(mnist, 0.1).train, (28, 28, 1), drawings=True).rows
    54000
    """
    unevenness, classes = 1.0, dataset.task == "classification"
    if classes:
        counts = np.bincount(train.labels)
        counts = counts[counts > 0]
        unevenness = float(counts.max() / counts.min())
    may_mirror = classes and not drawings and not dataset.tabular
    return Traits(
        dataset.tabular,
        dataset.task,
        len(train),
        shape,
        drawings,
        may_mirror and bears_mirroring(train),
        unevenness,
        unlabelled,
    )
