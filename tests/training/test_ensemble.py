"""Networks trained side by side: each learns as it would alone, and their mean is predicted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from as_trained import validation_loss

from danqing import Recipe
from danqing.data.dataset import Dataset
from danqing.errors import RecipeError
from danqing.evaluation.metrics import classification_metrics
from danqing.networks.architecture import design
from danqing.networks.backend import tf
from danqing.networks.build import (
    build,
    load_tensors,
    member_logits_of,
    members_apart,
    tensors_of,
)
from danqing.networks.losses import row_losses
from danqing.prediction.predictor import Predictor
from danqing.preparation.preparation import Preparation
from danqing.preparation.scaling import fit_scaling
from danqing.runs.run_folder import RunFolder
from danqing.training.augmentation.affine import random_affine
from danqing.training.graph_settings import GraphSettings
from danqing.training.loop.batches import Batch
from danqing.training.loop.step import Step, initial_state
from danqing.training.train import train


def own_tensors(tensors: dict[str, np.ndarray], member: int) -> dict[str, np.ndarray]:
    prefix = f"member_{member}/"
    return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}


@pytest.mark.parametrize("affine", [0.0, 1.0])
@pytest.mark.parametrize("loss", ["cross-entropy", "mean-squared-error"])
@pytest.mark.parametrize("network", ["dense(6,tanh)", "conv(3,5,3)-batchnorm-relu-dense(5)"])
def test_each_member_gets_the_gradients_that_it_would_get_alone(
    small: Dataset, network: str, loss: str, affine: float
) -> None:
    recipe = Recipe(
        network=network,
        loss=loss,
        affine=affine,
        random_erasing=0.0,
        photometric=0.0,
        label_smoothing=0.1,
    )
    preparation = Preparation(fit_scaling(small.x_train, "channel"))
    model = build(design(network, small.input_shape, 10, members=3), preparation, seed=5)
    members = members_apart(member_logits_of(model))
    weights = tf.constant(np.linspace(0, 2, 16), tf.float32)
    pictures = tf.constant(small.x_train[:16], tf.float32)
    labels = tf.constant(small.y_train[:16], tf.int32)
    settings = GraphSettings.of(recipe)
    state, seed = initial_state(members, settings), tf.constant([4, 7])
    # Each member sees the pictures augmented in its own way.
    seen = tf.split(random_affine(tf.concat([pictures] * 3, axis=0), affine, seed), 3)
    assert np.array_equal(seen[0], seen[1]) == (not affine)
    loss_sum, metric, gradients, _ = Step(members, settings).compute_gradients(
        state, Batch(pictures, labels, weights), seed
    )
    by_name = {
        weight.path.replace(".", "/"): np.asarray(gradient)
        for weight, gradient in zip(members.trainable_variables, gradients, strict=True)
    }
    losses, probabilities = [], []
    for member, own in enumerate(seen, start=1):
        alone = build(design(network, small.input_shape, 10), preparation)
        load_tensors(alone, own_tensors(tensors_of(model), member))
        with tf.GradientTape() as tape:  # Keras alone, and no Step
            logits = member_logits_of(alone)(own, training=True)
            rows = row_losses(loss, logits, labels, 0.1)
            losses.append(tf.reduce_sum(rows * weights))
            mean = losses[-1] / tf.reduce_sum(weights)
        probabilities.append(tf.nn.softmax(logits).numpy())
        expected = tape.gradient(mean, alone.trainable_variables)
        for weight, gradient in zip(alone.trainable_variables, expected, strict=True):
            np.testing.assert_allclose(
                by_name[f"member_{member}/{weight.path}"], gradient, atol=1e-5
            )
    assert float(loss_sum) == pytest.approx(np.mean(losses), rel=1e-5)
    correct = np.mean(probabilities, axis=0).argmax(axis=1) == small.y_train[:16]
    assert float(metric) == correct[1:].sum()  # the first row counts for nothing


def test_an_ensemble_is_better_than_its_members(trained: Callable[..., RunFolder]) -> None:
    settings = {"network": "dense(24)", "epochs": 6, "learning_rate": 0.005}
    run = trained("ensemble", ensemble=4, **settings)
    alone = trained("alone", **settings)
    assert run.metrics["parameters"] == 4 * alone.metrics["parameters"] == run.parameters
    assert run.metrics["test"]["loss"] < alone.metrics["test"]["loss"]
    assert run.history[-1]["val_loss"] < alone.history[-1]["val_loss"]
    # Of the members' own losses the mean: the same in kind as a single network's.
    assert run.history[-1]["loss"] == pytest.approx(alone.history[-1]["loss"], rel=0.15)


def test_history_reports_the_mean_prediction(
    trained: Callable[..., RunFolder], small: Dataset
) -> None:
    run = trained(network="dense(8)", ensemble=3, epochs=2, batch_size=50)
    rows = run.metrics["validation"]
    assert run.history[-1]["val_accuracy"] == pytest.approx(rows["accuracy"])
    assert run.history[-1]["val_loss"] == pytest.approx(validation_loss(run, small), rel=1e-4)
    probabilities = Predictor(run).predict_examples(small.x_test)
    metrics = classification_metrics(probabilities, small.y_test, run.class_names)
    assert metrics["loss"] == run.metrics["test"]["loss"]


def test_fine_tuning_keeps_the_ensemble(small: Dataset, tmp_path: Path) -> None:
    recipe = Recipe(network="dense(8)", ensemble=2, epochs=1)
    base = train(small, recipe, tmp_path / "base")
    further = train(small, Recipe(epochs=2), tmp_path / "further", base=base.folder)
    assert further.members == 2
    assert further.history[0]["loss"] < base.history[0]["loss"]
    with pytest.raises(RecipeError, match=r"ensemble: 3, but .* has 2; leave --ensemble out"):
        train(small, Recipe(ensemble=3), tmp_path / "other", base=base.folder)


@pytest.mark.parametrize("members", [0, 33, 1.5])
def test_numbers_that_no_ensemble_has(members: float) -> None:
    with pytest.raises(RecipeError, match="ensemble: input should be "):
        Recipe(ensemble=members)
