"""Permutation importance: how much a run's predictions depend on each column of its table.

Knows no TensorFlow: it uses the network that ships.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, log10
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.errors import RunError
from danqing.pages.number_format import minus
from danqing.prediction.predictor import Predictor

__all__ = ["Importance", "permutation_importance"]


@dataclass(frozen=True)
class Importance:
    """A column's importance.

    Attributes
    ----------
    column : str
    mean, deviation : float
        Over the permutations: drop in accuracy, or for regression rise in mean absolute error.
    """

    column: str
    mean: float
    deviation: float

    @property
    def text(self) -> str:
        """Both numbers, to the second digit of the deviation: further digits are noise.

        Examples
        --------
        >>> Importance("age", 6.9e-19, 0.0152).text, Importance("age", -7.34, 1.64).text
        ('0.000 ± 0.015', '−7.3 ± 1.6')
        """
        digits = 3 if self.deviation <= 0 else max(0, 1 - floor(log10(self.deviation)))
        return f"{minus(f'{self.mean:.{digits}f}')} ± {self.deviation:.{digits}f}"


def permutation_importance(
    predictor: Predictor,
    features: NDArray[np.float32],
    labels: NDArray[Any],
    *,
    repeats: int = 10,
    seed: int = 0,
) -> list[Importance]:
    """Measure how much worse predictions get if a column's values are shuffled among the rows.

    Breiman (2001, "Random forests", section 10); all features of a column are shuffled together.
    Information that two columns share shows up in neither.

    Parameters
    ----------
    predictor : Predictor
        For a run on a table.
    features : ndarray of float32, shape (n, features)
        Encoded rows that are not in the training set.
    labels : ndarray, shape (n,)
    repeats : int
    seed : int

    Returns
    -------
    list of Importance
        Most important first.

    Raises
    ------
    RunError
        If the run's network takes pictures.
    """
    network = predictor.network
    encoding = network.preparation.encoding
    if encoding is None:
        raise RunError(f"{network.name}: takes pictures, which have no columns to shuffle")
    random = np.random.default_rng(seed)
    column_of_feature = np.array(encoding.column_of_feature)
    whole = _error(predictor, features, labels)
    found = []
    for column in encoding.columns:
        chosen = column_of_feature == column.name
        losses = []
        for _ in range(repeats):
            shuffled = features.copy()
            shuffled[:, chosen] = features[random.permutation(len(features))][:, chosen]
            losses.append(_error(predictor, shuffled, labels) - whole)
        found.append(Importance(column.name, float(np.mean(losses)), float(np.std(losses))))
    return sorted(found, key=lambda one: -one.mean)


def _error(predictor: Predictor, features: NDArray[np.float32], labels: NDArray[Any]) -> float:
    outputs = predictor.predict_encoded(features)
    if predictor.network.task == "regression":
        return float(np.abs(outputs.astype(np.float64) - labels).mean())
    return float((outputs.argmax(axis=1) != labels).mean())
