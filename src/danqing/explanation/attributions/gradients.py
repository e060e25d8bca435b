"""Attribution by gradients: plain, SmoothGrad, and integrated gradients.

Knows neither pictures nor tables: an example is an array of inputs, and so is its attribution.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.networks.backend import tf
from danqing.networks.tensorflow_network import TensorFlowNetwork, tensor

__all__ = ["Integrated", "gradients", "integrated_gradients", "smooth_gradients"]

MOST_STEPS = 1024
_REPLACINGS = 4
_LEAST_DIFFERENCE = 0.1  # in units of the score; a smaller one has no meaningful shares


def gradients(
    network: TensorFlowNetwork, examples: NDArray[Any], targets: NDArray[Any]
) -> NDArray[np.float32]:
    r"""Compute :math:`\partial S_c / \partial x`: how the score changes with each input.

    Simonyan, Vedaldi & Zisserman (2014, "Deep inside convolutional networks", section 3), but
    signed.

    Parameters
    ----------
    examples : ndarray, shape (n, ...)
    targets : ndarray of int, shape (n,)

    Returns
    -------
    ndarray of float32, shape (n, ...)
    """
    graph = network.compiled(
        TensorFlowNetwork.gradient, network.examples_spec, network.targets_spec
    )
    return network.in_batches(graph, examples, targets)


def smooth_gradients(
    network: TensorFlowNetwork,
    examples: NDArray[Any],
    targets: NDArray[Any],
    *,
    samples: int = 50,
    noise: float = 0.15,
    seed: int = 0,
) -> NDArray[np.float32]:
    r"""Compute the mean gradient in an example's neighbourhood.

    :math:`\frac1k \sum_{i=1}^k \partial S_c / \partial x \, (x + \epsilon_i)`,
    :math:`\epsilon_i \sim N(0, \sigma^2)`, with sigma a share of the example's own range
    (Smilkov, Thorat, Kim, Viégas & Wattenberg 2017, "SmoothGrad", sections 2 and 3: 10 to 20 % of
    noise, 50 samples).

    Parameters
    ----------
    examples : ndarray, shape (n, ...)
    targets : ndarray of int, shape (n,)
    samples : int
    noise : float
        Sigma, as a share of the largest minus the smallest input.
    seed : int
        An example gets the same noise whatever the others are.

    Returns
    -------
    ndarray of float32, shape (n, ...)
    """
    graph = network.compiled(
        _mean_noisy_gradient,
        tf.TensorSpec(network.input_shape, tf.float32),
        tf.TensorSpec((), tf.int32),
        tf.TensorSpec((), tf.float32),
        tf.TensorSpec((2,), tf.int32),
        tf.TensorSpec((), tf.int32),
    )
    found = [
        np.asarray(
            graph(
                tf.constant(example, tf.float32),
                tf.constant(int(target)),
                tf.constant(noise * float(np.ptp(example)), tf.float32),
                tf.constant([seed, 0]),
                tf.constant(samples),
            )
        )
        for example, target in zip(examples, targets, strict=True)
    ]
    return np.stack(found)


@dataclass(frozen=True, eq=False)
class Integrated:
    """Integrated gradients and their completeness.

    Attributes
    ----------
    values : ndarray of float32, shape (n, ...)
        What each input contributes to the score, compared with the baseline.
    differences : ndarray of float64, shape (n,)
        Score of the example minus score of its baseline: what `values` should sum to.
    gaps : ndarray of float64, shape (n,)
        How far their sum is from that, as a share of the difference; if it is smaller than 0.1
        (for regression: 0.1 standard deviations of the targets), as a share of 0.1.
    steps : ndarray of int, shape (n,)
        Number of pieces of the path.
    """

    values: NDArray[np.float32]
    differences: NDArray[np.float64]
    gaps: NDArray[np.float64]
    steps: NDArray[np.int64]


def integrated_gradients(
    network: TensorFlowNetwork,
    examples: NDArray[Any],
    baselines: NDArray[Any],
    targets: NDArray[Any],
    *,
    steps: int = 64,
    tolerance: float = 0.01,
) -> Integrated:
    r"""Attribute the difference between an example's score and its baseline's to the inputs.

    :math:`(x - x') \int_0^1 \frac{\partial S_c}{\partial x}(x' + a(x - x'))\,da`
    (Sundararajan, Taly & Yan 2017, "Axiomatic attribution for deep networks", equation 1), by the
    midpoint rule: the path is cut into `steps` pieces, and the gradient taken in the middle of
    each. By completeness (their proposition 1) the sum is :math:`S_c(x) - S_c(x')`. Examples
    whose gap exceeds `tolerance` are repeated with twice the pieces, up to 1,024, and with smaller
    pieces where the slope along the path changes (de Boor 1973, "Good approximation by splines
    with variable knots"); at 1,024 the pieces are moved up to four times. The most complete
    result is kept.

    Parameters
    ----------
    examples, baselines : ndarray, shape (n, ...)
    targets : ndarray of int, shape (n,)
    steps : int
        Initial number of pieces.
    tolerance : float
        Largest acceptable completeness gap; infinity keeps the first result.

    Returns
    -------
    Integrated
    """
    differences = network.scores(examples, targets).astype(np.float64)
    differences -= network.scores(baselines, targets)
    scale = np.maximum(np.abs(differences), _LEAST_DIFFERENCE * network.unit)
    values = np.zeros(examples.shape, np.float32)
    gaps = np.full(len(examples), np.inf)
    used = np.zeros(len(examples), np.int64)
    left = np.arange(len(examples))
    cuts = np.tile(np.linspace(0, 1, steps + 1), (len(examples), 1))
    placings = 1 + _REPLACINGS
    while len(left) and placings:
        found, slopes = _path_sums(network, examples[left], baselines[left], targets[left], cuts)
        # Summed in float64: a thousand float32 shares would add a rounding error of their own.
        total = found.reshape(len(left), -1).sum(axis=1)
        gap = np.abs(total - differences[left]) / scale[left]
        better = gap < gaps[left]
        chosen = left[better]
        values[chosen], gaps[chosen], used[chosen] = found[better], gap[better], steps
        again = gaps[left] > tolerance
        placings -= steps >= MOST_STEPS
        steps = max(steps, min(2 * steps, MOST_STEPS))
        left, cuts = left[again], _placed(cuts[again], slopes[again], steps)
    return Integrated(values, differences, gaps, used)


def _placed(
    cuts: NDArray[np.float64], slopes: NDArray[np.float64], pieces: int
) -> NDArray[np.float64]:
    """Cut each path into pieces, smaller ones where its slope changes more.

    The midpoint rule's error is about the square of a piece's length times the rate at which the
    slope changes; their sum is least if the lengths are as the inverse square root of that rate.
    """
    lengths = np.diff(cuts, axis=1)
    jumps = np.pad(np.abs(np.diff(slopes, axis=1)), ((0, 0), (1, 1)))
    density = np.sqrt((jumps[:, :-1] + jumps[:, 1:]) / lengths)
    padded = np.pad(density, ((0, 0), (1, 1)), mode="edge")
    density = padded[:, :-2] / 4 + padded[:, 1:-1] / 2 + padded[:, 2:] / 4
    mass = density * lengths
    whole = mass.sum(axis=1, keepdims=True)
    # A tenth stays evenly distributed, for changes that the first steps have missed.
    mass = np.where(whole > 0, 0.9 * mass / np.where(whole > 0, whole, 1), 0) + 0.1 * lengths
    reached = np.pad(np.cumsum(mass, axis=1), ((0, 0), (1, 0)))
    wanted = np.linspace(0, 1, pieces + 1)
    rows = zip(reached / reached[:, -1:], cuts, strict=True)
    return np.array([np.interp(wanted, r, c) for r, c in rows]).reshape(len(cuts), len(wanted))


def _path_sums(
    network: TensorFlowNetwork,
    examples: NDArray[Any],
    baselines: NDArray[Any],
    targets: NDArray[Any],
    cuts: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute each example's integral, and its slopes in the middle of each piece."""
    numbers = tf.TensorSpec((None, None), tf.float32)
    graph = network.compiled(
        _path_gradient,
        network.examples_spec,
        network.examples_spec,
        network.targets_spec,
        numbers,
        numbers,
    )
    middles, lengths = (cuts[:, 1:] + cuts[:, :-1]) / 2, np.diff(cuts, axis=1)
    sums, slopes = [], []
    for start in range(0, len(examples), network.rows_at_once):
        rows = slice(start, start + network.rows_at_once)
        arrays = (examples[rows], baselines[rows], targets[rows], middles[rows], lengths[rows])
        found = graph(*map(tensor, arrays))
        sums.append(np.asarray(found[0]))
        slopes.append(np.asarray(found[1], np.float64).T)
    difference = np.asarray(examples, np.float64) - np.asarray(baselines, np.float64)
    return np.concatenate(sums) * difference, np.concatenate(slopes)


def _path_gradient(
    network: TensorFlowNetwork,
    examples: Any,
    baselines: Any,
    targets: Any,
    middles: Any,
    lengths: Any,
) -> tuple[Any, Any]:
    """Sum gradient times length over the pieces; with few examples, many pieces at once."""
    shape, difference = tf.shape(examples), examples - baselines
    at_once = tf.maximum(1, network.rows_at_once // tf.maximum(shape[0], 1))
    inner = list(range(2, len(examples.shape) + 1))
    wide = tf.concat([[-1, shape[0]], [1] * len(inner)], 0)

    def body(start: Any, total: Any, slopes: Any) -> tuple[Any, Any, Any]:
        shares = tf.transpose(middles[:, start : start + at_once])
        weights = tf.transpose(lengths[:, start : start + at_once])
        points = baselines[None] + tf.reshape(shares, wide) * difference[None]
        rows = tf.reshape(points, tf.concat([[-1], shape[1:]], 0))
        rows = tf.ensure_shape(rows, examples.shape)
        found = network.gradient(rows, tf.tile(targets, [tf.shape(shares)[0]]))
        found = tf.reshape(found, tf.shape(points))
        slopes = tf.concat([slopes, tf.reduce_sum(found * difference[None], inner)], 0)
        found = tf.cast(found * tf.reshape(weights, wide), tf.float64)
        return start + at_once, total + tf.reduce_sum(found, axis=0), slopes

    start = (tf.constant(0), tf.zeros_like(examples, tf.float64), tf.zeros((0, shape[0])))
    _, total, slopes = tf.while_loop(
        lambda start, *_: start < tf.shape(middles)[1],
        body,
        start,
        (tf.TensorShape(()), examples.shape, tf.TensorShape((None, None))),
        parallel_iterations=1,
    )
    return total, slopes


def _mean_noisy_gradient(
    network: TensorFlowNetwork, example: Any, target: Any, sigma: Any, seed: Any, samples: Any
) -> Any:
    shape = tf.concat([[samples], tf.shape(example)], 0)
    noise = sigma * tf.random.stateless_normal(shape, seed)
    rows = tf.ensure_shape(example[None] + noise, (None, *example.shape))
    return tf.reduce_mean(network.gradient(rows, tf.fill([samples], target)), axis=0)
