from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from danqing import Recipe
from danqing.data.dataset import Dataset
from danqing.errors import DanqingError, RecipeError, RunError, SpecError, TrainingInterrupted
from danqing.networks.backend import tf
from danqing.prediction.predictor import Predictor
from danqing.recipe.recipe import AUGMENTATIONS
from danqing.runs.run_folder import RunFolder, load_run
from danqing.training.augmentation.affine import random_affine
from danqing.training.optimization.schedules import learning_rates
from danqing.training.train import train


@pytest.mark.parametrize(
    "network",
    ["dense(32)-dropout(0.3)", "conv(8,5,stride=2)-batchnorm-relu-dropout(0.2)-globalpool", "fast"],
)
def test_same_seed_same_weights_bit_for_bit(
    trained: Callable[..., RunFolder], network: str
) -> None:
    first = trained("first", network=network, batch_size=60)
    second = trained("second", network=network, batch_size=60)
    other = trained("other", network=network, batch_size=60, seed=1)
    content = [(run.folder / "weights.safetensors").read_bytes() for run in (first, second, other)]
    assert content[0] == content[1]
    assert content[0] != content[2]


def without_seconds(run: RunFolder) -> list[dict[str, float]]:
    return [
        {name: value for name, value in row.items() if name != "seconds"} for row in run.history
    ]


def test_chunks_do_not_change_the_result(
    trained: Callable[..., RunFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = trained("whole", network="dense(16)-dropout", batch_size=70)
    monkeypatch.setattr("danqing.training.loop.loop._CHUNK_SECONDS", 0.0)
    single = trained("single", network="dense(16)-dropout", batch_size=70)
    for name, value in whole.tensors.items():
        np.testing.assert_array_equal(value, single.tensors[name])
    assert without_seconds(whole) == without_seconds(single)


@pytest.mark.parametrize("optimizer", ["gradient-descent", "momentum", "adam", "adamw", "muon"])
@pytest.mark.parametrize("schedule", ["constant", "cosine", "one-cycle"])
def test_everything_learns(
    trained: Callable[..., RunFolder], optimizer: str, schedule: str
) -> None:
    run = trained(network="dense(32)", optimizer=optimizer, schedule=schedule, epochs=4)
    assert run.history[-1]["loss"] < run.history[0]["loss"]
    assert run.metrics["test"]["accuracy"] > 0.78


def test_mean_squared_error_learns(trained: Callable[..., RunFolder]) -> None:
    run = trained(network="dense(32)", loss="mean-squared-error", epochs=4)
    assert run.metrics["test"]["accuracy"] > 0.78


@pytest.mark.parametrize("change", AUGMENTATIONS)
def test_a_dense_network_learns_from_augmented_pictures(
    trained: Callable[..., RunFolder], change: str
) -> None:
    # XLA compiles some changes, and knows no others.
    strength = {"horizontal_flip": True}.get(change, 0.5)
    run = trained(network="dense(32)", epochs=4, **{change: strength})
    assert run.metrics["test"]["accuracy"] > 0.7


def test_a_spec_learns(run: RunFolder) -> None:
    assert run.metrics["test"]["accuracy"] > 0.8
    assert [row["epoch"] for row in run.history] == [1, 2, 3, 4]


def test_schedules() -> None:
    one_cycle = learning_rates("one-cycle", 0.5, np.arange(1000) / 1000)
    assert one_cycle.argmax() == 200
    assert one_cycle.max() == pytest.approx(0.5)
    assert one_cycle[-1] < 0.006 < one_cycle[0] < 0.021
    assert (learning_rates("constant", 0.1, np.arange(5) / 5) == 0.1).all()
    assert (np.diff(learning_rates("cosine", 0.1, np.arange(50) / 50)) < 0).all()


def test_random_affine_is_small_and_a_function_of_its_seed(mnist: Dataset) -> None:
    pictures = tf.constant(mnist.x_train[:200], tf.float32)
    once, again = random_affine(pictures, 1.0, [1, 2]), random_affine(pictures, 1.0, [1, 2])
    np.testing.assert_array_equal(once, again)
    assert not np.array_equal(once, random_affine(pictures, 1.0, [1, 3]))
    np.testing.assert_allclose(random_affine(pictures, 0.0, [1, 2]), pictures, atol=1e-2)
    ratio = float(tf.reduce_sum(once) / tf.reduce_sum(pictures))
    assert 0.95 < ratio < 1.05
    assert not np.array_equal(once[0], once[1])


def test_nothing_is_written_when_the_recipe_does_not_fit(small: Dataset, tmp_path: Path) -> None:
    for recipe, error in [
        (Recipe(network="dense(8)", batch_size=1801), RecipeError),
        (Recipe(network="pool-pool-pool-pool-pool"), SpecError),
    ]:
        with pytest.raises(error):
            train(small, recipe, tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_an_existing_folder_is_never_touched(small: Dataset, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("precious")
    with pytest.raises(RunError, match="exists already"):
        train(small, Recipe(network="dense(8)", epochs=1), tmp_path / "run")
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["thesis.txt"]


def test_divergence_is_reported(small: Dataset, tmp_path: Path) -> None:
    recipe = Recipe(
        network="dense(32,linear)-dense(32,linear)", optimizer="gradient-descent",
        learning_rate=100, epochs=3, loss="cross-entropy",
    )  # fmt: skip
    with pytest.raises(DanqingError, match="smaller learning rate"):
        train(small, recipe, tmp_path / "run")
    assert not RunFolder(tmp_path / "run").finished


def test_ctrl_c_keeps_what_was_learned(small: Dataset, tmp_path: Path) -> None:
    def interrupt(progress: object) -> None:
        if getattr(progress, "finished", None) is not None:
            os.kill(os.getpid(), signal.SIGINT)

    recipe = Recipe(network="dense(32)", epochs=50)
    with pytest.raises(TrainingInterrupted, match="1 of 50 epochs") as caught:
        train(small, recipe, tmp_path / "run", progress=interrupt)
    assert caught.value.exit_status == 130
    assert caught.value.folder == tmp_path / "run"
    run = load_run(tmp_path / "run")
    assert not run.finished
    accuracy = (Predictor(run).predict_examples(small.x_test).argmax(axis=1) == small.y_test).mean()
    assert accuracy > 0.6


def test_ctrl_c_before_the_first_step_leaves_nothing(
    small: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "danqing.training.loop.loop.Loop.compile", lambda self: os.kill(os.getpid(), signal.SIGINT)
    )
    with pytest.raises(TrainingInterrupted, match="nothing was kept"):
        train(small, Recipe(network="dense(8)"), tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_a_failure_to_write_leaves_no_half_file(
    small: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(RunError, match="No space left"):
        train(small, Recipe(network="dense(8)"), tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_one_picture_of_a_class_is_enough(small: Dataset, tmp_path: Path) -> None:
    lonely = replace(small, x_train=small.x_train[:60], y_train=np.array([1] * 59 + [0]))
    recipe = Recipe(network="dense(4)", epochs=1, batch_size=8)
    assert train(lonely, recipe, tmp_path / "run").finished
