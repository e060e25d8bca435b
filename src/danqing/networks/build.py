"""An architecture becomes an uncompiled Keras model, from raw examples to answers.

Knows no training: what is learned in preparation is handed in, and becomes the first layer.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.networks.architecture import Architecture, Layer
from danqing.networks.backend import keras
from danqing.networks.normalisation import MOMENTUM, Affine, FusedBatchNormalization
from danqing.networks.tta import MeanOfViews, Views
from danqing.preparation.preparation import Preparation

__all__ = [
    "averaged",
    "build",
    "load_tensors",
    "logits_of",
    "member_logits_of",
    "members_apart",
    "tensors_of",
]

_EPSILON = 1e-3
_APART = 1_000_003  # between the seeds of an ensemble's members
# The layers that make answers of logits.
_LAST = ("probabilities", "answer")


def build(architecture: Architecture, preparation: Preparation, seed: int = 0) -> Any:
    """Build the Keras model.

    Kernels start as Glorot and Bengio (2010) have it before softmax and saturating activations,
    as He et al. (2015) have it before batchnorm; each from its own seed. The first member of an
    ensemble starts as a network by itself does, every other one elsewhere.

    Parameters
    ----------
    architecture : Architecture
    preparation : Preparation
        Its scaling becomes the first layer, so that the model takes raw pixels from 0 to 255 or
        encoded rows; a regression's target scaling becomes the last.
    seed : int

    Returns
    -------
    keras.Model
        (n, height, width, channels) or (n, features) to (n, classes), probabilities, or (n, 1).
    """
    inputs = keras.Input(architecture.input_shape, name="examples")
    scaling, tta_views = preparation.scaling, architecture.tta_views
    x = Views(tta_views, name="tta_views")(inputs) if tta_views > 1 else inputs
    x = Affine(1 / scaling.scale_, -scaling.mean_ / scaling.scale_, name="scaling")(x)
    answers = [
        _member(x, architecture, preparation, (seed + _APART * number) * 1000, prefix)
        for number, prefix in enumerate(architecture.prefixes)
    ]
    x = answers[0] if len(answers) == 1 else keras.layers.Average(name="average")(answers)
    if tta_views > 1:
        x = MeanOfViews(tta_views, name="mean_of_views")(x)
    return keras.Model(inputs, x, name="danqing")


def _member(
    x: Any, architecture: Architecture, preparation: Preparation, seed: int, prefix: str
) -> Any:
    """Give a member's answers to scaled examples."""
    layers = architecture.layers
    for number, layer in enumerate(layers):
        name = f"{prefix}{layer.name}".replace("/", ".")  # Keras allows no slash
        if layer.kind == "rescale":
            mean, scale = preparation.target
            x = Affine(np.array(scale), np.array(mean), name=name)(x)
            continue
        following = layers[min(number + 1, len(layers) - 1)]
        x = _layer(layer, following.kind == "batchnorm", seed + number, name)(x)
    return x


def _layer(layer: Layer, normalised: bool, seed: int, name: str) -> Any:
    settings = layer.settings
    start = keras.initializers.HeNormal if normalised else keras.initializers.GlorotUniform
    match layer.kind:
        case "conv":
            return keras.layers.Conv2D(
                settings["filters"],
                settings["kernel"],
                settings["stride"],
                settings["padding"],
                use_bias=settings["bias"],
                kernel_initializer=start(seed=seed),
                name=name,
            )
        case "dense":
            return keras.layers.Dense(
                settings["units"],
                use_bias=settings["bias"],
                kernel_initializer=start(seed=seed),
                name=name,
            )
        case "batchnorm":
            return FusedBatchNormalization(momentum=MOMENTUM, epsilon=_EPSILON, name=name)
        case "pool":
            return keras.layers.MaxPooling2D(settings["size"], name=name)
        case "avgpool":
            return keras.layers.AveragePooling2D(settings["size"], name=name)
        case "globalpool":
            return keras.layers.GlobalAveragePooling2D(name=name)
        case "dropout":
            return keras.layers.Dropout(settings["rate"], seed=seed, name=name)
        case "flatten":
            return keras.layers.Flatten(name=name)
        case activation:
            return keras.layers.Activation(activation, name=name)


def logits_of(model: Any) -> Any:
    """Give the part of a model before its softmax or rescaling; of means, the mean's."""
    logits = member_logits_of(model).outputs
    numbers = any(layer.name.endswith("answer") for layer in model.layers)
    tta_views = [layer.count for layer in model.layers if isinstance(layer, Views)]
    for count in tta_views:
        logits = [look for one in logits for look in _looks(one, count)]
    return keras.Model(model.input, averaged(logits, numbers=numbers), name="logits")


def _looks(logits: Any, count: int) -> list[Any]:
    """Take apart what a network said to all looks."""
    apart = keras.ops.reshape(logits, (count, -1, logits.shape[-1]))
    return [apart[number] for number in range(count)]


def member_logits_of(model: Any) -> Any:
    """Give each member's part before its softmax or rescaling: the right place for its loss.

    Of several views, it has a row for each. Called, it gives a list of tensors, and one tensor
    where the model is no ensemble.
    """
    last = [layer for layer in model.layers if layer.name.rpartition(".")[2] in _LAST]
    return keras.Model(model.input, [layer.input for layer in last], name="member_logits")


def members_apart(network: Any) -> Any:
    """Give the members that `member_logits_of` gave an input each, so that each can see its own.

    The weights are the same ones. A network that is no ensemble stays as it is.
    """
    if len(network.outputs) == 1:
        return network
    inputs = [keras.Input(network.input.shape[1:]) for _ in network.outputs]
    members = [keras.Model(network.input, output) for output in network.outputs]
    outputs = [member(own) for member, own in zip(members, inputs, strict=True)]
    return keras.Model(inputs, outputs, name="members_apart")


def averaged(logits: list[Any], *, numbers: bool = False) -> Any:
    r"""Give the logits of the mean of several members' answers.

    For classes :math:`\ln \frac{1}{M} \sum_m \mathrm{softmax}(z_m)`, whose softmax is the mean
    itself; for `numbers` the mean of the :math:`z_m`.

    Examples
    --------
    >>> z = averaged([np.log([[0.5, 0.5]]), np.log([[0.1, 0.9]])])
    >>> np.exp(np.asarray(z)).round(3).tolist()
    [[0.3, 0.7]]
    """
    if len(logits) == 1:
        return logits[0]
    several = keras.ops.stack(logits)
    if numbers:
        return keras.ops.mean(several, axis=0)
    return keras.ops.logsumexp(keras.ops.log_softmax(several), axis=0) - math.log(len(logits))


def tensors_of(model: Any) -> dict[str, NDArray[np.float32]]:
    """Give a model's weights by name, such as ``conv/kernel`` or ``member_2/conv/kernel``."""
    return {
        _name(layer, weight): np.asarray(weight, dtype=np.float32)
        for layer in model.layers
        for weight in _weights(layer)
    }


def load_tensors(model: Any, tensors: dict[str, NDArray[np.float32]]) -> None:
    """Set a model's weights from `tensors_of`'s names."""
    for layer in model.layers:
        for weight in _weights(layer):
            weight.assign(tensors[_name(layer, weight)])


def _name(layer: Any, weight: Any) -> str:
    return f"{layer.name.replace('.', '/')}/{weight.name}"


def _weights(layer: Any) -> list[Any]:
    # A dropout's random state is no weight; what an affine map holds is the preparation's.
    return [] if isinstance(layer, keras.layers.Dropout | Affine) else list(layer.variables)
