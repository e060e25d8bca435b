"""Metrics of predictions. Knows arrays; no network, no run and no data source.

Classes without examples have no recall, and are left out of means over classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.evaluation.intervals import proportion_interval

__all__ = ["classification_metrics", "ranking_metrics", "regression_metrics"]


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
        ``n``, ``loss``, ``accuracy``, ``accuracy_ci95``; means over the classes with examples:
        ``balanced_accuracy`` (of recall), ``macro_f1``, ``roc_auc`` and ``average_precision``
        (see `ranking_metrics`); ``per_class`` (``class``, ``n``, ``precision``, ``recall``,
        ``f1``; the last three are None for a class without examples) and ``confusion_matrix``
        (rows: true class, columns: predicted class).

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
    measured = support > 0
    return {
        "n": len(labels),
        # float32 rounds small probabilities to 0, whose logarithm is infinite.
        "loss": float(-np.log(np.maximum(chosen, np.finfo(np.float32).tiny)).mean()),
        "accuracy": correct / len(labels),
        "accuracy_ci95": proportion_interval(correct, len(labels)),
        "balanced_accuracy": float(recall[measured].mean()),
        "macro_f1": float(f1[measured].mean()),
        **ranking_metrics(probabilities, labels),
        "per_class": [
            {
                "class": name,
                "n": int(support[c]),
                "precision": float(precision[c]) if measured[c] else None,
                "recall": float(recall[c]) if measured[c] else None,
                "f1": float(f1[c]) if measured[c] else None,
            }
            for c, name in enumerate(class_names)
        ],
        "confusion_matrix": confusion_matrix(labels, predicted, labels=classes).tolist(),
    }


def ranking_metrics(
    probabilities: NDArray[np.float32], labels: NDArray[np.int64]
) -> dict[str, float | None]:
    r"""Measure how well each class's probability ranks its examples before all others.

    One class against the rest, averaged over the classes with examples. The area under the ROC
    curve is the probability that a random example of the class ranks above a random other one,
    ties counting half (T. Fawcett 2006, "An introduction to ROC analysis"); average precision is
    :math:`\sum_i (R_i - R_{i-1}) P_i` over all thresholds, without interpolation.

    Parameters
    ----------
    probabilities : ndarray, shape (n, classes)
    labels : ndarray of int, shape (n,)

    Returns
    -------
    dict
        ``roc_auc`` and ``average_precision``; None if all examples are of one class.

    Examples
    --------
    >>> p = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.7, 0.3]], np.float32)
    >>> ranking_metrics(p, np.array([0, 1, 1, 0]))
    {'roc_auc': 1.0, 'average_precision': 1.0}
    """
    present = np.unique(labels)
    if len(present) < 2:
        return {"roc_auc": None, "average_precision": None}
    each = [_rank(probabilities[:, c], labels == c) for c in present]
    area, precision = np.mean(each, axis=0)
    return {"roc_auc": float(area), "average_precision": float(precision)}


def _rank(scores: NDArray[Any], positive: NDArray[np.bool_]) -> tuple[float, float]:
    """Give the area under the ROC curve, and average precision, from one sort."""
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    # A threshold lies after each group of equal scores.
    ends = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]), len(scores) - 1)
    hits = np.cumsum(positive[order])[ends].astype(np.float64)
    false = ends + 1 - hits
    found, all_false = hits / hits[-1], false / false[-1]
    area = np.trapezoid(np.append(0, found), np.append(0, all_false))
    precision = (np.diff(found, prepend=0) * hits / (ends + 1)).sum()
    return float(area), float(precision)


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
