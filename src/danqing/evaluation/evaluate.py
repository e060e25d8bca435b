"""Run + Dataset -> figures, by the very network that ships. Knows no TensorFlow."""

from __future__ import annotations

from typing import Any

from danqing.data.dataset import Dataset
from danqing.data.sources import load_data
from danqing.data.split import split_rows
from danqing.evaluation.measures import measure
from danqing.runs.run import Run

__all__ = ["evaluate"]


def evaluate(run: Run, dataset: Dataset | None = None) -> dict[str, Any]:
    """Measure a run on the test part of its data, and on the rows held out for validation.

    Parameters
    ----------
    run : Run
    dataset : Dataset, optional
        The data it was trained on; loaded from the run's source if not given.

    Returns
    -------
    dict
        ``test`` and ``validation``, each as `danqing.evaluation.measures.measure` gives it.

    Raises
    ------
    RunError
        If the data are not those that the run was trained on.
    """
    if dataset is None:
        dataset = load_data(run.data["source"])
    run.check_data(dataset)
    _, validation = split_rows(dataset.y_train, run.config["validation_share"])
    return {
        "test": measure(run.predict(dataset.x_test), dataset.y_test, dataset.class_names),
        "validation": measure(
            run.predict(dataset.x_train[validation]),
            dataset.y_train[validation],
            dataset.class_names,
        ),
    }
