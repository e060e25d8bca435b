"""Classes with too few examples, or far fewer than others. Knows labels only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from danqing.inspection.all_rows import AllRows
from danqing.inspection.finding import Finding, count_of

__all__ = ["find_class_problems"]

_FEW = 3  # one each for the training, validation and test set
_IMBALANCED = 10

_Counts = NDArray[np.int64]


def find_class_problems(rows: AllRows) -> list[Finding]:
    """Find classes without training examples or with too few to split, and strong imbalance.

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
    found = [
        _only_one(rows, counts),
        _without_training(rows, counts),
        _small(rows, counts),
        _imbalanced(rows, counts),
    ]
    return [finding for finding in found if finding]


def _listed(rows: AllRows, counts: _Counts, classes: _Counts) -> tuple[str, ...]:
    names = rows.dataset.class_names
    return tuple(f"{names[number]}: {count_of(counts[number], rows.noun)}" for number in classes)


def _only_one(rows: AllRows, counts: _Counts) -> Finding | None:
    present = np.flatnonzero(counts)
    if len(present) != 1:
        return None
    name = rows.dataset.class_names[present[0]]
    return Finding(
        "one-class",
        "error",
        int(counts[present[0]]),
        message=f"Every training {rows.noun} has the class {name}.",
        meaning="There is nothing to tell apart: a network learns to predict that class whatever "
        "it is given.",
        action=f"Training refuses such data. Add {rows.noun}s of other classes, or choose another "
        "target.",
        examples=_listed(rows, counts, present),
    )


def _without_training(rows: AllRows, counts: _Counts) -> Finding | None:
    absent = np.flatnonzero(counts == 0)
    if not len(absent):
        return None
    return Finding(
        "classes-without-training",
        "error",
        len(absent),
        message=f"{count_of(len(absent), 'class', 'has', 'have')} no training examples.",
        meaning=f"All {rows.noun}s of such a class are in the validation or test set: the network "
        "never predicts it.",
        action=f"Training ignores such a class. Add {rows.noun}s of it to the training set.",
        examples=_listed(rows, np.bincount(rows.labels, minlength=len(counts)), absent[:5]),
    )


def _small(rows: AllRows, counts: _Counts) -> Finding | None:
    small = np.flatnonzero((counts > 0) & (counts < _FEW))
    if not len(small):
        return None
    return Finding(
        "small-classes",
        "warning",
        len(small),
        message=f"{count_of(len(small), 'class', 'has', 'have')} fewer than {_FEW} training "
        f"{rows.noun}s.",
        meaning=f"That is less than one {rows.noun} each for the training, validation and test "
        "set: how well such a class is predicted can't be measured.",
        action=f"A single {rows.noun} goes to the training set; of two, one may be held out. Add "
        f"{rows.noun}s, or merge the class with another.",
        examples=_listed(rows, counts, small[np.argsort(counts[small], kind="stable")][:5]),
    )


def _imbalanced(rows: AllRows, counts: _Counts) -> Finding | None:
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
        "imbalanced-classes",
        "warning",
        int((counts[present] * _IMBALANCED <= counts[most]).sum()),
        message=f"The largest class, {names[most]}, has {ratio:,.0f} times as many {rows.noun}s "
        f"as the smallest, {names[least]}.",
        meaning=f"Always predicting {names[most]} would be right for "
        f"{counts[most] / counts.sum():.1%} of them: look at the metrics of each class, not only "
        "at the overall accuracy.",
        action='Collect more of the rare classes. A recipe\'s class_weight = "balanced" finds more '
        "of them, for more mistakes in all and confidences that are less true.",
        examples=(*_listed(rows, counts, order[:2]), *_listed(rows, counts, order[-1:])),
    )
