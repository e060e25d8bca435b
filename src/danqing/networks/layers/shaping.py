"""Layers that compute nothing at prediction: flattening and dropout."""

from __future__ import annotations

from typing import Any, final

from danqing.networks.architecture import Layer
from danqing.networks.layers.layer_computation import Array, LayerComputation, Start, Weights
from danqing.networks.onnx_nodes import OnnxNodes

__all__ = ["Dropout", "Flatten"]


@final
class Flatten(LayerComputation):
    """All values in one row, in the order height, width, channels."""

    def keras_layer(self, layer: Layer, start: Start) -> Any:
        """Make ``keras.layers.Flatten``."""
        from danqing.networks.backend import keras

        return keras.layers.Flatten(name=start.name)

    def onnx_nodes(self, layer: Layer, weights: Weights, graph: OnnxNodes, x: str) -> str:
        """Put the channels of a picture last, as Keras has them, and flatten."""
        if len(layer.input_shape) == 3:
            x = graph.node("Transpose", x, perm=[0, 2, 3, 1])
        return graph.node("Flatten", x)

    def forward(self, layer: Layer, weights: Weights, x: Array) -> Array:
        """Give the rows."""
        return x.reshape(len(x), -1)

    def backward(
        self, layer: Layer, weights: Weights, x: Array, delta: Array
    ) -> tuple[Array, dict[str, Array]]:
        """Give the gradient the shape of `x`."""
        return delta.reshape(x.shape), {}


@final
class Dropout(LayerComputation):
    """In training, some values at random become zero (Srivastava et al. 2014, "Dropout")."""

    def keras_layer(self, layer: Layer, start: Start) -> Any:
        """Make ``keras.layers.Dropout``."""
        from danqing.networks.backend import keras

        return keras.layers.Dropout(layer.settings["rate"], seed=start.seed, name=start.name)

    def onnx_nodes(self, layer: Layer, weights: Weights, graph: OnnxNodes, x: str) -> str:
        """Add nothing."""
        return x

    def forward(self, layer: Layer, weights: Weights, x: Array) -> Array:
        """Pass everything on."""
        return x

    def backward(
        self, layer: Layer, weights: Weights, x: Array, delta: Array
    ) -> tuple[Array, dict[str, Array]]:
        """Pass everything back."""
        return delta, {}
