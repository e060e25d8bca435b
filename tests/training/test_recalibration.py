"""Batch norm is recalibrated: its statistics are of rows as they are, by the weights that ship."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from as_trained import validation_loss

from danqing import Recipe
from danqing.data.dataset import Dataset
from danqing.networks.architecture import design
from danqing.networks.backend import keras, tf
from danqing.networks.build import build
from danqing.preparation.preparation import Preparation
from danqing.preparation.scaling import fit_scaling
from danqing.runs.run_folder import RunFolder
from danqing.training.loop.loop import Loop
from danqing.training.loop.training_rows import TrainingRows

NETWORKS = [
    "conv(4,3,2)-batchnorm-relu-conv(6,3,2)-batchnorm-relu",
    "dense(8)-batchnorm-relu-dense(6)-batchnorm-relu",
]


@pytest.mark.parametrize("members", [1, 2])
@pytest.mark.parametrize("spec", NETWORKS)
def test_statistics_are_those_that_numpy_finds_in_the_rows_as_they_are(
    small: Dataset, spec: str, members: int
) -> None:
    recipe = Recipe(network=spec, ensemble=members, batch_size=64, ema_decay=0.9, epochs=2)
    architecture = design(spec, small.input_shape, 10, members)
    preparation = Preparation(fit_scaling(small.x_train, "channel"))
    model = build(architecture, preparation, seed=3)
    train = TrainingRows(small.x_train, small.y_train, np.arange(900))
    loop = Loop(
        architecture, model, recipe, train, TrainingRows(small.x_test, small.y_test, np.arange(9))
    )
    for _ in loop.run(lambda: False, lambda progress: None):
        pass

    # What goes into each layer in training, where those before normalise by the batch.
    layers = [one for one in model.layers if isinstance(one, keras.layers.BatchNormalization)]
    shipped = [[v.numpy().copy() for v in one.non_trainable_variables] for one in layers]
    into = keras.Model(model.input, [one.input for one in layers])
    order = np.random.default_rng([recipe.seed, 0]).permutation(900)
    found = []
    for batch in order[:512].reshape(8, 64):
        inputs = into(tf.cast(small.x_train[batch], tf.float32), training=True)
        flat = [one.numpy().reshape(-1, one.shape[-1]).astype(np.float64) for one in inputs]
        found.append([[one.mean(axis=0), one.var(axis=0)] for one in flat])
    assert len(layers) == 2 * members
    for place, of_layer in enumerate(shipped):
        for kind, ours in enumerate(of_layer):
            theirs = np.mean([batch[place][kind] for batch in found], axis=0)
            np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-5)


def test_history_reports_what_ships(trained: Callable[..., RunFolder], small: Dataset) -> None:
    run = trained(network=NETWORKS[0], epochs=2, photometric=1.0, affine=2.0, ema_decay=0.9)
    assert run.history[-1]["val_loss"] == pytest.approx(validation_loss(run, small), rel=1e-4)


def test_networks_without_batch_norm_have_nothing_to_recalibrate(small: Dataset) -> None:
    recipe = Recipe(network="dense(8)", batch_size=64)
    architecture = design("dense(8)", small.input_shape, 10)
    model = build(architecture, Preparation(fit_scaling(small.x_train, "feature")), seed=3)
    rows = TrainingRows(small.x_train, small.y_train, np.arange(100))
    loop = Loop(architecture, model, recipe, rows, rows)
    before, after = loop.state.non_trainable, loop.recalibrate_batch_norm().non_trainable
    assert all(one is other for one, other in zip(before, after, strict=True))
