"""A run + a dataset -> metrics, measured on the network that ships. Knows no TensorFlow."""

from __future__ import annotations

from typing import Any

from danqing.data.dataset import Dataset
from danqing.evaluation.metrics import classification_metrics, regression_metrics
from danqing.evaluation.own_data import own_data
from danqing.evaluation.predictions import (
    SubsetPredictions,
    evaluation_data,
    predict_subset,
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
        on, the metrics are those of its test set, or of all its rows if it has none; rows of
        classes that the run does not know are left out.

    Returns
    -------
    dict
        ``test`` and, on the run's own data, ``validation``, each from `classification_metrics` or
        `regression_metrics` in `danqing.evaluation.metrics`. On other data ``test`` also has
        ``unknown_classes``, how many rows of each were left out, if any were, and
        ``training_rows``, how many of the rows the run was trained on, if it keeps their digests.

    Raises
    ------
    RunError
        If the run's own data have changed or are split differently, or other data don't suit
        the run.
    """
    data = evaluation_data(run, own_data(run) if dataset is None else dataset)
    predictor = Predictor(run)
    metrics = {
        name: metrics_of(run, predict_subset(predictor, subset))
        for name, subset in data.subsets.items()
    }
    metrics["test"] |= data.to_json()
    return metrics


def metrics_of(run: RunFolder, predictions: SubsetPredictions) -> dict[str, Any]:
    """Compute the metrics of a run's predictions for one subset."""
    if run.task == "regression":
        return regression_metrics(predictions.outputs, predictions.labels)
    return classification_metrics(predictions.outputs, predictions.labels, run.class_names)
