"""Pooling: the largest value or the mean of each window, or of a whole map."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, final

import numpy as np

from danqing.networks.architecture import Layer
from danqing.networks.layers.layer_computation import Array, LayerComputation, Start, Weights
from danqing.networks.onnx_nodes import OnnxNodes

__all__ = ["AveragePooling", "GlobalAveragePooling", "MaxPooling"]


class _WindowPooling(LayerComputation):
    """Windows side by side; rows and columns beyond the last whole window are left out."""

    keras_name: ClassVar[str]
    operation: ClassVar[str]

    @final
    def keras_layer(self, layer: Layer, start: Start) -> Any:
        """Make the Keras layer named `keras_name`."""
        from danqing.networks.backend import keras

        return getattr(keras.layers, self.keras_name)(layer.settings["size"], name=start.name)

    @final
    def onnx_nodes(self, layer: Layer, weights: Weights, graph: OnnxNodes, x: str) -> str:
        """Pool each window by ONNX's `operation`."""
        size = [layer.settings["size"]] * 2
        return graph.node(self.operation, x, kernel_shape=size, strides=size)

    @abstractmethod
    def pooled(self, windows: Array) -> Array:
        """Reduce windows, shape (n, height, width, size*size, channels), along axis 3."""

    @abstractmethod
    def spread(self, windows: Array, delta: Array) -> Array:
        """Give the gradient by `windows` from `delta`, whose axis 3 has length 1."""

    @final
    def forward(self, layer: Layer, weights: Weights, x: Array) -> Array:
        """Pool each window."""
        return self.pooled(_windows(x, layer))

    @final
    def backward(
        self, layer: Layer, weights: Weights, x: Array, delta: Array
    ) -> tuple[Array, dict[str, Array]]:
        """Spread each gradient over its window."""
        size, (height, width, channels) = layer.settings["size"], layer.output_shape
        spread = self.spread(_windows(x, layer), delta[:, :, :, None])
        spread = spread.reshape(-1, height, width, size, size, channels).transpose(0, 1, 3, 2, 4, 5)
        back = np.zeros(x.shape)
        back[:, : height * size, : width * size] = spread.reshape(
            -1, height * size, width * size, channels
        )
        return back, {}


@final
class MaxPooling(_WindowPooling):
    """The largest value of each window; its gradient goes to the first of equals."""

    keras_name, operation = "MaxPooling2D", "MaxPool"

    def pooled(self, windows: Array) -> Array:
        """Give the largest value."""
        return np.asarray(windows.max(axis=3))

    def spread(self, windows: Array, delta: Array) -> Array:
        """Give the gradient to the largest value."""
        first = windows.argmax(axis=3)[:, :, :, None]
        places = np.arange(windows.shape[3])[:, None]
        return np.where(places == first, delta, 0.0)


@final
class AveragePooling(_WindowPooling):
    """The mean of each window."""

    keras_name, operation = "AveragePooling2D", "AveragePool"

    def pooled(self, windows: Array) -> Array:
        """Give the mean."""
        return np.asarray(windows.mean(axis=3))

    def spread(self, windows: Array, delta: Array) -> Array:
        """Give every value the same share."""
        return np.asarray(np.broadcast_to(delta, windows.shape) / windows.shape[3])


@final
class GlobalAveragePooling(LayerComputation):
    """The mean of each channel over the whole map."""

    def keras_layer(self, layer: Layer, start: Start) -> Any:
        """Make ``keras.layers.GlobalAveragePooling2D``."""
        from danqing.networks.backend import keras

        return keras.layers.GlobalAveragePooling2D(name=start.name)

    def onnx_nodes(self, layer: Layer, weights: Weights, graph: OnnxNodes, x: str) -> str:
        """Pool, and drop height and width."""
        return graph.node("Flatten", graph.node("GlobalAveragePool", x))

    def forward(self, layer: Layer, weights: Weights, x: Array) -> Array:
        """Give the means."""
        return np.asarray(x.mean(axis=(1, 2)))

    def backward(
        self, layer: Layer, weights: Weights, x: Array, delta: Array
    ) -> tuple[Array, dict[str, Array]]:
        """Give every place the same share."""
        height, width, _ = layer.input_shape
        return np.broadcast_to(delta[:, None, None], x.shape) / (height * width), {}


def _windows(x: Array, layer: Layer) -> Array:
    """Cut into windows, shape (n, height, width, size*size, channels)."""
    size, (height, width, channels) = layer.settings["size"], layer.output_shape
    cut = x[:, : height * size, : width * size].reshape(-1, height, size, width, size, channels)
    return cut.transpose(0, 1, 3, 2, 4, 5).reshape(-1, height, width, size * size, channels)
