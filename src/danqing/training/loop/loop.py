"""The training loop: run -> epoch -> chunk -> step, with whole chunks of steps in one graph.

Knows rows, but neither where they come from nor a folder: what becomes of the weights is not its
business.
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
from danqing.training.graph_settings import GraphSettings
from danqing.training.loop.batches import BatchLoader, RowBlock
from danqing.training.loop.graphs import Chunk, graphs_for
from danqing.training.loop.pace import Pace
from danqing.training.loop.phases import phase_seed
from danqing.training.loop.progress import EpochReport, Position, TrainingProgress
from danqing.training.loop.sampler import Sampler
from danqing.training.loop.step import (
    State,
    assign_weights,
    initial_state,
    is_output,
    restarted,
)
from danqing.training.loop.training_rows import TrainingRows

__all__ = ["Loop"]

# Rows from which batch norm is recalibrated: a tenth of all, between these bounds.
_FEWEST, _MOST = 512, 5120
_CHUNK_SECONDS = 1.0  # of steps in one graph call, so that Ctrl-C and progress work


class Loop:
    """A network, its rows and a recipe, ready to be run.

    Parameters
    ----------
    architecture : Architecture
    model : keras.Model
        Built from it; training starts from its weights, and puts the trained ones there.
    recipe : Recipe
    train, validation : TrainingRows
    target_scale : float
        Of a regression's target, so that losses and errors are reported in its own unit.
    budget : Budget, optional
        Ends the run in time, its schedule included.
    teacher : Teacher, optional
        Predicts what the network learns, in place of the labels.
    transfer : bool
        Whether the output layer is new: it is trained alone first, then all layers are.

    Attributes
    ----------
    state : State
    position : Position
    best : State, optional
        The weights of the best epoch on validation, where the recipe asks for it.
    stopped : bool
        Whether the run was stopped before its end.
    compile_seconds : float
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
        *,
        transfer: bool = False,
    ) -> None:
        self.network = members_apart(member_logits_of(model))
        self.recipe = recipe
        self.sampler = Sampler(recipe, len(train) - train.unlabelled, train.unlabelled)
        self.batch_size, self.steps_per_epoch = recipe.rows_per_step, self.sampler.steps
        self.pace = Pace(recipe, self.steps_per_epoch, budget, transfer=transfer)
        self.compile_seconds, self.stopped = 0.0, False
        self.state = initial_state(self.network, GraphSettings.of(recipe))
        self.position = Position(frozen_body=transfer)
        self.best: State | None = None
        self._validated, self._objective = self.state, math.inf
        self._dtype = self.state.parameters[0].dtype.name
        self._train = BatchLoader(train, self.batch_size, self._dtype)
        self._validation = BatchLoader(validation, self.batch_size, self._dtype)
        self._validation_rows = len(validation)
        self._graphs = graphs_for(architecture, recipe, self.network, teacher)
        self._frozen_graphs = self._graphs
        self._trained_parameters: dict[bool, int] = {}
        if transfer:
            self._frozen_graphs = graphs_for(
                architecture, recipe, self.network, teacher, frozen_body=True
            )
            self._trained_parameters = {
                frozen: sum(
                    math.prod(variable.shape)
                    for variable in self.network.trainable_variables
                    if is_output(variable) or not frozen
                )
                for frozen in (False, True)
            }
        # Batch norm would see the padding of a smaller last batch.
        self._pads = not any(layer.kind == "batchnorm" for layer in architecture.layers)
        self._units = (target_scale**2, target_scale)
        self._learning_rate = 0.0

    def run(
        self, stopped: Callable[[], bool], progress: Callable[[TrainingProgress], None]
    ) -> Iterator[EpochReport]:
        """Train epoch by epoch, until the recipe's end or until `stopped` returns True.

        `stopped` is called before each chunk, when state and position are complete. With patience
        or a budget, the weights of the best epoch are kept, best by the objective on validation;
        with patience training ends when it is that many epochs ago (Prechelt 1998, "Early stopping
        - but when?").
        """
        self.compile()
        while not self._has_ended():
            report = self.run_epoch(stopped, progress)
            if report is None:
                self.stopped = True
                break
            self.position.end_epoch(report)
            self._keep_best(report)
            yield report
        assign_weights(self.network, self.best or self.recalibrate_batch_norm())

    def _has_ended(self) -> bool:
        position, patience = self.position, self.recipe.patience
        if patience and not position.frozen_body:
            phase_began = position.phase_start // self.steps_per_epoch
            if position.epoch - max(position.best_epoch, phase_began) >= patience:
                return True
        out_of_time = position.epoch > 0 and self.pace.is_out_of_time(position)
        return position.epoch >= self.recipe.epochs or out_of_time

    def _keep_best(self, report: EpochReport) -> None:
        """Keep the weights of the best epoch."""
        position, recipe = self.position, self.recipe
        # Few labels are too few to choose by, and a study of few has none to spare.
        few = recipe.labels_per_class or recipe.unlabelled_weight
        if not recipe.patience and (self.pace.budget is None or few):
            return
        if position.best_objective is None or self._objective < position.best_objective:
            position.best_epoch, position.best_objective = report.epoch, self._objective
            self.best = self._validated

    def compile(self) -> None:
        """Trace and compile, so that it is timed by itself.

        The first step also loads and reserves things, so one is made whose result is not used.
        """
        began = time.perf_counter()
        block = next(self._train.blocks(self.sampler(0)))
        rest = self.sampler.rows % self.batch_size
        sizes = [self.batch_size] if self._pads else [self.batch_size, *([rest] if rest else [])]
        rates = self._learning_rates(block, 0, 0)
        for graphs in [self._graphs, *[self._frozen_graphs] * self.position.frozen_body]:
            for size in sizes:
                graphs.run_chunk(self.state, block, Chunk(0, 1, 0, size), rates, 0)
        recalibrated = self._graphs.recalibrate_batch_norm(self.state, [block], 1)
        self._graphs.evaluate(recalibrated, next(self._validation.blocks())._replace(rows=0))
        self.compile_seconds = time.perf_counter() - began

    def run_epoch(
        self, stopped: Callable[[], bool], progress: Callable[[TrainingProgress], None]
    ) -> EpochReport | None:
        """Train on all rows, or those still to come, in the epoch's order; None if stopped."""
        here = self.position
        began = time.perf_counter() - here.seconds
        for block in self._train.blocks(self.sampler(here.epoch), here.step):
            end = block.first + math.ceil(block.rows / self.batch_size)
            while here.step < end and not (here.step and self.pace.is_out_of_time(here)):
                if stopped():
                    return None
                self.run_chunk(block)
                here.seconds = time.perf_counter() - began
                progress(self._progress())
            if here.step < end:
                break
        report = self._report(began)
        progress(self._progress(report))
        return report

    def run_chunk(self, block: RowBlock) -> None:
        """Make about a second of steps."""
        if self.position.frozen_body and self.pace.output_steps_left(self.position) < 1:
            self._train_all_layers()
        here, start = self.position, self.position.step - block.first
        full, rest = divmod(block.rows, self.batch_size)
        size = self.batch_size
        if rest and self._pads:
            full += 1
        if start == full:
            size, count = rest, 1
        else:
            count = self.pace.chunk_steps(here, full - start, _CHUNK_SECONDS)
        rates = self._learning_rates(block, start, count)
        first = here.epoch * self.steps_per_epoch + block.first - here.phase_start
        graphs = self._frozen_graphs if here.frozen_body else self._graphs
        began = time.perf_counter()
        self.state, here.loss, here.metric = graphs.run_chunk(
            self.state,
            block,
            Chunk(start, count, first, size),
            rates,
            phase_seed(self.recipe, frozen_body=here.frozen_body),
            (here.loss, here.metric),
        )
        self.pace.step_seconds = (time.perf_counter() - began) / count
        here.step += count
        here.steps += count

    def _train_all_layers(self) -> None:
        """Begin the second phase, with an optimizer state and an average of its own."""
        here = self.position
        here.frozen_body = False
        here.phase_start = here.epoch * self.steps_per_epoch + here.step
        self.state = restarted(self.state, self._graphs.settings)
        self.pace.step_seconds = 0.0  # they take longer than those of the output layer

    def recalibrate_batch_norm(self) -> State:
        """Compute the weights that ship, always from the same rows, for the same result.

        An output layer that is trained alone learns from the statistics that its body has.
        """
        if self.position.frozen_body:
            weights = self.state.ema or self.state.parameters
            return State(weights, list(self.state.non_trainable), [], [])
        rows = min(max(self.sampler.rows // 10, _FEWEST), _MOST, self.sampler.rows)
        batches = max(rows // self.batch_size, 1)
        blocks = self._train.blocks(self.sampler(0))
        return self._graphs.recalibrate_batch_norm(self.state, blocks, batches)

    def validate(self) -> tuple[float, float]:
        """Measure loss and metric on the validation set, with the weights that would ship."""
        began = time.perf_counter()
        self._validated = self.recalibrate_batch_norm()
        sums = np.zeros(3)
        for block in self._validation.blocks():
            sums += self._graphs.evaluate(self._validated, block)
        self.pace.validation_seconds = time.perf_counter() - began
        loss, metric, self._objective = (sums / self._validation_rows).tolist()
        return loss * self._units[0], metric * self._units[1]

    def _report(self, began: float) -> EpochReport:
        here = self.position
        rows = min(here.step * self.recipe.batch_size, self.sampler.labelled)
        loss, metric = np.array([here.loss, here.metric]) / rows * self._units
        val_loss, val_metric = self.validate()
        seconds = time.perf_counter() - began
        return EpochReport(
            here.epoch + 1,
            seconds,
            float(loss),
            float(metric),
            val_loss,
            val_metric,
            self._learning_rate,
            self._trained_parameters.get(here.frozen_body),
        )

    def _learning_rates(self, block: RowBlock, start: int, count: int) -> Any:
        steps = block.order.shape[0] // self.batch_size
        rates = self.pace.learning_rates(self.position, block.first, steps, start, count)
        self._learning_rate = float(rates[start + count - 1]) if count else self._learning_rate
        return tf.constant(rates, self._dtype)

    def _progress(self, finished: EpochReport | None = None) -> TrainingProgress:
        here, recipe = self.position, self.recipe
        share = here.steps / (recipe.epochs * self.steps_per_epoch)
        spent = here.trained_seconds
        left = spent / share * (1 - share)
        budget = self.pace.budget
        if budget is not None:
            share, left = max(share, here.share), min(left, max(budget.left(), 0.0))
        epochs = None if recipe.minutes and recipe.epochs == MOST_EPOCHS else recipe.epochs
        return TrainingProgress(here.epoch + 1, epochs, share, left, finished)
