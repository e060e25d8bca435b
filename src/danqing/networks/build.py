"""An architecture becomes an uncompiled Keras model, from raw examples to predictions.

Knows no training, and no kind of layer: see `danqing.networks.layers.computations`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.networks.architecture import Architecture
from danqing.networks.backend import keras
from danqing.networks.keras_layers import Affine, TemperatureScaling
from danqing.networks.layers.computations import COMPUTATIONS
from danqing.networks.layers.layer_computation import Start
from danqing.networks.outputs import averaged
from danqing.networks.tta import MeanOfViews, Views
from danqing.preparation.preparation import Preparation

__all__ = [
    "build",
    "load_tensors",
    "logits_of",
    "member_logits_of",
    "members_apart",
    "tensors_of",
]

_APART = 1_000_003  # between the seeds of an ensemble's members
# The layers that turn logits into predictions.
_LAST = ("probabilities", "prediction")


def build(architecture: Architecture, preparation: Preparation, seed: int = 0) -> Any:
    """Build the Keras model.

    Kernels start as in Glorot and Bengio (2010), and before batchnorm as in He et al. (2015), each
    from a seed of its own. The first member of an ensemble starts exactly as a single network
    would, the others from other seeds.

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
        From (n, height, width, channels) or (n, features) to probabilities, (n, classes), at the
        architecture's temperature, or to numbers, (n, 1).
    """
    inputs = keras.Input(architecture.input_shape, name="examples")
    scaling, tta_views = preparation.scaling, architecture.tta_views
    x = Views(tta_views, name="tta_views")(inputs) if tta_views > 1 else inputs
    x = Affine(1 / scaling.scale_, -scaling.mean_ / scaling.scale_, name="scaling")(x)
    predictions = [
        _member(x, architecture, preparation, (seed + _APART * number) * 1000, prefix)
        for number, prefix in enumerate(architecture.prefixes)
    ]
    x = (
        predictions[0]
        if len(predictions) == 1
        else keras.layers.Average(name="average")(predictions)
    )
    if tta_views > 1:
        x = MeanOfViews(tta_views, name="mean_of_views")(x)
    if architecture.mean_temperature != 1:
        x = TemperatureScaling(architecture.mean_temperature, name="temperature")(x)
    return keras.Model(inputs, x, name="danqing")


def _member(
    x: Any, architecture: Architecture, preparation: Preparation, seed: int, prefix: str
) -> Any:
    """Give a member's predictions for scaled examples."""
    layers = architecture.layers
    for number, (layer, following) in enumerate(zip(layers, [*layers[1:], None], strict=True)):
        normalised = following is not None and following.kind == "batchnorm"
        draw = keras.initializers.HeNormal if normalised else keras.initializers.GlorotUniform
        start = Start(
            name=f"{prefix}{layer.name}".replace("/", "."),  # Keras allows no slash
            seed=seed + number,
            kernel=draw(seed=seed + number),
            target=preparation.target,
            temperature=architecture.softmax_temperature,
        )
        x = COMPUTATIONS[layer.kind].keras_layer(layer, start)(x)
    return x


def logits_of(model: Any) -> Any:
    """Give the model before its softmax or rescaling; of mean predictions, the mean's logits.

    No temperature divides them.
    """
    logits = member_logits_of(model).outputs
    numbers = any(layer.name.endswith("prediction") for layer in model.layers)
    tta_views = [layer.count for layer in model.layers if isinstance(layer, Views)]
    for count in tta_views:
        logits = [view for one in logits for view in _by_view(one, count)]
    return keras.Model(model.input, averaged(logits, numbers=numbers), name="logits")


def _by_view(logits: Any, count: int) -> list[Any]:
    """Take apart the logits of all views."""
    apart = keras.ops.reshape(logits, (count, -1, logits.shape[-1]))
    return [apart[number] for number in range(count)]


def member_logits_of(model: Any) -> Any:
    """Give the model up to each member's logits, where its loss belongs.

    With several views it has a row for each. It returns a list of tensors, or one tensor if the
    model is no ensemble.
    """
    last = [layer for layer in model.layers if layer.name.rpartition(".")[2] in _LAST]
    return keras.Model(model.input, [layer.input for layer in last], name="member_logits")


def members_apart(network: Any) -> Any:
    """Give each member of what `member_logits_of` gave an input of its own.

    The weights are shared with `network`. A network that is no ensemble is returned as it is.
    """
    if len(network.outputs) == 1:
        return network
    inputs = [keras.Input(network.input.shape[1:]) for _ in network.outputs]
    members = [keras.Model(network.input, output) for output in network.outputs]
    outputs = [member(own) for member, own in zip(members, inputs, strict=True)]
    return keras.Model(inputs, outputs, name="members_apart")


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
    # Dropout's random state is no weight, and an affine map's numbers belong to the preparation.
    return [] if isinstance(layer, keras.layers.Dropout | Affine) else list(layer.variables)
