"""What each kind of layer computes, by the names of `danqing.recipe.layer_kinds`.

Knows no arithmetic: that is in the modules beside it, one a family.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.networks.architecture import Architecture, Layer
from danqing.networks.layers.activation import ACTIVATIONS, Softmax
from danqing.networks.layers.convolution import Convolution
from danqing.networks.layers.dense import Dense
from danqing.networks.layers.layer_computation import LayerComputation
from danqing.networks.layers.normalisation import BatchNormalisation, Rescaling
from danqing.networks.layers.pooling import AveragePooling, GlobalAveragePooling, MaxPooling
from danqing.networks.layers.shaping import Dropout, Flatten
from danqing.preparation.preparation import Preparation

__all__ = ["COMPUTATIONS", "layers_with_weights"]

COMPUTATIONS: dict[str, LayerComputation] = {
    "conv": Convolution(),
    "dense": Dense(),
    "pool": MaxPooling(),
    "avgpool": AveragePooling(),
    "globalpool": GlobalAveragePooling(),
    "batchnorm": BatchNormalisation(),
    "dropout": Dropout(),
    "flatten": Flatten(),
    **ACTIVATIONS,
    "softmax": Softmax(),
    "rescale": Rescaling(),
}
"""All kinds of layers by name."""


def layers_with_weights(
    architecture: Architecture,
    preparation: Preparation,
    tensors: Mapping[str, NDArray[Any]],
    prefix: str = "",
) -> Iterator[tuple[Layer, dict[str, NDArray[Any]]]]:
    """Pair the layers of one member, under their full names, with their weights.

    Parameters
    ----------
    architecture : Architecture
        Its temperature, unless it is 1, becomes a weight of softmax.
    preparation : Preparation
        What it learned of the target becomes the weights of the layer that rescales to it.
    tensors : mapping of ndarray
        The weights by full name, such as ``member_2/dense/kernel``.
    prefix : str
        The member's, of `Architecture.prefixes`.

    Yields
    ------
    layer : Layer
    weights : dict of ndarray
        By short name, such as ``kernel``.
    """
    weights: dict[str, dict[str, NDArray[Any]]] = {}
    for full_name, tensor in tensors.items():
        layer_name, _, name = full_name.rpartition("/")
        weights.setdefault(layer_name, {})[name] = tensor
    for layer in architecture.layers:
        named = replace(layer, name=f"{prefix}{layer.name}")
        own = weights.get(named.name, {})
        if layer.kind == "rescale":
            mean, scale = preparation.target
            own = {"mean": np.array(mean), "scale": np.array(scale)}
        if layer.kind == "softmax" and architecture.softmax_temperature != 1:
            own = {"temperature": np.array(architecture.softmax_temperature)}
        yield named, own
