"""Convolutions of pictures. Knows no other kind."""

from __future__ import annotations

from typing import Any, final

import numpy as np

from danqing.networks.architecture import Layer
from danqing.networks.layers.layer_computation import Array, LayerComputation, Start, Weights
from danqing.networks.onnx_nodes import OnnxNodes

__all__ = ["Convolution"]


@final
class Convolution(LayerComputation):
    """A kernel slides over the picture (Goodfellow, Bengio & Courville 2016, section 9.1)."""

    def keras_layer(self, layer: Layer, start: Start) -> Any:
        """Make ``keras.layers.Conv2D``."""
        from danqing.networks.backend import keras

        settings = layer.settings
        return keras.layers.Conv2D(
            settings["filters"],
            settings["kernel"],
            settings["stride"],
            settings["padding"],
            use_bias=settings["bias"],
            kernel_initializer=start.kernel,
            name=start.name,
        )

    def onnx_nodes(self, layer: Layer, weights: Weights, graph: OnnxNodes, x: str) -> str:
        """Convolve, with the bias if there is one."""
        settings, inputs = layer.settings, [x]
        kernel = weights["kernel"].transpose(3, 2, 0, 1)
        inputs.append(graph.constant(f"{layer.name}/kernel", kernel))
        if settings["bias"]:
            inputs.append(graph.constant(f"{layer.name}/bias", weights["bias"]))
        return graph.node(
            "Conv",
            *inputs,
            strides=[settings["stride"]] * 2,
            # Keras' 'same' puts the odd pixel of padding after the picture, as SAME_UPPER does.
            auto_pad="SAME_UPPER" if settings["padding"] == "same" else "VALID",
        )

    def forward(self, layer: Layer, weights: Weights, x: Array) -> Array:
        """Multiply what the kernel sees at each place by the kernel."""
        kernel = weights["kernel"]
        patches = _patches(_padded(x, layer), layer)
        y = np.asarray(patches @ kernel.reshape(-1, kernel.shape[-1]))
        return y + weights["bias"] if layer.settings["bias"] else y

    def backward(
        self, layer: Layer, weights: Weights, x: Array, delta: Array
    ) -> tuple[Array, dict[str, Array]]:
        """Give each pixel the gradients of all places whose window covers it."""
        size, stride = layer.settings["kernel"], layer.settings["stride"]
        kernel, padded = weights["kernel"], _padded(x, layer)
        rows = delta.reshape(-1, delta.shape[-1])
        patches = _patches(padded, layer).reshape(len(rows), -1)
        gradients = {"kernel": (patches.T @ rows).reshape(kernel.shape)}
        if layer.settings["bias"]:
            gradients["bias"] = rows.sum(axis=0)
        back = np.zeros(padded.shape)
        height, width = delta.shape[1] * stride, delta.shape[2] * stride
        for i in range(size):
            for j in range(size):
                back[:, i : i + height : stride, j : j + width : stride] += delta @ kernel[i, j].T
        (top, _), (left, _) = _padding(layer)
        return back[:, top : top + x.shape[1], left : left + x.shape[2]], gradients


def _padding(layer: Layer) -> tuple[tuple[int, int], tuple[int, int]]:
    """Give the zeros before and after rows and columns; the odd one goes after, as in Keras."""
    if layer.settings["padding"] != "same":
        return (0, 0), (0, 0)
    size, stride = layer.settings["kernel"], layer.settings["stride"]

    def along(length: int, out: int) -> tuple[int, int]:
        total = max((out - 1) * stride + size - length, 0)
        return total // 2, total - total // 2

    return (
        along(layer.input_shape[0], layer.output_shape[0]),
        along(layer.input_shape[1], layer.output_shape[1]),
    )


def _padded(x: Array, layer: Layer) -> Array:
    return np.pad(x, ((0, 0), *_padding(layer), (0, 0)))


def _patches(padded: Array, layer: Layer) -> Array:
    """Cut out what the kernel sees at each place, shape (n, height, width, size*size*channels)."""
    size, stride = layer.settings["kernel"], layer.settings["stride"]
    views = np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(1, 2))
    views = views[:, ::stride, ::stride].transpose(0, 1, 2, 4, 5, 3)
    return views.reshape(*views.shape[:3], -1)
