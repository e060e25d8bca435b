"""In which order an epoch takes the rows. Knows numbers of rows, not rows.

Of labelled rows alone: each once. With pictures without labels, each step takes some of both, and
an epoch is long enough for all of both; of the fewer ones it takes one round after the other.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from danqing.recipe.recipe import Recipe

__all__ = ["Sampler"]


class Sampler:
    """The order of each epoch, a pure function of the recipe's seed and the epoch's number.

    Parameters
    ----------
    recipe : Recipe
    labelled, unlabelled : int
        How many rows there are; those without labels are numbered after the others.

    Attributes
    ----------
    rows : int
        That an epoch takes.
    labelled : int
        How many of those have labels.
    steps : int

    Examples
    --------
    >>> order = Sampler(Recipe(batch_size=2, unlabelled_weight=1.0), labelled=3, unlabelled=12)
    >>> order.steps, order.rows, order.labelled
    (2, 16, 4)
    >>> [sorted(step) for step in order(0).reshape(2, 8)[:, 2:].tolist()]
    [[3, 5, 6, 7, 13, 14], [4, 8, 9, 10, 11, 12]]
    """

    def __init__(self, recipe: Recipe, labelled: int, unlabelled: int) -> None:
        self._recipe, self._labelled, self._unlabelled = recipe, labelled, unlabelled
        self._others = recipe.rows_per_step - recipe.batch_size
        self.steps = math.ceil(labelled / recipe.batch_size)
        self.rows = self.labelled = labelled
        if self._others:
            self.steps = max(self.steps, math.ceil(unlabelled / self._others))
            self.rows = self.steps * recipe.rows_per_step
            self.labelled = self.steps * recipe.batch_size

    def __call__(self, epoch: int) -> NDArray[np.int64]:
        """Give the rows of an epoch, step after step; in each those with labels come first."""
        generator = np.random.default_rng([self._recipe.seed, epoch])
        if not self._others:
            return generator.permutation(self._labelled)
        parts = [
            _rounds(generator, self._labelled, self.labelled),
            self._labelled + _rounds(generator, self._unlabelled, self.rows - self.labelled),
        ]
        return np.concatenate([part.reshape(self.steps, -1) for part in parts], axis=1).ravel()


def _rounds(generator: np.random.Generator, rows: int, count: int) -> NDArray[np.int64]:
    """Shuffle the rows anew as often as it takes to have so many."""
    shuffled = [generator.permutation(rows) for _ in range(math.ceil(count / rows))]
    return np.concatenate(shuffled)[:count]
