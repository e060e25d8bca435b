"""Selective prediction: below which confidence to mark predictions as unsure, for a given risk.

Knows confidences and whether predictions are correct. The threshold is chosen on the validation
set only, and measured on the test set.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import ceil, log2
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.evaluation.intervals import clopper_pearson_upper, proportion_interval
from danqing.runs.run_folder import RunFolder

__all__ = ["Threshold", "apply_threshold", "choose_threshold", "risk_coverage", "unsure_below"]

_DELTA = 0.05

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Threshold:
    """The confidence below which a prediction is marked as unsure.

    Attributes
    ----------
    risk : float
        The highest acceptable error rate of predictions that aren't marked.
    delta : float
        With at most this probability, over the draw of the validation set, their true error rate
        is higher, among new rows of the same kind.
    unsure_below : float or None
        None if no threshold guarantees the risk.
    n, given, wrong : int
        Number of validation rows, of those at or above the threshold, and of the wrong
        predictions among these.
    bound : float or None
        The guaranteed upper bound of the error rate.
    least : float
        The lowest risk that this many rows could guarantee, with no wrong prediction.
    """

    risk: float
    delta: float
    unsure_below: float | None
    n: int
    given: int
    wrong: int
    bound: float | None
    least: float

    def to_json(self) -> dict[str, Any]:
        """Convert to plain JSON values."""
        return asdict(self)


def choose_threshold(
    confidence: Floats, correct: NDArray[np.bool_], risk: float, delta: float = _DELTA
) -> Threshold:
    """Choose the threshold that marks the fewest predictions and guarantees the risk.

    The algorithm SGR of Y. Geifman & R. El-Yaniv 2017, "Selective classification for deep neural
    networks", NeurIPS: binary search tries k = ceil(log2 n) thresholds, each bounded by Clopper and
    Pearson at delta / k, so that all bounds hold together. The guarantee holds as far as new rows
    are like the validation set, and as this was not used to choose the weights.

    Parameters
    ----------
    confidence : ndarray, shape (n,)
        The largest probability, without temperature.
    correct : ndarray of bool, shape (n,)
    risk : float
        Above 0, below 1.

    Examples
    --------
    >>> confidence = np.linspace(0.5, 1, 1000)
    >>> chosen = choose_threshold(confidence, confidence > 0.6, 0.02)
    >>> round(chosen.unsure_below, 3), chosen.wrong, chosen.bound <= 0.02
    (0.597, 6, True)
    """
    n = len(confidence)
    order = np.argsort(confidence, kind="stable")
    ordered, wrong = confidence[order], ~correct[order]
    steps = max(1, ceil(log2(max(n, 2))))
    least = clopper_pearson_upper(0, n, delta / steps)
    found: tuple[float, int, int, float] | None = None
    low, high = 0, n - 1
    for _ in range(steps):
        middle = (low + high) // 2
        # Equal confidences are on the same side.
        first = int(np.searchsorted(ordered, ordered[middle]))
        given, errors = n - first, int(wrong[first:].sum())
        bound = clopper_pearson_upper(errors, given, delta / steps)
        if bound <= risk:
            # A later threshold is better than an earlier one only if it marks fewer.
            if found is None or given > found[1]:
                found = float(ordered[first]), given, errors, bound
            high = max(middle - 1, low)
        else:
            low = min(middle + 1, high)
    if found is None:
        return Threshold(risk, delta, None, n, 0, 0, None, least)
    return Threshold(risk, delta, found[0], n, found[1], found[2], found[3], least)


def risk_coverage(confidence: Floats, correct: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Compute coverage, the share of rows not marked, and their error rate, for each threshold.

    From the most confident row alone to all rows (R. El-Yaniv & Y. Wiener 2010, "On the
    foundations of noise-free selective classification", JMLR 11). Equal confidences share a
    threshold.

    Returns
    -------
    coverage, risk : ndarray of float64, shape (distinct confidences,)

    Examples
    --------
    >>> coverage, risk = risk_coverage(np.array([0.9, 0.8, 0.6]), np.array([True, True, False]))
    >>> coverage.round(2).tolist(), risk.round(2).tolist()
    ([0.33, 0.67, 1.0], [0.0, 0.0, 0.33])
    """
    order = np.argsort(-confidence, kind="stable")
    given = np.arange(1, len(order) + 1)
    risk = np.cumsum(~correct[order]) / given
    last = np.flatnonzero(np.diff(confidence[order], append=-1.0) != 0)
    return given[last] / len(order), risk[last]


def apply_threshold(
    confidence: Floats, correct: NDArray[np.bool_], threshold: float
) -> dict[str, Any]:
    """Measure a threshold's ``coverage``, and its ``risk`` with a 95 % interval."""
    given = confidence >= threshold
    n, wrong = int(given.sum()), int((~correct[given]).sum())
    return {
        "n": len(confidence),
        "given": n,
        "wrong": wrong,
        "coverage": n / len(confidence),
        "risk": wrong / n if n else None,
        "risk_ci95": proportion_interval(wrong, n),
    }


def unsure_below(run: RunFolder) -> float | None:
    """Read the confidence below which a run's predictions are marked as unsure.

    Returns
    -------
    float or None
        For the largest probability, without temperature. None if the run has not been evaluated,
        or no threshold guarantees the risk.

    Raises
    ------
    RunError
        If calibration.json is damaged.
    """
    choice = run.calibration.get("selection")
    found = choice.get("unsure_below") if isinstance(choice, dict) else None
    return float(found) if isinstance(found, int | float) else None
