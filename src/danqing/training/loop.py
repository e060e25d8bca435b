"""The training loop: run -> epoch -> steps -> step, with whole stretches of steps in one graph.

Knows arrays, not sources, and no folder: what becomes of the weights is others' business.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.networks.backend import tf
from danqing.recipe.recipe import Recipe
from danqing.training.losses import loss_of
from danqing.training.schedules import learning_rates
from danqing.training.step import State, Step, assign, initial_state

__all__ = ["EpochReport", "Loop", "Progress", "Rows"]

_STRETCH_SECONDS = 1.0  # of steps in one graph call, so that Ctrl-C and progress work
_VALIDATION_BATCH = 500

Rows = tuple[NDArray[np.uint8], NDArray[np.int64]]


@dataclass(frozen=True)
class EpochReport:
    """A finished epoch: a line of `history.csv`."""

    epoch: int
    seconds: float
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float
    learning_rate: float


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
    network : keras.Model
        From raw pixels to logits; its weights are where training starts, and where it ends up.
    recipe : Recipe
    train, validation : (ndarray, ndarray)
        Pictures of shape (n, height, width, channels), labels of shape (n,).
    convolutional : bool
        XLA makes dense networks ten times faster and convolutions five times slower on a CPU,
        so with convolutions it compiles nothing but the update.
    """

    def __init__(
        self, network: Any, recipe: Recipe, train: Rows, validation: Rows, *, convolutional: bool
    ) -> None:
        self.network, self.recipe = network, recipe
        self.rows, self.batch_size = len(train[0]), recipe.batch_size
        self.steps_per_epoch = math.ceil(self.rows / self.batch_size)
        self.rates = learning_rates(
            recipe.schedule, recipe.learning_rate, recipe.epochs * self.steps_per_epoch
        )
        self.compile_seconds, self.steps_made = 0.0, 0
        self.state = initial_state(network, recipe)
        self._dtype = self.state.parameters[0].dtype
        self._train = (tf.constant(train[0]), tf.constant(train[1], tf.int32))
        self._validation = (tf.constant(validation[0]), tf.constant(validation[1], tf.int32))
        self._whole = not convolutional
        self._step = Step(network, recipe, fused=convolutional)
        self._steps = tf.function(self._graph_steps, jit_compile=self._whole or None)
        self._validate = tf.function(self._graph_validate)
        self._step_seconds = 0.0

    def run(
        self, stopped: Callable[[], bool], progress: Callable[[Progress], None]
    ) -> Iterator[EpochReport]:
        """Train epoch by epoch, until the recipe's end or until `stopped` says so."""
        self.compile()
        self._began = time.perf_counter()
        for epoch in range(self.recipe.epochs):
            report = self.epoch(epoch, stopped, progress)
            if report is None:
                break
            yield report
        assign(self.network, self.state)

    def compile(self) -> None:
        """Trace and compile by running no step at all, so that the time is known by itself."""
        began = time.perf_counter()
        order = tf.range(self.rows)
        for batch_size in self._batch_sizes():
            self._call(order, 0, 0, 0, batch_size)
        self._measure_validation(range(0))
        self.compile_seconds = time.perf_counter() - began

    def epoch(
        self, epoch: int, stopped: Callable[[], bool], progress: Callable[[Progress], None]
    ) -> EpochReport | None:
        """Go once through all rows in an order of this epoch's own; None if it was stopped."""
        began = time.perf_counter()
        shuffle = np.random.default_rng([self.recipe.seed, epoch])
        order = tf.constant(shuffle.permutation(self.rows).astype(np.int32))
        first = epoch * self.steps_per_epoch
        loss_sum, right_sum, done = 0.0, 0, 0
        while done < self.steps_per_epoch:
            if stopped():
                return None
            loss, right, made = self.stretch(order, first, done)
            loss_sum, right_sum, done = loss_sum + loss, right_sum + right, done + made
            progress(self._progress(epoch, first + done))
        val_loss, val_accuracy = self.validate()
        report = EpochReport(
            epoch + 1,
            time.perf_counter() - began,
            loss_sum / self.rows,
            right_sum / self.rows,
            val_loss,
            val_accuracy,
            float(self.rates[first + done - 1]),
        )
        progress(self._progress(epoch, first + done, report))
        return report

    def stretch(self, order: Any, first: int, done: int) -> tuple[float, int, int]:
        """Make about a second of steps: sum of losses over rows, rows right, steps made."""
        full_steps = self.rows // self.batch_size
        if done == full_steps:
            loss, right = self._call(order, first, done, 1, self.rows % self.batch_size)
            return loss, right, 1
        wanted = int(_STRETCH_SECONDS / self._step_seconds) if self._step_seconds else 1
        count = min(max(wanted, 1), full_steps - done)
        began = time.perf_counter()
        loss, right = self._call(order, first, done, count, self.batch_size)
        self._step_seconds = (time.perf_counter() - began) / count
        self.steps_made += count
        return loss, right, count

    def validate(self) -> tuple[float, float]:
        """Measure loss and accuracy on the validation rows, with the weights that would ship."""
        rows = self._validation[0].shape[0]
        loss, right = self._measure_validation(range(0, rows, _VALIDATION_BATCH))
        return loss / rows, right / rows

    def _batch_sizes(self) -> list[int]:
        """Sizes of batches that occur: the last one of an epoch may be smaller."""
        full = [self.batch_size] if self.rows >= self.batch_size else []
        rest = self.rows % self.batch_size
        return [*full, rest] if rest else full

    def _call(
        self, order: Any, first: int, start: int, count: int, batch_size: int
    ) -> tuple[float, int]:
        self.state, loss, right = self._steps(
            self.state,
            order,
            tf.constant(first),
            tf.constant(start),
            tf.constant(count),
            tf.constant(self.rates[first : first + self.steps_per_epoch], self._dtype),
            batch_size,
        )
        return float(loss) * batch_size, int(right)

    def _graph_steps(
        self,
        state: State,
        order: Any,
        first: Any,
        start: Any,
        count: Any,
        rates: Any,
        batch_size: int,
    ) -> tuple[State, Any, Any]:
        """Make steps `start` to `start + count` of an epoch that began at step `first`."""

        def body(i: Any, state: State, loss_sum: Any, right_sum: Any) -> tuple[Any, ...]:
            # A smaller last batch begins where the full ones end.
            begin = i * self.batch_size
            rows = tf.slice(order, [begin], [batch_size])
            pictures, labels = (tf.gather(array, rows) for array in self._train)
            state, loss, right = self._step(state, pictures, labels, rates[i], first + i)
            return i + 1, state, loss_sum + loss, right_sum + right

        nothing = (tf.constant(0, self._dtype), tf.constant(0))
        _, state, loss, right = tf.while_loop(
            lambda i, *_: i < start + count, body, (start, state, *nothing), parallel_iterations=1
        )
        return state, loss, right

    def _measure_validation(self, starts: range) -> tuple[float, int]:
        loss_sum, right_sum = 0.0, 0
        state = self.state
        for start in starts or [0]:
            loss, right = self._validate(
                state.average or state.parameters, state.statistics, tf.constant(start)
            )
            loss_sum, right_sum = loss_sum + float(loss), right_sum + int(right)
        return loss_sum, right_sum

    def _graph_validate(self, parameters: Any, statistics: Any, start: Any) -> tuple[Any, Any]:
        pictures, labels = (array[start : start + _VALIDATION_BATCH] for array in self._validation)
        logits, _ = self.network.stateless_call(
            parameters, statistics, tf.cast(pictures, self._dtype), training=False
        )
        loss = loss_of(self.recipe.loss, logits, labels)
        answers = tf.argmax(logits, axis=-1, output_type=labels.dtype)
        right = tf.reduce_sum(tf.cast(answers == labels, tf.int32))
        return loss * tf.cast(tf.shape(labels)[0], self._dtype), right

    def _progress(self, epoch: int, done: int, finished: EpochReport | None = None) -> Progress:
        steps = len(self.rates)
        spent = time.perf_counter() - self._began
        return Progress(
            epoch + 1, self.recipe.epochs, done, steps, spent / done * (steps - done), finished
        )
