"""Every kind of layer: its arguments in a spec, its output shape, its parameters.

Knows no arithmetic: what a kind computes is in `danqing.networks.layers.computations` and in the
pages' JavaScript, under the same names.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from danqing.errors import SpecError

__all__ = ["ACTIVATIONS", "LAYER_KINDS", "LINEAR", "Choice", "LayerKind", "Number"]

Shape = tuple[int, ...]
Settings = Mapping[str, Any]

ACTIVATIONS = ("relu", "leaky_relu", "elu", "selu", "gelu", "silu", "tanh", "sigmoid")
LINEAR = "linear"
"""The word for no activation; it adds no layer."""


@dataclass(frozen=True)
class Number:
    """An argument that is a number from `least` to `greatest`; required without a `default`."""

    type: type[int] | type[float]
    least: float
    greatest: float
    default: float | None = None


@dataclass(frozen=True)
class Choice:
    """An argument that is one of some words, recognised by the word alone."""

    options: tuple[str, ...]
    default: str | None = None


@dataclass(frozen=True)
class LayerKind:
    """One kind of layer.

    Attributes
    ----------
    arguments : mapping of str to Number or Choice
        In the order in which a spec may give them without their names.
    takes : {"any", "picture", "row"}
        The inputs it accepts: "picture" has height, width and channels; before "row" any other
        shape is flattened.
    written : bool
        Whether a spec may name it; others are added by `danqing.networks.architecture.design`.
    has_kernel : bool
        Whether it multiplies by a kernel; then it has the setting ``bias`` and may be followed by
        an implicit activation.
    output_shape : callable
        Maps the input's shape and the settings to the output's shape, both without the batch. A
        `SpecError` raised here continues the sentence that names the layer.
    parameters : callable
        Maps the input's shape and the settings to the number of trainable parameters.
    """

    arguments: Mapping[str, Number | Choice] = field(default_factory=dict)
    takes: Literal["any", "picture", "row"] = "any"
    written: bool = True
    has_kernel: bool = False
    output_shape: Callable[[Shape, Settings], Shape] = lambda shape, settings: shape
    parameters: Callable[[Shape, Settings], int] = lambda shape, settings: 0


def _conv_shape(shape: Shape, settings: Settings) -> Shape:
    height, width, _ = shape
    stride = settings["stride"]
    if settings["padding"] == "same":
        return (-(-height // stride), -(-width // stride), settings["filters"])
    return (*_windows(shape, settings["kernel"], stride), settings["filters"])


def _pool_shape(shape: Shape, settings: Settings) -> Shape:
    return (*_windows(shape, settings["size"], settings["size"]), shape[-1])


def _windows(shape: Shape, size: int, stride: int) -> tuple[int, int]:
    """Count the places of a window that stays within the picture, by rows and by columns."""
    height, width, _ = shape
    if size > min(height, width):
        raise SpecError(
            f"needs at least {size}x{size} pixels, but only {height}x{width} are left there: the "
            "network is too deep for its picture; leave out a pool or a stride"
        )
    return (height - size) // stride + 1, (width - size) // stride + 1


def _conv_parameters(shape: Shape, settings: Settings) -> int:
    inputs = settings["kernel"] ** 2 * shape[-1]
    return int((inputs + settings["bias"]) * settings["filters"])


def _dense_parameters(shape: Shape, settings: Settings) -> int:
    return int((shape[0] + settings["bias"]) * settings["units"])


_SIDE = (int, 1, 1000)
_ACTIVATION = Choice((*ACTIVATIONS, LINEAR))

LAYER_KINDS: dict[str, LayerKind] = {
    "conv": LayerKind(
        {
            "filters": Number(int, 1, 65_536),
            "kernel": Number(*_SIDE, default=3),
            "stride": Number(*_SIDE, default=1),
            "padding": Choice(("same", "valid"), default="same"),
            "activation": _ACTIVATION,
        },
        takes="picture",
        has_kernel=True,
        output_shape=_conv_shape,
        parameters=_conv_parameters,
    ),
    "dense": LayerKind(
        {"units": Number(int, 1, 1_000_000), "activation": _ACTIVATION},
        takes="row",
        has_kernel=True,
        output_shape=lambda shape, settings: (settings["units"],),
        parameters=_dense_parameters,
    ),
    "pool": LayerKind(
        {"size": Number(*_SIDE, default=2)}, takes="picture", output_shape=_pool_shape
    ),
    "avgpool": LayerKind(
        {"size": Number(*_SIDE, default=2)}, takes="picture", output_shape=_pool_shape
    ),
    "globalpool": LayerKind(takes="picture", output_shape=lambda shape, settings: shape[-1:]),
    "batchnorm": LayerKind(parameters=lambda shape, settings: 2 * shape[-1]),
    "dropout": LayerKind({"rate": Number(float, 0.0, 0.99, default=0.5)}),
    "flatten": LayerKind(output_shape=lambda shape, settings: (math.prod(shape),)),
    **{name: LayerKind() for name in ACTIVATIONS},
    "softmax": LayerKind(written=False),
    "rescale": LayerKind(written=False),
}
"""All kinds of layers by name, in the order in which messages list them."""
