"""The nearest training examples in a network's feature space. Knows no files."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.data.split import Subset
from danqing.networks.tensorflow_network import TensorFlowNetwork

__all__ = ["MOST_COMPARED", "nearest_examples"]

MOST_COMPARED = 100_000  # training examples; of more, so many evenly spaced ones
_AT_ONCE = 1000


def nearest_examples(
    network: TensorFlowNetwork, examples: NDArray[Any], training: Subset, *, count: int = 5
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    r"""Find each example's nearest training examples in the space before the output layer.

    Euclidean distance, :math:`\lVert h(x) - h(x_i) \rVert`, of the output layer's input: there
    the network puts close together what it predicts alike (Caruana, Kangarloo, Dionisio, Sinha &
    Johnson 1999, "Case-based explanation of non-case-based learning methods").

    Parameters
    ----------
    network : TensorFlowNetwork
    examples : ndarray, shape (n, height, width, channels) or (n, features)
        Raw pixels, or encoded rows.
    training : Subset
        The network's training set.
    count : int

    Returns
    -------
    rows : ndarray of int64, shape (n, count)
        Rows of `training.x`, nearest first.
    distances : ndarray of float64, shape (n, count)
    """
    rows = training.rows
    if len(rows) > MOST_COMPARED:
        rows = rows[np.arange(MOST_COMPARED) * len(rows) // MOST_COMPARED]
    wanted = network.features(examples).astype(np.float64)
    best_rows = np.empty((len(examples), 0), np.int64)
    best = np.empty((len(examples), 0))
    for start in range(0, len(rows), _AT_ONCE):
        some = rows[start : start + _AT_ONCE]
        found = network.features(network.preparation.encoded(training.x[some])).astype(np.float64)
        # |a - b|² = |a|² + |b|² - 2ab avoids an array of all differences.
        squared = (wanted**2).sum(1)[:, None] + (found**2).sum(1) - 2 * wanted @ found.T
        best = np.concatenate([best, np.maximum(squared, 0)], axis=1)
        best_rows = np.concatenate([best_rows, np.tile(some, (len(examples), 1))], axis=1)
        order = np.argsort(best, axis=1, kind="stable")[:, :count]
        best = np.take_along_axis(best, order, axis=1)
        best_rows = np.take_along_axis(best_rows, order, axis=1)
    return best_rows, np.sqrt(best)
