"""Divide: which rows of a Dataset are for training, for validation and for testing.

Copies no examples and changes none: a part is row numbers into the source's own arrays. Knows no
preparation and no network.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.data.dataset import Dataset, Examples
from danqing.data.stratify import stratified_split
from danqing.data.table import Table
from danqing.errors import SourceError

__all__ = [
    "TEST_SHARE",
    "DuplicateGroups",
    "Splits",
    "Subset",
    "example_digests",
    "group_duplicates",
    "split",
]

TEST_SHARE = 0.2
_FEWEST = 5  # different examples from which three parts can be made
_CHUNK = 1 << 24  # bytes of pictures in memory at once
# Equal rows with unequal answers in more than this share of a table are no slips of the pen: its
# columns are coarse (sex, class, age group), and equal rows are different cases.
_COARSE = 0.1
_IN_TEST = "also in the test part"
_IN_VALIDATION = "also in the validation part"

RowNumbers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Subset:
    """Some rows of a source's examples.

    Attributes
    ----------
    x : Pictures or Table
        The source's own examples: not only this part's, and possibly on disk.
    y : ndarray
        The labels of `x`.
    rows : ndarray of int64, shape (n,)
        Which of them are this part, in the order of the split.
    """

    x: Examples = field(repr=False)
    y: NDArray[Any] = field(repr=False)
    rows: RowNumbers = field(repr=False)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def labels(self) -> NDArray[Any]:
        """The labels of this part, shape (n,)."""
        return self.y[self.rows]

    def examples(self) -> Any:
        """Take this part's examples into memory: an ndarray of pictures, or a Table."""
        return self.x[self.rows]


@dataclass(frozen=True, eq=False)
class Splits:
    """The parts of a Dataset, and how many rows were left out of them, by reason.

    What reading left out is not in `removed`: that is `Dataset.removed`. `unlabelled` are rows
    for training without their labels, if any.
    """

    train: Subset
    validation: Subset
    test: Subset
    removed: dict[str, int]
    unlabelled: Subset | None = None


@dataclass(frozen=True, eq=False)
class DuplicateGroups:
    """Which rows are equal: the number of each row's content, in order of first appearance.

    Attributes
    ----------
    train, validation, test : ndarray of int64
        Empty where the source has no such part.
    conflicting : ndarray of int64
        The contents that come with different answers.
    coarse : bool
        Whether equal rows are different cases of a table with coarse columns.
    """

    train: RowNumbers
    validation: RowNumbers
    test: RowNumbers
    conflicting: RowNumbers
    coarse: bool


def split(dataset: Dataset, validation_share: float) -> Splits:
    """Divide the rows into training, validation and test, always the same way.

    A source's own parts for testing and validation are kept. Else 20 % become the part for
    testing, and `validation_share` of what remains the one for validation: seed 42, evenly from
    all classes where possible, rows of the same content together. The last row of a class stays
    with training.

    Three repairs, each counted in `removed`. Rows of the same content under different labels are
    left out of training and validation; the test part keeps what falls to it. Training and
    validation rows that also occur in the test part are left out, and training rows that also
    occur in the validation part. Rows for regression with equal columns and different numbers
    stay. Where more than a tenth of a table's rows have the same content and different answers,
    its columns are coarse, equal rows are different cases, and each row counts for itself.

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
        If there are too few rows for the parts.

    Examples
    --------
    >>> from danqing import load_data
    >>> parts = split(load_data("mnist"), 0.1)
    >>> len(parts.train), len(parts.validation), len(parts.test), parts.removed
    (54000, 6000, 10000, {})
    """
    train, validation, test, conflicting = _groups_to_split(dataset)
    removed: dict[str, int] = {}

    def leave_out(
        rows: RowNumbers, contents: RowNumbers, others: RowNumbers, reason: str
    ) -> RowNumbers:
        also = np.isin(contents[rows], others)
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
            f"{dataset.name}: nothing is left to learn from, since all rows for training were "
            f"left out ({_in_words(removed)}); add examples that are not in the other parts"
        )
    return Splits(
        Subset(dataset.x_train, dataset.y_train, train_rows),
        Subset(x_validation, y_validation, validation_rows),
        Subset(x_test, y_test, test_rows),
        removed,
    )


def example_digests(x: Examples) -> list[bytes]:
    """Give a short hash of each example: equal ones have equal hashes.

    Pictures are read a few at a time, so that a cache on disk is never in memory whole.

    Examples
    --------
    >>> first, second, third = example_digests(np.array([[[[1]]], [[[2]]], [[[1]]]], np.uint8))
    >>> first == third, first == second
    (True, False)
    """
    if isinstance(x, Table):
        return x.row_digests()
    step = max(1, _CHUNK // max(1, int(np.prod(x.shape[1:]))))
    digests: list[bytes] = []
    for start in range(0, len(x), step):
        pictures = np.ascontiguousarray(x[start : start + step])
        digests += [hashlib.blake2b(picture, digest_size=16).digest() for picture in pictures]
    return digests


def group_duplicates(dataset: Dataset) -> DuplicateGroups:
    """Number the different contents of a Dataset, over all its parts.

    Examples
    --------
    >>> from danqing import load_data
    >>> contents = group_duplicates(load_data("mnist"))
    >>> contents.test[-1], len(contents.conflicting)
    (np.int64(69999), 0)
    """
    known: dict[bytes, int] = {}

    def number(x: Examples) -> RowNumbers:
        return np.array([known.setdefault(one, len(known)) for one in example_digests(x)], np.int64)

    answers = [dataset.y_train, dataset.y_validation, dataset.y_test]
    train = number(dataset.x_train)
    validation = train[:0] if dataset.y_validation is None else number(dataset.x_validation)
    test = number(dataset.x_test)
    y = np.concatenate([part for part in answers if part is not None])
    contents = np.concatenate([train, validation, test])
    _, first, group = np.unique(contents, return_index=True, return_inverse=True)
    conflicting = np.unique(contents[y != y[first[group]]])
    share = np.isin(contents, conflicting).sum() / max(1, len(contents))
    return DuplicateGroups(
        train, validation, test, conflicting, dataset.tabular and bool(share > _COARSE)
    )


def _groups_to_split(dataset: Dataset) -> tuple[RowNumbers, RowNumbers, RowNumbers, RowNumbers]:
    """Number the contents of the three parts, and tell which are no use to learn from."""
    found = group_duplicates(dataset)
    train, validation, test, none = found.train, found.validation, found.test, found.test[:0]
    if found.coarse:
        ends = np.cumsum([len(train), len(validation), len(test)])
        train, validation, test = np.split(np.arange(ends[-1]), ends[:-1])
    elif dataset.class_names:
        return train, validation, test, found.conflicting
    return train, validation, test, none


def _hold_out(
    dataset: Dataset, rows: RowNumbers, contents: RowNumbers, share: float, fewest: int
) -> tuple[RowNumbers, RowNumbers]:
    """Hold out a share of the training rows, those of the same content together."""
    _, first, group = np.unique(contents[rows], return_index=True, return_inverse=True)
    # Groups are numbered in the order of their first rows, so that where each is of one row,
    # the split is that of the rows themselves.
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    labels = dataset.y_train[rows[first[order]]] if dataset.class_names else None
    kept, held = _split_groups(labels, len(order), share)
    if len(order) < fewest or not len(kept) or not len(held):
        raise SourceError(
            f"{dataset.name}: {len(order)} different examples to learn from are too few for parts "
            f"for training, validation and testing; at least {_FEWEST}, and 2 of a class, are "
            f"needed, and hundreds make sense: add examples"
        )
    members = rank[group]
    return rows[_rows_of(members, kept)], rows[_rows_of(members, held)]


def _split_groups(
    labels: NDArray[Any] | None, groups: int, share: float
) -> tuple[RowNumbers, RowNumbers]:
    """Split groups of rows; each class stays with the kept ones, and one of a kind does whole."""
    if labels is None:
        if ceil(groups * share) >= groups:
            return np.arange(groups), np.arange(0)
        # With a class for each row, there are no strata.
        return stratified_split(np.arange(groups), share)
    alone = np.bincount(labels)[labels] == 1
    several = np.flatnonzero(~alone)
    names, room = labels[several], len(several) - ceil(len(several) * share)
    if room < 1:
        return np.arange(groups), np.arange(0)
    strata = names if room >= len(np.unique(names)) else np.arange(len(names))
    kept, held = (several[part] for part in stratified_split(strata, share))
    lost, back = np.unique(labels[held], return_index=True)
    back = back[~np.isin(lost, labels[kept])]
    kept = np.concatenate([kept, held[back], np.flatnonzero(alone)])
    return kept, np.delete(held, back)


def _rows_of(members: RowNumbers, groups: RowNumbers) -> RowNumbers:
    """List the rows of the named groups, group after group; `members` has each row's group."""
    sizes = np.bincount(members)
    by_group = np.argsort(members, kind="stable")
    starts, counts = (np.cumsum(sizes) - sizes)[groups], sizes[groups]
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    rows: RowNumbers = by_group[np.repeat(starts, counts) + within]
    return rows


def _in_words(removed: dict[str, int]) -> str:
    return ", ".join(f"{reason}: {count:,}" for reason, count in removed.items())
