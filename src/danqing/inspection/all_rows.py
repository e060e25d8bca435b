"""All rows of a Dataset, numbered across its subsets, with names a user can find them by.

Knows no findings.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from danqing.data.dataset import Dataset
from danqing.data.duplicates import DuplicateGroups, group_duplicates
from danqing.data.subset_names import SUBSETS

if TYPE_CHECKING:
    from danqing.data.images.load_images import ImageFiles

__all__ = ["AllRows"]


class AllRows:
    """The rows of the training, validation and test set, numbered one after another.

    Attributes
    ----------
    subset : ndarray of int64, shape (n,)
        0 for the training set, 1 for the validation set, 2 for the test set.
    labels : ndarray, shape (n,)
    duplicates : DuplicateGroups
        Which rows are equal.
    group : ndarray of int64, shape (n,)
        The duplicate group of each row.

    Examples
    --------
    >>> from danqing import load_data
    >>> rows = AllRows(load_data("mnist"))
    >>> len(rows), rows.name(60_000), rows.label(60_000)
    (70000, 'test[1]', '7')
    """

    def __init__(self, dataset: Dataset, index: ImageFiles | None = None) -> None:
        self.dataset = dataset
        self.index = index
        self._x = (dataset.x_train, dataset.x_validation, dataset.x_test)
        labels = (dataset.y_train, dataset.y_validation, dataset.y_test)
        self.counts = [0 if y is None else len(y) for y in labels]
        self._starts = np.cumsum([0, *self.counts])
        self.subset = np.repeat(np.arange(3), self.counts)
        self.labels: NDArray[Any] = np.concatenate([y for y in labels if y is not None])
        self.duplicates: DuplicateGroups = group_duplicates(dataset)
        self.group = np.concatenate(
            [self.duplicates.train, self.duplicates.validation, self.duplicates.test]
        )

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def noun(self) -> str:
        """What to call a row."""
        return "row" if self.dataset.tabular else "picture"

    def name(self, row: int) -> str:
        """Name a row: its file, FILE:ROW, or its subset and its row there, from 1."""
        subset = self.subset[row]
        return self.dataset.row_names(SUBSETS[subset])[int(row - self._starts[subset])]

    def label(self, row: int) -> str:
        """Write a row's label or target as text."""
        names = self.dataset.class_names
        return names[self.labels[row]] if names else f"{self.labels[row]:g}"

    def names(self, rows: Iterable[int], most: int = 5) -> tuple[str, ...]:
        """Name the first few of these rows."""
        return tuple(self.name(row) for row, _ in zip(rows, range(most), strict=False))

    def pictures(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Load pictures from whichever subset they are in; not for tables."""
        pictures = np.empty((len(rows), *self.dataset.input_shape), dtype=np.uint8)
        for subset, x in enumerate(self._x):
            here = np.flatnonzero(self.subset[rows] == subset)
            if len(here):
                pictures[here] = x[rows[here] - self._starts[subset]]
        return pictures
