"""The mistakes among predictions, worst first. Knows predictions and labels only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Mistakes", "find_mistakes"]


@dataclass(frozen=True)
class Mistakes:
    """Wrong predictions, or the errors of a regression.

    Attributes
    ----------
    count : int
        Number of wrong predictions; for regression, of errors above the mean error.
    total : int
        Number of predictions.
    rows : ndarray of int64
        Positions of the wrong predictions, most confident first; for regression, all positions,
        largest error first.
    """

    count: int
    total: int
    rows: NDArray[np.int64]


def find_mistakes(outputs: NDArray[np.float32], labels: NDArray[Any]) -> Mistakes:
    """Find the mistakes among predictions.

    Parameters
    ----------
    outputs : ndarray, shape (n, classes) or (n,)
        From `danqing.prediction.predictor.Predictor.predict_examples`.
    labels : ndarray, shape (n,)
        True labels or targets.

    Examples
    --------
    >>> outputs = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]], np.float32)
    >>> mistakes = find_mistakes(outputs, np.array([1, 1, 1]))
    >>> mistakes.count, mistakes.rows.tolist()
    (2, [0, 1])
    """
    if outputs.ndim == 1:
        errors = np.abs(outputs - labels)
        count = int((errors > errors.mean()).sum())
        return Mistakes(count, len(labels), np.argsort(-errors, kind="stable"))
    wrong = np.flatnonzero(outputs.argmax(axis=1) != labels)
    most_confident = np.argsort(-outputs[wrong].max(axis=1), kind="stable")
    return Mistakes(len(wrong), len(labels), wrong[most_confident])
