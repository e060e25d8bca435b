"""Label issues: which labels a model's out-of-sample probabilities contradict.

Knows probabilities and labels, no model and no data source. It only points: whoever relabels the
test set by a model's opinion measures that opinion.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["RELIABLE_ACCURACY", "LabelIssues", "confident_learning"]

RELIABLE_ACCURACY = 0.8
"""The accuracy below which a model's opinion of labels is not reported."""


@dataclass(frozen=True, eq=False)
class LabelIssues:
    """Rows whose labels are probably wrong, the likeliest errors first.

    Attributes
    ----------
    rows : ndarray of int64, shape (issues,)
    suggested : ndarray of int64, shape (issues,)
        The class predicted for each.
    confidence : ndarray of float64, shape (issues,)
        Its probability.
    examined : int
        Number of rows examined.
    agreement : float
        Share of them whose prediction is the label: the model's accuracy by these labels. If it
        is low, the issues mean nothing.
    """

    rows: NDArray[np.int64]
    suggested: NDArray[np.int64]
    confidence: NDArray[np.float64]
    examined: int
    agreement: float

    @property
    def reliable(self) -> bool:
        """Whether the model is accurate enough for its issues to be reported."""
        return self.agreement >= RELIABLE_ACCURACY


def confident_learning(
    probabilities: NDArray[np.floating], labels: NDArray[np.int64]
) -> LabelIssues:
    r"""Find label issues by confident learning.

    Row i is an issue if its predicted class :math:`j = \arg\max_k p_{ik}` is not its label, and
    :math:`p_{ij} \ge t_j`, the mean probability of j over the rows labelled j (C. Northcutt,
    L. Jiang & I. Chuang 2021, "Confident learning: estimating uncertainty in dataset labels",
    JAIR 70). The paper also takes classes other than the predicted one for j; that finds the same
    rows unless classes are rare, and then mostly correct labels (``benchmarks/label_issues.py``).
    Issues are ordered by margin, :math:`p_{i,label} - p_{ij}`.

    Parameters
    ----------
    probabilities : ndarray, shape (n, classes)
        Of rows that the model was not trained on.
    labels : ndarray of int, shape (n,)

    Returns
    -------
    LabelIssues

    Examples
    --------
    >>> p = np.array([[0.9, 0.1], [0.8, 0.2], [0.95, 0.05], [0.1, 0.9]])
    >>> found = confident_learning(p, np.array([0, 0, 1, 1]))
    >>> found.rows, found.suggested, found.agreement
    (array([2]), array([0]), 0.75)
    """
    n, classes = probabilities.shape
    own = probabilities[np.arange(n), labels].astype(np.float64)
    predicted = probabilities.argmax(axis=1)
    confidence = probabilities[np.arange(n), predicted].astype(np.float64)
    counts = np.bincount(labels, minlength=classes)
    # Nothing is known of a class without rows: no prediction of it is confident.
    thresholds = np.full(classes, np.inf)
    np.divide(np.bincount(labels, own, classes), counts, out=thresholds, where=counts > 0)
    rows = np.flatnonzero((predicted != labels) & (confidence >= thresholds[predicted]))
    rows = rows[np.argsort(own[rows] - confidence[rows], kind="stable")]
    agreement = float((predicted == labels).mean())
    return LabelIssues(rows, predicted[rows], confidence[rows], n, agreement)
