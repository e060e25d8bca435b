"""Selection: which answers to give and where to say "unsure", for a risk that the user names.

Knows confidences and whether answers were right. The threshold is chosen on validation rows only;
the test tells afterwards what it is worth.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import ceil, log2
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.evaluation.intervals import clopper_pearson_upper, wilson
from danqing.runs.run_folder import RunFolder

__all__ = ["Threshold", "choose_threshold", "risk_coverage", "selected", "unsure_below"]

_DELTA = 0.05

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Threshold:
    """The confidence below which an answer is "unsure".

    Attributes
    ----------
    risk : float
        The share of wrong answers, among those given, that was asked for.
    delta : float
        With at most this probability, over the draw of the validation rows, the true share among
        new rows like them is larger.
    unsure_below : float or None
        None where no threshold can promise that risk.
    n, given, wrong : int
        Validation rows, those at or above the threshold, and the wrong ones among them.
    bound : float or None
        What the true share is promised to be at most.
    least : float
        The least risk that so many rows could promise, had no answer been wrong.
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
        """Give plain data."""
        return asdict(self)


def choose_threshold(
    confidence: Floats, right: NDArray[np.bool_], risk: float, delta: float = _DELTA
) -> Threshold:
    """Choose the threshold that answers most rows and keeps the promised risk.

    The algorithm SGR of Y. Geifman & R. El-Yaniv 2017, "Selective classification for deep neural
    networks", NeurIPS: halving looks at k = ceil(log2 n) thresholds, each bounded by Clopper and
    Pearson at delta / k, so that all hold together. It promises as much as the validation rows
    are like the rows to come, and were not used to choose the weights.

    Parameters
    ----------
    confidence : ndarray, shape (n,)
        As the network gives it, the largest probability, without temperature.
    right : ndarray of bool, shape (n,)
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
    ordered, wrong = confidence[order], ~right[order]
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
            # A loose threshold is better than one looked at before only if it answers more.
            if found is None or given > found[1]:
                found = float(ordered[first]), given, errors, bound
            high = max(middle - 1, low)
        else:
            low = min(middle + 1, high)
    if found is None:
        return Threshold(risk, delta, None, n, 0, 0, None, least)
    return Threshold(risk, delta, found[0], n, found[1], found[2], found[3], least)


def risk_coverage(confidence: Floats, right: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Give the share of rows answered, and the share of wrong ones among them, by threshold.

    From the most confident row alone to all (R. El-Yaniv & Y. Wiener 2010, "On the foundations of
    noise-free selective classification", JMLR 11). Equal confidences come together.

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
    risk = np.cumsum(~right[order]) / given
    last = np.flatnonzero(np.diff(confidence[order], append=-1.0) != 0)
    return given[last] / len(order), risk[last]


def selected(confidence: Floats, right: NDArray[np.bool_], threshold: float) -> dict[str, Any]:
    """Measure what a threshold does: ``coverage``, and ``risk`` with its 95 % interval."""
    given = confidence >= threshold
    n, wrong = int(given.sum()), int((~right[given]).sum())
    low, high = wilson(wrong, n)
    return {
        "n": len(confidence),
        "given": n,
        "wrong": wrong,
        "coverage": n / len(confidence),
        "risk": wrong / n if n else None,
        "risk_ci95": [float(low), float(high)],
    }


def unsure_below(run: RunFolder) -> float | None:
    """Give the confidence below which a run's answer is "unsure".

    Returns
    -------
    float or None
        For the largest probability as `Run.predict` gives it. None where `danqing evaluate` has
        not been called, or found no threshold for the risk.

    Raises
    ------
    RunError
        If calibration.json is damaged.
    """
    choice = run.calibration.get("selection")
    found = choice.get("unsure_below") if isinstance(choice, dict) else None
    return float(found) if isinstance(found, int | float) else None
