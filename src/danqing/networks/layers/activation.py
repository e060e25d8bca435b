"""Activations: functions of each value by itself, and softmax. Knows no other kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

import numpy as np

from danqing.networks.architecture import Layer
from danqing.networks.layers.layer_computation import Array, LayerComputation, Start, Weights
from danqing.networks.onnx_nodes import OnnxNodes

__all__ = ["ACTIVATIONS", "Activation", "Softmax"]

LEAKY_SLOPE = 0.2  # Keras' slope of leaky_relu below zero
# Klambauer et al. 2017, "Self-normalizing neural networks".
SELU_ALPHA, SELU_LAMBDA = 1.6732632423543772, 1.0507009873554805


@final
class Activation(LayerComputation):
    """A function of each value by itself, as Keras defines it.

    Parameters
    ----------
    name : str
        Keras' name.
    function, derivative : callable
        In NumPy. At a corner, the derivative is that of the left side.
    onnx : callable
        Adds the nodes to an `OnnxNodes`, from the input's name to the output's.

    Examples
    --------
    >>> tanh = ACTIVATIONS["tanh"]
    >>> tanh.function(np.array([0.0])).tolist(), tanh.derivative(np.array([0.0])).tolist()
    ([0.0], [1.0])
    """

    def __init__(
        self,
        name: str,
        function: Callable[[Array], Array],
        derivative: Callable[[Array], Array],
        onnx: Callable[[OnnxNodes, str], str],
    ) -> None:
        self.name, self.function, self.derivative, self.onnx = name, function, derivative, onnx

    def keras_layer(self, layer: Layer, start: Start) -> Any:
        """Make ``keras.layers.Activation``."""
        from danqing.networks.backend import keras

        return keras.layers.Activation(self.name, name=start.name)

    def onnx_nodes(self, layer: Layer, weights: Weights, graph: OnnxNodes, x: str) -> str:
        """Apply the function."""
        return self.onnx(graph, x)

    def forward(self, layer: Layer, weights: Weights, x: Array) -> Array:
        """Apply the function."""
        return self.function(x)

    def backward(
        self, layer: Layer, weights: Weights, x: Array, delta: Array
    ) -> tuple[Array, dict[str, Array]]:
        """Multiply by the derivative."""
        return delta * self.derivative(x), {}


@final
class Softmax(LayerComputation):
    r""":math:`p_c = e^{z_c / T} / \sum_j e^{z_j / T}`; the temperature T is a weight, or 1."""

    def keras_layer(self, layer: Layer, start: Start) -> Any:
        """Make ``keras.layers.Activation``, or a layer that knows the temperature."""
        from danqing.networks.backend import keras
        from danqing.networks.keras_layers import TemperedSoftmax

        if start.temperature != 1:
            return TemperedSoftmax(start.temperature, name=start.name)
        return keras.layers.Activation("softmax", name=start.name)

    def onnx_nodes(self, layer: Layer, weights: Weights, graph: OnnxNodes, x: str) -> str:
        """Apply softmax along the last axis."""
        if "temperature" in weights:
            temperature = weights["temperature"].astype(np.float32)
            x = graph.node("Div", x, graph.constant(f"{layer.name}/temperature", temperature))
        return graph.node("Softmax", x, axis=-1)

    def forward(self, layer: Layer, weights: Weights, x: Array) -> Array:
        """Give the probabilities."""
        scaled = x / weights.get("temperature", 1.0)
        powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=-1, keepdims=True))

    def backward(
        self, layer: Layer, weights: Weights, x: Array, delta: Array
    ) -> tuple[Array, dict[str, Array]]:
        r"""Give :math:`p_k (\delta_k - \sum_c \delta_c p_c) / T`."""
        p = self.forward(layer, weights, x)
        by_scaled = p * (delta - (delta * p).sum(axis=-1, keepdims=True))
        return by_scaled / weights.get("temperature", 1.0), {}


def _step(x: Array) -> Array:
    return np.asarray(x > 0, np.float64)


def _below_zero(x: Array) -> Array:
    return np.minimum(x, 0)  # above it, exp may overflow


def _elu(x: Array) -> Array:
    return np.where(x > 0, x, np.expm1(_below_zero(x)))


def _elu_slope(x: Array) -> Array:
    return np.where(x > 0, 1.0, np.exp(_below_zero(x)))


def _selu(x: Array) -> Array:
    return SELU_LAMBDA * np.where(x > 0, x, SELU_ALPHA * np.expm1(_below_zero(x)))


def _selu_slope(x: Array) -> Array:
    return SELU_LAMBDA * np.where(x > 0, 1.0, SELU_ALPHA * np.exp(_below_zero(x)))


def _sigmoid(x: Array) -> Array:
    from scipy.special import expit

    return np.asarray(expit(x))


def _sigmoid_slope(x: Array) -> Array:
    s = _sigmoid(x)
    return np.asarray(s * (1 - s))


def _silu_slope(x: Array) -> Array:
    s = _sigmoid(x)
    return np.asarray(s * (1 + x * (1 - s)))


def _silu_nodes(graph: OnnxNodes, x: str) -> str:
    return graph.node("Mul", x, graph.node("Sigmoid", x))


def _normal_cdf(x: Array) -> Array:
    from scipy.special import ndtr

    return np.asarray(ndtr(x))


def _gelu_slope(x: Array) -> Array:
    return np.asarray(_normal_cdf(x) + x * np.exp(-x * x / 2) / np.sqrt(2 * np.pi))


def _tanh_slope(x: Array) -> Array:
    return np.asarray(1 - np.tanh(x) ** 2)


def _node(operation: str, **attributes: float) -> Callable[[OnnxNodes, str], str]:
    return lambda graph, x: graph.node(operation, x, **attributes)


ACTIVATIONS = {
    activation.name: activation
    for activation in (
        Activation("relu", lambda x: np.maximum(x, 0), _step, _node("Relu")),
        Activation(
            "leaky_relu",
            lambda x: np.where(x > 0, x, LEAKY_SLOPE * x),
            lambda x: np.where(x > 0, 1.0, LEAKY_SLOPE),
            _node("LeakyRelu", alpha=LEAKY_SLOPE),
        ),
        Activation("elu", _elu, _elu_slope, _node("Elu", alpha=1.0)),
        Activation("selu", _selu, _selu_slope, _node("Selu")),
        Activation("gelu", lambda x: x * _normal_cdf(x), _gelu_slope, _node("Gelu")),
        Activation("silu", lambda x: x * _sigmoid(x), _silu_slope, _silu_nodes),
        Activation("tanh", np.tanh, _tanh_slope, _node("Tanh")),
        Activation("sigmoid", _sigmoid, _sigmoid_slope, _node("Sigmoid")),
    )
}
"""All activations by name."""
