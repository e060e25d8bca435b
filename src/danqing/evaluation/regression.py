"""A regression's figures with intervals, and how wide "about" is. Knows numbers only."""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.evaluation.intervals import bootstrap_interval, skewed_mean_interval, wilson

__all__ = ["conformal_margin", "covered", "intervals_of_numbers"]


def intervals_of_numbers(
    answers: NDArray[Any], targets: NDArray[np.float64]
) -> dict[str, list[float] | None]:
    """Give 95 % intervals of ``r2``, ``mae`` and ``mse``; None where undefined.

    Parameters
    ----------
    answers, targets : ndarray, shape (n,)

    Examples
    --------
    >>> targets = np.arange(100.0)
    >>> found = intervals_of_numbers(targets + np.tile([1.0, -3.0], 50), targets)
    >>> found["mae"][0] < 2 < found["mae"][1], found["r2"][1] <= 1
    (True, True)
    """
    targets = targets.astype(np.float64)
    # R2 does not depend on where zero is, but its sums lose digits far from it.
    centred = targets - targets.mean()
    away = answers.astype(np.float64) - targets
    rows = np.stack([np.abs(away), away**2, centred, centred**2], axis=1)

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
    answers: NDArray[Any], targets: NDArray[np.float64], level: float = 0.9
) -> float | None:
    """Give the margin around an answer that holds the truth for a share `level` of new rows.

    The ceil((n + 1) level)-th smallest absolute error on rows that training has not seen (split
    conformal prediction: V. Vovk, A. Gammerman & G. Shafer 2005, "Algorithmic learning in a random
    world"; J. Lei et al. 2018, JASA 113). It holds on average over validation rows and a new row
    like them; None where there are too few rows.

    Examples
    --------
    >>> conformal_margin(np.arange(1.0, 20.0), np.zeros(19))
    18.0
    """
    place = ceil((len(targets) + 1) * level - 1e-9)
    if place > len(targets):
        return None
    return float(np.sort(np.abs(answers.astype(np.float64) - targets))[place - 1])


def covered(
    answers: NDArray[Any], targets: NDArray[np.float64], margin: float
) -> tuple[float, list[float]]:
    """Give the share of targets within a margin of their answers, and its 95 % interval."""
    inside = int((np.abs(answers.astype(np.float64) - targets) <= margin).sum())
    low, high = wilson(inside, len(targets))
    return inside / len(targets), [float(low), float(high)]
