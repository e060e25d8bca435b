"""Duplicates: which rows of a Dataset have equal content, over all its subsets.

Finds exact duplicates only. Decides nothing about them: that is for `danqing.data.split` and
`danqing.inspection`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from danqing.data.dataset import Dataset, Examples
from danqing.data.table import Table

__all__ = ["DuplicateGroups", "as_rows", "example_digests", "group_duplicates"]

_CHUNK = 1 << 24  # bytes of pictures in memory at once
# If more than this share of a table's rows have duplicates with another label, those are not
# labelling errors: the columns are coarse (sex, class, age group), and equal rows are different
# cases.
_COARSE = 0.1

_Groups = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class DuplicateGroups:
    """The group of each row: rows with equal content have the same number.

    Groups are numbered from 0 in order of first appearance.

    Attributes
    ----------
    train, validation, test : ndarray of int64
        The group of each row of a subset; empty if the source has no such subset.
    conflicting : ndarray of int64
        The groups whose rows have different labels.
    coarse : bool
        Whether equal rows are different cases of a table with coarse columns.
    digests : mapping of str to ndarray of uint8, shape (n, 16)
        By subset, each row's digest, from `example_digests`.
    """

    train: _Groups
    validation: _Groups
    test: _Groups
    conflicting: _Groups
    coarse: bool
    digests: Mapping[str, NDArray[np.uint8]] = field(repr=False)


def group_duplicates(dataset: Dataset) -> DuplicateGroups:
    """Group the rows of a Dataset by content, over all its subsets.

    Examples
    --------
    >>> from danqing import load_data
    >>> groups = group_duplicates(load_data("mnist"))
    >>> groups.test[-1], len(groups.conflicting)
    (np.int64(69999), 0)
    """
    known: dict[bytes, int] = {}
    digests: dict[str, NDArray[np.uint8]] = {}

    def number(subset: str, x: Examples) -> _Groups:
        found = example_digests(x)
        digests[subset] = as_rows(found)
        return np.array([known.setdefault(one, len(known)) for one in found], np.int64)

    train = number("train", dataset.x_train)
    validation = train[:0]
    if dataset.y_validation is not None:
        validation = number("validation", dataset.x_validation)
    test = number("test", dataset.x_test)
    targets = [dataset.y_train, dataset.y_validation, dataset.y_test]
    y = np.concatenate([labels for labels in targets if labels is not None])
    groups = np.concatenate([train, validation, test])
    _, first, position = np.unique(groups, return_index=True, return_inverse=True)
    conflicting = np.unique(groups[y != y[first[position]]])
    share = np.isin(groups, conflicting).sum() / max(1, len(groups))
    coarse = dataset.tabular and bool(share > _COARSE)
    return DuplicateGroups(train, validation, test, conflicting, coarse, digests)


def example_digests(x: Examples) -> list[bytes]:
    """Hash each example to 16 bytes; equal examples have equal hashes.

    The order of a table's columns does not matter. Pictures are read a few at a time, so that a
    cache on disk is never in memory as a whole.

    Examples
    --------
    >>> first, second, third = example_digests(np.array([[[[1]]], [[[2]]], [[[1]]]], np.uint8))
    >>> first == third, first == second
    (True, False)
    """
    if isinstance(x, Table):
        return Table(tuple(sorted(x.columns, key=lambda column: column.name))).row_digests()
    step = max(1, _CHUNK // max(1, int(np.prod(x.shape[1:]))))
    digests: list[bytes] = []
    for start in range(0, len(x), step):
        pictures = np.ascontiguousarray(x[start : start + step])
        digests += [hashlib.blake2b(picture, digest_size=16).digest() for picture in pictures]
    return digests


def as_rows(digests: list[bytes]) -> NDArray[np.uint8]:
    """Put digests of 16 bytes into one array, shape (n, 16).

    Examples
    --------
    >>> as_rows([b"0123456789abcdef"] * 2).shape
    (2, 16)
    """
    return np.frombuffer(b"".join(digests), np.uint8).reshape(-1, 16)
