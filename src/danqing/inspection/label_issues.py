"""Labels of the training set that are probably wrong, judged by two simple models.

The probabilities are out of sample, by cross-validation: the mean of nearest neighbours' and
extremely randomized trees'. Examines the training set only: whoever relabels the test set by a
model's opinion measures that opinion.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.data.dataset import Dataset, Pictures
from danqing.data.table import Table
from danqing.inspection.all_rows import AllRows
from danqing.inspection.confident_learning import LabelIssues, confident_learning
from danqing.inspection.finding import Finding

__all__ = ["estimate_label_issues", "find_label_issues"]

_LARGEST_SAMPLE = 5000
_FOLDS = 5
_FEWEST_ROWS = 50
_MOST_CLASSES = 100
_SIDE = 32  # larger pictures are averaged down to this many pixels a side
# Clean data have issues, too: about 1 in 1,000 rows of MNIST, 3 of 569 of breast-cancer, none of
# iris.
_MANY = 0.01
_FEWEST_ISSUES = 3
_AT_ONCE = 500  # pictures in memory


def find_label_issues(rows: AllRows, issues: LabelIssues | None) -> list[Finding]:
    """Describe label issues, if there are enough and the models are reliable.

    Parameters
    ----------
    rows : AllRows
    issues : LabelIssues or None
        From `estimate_label_issues`.
    """
    if issues is None or not issues.reliable or len(issues.rows) < _FEWEST_ISSUES:
        return []
    dataset = rows.dataset
    count, names = len(issues.rows), dataset.class_names
    share, many = count / issues.examined, count > _MANY * issues.examined
    sampled = issues.examined < len(dataset.y_train)
    in_all = f", so about {share * len(dataset.y_train):,.0f} in all" if sampled else ""
    suggestions = zip(issues.rows[:5], issues.suggested, issues.confidence, strict=False)
    return [
        Finding(
            "label-issues",
            "warning" if many else "note",
            count,
            message=f"{count:,} of {issues.examined:,} {rows.noun}s examined may be mislabelled"
            f"{in_all}.",
            meaning=f"Two simple models, not trained on the {rows.noun} in question, together "
            "predict another class. Some of these labels are wrong, others are right but unusual."
            + ("" if many else " Clean data have this few, too."),
            action="Training keeps them as they are. Have a person check them.",
            examples=tuple(
                f"{rows.name(row)} is labelled {names[dataset.y_train[row]]}, predicted "
                f"{names[suggested]} ({confidence:.0%})"
                for row, suggested, confidence in suggestions
            ),
        )
    ]


def estimate_label_issues(dataset: Dataset) -> LabelIssues | None:
    """Examine the labels of a sample of the training set, by cross-validation.

    Returns
    -------
    LabelIssues or None
        Its rows are those of the training set. None for regression, or with too few rows or too
        many classes.
    """
    rows = _sample(dataset)
    if rows is None:
        return None
    x = dataset.x_train
    features = _table_features(x[rows]) if isinstance(x, Table) else _picture_features(x, rows)
    classes, labels = np.unique(dataset.y_train[rows], return_inverse=True)
    probabilities = _out_of_sample(features, labels, pictures=not dataset.tabular)
    found = confident_learning(probabilities, labels)
    return replace(found, rows=rows[found.rows], suggested=classes[found.suggested])


def _sample(dataset: Dataset) -> NDArray[np.int64] | None:
    """Draw rows of the classes that have at least one row for each fold."""
    if not dataset.class_names:
        return None
    rows = np.random.default_rng(0).permutation(len(dataset.y_train))[:_LARGEST_SAMPLE]
    counts = np.bincount(dataset.y_train[rows], minlength=len(dataset.class_names))
    rows = np.sort(rows[counts[dataset.y_train[rows]] >= _FOLDS])
    classes = np.count_nonzero(counts >= _FOLDS)
    if len(rows) < _FEWEST_ROWS or not 2 <= classes <= _MOST_CLASSES:
        return None
    return rows


def _out_of_sample(
    features: NDArray[np.float32], labels: NDArray[np.int64], *, pictures: bool
) -> NDArray[np.float64]:
    from sklearn.decomposition import PCA
    from sklearn.ensemble import ExtraTreesClassifier
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.preprocessing import StandardScaler

    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=0)
    components = min(50, features.shape[1], len(labels) - 1)
    # Neither transform knows labels, so that it may be fitted on all rows at once.
    transform = (
        PCA(components, svd_solver="randomized", random_state=0) if pictures else StandardScaler()
    )
    models = [
        (KNeighborsClassifier(10, weights="distance"), transform.fit_transform(features)),
        (ExtraTreesClassifier(100, random_state=0), features),
    ]
    both = [cross_val_predict(m, x, labels, cv=folds, method="predict_proba") for m, x in models]
    return np.asarray(np.mean(both, axis=0))


def _picture_features(x: Pictures, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    features = []
    for start in range(0, len(rows), _AT_ONCE):
        pictures: NDArray[Any] = x[rows[start : start + _AT_ONCE]].astype(np.float32)
        for axis in (1, 2):
            length = pictures.shape[axis]
            if length > _SIDE:
                starts = np.arange(_SIDE) * length // _SIDE
                sizes = np.diff([*starts, length])
                shape = [-1 if a == axis else 1 for a in range(4)]
                pictures = np.add.reduceat(pictures, starts, axis=axis) / sizes.reshape(shape)
        features.append(pictures.reshape(len(pictures), -1) / np.float32(255))
    return np.concatenate(features).astype(np.float32)


def _table_features(table: Table) -> NDArray[np.float32]:
    features = []
    for column in table.columns:
        if column.kind == "category":
            texts = np.array(["" if v is None else v for v in column.values], dtype=str)
            values, counts = np.unique(texts, return_counts=True)
            common = values[np.argsort(-counts, kind="stable")[:20]]
            features += [texts == value for value in common]
        else:
            numbers = column.values.astype(np.float64)
            numbers[column.missing | ~np.isfinite(numbers)] = np.nan
            # Scaled first, so that no number overflows float32, nor its square float64.
            numbers /= np.nanmax(np.abs(numbers), initial=1e-300)
            known = numbers[~np.isnan(numbers)]
            median, spread = (np.median(known), known.std()) if len(known) else (0.0, 0.0)
            scaled = (numbers - median) / spread if spread > 1e-12 else np.zeros(len(numbers))
            features.append(np.nan_to_num(scaled, nan=0.0))
    return np.stack(features, axis=1).astype(np.float32)
