"""Labels that look wrong to the network, among rows it was not trained on.

Knows probabilities and labels. It only points: a label is changed by a person who has looked, and
a test part that is mended by a network's opinion measures that opinion.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["likely_label_issues"]


def likely_label_issues(
    probabilities: NDArray[np.float32], labels: NDArray[np.int64]
) -> NDArray[np.int64]:
    r"""Find rows whose labels confident learning doubts, most doubtful first.

    A row of class i is doubted where another class j has a probability of at least the mean that
    rows of j have for j, and no other such class has more (C. Northcutt, L. Jiang & I. Chuang
    2021, "Confident learning: estimating uncertainty in dataset labels", JAIR 70). In order of the
    margin, the label's probability less that of the class it looks like.

    Parameters
    ----------
    probabilities : ndarray, shape (n, classes)
        Of rows that training has not seen.
    labels : ndarray of int, shape (n,)

    Returns
    -------
    ndarray of int64
        Row numbers.

    Examples
    --------
    >>> p = np.array([[0.9, 0.1], [0.8, 0.2], [0.95, 0.05], [0.1, 0.9]], np.float32)
    >>> likely_label_issues(p, np.array([0, 0, 1, 1])).tolist()
    [2]
    """
    classes = probabilities.shape[1]
    counts = np.bincount(labels, minlength=classes)
    sums = np.bincount(labels, probabilities[np.arange(len(labels)), labels], minlength=classes)
    # Of a class without rows nothing is known, not even what is usual.
    usual = np.where(counts > 0, sums / np.maximum(counts, 1), np.inf)
    confident = np.where(probabilities >= usual, probabilities, 0.0)
    looks = confident.argmax(axis=1)
    rows = np.arange(len(labels))
    doubted = np.flatnonzero((confident[rows, looks] > 0) & (looks != labels))
    margin = probabilities[doubted, labels[doubted]] - probabilities[doubted, looks[doubted]]
    return doubted[np.argsort(margin, kind="stable")]
