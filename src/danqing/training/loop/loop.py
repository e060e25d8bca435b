"""The training loop: run -> epoch -> stretch -> step, with whole stretches of steps in one graph.

Knows rows, not sources, and no folder: what becomes of the weights is others' business.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from danqing.networks.architecture import Architecture
from danqing.networks.backend import tf
from danqing.networks.build import member_logits_of, members_apart
from danqing.recipe.recipe import MOST_EPOCHS, Recipe
from danqing.training.budget import Budget
from danqing.training.distillation.teacher import Teacher
from danqing.training.loop.batches import BatchLoader
from danqing.training.loop.graphs import RowBlock, Span, graphs_for
from danqing.training.loop.progress import EpochReport, Position, TrainingProgress
from danqing.training.loop.sampler import Sampler
from danqing.training.loop.step import State, assign, initial_state
from danqing.training.loop.training_rows import TrainingRows
from danqing.training.optimization.schedules import learning_rates

__all__ = ["Loop"]

# Rows by which batchnorm settles: a tenth of all, between these bounds.
_FEWEST, _MOST = 512, 5120
_CHUNK_SECONDS = 1.0  # of steps in one graph call, so that Ctrl-C and progress work


class Loop:
    """A network, its rows and a recipe, ready to be run.

    Parameters
    ----------
    architecture : Architecture
    model : keras.Model
        Built from it; its weights are where training starts, and where it ends up.
    recipe : Recipe
    train, validation : TrainingRows
    target_scale : float
        Of a regression's target, so that losses and errors are told in its own unit.
    budget : Budget, optional
        Ends the run in time, its schedule included.
    teacher : Teacher, optional
        Answers what the network learns, in place of the labels.

    Attributes
    ----------
    state : State
    position : Position
    best : State, optional
        The weights of the best epoch on validation, where the recipe asks for it.
    stopped : bool
        Whether the run was stopped before its end.
    """

    def __init__(
        self,
        architecture: Architecture,
        model: Any,
        recipe: Recipe,
        train: TrainingRows,
        validation: TrainingRows,
        target_scale: float = 1.0,
        budget: Budget | None = None,
        teacher: Teacher | None = None,
    ) -> None:
        self.network = members_apart(member_logits_of(model))
        self.recipe, self.budget = recipe, budget
        self._order = Sampler(recipe, len(train) - train.unlabelled, train.unlabelled)
        self.rows, self.batch_size = self._order.rows, recipe.rows_per_step
        self.steps_per_epoch = self._order.steps
        self.compile_seconds, self.stopped = 0.0, False
        self.state, self.position = initial_state(self.network, recipe), Position()
        self.best: State | None = None
        self._validated, self._objective = self.state, math.inf
        self._dtype = self.state.parameters[0].dtype.name
        self._train = BatchLoader(train, self.batch_size, self._dtype)
        self._validation = BatchLoader(validation, self.batch_size, self._dtype)
        self._validation_rows = len(validation)
        self._graphs = graphs_for(architecture, recipe, self.network, teacher)
        # Padding would be part of what batchnorm sees of a smaller last batch.
        self._pads = not any(layer.kind == "batchnorm" for layer in architecture.layers)
        self._units = (target_scale**2, target_scale)
        self._step_seconds, self._validation_seconds = 0.0, 0.0
        self._rate = 0.0

    def run(
        self, stopped: Callable[[], bool], progress: Callable[[TrainingProgress], None]
    ) -> Iterator[EpochReport]:
        """Train epoch by epoch, until the recipe's end or until `stopped` says so.

        `stopped` is asked before each stretch: state and position are complete then. With
        patience or a budget, the weights of the best epoch on validation are kept, best by the
        loss that is learned; with patience training ends when it is that many epochs ago (Prechelt
        1998, "Early stopping - but when?").
        """
        self.compile()
        while not self._has_ended():
            report = self.epoch(stopped, progress)
            if report is None:
                self.stopped = True
                break
            self.position.end_epoch(report)
            self._remember(report)
            yield report
        assign(self.network, self.best or self.recalibrated())

    def _has_ended(self) -> bool:
        position, patience = self.position, self.recipe.patience
        if patience and position.epoch - position.best_epoch >= patience:
            return True
        return position.epoch >= self.recipe.epochs or (position.epoch > 0 and self._is_late())

    def _remember(self, report: EpochReport) -> None:
        """Keep the weights of the best epoch."""
        position, recipe = self.position, self.recipe
        # Few labels are too few to choose by, and in a study of few there are none to spare.
        few = recipe.labels_per_class or recipe.unlabelled_weight
        if not recipe.patience and (self.budget is None or few):
            return
        if position.best_loss is None or self._objective < position.best_loss:
            position.best_epoch, position.best_loss = report.epoch, self._objective
            self.best = self._validated

    def compile(self) -> None:
        """Trace and compile by running no step at all, so that the time is known by itself."""
        began = time.perf_counter()
        feed = next(self._train.feeds(self._order(0)))
        rest = self.rows % self.batch_size
        sizes = [self.batch_size] if self._pads else [self.batch_size, *([rest] if rest else [])]
        for size in sizes:
            self._graphs.steps(self.state, feed, Span(0, 0, 0, size), self._rates(feed, 0, 0), 0)
        nothing = next(self._validation.feeds())._replace(rows=0)
        self._graphs.losses(self._graphs.recalibrated(self.state, [feed], 1), nothing)
        self.compile_seconds = time.perf_counter() - began

    def epoch(
        self, stopped: Callable[[], bool], progress: Callable[[TrainingProgress], None]
    ) -> EpochReport | None:
        """Go through all rows, or those still to come, in the epoch's order; None if stopped."""
        here = self.position
        began = time.perf_counter() - here.seconds
        for feed in self._train.feeds(self._order(here.epoch), here.step):
            end = feed.first + math.ceil(feed.rows / self.batch_size)
            while here.step < end and not (here.step and self._is_late()):
                if stopped():
                    return None
                self.chunk(feed)
                here.seconds = time.perf_counter() - began
                progress(self._progress())
            if here.step < end:
                break
        report = self._report(began)
        progress(self._progress(report))
        return report

    def chunk(self, feed: RowBlock) -> None:
        """Make about a second of steps."""
        here, start = self.position, self.position.step - feed.first
        full, rest = divmod(feed.rows, self.batch_size)
        size = self.batch_size
        if rest and self._pads:
            full += 1
        if start == full:
            size, count = rest, 1
        else:
            count = self._count(full - start)
        rates = self._rates(feed, start, count)
        began = time.perf_counter()
        self.state, here.loss, here.score = self._graphs.steps(
            self.state,
            feed,
            Span(start, count, here.epoch * self.steps_per_epoch + feed.first, size),
            rates,
            self.recipe.seed,
            (here.loss, here.score),
        )
        self._step_seconds = (time.perf_counter() - began) / count
        here.step += count
        here.steps += count

    def recalibrated(self) -> State:
        """Give the weights that would ship: always by the same rows, so that it's the same."""
        rows = min(max(self.rows // 10, _FEWEST), _MOST, self.rows)
        batches = max(rows // self.batch_size, 1)
        return self._graphs.recalibrated(self.state, self._train.feeds(self._order(0)), batches)

    def validate(self) -> tuple[float, float]:
        """Measure loss and score on the validation rows, with the weights that would ship."""
        began = time.perf_counter()
        self._validated = self.recalibrated()
        sums = np.zeros(3)
        for feed in self._validation.feeds():
            sums += self._graphs.losses(self._validated, feed)
        self._validation_seconds = time.perf_counter() - began
        loss, score, self._objective = (sums / self._validation_rows).tolist()
        return loss * self._units[0], score * self._units[1]

    def _report(self, began: float) -> EpochReport:
        here = self.position
        rows = min(here.step * self.recipe.batch_size, self._order.labelled)
        loss, score = np.array([here.loss, here.score]) / rows * self._units
        val_loss, val_score = self.validate()
        seconds = time.perf_counter() - began
        return EpochReport(
            here.epoch + 1, seconds, float(loss), float(score), val_loss, val_score, self._rate
        )

    def _count(self, most: int) -> int:
        """How many steps fit into a stretch."""
        count = int(_CHUNK_SECONDS / self._step_seconds) if self._step_seconds else 1
        if self.budget is not None and self._step_seconds:
            # Shorter and shorter ones towards the end, so that a slow moment costs little.
            count = min(count, int(self._steps_left() / 2))
        return min(max(count, 1), most)

    def _steps_left(self) -> float:
        """Give the steps until the recipe's epochs are over or the budget is spent."""
        left: float = self.recipe.epochs * self.steps_per_epoch - self.position.steps
        if self.budget is not None and self._step_seconds:
            each = self._step_seconds + self._validation_seconds / self.steps_per_epoch
            left = min(left, self.budget.left() / each)
        return left

    def _is_late(self) -> bool:
        return self.budget is not None and (self.budget.left() <= 0 or self._steps_left() < 1)

    def _rates(self, feed: RowBlock, start: int, count: int) -> Any:
        """Give a feed's learning rates, as many as it has room for, of which `count` are used.

        In a budget the schedule goes on evenly from where it is to its end at the last step that
        there is time for, which is judged anew at each stretch.
        """
        here, room = self.position, feed.order.shape[0] // self.batch_size
        if self.budget is None:
            first = here.epoch * self.steps_per_epoch + feed.first
            shares = (first + np.arange(room)) / (self.recipe.epochs * self.steps_per_epoch)
        else:
            shares = np.zeros(room)
            each = (1 - here.share) / max(self._steps_left(), count, 1)
            shares[start : start + count] = here.share + each * np.arange(count)
            here.share += each * count
        rates = learning_rates(self.recipe.schedule, self.recipe.learning_rate, shares)
        self._rate = float(rates[start + count - 1]) if count else self._rate
        return tf.constant(rates, self._dtype)

    def _progress(self, finished: EpochReport | None = None) -> TrainingProgress:
        here, recipe = self.position, self.recipe
        share = here.steps / (recipe.epochs * self.steps_per_epoch)
        spent = here.trained_seconds
        left = spent / share * (1 - share)
        if self.budget is not None:
            share, left = max(share, here.share), min(left, max(self.budget.left(), 0.0))
        epochs = None if recipe.minutes and recipe.epochs == MOST_EPOCHS else recipe.epochs
        return TrainingProgress(here.epoch + 1, epochs, share, left, finished)
