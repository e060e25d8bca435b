"""Whole stretches of steps, and a validation, each in one compiled graph. Knows no epochs.

Graphs are kept: a second training of the same shape and settings compiles nothing.
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
from danqing.recipe.recipe import AUGMENTATIONS, Recipe
from danqing.training.distillation.teacher import Teacher
from danqing.training.loop.step import (
    Batch,
    State,
    Step,
    for_each_member,
    predictions_for,
)

__all__ = ["Graphs", "RowBlock", "Span", "graphs_for"]

_VALIDATION_BATCH = 500
# What of a recipe is written into the graph; the rest is handed to it.
BAKED_IN = (
    "loss",
    "optimizer",
    "weight_decay",
    "label_smoothing",
    *AUGMENTATIONS,
    "ema_decay",
    "batch_size",
    "unlabelled_weight",
    "scaling",
)
_MOST_KEPT = 64


class RowBlock(NamedTuple):
    """Rows for a graph, and the order in which it takes them.

    Attributes
    ----------
    examples, targets, weights : Tensor
        Of equal length; there may be more than are taken.
    order : Tensor of int32
        Row numbers; from `rows` on they are padding, up to a whole number of batches.
    rows : int
        How many of `order` count.
    first : int
        The step of its epoch that its first rows are for.
    """

    examples: Any
    targets: Any
    weights: Any
    order: Any
    rows: int
    first: int = 0


class Span(NamedTuple):
    """Steps `start` to `start + steps` of a feed, of which step 0 is the run's step `first`."""

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
    recipe : Recipe
        Only what is listed in `BAKED_IN` is used.
    teacher : Teacher, optional
        Answers what the network learns, in place of the labels.
    whole : bool
        Compile whole stretches by XLA: it makes dense networks ten times faster and convolutions
        five times slower on a CPU, so with convolutions it compiles nothing but the update.
    """

    def __init__(
        self, network: Any, recipe: Recipe, teacher: Teacher | None = None, *, whole: bool
    ) -> None:
        self.network, self.recipe = network, recipe
        self._step = Step(network, recipe, teacher, fused=not whole)
        self._steps = tf.function(self._graph_steps, jit_compile=whole or None, autograph=False)
        self._sums = tf.function(self._graph_sums, autograph=False)
        self._losses = tf.function(self._graph_losses, autograph=False)
        # Dense layers take one core each; of convolutions' pictures one batch in memory will do.
        self._batches_at_once = 2 if whole else 1

    def steps(
        self,
        state: State,
        feed: RowBlock,
        span: Span,
        rates: Any,
        seed: int,
        sums: tuple[float, float] = (0.0, 0.0),
    ) -> tuple[State, float, float]:
        """Make some steps; give the state after them, and the sums over rows of loss and score.

        The sums go on from `sums`: added up so, they don't depend on where a span ends.
        """
        position = tf.constant([span.start, span.start + span.steps, span.first, feed.rows, seed])
        state, total = self._steps(
            state, *feed[:4], rates, position, tf.constant(sums, tf.float64), span.batch_size
        )
        loss, score = total.numpy().tolist()
        return state, loss, score

    def recalibrated(self, state: State, feeds: Iterable[RowBlock], batches: int) -> State:
        """Give the weights that would ship, with what batchnorm sees of rows as they are.

        Its running mean and variance are of changed pictures, and of weights that were still
        moving, none of which is what answers later. So they are taken anew, of some whole batches
        (Izmailov et al. 2018, "Averaging weights leads to wider optima and better
        generalization", section 3.2; Touvron et al. 2019, "Fixing the train-test resolution
        discrepancy", section 3.2).
        """
        weights, others = state.average or state.parameters, list(state.statistics)
        places = [p for p, v in enumerate(self.network.non_trainable_variables) if is_statistic(v)]
        sums, left = [tf.zeros_like(others[place]) for place in places], batches
        for feed in feeds if places else ():
            count = min(left, feed.rows // self.recipe.rows_per_step)
            sums = self._sums(weights, others, feed.examples, feed.order, tf.constant(count), sums)
            left -= count
            if not left:
                break
        for place, total in zip(places, sums, strict=True):
            others[place] = total / (batches - left)
        return State(weights, others, [], [])

    def losses(self, state: State, feed: RowBlock) -> tuple[float, float, float]:
        """Sum loss, score and objective over a feed's rows, with a settled state.

        The objective is the loss that is learned: of smoothed labels, or of a teacher's answers. A
        network that comes to be as unsure as these ask has a growing loss while it errs less.
        """
        sums = self._losses(state.parameters, state.statistics, *feed[:4], tf.constant(feed.rows))
        loss, score, objective = (float(total) for total in sums)
        return loss, score, objective

    def _graph_steps(
        self,
        state: State,
        examples: Any,
        targets: Any,
        weights: Any,
        order: Any,
        rates: Any,
        position: Any,
        sums: Any,
        batch_size: int,
    ) -> tuple[State, Any]:
        start, end, first, rows, seed = tf.unstack(position)
        dtype = state.parameters[0].dtype

        def body(i: Any, state: State, sums: Any) -> tuple[Any, ...]:
            # A smaller last batch begins where the full ones end.
            begin = i * self.recipe.rows_per_step
            chosen = tf.slice(order, [begin], [batch_size])
            counts = tf.cast(begin + tf.range(batch_size) < rows, dtype)
            batch = Batch(
                tf.gather(examples, chosen),
                tf.gather(targets, chosen),
                tf.gather(weights, chosen) * counts,
            )
            state, loss, score = self._step(state, batch, rates[i], tf.stack([seed, first + i]))
            return i + 1, state, sums + tf.cast(tf.stack([loss, score]), sums.dtype)

        _, state, sums = tf.while_loop(
            lambda i, *_: i < end, body, (start, state, sums), parallel_iterations=1
        )
        return state, sums

    def _graph_sums(
        self, parameters: Any, others: Any, examples: Any, order: Any, batches: Any, sums: Any
    ) -> Any:
        size = self.recipe.rows_per_step

        def body(i: Any, sums: Any) -> tuple[Any, ...]:
            rows = tf.gather(examples, tf.slice(order, [i * size], [size]))
            own = for_each_member(self.network, tf.cast(rows, parameters[0].dtype))
            found = batch_statistics(self.network, parameters, others, own)
            return i + 1, [total + one for total, one in zip(sums, found, strict=True)]

        return tf.while_loop(lambda i, _: i < batches, body, (0, sums), parallel_iterations=1)[1]

    def _graph_losses(
        self,
        parameters: Any,
        statistics: Any,
        examples: Any,
        targets: Any,
        weights: Any,
        order: Any,
        rows: Any,
    ) -> tuple[Any, Any, Any]:
        dtype, recipe = parameters[0].dtype, self.recipe
        teacher = self._step.teacher

        def body(start: Any, *sums: Any) -> tuple[Any, ...]:
            chosen = order[start : tf.minimum(start + _VALIDATION_BATCH, rows)]
            batch = Batch(*(tf.gather(array, chosen) for array in (examples, targets, weights)))
            seen = tf.cast(batch.examples, dtype)
            own = for_each_member(self.network, seen)
            outputs, _ = self.network.stateless_call(parameters, statistics, own, training=False)
            outputs = predictions_for(outputs, batch)
            taught = teacher(seen) if teacher else batch.targets
            found = (
                row_losses(recipe.loss, outputs, batch.targets),
                row_metrics(outputs, batch.targets),
                row_losses(recipe.loss, outputs, taught, recipe.label_smoothing),
            )
            added = [total + tf.reduce_sum(one) for total, one in zip(sums, found, strict=True)]
            return start + _VALIDATION_BATCH, *added

        nothing = tf.constant(0, dtype)
        _, *sums = tf.while_loop(
            lambda start, *_: start < rows,
            body,
            (tf.constant(0), nothing, nothing, nothing),
            parallel_iterations=self._batches_at_once,
        )
        loss, score, objective = sums
        return loss, score, objective


def graphs_for(
    architecture: Architecture, recipe: Recipe, network: Any, teacher: Teacher | None = None
) -> Graphs:
    """Give the graphs of an architecture and a recipe: kept ones, where there are.

    `network`, built from `architecture`, is used where there are none yet. A teacher's weights are
    part of a graph, so graphs with one are not kept.
    """
    if teacher:
        whole = not (architecture.convolutional or teacher.convolutional)
        return Graphs(network, recipe, teacher, whole=whole)
    written = {name: getattr(recipe, name) for name in BAKED_IN}
    key = json.dumps([architecture.to_json(), written, keras.config.floatx()], sort_keys=True)
    if key not in _kept:
        if len(_kept) >= _MOST_KEPT:
            del _kept[next(iter(_kept))]
        # XLA knows no warps, either.
        whole = not (architecture.convolutional or recipe.affine or recipe.elastic)
        _kept[key] = Graphs(network, recipe, whole=whole)
    return _kept[key]


_kept: dict[str, Graphs] = {}
