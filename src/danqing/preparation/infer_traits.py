"""Infer the traits of data on which a recipe's defaults depend. Knows no recipe."""

from __future__ import annotations

import numpy as np

from danqing.data.dataset import Dataset
from danqing.data.split import Subset
from danqing.preparation.flip_invariance import is_flip_invariant
from danqing.recipe.traits import Traits

__all__ = ["infer_traits"]


def infer_traits(
    dataset: Dataset, train: Subset, shape: tuple[int, ...], drawings: bool, unlabelled: int = 0
) -> Traits:
    """Infer the traits of training data.

    Parameters
    ----------
    dataset : Dataset
    train : Subset
        Its labelled training rows.
    shape : tuple of int
        Of the network's input.
    drawings : bool
        Whether the pictures look like MNIST's.
    unlabelled : int
        The number of pictures without labels to learn from, too.

    Examples
    --------
    >>> from danqing.data.split import split
    >>> from danqing.data.catalog.mnist import load_mnist
    >>> mnist = load_mnist()
    >>> infer_traits(mnist, split(mnist, 0.1).train, (28, 28, 1), drawings=True).rows
    54000
    """
    imbalance_ratio, classes = 1.0, dataset.task == "classification"
    if classes:
        counts = np.bincount(train.labels)
        counts = counts[counts > 0]
        imbalance_ratio = float(counts.max() / counts.min())
    flip_invariant = classes and not drawings and not dataset.tabular
    return Traits(
        dataset.tabular,
        dataset.task,
        len(train),
        shape,
        drawings,
        flip_invariant and is_flip_invariant(train),
        imbalance_ratio,
        unlabelled,
    )
