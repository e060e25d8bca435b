"""Run + Dataset -> figures, by the very network that ships. Knows no TensorFlow."""

from __future__ import annotations

from typing import Any

from danqing.data.dataset import Dataset
from danqing.evaluation.metrics import measure, measure_numbers
from danqing.evaluation.own_data import own_data
from danqing.evaluation.predictions import (
    SubsetPredictions,
    predict_subset,
    subsets_to_measure,
)
from danqing.prediction.predictor import Predictor
from danqing.runs.run_folder import RunFolder

__all__ = ["evaluate", "figures_of"]


def evaluate(run: RunFolder, dataset: Dataset | None = None) -> dict[str, Any]:
    """Measure a run on the test set of its data, and on the rows held out for validation.

    Parameters
    ----------
    run : Run
    dataset : Dataset, optional
        Loaded from the run's source if not given. If it is not the data that the run was trained
        on, the figures are those of its test set, or of all its rows where it has none.

    Returns
    -------
    dict
        ``test`` and, on the run's own data, ``validation``, each as `measure` or
        `measure_numbers` in `danqing.evaluation.metrics` gives it.

    Raises
    ------
    RunError
        If the run's own data have changed, or other data don't suit the run.
    """
    subsets = subsets_to_measure(run, own_data(run) if dataset is None else dataset)
    predictor = Predictor(run)
    return {
        name: figures_of(run, predict_subset(predictor, subset)) for name, subset in subsets.items()
    }


def figures_of(run: RunFolder, answered: SubsetPredictions) -> dict[str, Any]:
    """Measure the answers to one subset."""
    if run.task == "regression":
        return measure_numbers(answered.outputs, answered.labels)
    return measure(answered.outputs, answered.labels, run.class_names)
