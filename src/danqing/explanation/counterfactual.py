"""Counterfactuals: the smallest change of pixels that changes a network's prediction.

Knows pictures and classes only. The result is what the network needs, not what a person would
draw.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.networks.backend import tf
from danqing.networks.tensorflow_network import TensorFlowNetwork

__all__ = ["Counterfactual", "counterfactuals"]

_ROUNDS, _ITERATIONS = 7, 200  # of the bisection of c, and in each of them
_RATE = 0.01
_MARGIN = 0.15  # of log odds, so that rounding to whole pixel values does not undo the change
_SPARSITY = 2.0  # weight of |u| against u²

Predict = Callable[[NDArray[Any]], NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class Counterfactual:
    """A changed picture with another predicted class.

    Attributes
    ----------
    target : int
        The class aimed for.
    picture : ndarray of uint8, shape (height, width, channels)
        The changed picture; the original if none was found.
    probability : float
        Of the target for this picture, by the network that ships.
    found : bool
        Whether the target is now predicted.
    changed : int
        Number of pixels that differ from the original.
    distance : float
        Euclidean, in units of white (255).
    """

    target: int
    picture: NDArray[np.uint8]
    probability: float
    found: bool
    changed: int
    distance: float


def counterfactuals(
    network: TensorFlowNetwork,
    pictures: NDArray[np.uint8],
    targets: NDArray[np.int64],
    predict: Predict,
) -> list[Counterfactual]:
    r"""Find, for each picture, the smallest change that gives its target more than half.

    The change consists of soft dabs, like a pen's: strokes u in units of white, blurred by a 3 x 3
    binomial filter, since single pixels would find the network's blind spots rather than what it
    looks for. Minimises :math:`c \max(0, m - \mathrm{logit}\,p_t) + \lVert u \rVert_2^2 +
    \beta \lVert u \rVert_1` with all pixels kept within 0 and 255: the counterfactual of Wachter,
    Mittelstadt & Russell (2018, "Counterfactual explanations without opening the black box",
    equation 1), with the elastic net of Dhurandhar et al. (2018, "Explanations based on the
    missing", equation 1), by iterative shrinkage as in Chen, Sharma, Zhang, Yi & Hsieh (2018,
    "EAD", section 4), c by bisection. Then the smallest changes are undone as long as the network
    that ships gives the target more than half.

    Parameters
    ----------
    network : TensorFlowNetwork
        For classification of pictures.
    pictures : ndarray of uint8, shape (n, height, width, channels)
    targets : ndarray of int, shape (n,)
    predict : callable
        From pictures to probabilities, shape (n, classes), by the network that ships.

    Returns
    -------
    list of Counterfactual
    """
    original = np.asarray(pictures, np.float32) / 255
    best, found = original.copy(), np.zeros(len(pictures), bool)
    best_cost = np.full(len(pictures), np.inf, np.float32)
    low, high = np.zeros(len(pictures), np.float32), np.full(len(pictures), np.inf, np.float32)
    weight = np.ones(len(pictures), np.float32)
    graph = network.compiled(
        _search, network.examples_spec, network.targets_spec, tf.TensorSpec((None,), tf.float32)
    )
    for _ in range(_ROUNDS):
        changed, cost = map(
            np.asarray,
            graph(tf.constant(original), tf.constant(targets, tf.int32), tf.constant(weight)),
        )
        better = cost < best_cost
        best[better], best_cost[better] = changed[better], cost[better]
        reached = np.isfinite(cost)
        found |= reached
        high, low = np.where(reached, weight, high), np.where(reached, low, weight)
        weight = np.where(np.isfinite(high), (low + high) / 2, weight * 8).astype(np.float32)
    return [
        _refined(picture, np.rint(changed * 255), int(target), predict)
        for picture, changed, target in zip(pictures, best, targets, strict=True)
    ]


def _search(
    network: TensorFlowNetwork, original: Any, targets: Any, weight: Any
) -> tuple[Any, Any]:
    """Minimise with one c per example; give the cheapest success and its cost, or infinity."""
    wide = (-1, *[1] * (len(original.shape) - 1))
    dab = np.outer([1, 2, 1], [1, 2, 1])[:, :, None, None] / 16
    dab = tf.constant(np.repeat(dab, original.shape[-1], axis=2), tf.float32)

    def changed(strokes: Any) -> Any:
        soft = tf.nn.depthwise_conv2d(strokes, dab, (1, 1, 1, 1), "SAME")
        return tf.clip_by_value(original + soft, 0.0, 1.0)

    def score(pictures: Any) -> Any:
        return network.score(pictures * 255, targets)

    def body(i: Any, strokes: Any, ahead: Any, best: Any, best_cost: Any) -> tuple[Any, ...]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(ahead)
            loss = tf.maximum(_MARGIN - score(changed(ahead)), 0) * weight
            loss += tf.reduce_sum(ahead**2, axis=(1, 2, 3))
        rate = _RATE * tf.sqrt(1 - tf.cast(i, tf.float32) / _ITERATIONS)
        after = ahead - rate * tape.gradient(loss, ahead)
        after = tf.sign(after) * tf.maximum(tf.abs(after) - rate * _SPARSITY, 0)
        pictures = changed(after)
        cost = tf.reduce_sum(after**2 + _SPARSITY * tf.abs(after), axis=(1, 2, 3))
        cost = tf.where(score(pictures) >= _MARGIN / 2, cost, np.inf)
        best = tf.where(tf.reshape(cost < best_cost, wide), pictures, best)
        momentum = tf.cast(i, tf.float32) / (tf.cast(i, tf.float32) + 3)
        ahead = after + momentum * (after - strokes)
        return i + 1, after, ahead, best, tf.minimum(cost, best_cost)

    nothing, infinite = tf.zeros_like(original), tf.fill([tf.shape(original)[0]], np.inf)
    start = (tf.constant(0), nothing, nothing, original, infinite)
    *_, best, cost = tf.while_loop(
        lambda i, *_: i < _ITERATIONS, body, start, parallel_iterations=1
    )
    return best, cost


def _refined(
    picture: NDArray[np.uint8], changed: NDArray[Any], target: int, predict: Predict
) -> Counterfactual:
    """Undo the smallest changes that the prediction does not need, by the network that ships."""
    change = changed - picture
    sizes = np.unique(np.abs(change[change != 0]))
    limits = np.concatenate([[0.0], sizes])
    limits = limits[np.arange(min(64, len(limits))) * len(limits) // min(64, len(limits))]
    tried = picture + np.where(np.abs(change) > limits[:, None, None, None], change, 0)
    tried = tried.astype(np.uint8)
    probabilities = predict(tried)
    succeeded = np.flatnonzero(probabilities[:, target] > 0.5)
    if not len(succeeded):
        return Counterfactual(
            target, picture, float(predict(picture[None])[0, target]), False, 0, 0
        )
    last = succeeded[-1]
    chosen = tried[last]
    difference = (chosen.astype(np.float64) - picture) / 255
    return Counterfactual(
        target,
        chosen,
        float(probabilities[last, target]),
        True,
        int((difference != 0).any(axis=-1).sum()),
        float(np.sqrt((difference**2).sum())),
    )
