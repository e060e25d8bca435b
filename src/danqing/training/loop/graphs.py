"""Chunks of steps, and evaluations, each in one compiled graph. Knows no epochs.

Graphs are kept: a second training of the same network and settings compiles nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from danqing.networks.architecture import Architecture
from danqing.networks.backend import keras, tf
from danqing.networks.batch_statistics import batch_statistics, is_statistic
from danqing.networks.losses import row_losses
from danqing.networks.outputs import row_metrics
from danqing.recipe.recipe import Recipe
from danqing.training.distillation.teacher import Teacher
from danqing.training.graph_settings import GraphSettings
from danqing.training.loop.batches import Batch, RowBlock
from danqing.training.loop.step import State, Step, mean_outputs, member_inputs

__all__ = ["Chunk", "Graphs", "graphs_for"]

_EVALUATION_BATCH = 500
_MOST_KEPT = 64


class Chunk(NamedTuple):
    """Steps `start` to `start + steps` of a block, whose step 0 is the run's step `first`."""

    start: int
    steps: int
    first: int
    batch_size: int


class Graphs:
    """The compiled graphs of a network's structure; weights and data are handed in.

    Parameters
    ----------
    network : keras.Model
        Only its structure is used.
    settings : GraphSettings
    teacher : Teacher, optional
        Predicts what the network learns, in place of the labels.
    jit_compile : bool
        Compile whole chunks by XLA: on a CPU it makes dense networks ten times faster, and
        convolutions five times slower. Otherwise only the update is compiled.
    """

    def __init__(
        self,
        network: Any,
        settings: GraphSettings,
        teacher: Teacher | None = None,
        *,
        jit_compile: bool,
    ) -> None:
        self.network, self.settings = network, settings
        self._step = Step(network, settings, teacher, jit_update=not jit_compile)
        self._chunk = tf.function(
            self._trace_chunk, jit_compile=jit_compile or None, autograph=False
        )
        self._statistics = tf.function(self._trace_statistics, autograph=False)
        self._evaluation = tf.function(self._trace_evaluation, autograph=False)
        # Dense layers use one core each; with convolutions, one batch in memory is enough.
        self._parallel_batches = 2 if jit_compile else 1

    def run_chunk(
        self,
        state: State,
        block: RowBlock,
        chunk: Chunk,
        learning_rates: Any,
        seed: int,
        sums: tuple[float, float] = (0.0, 0.0),
    ) -> tuple[State, float, float]:
        """Make some steps; return the state after them, and the sums of loss and metric over rows.

        The sums go on from `sums`: added up so, they don't depend on where a chunk ends.
        """
        position = tf.constant(
            [chunk.start, chunk.start + chunk.steps, chunk.first, block.rows, seed]
        )
        state, total = self._chunk(
            state,
            *block[:4],
            learning_rates,
            position,
            tf.constant(sums, tf.float64),
            chunk.batch_size,
        )
        loss, metric = total.numpy().tolist()
        return state, loss, metric

    def recalibrate_batch_norm(
        self, state: State, blocks: Iterable[RowBlock], batches: int
    ) -> State:
        """Compute the weights that ship, with batch norm's statistics of rows without augmentation.

        Its running mean and variance are of augmented pictures, and of weights that were still
        changing, neither of which occurs in prediction. So they are estimated anew, from some
        whole batches (Izmailov et al. 2018, "Averaging weights leads to wider optima and better
        generalization", section 3.2; Touvron et al. 2019, "Fixing the train-test resolution
        discrepancy", section 3.2; "precise BN").
        """
        weights, others = state.ema or state.parameters, list(state.non_trainable)
        places = [p for p, v in enumerate(self.network.non_trainable_variables) if is_statistic(v)]
        sums, left = [tf.zeros_like(others[place]) for place in places], batches
        for block in blocks if places else ():
            count = min(left, block.rows // self.settings.rows_per_step)
            sums = self._statistics(
                weights, others, block.examples, block.order, tf.constant(count), sums
            )
            left -= count
            if not left:
                break
        for place, total in zip(places, sums, strict=True):
            others[place] = total / (batches - left)
        return State(weights, others, [], [])

    def evaluate(self, state: State, block: RowBlock) -> tuple[float, float, float]:
        """Sum loss, metric and objective over a block's rows, for a recalibrated state.

        The objective is the loss that training minimises: of smoothed labels, or of a teacher's
        predictions. As a network becomes as unsure as these ask, its loss on plain labels may grow
        while it makes fewer errors.
        """
        sums = self._evaluation(
            state.parameters, state.non_trainable, *block[:4], tf.constant(block.rows)
        )
        loss, metric, objective = (float(total) for total in sums)
        return loss, metric, objective

    def _trace_chunk(
        self,
        state: State,
        examples: Any,
        targets: Any,
        weights: Any,
        order: Any,
        learning_rates: Any,
        position: Any,
        sums: Any,
        batch_size: int,
    ) -> tuple[State, Any]:
        start, end, first, rows, seed = tf.unstack(position)
        dtype = state.parameters[0].dtype

        def body(i: Any, state: State, sums: Any) -> tuple[Any, ...]:
            # A smaller last batch begins where the full ones end.
            begin = i * self.settings.rows_per_step
            chosen = tf.slice(order, [begin], [batch_size])
            counts = tf.cast(begin + tf.range(batch_size) < rows, dtype)
            batch = Batch(
                tf.gather(examples, chosen),
                tf.gather(targets, chosen),
                tf.gather(weights, chosen) * counts,
                tf.reduce_sum(counts),
            )
            state, loss, metric = self._step(
                state, batch, learning_rates[i], tf.stack([seed, first + i])
            )
            return i + 1, state, sums + tf.cast(tf.stack([loss, metric]), sums.dtype)

        _, state, sums = tf.while_loop(
            lambda i, *_: i < end, body, (start, state, sums), parallel_iterations=1
        )
        return state, sums

    def _trace_statistics(
        self, parameters: Any, others: Any, examples: Any, order: Any, batches: Any, sums: Any
    ) -> Any:
        size = self.settings.rows_per_step

        def body(i: Any, sums: Any) -> tuple[Any, ...]:
            rows = tf.gather(examples, tf.slice(order, [i * size], [size]))
            inputs = member_inputs(self.network, tf.cast(rows, parameters[0].dtype))
            found = batch_statistics(self.network, parameters, others, inputs)
            return i + 1, [total + one for total, one in zip(sums, found, strict=True)]

        return tf.while_loop(lambda i, _: i < batches, body, (0, sums), parallel_iterations=1)[1]

    def _trace_evaluation(
        self,
        parameters: Any,
        non_trainable: Any,
        examples: Any,
        targets: Any,
        weights: Any,
        order: Any,
        rows: Any,
    ) -> tuple[Any, Any, Any]:
        dtype, settings = parameters[0].dtype, self.settings
        teacher = self._step.teacher

        def body(start: Any, *sums: Any) -> tuple[Any, ...]:
            chosen = order[start : tf.minimum(start + _EVALUATION_BATCH, rows)]
            batch = Batch(*(tf.gather(array, chosen) for array in (examples, targets, weights)))
            inputs = tf.cast(batch.examples, dtype)
            outputs, _ = self.network.stateless_call(
                parameters, non_trainable, member_inputs(self.network, inputs), training=False
            )
            outputs = mean_outputs(outputs, batch)
            learned = teacher(inputs) if teacher else batch.targets
            found = (
                row_losses(settings.loss, outputs, batch.targets),
                row_metrics(outputs, batch.targets),
                row_losses(settings.loss, outputs, learned, settings.label_smoothing)
                * batch.weights,
            )
            added = [total + tf.reduce_sum(one) for total, one in zip(sums, found, strict=True)]
            return start + _EVALUATION_BATCH, *added

        zero = tf.constant(0, dtype)
        _, *sums = tf.while_loop(
            lambda start, *_: start < rows,
            body,
            (tf.constant(0), zero, zero, zero),
            parallel_iterations=self._parallel_batches,
        )
        loss, metric, objective = sums
        return loss, metric, objective


def graphs_for(
    architecture: Architecture,
    recipe: Recipe,
    network: Any,
    teacher: Teacher | None = None,
    *,
    frozen_body: bool = False,
) -> Graphs:
    """Look up the graphs of an architecture and a recipe, or make them.

    `network` is built from `architecture`; new graphs use its structure. A teacher's weights are
    part of a graph, so graphs with a teacher are not kept.
    """
    settings = GraphSettings.of(recipe, frozen_body=frozen_body)
    if teacher:
        jit_compile = not (architecture.convolutional or teacher.convolutional)
        return Graphs(network, settings, teacher, jit_compile=jit_compile)
    key = (json.dumps(architecture.to_json(), sort_keys=True), settings, keras.config.floatx())
    if key not in _kept:
        if len(_kept) >= _MOST_KEPT:
            del _kept[next(iter(_kept))]
        # XLA has no kernels for these augmentations either.
        jit_compile = not (architecture.convolutional or settings.affine or settings.elastic)
        _kept[key] = Graphs(network, settings, jit_compile=jit_compile)
    return _kept[key]


_kept: dict[tuple[str, GraphSettings, str], Graphs] = {}
