"""Transfer: what of a finished run serves another target, and what is new. Knows no Keras."""

from __future__ import annotations

from typing import Any, NamedTuple

from danqing.data.dataset import Dataset
from danqing.data.split import Subset
from danqing.errors import RunError
from danqing.recipe.recipe import Recipe
from danqing.runs.run_folder import RunFolder
from danqing.training.loop.phases import (
    all_layers_rate,
    output_epochs,
    output_rate,
    output_share,
)

__all__ = ["OUTPUT", "Transfer", "transfer_from"]

_FAR = 10  # times the deviation of a regression's target: numbers beyond have another meaning

OUTPUT = "output"
"""The name of the output layer, in every network."""


class Transfer(NamedTuple):
    """A new output layer on the layers of a finished run.

    Yosinski, Clune, Bengio & Lipson 2014, "How transferable are features in deep neural networks?"

    Attributes
    ----------
    reason : str
        Why the run's own output layer is of no use.
    kept : tuple of str
        The layers whose weights are kept, in order.
    """

    reason: str
    kept: tuple[str, ...]

    def to_json(self, recipe: Recipe) -> dict[str, Any]:
        """Describe it as plain data, with its two phases."""
        return {
            "reason": self.reason,
            "kept": list(self.kept),
            "new": [OUTPUT],
            "output_epochs": output_epochs(recipe),
            "output_share": output_share(recipe),
            "output_learning_rate": output_rate(recipe),
            "all_layers_learning_rate": all_layers_rate(recipe),
        }

    def describe(self, base: RunFolder, dataset: Dataset, recipe: Recipe) -> str:
        """Say in a line what is kept and what is new."""
        layers = self.kept[0] if len(self.kept) == 1 else f"{self.kept[0]} to {self.kept[-1]}"
        classes, epochs = len(dataset.class_names), output_epochs(recipe)
        output = f"{classes} classes" if classes else "regression"
        alone = f"{output_share(recipe):.0%} of the training trains"
        if epochs is not None:
            count = "of" if epochs == 1 else f"{epochs} of"
            alone = f"{count} {recipe.epochs} epochs train{'s' * (epochs == 1)}"
        return (
            f"transfer from {base.folder} ({self.reason}): layers {layers} kept, a new output "
            f"layer for {output}; the first {alone} it alone"
        )


def transfer_from(base: RunFolder, dataset: Dataset, train: Subset) -> Transfer | None:
    """Decide whether data need a new output layer; None if that of the run serves them.

    It does if task and target are the same, and the classes, in whatever order.

    Parameters
    ----------
    base : RunFolder
    dataset : Dataset
    train : Subset
        Its training rows.

    Raises
    ------
    RunError
        If the run has nothing but an output layer.
    """
    reason = _difference(base, dataset, train)
    if not reason:
        return None
    kept = tuple(
        str(layer["name"])
        for layer in base.network["layers"]
        if layer["parameters"] and layer["name"] != OUTPUT
    )
    if not kept:
        raise RunError(
            f"run {base.folder}: has no layer below its output whose weights could be kept; train "
            "without --from"
        )
    return Transfer(reason, kept)


def _difference(base: RunFolder, dataset: Dataset, train: Subset) -> str:
    if dataset.task != base.task:
        return f"{dataset.task} instead of {base.task}"
    before = base.data.get("target")
    # Pictures in folders and arrays have no name for their target.
    if before and dataset.target and before != dataset.target:
        return f"the target {dataset.target!r} instead of {before!r}"
    if dataset.task == "regression":
        mean, scale = base.preparation.target
        far = abs(float(train.labels.mean()) - mean) > _FAR * scale
        ratio = float(train.labels.std()) / scale
        return "a target of another scale" if far or not 1 / _FAR <= ratio <= _FAR else ""
    own, others = set(dataset.class_names), set(base.class_names)
    if own == others:
        return ""
    if own < others:
        return "fewer classes"
    return "more classes" if own > others else "other classes"
