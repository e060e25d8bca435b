"""The split of the training rows into training and validation. Never touches the test rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["SPLIT_SEED", "stratified_split"]

SPLIT_SEED = 42


def stratified_split(
    labels: NDArray[Any], validation_share: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Hold out a share of the rows for validation, always the same ones.

    The share is drawn evenly from all classes where each has at least two rows; labels that are
    numbers to predict have no classes.

    Parameters
    ----------
    labels : ndarray of int64 or float64, shape (n,)
    validation_share : float
        Above 0, below 1.

    Returns
    -------
    train, validation : ndarray of int64
        Row numbers; together every row once.

    Examples
    --------
    >>> train, validation = stratified_split(np.repeat([0, 1], 50), 0.2)
    >>> len(train), len(validation)
    (80, 20)
    """
    from sklearn.model_selection import train_test_split

    stratify = None
    if labels.dtype.kind in "iu":
        counts = np.bincount(labels)
        counts = counts[counts > 0]
        held_out = round(len(labels) * validation_share)
        stratify = labels if counts.min() >= 2 and held_out >= len(counts) else None
    train, validation = train_test_split(
        np.arange(len(labels)),
        test_size=validation_share,
        random_state=SPLIT_SEED,
        stratify=stratify,
    )
    return train, validation
