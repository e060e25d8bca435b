"""Columns that give the answer away: each alone is asked, by a cross-validated decision tree.

Such a column may be honest, so what is found is put as a question. Knows one column at a time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.data.dataset import Dataset
from danqing.data.table import Column
from danqing.inspection.column_findings import counts_rows
from danqing.inspection.duplicate_examples import count_of
from danqing.inspection.finding import Finding

__all__ = ["find_target_leakage", "score_column"]

_LEAKS_CLASSES = 0.99  # of the mean share of each class that is told rightly: 0.5 or less by chance
_LEAKS_NUMBERS = 0.999  # of the variance
_ROWS_COUNTED = 0.95  # of either, by what is suspicious already: a count of the rows
_FEWEST_ROWS = 30
_LARGEST_SAMPLE = 5000
_WORK = 200_000  # rows times columns, so that wide tables are sampled more thinly
_MOST_CLASSES = 100


def find_target_leakage(dataset: Dataset) -> list[Finding]:
    """Find columns from which alone the target can be told almost perfectly.

    Examples
    --------
    >>> from danqing import load_data
    >>> find_target_leakage(load_data("iris"))
    []
    """
    rows = _sample(dataset)
    if rows is None:
        return []
    answers, scores = dataset.y_train[rows], {}
    needed = _LEAKS_CLASSES if dataset.class_names else _LEAKS_NUMBERS
    for column in dataset.x_train[rows].columns:
        score = score_column(column, answers, classes=bool(dataset.class_names))
        # Between two classes of sorted rows, a row's number is wrong about the first or last.
        if score >= (_ROWS_COUNTED if counts_rows(column) else needed):
            scores[column.name] = score
    if not scores:
        return []
    names = sorted(scores, key=lambda name: -scores[name])
    verb, it = ("gives", "it") if len(names) == 1 else ("give", "they")
    of = "of each class are told rightly" if dataset.class_names else "of the variance explained"
    return [
        Finding(
            "gives-the-answer-away",
            "warning",
            len(names),
            f"{count_of(len(names), 'column')} alone {verb} the answer away.",
            f"Is this known before the answer is? If {it} came from the answer (a code for it, a "
            "result of it), or number rows that are sorted by it, the test will look perfect and "
            "new rows will be told badly.",
            f"Training uses {it}: nothing but your knowledge can tell. If the answer to the "
            "question is no, delete the column.",
            tuple(f"{name}: {scores[name]:.1%} {of}" for name in names[:5]),
        )
    ]


def score_column(column: Column, answers: NDArray[Any], *, classes: bool) -> float:
    """Tell how well the answers can be told from one column, on rows not learned from.

    Returns
    -------
    float
        For classes the mean share of each that is told rightly (balanced accuracy); for numbers
        the share of the variance that is explained (R²).

    Examples
    --------
    >>> answers = np.repeat([0, 1], 50)
    >>> score_column(Column("code", "number", answers * 7.0), answers, classes=True)
    1.0
    """
    from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    values = _as_numbers(column)
    if len(np.unique(values)) < 2:
        return 0.0
    x = values[:, np.newaxis].astype(np.float32)
    if classes:
        folds: Any = StratifiedKFold(3, shuffle=True, random_state=0)
        tree = DecisionTreeClassifier(random_state=0)
        return float(
            cross_val_score(tree, x, answers, cv=folds, scoring="balanced_accuracy").mean()
        )
    answers = answers / max(np.abs(answers).max(), 1e-300)  # so that no square is infinite
    if min(values.std(), answers.std()) < 1e-12:
        return 0.0
    line = np.corrcoef(values, answers)[0, 1] ** 2
    folds = KFold(3, shuffle=True, random_state=0)
    tree = DecisionTreeRegressor(min_samples_leaf=2, random_state=0)
    return float(max(line, cross_val_score(tree, x, answers, cv=folds, scoring="r2").mean()))


def _sample(dataset: Dataset) -> NDArray[np.int64] | None:
    """Choose rows, of classes that have one for each fold."""
    y = dataset.y_train
    most = min(_LARGEST_SAMPLE, max(300, _WORK // max(1, dataset.input_shape[0])))
    rows = np.random.default_rng(0).permutation(len(y))[:most]
    if dataset.class_names:
        counts = np.bincount(y[rows], minlength=len(dataset.class_names))
        rows = rows[counts[y[rows]] >= 3]
        if not 2 <= np.count_nonzero(counts >= 3) <= _MOST_CLASSES:
            return None
    return np.sort(rows) if len(rows) >= _FEWEST_ROWS else None


def _as_numbers(column: Column) -> NDArray[np.float64]:
    """Give numbers that keep order where there is one, small enough for a tree's float32."""
    missing = column.missing
    if column.kind == "category":
        words = np.array(["" if v is None else "=" + v for v in column.values], dtype=str)
        return np.unique(words, return_inverse=True)[1].astype(np.float64)
    numbers = column.values.astype(np.float64)
    known = numbers[~missing & np.isfinite(numbers)]
    low, high = known.min(initial=np.inf), known.max(initial=-np.inf)
    # Halved: the difference of two large numbers may be infinite, that of two tiny ones nothing.
    if not low / 2 < high / 2:
        return missing.astype(np.float64)
    scaled = (np.clip(numbers, low, high) / 2 - low / 2) / (high / 2 - low / 2)
    return np.asarray(np.where(missing, -1, scaled))
