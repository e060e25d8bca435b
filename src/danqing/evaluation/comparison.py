"""Two runs on the same rows: whether one is better, or the difference is chance.

Knows predictions and labels. Comparisons are paired: rows that are hard for both runs say nothing
about which is better.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.evaluation.intervals import mean_interval, paired_difference_interval

__all__ = ["compare_classifiers", "compare_regressors"]


def compare_classifiers(
    first: NDArray[np.int64], second: NDArray[np.int64], labels: NDArray[np.int64]
) -> dict[str, Any]:
    """Compare two classifiers' predictions.

    McNemar's exact test: of the rows that only one of them predicts correctly, each would win half
    by chance (Q. McNemar 1947, "Note on the sampling error of the difference between correlated
    proportions or percentages", Psychometrika 12; T. Dietterich 1998, Neural Computation 10).

    Parameters
    ----------
    first, second, labels : ndarray of int, shape (n,)

    Returns
    -------
    dict
        ``n``; ``both``, ``only_first``, ``only_second``, ``neither``: how many rows they predicted
        correctly; ``accuracy`` of both; its ``difference``, first minus second, with
        ``difference_ci95``; and ``p_value``.

    Examples
    --------
    >>> labels = np.zeros(20, int)
    >>> found = compare_classifiers(labels, np.repeat([0, 1], [14, 6]), labels)
    >>> found["only_first"], found["only_second"], round(found["p_value"], 4)
    (6, 0, 0.0312)
    """
    from scipy.stats import binomtest

    one, other = first == labels, second == labels
    both, only_first = int((one & other).sum()), int((one & ~other).sum())
    only_second, neither = int((~one & other).sum()), int((~one & ~other).sum())
    differing = only_first + only_second
    return {
        "n": len(labels),
        "both": both,
        "only_first": only_first,
        "only_second": only_second,
        "neither": neither,
        "accuracy": [float(one.mean()), float(other.mean())],
        "difference": (only_first - only_second) / len(labels),
        "difference_ci95": list(paired_difference_interval(both, only_first, only_second, neither)),
        "p_value": float(binomtest(only_first, differing, 0.5).pvalue) if differing else 1.0,
    }


def compare_regressors(
    first: NDArray[Any], second: NDArray[Any], targets: NDArray[np.float64]
) -> dict[str, Any]:
    """Compare two regressors' predictions, row by row.

    Returns
    -------
    dict
        ``n``; and for ``mae`` and ``mse`` the ``figures`` of both, their ``difference``, first
        minus second, and ``difference_ci95``: below 0, the first is better.

    Examples
    --------
    >>> targets = np.arange(30.0)
    >>> found = compare_regressors(targets + 1, targets + 3, targets)
    >>> found["mae"]["difference"], found["mae"]["difference_ci95"]
    (-2.0, [-2.0, -2.0])
    """
    errors = [np.abs(predictions.astype(np.float64) - targets) for predictions in (first, second)]
    found: dict[str, Any] = {"n": len(targets)}
    for name, power in (("mae", 1), ("mse", 2)):
        one, other = errors[0] ** power, errors[1] ** power
        interval = mean_interval(one - other)
        found[name] = {
            "figures": [float(one.mean()), float(other.mean())],
            "difference": float((one - other).mean()),
            "difference_ci95": list(interval) if interval else None,
        }
    return found
