"""A slice through the loss landscape around the trained weights. Knows no page and no samples.

Two random directions, each filter as long as the network's own, span a plane in the space of all
weights (Li, Xu, Taylor, Studer & Goldstein 2018, "Visualizing the loss landscape of neural nets").
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.networks.architecture import Architecture
from danqing.networks.backend import tf
from danqing.networks.build import build, load_tensors, logits_of
from danqing.networks.losses import row_losses
from danqing.runs.run_folder import RunFolder

__all__ = ["directions", "landscape"]

_SIDE = 17  # points along each direction
_REACH = 1.0  # how far the slice goes, in lengths of the filters
_SEED = 2018


def directions(tensors: dict[str, NDArray[Any]]) -> list[dict[str, NDArray[np.float32]]]:
    r"""Draw two random directions, normalised filter by filter.

    :math:`d_{i,j} \leftarrow \frac{d_{i,j}}{\|d_{i,j}\|} \|w_{i,j}\|` for filter j of layer i;
    biases and batchnorm's weights stay (Li et al. 2018, section 4).

    Examples
    --------
    >>> kernel = np.array([[3.0, 1.0], [4.0, 0.0]])
    >>> first, second = directions({"dense/kernel": kernel, "dense/bias": np.ones(2)})
    >>> list(first), np.linalg.norm(first["dense/kernel"], axis=0).round(3).tolist()
    (['dense/kernel'], [5.0, 1.0])
    """
    random = np.random.default_rng(_SEED)
    drawn: list[dict[str, NDArray[np.float32]]] = [{}, {}]
    for direction in drawn:
        for name in sorted(name for name in tensors if name.endswith("/kernel")):
            kernel = tensors[name].astype(np.float64)
            axes = tuple(range(kernel.ndim - 1))  # the last axis counts the filters
            noise = random.standard_normal(kernel.shape)
            length = np.sqrt((kernel**2).sum(axis=axes) / (noise**2).sum(axis=axes))
            direction[name] = (noise * length).astype(np.float32)
    return drawn


def landscape(
    run: RunFolder, architecture: Architecture, examples: NDArray[Any], targets: NDArray[Any]
) -> dict[str, Any]:
    """Compute the run's own loss on a grid of weights around the trained ones.

    Parameters
    ----------
    run : RunFolder
    architecture : Architecture
    examples : ndarray
        Some training examples, encoded.
    targets : ndarray
        Classes, or standardised numbers.

    Returns
    -------
    dict
        ``at``: the points along each direction; ``losses``: a row for each point along the
        second direction; ``n``: the number of examples over which the loss is averaged.
    """
    model = build(architecture, run.preparation)
    load_tensors(model, run.tensors)
    network = logits_of(model)
    variables = network.trainable_variables
    names = [
        f"{layer.name}/{weight.name}"
        for layer in network.layers
        for weight in layer.trainable_weights
    ]
    first, second = (
        [
            tf.constant(direction.get(name, np.zeros(variable.shape, np.float32)))
            for name, variable in zip(names, variables, strict=True)
        ]
        for direction in directions(run.tensors)
    )
    centre = [tf.identity(variable.value) for variable in variables]
    rest = [variable.value for variable in network.non_trainable_variables]
    given = tf.constant(examples, tf.float32)
    numbers = np.issubdtype(targets.dtype, np.floating)
    wanted = tf.constant(targets, tf.float32 if numbers else tf.int32)
    name, smoothing = run.config["loss"], run.config.get("label_smoothing", 0.0)

    @tf.function  # type: ignore[untyped-decorator]
    def mean_loss(a: Any, b: Any) -> Any:
        weights = [w + a * d + b * e for w, d, e in zip(centre, first, second, strict=True)]
        logits, _ = network.stateless_call(weights, rest, given, training=False)
        return tf.reduce_mean(row_losses(name, logits, wanted, smoothing))

    at = np.linspace(-_REACH, _REACH, _SIDE)
    losses = [
        [float(mean_loss(tf.constant(a, tf.float32), tf.constant(b, tf.float32))) for a in at]
        for b in at
    ]
    return {"at": at.tolist(), "losses": losses, "n": len(targets)}
