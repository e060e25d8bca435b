"""Batch normalisation, and the way back from a normalised target. Knows no other kind."""

from __future__ import annotations

from typing import Any, final

import numpy as np

from danqing.networks.architecture import Layer
from danqing.networks.layers.layer_computation import Array, LayerComputation, Start, Weights
from danqing.networks.onnx_nodes import OnnxNodes

__all__ = ["BATCHNORM_EPSILON", "BATCHNORM_MOMENTUM", "BatchNormalisation", "Rescaling"]

BATCHNORM_EPSILON = 1e-3
"""Added to batchnorm's variance."""

BATCHNORM_MOMENTUM = 0.95
"""What batchnorm's running mean and variance keep of themselves at each step."""


@final
class BatchNormalisation(LayerComputation):
    r""":math:`y = \gamma (x - \mu) / \sqrt{\sigma^2 + \epsilon} + \beta`, channel by channel.

    Ioffe & Szegedy 2015, "Batch normalization", algorithm 2: mean and variance are the running
    averages of those of the training batches.
    """

    def keras_layer(self, layer: Layer, start: Start) -> Any:
        """Make the fused layer."""
        from danqing.networks.keras_layers import FusedBatchNormalization

        return FusedBatchNormalization(
            momentum=BATCHNORM_MOMENTUM, epsilon=BATCHNORM_EPSILON, name=start.name
        )

    def onnx_nodes(self, layer: Layer, weights: Weights, graph: OnnxNodes, x: str) -> str:
        """Normalise."""
        names = ("gamma", "beta", "moving_mean", "moving_variance")
        constants = [graph.constant(f"{layer.name}/{name}", weights[name]) for name in names]
        return graph.node("BatchNormalization", x, *constants, epsilon=BATCHNORM_EPSILON)

    def forward(self, layer: Layer, weights: Weights, x: Array) -> Array:
        """Normalise."""
        slope = weights["gamma"] / np.sqrt(weights["moving_variance"] + BATCHNORM_EPSILON)
        return np.asarray((x - weights["moving_mean"]) * slope + weights["beta"])

    def backward(
        self, layer: Layer, weights: Weights, x: Array, delta: Array
    ) -> tuple[Array, dict[str, Array]]:
        """Multiply by the slope."""
        deviation = np.sqrt(weights["moving_variance"] + BATCHNORM_EPSILON)
        normalised = (x - weights["moving_mean"]) / deviation
        axes = tuple(range(x.ndim - 1))
        gradients = {"gamma": (delta * normalised).sum(axes), "beta": delta.sum(axes)}
        return delta * weights["gamma"] / deviation, gradients


@final
class Rescaling(LayerComputation):
    """y = x * scale + mean: from a standardised target to the target's own unit.

    Its weights, ``mean`` and ``scale``, are the preparation's: training doesn't change them. ONNX
    computes in their type, float64: float32 would round 1e9 + 3 to the next multiple of 64.
    """

    def keras_layer(self, layer: Layer, start: Start) -> Any:
        """Make an affine map that is not trained."""
        from danqing.networks.keras_layers import Affine

        mean, scale = start.target
        return Affine(np.array(scale), np.array(mean), name=start.name)

    def onnx_nodes(self, layer: Layer, weights: Weights, graph: OnnxNodes, x: str) -> str:
        """Cast to the type of the weights, multiply, and add."""
        from onnx import helper

        mean, scale = (weights[name].reshape(1) for name in ("mean", "scale"))
        x = graph.node("Cast", x, to=helper.np_dtype_to_tensor_dtype(mean.dtype))
        y = graph.node("Mul", x, graph.constant(f"{layer.name}/scale", scale))
        return graph.node("Add", y, graph.constant(f"{layer.name}/mean", mean))

    def forward(self, layer: Layer, weights: Weights, x: Array) -> Array:
        """Multiply, and add."""
        return np.asarray(x * weights["scale"] + weights["mean"])

    def backward(
        self, layer: Layer, weights: Weights, x: Array, delta: Array
    ) -> tuple[Array, dict[str, Array]]:
        """Multiply by the scale."""
        return np.asarray(delta * weights["scale"]), {}
