"""Sanity checks of attributions: deletion and insertion, and randomised weights.

Knows no run: maps, and what predicts changed examples, are passed in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.explanation.attributions.methods import attribute
from danqing.networks.tensorflow_network import TensorFlowNetwork, randomise

__all__ = [
    "Curves",
    "deletion_and_insertion",
    "edge_maps",
    "foreground_of",
    "random_maps",
    "randomised_correlations",
    "rank_correlations",
]

_POINTS = 29
_AT_ONCE = 100

Predict = Callable[[NDArray[np.float32], NDArray[np.int64]], NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Curves:
    """How the prediction changes while inputs are deleted, or inserted, in a map's order.

    Attributes
    ----------
    shares : ndarray, shape (points,)
        Share of the inputs that are deleted or inserted, from 0 to 1.
    deletion, insertion : ndarray, shape (n, points)
        The target's probability, or what `predict` gave.
    """

    shares: NDArray[np.float64]
    deletion: NDArray[np.float64]
    insertion: NDArray[np.float64]

    @property
    def deletion_areas(self) -> NDArray[np.float64]:
        """Area under each deletion curve, shape (n,): smaller is better."""
        return np.asarray(np.trapezoid(self.deletion, self.shares, axis=1))

    @property
    def insertion_areas(self) -> NDArray[np.float64]:
        """Area under each insertion curve, shape (n,): larger is better."""
        return np.asarray(np.trapezoid(self.insertion, self.shares, axis=1))


def deletion_and_insertion(
    predict: Predict,
    examples: NDArray[np.float32],
    baselines: NDArray[np.float32],
    maps: NDArray[Any],
    *,
    group_of_feature: NDArray[np.int64] | None = None,
    seed: int = 0,
) -> Curves:
    """Delete, and insert, the inputs in a map's order, highest first.

    Petsiuk, Das & Saenko (2018, "RISE: randomized input sampling for explanation of black-box
    models", section 4.2). Deleted inputs are replaced by the baseline. Ties are broken at random.

    Parameters
    ----------
    predict : callable
        From changed examples, shape (m, ...), and the number of the original of each, shape (m,),
        to the target's probability, shape (m,).
    examples, baselines : ndarray, shape (n, height, width, channels) or (n, features)
    maps : ndarray, shape (n, height, width) or (n, groups)
    group_of_feature : ndarray of int, shape (features,), optional
        For tables: the number of the column that each feature belongs to.
    seed : int

    Returns
    -------
    Curves

    Examples
    --------
    >>> weights = np.array([3.0, 0.0, 1.0, 0.0])
    >>> examples, nothing = np.ones((1, 4), np.float32), np.zeros((1, 4), np.float32)
    >>> def predict(changed, rows):
    ...     return changed @ weights / 4
    >>> curves = deletion_and_insertion(predict, examples, nothing, weights[None])
    >>> curves.deletion[0].tolist(), curves.insertion[0].tolist()
    ([1.0, 0.25, 0.0, 0.0, 0.0], [0.0, 0.75, 1.0, 1.0, 1.0])
    """
    flat = maps.reshape(len(maps), -1)
    count = flat.shape[1]
    noise = np.random.default_rng(seed).random(flat.shape)
    ranks = np.argsort(np.lexsort((noise, -flat), axis=-1), axis=-1)
    taken = np.unique(np.round(np.linspace(0, 1, _POINTS) * count)).astype(np.int64)
    deletion = np.empty((len(maps), len(taken)))
    insertion = np.empty_like(deletion)
    for start in range(0, len(maps), max(1, _AT_ONCE)):
        rows = np.arange(start, min(start + _AT_ONCE, len(maps)))
        x, nothing = examples[rows], baselines[rows]
        for point, number in enumerate(taken):
            out = ranks[rows] < number
            if group_of_feature is not None:
                out = out[:, group_of_feature]
            out = out.reshape((*x.shape[:3], 1) if x.ndim == 4 else x.shape)
            deletion[rows, point] = predict(np.where(out, nothing, x), rows)
            insertion[rows, point] = predict(np.where(out, x, nothing), rows)
    return Curves(taken / count, deletion, insertion)


def random_maps(shape: tuple[int, ...], seed: int = 0) -> NDArray[np.float64]:
    """Draw random maps: what any method has to beat."""
    return np.random.default_rng(seed).standard_normal(shape)


def edge_maps(pictures: NDArray[Any]) -> NDArray[np.float64]:
    """Compute the edge strength of each pixel, by Sobel's filter: a map that knows no network.

    Adebayo, Gilmer, Muelly, Goodfellow, Hardt & Kim (2018, "Sanity checks for saliency maps")
    found some methods to be little more than this.

    Parameters
    ----------
    pictures : ndarray, shape (n, height, width, channels)

    Returns
    -------
    ndarray, shape (n, height, width)
    """
    from scipy.ndimage import sobel

    pixels = np.asarray(pictures, np.float64)
    return np.asarray(np.hypot(sobel(pixels, axis=1), sobel(pixels, axis=2)).sum(axis=-1))


def foreground_of(examples: NDArray[Any], baselines: NDArray[Any]) -> NDArray[np.bool_]:
    """Mark pixels that differ from the baseline, shape (n, height, width); of rows all features.

    The background has no attribution with any weights: two maps would agree there trivially.
    """
    if examples.ndim == 2:
        return np.ones(examples.shape, bool)
    return np.asarray((np.abs(examples - baselines) >= 1).any(axis=-1))


def rank_correlations(
    maps: NDArray[Any], others: NDArray[Any], foreground: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Compute Spearman's rank correlation of signed values, over each example's foreground.

    Parameters
    ----------
    maps, others : ndarray, shape (n, ...)
    foreground : ndarray of bool, same shape

    Returns
    -------
    ndarray, shape (n,)
        0 if one of the two is constant, or there is no foreground.

    Examples
    --------
    >>> a, b = np.array([[1.0, 2.0, 3.0, 9.0]]), np.array([[1.0, 4.0, 9.0, 0.0]])
    >>> rank_correlations(a, b, np.array([[True, True, True, False]])).tolist()
    [1.0]
    """
    from scipy.stats import rankdata

    found = np.zeros(len(maps))
    for row, shown in enumerate(foreground):
        if not shown.any():
            continue
        one, other = (rankdata(m[row][shown]) for m in (maps, others))
        one, other = one - one.mean(), other - other.mean()
        scale = np.sqrt((one @ one) * (other @ other))
        found[row] = one @ other / scale if scale > 0 else 0.0
    return found


def randomised_correlations(
    network: TensorFlowNetwork,
    maps: dict[str, NDArray[Any]],
    examples: NDArray[Any],
    baselines: NDArray[Any],
    targets: NDArray[Any],
    *,
    seeds: Iterable[int] = range(3),
) -> dict[str, NDArray[np.float64]]:
    """Compare each method's maps with those of the same network with random weights.

    The model randomisation test of Adebayo et al. (2018, section 3.1), with all layers randomised:
    a map that stays the same does not depend on what was learned.

    Parameters
    ----------
    network : TensorFlowNetwork
    maps : dict of ndarray, shape (n, ...)
        By method.
    examples, baselines : ndarray, shape (n, ...)
    targets : ndarray of int, shape (n,)
    seeds : iterable of int
        One random network each; the correlations are averaged over them.

    Returns
    -------
    dict of ndarray, shape (n,)
        By method.
    """
    foreground = foreground_of(examples, baselines)
    random = TensorFlowNetwork(network.architecture, network.preparation)
    found: dict[str, list[NDArray[np.float64]]] = {method: [] for method in maps}
    for seed in seeds:
        randomise(random, seed + 1)
        for method, trained in maps.items():
            # Ranks don't need completeness: the number of steps stays as it is.
            others = attribute(method, random, examples, baselines, targets, tolerance=np.inf)
            found[method].append(rank_correlations(trained, others, foreground))
    return {method: np.mean(values, axis=0) for method, values in found.items()}
