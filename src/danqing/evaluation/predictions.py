"""A run's predictions on subsets of its own data, or on other data adapted to its shape and names.

Of other data the part that the run can know is measured: rows of its classes.

Knows no metrics.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.data.dataset import Dataset
from danqing.data.split import Subset, short_digests
from danqing.data.subset_names import SubsetName
from danqing.data.table import Table
from danqing.errors import RunError
from danqing.evaluation.own_data import is_own_data, own_splits
from danqing.prediction.predictor import Predictor
from danqing.prediction.resize import resize_pictures
from danqing.runs.run_folder import RunFolder

__all__ = ["EvaluationData", "SubsetPredictions", "evaluation_data", "predict_subset"]

_BATCH = 5000  # examples in memory at once


@dataclass(frozen=True, eq=False)
class EvaluationData:
    """What a run is evaluated on.

    Attributes
    ----------
    subsets : dict of str to Subset
        ``test`` and, of the run's own data, ``validation``.
    unknown_classes : dict of str to int
        The classes of other data that the run does not know, and how many rows were left out.
    training_rows : int or None
        How many rows of other data equal rows that the run was trained on; None if it keeps no
        digests of these.
    """

    subsets: dict[str, Subset]
    unknown_classes: dict[str, int] = field(default_factory=dict)
    training_rows: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Give what belongs to the metrics of other data."""
        found: dict[str, Any] = {}
        if self.unknown_classes:
            found["unknown_classes"] = self.unknown_classes
        if self.training_rows is not None:
            found["training_rows"] = self.training_rows
        return found


@dataclass(frozen=True, eq=False)
class SubsetPredictions:
    """A subset of the data, and a run's predictions for it.

    Attributes
    ----------
    subset : Subset
    outputs : ndarray of float32, shape (n, classes) or (n,)
        From `Predictor.predict_examples`, in the order of `subset.rows`.
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


def evaluation_data(run: RunFolder, dataset: Dataset) -> EvaluationData:
    """Give ``test`` and, of the run's own data, ``validation``.

    Of other data, ``test`` is the test set, or all rows if there is none; rows of classes that
    the run does not know are left out, and counted.

    Raises
    ------
    RunError
        If other data don't suit the run, or the run's own data are no longer split as in training.
    """
    if is_own_data(run, dataset):
        splits = own_splits(run, dataset)
        return EvaluationData({"test": splits.test, "validation": splits.validation})
    subset, unknown = _adapted(run, dataset)
    return EvaluationData({"test": subset}, unknown, _count_training_rows(run, subset))


def predict_subset(predictor: Predictor, subset: Subset) -> SubsetPredictions:
    """Predict a subset of the data, a few thousand examples at a time."""
    outputs = [
        predictor.predict_examples(subset.x[subset.rows[start : start + _BATCH]])
        for start in range(0, len(subset), _BATCH)
    ]
    return SubsetPredictions(subset, np.concatenate(outputs))


def _adapted(run: RunFolder, dataset: Dataset) -> tuple[Subset, dict[str, int]]:
    """Adapt other data to the run's input shape and class names; count rows of other classes."""
    name: SubsetName = "test" if len(dataset.y_test) else "train"
    x, y = getattr(dataset, f"x_{name}"), getattr(dataset, f"y_{name}")
    if dataset.task != run.task or dataset.tabular != (len(run.input_shape) == 1):
        kind = "rows" if dataset.tabular else "pictures"
        raise RunError(
            f"{run.folder}: can't be evaluated on {kind} for {dataset.task}; expected "
            f"{'rows' if len(run.input_shape) == 1 else 'pictures'} for {run.task}, as in training"
        )
    rows, unknown = np.arange(len(y)), {}
    if run.task == "classification":
        place = {known: number for number, known in enumerate(run.class_names)}
        counts = np.bincount(y, minlength=len(dataset.class_names)).tolist()
        unknown = {
            own: count
            for own, count in zip(dataset.class_names, counts, strict=True)
            if count and own not in place
        }
        y = np.array([place.get(own, -1) for own in dataset.class_names], np.int64)[y]
        rows = np.flatnonzero(y >= 0)
        if not len(rows):
            raise RunError(
                f"{run.folder}: knows none of the data's classes, such as {next(iter(unknown))!r}; "
                f"expected some of {', '.join(run.class_names[:10])}"
            )
    if not dataset.tabular:
        x = resize_pictures(x, run.input_shape)
    return Subset(x, y, rows, dataset.row_names(name)), unknown


def _count_training_rows(run: RunFolder, subset: Subset) -> int | None:
    """Count the rows that equal training rows, if the run knows these."""
    known = run.training_rows
    if known is None:
        return None
    encoding = run.preparation.encoding
    if encoding is not None and isinstance(subset.x, Table):
        # Columns that training did not have make no row another one.
        names = {*encoding.kinds, *encoding.dropped}
        table = Table(tuple(c for c in subset.examples().columns if c.name in names))
        subset = Subset(table, subset.labels, np.arange(len(subset)))
    return int(np.isin(short_digests(subset), known).sum())
