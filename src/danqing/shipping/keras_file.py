"""A run's network as a model of plain Keras 3, scaling and temperature inside. Knows no run.

Every layer is Keras' own, so that any Keras 3 loads the file, with any of its backends.
"""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.networks.architecture import SHIFTS, Architecture
from danqing.networks.layers.computations import COMPUTATIONS
from danqing.networks.layers.layer_computation import Start
from danqing.networks.layers.normalisation import BATCHNORM_EPSILON, BATCHNORM_MOMENTUM
from danqing.networks.temperature import LEAST_PROBABILITY
from danqing.preparation.preparation import Preparation

__all__ = ["loaded", "plain_model", "saved"]


def plain_model(
    architecture: Architecture,
    preparation: Preparation,
    tensors: dict[str, NDArray[Any]],
    *,
    double: bool = True,
) -> Any:
    """Build a model of Keras' own layers, with the run's weights.

    Parameters
    ----------
    architecture : Architecture
    preparation : Preparation
    tensors : dict of ndarray
        The weights by name.
    double : bool
        Whether a regression's offset is added in float64, so that targets far from zero keep their
        digits.

    Returns
    -------
    keras.Model
        From raw pixels, (n, height, width, channels), or encoded rows, (n, features), to
        probabilities, (n, classes), or numbers, (n, 1).
    """
    from danqing.networks.backend import keras

    inputs = keras.Input(architecture.input_shape, name="examples")
    x = _views(inputs, architecture) if architecture.tta_views > 1 else inputs
    x = _standardised(x, preparation)
    members = [_member(x, architecture, prefix) for prefix in architecture.prefixes]
    y = members[0] if len(members) == 1 else keras.layers.Average(name="average")(members)
    if architecture.tta_views > 1:
        apart = keras.ops.reshape(y, (architecture.tta_views, -1, architecture.outputs))
        y = keras.ops.mean(apart, axis=0)
    if architecture.task == "regression":
        y = _in_target_unit(y, preparation.target, double=double)
    if architecture.mean_temperature != 1:
        logs = keras.ops.log(keras.ops.maximum(y, LEAST_PROBABILITY))
        y = keras.ops.softmax(logs / architecture.mean_temperature)
    model = keras.Model(inputs, y, name="danqing")
    for layer in model.layers:
        _set_weights(layer, tensors)
    return model


def saved(model: Any) -> bytes:
    """Give the content of a ``.keras`` file."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras' own, on how it reads its arrays
        path = Path(folder) / "model.keras"
        model.save(path)
        return path.read_bytes()


def loaded(content: bytes) -> Any:
    """Load the content of a ``.keras`` file as plain Keras does, without any code of ours."""
    from danqing.networks.backend import keras

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        path.write_bytes(content)
        return keras.models.load_model(path, compile=False)


def _in_target_unit(y: Any, target: tuple[float, float], *, double: bool) -> Any:
    """Rescale; Keras rounds each number to float32, so that the offset comes in two."""
    from danqing.networks.backend import keras

    mean, scale = target
    if not double:
        return keras.layers.Rescaling(scale, mean, name="prediction")(y)
    most = float(np.float32(mean))
    y = keras.layers.Rescaling(scale, most, dtype="float64", name="most_of_offset")(y)
    return keras.layers.Rescaling(1.0, mean - most, dtype="float64", name="prediction")(y)


def _standardised(x: Any, preparation: Preparation) -> Any:
    from danqing.networks.backend import keras

    scaling = preparation.scaling
    axis = -1 if scaling.mean_.ndim == 1 else tuple(range(1, scaling.mean_.ndim + 1))
    return keras.layers.Normalization(
        axis=axis, mean=scaling.mean_, variance=scaling.scale_**2, name="scaling"
    )(x)


def _member(x: Any, architecture: Architecture, prefix: str) -> Any:
    """Give a member's probabilities, or its numbers in the target's standardised scale."""
    from danqing.networks.backend import keras

    for layer in architecture.layers:
        name = f"{prefix}{layer.name}".replace("/", ".")
        if layer.kind == "batchnorm":
            made = keras.layers.BatchNormalization(
                momentum=BATCHNORM_MOMENTUM, epsilon=BATCHNORM_EPSILON, name=name
            )
        elif layer.kind == "rescale":
            continue
        else:
            made = COMPUTATIONS[layer.kind].keras_layer(layer, Start(name, 0, "zeros", (0.0, 1.0)))
        if layer.kind == "softmax" and architecture.softmax_temperature != 1:
            x = keras.layers.Rescaling(
                1 / architecture.softmax_temperature, name=f"{prefix}temperature".replace("/", ".")
            )(x)
        x = made(x)
    return x


def _views(x: Any, architecture: Architecture) -> Any:
    """Join all views of the pictures along the batch, as `danqing.networks.tta.Views` does."""
    from danqing.networks.backend import keras

    height, width, _ = architecture.input_shape
    framed = keras.ops.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], mode="symmetric")
    views = [
        framed[:, 1 + down : 1 + down + height, 1 + right : 1 + right + width]
        for down, right in SHIFTS
    ]
    if architecture.tta_views > len(views):
        views += [keras.ops.flip(view, axis=2) for view in views]
    return keras.ops.concatenate(views, axis=0)


def _set_weights(layer: Any, tensors: dict[str, NDArray[Any]]) -> None:
    for weight in layer.variables:
        name = f"{layer.name.replace('.', '/')}/{weight.name}"
        if name in tensors:
            weight.assign(tensors[name])
