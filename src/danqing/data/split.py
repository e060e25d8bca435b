"""Split the rows of a Dataset into training, validation and test sets.

Copies no examples and changes none: a subset is row numbers into the source's own arrays. Knows
no preparation and no network.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.data.dataset import Dataset, Examples
from danqing.data.duplicates import DuplicateGroups, as_rows, example_digests, group_duplicates
from danqing.data.few_labels import draw_labelled
from danqing.data.stratify import rows_of_groups, split_groups
from danqing.data.subset_names import SubsetName
from danqing.errors import SourceError

__all__ = ["TEST_SHARE", "Splits", "Subset", "short_digests", "split", "split_by_settings",
           "withhold_labels"]  # fmt: skip

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
    names : sequence of str
        The name of each row of `x`: see `Dataset.row_names`. Empty: rows are numbered from 1.
    digests : ndarray of uint8, shape (len(x), 16), optional
        Of each row of `x`, as `example_digests` gives them; computed when needed if not given.
    """

    x: Examples = field(repr=False)
    y: NDArray[Any] = field(repr=False)
    rows: RowNumbers = field(repr=False)
    names: Sequence[str] = field(default=(), repr=False)
    digests: NDArray[np.uint8] | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def labels(self) -> NDArray[Any]:
        """The labels of this subset, shape (n,)."""
        return self.y[self.rows]

    def examples(self) -> Any:
        """Load this subset's examples into memory: an ndarray of pictures, or a Table."""
        return self.x[self.rows]

    def name(self, place: int) -> str:
        """Name the example at a position of this subset, as a user finds it again."""
        return self.name_of_row(int(self.rows[place]))

    def name_of_row(self, row: int) -> str:
        """Name a row of `x`."""
        return self.names[row] if len(self.names) else f"row {row + 1}"

    @property
    def row_digests(self) -> NDArray[np.uint8]:
        """The digest of each of the subset's rows, shape (n, 16)."""
        if self.digests is not None:
            return self.digests[self.rows]
        return as_rows(example_digests(self.examples()))

    @property
    def digest(self) -> str:
        """SHA-256 over the digests of the subset's rows, in order."""
        return hashlib.sha256(self.row_digests.tobytes()).hexdigest()


def short_digests(subset: Subset) -> NDArray[np.uint64]:
    """Give 64 bits of each row's digest, shape (n,): enough to recognise a row by."""
    return np.ascontiguousarray(subset.row_digests[:, :8]).view("<u8")[:, 0]


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
        As `split` does, or if all rows have the same class, or there are no labels to set aside.

    Examples
    --------
    >>> from danqing import load_data
    >>> settings = {"validation_share": 0.1, "labels_per_class": 10, "seed": 0}
    >>> splits = split_by_settings(load_data("mnist"), settings)
    >>> len(splits.train), len(splits.unlabelled), len(splits.validation), len(splits.test)
    (100, 53900, 6000, 10000)
    """
    _refuse_one_class(dataset)
    splits = split(dataset, settings["validation_share"])
    kept = settings.get("labels_per_class", 0)
    return withhold_labels(dataset, splits, kept, settings["seed"]) if kept else splits


def withhold_labels(dataset: Dataset, splits: Splits, kept: int, seed: int) -> Splits:
    """Keep `kept` labels per class, or all if 0; other training rows become unlabelled.

    Raises SourceError if there are no labels to set aside.
    """
    if not kept:
        return splits
    if dataset.tabular or not dataset.class_names:
        raise SourceError(
            f"{dataset.name}: labels_per_class needs pictures with classes; leave it out"
        )
    train = splits.train
    labelled = draw_labelled(train.labels, kept, seed)
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
    found = group_duplicates(dataset)
    train, validation, test, conflicting = _groups_to_split(dataset, found)
    removed: dict[str, int] = {}

    def leave_out(
        rows: RowNumbers, groups: GroupNumbers, others: GroupNumbers, reason: str
    ) -> RowNumbers:
        also = np.isin(groups[rows], others)
        if also.any():
            removed[reason] = removed.get(reason, 0) + int(also.sum())
        return rows[~also]

    train_rows, validation_rows = np.arange(len(train)), np.arange(len(validation))
    test_rows = np.arange(len(test))
    test_from: SubsetName = "test"
    if not len(test):
        train_rows = leave_out(train_rows, train, validation, _IN_VALIDATION)
        train_rows, test_rows = _hold_out(dataset, train_rows, train, TEST_SHARE, _FEWEST)
        test_from, test = "train", train
    reason = f"the same {'row' if dataset.tabular else 'picture'} under two labels"
    train_rows = leave_out(train_rows, train, conflicting, reason)
    validation_rows = leave_out(validation_rows, validation, conflicting, reason)
    train_rows = leave_out(train_rows, train, test[test_rows], _IN_TEST)
    validation_rows = leave_out(validation_rows, validation, test[test_rows], _IN_TEST)
    train_rows = leave_out(train_rows, train, validation[validation_rows], _IN_VALIDATION)
    validation_from: SubsetName = "validation"
    if dataset.y_validation is None or not len(validation_rows):
        train_rows, validation_rows = _hold_out(dataset, train_rows, train, validation_share, 2)
        validation_from = "train"
    if not len(train_rows):
        raise SourceError(
            f"{dataset.name}: the training set is empty, because all its rows were left out "
            f"({_in_words(removed)}); add examples that are not in the other sets"
        )

    def subset(name: SubsetName, rows: RowNumbers) -> Subset:
        x, y = getattr(dataset, f"x_{name}"), getattr(dataset, f"y_{name}")
        return Subset(x, y, rows, dataset.row_names(name), found.digests[name])

    return Splits(
        subset("train", train_rows),
        subset(validation_from, validation_rows),
        subset(test_from, test_rows),
        removed,
    )


def _refuse_one_class(dataset: Dataset) -> None:
    if len(dataset.class_names) == 1:
        thing = "row" if dataset.tabular else "picture"
        target = f": {dataset.target!r}" if dataset.target else ""
        raise SourceError(
            f"{dataset.source or dataset.name}{target}: every {thing} has the class "
            f"{dataset.class_names[0]!r}; training needs at least two classes"
        )


def _groups_to_split(
    dataset: Dataset, found: DuplicateGroups
) -> tuple[GroupNumbers, GroupNumbers, GroupNumbers, GroupNumbers]:
    """Give each row's group by subset, and the groups that must not be trained on."""
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
    kept, held_out = split_groups(labels, len(order), share)
    if len(order) < fewest or not len(kept) or not len(held_out):
        raise SourceError(
            f"{dataset.name}: {len(order)} different training examples are too few to split into "
            f"training, validation and test sets; at least {_FEWEST}, and 2 of a class, are "
            f"needed, and hundreds make sense: add examples"
        )
    group_of_row = rank[position]
    return rows[rows_of_groups(group_of_row, kept)], rows[rows_of_groups(group_of_row, held_out)]


def _in_words(removed: dict[str, int]) -> str:
    return ", ".join(f"{reason}: {count:,}" for reason, count in removed.items())
