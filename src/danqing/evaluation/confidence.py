"""What calibration.json holds: how far a run's confidence can be taken at its word.

Chosen on validation, measured on test. Knows answers, no page and no printing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from danqing.evaluation.calibration import (
    BINS,
    fit_temperature,
    measure_calibration,
    scale_temperature,
)
from danqing.evaluation.intervals import clopper_pearson_upper
from danqing.evaluation.predictions import SubsetPredictions
from danqing.evaluation.regression import conformal_margin, covered
from danqing.evaluation.selection import choose_threshold, selected
from danqing.runs.run_folder import RunFolder

__all__ = ["calibrate", "calibrate_numbers", "calibrated_elsewhere", "confidence_of"]

_LEVELS = (0.5, 0.8, 0.9, 0.95)
_DELTA = 0.05
_DEFINITION = (
    f"Rows are sorted by confidence and cut into {BINS} bins of equal numbers of rows; ece is the "
    "mean over rows of |accuracy - mean confidence| of their bin. ece_if_perfect: where 95 % of "
    "the errors of a perfectly calibrated network with the same confidences would lie."
)
_PROMISE = (
    "With probability 0.95 at least over the draw of the validation rows, among new rows like "
    "them at most the share `bound` of the answers with a confidence of `unsure_below` or more is "
    "wrong. It does not hold for other kinds of data, and is a little hopeful where validation "
    "also chose the epoch to keep."
)


def calibrate(
    validation: SubsetPredictions, test: SubsetPredictions, risk: float
) -> dict[str, Any]:
    """Fit the temperature, choose the threshold, measure both on test.

    Parameters
    ----------
    validation, test : SubsetPredictions
        A classifier's answers.
    risk : float
        The share of wrong answers, among those given, that the user bears.

    Returns
    -------
    dict
        Plain data: ``temperature`` (1 where no validation answer is wrong, see `fit_temperature`),
        ``without_mistakes``, ``before`` and ``after`` (each with ``validation`` and ``test`` as
        `measure_calibration` gives them) and ``selection``: a `Threshold`, ``all``, which is what
        can be promised of all answers, and ``test``, what the threshold did there.
    """
    fitted = fit_temperature(validation.outputs, validation.labels)
    temperature = 1.0 if fitted is None else fitted
    subsets = {"validation": validation, "test": test}
    confidence, right = confidence_of(validation)
    threshold = choose_threshold(confidence, right, risk)
    wrong = int((~right).sum())
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
                "bound": clopper_pearson_upper(wrong, len(right), _DELTA),
            },
            "test": None
            if threshold.unsure_below is None
            else selected(*confidence_of(test), threshold.unsure_below),
        },
    }


def calibrated_elsewhere(run: RunFolder, test: SubsetPredictions) -> dict[str, Any]:
    """Measure calibration on other data, with what was chosen on the run's own, if anything was."""
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
            measured = selected(*confidence_of(test), selection["unsure_below"])
            found["selection"] = {**selection, "test": measured}
    return found


def calibrate_numbers(validation: SubsetPredictions, test: SubsetPredictions) -> dict[str, Any]:
    """Give the margins that hold the truth for 50, 80, 90 and 95 % of new rows.

    Returns
    -------
    dict
        Plain data: ``margins``, each with ``level``, ``margin`` (None where validation has too few
        rows), and on test ``covered`` with ``covered_ci95``.
    """
    margins = []
    for level in _LEVELS:
        margin = conformal_margin(validation.outputs, validation.labels, level)
        line: dict[str, Any] = {"level": level, "margin": margin}
        if margin is not None:
            line["covered"], line["covered_ci95"] = covered(test.outputs, test.labels, margin)
        margins.append(line)
    return {"format": 1, "validation_rows": len(validation), "margins": margins}


def confidence_of(answered: SubsetPredictions) -> tuple[Any, Any]:
    """Give the largest probability of each row, and whether that answer is right."""
    return (
        answered.outputs.max(axis=1).astype(np.float64),
        answered.outputs.argmax(axis=1) == answered.labels,
    )
