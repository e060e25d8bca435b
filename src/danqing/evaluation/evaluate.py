"""A run + a dataset -> metrics, measured on the network that ships. Knows no TensorFlow."""

from __future__ import annotations

from typing import Any

from danqing.data.dataset import Dataset
from danqing.evaluation.metrics import classification_metrics, regression_metrics
from danqing.evaluation.own_data import own_data
from danqing.evaluation.predictions import (
    SubsetPredictions,
    predict_subset,
    subsets_to_evaluate,
)
from danqing.prediction.predictor import Predictor
from danqing.runs.run_folder import RunFolder

__all__ = ["evaluate", "metrics_of"]


def evaluate(run: RunFolder, dataset: Dataset | None = None) -> dict[str, Any]:
    """Evaluate a run on the test and validation sets of its data.

    Parameters
    ----------
    run : RunFolder
    dataset : Dataset, optional
        Loaded from the run's source if not given. If it is not the data that the run was trained
        on, the metrics are those of its test set, or of all its rows if it has none.

    Returns
    -------
    dict
        ``test`` and, on the run's own data, ``validation``, each from `classification_metrics` or
        `regression_metrics` in `danqing.evaluation.metrics`.

    Raises
    ------
    RunError
        If the run's own data have changed, or other data don't suit the run.
    """
    subsets = subsets_to_evaluate(run, own_data(run) if dataset is None else dataset)
    predictor = Predictor(run)
    return {
        name: metrics_of(run, predict_subset(predictor, subset)) for name, subset in subsets.items()
    }


def metrics_of(run: RunFolder, predictions: SubsetPredictions) -> dict[str, Any]:
    """Compute the metrics of a run's predictions for one subset."""
    if run.task == "regression":
        return regression_metrics(predictions.outputs, predictions.labels)
    return classification_metrics(predictions.outputs, predictions.labels, run.class_names)
