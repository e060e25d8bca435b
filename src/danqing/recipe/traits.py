"""Traits: the properties of a data set that decide which training suits it. Knows no data."""

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
        Whether the examples are rows of a table; otherwise they are pictures.
    task : {"classification", "regression"}
    rows : int
        Size of the training set.
    input_shape : tuple of int
        Height, width and channels of the pictures, or the number of features.
    drawings : bool
        Whether the pictures are drawings like MNIST's: distorting them preserves their class.
    flip_invariant : bool
        Whether flipping pictures horizontally preserves their class.
    unlabelled : int
        Number of unlabelled pictures.
    """

    tabular: bool
    task: Literal["classification", "regression"]
    rows: int
    input_shape: tuple[int, ...]
    drawings: bool = False
    flip_invariant: bool = False
    unlabelled: int = 0


MNIST_TRAITS = Traits(False, "classification", 54_000, (28, 28, 1), drawings=True)
