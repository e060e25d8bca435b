"""Target leakage: columns that predict the target alone, by a cross-validated decision tree.

Such a column may be legitimate, so the finding asks a question. Knows one column at a time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.data.dataset import Dataset
from danqing.data.table import Column
from danqing.inspection.column_findings import is_row_number
from danqing.inspection.finding import Finding, count_of

__all__ = ["find_target_leakage", "score_column"]

_BALANCED_ACCURACY = 0.99  # from which a column leaks; 0.5 or less by chance
_R2 = 0.999  # from which a column leaks
_ROW_NUMBER = 0.95  # either, for what is suspicious already: a row number
_FEWEST_ROWS = 30
_LARGEST_SAMPLE = 5000
_WORK = 200_000  # rows times columns, so that wide tables are sampled more thinly
_MOST_CLASSES = 100


def find_target_leakage(dataset: Dataset) -> list[Finding]:
    """Find columns that alone predict the target almost perfectly.

    Examples
    --------
    >>> from danqing import load_data
    >>> find_target_leakage(load_data("iris"))
    []
    """
    rows = _sample(dataset)
    if rows is None:
        return []
    targets, scores = dataset.y_train[rows], {}
    needed = _BALANCED_ACCURACY if dataset.class_names else _R2
    for column in dataset.x_train[rows].columns:
        score = score_column(column, targets, classes=bool(dataset.class_names))
        # If rows are sorted by class, a row number errs on the first or last of each class.
        if score >= (_ROW_NUMBER if is_row_number(column) else needed):
            scores[column.name] = score
    if not scores:
        return []
    names = sorted(scores, key=lambda name: -scores[name])
    own = "its" if len(names) == 1 else "their"
    metric = "balanced accuracy" if dataset.class_names else "R²"
    return [
        Finding(
            "target-leakage",
            "warning",
            len(names),
            message=f"{count_of(len(names), 'column', 'predicts', 'predict')} the target almost "
            f"perfectly on {own} own.",
            meaning="Is such a column known before the target is? If it was derived from the "
            "target (a code for it, a consequence of it), or numbers rows that are sorted by the "
            "target, test metrics will be near perfect and predictions for new rows poor.",
            action="Training uses it: only you can answer the question. If the answer is no, "
            "delete the column.",
            examples=tuple(f"{name}: {metric} {scores[name]:.1%}" for name in names[:5]),
        )
    ]


def score_column(column: Column, targets: NDArray[Any], *, classes: bool) -> float:
    """Measure how well one column predicts the target, by cross-validation.

    Returns
    -------
    float
        Balanced accuracy for classes, R² for regression.

    Examples
    --------
    >>> targets = np.repeat([0, 1], 50)
    >>> score_column(Column("code", "number", targets * 7.0), targets, classes=True)
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
            cross_val_score(tree, x, targets, cv=folds, scoring="balanced_accuracy").mean()
        )
    targets = targets / max(np.abs(targets).max(), 1e-300)  # so that no square is infinite
    if min(values.std(), targets.std()) < 1e-12:
        return 0.0
    line = np.corrcoef(values, targets)[0, 1] ** 2
    folds = KFold(3, shuffle=True, random_state=0)
    tree = DecisionTreeRegressor(min_samples_leaf=2, random_state=0)
    return float(max(line, cross_val_score(tree, x, targets, cv=folds, scoring="r2").mean()))


def _sample(dataset: Dataset) -> NDArray[np.int64] | None:
    """Draw rows of the classes that have at least one row for each fold."""
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
    """Map values to numbers in the same order, small enough for a tree's float32."""
    missing = column.missing
    if column.kind == "category":
        texts = np.array(["" if v is None else "=" + v for v in column.values], dtype=str)
        return np.unique(texts, return_inverse=True)[1].astype(np.float64)
    numbers = column.values.astype(np.float64)
    known = numbers[~missing & np.isfinite(numbers)]
    low, high = known.min(initial=np.inf), known.max(initial=-np.inf)
    # Halved: the difference of two large numbers may be infinite, that of two tiny ones zero.
    if not low / 2 < high / 2:
        return missing.astype(np.float64)
    scaled = (np.clip(numbers, low, high) / 2 - low / 2) / (high / 2 - low / 2)
    return np.asarray(np.where(missing, -1, scaled))
