"""The content of calibration.json: how far a run's confidence can be trusted.

Fitted on the validation set, measured on the test set. Knows predictions, no page and no printing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.evaluation.calibration import BINS, measure_calibration
from danqing.evaluation.intervals import clopper_pearson_upper
from danqing.evaluation.predictions import SubsetPredictions
from danqing.evaluation.regression import conformal_margin, coverage
from danqing.evaluation.selection import RISKS, Threshold, apply_threshold, choose_thresholds
from danqing.networks.temperature import scale_temperature
from danqing.prediction.unsure import RISK
from danqing.runs.run_folder import FORMAT, RunFolder

__all__ = [
    "calibrate",
    "calibrate_regression",
    "calibration_on_other_data",
    "calibration_on_validation",
    "confidence_of",
    "untempered",
]

_LEVELS = (0.5, 0.8, 0.9, 0.95)
_DELTA = 0.05
_DEFINITION = (
    f"Rows are sorted by confidence and cut into {BINS} bins with equal numbers of rows; ece is "
    "the mean over rows of |accuracy - mean confidence| of their bin. ece_if_perfect: the interval "
    "of 95 % of the errors of a perfectly calibrated network with the same confidences."
)
_PROMISE = (
    "For each risk, with probability 0.95 or more over the draw of the validation set: among new "
    "rows of the same kind, at most the share `bound` of predictions with a confidence of "
    "`unsure_below` or more is wrong. It does not hold for other kinds of data, and is slightly "
    "optimistic: the validation set also fitted the temperature, and may have chosen the epoch to "
    "keep."
)


def calibration_on_validation(run: RunFolder, validation: SubsetPredictions) -> dict[str, Any]:
    """Compute what training writes, with no test row.

    Parameters
    ----------
    run : RunFolder
    validation : SubsetPredictions
        Of the network that ships.

    Returns
    -------
    dict
        Plain data. Of a classifier ``temperature``, ``validation_rows``, ``thresholds`` (for each
        of `RISKS` its ``unsure_below``, see `Threshold`), ``least_risk`` (the lowest that so many
        rows could guarantee) and ``guarantee``; of a regression ``validation_rows`` and
        ``margins``, see `calibrate_regression`.
    """
    if run.task == "regression":
        return calibrate_regression(validation)
    return _of_classifier(run, validation, _thresholds(validation, RISKS))


def calibrate(
    run: RunFolder, validation: SubsetPredictions, test: SubsetPredictions, risk: float
) -> dict[str, Any]:
    """Choose the thresholds, and measure them and the temperature on the test set.

    Parameters
    ----------
    run : RunFolder
        A classifier.
    validation, test : SubsetPredictions
        Of the network that ships.
    risk : float
        The highest acceptable error rate of the predictions that aren't marked as unsure.

    Returns
    -------
    dict
        Plain data: what `calibration_on_validation` gives, with a threshold for `risk`;
        ``before`` and ``after`` the temperature (each with ``validation`` and ``test``, from
        `measure_calibration`; ``after`` is None if it is 1) and ``selection``: the `Threshold` for
        `risk`, ``all``, the error rate guaranteed if nothing is marked, and ``test``, the
        threshold's effect on the test set.
    """
    subsets = {"validation": validation, "test": test}
    thresholds = _thresholds(validation, {*RISKS, risk})
    chosen = next(one for one in thresholds if one.risk == risk)
    wrong = int((~confidence_of(validation)[1]).sum())
    return {
        **_of_classifier(run, validation, thresholds),
        "ece_definition": _DEFINITION,
        **_before_and_after(run, subsets),
        "selection": {
            **chosen.to_json(),
            "all": {
                "wrong": wrong,
                "bound": clopper_pearson_upper(wrong, len(validation), _DELTA),
            },
            "test": None
            if chosen.unsure_below is None
            else apply_threshold(*confidence_of(test), chosen.unsure_below),
        },
    }


def calibration_on_other_data(run: RunFolder, test: SubsetPredictions) -> dict[str, Any]:
    """Measure calibration on other data, with the temperature and threshold that the run has."""
    found: dict[str, Any] = {
        "temperature": run.temperature,
        **_before_and_after(run, {"test": test}),
        "selection": None,
    }
    selection = _known_selection(run.calibration)
    if selection is not None and selection["unsure_below"] is not None:
        measured = apply_threshold(*confidence_of(test), selection["unsure_below"])
        found["selection"] = {**selection, "test": measured}
    return found


def calibrate_regression(
    validation: SubsetPredictions, test: SubsetPredictions | None = None
) -> dict[str, Any]:
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
        if margin is not None and test is not None:
            line["covered"], line["covered_ci95"] = coverage(test.outputs, test.labels, margin)
        margins.append(line)
    return {"format": FORMAT, "validation_rows": len(validation), "margins": margins}


def confidence_of(
    predictions: SubsetPredictions,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Give each prediction's confidence, the largest probability, and whether it is correct."""
    outputs = predictions.outputs
    return outputs.max(axis=1).astype(np.float64), outputs.argmax(axis=1) == predictions.labels


def untempered(run: RunFolder, outputs: NDArray[Any]) -> NDArray[Any]:
    """Give a run's probabilities as they would be at temperature 1."""
    return outputs if run.temperature == 1 else scale_temperature(outputs, 1 / run.temperature)


def _thresholds(validation: SubsetPredictions, risks: Any) -> list[Threshold]:
    return choose_thresholds(*confidence_of(validation), risks)


def _of_classifier(
    run: RunFolder, validation: SubsetPredictions, thresholds: list[Threshold]
) -> dict[str, Any]:
    kept = ("risk", "unsure_below", "given", "wrong", "bound")
    return {
        "format": FORMAT,
        "temperature": run.temperature,
        "validation_rows": len(validation),
        "thresholds": [{name: getattr(one, name) for name in kept} for one in thresholds],
        "least_risk": thresholds[0].least,
        "guarantee": _PROMISE,
    }


def _before_and_after(run: RunFolder, subsets: dict[str, SubsetPredictions]) -> dict[str, Any]:
    """Measure calibration at temperature 1, and as the network ships."""

    def measured(shipped: bool) -> dict[str, Any]:
        return {
            name: measure_calibration(
                one.outputs if shipped else untempered(run, one.outputs), one.labels
            )
            for name, one in subsets.items()
        }

    return {
        "before": measured(shipped=False),
        "after": None if run.temperature == 1 else measured(shipped=True),
    }


def _known_selection(known: dict[str, Any]) -> dict[str, Any] | None:
    """Give the threshold that `danqing evaluate` chose last, or training for the default risk."""
    if "selection" in known:
        return dict(known["selection"])
    for line in known.get("thresholds", []):
        if line["risk"] == RISK:
            return {**line, "n": known["validation_rows"], "least": known["least_risk"]}
    return None
