"""Calibration: whether nine in ten predictions with a confidence of 0.9 are correct.

Knows probabilities and labels, no network. One number, the temperature, is fitted on the
validation set; it makes all predictions more or less confident, and never changes a label (see
`danqing.networks.temperature`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.evaluation.intervals import wilson
from danqing.networks.temperature import LEAST_PROBABILITY

__all__ = [
    "BINS",
    "brier_score",
    "calibration_error",
    "fit_temperature",
    "log_loss_of_each",
    "measure_calibration",
    "reliability",
]

BINS = 15
_WIDE, _NARROW = (0.05, 20.0), (0.5, 2.0)  # bounds of the temperature,
_FEW = 200  # the narrow ones with fewer rows, or without a mistake
_DEVIATION = np.log(2) / 2  # of the temperature's logarithm, before any row is seen
_DRAWS = 200

Floats = NDArray[np.float64]


def fit_temperature(probabilities: NDArray[Any], labels: NDArray[np.int64]) -> float:
    r"""Find the temperature with the smallest cross-entropy on rows held out from training.

    Before any row is seen, :math:`\ln T` is taken to be normal around 0, so that a factor of 2 is
    two standard deviations; a few dozen rows, which may all be right by luck, move it little, and
    thousands decide it alone (the maximum a posteriori). It lies between 0.05 and 20; between 0.5
    and 2 if there are fewer than 200 rows, or no prediction is wrong: then the loss falls with the
    temperature without end, and the rows don't show how often the network errs.

    Parameters
    ----------
    probabilities : ndarray, shape (n, classes)
        At temperature 1.
    labels : ndarray of int, shape (n,)

    Returns
    -------
    float
        1 if there are no rows.

    Examples
    --------
    >>> p = np.array([[0.99, 0.01]] * 4000)  # confidence 0.99, accuracy 0.75
    >>> round(fit_temperature(p, np.array([0, 0, 0, 1] * 1000)), 2)
    4.13
    """
    from scipy.optimize import minimize_scalar

    if not len(labels):
        return 1.0
    logs = np.log(_above_zero(probabilities))
    own = logs[np.arange(len(labels)), labels]
    top = logs.max(axis=1)

    def loss(log_temperature: float) -> float:
        inverse = np.exp(-log_temperature)
        others = np.exp((logs - top[:, None]) * inverse).sum(axis=1)
        likelihood = (np.log(others) - (own - top) * inverse).sum()
        return float(likelihood + (log_temperature / _DEVIATION) ** 2 / 2)

    certain = len(labels) >= _FEW and (probabilities.argmax(axis=1) != labels).any()
    bounds = np.log(_WIDE if certain else _NARROW)
    found = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-6})
    return float(np.exp(found.x))


def log_loss_of_each(probabilities: NDArray[Any], labels: NDArray[np.int64]) -> Floats:
    """Compute each row's cross-entropy, -ln of its label's probability, shape (n,)."""
    chosen = probabilities[np.arange(len(labels)), labels]
    return np.asarray(-np.log(_above_zero(chosen)))


def brier_score(probabilities: NDArray[Any], labels: NDArray[np.int64]) -> float:
    r"""Compute :math:`\frac1n \sum_i \sum_k (p_{ik} - [y_i = k])^2`, from 0 to 2.

    (G. Brier 1950, "Verification of forecasts expressed in terms of probability", Monthly Weather
    Review 78.)

    Examples
    --------
    >>> round(brier_score(np.array([[0.8, 0.2]]), np.array([0])), 3)
    0.08
    """
    errors = probabilities.astype(np.float64)
    errors[np.arange(len(labels)), labels] -= 1
    return float((errors**2).sum(axis=1).mean())


def calibration_error(confidence: Floats, correct: NDArray[np.bool_], bins: int = BINS) -> float:
    r"""Compute the expected calibration error.

    Rows are sorted by confidence and cut into `bins` with equal numbers of rows (of equal mass);
    :math:`\sum_b \frac{n_b}{n} |\text{accuracy}_b - \text{mean confidence}_b|` (M. Pakdaman Naeini,
    G. Cooper & M. Hauskrecht 2015, AAAI; bins of equal mass: J. Nixon et al. 2019, "Measuring
    calibration in deep learning").

    Parameters
    ----------
    confidence : ndarray, shape (n,)
        The probability of each prediction.
    correct : ndarray of bool, shape (n,)

    Examples
    --------
    >>> round(calibration_error(np.array([0.9, 0.9]), np.array([True, False]), bins=1), 3)
    0.4
    """
    order = np.argsort(confidence, kind="stable")
    gaps = correct[order].astype(np.float64) - confidence[order]
    return float(np.abs(np.add.reduceat(gaps, _starts(len(gaps), bins))).sum() / len(gaps))


def reliability(
    confidence: Floats, correct: NDArray[np.bool_], bins: int = BINS
) -> list[dict[str, float]]:
    """Compute each bin's ``n``, mean ``confidence``, ``accuracy`` and its 95 % interval."""
    order = np.argsort(confidence, kind="stable")
    starts = _starts(len(order), bins)
    n = np.diff([*starts, len(order)])
    hits = np.add.reduceat(correct[order].astype(np.int64), starts)
    mean = np.add.reduceat(confidence[order], starts) / n
    low, high = wilson(hits, n)
    columns = {"n": n, "confidence": mean, "accuracy": hits / n, "low": low, "high": high}
    return [{name: column[b].item() for name, column in columns.items()} for b in range(len(n))]


def measure_calibration(probabilities: NDArray[Any], labels: NDArray[np.int64]) -> dict[str, Any]:
    """Measure how far confidence can be trusted.

    Returns
    -------
    dict
        ``nll`` (mean cross-entropy), ``brier``, ``ece``, and ``ece_if_perfect``, the interval of
        95 % of the errors of a perfectly calibrated network with these confidences: on few rows
        there is a calibration error by chance alone (J. Broecker & L. Smith 2007, "Increasing the
        reliability of reliability diagrams", Weather and Forecasting 22).

    Examples
    --------
    >>> p = np.random.default_rng(0).dirichlet([1, 1, 1], 300)
    >>> y = np.array([np.random.default_rng(i).choice(3, p=row) for i, row in enumerate(p)])
    >>> found = measure_calibration(p, y)
    >>> low, high = found["ece_if_perfect"]
    >>> low < found["ece"] < high
    True
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    correct = probabilities.argmax(axis=1) == labels
    return {
        "nll": float(log_loss_of_each(probabilities, labels).mean()),
        "brier": brier_score(probabilities, labels),
        "ece": calibration_error(confidence, correct),
        "ece_if_perfect": _error_by_chance(confidence),
    }


def _error_by_chance(confidence: Floats) -> list[float]:
    ordered = np.sort(confidence)
    starts = _starts(len(ordered), BINS)
    rng = np.random.default_rng(0)
    errors = [
        np.abs(np.add.reduceat((rng.random(len(ordered)) < ordered) - ordered, starts)).sum()
        for _ in range(_DRAWS)
    ]
    return [float(q) for q in np.quantile(errors, [0.025, 0.975]) / len(ordered)]


def _starts(n: int, bins: int) -> NDArray[np.int64]:
    bins = min(bins, n)
    return np.arange(bins) * n // bins


def _above_zero(probabilities: NDArray[Any]) -> Floats:
    # float32 rounds small probabilities to 0, whose logarithm is infinite.
    return np.maximum(probabilities.astype(np.float64), LEAST_PROBABILITY)
