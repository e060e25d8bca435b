"""Labels that look wrong: two simple models that have not seen an example doubt its label.

Confident learning (C. Northcutt, L. Jiang & I. Chuang 2021, "Confident learning: estimating
uncertainty in dataset labels", JAIR 70): an example of class i is doubted where its probability of
some class j is at least the mean probability that the examples of j have of being j. The
probabilities are out of sample, the mean of nearest neighbours' and extremely random trees'. Knows
the part for training only: who relabels the test by a model's opinion measures the opinion.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from danqing.data.dataset import Dataset
from danqing.data.table import Table
from danqing.inspection.all_rows import AllRows
from danqing.inspection.finding import Finding

__all__ = ["LabelIssues", "estimate_label_issues", "find_label_issues"]

_LARGEST_SAMPLE = 5000
_FOLDS = 5
_FEWEST_ROWS = 50
_MOST_CLASSES = 100
_SIDE = 32  # pictures are averaged down to at most so many pixels a side
# Of clean rows of MNIST about 1 in 1,000 is doubted, of breast-cancer 3 of 569, of iris none.
_MANY = 0.01
_FEWEST = 3
_GOOD_JUDGE = 0.8


@dataclass(frozen=True, eq=False)
class LabelIssues:
    """Training rows whose labels look wrong, most doubtful first.

    Attributes
    ----------
    rows : ndarray of int64
        Numbers in the part for training.
    better : ndarray of int64
        The class that each looks like.
    confidence : ndarray of float64
        The probability of that class.
    examined : int
        How many rows were looked at.
    agreement : float
        The share of them whose labels the models agree with. Where it is low, the models are poor
        judges, and their doubts tell nothing.
    """

    rows: NDArray[np.int64]
    better: NDArray[np.int64]
    confidence: NDArray[np.float64]
    examined: int
    agreement: float

    @property
    def reliable(self) -> bool:
        """Whether the doubts are worth telling."""
        return self.agreement >= _GOOD_JUDGE


def find_label_issues(rows: AllRows, label_issues: LabelIssues | None) -> list[Finding]:
    """Put doubts into words, where they are worth telling."""
    if label_issues is None or not label_issues.reliable or len(label_issues.rows) < _FEWEST:
        return []
    dataset = rows.dataset
    count, names = len(label_issues.rows), dataset.class_names
    share, many = count / label_issues.examined, count > _MANY * label_issues.examined
    sampled = label_issues.examined < len(dataset.y_train)
    everywhere = f"; about {share * len(dataset.y_train):,.0f} in all" if sampled else ""
    return [
        Finding(
            "wrong-labels",
            "warning" if many else "note",
            count,
            f"{count:,} labels look wrong, of {label_issues.examined:,} {rows.thing}s looked at"
            f"{everywhere}.",
            f"Two simple models, each taught without the {rows.thing} in question, together see "
            "another label. Some of these are slips, some are only unusual."
            + ("" if many else " So few are also found in good data."),
            "Training keeps them as they are: a person should look and decide.",
            tuple(
                f"{rows.name(row)} is {names[dataset.y_train[row]]}, looks like {names[better]} "
                f"({confidence:.0%})"
                for row, better, confidence in zip(
                    label_issues.rows[:5],
                    label_issues.better,
                    label_issues.confidence,
                    strict=False,
                )
            ),
        )
    ]


def estimate_label_issues(dataset: Dataset) -> LabelIssues | None:
    """Doubt labels of a sample of the training rows by cross-validated confidence.

    Returns
    -------
    LabelIssues or None
        None for regression, and where there are too few rows or too many classes to tell.
    """
    rows = _sample(dataset)
    if rows is None:
        return None
    features = (
        _table_features(dataset.x_train[rows])
        if dataset.tabular
        else _picture_features(dataset.x_train, rows)
    )
    classes, y = np.unique(dataset.y_train[rows], return_inverse=True)
    probabilities = _out_of_sample(features, y, pictures=not dataset.tabular)
    usual = np.array([probabilities[y == c, c].mean() for c in range(len(classes))])
    confident = np.where(probabilities >= usual, probabilities, 0)
    looks = probabilities.argmax(axis=1)
    confidence = confident[np.arange(len(y)), looks]
    agreement = float((looks == y).mean())
    label_issues = np.flatnonzero((looks != y) & (confidence > 0))
    own = probabilities[label_issues, y[label_issues]]
    label_issues = label_issues[np.argsort(own - confidence[label_issues], kind="stable")]
    return LabelIssues(
        rows[label_issues],
        classes[looks[label_issues]],
        confidence[label_issues],
        len(rows),
        agreement,
    )


def _sample(dataset: Dataset) -> NDArray[np.int64] | None:
    """Choose rows of classes that have one for each fold, evenly where there are many."""
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
    features: NDArray[np.float32], y: NDArray[np.int64], *, pictures: bool
) -> NDArray[np.float64]:
    from sklearn.decomposition import PCA
    from sklearn.ensemble import ExtraTreesClassifier
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.preprocessing import StandardScaler

    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=0)
    most = min(50, features.shape[1], len(y) - 1)
    # What shortens the features knows no labels, so that it may see all rows at once.
    shorten = PCA(most, svd_solver="randomized", random_state=0) if pictures else StandardScaler()
    models = [
        (KNeighborsClassifier(10, weights="distance"), shorten.fit_transform(features)),
        (ExtraTreesClassifier(100, random_state=0), features),
    ]
    both = [cross_val_predict(m, x, y, cv=folds, method="predict_proba") for m, x in models]
    return np.asarray(np.mean(both, axis=0))


def _picture_features(x: object, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    parts = []
    for start in range(0, len(rows), 500):
        pictures = x[rows[start : start + 500]].astype(np.float32)  # type: ignore[index]
        for axis in (1, 2):
            length = pictures.shape[axis]
            if length > _SIDE:
                starts = np.arange(_SIDE) * length // _SIDE
                sizes = np.diff([*starts, length])
                shape = [-1 if a == axis else 1 for a in range(4)]
                pictures = np.add.reduceat(pictures, starts, axis=axis) / sizes.reshape(shape)
        parts.append(pictures.reshape(len(pictures), -1) / np.float32(255))
    return np.concatenate(parts).astype(np.float32)


def _table_features(table: Table) -> NDArray[np.float32]:
    columns = []
    for column in table.columns:
        if column.kind == "category":
            words = np.array(["" if v is None else v for v in column.values], dtype=str)
            values, counts = np.unique(words, return_counts=True)
            common = values[np.argsort(-counts, kind="stable")[:20]]
            columns += [words == value for value in common]
        else:
            numbers = column.values.astype(np.float64)
            numbers[column.missing | ~np.isfinite(numbers)] = np.nan
            # Scaled here, so that no number is too large for float32, nor its square for float64.
            numbers /= np.nanmax(np.abs(numbers), initial=1e-300)
            known = numbers[~np.isnan(numbers)]
            middle, spread = (np.median(known), known.std()) if len(known) else (0.0, 0.0)
            scaled = (numbers - middle) / spread if spread > 1e-12 else np.zeros(len(numbers))
            columns.append(np.nan_to_num(scaled, nan=0.0))
    return np.stack(columns, axis=1).astype(np.float32)
