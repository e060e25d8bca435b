"""How much a run's answers rest on each column of its table, over many rows.

Knows no TensorFlow: it asks the network that ships.
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
        Over the permutations: accuracy lost, or for regression mean absolute error gained.
    """

    column: str
    mean: float
    deviation: float

    @property
    def text(self) -> str:
        """Both numbers, to the second digit of the deviation: more would be chance.

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
    """Tell how much worse the answers get when a column's values are shuffled among the rows.

    Breiman (2001, "Random forests", section 10); all features of a column are shuffled together.
    What two columns both tell is found in neither.

    Parameters
    ----------
    predictor : Predictor
        Of a run on a table.
    features : ndarray of float32, shape (n, features)
        Encoded rows that were not learned from.
    labels : ndarray, shape (n,)
    repeats : int
    seed : int

    Returns
    -------
    list of Importance
        The most important first.

    Raises
    ------
    RunError
        If the run's network takes pictures.
    """
    run = predictor.run
    encoding = run.preparation.encoding
    if encoding is None:
        raise RunError(f"{run.folder}: takes pictures, which have no columns to shuffle")
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
    answers = predictor.predict(features)
    if predictor.run.task == "regression":
        return float(np.abs(answers.astype(np.float64) - labels).mean())
    return float((answers.argmax(axis=1) != labels).mean())
