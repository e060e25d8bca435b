"""One training step, as a pure function of the state and a batch. Knows no epochs.

`Step` holds what stays the same (network, loss, optimizer); `State` is all that changes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from danqing.networks.backend import tf
from danqing.networks.losses import row_losses
from danqing.networks.outputs import averaged, row_metrics
from danqing.recipe.recipe import AUGMENTATIONS
from danqing.training.augmentation.augment import augment
from danqing.training.graph_settings import GraphSettings
from danqing.training.loop.batches import Batch
from danqing.training.optimization.optimizers import initial_slots, update
from danqing.training.semi_supervised.fixmatch import with_pseudo_labels

__all__ = [
    "State",
    "Step",
    "assign_weights",
    "initial_state",
    "is_output",
    "mean_outputs",
    "member_inputs",
    "restarted",
]


class State(NamedTuple):
    """Everything that a step changes.

    Attributes
    ----------
    parameters : list of Tensor
        The trainable weights.
    non_trainable : list of Tensor
        The running statistics of batch norm, the random state of dropout and, never changed, the
        preparation's scaling.
    slots : list of list of Tensor
        The optimizer's state.
    ema : list of Tensor
        The exponential moving average of the parameters; empty if the recipe has none.
    """

    parameters: list[Any]
    non_trainable: list[Any]
    slots: list[list[Any]]
    ema: list[Any]


def initial_state(network: Any, settings: GraphSettings) -> State:
    """Make the state before the first step, from the network's initial weights."""
    parameters = [tf.identity(w.value) for w in network.trainable_variables]
    others = [tf.identity(v.value) for v in network.non_trainable_variables]
    return restarted(State(parameters, others, [], []), settings)


def restarted(state: State, settings: GraphSettings) -> State:
    """Start anew from a state's weights, the moving average where there is one."""
    weights = state.ema or state.parameters
    return State(
        weights,
        state.non_trainable,
        initial_slots(settings.optimizer, weights),
        list(weights) if settings.ema_decay else [],
    )


def is_output(variable: Any) -> bool:
    """Whether a network's variable belongs to the output layer, of any member."""
    return "output" in variable.path


class Step:
    """Forward, loss, backward, update.

    With a frozen body only the output layer is trained. The layers below it predict, as they would
    for new examples: batch norm by its running statistics, without dropout; there is no backward
    pass through them.

    Parameters
    ----------
    network : keras.Model
        From raw examples to logits, or to a number in the standardised target's scale; of an
        ensemble, from a list with each member's to a list with each member's.
    settings : GraphSettings
    teacher : callable, optional
        Maps the examples that the network sees to the targets learned in place of the batch's own,
        such as `danqing.training.distillation.teacher.Teacher`; the metric stays the batch's.
    jit_update : bool
        Compile the update by XLA on its own. Where the whole step is compiled there is no need.
    """

    def __init__(
        self,
        network: Any,
        settings: GraphSettings,
        teacher: Any = None,
        *,
        jit_update: bool = False,
    ) -> None:
        self.network, self.settings, self.teacher = network, settings, teacher
        self._is_random_state = [
            v.dtype == "uint32" or "seed" in v.name for v in network.non_trainable_variables
        ]
        variables = network.trainable_variables
        self._trained = [
            place
            for place, variable in enumerate(variables)
            if is_output(variable) or not settings.frozen_body
        ]
        self._hidden = tuple(
            number
            for number, place in enumerate(self._trained)
            if len(variables[place].shape) > 1 and not is_output(variables[place])
        )
        self._update = self.apply_gradients
        if jit_update:
            self._update = tf.function(self.apply_gradients, jit_compile=True, autograph=False)

    def __call__(
        self, state: State, batch: Batch, learning_rate: Any, seed: Any
    ) -> tuple[State, Any, Any]:
        """Make a step; return the state after it, and the batch's sums of loss and metric before.

        `seed` is (the run's seed, the step's number from 0): all randomness is its function.
        """
        loss, metric, gradients, non_trainable = self.compute_gradients(state, batch, seed)
        parameters, slots, ema = self._update(
            self._of_trained(state.parameters),
            gradients,
            [self._of_trained(slot) for slot in state.slots],
            self._of_trained(state.ema),
            learning_rate,
            seed[1],
        )
        after = State(
            self._with_trained(state.parameters, parameters),
            non_trainable,
            [self._with_trained(*pair) for pair in zip(state.slots, slots, strict=True)],
            self._with_trained(state.ema, ema),
        )
        return after, loss, metric

    def compute_gradients(
        self, state: State, batch: Batch, seed: Any
    ) -> tuple[Any, Any, list[Any], list[Any]]:
        """Go forward to the loss, and back to the gradient of its mean by what is trained.

        Each member of an ensemble sees the rows augmented in its own way, or their errors would
        be more alike; it has its own loss, and the gradient that it would have alone.

        Returns
        -------
        loss, metric : Tensor
            Sums over the labelled rows; the loss is the members' mean.
        gradients, non_trainable : list of Tensor
        """
        settings, weights = self.settings, batch.weights
        trained = self._of_trained(state.parameters)
        batch = batch._replace(examples=tf.cast(batch.examples, state.parameters[0].dtype))
        if settings.unlabelled_weight:
            batch = with_pseudo_labels(
                batch, lambda pictures: self._predict(state, pictures, batch), settings, seed
            )
            inputs = member_inputs(self.network, batch.examples)
        else:
            inputs = self._augment_for_members(batch.examples, seed)
        targets = [
            self.teacher(own) if self.teacher else batch.targets for own in tf.nest.flatten(inputs)
        ]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(trained)
            outputs, non_trainable = self.network.stateless_call(
                state.parameters,
                self._seed_dropout(state.non_trainable, seed),
                inputs,
                training=not settings.frozen_body,
            )
            members = tf.nest.flatten(outputs)
            losses = tf.add_n(
                [
                    row_losses(settings.loss, own, target, settings.label_smoothing)
                    for own, target in zip(members, targets, strict=True)
                ]
            )
            # Not by the weights of the batch: one without heavy rows would weigh like any other.
            rows = tf.reduce_sum(batch.weights) if batch.rows is None else batch.rows
            mean = tf.reduce_sum(losses * batch.weights) / tf.maximum(rows, 1e-6)
        loss = tf.reduce_sum(losses * weights) / len(members)
        metrics = row_metrics(mean_outputs(outputs, batch), batch.targets)
        metric = tf.reduce_sum(tf.cast(weights > 0, loss.dtype) * metrics)
        if settings.frozen_body:
            non_trainable = state.non_trainable
        return loss, metric, tape.gradient(mean, trained), non_trainable

    def apply_gradients(
        self,
        parameters: list[Any],
        gradients: list[Any],
        slots: list[list[Any]],
        ema: list[Any],
        learning_rate: Any,
        number: Any,
    ) -> tuple[list[Any], list[list[Any]], list[Any]]:
        r"""Let the optimizer step, then move the average: :math:`a \leftarrow a + (1-d)(w - a)`.

        Early on the average must forget the start, so :math:`d = \min(d, (1+t)/(10+t))`
        (Polyak & Juditsky 1992; the warm-up is that of TensorFlow's ExponentialMovingAverage).
        """
        settings = self.settings
        parameters, slots = update(
            settings.optimizer,
            parameters,
            gradients,
            slots,
            learning_rate,
            number,
            settings.weight_decay,
            self._hidden,
        )
        if settings.ema_decay:
            t = tf.cast(number, parameters[0].dtype)
            decay = tf.minimum(tf.cast(settings.ema_decay, t.dtype), (1 + t) / (10 + t))
            ema = [a + (1 - decay) * (w - a) for a, w in zip(ema, parameters, strict=True)]
        return parameters, slots, ema

    def _of_trained(self, values: list[Any]) -> list[Any]:
        """Take what belongs to the trained parameters."""
        return [values[place] for place in self._trained] if values else []

    def _with_trained(self, values: list[Any], after: list[Any]) -> list[Any]:
        """Put in what the trained parameters have become."""
        values = list(values)
        for place, value in zip(self._trained, after, strict=bool(values)):
            values[place] = value
        return values

    def _predict(self, state: State, pictures: Any, batch: Batch) -> Any:
        """Predict by the weights before the step; an ensemble by its mean."""
        outputs, _ = self.network.stateless_call(
            state.parameters,
            state.non_trainable,
            member_inputs(self.network, pictures),
            training=False,
        )
        return mean_outputs(outputs, batch)

    def _augment_for_members(self, examples: Any, seed: Any) -> Any:
        """Augment the rows for each member anew."""
        members = len(self.network.outputs)
        if members == 1 or not any(getattr(self.settings, name) for name in AUGMENTATIONS):
            return member_inputs(self.network, augment(examples, self.settings, seed))
        repeated = tf.concat([examples] * members, axis=0)
        return tf.split(augment(repeated, self.settings, seed), members)

    def _seed_dropout(self, non_trainable: list[Any], seed: Any) -> list[Any]:
        """Make dropout's masks a function of (seed, step), whatever came before."""
        words = tf.cast(seed, tf.uint32)
        return [
            words + tf.constant([0, position << 20], tf.uint32) if random else value
            for position, (value, random) in enumerate(
                zip(non_trainable, self._is_random_state, strict=True)
            )
        ]


def member_inputs(network: Any, examples: Any) -> Any:
    """Make the network's input of examples that all its members see alike."""
    members = len(network.outputs)
    return [examples] * members if members > 1 else examples


def mean_outputs(outputs: Any, batch: Batch) -> Any:
    """Compute the logits, or numbers, that are predicted: those of the members' mean."""
    return averaged(tf.nest.flatten(outputs), numbers=batch.targets.dtype.is_floating)


def assign_weights(network: Any, state: State) -> None:
    """Put a state's weights into the network: the moving average, where there is one."""
    for variable, value in zip(
        network.trainable_variables, state.ema or state.parameters, strict=True
    ):
        variable.assign(value)
    for variable, value in zip(network.non_trainable_variables, state.non_trainable, strict=True):
        variable.assign(value)
