"""A stratified split of labels with a fixed seed. Knows no Dataset."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["SPLIT_SEED", "stratified_split"]

SPLIT_SEED = 42


def stratified_split(
    labels: NDArray[Any], held_out_share: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Hold out a share of the rows, always the same ones.

    Stratified by class if each class has at least two rows and the share is large enough to
    hold one of each; regression targets have no classes.

    Parameters
    ----------
    labels : ndarray of int64 or float64, shape (n,)
    held_out_share : float
        Above 0, below 1.

    Returns
    -------
    kept, held_out : ndarray of int64
        Row numbers; together every row once.

    Examples
    --------
    >>> kept, held_out = stratified_split(np.repeat([0, 1], 50), 0.2)
    >>> len(kept), len(held_out)
    (80, 20)
    """
    from sklearn.model_selection import train_test_split

    stratify = None
    if labels.dtype.kind in "iu":
        counts = np.bincount(labels)
        counts = counts[counts > 0]
        expected = round(len(labels) * held_out_share)
        stratify = labels if counts.min() >= 2 and expected >= len(counts) else None
    kept, held_out = train_test_split(
        np.arange(len(labels)),
        test_size=held_out_share,
        random_state=SPLIT_SEED,
        stratify=stratify,
    )
    return kept, held_out
