"""Classes that have too few examples, or far fewer than others. Knows labels only."""

from __future__ import annotations

import numpy as np

from danqing.inspection.all_rows import AllRows
from danqing.inspection.duplicate_examples import count_of
from danqing.inspection.finding import Finding

__all__ = ["find_class_problems"]

_FEW = 3  # one each for training, validation and testing
_IMBALANCED = 10


def find_class_problems(rows: AllRows) -> list[Finding]:
    """Find classes without examples to learn from, with too few to split, and strong imbalance.

    Examples
    --------
    >>> from danqing import load_data
    >>> find_class_problems(AllRows(load_data("mnist")))
    []
    """
    names = rows.dataset.class_names
    if not names:
        return []
    counts = np.bincount(rows.labels[rows.subset == 0], minlength=len(names))
    found = [_unlearned(rows, counts), _few(rows, counts), _imbalanced(rows, counts)]
    return [finding for finding in found if finding]


def _listed(rows: AllRows, counts: np.ndarray, classes: np.ndarray) -> tuple[str, ...]:
    names = rows.dataset.class_names
    return tuple(f"{names[number]}: {count_of(counts[number], rows.thing)}" for number in classes)


def _unlearned(rows: AllRows, counts: np.ndarray) -> Finding | None:
    absent = np.flatnonzero(counts == 0)
    if not len(absent):
        return None
    return Finding(
        "classes-without-training",
        "error",
        len(absent),
        f"{count_of(len(absent), 'class')} have nothing to learn from."
        if len(absent) > 1
        else "1 class has nothing to learn from.",
        f"Its {rows.thing}s are only in the validation or test set: the network will "
        "never answer with it.",
        f"Training goes on without it. Add {rows.thing}s of it to the training set.",
        _listed(rows, np.bincount(rows.labels, minlength=len(counts)), absent[:5]),
    )


def _few(rows: AllRows, counts: np.ndarray) -> Finding | None:
    few = np.flatnonzero((counts > 0) & (counts < _FEW))
    if not len(few):
        return None
    have = "has" if len(few) == 1 else "have"
    return Finding(
        "small-classes",
        "warning",
        len(few),
        f"{count_of(len(few), 'class')} {have} fewer than {_FEW} {rows.thing}s to learn from.",
        f"That is too few to have a {rows.thing} each for training, validation and testing: how "
        "well such a class is told can't be measured.",
        f"Its only {rows.thing} is learned from; of two, one may be held out. Add "
        f"{rows.thing}s, or merge the class with another.",
        _listed(rows, counts, few[np.argsort(counts[few], kind="stable")][:5]),
    )


def _imbalanced(rows: AllRows, counts: np.ndarray) -> Finding | None:
    present = np.flatnonzero(counts > 0)
    if len(present) < 2:
        return None
    order = present[np.argsort(counts[present], kind="stable")]
    least, most = order[0], order[-1]
    ratio = counts[most] / counts[least]
    if ratio < _IMBALANCED:
        return None
    names = rows.dataset.class_names
    return Finding(
        "uneven-classes",
        "warning",
        int((counts[present] * _IMBALANCED <= counts[most]).sum()),
        f"The largest class, {names[most]}, has {ratio:,.0f} times as many {rows.thing}s as the "
        f"smallest, {names[least]}.",
        f"Always answering {names[most]} would be right for "
        f"{counts[most] / counts.sum():.1%}: look at each class's own figures, not only at the "
        "accuracy of all.",
        "Training gives rare classes more weight.",
        (*_listed(rows, counts, order[:2]), *_listed(rows, counts, order[-1:])),
    )
