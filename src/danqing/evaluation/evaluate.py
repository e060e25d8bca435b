"""Run + Dataset -> figures, by the very network that ships. Knows no TensorFlow."""

from __future__ import annotations

from typing import Any

import numpy as np

from danqing.data.dataset import Dataset
from danqing.data.divide import Part, divide
from danqing.data.sources import load_data
from danqing.errors import RunError
from danqing.evaluation.measures import measure, measure_numbers
from danqing.preparation.pictures import brought_to
from danqing.runs.run import Run

__all__ = ["evaluate"]

_BATCH = 5000  # examples in memory at once


def evaluate(run: Run, dataset: Dataset | None = None) -> dict[str, Any]:
    """Measure a run on the test part of its data, and on the rows held out for validation.

    Parameters
    ----------
    run : Run
    dataset : Dataset, optional
        Loaded from the run's source if not given. If it is not the data that the run was trained
        on, the figures are those of its test part, or of all its rows where it has none.

    Returns
    -------
    dict
        ``test`` and, on the run's own data, ``validation``, each as `measure` or
        `measure_numbers` in `danqing.evaluation.measures` gives it.

    Raises
    ------
    RunError
        If the run's own data have changed, or other data don't suit the run.
    """
    if dataset is None:
        dataset = _own_data(run)
        if dataset.fingerprint != run.data.get("fingerprint"):
            raise RunError(
                f"{run.folder}: was trained on other data than {dataset.source!r} holds now "
                "(their fingerprints differ); give back the old data, name data to measure it on, "
                "or train again"
            )
    if dataset.fingerprint != run.data.get("fingerprint"):
        return {"test": _measure(run, _adapted(run, dataset))}
    parts = divide(dataset, run.config["validation_share"])
    return {"test": _measure(run, parts.test), "validation": _measure(run, parts.validation)}


def _own_data(run: Run) -> Dataset:
    source = run.data.get("source")
    if not source:
        raise RunError(
            f"{run.folder}: was trained on objects from Python, which no name loads again; hand "
            "the data to evaluate"
        )
    return load_data(source, target=run.data.get("target") or None, task=run.data.get("task"))


def _measure(run: Run, part: Part) -> dict[str, Any]:
    answers = [
        run.predict(part.x[part.rows[start : start + _BATCH]])
        for start in range(0, len(part), _BATCH)
    ]
    if run.task == "regression":
        return measure_numbers(np.concatenate(answers), part.labels)
    return measure(np.concatenate(answers), part.labels, run.class_names)


def _adapted(run: Run, dataset: Dataset) -> Part:
    """Give new data's rows in the run's own shape and under its own class names."""
    x, y = dataset.x_train, dataset.y_train
    if len(dataset.y_test):
        x, y = dataset.x_test, dataset.y_test
    if dataset.task != run.task or dataset.tabular != (len(run.input_shape) == 1):
        kind = "rows" if dataset.tabular else "pictures"
        raise RunError(
            f"{run.folder}: can't be measured on {kind} for {dataset.task}; it was trained on "
            f"{'rows' if len(run.input_shape) == 1 else 'pictures'} for {run.task}"
        )
    if run.task == "classification":
        unknown = [name for name in dataset.class_names if name not in run.class_names]
        if unknown:
            raise RunError(
                f"{run.folder}: does not know {len(unknown)} of the new data's classes, such as "
                f"{unknown[0]!r}; it knows {', '.join(run.class_names[:10])}"
            )
        y = np.array([run.class_names.index(name) for name in dataset.class_names])[y]
    if not dataset.tabular:
        x = brought_to(x, run.input_shape)
    return Part(x, y, np.arange(len(y)))
