"""A run's predictions on subsets of its own data, or on other data adapted to its shape and names.

Knows no metrics.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.data.dataset import Dataset
from danqing.data.split import Subset, split_by_settings
from danqing.errors import RunError
from danqing.evaluation.own_data import is_own_data
from danqing.prediction.predictor import Predictor
from danqing.prediction.resize import resize_pictures
from danqing.runs.run_folder import RunFolder

__all__ = ["SubsetPredictions", "predict_subset", "subsets_to_evaluate"]

_BATCH = 5000  # examples in memory at once


@dataclass(frozen=True, eq=False)
class SubsetPredictions:
    """A subset of the data, and a run's predictions for it.

    Attributes
    ----------
    subset : Subset
    outputs : ndarray of float32, shape (n, classes) or (n,)
        From `Predictor.predict`, in the order of `subset.rows`.
    """

    subset: Subset
    outputs: NDArray[np.float32] = field(repr=False)

    def __len__(self) -> int:
        return len(self.subset)

    @property
    def labels(self) -> NDArray[Any]:
        """The labels or targets, shape (n,)."""
        return self.subset.labels

    def examples(self, places: Any) -> Any:
        """Load the examples at some positions of the subset: an ndarray of pictures, or a Table."""
        return self.subset.x[self.subset.rows[np.asarray(places, np.int64)]]


def subsets_to_evaluate(run: RunFolder, dataset: Dataset) -> dict[str, Subset]:
    """Give ``test`` and, of the run's own data, ``validation``.

    Of other data, ``test`` is the test set, or all rows if there is none.

    Raises
    ------
    RunError
        If other data don't suit the run.
    """
    if not is_own_data(run, dataset):
        return {"test": _adapted(run, dataset)}
    splits = split_by_settings(dataset, run.config)
    return {"test": splits.test, "validation": splits.validation}


def predict_subset(predictor: Predictor, subset: Subset) -> SubsetPredictions:
    """Predict a subset of the data, a few thousand examples at a time."""
    outputs = [
        predictor.predict(subset.x[subset.rows[start : start + _BATCH]])
        for start in range(0, len(subset), _BATCH)
    ]
    return SubsetPredictions(subset, np.concatenate(outputs))


def _adapted(run: RunFolder, dataset: Dataset) -> Subset:
    """Adapt other data to the run's input shape and class names."""
    x, y = dataset.x_train, dataset.y_train
    if len(dataset.y_test):
        x, y = dataset.x_test, dataset.y_test
    if dataset.task != run.task or dataset.tabular != (len(run.input_shape) == 1):
        kind = "rows" if dataset.tabular else "pictures"
        raise RunError(
            f"{run.folder}: can't be evaluated on {kind} for {dataset.task}; it was trained on "
            f"{'rows' if len(run.input_shape) == 1 else 'pictures'} for {run.task}"
        )
    if run.task == "classification":
        unknown = [name for name in dataset.class_names if name not in run.class_names]
        if unknown:
            raise RunError(
                f"{run.folder}: does not know {len(unknown)} of the data's classes, such as "
                f"{unknown[0]!r}; it knows {', '.join(run.class_names[:10])}"
            )
        y = np.array([run.class_names.index(name) for name in dataset.class_names])[y]
    if not dataset.tabular:
        x = resize_pictures(x, run.input_shape)
    return Subset(x, y, np.arange(len(y)))
