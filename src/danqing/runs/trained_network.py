"""A trained network with all that its predictions need: what a run and a bundle have in common.

Knows no files.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from danqing.errors import DanqingError

# `danqing runs` reads a few lines of JSON: NumPy would take longer than all else.
if TYPE_CHECKING:
    from danqing.preparation.preparation import Preparation

__all__ = ["TrainedNetwork"]


class TrainedNetwork(ABC):
    """A trained network: described by plain data, and as an ONNX model.

    `RunFolder` is one, and `danqing.prediction.bundles.bundle.Bundle`.

    Attributes
    ----------
    network : dict
        The content of ``network.json``: spec, layers and preparation.
    data : dict
        Of ``data.json``, or as much of it as a bundle has: class names and their type.
    calibration : dict
        Of ``calibration.json``: how far confidence can be trusted; empty if that is not known.
    onnx_model : bytes
        The network as a serialised ONNX model.
    """

    network: Any
    data: Any
    calibration: Any
    onnx_model: Any

    @property
    @abstractmethod
    def name(self) -> str:
        """How messages refer to it: its path."""

    @abstractmethod
    def damaged(self, part: str, reason: str) -> DanqingError:
        """Give the error to raise where a file turns out to be damaged."""

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Height, width and channels of the pictures it takes, or the number of features."""
        try:
            shape = self.network["layers"][0]["input_shape"]
            if not isinstance(shape, list | tuple) or len(shape) not in (1, 3):
                raise ValueError(shape)
            return tuple(int(length) for length in shape)
        except (LookupError, TypeError, ValueError):
            raise self.damaged("network.json", "its parts don't agree") from None

    @property
    def members(self) -> int:
        """The number of networks in an ensemble; 1 if it is none."""
        return int(self.network.get("members", 1))

    @property
    def tta_views(self) -> int:
        """The number of views of a picture that a prediction is averaged over."""
        return int(self.network.get("tta_views", 1))

    @property
    def temperature(self) -> float:
        """What divides the logits before they become probabilities; 1 in runs of format 1."""
        return float(self.network.get("temperature", 1.0))

    @property
    def parameters(self) -> int:
        """The number of trainable parameters of all members."""
        layers = self.network.get("layers", [])
        return self.members * sum(int(layer.get("parameters", 0)) for layer in layers)

    @property
    def class_names(self) -> list[str]:
        """The class of each column of predicted probabilities; empty for regression."""
        try:
            return [str(name) for name in self.data["class_names"]]
        except (LookupError, TypeError):
            raise self.damaged("data.json", "it has no class names") from None

    @property
    def task(self) -> Literal["classification", "regression"]:
        """Whether it predicts classes or numbers."""
        return "classification" if self.class_names else "regression"

    @property
    def label_type(self) -> str:
        """The type of the classes in the training data."""
        return str(self.data.get("label_type", "text"))

    @cached_property
    def preparation(self) -> Preparation:
        """What was fitted to the training rows before the network saw them."""
        from danqing.preparation.preparation import Preparation

        try:
            return Preparation.from_json(self.network["preparation"])
        except (LookupError, TypeError, ValueError, AttributeError):
            raise self.damaged("network.json", "its parts don't agree") from None
