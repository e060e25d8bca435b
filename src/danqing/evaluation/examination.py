"""A run + a dataset -> everything that can be measured of the run, as plain data.

Knows no page: `danqing.evaluation.report` turns it into text and pictures.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.data.dataset import Dataset
from danqing.data.table import Table
from danqing.errors import RecipeError, RunError
from danqing.evaluation.calibration import log_loss_of_each
from danqing.evaluation.comparison import compare_classifiers, compare_regressors
from danqing.evaluation.confidence import (
    calibrate,
    calibrate_regression,
    calibration_on_other_data,
)
from danqing.evaluation.evaluate import metrics_of
from danqing.evaluation.intervals import f1_interval, skewed_mean_interval, wilson
from danqing.evaluation.own_data import is_own_data, own_data
from danqing.evaluation.predictions import (
    SubsetPredictions,
    evaluation_data,
    predict_subset,
)
from danqing.evaluation.regression import regression_intervals
from danqing.evaluation.robustness import Robustness, measure_robustness
from danqing.evaluation.slices import Slice, find_slices
from danqing.inspection.confident_learning import RELIABLE_ACCURACY, confident_learning
from danqing.prediction.predictor import Predictor
from danqing.prediction.unsure import RISK, check_risk
from danqing.runs.run_folder import RunFolder

__all__ = ["Examination", "examine", "notes_on"]


@dataclass(frozen=True, eq=False)
class Examination:
    """Everything measured of a run.

    Attributes
    ----------
    run : RunFolder
    dataset : Dataset
    own : bool
        Whether the run was trained on this dataset.
    predictions : dict of str to SubsetPredictions
        ``test`` and, of the run's own data, ``validation``.
    metrics : dict of str to dict
        From `danqing.evaluation.evaluate.evaluate`.
    intervals : dict
        95 % intervals of the test metrics: ``loss`` and ``per_class`` (``precision``, ``recall``,
        ``f1``; None for a class without examples), or ``r2``, ``mae`` and ``mse``.
    calibration : dict or None
        The content of calibration.json, see `danqing.evaluation.confidence`.
    label_issues : dict of str to ndarray of int64
        Positions in each subset, likeliest errors first. Empty if the network's accuracy is too
        low to judge labels.
    robustness : Robustness or None
        For pictures.
    slices : list of Slice
        For tables, worst first.
    comparison : dict or None
        With another run, ``against``, on the same test rows.
    """

    run: RunFolder
    dataset: Dataset
    own: bool
    predictions: dict[str, SubsetPredictions] = field(repr=False)
    metrics: dict[str, Any] = field(repr=False)
    intervals: dict[str, Any] = field(repr=False)
    calibration: dict[str, Any] | None = field(repr=False)
    label_issues: dict[str, NDArray[np.int64]] = field(repr=False)
    robustness: Robustness | None = field(repr=False)
    slices: list[Slice] = field(repr=False)
    comparison: dict[str, Any] | None = field(repr=False)

    @property
    def test(self) -> SubsetPredictions:
        """The predictions for the test set."""
        return self.predictions["test"]


def examine(
    run: RunFolder,
    dataset: Dataset | None = None,
    *,
    risk: float | None = None,
    against: RunFolder | None = None,
) -> Examination:
    """Measure everything about a run that its data allow.

    Parameters
    ----------
    run : RunFolder
    dataset : Dataset, optional
        As for `danqing.evaluate`.
    risk : float, optional
        Above 0, below 1: the highest acceptable error rate of the predictions that aren't marked
        as unsure. 0.01 if not given.
    against : RunFolder, optional
        Another run, to compare on the same test set.

    Raises
    ------
    RecipeError
        If the risk is out of range, or there are no validation rows to choose a threshold on.
    RunError
        If data don't suit the run, or the two runs can't be compared.
    """
    dataset = own_data(run) if dataset is None else dataset
    own = is_own_data(run, dataset)
    if risk is not None:
        _check_risk(run, risk, own)
    if against is not None:
        _check_comparable(run, against)
    data = evaluation_data(run, dataset)
    predictor = Predictor(run)
    predictions = {name: predict_subset(predictor, subset) for name, subset in data.subsets.items()}
    test, classes = predictions["test"], run.task == "classification"
    metrics = {name: metrics_of(run, subset) for name, subset in predictions.items()}
    metrics["test"] |= data.to_json()
    calibration: dict[str, Any] | None
    if not classes:
        calibration = calibrate_regression(predictions["validation"], test) if own else None
    elif own:
        risk = RISK if risk is None else risk
        calibration = calibrate(run, predictions["validation"], test, risk)
    else:
        calibration = calibration_on_other_data(run, test)
    return Examination(
        run,
        dataset,
        own,
        predictions,
        metrics,
        _class_intervals(test, metrics["test"])
        if classes
        else dict(regression_intervals(test.outputs, test.labels)),
        calibration,
        _label_issues(predictions, metrics["test"]) if classes else {},
        None if isinstance(test.subset.x, Table) else measure_robustness(predictor, test),
        _slices(test, classes),
        None if against is None else _compare(test, against, classes),
    )


def notes_on(found: Examination) -> list[str]:
    """Say what of the data was not measured, and what the run has learned from, a line each."""
    name, figures = found.dataset.name, found.metrics["test"]
    notes = []
    if unknown := figures.get("unknown_classes"):
        known = {label.casefold(): label for label in found.run.class_names}
        alike = {label: known.get(label.casefold(), "") for label in unknown}
        listed = _first([
            f"{label} ({count:,}{', which the run knows as ' * bool(alike[label])}{alike[label]})"
            for label, count in unknown.items()
        ])  # fmt: skip
        notes.append(
            f"{name}: {_rows(sum(unknown.values()))} of classes that the run does not know left "
            f"out: {listed}"
        )
    absent = [row["class"] for row in figures.get("per_class", ()) if not row["n"]]
    if absent and not found.own:
        notes.append(f"{name}: has no examples of {_first(absent)}")
    if seen := figures.get("training_rows"):
        notes.append(
            f"{name}: {seen:,} of {figures['n']:,} rows equal rows that the network was trained "
            "on; the metrics are too good by as much as it remembers them"
        )
    return notes


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def _first(texts: Any, most: int = 10) -> str:
    more = f" and {len(texts) - most:,} more" if len(texts) > most else ""
    return ", ".join(map(str, texts[:most])) + more


def _check_risk(run: RunFolder, risk: float, own: bool) -> None:
    check_risk(run, risk)
    if not own:
        raise RecipeError(
            "risk: the threshold is chosen on the run's own validation set, which other data don't "
            "have; leave out --risk or the source"
        )


def _check_comparable(run: RunFolder, other: RunFolder) -> None:
    if run.data.get("fingerprint") != other.data.get("fingerprint"):
        raise RunError(
            f"{run.folder} and {other.folder}: were trained on different data, "
            f"{run.data.get('name')!r} and {other.data.get('name')!r} (their fingerprints differ); "
            "compare runs of the same data"
        )


def _compare(test: SubsetPredictions, other: RunFolder, classes: bool) -> dict[str, Any]:
    # The test set is held out before the validation set: it does not depend on that one's share.
    outputs = predict_subset(Predictor(other), test.subset).outputs
    if classes:
        found = compare_classifiers(
            test.outputs.argmax(axis=1), outputs.argmax(axis=1), test.labels
        )
    else:
        found = compare_regressors(test.outputs, outputs, test.labels)
    return {"against": str(other.folder), "network": str(other.network.get("spec", "")), **found}


def _class_intervals(test: SubsetPredictions, metrics: dict[str, Any]) -> dict[str, Any]:
    matrix = np.array(metrics["confusion_matrix"])
    both, predicted, labels = np.diag(matrix), matrix.sum(axis=0), matrix.sum(axis=1)
    found = {
        "precision": wilson(both, predicted),
        "recall": wilson(both, labels),
        "f1": f1_interval(both, predicted - both, labels - both),
    }
    losses = log_loss_of_each(test.outputs, test.labels)
    loss = skewed_mean_interval(losses)
    return {
        "loss": list(loss) if loss else None,
        "per_class": [
            {
                name: [float(low[c]), float(high[c])] if labels[c] else None
                for name, (low, high) in found.items()
            }
            for c in range(len(matrix))
        ],
    }


def _label_issues(
    predictions: dict[str, SubsetPredictions], metrics: dict[str, Any]
) -> dict[str, NDArray[np.int64]]:
    if metrics["accuracy"] < RELIABLE_ACCURACY:
        return {}
    return {
        name: confident_learning(subset.outputs, subset.labels).rows
        for name, subset in predictions.items()
    }


def _slices(test: SubsetPredictions, classes: bool) -> list[Slice]:
    if not isinstance(test.subset.x, Table):
        return []
    if classes:
        correct = test.outputs.argmax(axis=1) == test.labels
        return find_slices(test.subset.examples(), correct)
    errors = np.abs(test.outputs.astype(np.float64) - test.labels)
    return find_slices(test.subset.examples(), errors, higher_is_better=False)
