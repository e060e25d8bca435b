"""A spec and a picture's shape become an architecture: named layers, each with its shapes.

Knows no Keras: a network that can't be is refused before anything slow is imported, and
Keras, ONNX and `network.json` are all built from this one description.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

from danqing.errors import SpecError
from danqing.recipe.spec import ACTIVATIONS, Word, parse

__all__ = ["SHIFTS", "Architecture", "Layer", "design"]

SHIFTS = ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1))
"""Of a picture's views, pixels down and right."""

_LARGEST = 200_000_000  # parameters; more does not fit an ordinary machine's memory


@dataclass(frozen=True)
class Layer:
    """One layer: its kind, its unique name, its settings and its shapes without the batch."""

    kind: str
    name: str
    settings: dict[str, int | float | str]
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    parameters: int


@dataclass(frozen=True)
class Architecture:
    """All layers, from raw pixels or a table's features to probabilities or a number.

    An ensemble has `members` networks of these same layers side by side, and answers by the mean
    of their answers (Lakshminarayanan, Pritzel & Blundell 2017, "Simple and scalable predictive
    uncertainty estimation using deep ensembles"). With several `tta_views`, it predicts the mean
    over as many augmented views of the picture.

    Attributes
    ----------
    spec : str
    layers : tuple of Layer
        Of one member.
    members : int
        1 for a network that is no ensemble.
    tta_views : int
        1, 5 (also shifted by a pixel each way) or 10 (also mirrored).

    Examples
    --------
    >>> from danqing.networks.architecture import design
    >>> architecture = design("dense(64)-dense(64)", (28, 28, 1), 10)
    >>> [layer.name for layer in architecture.layers]
    ['flatten', 'dense', 'relu', 'dense_2', 'relu_2', 'output', 'probabilities']
    >>> architecture.parameters
    55050
    """

    spec: str
    layers: tuple[Layer, ...]
    members: int = 1
    tta_views: int = 1

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Height, width and channels of the raw pictures, or the number of features."""
        return self.layers[0].input_shape

    @property
    def outputs(self) -> int:
        """How many classes the network tells apart; 1 for regression."""
        return self.layers[-1].output_shape[0]

    @property
    def task(self) -> Literal["classification", "regression"]:
        """Classes to choose from, or a number to tell."""
        return "classification" if self.layers[-1].kind == "softmax" else "regression"

    @property
    def parameters(self) -> int:
        """How many numbers training adjusts, those of all members."""
        return self.members * sum(layer.parameters for layer in self.layers)

    @property
    def prefixes(self) -> tuple[str, ...]:
        """What each member's weights are called before the layer's name; nothing where it is one.

        Examples
        --------
        >>> design("dense(4)", (3,), 2, members=2).prefixes
        ('member_1/', 'member_2/')
        """
        if self.members == 1:
            return ("",)
        return tuple(f"member_{number}/" for number in range(1, self.members + 1))

    @property
    def convolutional(self) -> bool:
        """Whether any layer convolves."""
        return any(layer.kind == "conv" for layer in self.layers)

    def to_json(self) -> dict[str, Any]:
        """Give the description as plain data."""
        layers = [asdict(layer) for layer in self.layers]
        counts = {"members": self.members, "tta_views": self.tta_views}
        return {"spec": self.spec, **counts, "layers": layers}

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> Architecture:
        """Rebuild from what `to_json` gave; the layers are designed anew from the spec."""
        layers = plain["layers"]
        classes = layers[-1]["output_shape"][0] if layers[-1]["kind"] == "softmax" else 0
        shape = tuple(layers[0]["input_shape"])
        counts = plain.get("members", 1), plain.get("tta_views", 1)
        return design(plain["spec"], shape, classes, *counts)


def design(
    spec: str, input_shape: tuple[int, ...], classes: int, members: int = 1, tta_views: int = 1
) -> Architecture:
    """Lay out the network that `spec` describes for examples of `input_shape`.

    ReLU follows a convolution or dense layer unless it names an activation, or batchnorm or an
    activation comes next. Flattening and the output layer are added: with softmax for classes;
    without `classes` one number, brought to the target's own mean and scale. An ensemble has more
    `members` than one; pictures may be answered for by several `tta_views`.

    Raises
    ------
    SpecError
        If the words don't fit the picture, or each other; the message quotes the word.
    """
    if tta_views > 1 and len(input_shape) != 3:
        raise SpecError(
            f"tta_views: {tta_views} need a picture, and a table has columns only; leave it out"
        )
    words = parse(spec)
    draft = _Draft(spec, input_shape)
    for word, following in zip(words, [*words[1:], None], strict=True):
        # Batchnorm subtracts the mean, and with it any bias.
        draft.add(word, bias=following is None or following.kind != "batchnorm")
        if word.kind in ("conv", "dense"):
            activation = word.settings["activation"]
            plain = following is None or following.kind not in ("batchnorm", *ACTIVATIONS)
            if activation is None and plain:
                activation = "relu"
            if activation not in (None, "linear"):
                draft.append(str(activation), {}, draft.shape)
    if len(draft.shape) > 1:
        draft.append("flatten", {}, (math.prod(draft.shape),))
    outputs = classes or 1
    draft.append("dense", {"units": outputs, "bias": True}, (outputs,), name="output")
    if classes:
        draft.append("softmax", {}, (classes,), name="probabilities")
    else:
        draft.append("rescale", {}, (1,), name="answer")
    architecture = Architecture(spec, tuple(draft.layers), members, tta_views)
    if architecture.parameters > _LARGEST:
        several = f" in an ensemble of {members}" if members > 1 else ""
        raise SpecError(
            f"network {spec!r}: has {architecture.parameters:,} parameters{several}, "
            f"more than {_LARGEST:,}; make its layers smaller"
        )
    return architecture


class _Draft:
    """The layers so far, and the shape they end in."""

    def __init__(self, spec: str, input_shape: tuple[int, ...]) -> None:
        self.spec = spec
        self.shape = self.input_shape = input_shape
        self.layers: list[Layer] = []
        self._counts: dict[str, int] = {}

    def add(self, word: Word, *, bias: bool) -> None:
        settings = {
            name: value
            for name, value in word.settings.items()
            if name != "activation" and value is not None
        }
        if word.kind == "dense":
            if len(self.shape) > 1:
                self.append("flatten", {}, (math.prod(self.shape),))
            self.append("dense", {**settings, "bias": bias}, (int(settings["units"]),))
        elif word.kind == "conv":
            self.append("conv", {**settings, "bias": bias}, self._slide(word, settings))
        elif word.kind in ("pool", "avgpool", "globalpool"):
            self.append(word.kind, settings, self._slide(word, settings))
        elif word.kind == "flatten":
            self.append("flatten", {}, (math.prod(self.shape),))
        elif word.kind != "linear":
            self.append(word.kind, settings, self.shape)

    def append(
        self,
        kind: str,
        settings: dict[str, int | float | str],
        output_shape: tuple[int, ...],
        name: str | None = None,
    ) -> None:
        if name is None:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            name = kind if self._counts[kind] == 1 else f"{kind}_{self._counts[kind]}"
        count = 0
        if kind == "conv":
            inputs = int(settings["kernel"]) ** 2 * self.shape[-1]
            count = (inputs + int(settings["bias"])) * output_shape[-1]
        elif kind == "dense":
            count = (self.shape[0] + int(settings["bias"])) * output_shape[0]
        elif kind == "batchnorm":
            count = 2 * self.shape[-1]
        self.layers.append(Layer(kind, name, settings, self.shape, output_shape, count))
        self.shape = output_shape

    def _slide(self, word: Word, settings: dict[str, int | float | str]) -> tuple[int, ...]:
        """Shape after a window has slid over the picture."""
        where = f"network {self.spec!r}: {word.text!r} at character {word.position}"
        if len(self.input_shape) != 3:
            raise SpecError(f"{where} needs a picture, but a table has columns only; use dense(64)")
        if len(self.shape) != 3:
            raise SpecError(f"{where} needs a picture, but the layer before it flattens; swap them")
        height, width, channels = self.shape
        if word.kind == "globalpool":
            return (channels,)
        if word.kind == "conv":
            channels = int(settings["filters"])
            window, stride = int(settings["kernel"]), int(settings["stride"])
            if settings["padding"] == "same":
                return (-(-height // stride), -(-width // stride), channels)
        else:
            window = stride = int(settings["size"])
        if window > min(height, width):
            raise SpecError(
                f"{where} needs at least {window}x{window} pixels, but only {height}x{width} are "
                "left there: the network is too deep for its picture; leave out a pool or a stride"
            )
        return ((height - window) // stride + 1, (width - window) // stride + 1, channels)
