"""Intervals of a regression's metrics, and prediction intervals. Knows numbers only."""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.evaluation.intervals import (
    bootstrap_interval,
    proportion_interval,
    skewed_mean_interval,
)

__all__ = ["conformal_margin", "coverage", "regression_intervals"]


def regression_intervals(
    predictions: NDArray[Any], targets: NDArray[np.float64]
) -> dict[str, list[float] | None]:
    """Compute 95 % intervals of ``r2``, ``mae`` and ``mse``; None if undefined.

    Parameters
    ----------
    predictions, targets : ndarray, shape (n,)

    Examples
    --------
    >>> targets = np.arange(100.0)
    >>> found = regression_intervals(targets + np.tile([1.0, -3.0], 50), targets)
    >>> found["mae"][0] < 2 < found["mae"][1], found["r2"][1] <= 1
    (True, True)
    """
    targets = targets.astype(np.float64)
    # R² does not depend on the origin, but its sums lose digits far from it.
    centred = targets - targets.mean()
    errors = predictions.astype(np.float64) - targets
    rows = np.stack([np.abs(errors), errors**2, centred, centred**2], axis=1)

    def explained(sums: NDArray[Any], n: int) -> NDArray[Any]:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(1 - sums[:, 1] / (sums[:, 3] - sums[:, 2] ** 2 / n))

    found = {
        "r2": bootstrap_interval(rows, explained),
        "mae": skewed_mean_interval(rows[:, 0]),
        "mse": skewed_mean_interval(rows[:, 1]),
    }
    return {name: list(interval) if interval else None for name, interval in found.items()}


def conformal_margin(
    predictions: NDArray[Any], targets: NDArray[np.float64], level: float = 0.9
) -> float | None:
    """Compute the margin around a prediction that contains the target of a share `level` of rows.

    The ceil((n + 1) level)-th smallest absolute error on rows held out from training (split
    conformal prediction: V. Vovk, A. Gammerman & G. Shafer 2005, "Algorithmic learning in a random
    world"; J. Lei et al. 2018, JASA 113). The level holds on average over draws of these rows and
    of a new row of the same kind. None if there are too few rows.

    Examples
    --------
    >>> conformal_margin(np.arange(1.0, 20.0), np.zeros(19))
    18.0
    """
    place = ceil((len(targets) + 1) * level - 1e-9)
    if place > len(targets):
        return None
    return float(np.sort(np.abs(predictions.astype(np.float64) - targets))[place - 1])


def coverage(
    predictions: NDArray[Any], targets: NDArray[np.float64], margin: float
) -> tuple[float, list[float]]:
    """Compute the share of targets within a margin of their predictions, and its 95 % interval."""
    inside = int((np.abs(predictions.astype(np.float64) - targets) <= margin).sum())
    return inside / len(targets), proportion_interval(inside, len(targets))
