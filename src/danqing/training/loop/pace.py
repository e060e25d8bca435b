"""How many steps come next, at which learning rates, and whether there is time for them.

Knows a position, a recipe and a budget; makes no step and reads no clock but the budget's.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from danqing.recipe.recipe import Recipe
from danqing.training.budget import Budget
from danqing.training.loop.phases import output_share, phase_learning_rates
from danqing.training.loop.progress import Position
from danqing.training.optimization.schedules import learning_rates

__all__ = ["Pace"]


class Pace:
    """Plans the steps of a run.

    Parameters
    ----------
    recipe : Recipe
    steps_per_epoch : int
    budget : Budget, optional
    transfer : bool
        Whether the output layer is trained alone first.

    Attributes
    ----------
    step_seconds, validation_seconds : float
        What the last ones took; 0 until there was one.
    """

    def __init__(
        self, recipe: Recipe, steps_per_epoch: int, budget: Budget | None, *, transfer: bool
    ) -> None:
        self.recipe, self.steps_per_epoch, self.budget = recipe, steps_per_epoch, budget
        self._output_share = output_share(recipe) if transfer else 0.0
        self._steps = recipe.epochs * steps_per_epoch
        self.step_seconds = self.validation_seconds = 0.0

    def is_out_of_time(self, here: Position) -> bool:
        """Whether the budget has no room for another step."""
        return self.budget is not None and (self.budget.left() <= 0 or self.steps_left(here) < 1)

    def steps_left(self, here: Position) -> float:
        """How many steps remain until the recipe's last epoch ends or the budget is spent."""
        left: float = self._steps - here.steps
        if self.budget is not None and self.step_seconds:
            each = self.step_seconds + self.validation_seconds / self.steps_per_epoch
            left = min(left, self.budget.left() / each)
        return left

    def output_steps_left(self, here: Position) -> int:
        """How many steps remain in which the output layer is trained alone."""
        if self.budget is None:
            return round(self._output_share * self._steps) - here.steps
        left = (self._output_share - here.share) / (1 - here.share) * self.steps_left(here)
        return int(left)

    def chunk_steps(self, here: Position, most: int, seconds: float) -> int:
        """How many steps the next chunk has: at most so many, in about so many seconds."""
        count = int(seconds / self.step_seconds) if self.step_seconds else 1
        if self.budget is not None and self.step_seconds:
            # Shorter and shorter ones towards the end, so that a slow moment costs little.
            count = min(count, int(self.steps_left(here) / 2))
        if here.frozen_body:
            count = min(count, self.output_steps_left(here))
        return min(max(count, 1), most)

    def learning_rates(
        self, here: Position, first: int, steps: int, start: int, count: int
    ) -> NDArray[np.float64]:
        """Compute the learning rates of a block's steps, of which `count` from `start` are used.

        With a budget, the schedule continues evenly from where it is to its end at the last step
        that there is time for, which is estimated anew for each chunk.

        Parameters
        ----------
        here : Position
        first : int
            The step of the epoch that the block begins with.
        steps : int
            Of the block.
        start, count : int
        """
        recipe = self.recipe
        if self.budget is None:
            before = here.epoch * self.steps_per_epoch + first
            shares = (before + np.arange(steps)) / self._steps
        else:
            shares = np.zeros(steps)
            each = (1 - here.share) / max(self.steps_left(here), count, 1)
            shares[start : start + count] = here.share + each * np.arange(count)
            here.share += each * count
        if self._output_share:
            return phase_learning_rates(recipe, shares, frozen_body=here.frozen_body)
        return learning_rates(recipe.schedule, recipe.learning_rate, shares)
