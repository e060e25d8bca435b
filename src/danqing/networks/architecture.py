"""A spec and an input shape become an architecture: named layers, each with its shapes.

Knows no Keras: a network that can't be is refused before anything slow is imported, and
Keras, ONNX and `network.json` are all built from this one description.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from danqing.errors import SpecError
from danqing.recipe.layer_kinds import ACTIVATIONS, LAYER_KINDS, LINEAR
from danqing.recipe.spec import Word, parse

__all__ = ["SHIFTS", "Architecture", "Layer", "design"]

Settings = dict[str, Any]

SHIFTS = ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1))
"""Of the views in test-time augmentation: pixels down and to the right."""

_LARGEST = 200_000_000  # parameters; more does not fit an ordinary machine's memory


@dataclass(frozen=True)
class Layer:
    """One layer: its kind, its unique name, its settings and its shapes without the batch."""

    kind: str
    name: str
    settings: Settings
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    parameters: int


@dataclass(frozen=True)
class Architecture:
    """All layers, from raw pixels or a table's features to probabilities or a number.

    An ensemble has `members` networks of these same layers side by side and predicts their mean
    prediction (Lakshminarayanan, Pritzel & Blundell 2017, "Simple and scalable predictive
    uncertainty estimation using deep ensembles"). With several `tta_views`, it predicts the mean
    over as many augmented views of the picture. A `temperature` other than 1 makes probabilities
    more or less confident, after the mean if there is one (`danqing.networks.temperature`).

    Attributes
    ----------
    spec : str
    layers : tuple of Layer
        Of one member.
    members : int
        1 unless the network is an ensemble.
    tta_views : int
        1, 5 (also shifted by a pixel each way) or 10 (these flipped horizontally, too).
    temperature : float
        Fitted on the validation set when training ends; 1 for regression.

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
    temperature: float = 1.0

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Height, width and channels of the raw pictures, or the number of features."""
        return self.layers[0].input_shape

    @property
    def outputs(self) -> int:
        """The number of classes; 1 for regression."""
        return self.layers[-1].output_shape[0]

    @property
    def task(self) -> Literal["classification", "regression"]:
        """Whether it predicts a class or a number."""
        return "classification" if self.layers[-1].kind == "softmax" else "regression"

    @property
    def parameters(self) -> int:
        """The number of trainable parameters, of all members together."""
        return self.members * sum(layer.parameters for layer in self.layers)

    @property
    def prefixes(self) -> tuple[str, ...]:
        """What precedes the layer's name in the names of each member's weights.

        Examples
        --------
        >>> design("dense(4)", (3,), 2, members=2).prefixes
        ('member_1/', 'member_2/')
        """
        if self.members == 1:
            return ("",)
        return tuple(f"member_{number}/" for number in range(1, self.members + 1))

    @property
    def averages(self) -> bool:
        """Whether a prediction is a mean, over members or views."""
        return self.members > 1 or self.tta_views > 1

    @property
    def softmax_temperature(self) -> float:
        """What each member divides its logits by: the temperature, unless it averages."""
        return 1.0 if self.averages else self.temperature

    @property
    def mean_temperature(self) -> float:
        """The temperature of the mean prediction; 1 if there is no mean."""
        return self.temperature if self.averages else 1.0

    @property
    def convolutional(self) -> bool:
        """Whether any layer is a convolution."""
        return any(layer.kind == "conv" for layer in self.layers)

    def to_json(self) -> dict[str, Any]:
        """Give the description as plain data."""
        layers = [asdict(layer) for layer in self.layers]
        counts = {"members": self.members, "tta_views": self.tta_views}
        return {"spec": self.spec, **counts, "temperature": self.temperature, "layers": layers}

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> Architecture:
        """Rebuild from what `to_json` gave; the layers are designed anew from the spec."""
        layers = plain["layers"]
        classes = layers[-1]["output_shape"][0] if layers[-1]["kind"] == "softmax" else 0
        shape = tuple(layers[0]["input_shape"])
        counts = plain.get("members", 1), plain.get("tta_views", 1)
        designed = design(plain["spec"], shape, classes, *counts)
        return replace(designed, temperature=float(plain.get("temperature", 1.0)))


def design(
    spec: str, input_shape: tuple[int, ...], classes: int, members: int = 1, tta_views: int = 1
) -> Architecture:
    """Lay out the network that `spec` describes for examples of `input_shape`.

    ReLU follows a convolution or dense layer unless it names an activation, or batchnorm or an
    activation comes next. Flattening and the output layer are implicit: softmax over the classes,
    or, without `classes`, one number rescaled to the target's mean and standard deviation.

    Parameters
    ----------
    spec : str
    input_shape : tuple of int
    classes : int
        0 for regression.
    members : int
        More than 1 for an ensemble.
    tta_views : int
        More than 1, for pictures only, to predict by test-time augmentation.

    Raises
    ------
    SpecError
        If a layer doesn't fit the input or the layer before it; the message quotes the word.
    """
    if tta_views > 1 and len(input_shape) != 3:
        raise SpecError(
            f"tta_views: {tta_views} need a picture, and a table has columns only; leave it out"
        )
    words = parse(spec)
    draft = _Draft(spec, input_shape)
    for word, following in zip(words, [*words[1:], None], strict=True):
        after = following.kind if following else ""
        # Batchnorm subtracts the mean, and with it any bias.
        draft.add(word, bias=after != "batchnorm")
        if "activation" in word.settings:
            activation = word.settings["activation"]
            if activation is None and after not in ("batchnorm", *ACTIVATIONS, LINEAR):
                activation = "relu"
            if activation not in (None, LINEAR):
                draft.append(str(activation), {})
    draft.flatten()
    draft.append("dense", {"units": classes or 1, "bias": True}, name="output")
    if classes:
        draft.append("softmax", {}, name="probabilities")
    else:
        draft.append("rescale", {}, name="prediction")
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
        """Add the layer that a word names, without its activation."""
        if word.kind == LINEAR:
            return
        kind = LAYER_KINDS[word.kind]
        where = f"network {self.spec!r}: {word.text!r} at character {word.position}"
        settings = {name: value for name, value in word.settings.items() if name != "activation"}
        if kind.has_kernel:
            settings["bias"] = bias
        if kind.takes == "picture":
            self._need_picture(where)
        if kind.takes == "row":
            self.flatten()
        try:
            self.append(word.kind, settings)
        except SpecError as error:
            raise SpecError(f"{where} {error}") from None

    def append(self, name_of_kind: str, settings: Settings, name: str = "") -> None:
        """Add a layer, named after its kind, and numbered from the second one on, by default."""
        if not name:
            count = self._counts[name_of_kind] = self._counts.get(name_of_kind, 0) + 1
            name = name_of_kind if count == 1 else f"{name_of_kind}_{count}"
        kind = LAYER_KINDS[name_of_kind]
        output_shape = kind.output_shape(self.shape, settings)
        parameters = kind.parameters(self.shape, settings)
        self.layers.append(
            Layer(name_of_kind, name, settings, self.shape, output_shape, parameters)
        )
        self.shape = output_shape

    def flatten(self) -> None:
        """Flatten what is no row yet."""
        if len(self.shape) > 1:
            self.append("flatten", {})

    def _need_picture(self, where: str) -> None:
        if len(self.input_shape) != 3:
            raise SpecError(f"{where} needs a picture, but a table has columns only; use dense(64)")
        if len(self.shape) != 3:
            raise SpecError(f"{where} needs a picture, but the layer before it flattens; swap them")
