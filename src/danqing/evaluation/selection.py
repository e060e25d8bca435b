"""Selective prediction: below which confidence to mark predictions as unsure, for a given risk.

Knows confidences and whether predictions are correct. The threshold is chosen on the validation
set only, and measured on the test set.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.evaluation.intervals import clopper_pearson_upper, proportion_interval

__all__ = [
    "RISKS",
    "Threshold",
    "apply_threshold",
    "choose_threshold",
    "choose_thresholds",
    "risk_coverage",
]

RISKS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
"""The error rates for which a run keeps a threshold."""

_DELTA = 0.05
_MISTAKES = (0, 6)  # that the first rows of a sequence of thresholds may hold

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

    Selective classification (Y. Geifman & R. El-Yaniv 2017, "Selective classification for deep
    neural networks", NeurIPS), its threshold found by fixed-sequence testing (A. Angelopoulos,
    S. Bates, E. Candes, M. Jordan & L. Lei 2021, "Learn then test"): one threshold after another is
    lowered by a row as long as the bound of Clopper and Pearson stays within the risk. The first
    that fails ends the sequence, and so none pays for the others; two sequences, which share delta,
    start where no mistake and where a few would pass, which depends only on the number of rows.
    The guarantee holds as far as new rows are like the validation set, and as this was not used to
    choose the weights.

    Parameters
    ----------
    confidence : ndarray, shape (n,)
        The largest probability, as the network that ships gives it.
    correct : ndarray of bool, shape (n,)
    risk : float
        Above 0, below 1.

    Examples
    --------
    >>> confidence = np.linspace(0.5, 1, 1000)
    >>> chosen = choose_threshold(confidence, confidence > 0.6, 0.02)
    >>> round(chosen.unsure_below, 3), chosen.wrong, chosen.bound <= 0.02
    (0.596, 8, True)
    """
    from scipy.special import bdtr

    n = len(confidence)
    least = clopper_pearson_upper(0, n, delta) if n else 1.0
    starts = _starts(n, risk, delta)
    order = np.argsort(-confidence, kind="stable")
    ordered, wrong = confidence[order], np.cumsum(~correct[order])
    # Equal confidences are on the same side.
    last = np.flatnonzero(np.diff(ordered, append=-1.0))
    share = delta / max(len(starts), 1)
    fails = bdtr(wrong[last].astype(np.float64), last + 1, risk) > share
    found = -1
    for start in starts:
        first = int(np.searchsorted(last, start - 1))
        end = np.flatnonzero(fails[first:])
        passed = first + (int(end[0]) if len(end) else len(last) - first)
        found = max(found, passed - 1 if passed > first else -1)
    if found < 0:
        return Threshold(risk, delta, None, n, 0, 0, None, least)
    given, errors = int(last[found]) + 1, int(wrong[last[found]])
    bound = clopper_pearson_upper(errors, given, share)
    return Threshold(risk, delta, float(ordered[given - 1]), n, given, errors, bound, least)


def _starts(n: int, risk: float, delta: float) -> list[int]:
    """Give how many rows each sequence starts with: enough to pass with so many mistakes."""
    from scipy.special import bdtr

    rows = np.arange(n + 1)
    for count in range(len(_MISTAKES), 0, -1):
        enough = [
            # Fewer rows than mistakes are no sequence's start.
            np.flatnonzero(bdtr(float(errors), np.maximum(rows, errors), risk) <= delta / count)
            for errors in _MISTAKES[:count]
        ]
        if all(map(len, enough)):
            return [int(places[0]) for places in enough]
    return []


def choose_thresholds(
    confidence: Floats, correct: NDArray[np.bool_], risks: Iterable[float] = RISKS
) -> list[Threshold]:
    """Choose a threshold for each of several risks, in ascending order.

    A higher risk never marks more predictions: where `choose_threshold` would, the lower risk's
    threshold, which guarantees the higher risk, too, is kept.

    Examples
    --------
    >>> confidence = np.linspace(0.5, 1, 1000)
    >>> chosen = choose_thresholds(confidence, confidence > 0.6, [0.2, 0.001, 0.02])
    >>> [one.unsure_below and round(one.unsure_below, 3) for one in chosen]
    [None, 0.596, 0.516]
    """
    chosen: list[Threshold] = []
    for risk in sorted(risks):
        found = choose_threshold(confidence, correct, risk)
        if chosen and chosen[-1].given > found.given:
            found = replace(chosen[-1], risk=risk)
        chosen.append(found)
    return chosen


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
