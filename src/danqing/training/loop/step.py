"""One step of training, as a pure function of the state and a batch. Knows no epochs.

`Step` holds what stays the same (network, loss, optimizer); `State` is all that changes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from danqing.networks.backend import tf
from danqing.networks.losses import row_losses
from danqing.networks.outputs import averaged, row_metrics
from danqing.recipe.recipe import AUGMENTATIONS, Recipe
from danqing.training.augmentation.augment import augment
from danqing.training.optimization.optimizers import initial_slots, update
from danqing.training.semi_supervised.fixmatch import with_pseudo_labels

__all__ = [
    "Batch",
    "State",
    "Step",
    "assign",
    "for_each_member",
    "initial_state",
    "predictions_for",
]


class State(NamedTuple):
    """All that a step changes.

    Attributes
    ----------
    parameters : list of Tensor
        The weights that training adjusts.
    statistics : list of Tensor
        What batchnorm has seen so far, the state of dropout's randomness, and, never changed,
        what preparation learned.
    slots : list of list of Tensor
        What the optimizer remembers.
    average : list of Tensor
        The running average of the parameters; empty if the recipe has none.
    """

    parameters: list[Any]
    statistics: list[Any]
    slots: list[list[Any]]
    average: list[Any]


class Batch(NamedTuple):
    """Rows of one step: examples, targets, and what each row counts for.

    Padding counts for 0, and so do pictures without labels until they have been answered.
    """

    examples: Any
    targets: Any
    weights: Any


def initial_state(network: Any, recipe: Recipe) -> State:
    """Give the state before the first step, from the network's initial weights."""
    parameters = [tf.identity(w.value) for w in network.trainable_variables]
    return State(
        parameters,
        [tf.identity(v.value) for v in network.non_trainable_variables],
        initial_slots(recipe.optimizer, parameters),
        list(parameters) if recipe.ema_decay else [],
    )


class Step:
    """Forward, loss, backward, update.

    Parameters
    ----------
    network : keras.Model
        From raw examples to logits, or to a number in the target's own scale; of an ensemble,
        from a list with each member's to a list with each member's.
    recipe : Recipe
        Loss, optimizer, augmentation, ema_decay; no seed and no rate, which are handed in.
    teacher : callable, optional
        Maps the examples as the network sees them to the targets learned in place of the batch's
        own, such as `danqing.training.distillation.teacher.Teacher`; the score stays the batch's.
    fused : bool
        Compile the update by XLA on its own. Where the whole step is compiled there is no need.
    """

    def __init__(
        self, network: Any, recipe: Recipe, teacher: Any = None, *, fused: bool = False
    ) -> None:
        self.network, self.recipe, self.teacher = network, recipe, teacher
        self._is_random_state = [
            v.dtype == "uint32" or "seed" in v.name for v in network.non_trainable_variables
        ]
        self._hidden = tuple(
            place
            for place, variable in enumerate(network.trainable_variables)
            if len(variable.shape) > 1 and "output" not in variable.path
        )
        self._update = (
            tf.function(self.updated, jit_compile=True, autograph=False) if fused else self.updated
        )

    def __call__(
        self, state: State, batch: Batch, learning_rate: Any, seed: Any
    ) -> tuple[State, Any, Any]:
        """Make a step: state, and the sums over the batch of loss and score before it.

        `seed` is (the run's seed, the step's number from 0): all randomness is its function.
        """
        loss, score, gradients, statistics = self.gradients(state, batch, seed)
        parameters, slots, average = self._update(
            state.parameters, gradients, state.slots, state.average, learning_rate, seed[1]
        )
        return State(parameters, statistics, slots, average), loss, score

    def gradients(
        self, state: State, batch: Batch, seed: Any
    ) -> tuple[Any, Any, list[Any], list[Any]]:
        """Go forward to the loss, and back to its mean's gradient by every parameter.

        In an ensemble each member sees the rows changed in its own way, or they would err more
        alike; it has its own loss, and the gradient that it would have alone.
        """
        recipe = self.recipe
        examples = tf.cast(batch.examples, state.parameters[0].dtype)
        targets, weights = batch.targets, batch.weights
        if recipe.unlabelled_weight:
            examples, targets, weights = with_pseudo_labels(
                lambda pictures: self._answer(state, pictures, batch),
                lambda pictures: augment(pictures, recipe, seed),
                *(examples, targets, weights, recipe, seed),
            )
            seen = for_each_member(self.network, examples)
        else:
            seen = self._seen(examples, seed)
        taught = [self.teacher(own) if self.teacher else targets for own in tf.nest.flatten(seen)]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(state.parameters)
            outputs, statistics = self.network.stateless_call(
                state.parameters, self._seeded(state.statistics, seed), seen, training=True
            )
            members = tf.nest.flatten(outputs)
            losses = [
                row_losses(recipe.loss, own, target, recipe.label_smoothing)
                for own, target in zip(members, taught, strict=True)
            ]
            total = tf.reduce_sum(tf.add_n(losses) * weights)
            mean = total / tf.maximum(tf.reduce_sum(weights), 1e-6)
        loss = tf.reduce_sum(tf.add_n(losses) * batch.weights)
        scores = row_metrics(predictions_for(outputs, batch), batch.targets)
        score = tf.reduce_sum(tf.cast(batch.weights > 0, loss.dtype) * scores)
        return loss / len(members), score, tape.gradient(mean, state.parameters), statistics

    def updated(
        self,
        parameters: list[Any],
        gradients: list[Any],
        slots: list[list[Any]],
        average: list[Any],
        learning_rate: Any,
        number: Any,
    ) -> tuple[list[Any], list[list[Any]], list[Any]]:
        r"""Let the optimizer step, then move the average: :math:`a \leftarrow a + (1-d)(w - a)`.

        Early on the average must forget the start, so :math:`d = \min(d, (1+t)/(10+t))`
        (Polyak & Juditsky 1992; the warm-up is that of TensorFlow's ExponentialMovingAverage).
        """
        recipe = self.recipe
        parameters, slots = update(
            recipe.optimizer,
            parameters,
            gradients,
            slots,
            learning_rate,
            number,
            recipe.weight_decay,
            self._hidden,
        )
        if recipe.ema_decay:
            t = tf.cast(number, parameters[0].dtype)
            decay = tf.minimum(tf.cast(recipe.ema_decay, t.dtype), (1 + t) / (10 + t))
            average = [a + (1 - decay) * (w - a) for a, w in zip(average, parameters, strict=True)]
        return parameters, slots, average

    def _answer(self, state: State, pictures: Any, batch: Batch) -> Any:
        """Answer by the weights before the step; an ensemble by its mean."""
        own = for_each_member(self.network, pictures)
        outputs, _ = self.network.stateless_call(
            state.parameters, state.statistics, own, training=False
        )
        return predictions_for(outputs, batch)

    def _seen(self, examples: Any, seed: Any) -> Any:
        """Change the rows for each member anew."""
        members = len(self.network.outputs)
        if members == 1 or not any(getattr(self.recipe, name) for name in AUGMENTATIONS):
            return for_each_member(self.network, augment(examples, self.recipe, seed))
        repeated = tf.concat([examples] * members, axis=0)
        return tf.split(augment(repeated, self.recipe, seed), members)

    def _seeded(self, statistics: list[Any], seed: Any) -> list[Any]:
        """Make dropout's masks a function of (seed, step), whatever came before."""
        words = tf.cast(seed, tf.uint32)
        return [
            words + tf.constant([0, position << 20], tf.uint32) if random else value
            for position, (value, random) in enumerate(
                zip(statistics, self._is_random_state, strict=True)
            )
        ]


def for_each_member(network: Any, examples: Any) -> Any:
    """Give what a network takes for all its members to see the same."""
    members = len(network.outputs)
    return [examples] * members if members > 1 else examples


def predictions_for(outputs: Any, batch: Batch) -> Any:
    """Give the logits, or numbers, of the answer: of an ensemble's, the mean's."""
    return averaged(tf.nest.flatten(outputs), numbers=batch.targets.dtype.is_floating)


def assign(network: Any, state: State) -> None:
    """Put a state's weights into the network: the average, where there is one."""
    for variable, value in zip(
        network.trainable_variables, state.average or state.parameters, strict=True
    ):
        variable.assign(value)
    for variable, value in zip(network.non_trainable_variables, state.statistics, strict=True):
        variable.assign(value)
