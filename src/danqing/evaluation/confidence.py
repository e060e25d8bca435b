"""The content of calibration.json: how far a run's confidence can be trusted.

Fitted on the validation set, measured on the test set. Knows predictions, no page and no printing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.evaluation.calibration import (
    BINS,
    fit_temperature,
    measure_calibration,
    scale_temperature,
)
from danqing.evaluation.intervals import clopper_pearson_upper
from danqing.evaluation.predictions import SubsetPredictions
from danqing.evaluation.regression import conformal_margin, coverage
from danqing.evaluation.selection import apply_threshold, choose_threshold
from danqing.runs.run_folder import RunFolder

__all__ = ["calibrate", "calibrate_regression", "calibration_on_other_data", "confidence_of"]

_LEVELS = (0.5, 0.8, 0.9, 0.95)
_DELTA = 0.05
_DEFINITION = (
    f"Rows are sorted by confidence and cut into {BINS} bins with equal numbers of rows; ece is "
    "the mean over rows of |accuracy - mean confidence| of their bin. ece_if_perfect: the interval "
    "of 95 % of the errors of a perfectly calibrated network with the same confidences."
)
_PROMISE = (
    "With probability 0.95 or more over the draw of the validation set: among new rows of the same "
    "kind, at most the share `bound` of predictions with a confidence of `unsure_below` or more is "
    "wrong. It does not hold for other kinds of data, and is slightly optimistic if the "
    "validation set also chose the epoch to keep."
)


def calibrate(
    validation: SubsetPredictions, test: SubsetPredictions, risk: float
) -> dict[str, Any]:
    """Fit the temperature, choose the threshold, and measure both on the test set.

    Parameters
    ----------
    validation, test : SubsetPredictions
        A classifier's.
    risk : float
        The highest acceptable error rate of the predictions that aren't marked as unsure.

    Returns
    -------
    dict
        Plain data: ``temperature`` (1 if no prediction for the validation set is wrong, see
        `fit_temperature`), ``without_mistakes``, ``before`` and ``after`` (each with
        ``validation`` and ``test``, from `measure_calibration`) and ``selection``: a `Threshold`,
        ``all``, the error rate guaranteed if nothing is marked, and ``test``, the threshold's
        effect on the test set.
    """
    fitted = fit_temperature(validation.outputs, validation.labels)
    temperature = 1.0 if fitted is None else fitted
    subsets = {"validation": validation, "test": test}
    confidence, correct = confidence_of(validation)
    threshold = choose_threshold(confidence, correct, risk)
    wrong = int((~correct).sum())
    return {
        "format": 1,
        "temperature": temperature,
        "without_mistakes": fitted is None,
        "ece_definition": _DEFINITION,
        "before": {
            name: measure_calibration(subset.outputs, subset.labels)
            for name, subset in subsets.items()
        },
        "after": {
            name: measure_calibration(scale_temperature(subset.outputs, temperature), subset.labels)
            for name, subset in subsets.items()
        },
        "selection": {
            **threshold.to_json(),
            "guarantee": _PROMISE,
            "all": {
                "wrong": wrong,
                "bound": clopper_pearson_upper(wrong, len(correct), _DELTA),
            },
            "test": None
            if threshold.unsure_below is None
            else apply_threshold(*confidence_of(test), threshold.unsure_below),
        },
    }


def calibration_on_other_data(run: RunFolder, test: SubsetPredictions) -> dict[str, Any]:
    """Measure calibration on other data, with the temperature and threshold that the run has."""
    known = run.calibration
    temperature = known.get("temperature")
    found: dict[str, Any] = {
        "temperature": temperature,
        "without_mistakes": bool(known.get("without_mistakes")),
        "before": {"test": measure_calibration(test.outputs, test.labels)},
        "after": None,
        "selection": None,
    }
    if temperature:
        scaled = scale_temperature(test.outputs, temperature)
        found["after"] = {"test": measure_calibration(scaled, test.labels)}
        selection = known["selection"]
        if selection["unsure_below"] is not None:
            measured = apply_threshold(*confidence_of(test), selection["unsure_below"])
            found["selection"] = {**selection, "test": measured}
    return found


def calibrate_regression(validation: SubsetPredictions, test: SubsetPredictions) -> dict[str, Any]:
    """Compute the margins that contain 50, 80, 90 and 95 % of new rows' errors.

    Returns
    -------
    dict
        Plain data: ``margins``, each with ``level``, ``margin`` (None if there are too few
        validation rows), and, on the test set, ``covered`` with ``covered_ci95``.
    """
    margins = []
    for level in _LEVELS:
        margin = conformal_margin(validation.outputs, validation.labels, level)
        line: dict[str, Any] = {"level": level, "margin": margin}
        if margin is not None:
            line["covered"], line["covered_ci95"] = coverage(test.outputs, test.labels, margin)
        margins.append(line)
    return {"format": 1, "validation_rows": len(validation), "margins": margins}


def confidence_of(
    predictions: SubsetPredictions,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Give each prediction's confidence, the largest probability, and whether it is correct."""
    outputs = predictions.outputs
    return outputs.max(axis=1).astype(np.float64), outputs.argmax(axis=1) == predictions.labels
