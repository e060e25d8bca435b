"""Distillation: learning a finished run's predictions in place of the labels."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from as_trained import validation_loss

from danqing import Recipe, load_data
from danqing.data.dataset import Dataset
from danqing.errors import RecipeError, RunError
from danqing.evaluation.confidence import untempered
from danqing.networks.architecture import design
from danqing.networks.backend import tf
from danqing.networks.build import build, member_logits_of
from danqing.prediction.predictor import Predictor
from danqing.preparation.preparation import Preparation
from danqing.preparation.scaling import fit_scaling
from danqing.runs.run_folder import RunFolder
from danqing.training.augmentation.affine import random_affine
from danqing.training.distillation.teacher import Teacher
from danqing.training.graph_settings import GraphSettings
from danqing.training.loop.batches import Batch
from danqing.training.loop.step import Step, initial_state
from danqing.training.train import train


@pytest.fixture(scope="module")
def pair(small: Dataset, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """An ensemble of two, a convolutional teacher."""
    recipe = Recipe(network="conv(6,5,3)-batchnorm-relu", ensemble=2, epochs=2, batch_size=32)
    return train(small, recipe, tmp_path_factory.mktemp("runs") / "pair")


def test_the_gradient_leads_to_the_teachers_prediction_for_the_same_augmented_picture(
    pair: RunFolder, small: Dataset
) -> None:
    recipe = Recipe(network="dense(5,tanh)", affine=1.0, label_smoothing=0.1)
    preparation = Preparation(fit_scaling(small.x_train, "channel"))
    model = build(design(recipe.spec, small.input_shape, 10), preparation, seed=3)
    network = member_logits_of(model)
    pictures, seed = tf.constant(small.x_train[:16], tf.float32), tf.constant([4, 7])
    weights = np.linspace(0, 2, 16).astype(np.float32)
    batch = Batch(pictures, tf.constant(small.y_train[:16]), tf.constant(weights))
    settings = GraphSettings.of(recipe)
    step = Step(network, settings, Teacher(pair, (0.0, 1.0)))
    loss, metric, gradients, _ = step.compute_gradients(
        initial_state(network, settings), batch, seed
    )

    transformed = random_affine(pictures, 1.0, seed).numpy()
    taught = untempered(pair, Predictor(pair).predict_examples(transformed))  # by ONNX Runtime
    predicted = np.asarray(model(transformed)).astype(np.float64)
    assert float(loss) == pytest.approx(
        -(weights * (taught * np.log(predicted)).sum(axis=1)).sum(), rel=1e-4
    )
    # The gradient of cross-entropy of a softmax by the logits is prediction minus target.
    share = weights / weights.sum()
    by_name = {v.path: g for v, g in zip(network.trainable_variables, gradients, strict=True)}
    np.testing.assert_allclose(by_name["output/bias"], share @ (predicted - taught), atol=1e-5)
    correct = predicted.argmax(axis=1) == small.y_train[:16]
    assert float(metric) == correct[1:].sum()  # the metric is of the labels


def test_a_small_network_learns_more_from_a_teacher_than_from_labels(
    mnist: Dataset, small: Dataset, tmp_path: Path
) -> None:
    many = replace(small, x_train=mnist.x_train[:12000], y_train=mnist.y_train[:12000])
    teacher = train(many, Recipe(network="dense(96)", epochs=6), tmp_path / "teacher")
    recipe = Recipe(network="dense(16)", epochs=20, batch_size=32)  # patient
    alone = train(small, recipe, tmp_path / "alone")
    taught = train(small, recipe, tmp_path / "taught", teacher=teacher.folder)
    assert validation_loss(taught, small) < validation_loss(alone, small)
    figures = [run.metrics["validation"]["accuracy"] for run in (alone, taught)]
    assert figures[1] >= figures[0]
    assert taught.parameters == alone.parameters
    assert taught.config["teacher"]["run"] == str(teacher.folder)


def test_a_table_is_encoded_as_for_the_teacher(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(3, 2, size=(600, 3))
    y = 10 + x @ [1.0, -2.0, 0.5]
    teacher = train(load_data((x, y)), Recipe(network="dense(24)", epochs=60), tmp_path / "teacher")
    # Labels that say nothing: whatever it knows, it has from its teacher.
    nothing = load_data((x, np.random.default_rng(1).permutation(y)))
    recipe = Recipe(network="dense(12)", epochs=60)
    taught = train(nothing, recipe, tmp_path / "taught", teacher=teacher.folder)
    assert taught.network["preparation"] == teacher.network["preparation"]
    assert np.corrcoef(Predictor(taught).predict_examples(x), y)[0, 1] > 0.95


def test_resume_wants_the_same_teacher(
    pair: RunFolder, small: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("danqing.training.loop.checkpoint_manager._interval", lambda seconds: 0.0)

    class Killed(BaseException):
        pass

    def die(progress: object) -> None:
        if getattr(progress, "epoch", 0) == 3:
            raise Killed

    recipe = Recipe(network="dense(4)", epochs=4)
    whole = train(small, recipe, tmp_path / "whole", teacher=pair.folder)
    with pytest.raises(Killed):
        train(small, recipe, tmp_path / "run", teacher=pair.folder, progress=die)
    for other in (None, whole.folder):
        with pytest.raises(RunError, match="another teacher"):
            train(small, recipe, tmp_path / "run", teacher=other, resume=True)
    train(small, recipe, tmp_path / "run", teacher=pair.folder, resume=True)
    contents = [(tmp_path / n / "weights.safetensors").read_bytes() for n in ("whole", "run")]
    assert contents[0] == contents[1]


def test_unsuitable_teachers_are_refused(pair: RunFolder, small: Dataset, tmp_path: Path) -> None:
    unfinished = shutil.copytree(pair.folder, tmp_path / "unfinished")
    (unfinished / "metrics.json").unlink()
    cases = [
        (replace(small, class_names=tuple("abcdefghij")), pair.folder, "classes differ"),
        (replace(small, x_train=small.x_train[:, :20]), pair.folder, "20x28x1.*without --teacher"),
        (load_data("iris"), pair.folder, "rows of a table"),
        (small, unfinished, "has not finished"),
        (small, tmp_path / "none", "no such folder"),
    ]
    for data, teacher, words in cases:
        with pytest.raises(RunError, match=words):
            train(data, Recipe(network="dense(4)"), tmp_path / "run", teacher=teacher)
    few = Recipe(network="dense(4)", labels_per_class=10)
    with pytest.raises(RecipeError, match="unlabelled pictures"):
        train(small, few, tmp_path / "run", teacher=pair.folder)
    assert not (tmp_path / "run").exists()
