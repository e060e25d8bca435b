"""Split the rows of a Dataset into training, validation and test sets.

Copies no examples and changes none: a subset is row numbers into the source's own arrays. Knows
no preparation and no network.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.data.dataset import Dataset, Examples
from danqing.data.duplicates import group_duplicates
from danqing.data.few_labels import draw_labelled
from danqing.data.stratify import stratified_split
from danqing.errors import SourceError

__all__ = ["TEST_SHARE", "Splits", "Subset", "split", "split_by_settings"]

TEST_SHARE = 0.2
_FEWEST = 5  # different examples that can be split into three subsets
_IN_TEST = "also in the test set"
_IN_VALIDATION = "also in the validation set"

RowNumbers = NDArray[np.int64]
GroupNumbers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Subset:
    """Some rows of a source's examples.

    Attributes
    ----------
    x : Pictures or Table
        All of the source's examples, not only this subset's; possibly on disk.
    y : ndarray
        The labels of `x`.
    rows : ndarray of int64, shape (n,)
        Which rows of `x` the subset consists of, in the order of the split.
    """

    x: Examples = field(repr=False)
    y: NDArray[Any] = field(repr=False)
    rows: RowNumbers = field(repr=False)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def labels(self) -> NDArray[Any]:
        """The labels of this subset, shape (n,)."""
        return self.y[self.rows]

    def examples(self) -> Any:
        """Load this subset's examples into memory: an ndarray of pictures, or a Table."""
        return self.x[self.rows]


@dataclass(frozen=True, eq=False)
class Splits:
    """The subsets of a Dataset, and how many rows were left out of them, by reason.

    Rows that were left out when the source was read are counted in `Dataset.removed`, not here.
    `unlabelled` holds training rows whose labels were withheld, if any.
    """

    train: Subset
    validation: Subset
    test: Subset
    removed: dict[str, int]
    unlabelled: Subset | None = None


def split_by_settings(dataset: Dataset, settings: Mapping[str, Any]) -> Splits:
    """Split a Dataset as training with these settings does.

    Parameters
    ----------
    dataset : Dataset
    settings : mapping
        A recipe's, or those of a run's config.json: ``validation_share`` and, if labels are
        withheld, ``labels_per_class`` and ``seed``.

    Raises
    ------
    SourceError
        As `split` does, or if there are no labels to set aside.

    Examples
    --------
    >>> from danqing import load_data
    >>> settings = {"validation_share": 0.1, "labels_per_class": 10, "seed": 0}
    >>> splits = split_by_settings(load_data("mnist"), settings)
    >>> len(splits.train), len(splits.unlabelled), len(splits.validation), len(splits.test)
    (100, 53900, 6000, 10000)
    """
    splits = split(dataset, settings["validation_share"])
    kept = settings.get("labels_per_class", 0)
    if not kept:
        return splits
    if dataset.tabular or not dataset.class_names:
        raise SourceError(
            f"{dataset.name}: labels_per_class needs pictures with classes; leave it out"
        )
    train = splits.train
    labelled = draw_labelled(train.labels, kept, settings["seed"])
    if labelled.all():
        raise SourceError(
            f"{dataset.name}: no class has more than labels_per_class = {kept} training pictures; "
            "choose fewer, or leave it out"
        )
    return replace(
        splits,
        train=replace(train, rows=train.rows[labelled]),
        unlabelled=replace(train, rows=train.rows[~labelled]),
    )


def split(dataset: Dataset, validation_share: float) -> Splits:
    """Split a Dataset into training, validation and test sets, always in the same way.

    A source's own test and validation sets are kept. Without a test set, 20 % of the rows become
    one; without a validation set, `validation_share` of the rest does. Both are drawn with seed
    42, stratified by class where possible, and duplicates stay together. If a class would have no
    row left for training, one is put back.

    Rows are left out, and counted in `removed`, in three cases: duplicates with different labels,
    of training and validation (the test set keeps its rows); training and validation rows that
    are also in the test set; training rows that are also in the validation set. Regression keeps
    equal rows with different targets. If more than a tenth of a table's rows have duplicates with
    another label, its columns are coarse: equal rows are different cases, and none is a duplicate.

    Parameters
    ----------
    dataset : Dataset
    validation_share : float
        Above 0, below 1.

    Returns
    -------
    Splits

    Raises
    ------
    SourceError
        If there are too few rows to split.

    Examples
    --------
    >>> from danqing import load_data
    >>> splits = split(load_data("mnist"), 0.1)
    >>> len(splits.train), len(splits.validation), len(splits.test), splits.removed
    (54000, 6000, 10000, {})
    """
    train, validation, test, conflicting = _groups_to_split(dataset)
    removed: dict[str, int] = {}

    def leave_out(
        rows: RowNumbers, groups: GroupNumbers, others: GroupNumbers, reason: str
    ) -> RowNumbers:
        also = np.isin(groups[rows], others)
        if also.any():
            removed[reason] = removed.get(reason, 0) + int(also.sum())
        return rows[~also]

    train_rows, validation_rows = np.arange(len(train)), np.arange(len(validation))
    x_test, y_test, test_rows = dataset.x_test, dataset.y_test, np.arange(len(test))
    if not len(test):
        train_rows = leave_out(train_rows, train, validation, _IN_VALIDATION)
        train_rows, test_rows = _hold_out(dataset, train_rows, train, TEST_SHARE, _FEWEST)
        x_test, y_test, test = dataset.x_train, dataset.y_train, train
    reason = f"the same {'row' if dataset.tabular else 'picture'} under two labels"
    train_rows = leave_out(train_rows, train, conflicting, reason)
    validation_rows = leave_out(validation_rows, validation, conflicting, reason)
    train_rows = leave_out(train_rows, train, test[test_rows], _IN_TEST)
    validation_rows = leave_out(validation_rows, validation, test[test_rows], _IN_TEST)
    train_rows = leave_out(train_rows, train, validation[validation_rows], _IN_VALIDATION)
    x_validation, y_validation = dataset.x_validation, dataset.y_validation
    if y_validation is None or not len(validation_rows):
        train_rows, validation_rows = _hold_out(dataset, train_rows, train, validation_share, 2)
        x_validation, y_validation = dataset.x_train, dataset.y_train
    if not len(train_rows):
        raise SourceError(
            f"{dataset.name}: the training set is empty, because all its rows were left out "
            f"({_in_words(removed)}); add examples that are not in the other sets"
        )
    return Splits(
        Subset(dataset.x_train, dataset.y_train, train_rows),
        Subset(x_validation, y_validation, validation_rows),
        Subset(x_test, y_test, test_rows),
        removed,
    )


def _groups_to_split(
    dataset: Dataset,
) -> tuple[GroupNumbers, GroupNumbers, GroupNumbers, GroupNumbers]:
    """Group the rows of the three subsets, and list the groups that must not be trained on."""
    found = group_duplicates(dataset)
    train, validation, test, none = found.train, found.validation, found.test, found.test[:0]
    if found.coarse:
        ends = np.cumsum([len(train), len(validation), len(test)])
        train, validation, test = np.split(np.arange(ends[-1]), ends[:-1])
    elif dataset.class_names:
        return train, validation, test, found.conflicting
    return train, validation, test, none


def _hold_out(
    dataset: Dataset, rows: RowNumbers, groups: GroupNumbers, share: float, fewest: int
) -> tuple[RowNumbers, RowNumbers]:
    """Hold out a share of the training rows; duplicates stay together."""
    _, first, position = np.unique(groups[rows], return_index=True, return_inverse=True)
    # Groups are renumbered in the order of their first rows, so that without duplicates the split
    # is that of the rows themselves.
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    labels = dataset.y_train[rows[first[order]]] if dataset.class_names else None
    kept, held_out = _split_groups(labels, len(order), share)
    if len(order) < fewest or not len(kept) or not len(held_out):
        raise SourceError(
            f"{dataset.name}: {len(order)} different training examples are too few to split into "
            f"training, validation and test sets; at least {_FEWEST}, and 2 of a class, are "
            f"needed, and hundreds make sense: add examples"
        )
    group_of_row = rank[position]
    return rows[_rows_of(group_of_row, kept)], rows[_rows_of(group_of_row, held_out)]


def _split_groups(
    labels: NDArray[Any] | None, groups: int, share: float
) -> tuple[GroupNumbers, GroupNumbers]:
    """Split the groups; of each class at least one is kept, and so is the only one of a class."""
    if labels is None:
        if ceil(groups * share) >= groups:
            return np.arange(groups), np.arange(0)
        # With a class for each row, there are no strata.
        return stratified_split(np.arange(groups), share)
    alone = np.bincount(labels)[labels] == 1
    several = np.flatnonzero(~alone)
    classes, room = labels[several], len(several) - ceil(len(several) * share)
    if room < 1:
        return np.arange(groups), np.arange(0)
    strata = classes if room >= len(np.unique(classes)) else np.arange(len(classes))
    kept, held_out = (several[places] for places in stratified_split(strata, share))
    lost, back = np.unique(labels[held_out], return_index=True)
    back = back[~np.isin(lost, labels[kept])]
    kept = np.concatenate([kept, held_out[back], np.flatnonzero(alone)])
    return kept, np.delete(held_out, back)


def _rows_of(group_of_row: GroupNumbers, groups: GroupNumbers) -> RowNumbers:
    """List the rows of the given groups, group after group."""
    sizes = np.bincount(group_of_row)
    by_group = np.argsort(group_of_row, kind="stable")
    starts, counts = (np.cumsum(sizes) - sizes)[groups], sizes[groups]
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    rows: RowNumbers = by_group[np.repeat(starts, counts) + within]
    return rows


def _in_words(removed: dict[str, int]) -> str:
    return ", ".join(f"{reason}: {count:,}" for reason, count in removed.items())
