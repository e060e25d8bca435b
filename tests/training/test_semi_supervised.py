"""Few labels, and pictures without any: what they are good for, and what is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from danqing import Recipe, load_data
from danqing.data.dataset import Dataset
from danqing.data.split import split, split_by_settings
from danqing.errors import DanqingError, RecipeError, RunError, SourceError
from danqing.networks.backend import tf
from danqing.networks.build import build, logits_of
from danqing.runs.run_folder import RunFolder
from danqing.training.graph_settings import GraphSettings
from danqing.training.loop.batches import Batch
from danqing.training.loop.sampler import Sampler
from danqing.training.loop.step import Step, initial_state
from danqing.training.loop.training_rows import TrainingRows
from danqing.training.prepare_training import prepare_training
from danqing.training.semi_supervised.unlabelled import join_unlabelled, read_unlabelled
from danqing.training.train import train
from danqing.training.trainer import Trainer

NETWORK = "conv(8,5,3)-batchnorm-relu-conv(16,3)-batchnorm-relu"
FEW = Recipe(network=NETWORK, labels_per_class=10, epochs=2, seed=3)


class Killed(BaseException):
    """Raised where nothing catches it, like a kill."""


class OnDisk:
    """Pictures that are no ndarray."""

    def __init__(self, pictures: Any) -> None:
        self._pictures, self.shape = pictures, pictures.shape

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, rows: Any) -> Any:
        return self._pictures[rows]


def weights(run: RunFolder) -> bytes:
    return (run.folder / "weights.safetensors").read_bytes()


@pytest.mark.parametrize("seed", [0, 1])
def test_labels_are_drawn_evenly_and_the_rest_is_kept(small: Dataset, seed: int) -> None:
    whole = split(small, 0.1)
    settings = {"validation_share": 0.1, "labels_per_class": 7, "seed": seed}
    splits = split_by_settings(small, settings)
    assert splits.unlabelled is not None
    assert np.bincount(splits.train.labels).tolist() == [7] * 10
    together = np.concatenate([splits.train.rows, splits.unlabelled.rows])
    assert sorted(together) == sorted(whole.train.rows)
    assert splits.validation.rows.tolist() == whole.validation.rows.tolist()
    again = split_by_settings(small, settings)
    assert again.train.rows.tolist() == splits.train.rows.tolist()
    other = split_by_settings(small, {**settings, "seed": 2})
    assert other.train.rows.tolist() != splits.train.rows.tolist()


def test_an_epoch_takes_all_of_both(small: Dataset) -> None:
    recipe = Recipe(batch_size=10, unlabelled_weight=1.0)
    for labelled, unlabelled in ((25, 200), (100, 7)):
        sampler = Sampler(recipe, labelled, unlabelled)
        steps = sampler(1).reshape(sampler.steps, 40)
        assert (steps[:, :10] < labelled).all()
        assert (steps[:, 10:] >= labelled).all()
        assert set(steps.ravel().tolist()) == set(range(labelled + unlabelled))
        assert sampler(1).tolist() == sampler(1).tolist() != sampler(2).tolist()


def test_withheld_labels_change_nothing(small: Dataset, tmp_path: Path) -> None:
    """The strongest claim: with other labels there, the very same network comes out."""
    splits = split_by_settings(small, FEW.model_dump())
    assert splits.unlabelled is not None
    lies = small.y_train.copy()
    lies[splits.unlabelled.rows] = 0
    lying = replace(splits.unlabelled, y=lies)
    honest, dishonest = (
        prepare_training(small, replace(splits, unlabelled=unlabelled), FEW)
        for unlabelled in (splits.unlabelled, lying)
    )
    everywhere = replace(splits, train=replace(splits.train, y=lies), unlabelled=lying)
    tensors = []
    for plan in (honest, replace(dishonest, splits=everywhere)):
        trainer = Trainer(plan)
        trainer.fit()
        tensors.append(trainer.exported.tensors)
    for name, value in tensors[0].items():
        np.testing.assert_array_equal(value, tensors[1][name])


def test_pictures_without_labels_help(mnist: Dataset, tmp_path: Path) -> None:
    small = replace(
        mnist, x_train=mnist.x_train[:4000], y_train=mnist.y_train[:4000],
        x_test=mnist.x_test[:2000], y_test=mnist.y_test[:2000],
    )  # fmt: skip
    network = "conv(16,5,3)-batchnorm-relu-conv(32,3)-batchnorm-relu"
    settings: dict[str, Any] = {"network": network, "labels_per_class": 10}
    alone = train(small, Recipe(**settings, unlabelled_weight=0), tmp_path / "alone")
    together = train(small, Recipe(**settings, epochs=14), tmp_path / "together")
    assert alone.data["counts"] == {"train": 100, "validation": 400, "test": 2000}
    assert together.data["counts"] == {**alone.data["counts"], "unlabelled": 3500}
    gained = together.metrics["test"]["accuracy"] - alone.metrics["test"]["accuracy"]
    assert gained > 0.02


def test_the_step_is_fixmatch(small: Dataset) -> None:
    """Against the formula written out again; no augmentation, so that it can be."""
    recipe = Recipe(
        network="dense(8)", batch_size=4, unlabelled_weight=2.0, loss="cross-entropy",
        affine=0.0, random_erasing=0.0, photometric=0.0,
    )  # fmt: skip
    plan = prepare_training(small, split(small, 0.1), Recipe(network="dense(8)"))
    network = logits_of(build(plan.architecture, plan.preparation, 0))
    settings = GraphSettings.of(recipe)
    state = initial_state(network, settings)
    # Ten times the weights: some predictions are confident.
    state = state._replace(parameters=[10 * w for w in state.parameters])
    x = tf.constant(small.x_train[:16])
    y = tf.constant(small.y_train[:16].astype(np.int32))
    counted = tf.constant([1.0] * 4 + [0.0] * 12)
    loss, score, found, _ = Step(network, settings).compute_gradients(
        state, Batch(x, y, counted), tf.constant([0, 0])
    )

    def outputs(parameters: Any) -> Any:
        return network.stateless_call(parameters, state.non_trainable, tf.cast(x, tf.float32))[0]

    p = tf.nn.softmax(outputs(state.parameters)).numpy()
    confident = (p[4:].max(axis=1) >= 0.95).astype(np.float32)
    assert 0 < confident.sum() < 12
    with tf.GradientTape() as tape:
        tape.watch(state.parameters)
        logits = outputs(state.parameters)
        cross = tf.nn.sparse_softmax_cross_entropy_with_logits(
            np.concatenate([y[:4], p[4:].argmax(axis=1)]), logits
        )
        labelled, others = tf.reduce_mean(cross[:4]), tf.reduce_sum(cross[4:] * confident) / 12
        total = (labelled + 2.0 * others) / (1 + 2.0 * confident.mean())
    for one, other in zip(found, tape.gradient(total, state.parameters), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-6)
    assert float(loss) == pytest.approx(4 * float(labelled), rel=1e-4)
    assert float(score) == (p[:4].argmax(axis=1) == y[:4].numpy()).sum()


def test_interrupted_and_resumed(
    small: Dataset, mnist: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("danqing.training.loop.loop._CHUNK_SECONDS", 0.0)
    monkeypatch.setattr("danqing.training.loop.checkpoint_manager._interval", lambda seconds: 0.0)
    more = mnist.x_train[5000:5300]
    pictures, fewer_pictures = (read_unlabelled(some, small) for some in (more, more[1:]))
    whole = train(small, FEW, tmp_path / "whole", unlabelled=pictures)

    def dying(after: int) -> Callable[[Any], None]:
        calls = iter(range(1_000))

        def listen(progress: Any) -> None:
            if next(calls) == after:
                raise Killed

        return listen

    for after in (3, 20):
        with pytest.raises(Killed):
            train(
                small,
                FEW,
                tmp_path / "run",
                resume=True,
                unlabelled=pictures,
                progress=dying(after),
            )
    with pytest.raises(RunError, match="unlabelled pictures differ"):
        train(small, FEW, tmp_path / "run", resume=True, unlabelled=fewer_pictures)
    with pytest.raises(RunError, match="unlabelled pictures differ"):
        train(small, FEW, tmp_path / "run", resume=True)
    fewer = Recipe(network=NETWORK, labels_per_class=9, epochs=2, seed=3)
    with pytest.raises(RunError, match="labels_per_class was 10 and is now 9"):
        train(small, fewer, tmp_path / "run", resume=True, unlabelled=pictures)
    resumed = train(small, FEW, tmp_path / "run", resume=True, unlabelled=pictures)
    assert weights(resumed) == weights(whole)


def test_from_a_disk_as_from_memory(small: Dataset, mnist: Dataset) -> None:
    more = mnist.x_train[5000:5050]
    splits = split_by_settings(small, FEW.model_dump())
    rows = TrainingRows(small.x_train, small.y_train, splits.train.rows)
    found = [
        join_unlabelled(replace(rows, examples=kind(rows.examples)), splits.unlabelled, others)
        for kind in (np.asarray, OnDisk)
        for others in [
            read_unlabelled(kind(more) if kind is np.asarray else more, small).without_held_out(
                splits
            )
        ]
    ]
    some = np.array([2049, 0, 2000, 1999])
    assert isinstance(found[0].examples, np.ndarray)
    assert not isinstance(found[1].examples, np.ndarray)
    for one in found:
        assert len(one) == 1850
        assert one.unlabelled == 1750
        np.testing.assert_array_equal(one.examples[some][0], more[49])
        np.testing.assert_array_equal(one.examples[some][1], small.x_train[0])
        assert one.weights is not None
        assert one.weights[one.numbers].sum() == 100


def test_what_is_tested_is_not_learned_from(small: Dataset, mnist: Dataset) -> None:
    splits = split_by_settings(small, FEW.model_dump())
    mixed = np.concatenate([small.x_test[:100], mnist.x_train[5000:5200]])
    found = read_unlabelled(mixed, small).without_held_out(splits)
    assert len(found.pictures) == 200
    assert found.removed == {"also in the validation or test set": 100}
    with pytest.raises(SourceError, match="all of them are also in the validation or test set"):
        read_unlabelled(small.x_test, small).without_held_out(splits)


def _files(folder: Path, pictures: Any, size: int = 28) -> Path:
    for number, picture in enumerate(pictures):
        place = folder / f"some{number % 2}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture[..., 0]).resize((size, size)).save(place / f"{number}.png")
    return folder


def test_sources_of_pictures(small: Dataset, mnist: Dataset, tmp_path: Path) -> None:
    pictures = mnist.x_train[5000:5006]
    np.savez(tmp_path / "x.npz", x_train=pictures[..., 0])
    header = bytes([0, 0, 8, 3]) + b"".join(n.to_bytes(4, "big") for n in (6, 28, 28))
    (tmp_path / "train-images-idx3-ubyte").write_bytes(header + pictures.tobytes())
    flat = _files(tmp_path / "flat", pictures)
    (flat / "broken.png").write_bytes(b"nothing")
    for source in (
        pictures, replace(mnist, x_train=pictures), str(tmp_path / "x.npz"), flat,
        tmp_path / "train-images-idx3-ubyte",
    ):  # fmt: skip
        found = read_unlabelled(source, small)
        assert sorted(p.tobytes() for p in found.pictures) == sorted(p.tobytes() for p in pictures)
    assert read_unlabelled(flat, small).removed == {"unreadable files": 1}
    # Others are brought to the size of the training pictures.
    large = read_unlabelled(_files(tmp_path / "large", pictures, 50), small)
    assert large.pictures.shape == (6, 28, 28, 1)
    assert read_unlabelled("digits", small).pictures.shape[1:] == (
        28,
        28,
        1,
    )


def train_with(source: Any, dataset: Dataset, recipe: Recipe, out: Path) -> None:
    pictures = None if source is None else read_unlabelled(source, dataset)
    train(dataset, recipe, out, unlabelled=pictures)


def test_refusals(small: Dataset, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    np.savez(tmp_path / "table.npz", X=np.zeros((9, 3)))
    np.savez(tmp_path / "other.npz", z=np.zeros((9, 3)))
    iris = load_data("iris")
    wrong: list[tuple[Any, Dataset, dict[str, Any], type[DanqingError], str]] = [
        (tmp_path / "empty", small, {}, SourceError, "has no pictures"),
        (tmp_path / "none", small, {}, SourceError, "no such file"),
        ("iris", small, {}, SourceError, "expected pictures"),
        (tmp_path / "table.npz", small, {}, SourceError, "expected pictures"),
        (tmp_path / "other.npz", small, {}, SourceError, "expected x_train, or X"),
        (np.zeros((0, 28, 28), np.uint8), small, {}, SourceError, "has no pictures"),
        (small, iris, {}, SourceError, "labelled pictures of classes"),
        (
            None,
            iris,
            {"labels_per_class": 5},
            SourceError,
            "labels_per_class needs pictures with classes",
        ),
        (None, small, {"labels_per_class": 5000}, SourceError, "no class has more than"),
        (None, small, {"unlabelled_weight": 1}, RecipeError, "there are no unlabelled pictures"),
        (
            None,
            small,
            {"labels_per_class": 5, "label_smoothing": 0.1},
            RecipeError,
            "confident pred",
        ),
        (
            None,
            small,
            {"labels_per_class": 5, "loss": "mean-squared-error"},
            RecipeError,
            "confident",
        ),
    ]
    for unlabelled, dataset, settings, error, message in wrong:
        with pytest.raises(error, match=message):
            train_with(unlabelled, dataset, Recipe(**settings), tmp_path / "run")
    with pytest.raises(RecipeError, match="patience: would select"):
        Recipe(labels_per_class=5, patience=3)
    assert not (tmp_path / "run").exists()


def test_on_the_command_line(mnist: Dataset, tmp_path: Path) -> None:
    np.savez(
        tmp_path / "few.npz", x_train=mnist.x_train[:600], y_train=mnist.y_train[:600],
        x_test=mnist.x_test[:200], y_test=mnist.y_test[:200],
    )  # fmt: skip
    _files(tmp_path / "more", mnist.x_train[5000:5100])
    words = ["train", "few.npz", "--network", NETWORK, "--labels-per-class", "20"]
    words += ["--unlabelled", "more", "--epochs", "2", "--out", "run", "--resume"]
    for _ in range(2):  # the second time it is finished
        done = subprocess.run(
            [sys.executable, "-m", "danqing", *words],
            capture_output=True, text=True, cwd=tmp_path, timeout=300, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stdout) == (0, "run\n"), done.stderr
    assert "200 labelled and 440 unlabelled pictures" in done.stderr
    data = json.loads((tmp_path / "run" / "data.json").read_text())
    assert data["counts"] == {"train": 200, "unlabelled": 440, "validation": 60, "test": 200}
    assert data["unlabelled"]["source"] == "more"
    evaluated = subprocess.run(
        [sys.executable, "-m", "danqing", "evaluate", "run"],
        capture_output=True, text=True, cwd=tmp_path, timeout=300, check=False,
    )  # fmt: skip
    assert evaluated.returncode == 0, evaluated.stderr
    card = (tmp_path / "run" / "card.md").read_text()
    assert "440 more pictures were used without labels" in card
    assert "only 20 training labels per class were used" in card
