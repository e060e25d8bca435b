"""One step of training, as a pure function of the state and a batch. Knows no epochs.

`Step` holds what stays the same (network, loss, optimizer); `State` is all that changes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from danqing.networks.backend import tf
from danqing.recipe.recipe import Recipe
from danqing.training.augmentation import warp
from danqing.training.losses import loss_of
from danqing.training.optimizers import initial_memory, update

__all__ = ["State", "Step", "assign", "initial_state"]


class State(NamedTuple):
    """All that a step changes.

    Attributes
    ----------
    parameters : list of Tensor
        The weights that training adjusts.
    statistics : list of Tensor
        What batchnorm has seen so far, and the state of dropout's randomness.
    memory : list of list of Tensor
        What the optimizer remembers.
    average : list of Tensor
        The running average of the parameters; empty if the recipe has none.
    """

    parameters: list[Any]
    statistics: list[Any]
    memory: list[list[Any]]
    average: list[Any]


def initial_state(network: Any, recipe: Recipe) -> State:
    """Give the state before the first step, from the network's initial weights."""
    parameters = [tf.identity(w.value) for w in network.trainable_variables]
    return State(
        parameters,
        [tf.identity(v.value) for v in network.non_trainable_variables],
        initial_memory(recipe.optimizer, parameters),
        list(parameters) if recipe.averaging else [],
    )


class Step:
    """Forward, loss, backward, update.

    Parameters
    ----------
    network : keras.Model
        From raw pixels to logits.
    recipe : Recipe
    fused : bool
        Compile the update by XLA on its own. Where the whole step is compiled there is no need.
    """

    def __init__(self, network: Any, recipe: Recipe, *, fused: bool = False) -> None:
        self.network = network
        self.recipe = recipe
        self._is_random_state = [
            v.dtype == "uint32" or "seed" in v.name for v in network.non_trainable_variables
        ]
        self._update = tf.function(self.updated, jit_compile=True) if fused else self.updated

    def __call__(
        self, state: State, pictures: Any, labels: Any, learning_rate: Any, number: Any
    ) -> tuple[State, Any, Any]:
        """Make a step: state, loss and how many of the batch were right before it."""
        loss, right, gradients, statistics = self.gradients(state, pictures, labels, number)
        parameters, memory, average = self._update(
            state.parameters, gradients, state.memory, state.average, learning_rate, number
        )
        return State(parameters, statistics, memory, average), loss, right

    def gradients(
        self, state: State, pictures: Any, labels: Any, number: Any
    ) -> tuple[Any, Any, list[Any], list[Any]]:
        """Go forward to the loss, and back to its gradient by every parameter."""
        recipe = self.recipe
        pictures = tf.cast(pictures, state.parameters[0].dtype)
        if recipe.augmentation:
            pictures = warp(pictures, recipe.augmentation, tf.stack([recipe.seed, number]))
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(state.parameters)
            logits, statistics = self.network.stateless_call(
                state.parameters, self._seeded(state.statistics, number), pictures, training=True
            )
            loss = loss_of(recipe.loss, logits, labels, recipe.label_smoothing)
        answers = tf.argmax(logits, axis=-1, output_type=labels.dtype)
        right = tf.reduce_sum(tf.cast(answers == labels, tf.int32))
        return loss, right, tape.gradient(loss, state.parameters), statistics

    def updated(
        self,
        parameters: list[Any],
        gradients: list[Any],
        memory: list[list[Any]],
        average: list[Any],
        learning_rate: Any,
        number: Any,
    ) -> tuple[list[Any], list[list[Any]], list[Any]]:
        r"""Let the optimizer step, then move the average: :math:`a \leftarrow a + (1-d)(w - a)`.

        Early on the average must forget the start, so :math:`d = \min(d, (1+t)/(10+t))`
        (Polyak & Juditsky 1992; the warm-up is that of TensorFlow's ExponentialMovingAverage).
        """
        recipe = self.recipe
        parameters, memory = update(
            recipe.optimizer,
            parameters,
            gradients,
            memory,
            learning_rate,
            number,
            recipe.weight_decay,
        )
        if recipe.averaging:
            t = tf.cast(number, parameters[0].dtype)
            decay = tf.minimum(tf.cast(recipe.averaging, t.dtype), (1 + t) / (10 + t))
            average = [a + (1 - decay) * (w - a) for a, w in zip(average, parameters, strict=True)]
        return parameters, memory, average

    def _seeded(self, statistics: list[Any], number: Any) -> list[Any]:
        """Make dropout's masks a function of (seed, step), whatever came before."""
        seed = tf.cast(tf.stack([self.recipe.seed, number]), tf.uint32)
        return [
            seed + tf.constant([0, position << 20], tf.uint32) if random else value
            for position, (value, random) in enumerate(
                zip(statistics, self._is_random_state, strict=True)
            )
        ]


def assign(network: Any, state: State) -> None:
    """Put a state's weights into the network: the average, where there is one."""
    for variable, value in zip(
        network.trainable_variables, state.average or state.parameters, strict=True
    ):
        variable.assign(value)
    for variable, value in zip(network.non_trainable_variables, state.statistics, strict=True):
        variable.assign(value)
