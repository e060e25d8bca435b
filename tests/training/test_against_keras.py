"""Our loop against Keras' own `train_on_batch`, and our gradients against central differences."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from danqing import Recipe
from danqing.data.dataset import Dataset
from danqing.networks.architecture import Architecture, design
from danqing.networks.backend import keras, tf
from danqing.networks.build import build, logits_of
from danqing.networks.losses import row_losses
from danqing.preparation.preparation import Preparation
from danqing.preparation.scaling import fit_scaling
from danqing.training.graph_settings import GraphSettings
from danqing.training.loop.batches import Batch
from danqing.training.loop.graphs import Chunk
from danqing.training.loop.loop import Loop
from danqing.training.loop.step import Step, initial_state
from danqing.training.loop.training_rows import TrainingRows

STEPS, BATCH = 50, 16
RATES = {"gradient-descent": 0.05, "momentum": 0.02, "adam": 0.002, "adamw": 0.002, "muon": 0.002}


class FlatMuon(keras.optimizers.Muon):  # type: ignore[misc]
    """Keras' Muon, for convolutions' kernels, too: flattened, as Jordan et al. have it."""

    def _should_use_adamw(self, variable: Any) -> bool:
        return len(variable.shape) < 2 or "output" in variable.path

    def zeropower_via_newtonschulz5(self, x: Any, steps: int) -> Any:
        flat = tf.reshape(x, (-1, x.shape[-1]))
        return tf.reshape(super().zeropower_via_newtonschulz5(flat, steps), x.shape)

    def lr_adjust(self, x: Any) -> Any:
        return tf.reshape(super().lr_adjust(tf.reshape(x, (-1, x.shape[-1]))), x.shape)


DECAYING = ("adamw", "muon")
OPTIMIZERS = {
    "gradient-descent": lambda: keras.optimizers.SGD(0.05),
    "momentum": lambda: keras.optimizers.SGD(0.02, momentum=0.9),
    "adam": lambda: keras.optimizers.Adam(0.002),
    "adamw": lambda: keras.optimizers.AdamW(0.002, weight_decay=0.1),
    "muon": lambda: FlatMuon(0.002, weight_decay=0.1, adam_weight_decay=0.1),
}


@pytest.fixture(params=["float64", "float32"])
def precision(request: pytest.FixtureRequest) -> Iterator[str]:
    with numbers_of(request.param):
        yield request.param


@contextlib.contextmanager
def numbers_of(precision: str) -> Iterator[None]:
    before = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx(precision)
    keras.config.set_dtype_policy(precision)
    yield
    keras.config.set_floatx(before[0])
    keras.config.set_dtype_policy(before[1])


def made(dataset: Dataset, recipe: Recipe) -> tuple[Architecture, Any]:
    architecture = design(recipe.spec, dataset.input_shape, 10)
    preparation = Preparation(fit_scaling(dataset.x_train, recipe.scaling))
    return architecture, build(architecture, preparation, seed=3)


@pytest.mark.parametrize("loss", ["cross-entropy", "mean-squared-error"])
@pytest.mark.parametrize("optimizer", list(OPTIMIZERS))
@pytest.mark.parametrize(
    "network", ["dense(16,tanh)-dense(12)", "conv(3,5,stride=4)-batchnorm-relu"]
)
def test_fifty_steps_agree_with_keras(
    small: Dataset, precision: str, optimizer: str, loss: str, network: str
) -> None:
    recipe = Recipe(
        network=network,
        epochs=1,
        batch_size=BATCH,
        optimizer=optimizer,
        learning_rate=RATES[optimizer],
        schedule="constant",
        loss=loss,
        weight_decay=0.1 if optimizer in DECAYING else 0.0,
        label_smoothing=0.0,
        affine=0.0,
        random_erasing=0.0,
        photometric=0.0,
        ema_decay=0.0,
    )
    (architecture, ours), (_, theirs) = made(small, recipe), made(small, recipe)
    rows = STEPS * BATCH
    loop = Loop(
        architecture,
        ours,
        recipe,
        TrainingRows(small.x_train, small.y_train, np.arange(rows)),
        TrainingRows(small.x_test, small.y_test, np.arange(len(small.y_test))),
    )
    loop.compile()
    order = np.random.default_rng([recipe.seed, 0]).permutation(rows)
    block = next(loop._train.blocks(order))

    kernels_only = OPTIMIZERS[optimizer]()
    if optimizer in DECAYING:
        kernels_only.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    if loss == "cross-entropy":
        reference = logits_of(theirs)
        keras_loss: Any = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    else:
        reference, keras_loss = theirs, keras.losses.MeanSquaredError()
    reference.compile(kernels_only, keras_loss)
    for step in range(STEPS):
        batch = order[step * BATCH : (step + 1) * BATCH]
        pictures, labels = small.x_train[batch].astype(precision), small.y_train[batch]
        target = labels if loss == "cross-entropy" else np.eye(10)[labels]
        reference.reset_metrics()
        expected_loss = float(reference.train_on_batch(pictures, target))
        loop.state, loss_sum, _ = loop._graphs.run_chunk(
            loop.state,
            block,
            Chunk(step, 1, 0, BATCH),
            loop._learning_rates(block, step, 1),
            recipe.seed,
        )
        tolerance = 1e-5 if precision == "float64" else 1e-4
        assert abs(loss_sum / BATCH - expected_loss) <= tolerance
    if precision == "float64":
        for weight, expected in zip(loop.state.parameters, theirs.trainable_variables, strict=True):
            np.testing.assert_allclose(weight, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("loss", ["cross-entropy", "mean-squared-error"])
@pytest.mark.parametrize(
    "network", ["dense(6,tanh)", "conv(3,3,gelu)-batchnorm-pool(4)-dense(5,silu)"]
)
def test_gradients_agree_with_central_differences(small: Dataset, network: str, loss: str) -> None:
    with numbers_of("float64"):
        recipe = Recipe(
            network=network,
            loss=loss,
            affine=0.0,
            random_erasing=0.0,
            photometric=0.0,
            label_smoothing=0.1,
            optimizer="adam",
        )
        model = logits_of(made(small, recipe)[1])
        settings = GraphSettings.of(recipe)
        step, state = Step(model, settings), initial_state(model, settings)
        pictures = tf.constant(small.x_train[:8].astype(np.float64))
        labels = tf.constant(small.y_train[:8], tf.int32)
        weights = tf.constant(np.linspace(0, 2, 8))
        batch = Batch(pictures, labels, weights)
        _, _, gradients, _ = step.compute_gradients(state, batch, tf.constant([0, 0]))
        rng = np.random.default_rng(0)
        for position, gradient in enumerate(gradients):
            weight = np.array(state.parameters[position])
            for _ in range(5):
                where = tuple(int(rng.integers(size)) for size in weight.shape)
                values = []
                for change in (1e-6, -1e-6):
                    moved = weight.copy()
                    moved[where] += change
                    parameters = list(state.parameters)
                    parameters[position] = tf.constant(moved)
                    logits, _ = model.stateless_call(
                        parameters, state.non_trainable, pictures, training=True
                    )
                    losses = row_losses(loss, logits, labels, 0.1)
                    values.append(float(tf.reduce_sum(losses * weights) / 8))
                difference = (values[0] - values[1]) / 2e-6
                assert abs(difference - float(gradient[where])) <= 1e-6 + 1e-5 * abs(difference)
