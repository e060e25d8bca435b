"""Traits: what of a data set decides which network and training suit it. Knows no data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["MNIST_TRAITS", "Traits"]


@dataclass(frozen=True)
class Traits:
    """What a recipe's defaults depend on.

    Attributes
    ----------
    tabular : bool
        Rows of a table, not pictures.
    task : {"classification", "regression"}
    rows : int
        Rows to learn from.
    input_shape : tuple of int
        Height, width and channels; the number of features of a table.
    drawings : bool
        Pictures of strokes, made as MNIST's were: they stay what they are when they are warped.
    flip_invariant : bool
        Pictures that stay what they are when they are mirrored.
    imbalance_ratio : float
        How many times the rarest class the commonest is; 1 for regression.
    unlabelled : int
        Pictures without labels to learn from, too.
    """

    tabular: bool
    task: Literal["classification", "regression"]
    rows: int
    input_shape: tuple[int, ...]
    drawings: bool = False
    flip_invariant: bool = False
    imbalance_ratio: float = 1.0
    unlabelled: int = 0


MNIST_TRAITS = Traits(False, "classification", 54_000, (28, 28, 1), drawings=True)
