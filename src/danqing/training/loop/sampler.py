"""The order in which an epoch takes the rows. Knows the numbers of rows, not the rows.

Labelled rows alone come once each. With unlabelled pictures, each step takes some of both, and an
epoch is long enough to take all of both: the fewer ones are taken several times.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from danqing.recipe.recipe import Recipe

__all__ = ["Sampler"]


class Sampler:
    """Shuffles the rows of each epoch, as a pure function of the recipe's seed and the epoch.

    Parameters
    ----------
    recipe : Recipe
    labelled, unlabelled : int
        How many rows there are; unlabelled ones are numbered after the others.

    Attributes
    ----------
    steps : int
        In an epoch.
    rows : int
        Taken in an epoch.
    labelled : int
        How many of those have labels.

    Examples
    --------
    >>> sampler = Sampler(Recipe(batch_size=2, unlabelled_weight=1.0), labelled=3, unlabelled=12)
    >>> sampler.steps, sampler.rows, sampler.labelled
    (2, 16, 4)
    >>> [sorted(step) for step in sampler(0).reshape(2, 8)[:, 2:].tolist()]
    [[3, 5, 6, 7, 13, 14], [4, 8, 9, 10, 11, 12]]
    """

    def __init__(self, recipe: Recipe, labelled: int, unlabelled: int) -> None:
        self._seed, self._counts = recipe.seed, (labelled, unlabelled)
        self._unlabelled_per_step = recipe.rows_per_step - recipe.batch_size
        self.steps = math.ceil(labelled / recipe.batch_size)
        self.rows = self.labelled = labelled
        if self._unlabelled_per_step:
            self.steps = max(self.steps, math.ceil(unlabelled / self._unlabelled_per_step))
            self.rows = self.steps * recipe.rows_per_step
            self.labelled = self.steps * recipe.batch_size

    def __call__(self, epoch: int) -> NDArray[np.int64]:
        """Order the rows of an epoch, step after step; in each, labelled ones come first."""
        generator = np.random.default_rng([self._seed, epoch])
        labelled, unlabelled = self._counts
        if not self._unlabelled_per_step:
            return generator.permutation(labelled)
        rows = [
            _repeated_permutation(generator, labelled, self.labelled),
            labelled + _repeated_permutation(generator, unlabelled, self.rows - self.labelled),
        ]
        return np.concatenate([one.reshape(self.steps, -1) for one in rows], axis=1).ravel()


def _repeated_permutation(
    generator: np.random.Generator, rows: int, count: int
) -> NDArray[np.int64]:
    """Shuffle the rows anew as often as it takes to have `count`."""
    shuffled = [generator.permutation(rows) for _ in range(math.ceil(count / rows))]
    return np.concatenate(shuffled)[:count]
