"""GraphSettings: what of a recipe is compiled into graphs. Knows no graph.

Graphs are handed these settings and no recipe, and kept graphs are found by them. So a setting
that a graph depends on can't be missing from the key.
"""

from __future__ import annotations

from typing import NamedTuple

from danqing.recipe.recipe import Recipe

__all__ = ["GraphSettings"]


class GraphSettings(NamedTuple):
    """The settings of a recipe that graphs depend on; everything else is an input of the graph.

    Attributes
    ----------
    rows_per_step : int
        Including unlabelled ones; `batch_size` counts labelled rows.
    scaling : str
        No graph reads it, but it decides the shape of the network's first weights.
    frozen_body : bool
        Whether steps train the output layer alone. It is no setting of a recipe, but of a
        transfer's first phase.

    Examples
    --------
    >>> GraphSettings.of(Recipe(epochs=3)) == GraphSettings.of(Recipe(epochs=4))
    True
    """

    loss: str
    optimizer: str
    weight_decay: float
    label_smoothing: float
    affine: float
    elastic: float
    random_erasing: float
    photometric: float
    horizontal_flip: bool
    ema_decay: float
    batch_size: int
    rows_per_step: int
    unlabelled_weight: float
    scaling: str
    frozen_body: bool = False

    @classmethod
    def of(cls, recipe: Recipe, *, frozen_body: bool = False) -> GraphSettings:
        """Take them from a recipe."""
        names = [name for name in cls._fields if name != "frozen_body"]
        return cls(**{name: getattr(recipe, name) for name in names}, frozen_body=frozen_body)
