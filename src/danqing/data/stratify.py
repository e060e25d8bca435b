"""A stratified split of labels with a fixed seed. Knows no Dataset."""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["SPLIT_SEED", "rows_of_groups", "split_groups", "stratified_split"]

SPLIT_SEED = 42

_Numbers = NDArray[np.int64]


def stratified_split(
    labels: NDArray[Any], held_out_share: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Hold out a share of the rows, always the same ones.

    Stratified by class if each class has at least two rows and the share is large enough to
    hold one of each; regression targets have no classes.

    Parameters
    ----------
    labels : ndarray of int64 or float64, shape (n,)
    held_out_share : float
        Above 0, below 1.

    Returns
    -------
    kept, held_out : ndarray of int64
        Row numbers; together every row once.

    Examples
    --------
    >>> kept, held_out = stratified_split(np.repeat([0, 1], 50), 0.2)
    >>> len(kept), len(held_out)
    (80, 20)
    """
    from sklearn.model_selection import train_test_split

    stratify = None
    if labels.dtype.kind in "iu":
        counts = np.bincount(labels)
        counts = counts[counts > 0]
        expected = round(len(labels) * held_out_share)
        stratify = labels if counts.min() >= 2 and expected >= len(counts) else None
    kept, held_out = train_test_split(
        np.arange(len(labels)),
        test_size=held_out_share,
        random_state=SPLIT_SEED,
        stratify=stratify,
    )
    return kept, held_out


def split_groups(
    labels: NDArray[Any] | None, groups: int, share: float
) -> tuple[_Numbers, _Numbers]:
    """Hold out a share of some groups of rows; of each class at least one group is kept.

    Parameters
    ----------
    labels : ndarray of int64, shape (groups,), or None
        The class of each group; None for regression.
    groups : int
        How many there are.
    share : float

    Returns
    -------
    kept, held_out : ndarray of int64
        Numbers of groups; the second may be empty.
    """
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


def rows_of_groups(group_of_row: _Numbers, groups: _Numbers) -> _Numbers:
    """List the rows of the given groups, group after group."""
    sizes = np.bincount(group_of_row)
    by_group = np.argsort(group_of_row, kind="stable")
    starts, counts = (np.cumsum(sizes) - sizes)[groups], sizes[groups]
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    rows: _Numbers = by_group[np.repeat(starts, counts) + within]
    return rows
