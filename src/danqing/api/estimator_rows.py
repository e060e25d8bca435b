"""What an estimator is fitted to -> a Dataset, its split and weights. Knows no network.

The order of the rows doesn't matter, and a row with the weight 2 is the same as two rows: training
takes them in the order of their contents.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.data.dataset import Dataset, LabelType
from danqing.data.duplicates import as_rows, example_digests
from danqing.data.labels import text_of_number
from danqing.data.split import Splits, Subset, withhold_labels
from danqing.data.stratify import rows_of_groups, split_groups
from danqing.recipe.recipe import Recipe

__all__ = ["EstimatorRows", "collect_rows", "name_classes"]

_FEWEST_TO_HOLD_OUT = 50  # different rows; with fewer, the training rows also validate
_MOST_COPIES = 10  # a row on average; with more, whole weights become weights in the loss, too


@dataclass(frozen=True, eq=False)
class EstimatorRows:
    """What an estimator learns from.

    Attributes
    ----------
    dataset : Dataset
        Without rows of weight 0.
    splits : Splits
        Without a test set: that is the user's own. A row occurs as often as its whole weight says.
    weights : ndarray of float64, shape (rows,), optional
        Of the dataset's rows in the loss, where they aren't expressed by copies.
    held_out : Subset or None
        The validation set, if it isn't the training set.
    """

    dataset: Dataset
    splits: Splits
    weights: NDArray[np.float64] | None
    held_out: Subset | None


def name_classes(classes: NDArray[Any]) -> tuple[tuple[str, ...], LabelType]:
    """Name classes as a run does, with the type to turn the names back to.

    Examples
    --------
    >>> name_classes(np.array([False, True])), name_classes(np.array([1.0, 2.5]))
    ((('false', 'true'), 'boolean'), (('1', '2.5'), 'number'))
    """
    values, kind = classes.tolist(), classes.dtype.kind
    if kind == "b" or all(isinstance(value, bool) for value in values):
        return tuple(str(value).lower() for value in values), "boolean"
    if kind in "iu" or all(type(value) is int for value in values):
        return tuple(map(str, values)), "integer"
    if kind == "f":
        return tuple(map(text_of_number, values)), "number"
    return tuple(map(str, values)), "text"


def collect_rows(
    dataset: Dataset,
    recipe: Recipe,
    sample_weight: NDArray[np.float64] | None = None,
    class_weight: NDArray[np.float64] | None = None,
) -> EstimatorRows:
    """Order, split and weight the rows of a fit.

    Parameters
    ----------
    dataset : Dataset
        All its rows are training rows.
    recipe : Recipe
        For the validation share, and for labels to withhold.
    sample_weight : ndarray, optional
        Of each row, 0 or more. Whole numbers count rows, as scikit-learn has it; others, and large
        ones, weight the loss.
    class_weight : ndarray, optional
        Of each class in the loss.
    """
    counts, weights = np.ones(len(dataset.y_train), np.int64), None
    if sample_weight is not None:
        whole = (sample_weight == np.rint(sample_weight)).all()
        if whole and sample_weight.sum() <= _MOST_COPIES * len(sample_weight):
            counts = sample_weight.astype(np.int64)
        else:
            weights = sample_weight
    used = np.flatnonzero(counts if weights is None else weights)
    digests = as_rows(example_digests(dataset.x_train[used]))
    order = np.lexsort((dataset.y_train[used], *digests.T))
    rows, digests = used[order], digests[order]
    x, y, counts = dataset.x_train[rows], dataset.y_train[rows], counts[rows]
    if weights is not None:
        weights = weights[rows]
    if class_weight is not None:
        weights = class_weight[y] * (1.0 if weights is None else weights)
    train, validation = _split(digests, y if dataset.class_names else None, recipe)
    kept, held_out = (
        Subset(x, y, np.repeat(some, counts[some]), digests=digests) for some in (train, validation)
    )
    splits = Splits(kept, held_out, Subset(x[:0], y[:0], train[:0]), {})
    ordered = replace(dataset, x_train=x, y_train=y, x_test=x[:0], y_test=y[:0])
    apart = train is not validation
    return EstimatorRows(
        ordered,
        withhold_labels(ordered, splits, recipe.labels_per_class, recipe.seed),
        weights,
        held_out if apart else None,
    )


def _split(
    digests: NDArray[np.uint8], classes: NDArray[Any] | None, recipe: Recipe
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Hold out a share of the different rows; with few, or one group of equals, none."""
    every = np.arange(len(digests))
    _, first, group = np.unique(digests, axis=0, return_index=True, return_inverse=True)
    group = group.reshape(-1)  # its shape depends on NumPy's version
    if len(first) < _FEWEST_TO_HOLD_OUT:
        return every, every
    labels = None if classes is None else classes[first]
    kept, held_out = split_groups(labels, len(first), recipe.validation_share)
    if not len(held_out) or not len(kept):
        return every, every
    return rows_of_groups(group, kept), rows_of_groups(group, held_out)
