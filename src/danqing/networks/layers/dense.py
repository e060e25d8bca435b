"""Dense layers. Knows no other kind."""

from __future__ import annotations

from typing import Any, final

import numpy as np

from danqing.networks.architecture import Layer
from danqing.networks.layers.layer_computation import Array, LayerComputation, Start, Weights
from danqing.networks.onnx_nodes import OnnxNodes

__all__ = ["Dense"]


@final
class Dense(LayerComputation):
    """y = x W + b (Goodfellow, Bengio & Courville 2016, section 6.1)."""

    def keras_layer(self, layer: Layer, start: Start) -> Any:
        """Make ``keras.layers.Dense``."""
        from danqing.networks.backend import keras

        return keras.layers.Dense(
            layer.settings["units"],
            use_bias=layer.settings["bias"],
            kernel_initializer=start.kernel,
            name=start.name,
        )

    def onnx_nodes(self, layer: Layer, weights: Weights, graph: OnnxNodes, x: str) -> str:
        """Multiply, and add."""
        y = graph.node("MatMul", x, graph.constant(f"{layer.name}/kernel", weights["kernel"]))
        if layer.settings["bias"]:
            y = graph.node("Add", y, graph.constant(f"{layer.name}/bias", weights["bias"]))
        return y

    def forward(self, layer: Layer, weights: Weights, x: Array) -> Array:
        """Multiply, and add."""
        y = np.asarray(x @ weights["kernel"])
        return y + weights["bias"] if layer.settings["bias"] else y

    def backward(
        self, layer: Layer, weights: Weights, x: Array, delta: Array
    ) -> tuple[Array, dict[str, Array]]:
        """Multiply by the transposed kernel."""
        gradients = {"kernel": x.T @ delta}
        if layer.settings["bias"]:
            gradients["bias"] = delta.sum(axis=0)
        return delta @ weights["kernel"].T, gradients
