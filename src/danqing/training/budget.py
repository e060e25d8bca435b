"""Time budget for a whole job: how much of it is left for steps. Knows no network."""

from __future__ import annotations

import time

from danqing.errors import RecipeError

__all__ = ["Budget", "Clock"]


class Clock:
    """Seconds since a job began, summed over all processes that worked on it.

    Parameters
    ----------
    started : float
        When this process began, by `time.perf_counter`.

    Attributes
    ----------
    before : float
        What earlier processes spent.

    Examples
    --------
    >>> clock = Clock(time.perf_counter() - 2)
    >>> clock.before = 40
    >>> round(clock())
    42
    """

    def __init__(self, started: float) -> None:
        self.started, self.before = started, 0.0

    def __call__(self) -> float:
        """Read the clock."""
        return self.before + time.perf_counter() - self.started


class Budget:
    """Time that a job may take in total.

    Parameters
    ----------
    seconds : float
    clock : Clock

    Attributes
    ----------
    reserve : float
        Seconds reserved for what comes after the last step: validation, export, evaluation.

    Examples
    --------
    >>> budget = Budget(60, Clock(time.perf_counter() - 10))
    >>> budget.reserve = 4
    >>> round(budget.left())
    46
    """

    def __init__(self, seconds: float, clock: Clock) -> None:
        self.seconds, self.clock, self.reserve = seconds, clock, 0.0

    def left(self) -> float:
        """Seconds left for steps; negative if none are left."""
        return self.seconds - self.reserve - self.clock()

    def refuse_spent(self) -> None:
        """Raise RecipeError if there is no time for a single step."""
        if self.left() <= 0:
            needed = 1.2 * (self.reserve + self.clock()) / 60
            raise RecipeError(
                f"minutes: {self.seconds / 60:.3g} are spent before the first step; choose at "
                f"least {needed:.2g}"
            )
