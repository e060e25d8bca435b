"""An architecture becomes an uncompiled Keras model, from raw examples to answers.

Knows no training: what is learned in preparation is handed in, and becomes the first layer.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.networks.architecture import Architecture, Layer
from danqing.networks.backend import keras
from danqing.networks.normalisation import Affine, FusedBatchNormalization
from danqing.preparation.preparation import Preparation

__all__ = ["build", "load_tensors", "logits_of", "tensors_of"]

_EPSILON = 1e-3
# Of the running mean and variance, kept at each step.
_MOMENTUM = 0.95


def build(architecture: Architecture, preparation: Preparation, seed: int = 0) -> Any:
    """Build the Keras model.

    Kernels start as Glorot and Bengio (2010) have it before softmax and saturating activations,
    as He et al. (2015) have it before batchnorm; each from its own seed.

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
    scaling = preparation.scaling
    x = Affine(1 / scaling.scale_, -scaling.mean_ / scaling.scale_, name="scaling")(inputs)
    for number, layer in enumerate(architecture.layers):
        if layer.kind == "rescale":
            mean, scale = preparation.target
            x = Affine(np.array(scale), np.array(mean), name=layer.name)(x)
            continue
        following = architecture.layers[min(number + 1, len(architecture.layers) - 1)]
        x = _layer(layer, following.kind == "batchnorm", seed * 1000 + number)(x)
    return keras.Model(inputs, x, name="danqing")


def _layer(layer: Layer, normalised: bool, seed: int) -> Any:
    settings, name = layer.settings, layer.name
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
            return FusedBatchNormalization(momentum=_MOMENTUM, epsilon=_EPSILON, name=name)
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
    """Give the part of a model before its softmax or rescaling: the right place for a loss."""
    return keras.Model(model.inputs, model.layers[-1].input, name="logits")


def tensors_of(model: Any) -> dict[str, NDArray[np.float32]]:
    """Give a model's weights by name, such as ``conv/kernel`` or ``batchnorm/moving_mean``."""
    return {
        f"{layer.name}/{weight.name}": np.asarray(weight, dtype=np.float32)
        for layer in model.layers
        for weight in _weights(layer)
    }


def load_tensors(model: Any, tensors: dict[str, NDArray[np.float32]]) -> None:
    """Set a model's weights from `tensors_of`'s names."""
    for layer in model.layers:
        for weight in _weights(layer):
            weight.assign(tensors[f"{layer.name}/{weight.name}"])


def _weights(layer: Any) -> list[Any]:
    # A dropout's random state is no weight; what an affine map holds is the preparation's.
    return [] if isinstance(layer, keras.layers.Dropout | Affine) else list(layer.variables)
