"""The run's own data, where they are still there, and which of them to show. Knows no method."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from danqing.data.dataset import Dataset
from danqing.data.few_labels import split_by_settings
from danqing.data.split import Splits, Subset
from danqing.errors import RunError
from danqing.evaluation.predictions import is_own, own_data, predict_subset
from danqing.prediction.predictor import Predictor
from danqing.runs.run_folder import RunFolder

__all__ = ["own_splits", "typical_and_wrong"]


def own_splits(run: RunFolder, dataset: Dataset | None = None) -> Splits:
    """Divide the data that a run was trained on as its training did.

    Parameters
    ----------
    run : Run
    dataset : Dataset, optional
        Those data; loaded from the run's source if not given.

    Raises
    ------
    RunError, SourceError
        If they are gone, or have changed.
    """
    if dataset is None:
        dataset = own_data(run)
    elif not is_own(run, dataset):
        raise RunError(
            f"{run.folder}: was trained on other data than those handed over (their fingerprints "
            "differ); hand over the old data, or train again"
        )
    return split_by_settings(dataset, run.config)


def typical_and_wrong(run: RunFolder, subset: Subset, count: int = 4) -> NDArray[np.int64]:
    """Choose rows to show: the first right ones of different classes, and the worst mistake.

    The worst mistake is the wrong answer with the most confidence. For regression: the rows of
    which the smallest, middle and largest numbers are told, and the one that is furthest off.

    Returns
    -------
    ndarray of int64, shape (count,) at most
        Of `subset.x`.
    """
    answers, labels = predict_subset(Predictor(run), subset).outputs, subset.labels
    if run.task == "regression":
        worst = np.abs(answers - labels).argmax()
        order = np.argsort(answers, kind="stable")
        shown = [*order[np.linspace(0, len(order) - 1, count - 1).astype(int)], worst]
    else:
        right = answers.argmax(axis=1) == labels
        firsts = [np.flatnonzero(right & (labels == c))[:1] for c in range(answers.shape[1])]
        typical = np.sort(np.concatenate(firsts))
        shown = typical[: count - 1].tolist()
        if not right.all():
            shown.append(int(np.where(right, -1, answers.max(axis=1)).argmax()))
    distinct = list(dict.fromkeys(int(place) for place in shown))
    chosen: NDArray[np.int64] = subset.rows[np.array(distinct, np.int64)]
    return chosen
