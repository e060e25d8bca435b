"""The training loop: run -> epoch -> stretch -> step, with whole stretches of steps in one graph.

Knows rows, not sources, and no folder: what becomes of the weights is others' business.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from danqing.networks.architecture import Architecture
from danqing.networks.backend import tf
from danqing.networks.build import logits_of
from danqing.recipe.recipe import Recipe
from danqing.training.feeding import Feeder, Rows
from danqing.training.graphs import Feed, Span, graphs_for
from danqing.training.schedules import learning_rates
from danqing.training.step import State, assign, initial_state

__all__ = ["EpochReport", "Loop", "Progress"]

_STRETCH_SECONDS = 1.0  # of steps in one graph call, so that Ctrl-C and progress work


@dataclass(frozen=True)
class EpochReport:
    """A finished epoch: a line of `history.csv`.

    `score` is the accuracy; for regression the mean absolute error.
    """

    epoch: int
    seconds: float
    loss: float
    score: float
    val_loss: float
    val_score: float
    learning_rate: float

    def line(self, task: str) -> dict[str, float]:
        """Give it under the names of `history.csv`."""
        name = "accuracy" if task == "classification" else "mae"
        names = {"score": name, "val_score": f"val_{name}"}
        return {names.get(field, field): value for field, value in vars(self).items()}


@dataclass(frozen=True)
class Progress:
    """Where a run is: steps done of all, and the seconds that are probably left."""

    epoch: int
    epochs: int
    step: int
    steps: int
    seconds_left: float
    finished: EpochReport | None = None


class Loop:
    """A network, its rows and a recipe, ready to be run.

    Parameters
    ----------
    architecture : Architecture
    model : keras.Model
        Built from it; its weights are where training starts, and where it ends up.
    recipe : Recipe
    train, validation : Rows
    target_scale : float
        Of a regression's target, so that losses and errors are told in its own unit.
    """

    def __init__(
        self,
        architecture: Architecture,
        model: Any,
        recipe: Recipe,
        train: Rows,
        validation: Rows,
        target_scale: float = 1.0,
    ) -> None:
        self.network, self.recipe = logits_of(model), recipe
        self.rows, self.batch_size = len(train), recipe.batch_size
        self.steps_per_epoch = math.ceil(self.rows / self.batch_size)
        self.rates = learning_rates(
            recipe.schedule, recipe.learning_rate, recipe.epochs * self.steps_per_epoch
        )
        self.compile_seconds, self.steps_made, self.stopped = 0.0, 0, False
        self.state = initial_state(self.network, recipe)
        self._dtype = self.state.parameters[0].dtype.name
        self._train = Feeder(train, self.batch_size, self._dtype)
        self._validation = Feeder(validation, self.batch_size, self._dtype)
        self._validation_rows = len(validation)
        self._graphs = graphs_for(architecture, recipe, self.network)
        # Padding would be part of what batchnorm sees of a smaller last batch.
        self._pads = not any(layer.kind == "batchnorm" for layer in architecture.layers)
        self._units = (target_scale**2, target_scale)
        self._step_seconds = 0.0
        self._best: State | None = None
        self._best_loss, self._best_epoch = math.inf, 0

    def run(
        self, stopped: Callable[[], bool], progress: Callable[[Progress], None]
    ) -> Iterator[EpochReport]:
        """Train epoch by epoch, until the recipe's end or until `stopped` says so.

        With patience, the weights of the best epoch on validation are kept, and training ends
        when it is that many epochs ago (Prechelt 1998, "Early stopping - but when?").
        """
        self.compile()
        self._began = time.perf_counter()
        for epoch in range(self.recipe.epochs):
            report = self.epoch(epoch, stopped, progress)
            if report is None:
                self.stopped = True
                break
            yield report
            if self._best_is_old(report):
                break
        assign(self.network, self._best or self.state)

    def _best_is_old(self, report: EpochReport) -> bool:
        """Remember the best epoch's state; say whether it is the recipe's patience ago."""
        if not self.recipe.patience:
            return False
        if report.val_loss < self._best_loss:
            self._best = self.state
            self._best_loss, self._best_epoch = report.val_loss, report.epoch
        return report.epoch - self._best_epoch >= self.recipe.patience

    def compile(self) -> None:
        """Trace and compile by running no step at all, so that the time is known by itself."""
        began = time.perf_counter()
        feed = next(self._train.feeds())
        rest = self.rows % self.batch_size
        sizes = [self.batch_size] if self._pads else [self.batch_size, *([rest] if rest else [])]
        for size in sizes:
            self._graphs.steps(self.state, feed, Span(0, 0, 0, size), self._rates(0, feed), 0)
        self._graphs.losses(self.state, next(self._validation.feeds())._replace(rows=0))
        self.compile_seconds = time.perf_counter() - began

    def epoch(
        self, epoch: int, stopped: Callable[[], bool], progress: Callable[[Progress], None]
    ) -> EpochReport | None:
        """Go once through all rows in an order of this epoch's own; None if it was stopped."""
        began = time.perf_counter()
        order = np.random.default_rng([self.recipe.seed, epoch]).permutation(self.rows)
        first = epoch * self.steps_per_epoch
        sums = np.zeros(2)
        for feed in self._train.feeds(order):
            start, steps = 0, math.ceil(feed.rows / self.batch_size)
            while start < steps:
                if stopped():
                    return None
                made, loss, score = self.stretch(feed, start, first)
                sums += loss, score
                start += made
                progress(self._progress(epoch, first + start))
            first += steps
        loss, score = sums / self.rows * self._units
        val_loss, val_score = self.validate()
        seconds, rate = time.perf_counter() - began, float(self.rates[first - 1])
        report = EpochReport(
            epoch + 1, seconds, float(loss), float(score), val_loss, val_score, rate
        )
        progress(self._progress(epoch, first, report))
        return report

    def stretch(self, feed: Feed, start: int, first: int) -> tuple[int, float, float]:
        """Make about a second of steps: how many, and their sums over rows of loss and score."""
        full, rest = divmod(feed.rows, self.batch_size)
        size = self.batch_size
        if rest and self._pads:
            full += 1
        if start == full:
            size, count = rest, 1
        else:
            wanted = int(_STRETCH_SECONDS / self._step_seconds) if self._step_seconds else 1
            count = min(max(wanted, 1), full - start)
        began = time.perf_counter()
        self.state, loss, score = self._graphs.steps(
            self.state,
            feed,
            Span(start, count, first, size),
            self._rates(first, feed),
            self.recipe.seed,
        )
        self._step_seconds = (time.perf_counter() - began) / count
        self.steps_made += count
        return count, loss, score

    def validate(self) -> tuple[float, float]:
        """Measure loss and score on the validation rows, with the weights that would ship."""
        sums = np.zeros(2)
        for feed in self._validation.feeds():
            sums += self._graphs.losses(self.state, feed)
        loss, score = sums / self._validation_rows * self._units
        return float(loss), float(score)

    def _rates(self, first: int, feed: Feed) -> Any:
        """Give the learning rates of a feed's steps, as many as it has room for."""
        rates = np.zeros(feed.order.shape[0] // self.batch_size)
        known = self.rates[first : first + len(rates)]
        rates[: len(known)] = known
        return tf.constant(rates, self._dtype)

    def _progress(self, epoch: int, done: int, finished: EpochReport | None = None) -> Progress:
        steps = len(self.rates)
        spent = time.perf_counter() - self._began
        return Progress(
            epoch + 1, self.recipe.epochs, done, steps, spent / done * (steps - done), finished
        )
