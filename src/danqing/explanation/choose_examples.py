"""Which test examples to explain if the user gives none. Knows predictions, no method."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from danqing.data.split import Subset
from danqing.evaluation.mistakes import find_mistakes
from danqing.evaluation.predictions import predict_subset
from danqing.prediction.predictor import Predictor
from danqing.runs.run_folder import RunFolder

__all__ = ["choose_examples"]


def choose_examples(run: RunFolder, subset: Subset, count: int = 4) -> NDArray[np.int64]:
    """Choose rows: the first correct prediction of several classes, and the worst mistake.

    The worst mistake is the wrong prediction with the highest confidence. For regression: the rows
    with the smallest, the middle and the largest prediction, and the one with the largest error.

    Returns
    -------
    ndarray of int64, shape (count,) or less
        Rows of `subset.x`.
    """
    outputs, labels = predict_subset(Predictor(run), subset).outputs, subset.labels
    worst = find_mistakes(outputs, labels).rows[:1]
    if run.task == "regression":
        order = np.argsort(outputs, kind="stable")
        typical = order[np.linspace(0, len(order) - 1, count - 1).astype(int)]
    else:
        correct = outputs.argmax(axis=1) == labels
        firsts = [np.flatnonzero(correct & (labels == c))[:1] for c in range(outputs.shape[1])]
        typical = np.sort(np.concatenate(firsts))[: count - 1]
    distinct = list(dict.fromkeys([*typical.tolist(), *worst.tolist()]))
    chosen: NDArray[np.int64] = subset.rows[np.array(distinct, np.int64)]
    return chosen
