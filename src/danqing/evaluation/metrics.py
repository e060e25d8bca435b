"""Metrics of predictions. Knows arrays; no network, no run and no data source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.evaluation.intervals import proportion_interval

__all__ = ["classification_metrics", "regression_metrics"]


def classification_metrics(
    probabilities: NDArray[np.float32], labels: NDArray[np.int64], class_names: Sequence[str]
) -> dict[str, Any]:
    r"""Compute a classifier's metrics.

    The loss is the mean cross-entropy, :math:`-\ln p` of the label's probability, whatever the
    network was trained with. The 95 % interval of the accuracy is Wilson's.

    Parameters
    ----------
    probabilities : ndarray, shape (n, classes)
    labels : ndarray of int, shape (n,)
    class_names : sequence of str

    Returns
    -------
    dict
        ``n``, ``loss``, ``accuracy``, ``accuracy_ci95``, ``per_class`` (``class``, ``n``,
        ``precision``, ``recall``, ``f1``) and ``confusion_matrix`` (rows: true class, columns:
        predicted class).

    Examples
    --------
    >>> p = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]], np.float32)
    >>> metrics = classification_metrics(p, np.array([0, 1, 1]), ["no", "yes"])
    >>> round(metrics["accuracy"], 3), metrics["confusion_matrix"]
    (0.667, [[1, 0], [1, 1]])
    """
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    predicted = probabilities.argmax(axis=1)
    classes = np.arange(len(class_names))
    correct = int((predicted == labels).sum())
    chosen = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    precision, recall, f1, support = precision_recall_fscore_support(
        labels, predicted, labels=classes, zero_division=0
    )
    return {
        "n": len(labels),
        # float32 rounds small probabilities to 0, whose logarithm is infinite.
        "loss": float(-np.log(np.maximum(chosen, np.finfo(np.float32).tiny)).mean()),
        "accuracy": correct / len(labels),
        "accuracy_ci95": proportion_interval(correct, len(labels)),
        "per_class": [
            {
                "class": name,
                "n": int(support[c]),
                "precision": float(precision[c]),
                "recall": float(recall[c]),
                "f1": float(f1[c]),
            }
            for c, name in enumerate(class_names)
        ],
        "confusion_matrix": confusion_matrix(labels, predicted, labels=classes).tolist(),
    }


def regression_metrics(
    predictions: NDArray[np.float32], targets: NDArray[np.float64]
) -> dict[str, Any]:
    r"""Compute a regression's metrics.

    Parameters
    ----------
    predictions, targets : ndarray, shape (n,)

    Returns
    -------
    dict
        ``n``, ``loss`` and ``mse`` (mean squared error), ``mae`` (mean absolute error) and ``r2``,
        :math:`1 - \sum (t - z)^2 / \sum (t - \bar t)^2`, the share of the variance explained;
        None if the targets are constant.

    Examples
    --------
    >>> metrics = regression_metrics(np.array([1.0, 2.0], np.float32), np.array([1.0, 3.0]))
    >>> metrics["mae"], metrics["mse"], metrics["r2"]
    (0.5, 0.5, 0.5)
    """
    from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score

    squared = float(mean_squared_error(targets, predictions))
    return {
        "n": len(targets),
        "loss": squared,
        "r2": float(r2_score(targets, predictions)) if np.ptp(targets) > 0 else None,
        "mae": float(mean_absolute_error(targets, predictions)),
        "mse": squared,
    }
