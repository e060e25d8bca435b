"""The network once more, in NumPy and float64: forward, backward, and both losses.

Written for reading, not for speed: the textbook's numbers come from here, and the page's own
JavaScript follows it line by line. Knows no TensorFlow, no Keras and no run folder.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.explanation.textbook.activations import activate, derivative
from danqing.networks.architecture import Architecture, Layer
from danqing.preparation.preparation import Preparation

__all__ = ["EPSILON", "Reference", "loss_and_gradient"]

EPSILON = 1e-3  # batchnorm's, as the network was trained with

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Reference:
    """A network that shows all it computes.

    Attributes
    ----------
    architecture : Architecture
    preparation : Preparation
    tensors : dict of ndarray
        The weights by name, such as ``dense/kernel``.

    Examples
    --------
    >>> from danqing.networks.architecture import design
    >>> from danqing.preparation.scaling import Scaling
    >>> preparation = Preparation(Scaling("feature", np.zeros(2), np.ones(2)), target=(1.0, 2.0))
    >>> tensors = {"output/kernel": np.array([[1.0], [3.0]]), "output/bias": np.array([0.5])}
    >>> linear = Reference(design("linear", (2,), 0), preparation, tensors)
    >>> [values.tolist() for values in linear.outputs(np.array([[1.0, 2.0]]))]
    [[[1.0, 2.0]], [[7.5]], [[16.0]]]
    """

    architecture: Architecture
    preparation: Preparation
    tensors: dict[str, NDArray[Any]]

    def outputs(self, examples: NDArray[Any]) -> list[Array]:
        """Go forward: the scaled examples, then every layer's output, the answers last."""
        scaling = self.preparation.scaling
        values = [(np.asarray(examples, np.float64) - scaling.mean_) / scaling.scale_]
        for layer in self.architecture.layers:
            values.append(self._forward(layer, values[-1]))
        return values

    def gradients(
        self, outputs: list[Array], at_logits: Array
    ) -> tuple[list[Array], dict[str, Array]]:
        r"""Go backward by the chain rule.

        For each layer :math:`y = f(x; w)`, from :math:`\partial L / \partial y` to
        :math:`\partial L / \partial x` and :math:`\partial L / \partial w` (Rumelhart, Hinton &
        Williams 1986; Goodfellow, Bengio & Courville 2016, section 6.5).

        Parameters
        ----------
        outputs : list of ndarray
            What `outputs` gave.
        at_logits : ndarray
            The loss's gradient by the logits, the last output but one.

        Returns
        -------
        by_output : list of ndarray
            The gradient by each of `outputs` but the last.
        by_weight : dict of ndarray
            The gradient by each weight that training adjusts, summed over the examples.
        """
        delta = at_logits
        by_output, by_weight = [delta], {}
        for number in range(len(self.architecture.layers) - 2, -1, -1):
            layer = self.architecture.layers[number]
            delta, weights = self._backward(layer, outputs[number], outputs[number + 1], delta)
            by_weight.update({f"{layer.name}/{name}": value for name, value in weights.items()})
            by_output.append(delta)
        return by_output[::-1], by_weight

    def _weight(self, layer: Layer, name: str) -> Array:
        return np.asarray(self.tensors[f"{layer.name}/{name}"], np.float64)

    def _forward(self, layer: Layer, x: Array) -> Array:
        settings = layer.settings
        match layer.kind:
            case "conv":
                patches = _patches(
                    _padded(x, layer), int(settings["kernel"]), int(settings["stride"])
                )
                y = patches @ self._weight(layer, "kernel").reshape(-1, layer.output_shape[-1])
                return y + self._weight(layer, "bias") if settings["bias"] else np.asarray(y)
            case "dense":
                y = x @ self._weight(layer, "kernel")
                return y + self._weight(layer, "bias") if settings["bias"] else np.asarray(y)
            case "batchnorm":
                centred = x - self._weight(layer, "moving_mean")
                slope = self._weight(layer, "gamma") / np.sqrt(
                    self._weight(layer, "moving_variance") + EPSILON
                )
                return np.asarray(centred * slope + self._weight(layer, "beta"))
            case "pool":
                return np.asarray(_windows(x, layer).max(axis=3))
            case "avgpool":
                return np.asarray(_windows(x, layer).mean(axis=3))
            case "globalpool":
                return np.asarray(x.mean(axis=(1, 2)))
            case "flatten":
                return x.reshape(len(x), -1)
            case "dropout":
                return x  # only training drops
            case "softmax":
                powers = np.exp(x - x.max(axis=-1, keepdims=True))
                return np.asarray(powers / powers.sum(axis=-1, keepdims=True))
            case "rescale":
                mean, scale = self.preparation.target
                return x * scale + mean
            case kind:
                return activate(kind, x)

    def _backward(
        self, layer: Layer, x: Array, y: Array, delta: Array
    ) -> tuple[Array, dict[str, Array]]:
        match layer.kind:
            case "conv":
                return self._backward_conv(layer, x, delta)
            case "dense":
                weights = {"kernel": x.T @ delta}
                if layer.settings["bias"]:
                    weights["bias"] = delta.sum(axis=0)
                return delta @ self._weight(layer, "kernel").T, weights
            case "batchnorm":
                spread = np.sqrt(self._weight(layer, "moving_variance") + EPSILON)
                normalised = (x - self._weight(layer, "moving_mean")) / spread
                axes = tuple(range(x.ndim - 1))
                weights = {"gamma": (delta * normalised).sum(axes), "beta": delta.sum(axes)}
                return delta * self._weight(layer, "gamma") / spread, weights
            case "pool" | "avgpool":
                return _unpooled(layer, x, delta), {}
            case "globalpool":
                height, width, _ = layer.input_shape
                spread_out = np.broadcast_to(delta[:, None, None], x.shape)
                return spread_out / (height * width), {}
            case "flatten":
                return delta.reshape(x.shape), {}
            case "dropout":
                return delta, {}
            case kind:
                return delta * derivative(kind, x), {}

    def _backward_conv(
        self, layer: Layer, x: Array, delta: Array
    ) -> tuple[Array, dict[str, Array]]:
        size, stride = int(layer.settings["kernel"]), int(layer.settings["stride"])
        kernel, padded = self._weight(layer, "kernel"), _padded(x, layer)
        rows = delta.reshape(-1, delta.shape[-1])
        patches = _patches(padded, size, stride).reshape(len(rows), -1)
        weights = {"kernel": (patches.T @ rows).reshape(kernel.shape)}
        if layer.settings["bias"]:
            weights["bias"] = rows.sum(axis=0)
        back = np.zeros(padded.shape)
        height, width = delta.shape[1] * stride, delta.shape[2] * stride
        for i in range(size):
            for j in range(size):
                back[:, i : i + height : stride, j : j + width : stride] += delta @ kernel[i, j].T
        (top, _), (left, _) = _padding(layer)
        return back[:, top : top + x.shape[1], left : left + x.shape[2]], weights


def loss_and_gradient(
    name: str, logits: Array, targets: NDArray[Any], label_smoothing: float = 0.0
) -> tuple[Array, Array]:
    r"""Compute each row's loss and its gradient by the logits.

    Cross-entropy after softmax: :math:`-\sum_c y_c \ln p_c`, gradient :math:`p - y`. Mean squared
    error after softmax: :math:`\frac{1}{C} \sum_c (p_c - y_c)^2`, gradient
    :math:`p_k (d_k - \sum_c d_c p_c)` with :math:`d_c = 2 (p_c - y_c) / C`. For a number:
    :math:`(z - t)^2`, gradient :math:`2 (z - t)`.

    Parameters
    ----------
    name : {"cross-entropy", "mean-squared-error"}
    logits : ndarray, shape (n, classes) or (n, 1)
    targets : ndarray, shape (n,)
        Classes as int; numbers, in the scale of the logits, as float.
    label_smoothing : float

    Examples
    --------
    >>> loss, gradient = loss_and_gradient("cross-entropy", np.zeros((1, 2)), np.array([1]))
    >>> loss.round(4).tolist(), gradient.tolist()
    ([0.6931], [[0.5, -0.5]])
    """
    if np.issubdtype(targets.dtype, np.floating):
        error = logits[:, 0] - targets
        return error**2, 2 * error[:, None]
    shifted = logits - logits.max(axis=-1, keepdims=True)
    logarithms = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    p, classes = np.exp(logarithms), logits.shape[-1]
    y = np.eye(classes)[targets] * (1 - label_smoothing) + label_smoothing / classes
    if name == "cross-entropy":
        return -(y * logarithms).sum(axis=-1), p - y
    by_p = 2 * (p - y) / classes
    return ((p - y) ** 2).mean(axis=-1), p * (by_p - (by_p * p).sum(axis=-1, keepdims=True))


def _padding(layer: Layer) -> tuple[tuple[int, int], tuple[int, int]]:
    """Give the zeros before and after rows and columns; the odd one goes after, as in Keras."""
    if layer.settings["padding"] != "same":
        return (0, 0), (0, 0)
    size, stride = int(layer.settings["kernel"]), int(layer.settings["stride"])

    def along(length: int, out: int) -> tuple[int, int]:
        total = max((out - 1) * stride + size - length, 0)
        return total // 2, total - total // 2

    return (
        along(layer.input_shape[0], layer.output_shape[0]),
        along(layer.input_shape[1], layer.output_shape[1]),
    )


def _padded(x: Array, layer: Layer) -> Array:
    return np.pad(x, ((0, 0), *_padding(layer), (0, 0)))


def _patches(padded: Array, size: int, stride: int) -> Array:
    """Cut out what the kernel sees at each place, shape (n, height, width, size*size*channels)."""
    views = np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(1, 2))
    views = views[:, ::stride, ::stride].transpose(0, 1, 2, 4, 5, 3)
    return views.reshape(*views.shape[:3], -1)


def _windows(x: Array, layer: Layer) -> Array:
    """Cut into pools, shape (n, height, width, size*size, channels); what is over is left out."""
    size, (height, width, channels) = int(layer.settings["size"]), layer.output_shape
    cut = x[:, : height * size, : width * size].reshape(-1, height, size, width, size, channels)
    return cut.transpose(0, 1, 3, 2, 4, 5).reshape(-1, height, width, size * size, channels)


def _unpooled(layer: Layer, x: Array, delta: Array) -> Array:
    """Send a pool's gradient to its largest value, the first of equals, or evenly to all."""
    size, (height, width, channels) = int(layer.settings["size"]), layer.output_shape
    windows = _windows(x, layer)
    if layer.kind == "pool":
        first = windows.argmax(axis=3)[:, :, :, None]
        places = np.arange(size * size)[:, None]
        spread = np.where(places == first, delta[:, :, :, None], 0.0)
    else:
        spread = np.broadcast_to(delta[:, :, :, None], windows.shape) / size**2
    spread = spread.reshape(-1, height, width, size, size, channels).transpose(0, 1, 3, 2, 4, 5)
    back = np.zeros(x.shape)
    back[:, : height * size, : width * size] = spread.reshape(
        -1, height * size, width * size, channels
    )
    return back
