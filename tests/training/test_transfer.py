"""Transfer: another target on the layers of a finished run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import danqing
from danqing import Recipe, load_data
from danqing.data.dataset import Dataset
from danqing.errors import RunError, TrainingInterrupted
from danqing.networks.architecture import design
from danqing.networks.backend import tf
from danqing.networks.build import build, member_logits_of, members_apart
from danqing.prediction.predictor import Predictor
from danqing.preparation.preparation import Preparation
from danqing.preparation.scaling import fit_scaling
from danqing.runs.run_folder import RunFolder, load_run
from danqing.training.graph_settings import GraphSettings
from danqing.training.loop.batches import Batch
from danqing.training.loop.graphs import Graphs
from danqing.training.loop.progress import TrainingProgress
from danqing.training.loop.step import Step, initial_state, is_output
from danqing.training.train import train

NETWORK = "conv(8,5,stride=2)-batchnorm-relu-pool-dense(32)"


def digits(mnist: Dataset, classes: range, rows: int, tested: int = 300) -> Dataset:
    """The first rows of MNIST that show some digits, with a test set."""
    kept: dict[str, Any] = {}
    for name, count in (("train", rows), ("test", tested)):
        x, y = getattr(mnist, f"x_{name}"), getattr(mnist, f"y_{name}")
        chosen = np.flatnonzero(np.isin(y, classes))[:count]
        kept |= {f"x_{name}": x[chosen], f"y_{name}": y[chosen] - classes[0]}
    return replace(mnist, **kept, class_names=tuple(mnist.class_names[n] for n in classes))


@pytest.fixture(scope="module")
def low(mnist: Dataset, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run that knows the digits 0 to 4."""
    recipe = Recipe(network=NETWORK, epochs=4, batch_size=32)
    return train(digits(mnist, range(5), 2000), recipe, tmp_path_factory.mktemp("runs") / "low")


@pytest.fixture(scope="module")
def high(mnist: Dataset) -> Dataset:
    """Few examples of the digits 5 to 9."""
    return digits(mnist, range(5, 10), 150)


def body(run: RunFolder) -> dict[str, Any]:
    return {name: value for name, value in run.tensors.items() if "output" not in name}


def same_body(one: RunFolder, other: RunFolder) -> bool:
    return all(np.array_equal(value, other.tensors[name]) for name, value in body(one).items())


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "danqing"]


class Killed(BaseException):
    """Raised where nothing catches it, like a kill."""


def stopping_after(epochs: int) -> Callable[[TrainingProgress], None]:
    """Make a progress callback that presses Ctrl-C at the end of an epoch."""

    def listen(progress: TrainingProgress) -> None:
        if progress.finished and progress.finished.epoch == epochs:
            os.kill(os.getpid(), signal.SIGINT)

    return listen


# --- it learns


def test_few_examples_are_learned_better_than_from_scratch(
    mnist: Dataset, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    network = "conv(16,5,stride=2)-batchnorm-relu-conv(32,3,stride=2)-batchnorm-relu"
    recipe = Recipe(network=network, epochs=4, batch_size=32)
    base = train(digits(mnist, range(5), 8000), recipe, tmp_path / "base")
    few = digits(mnist, range(5, 10), 60, tested=2000)
    found = []
    for seed in range(2):
        recipe = Recipe(network=network, epochs=20, seed=seed)
        scratch = train(few, recipe, tmp_path / f"scratch{seed}")
        run = train(few, recipe, tmp_path / f"run{seed}", base=base.folder)
        found.append([1 - one.metrics["test"]["accuracy"] for one in (scratch, run)])
    errors = np.mean(found, axis=0)
    assert errors[1] < 0.9 * errors[0]
    assert run.class_names == ["5", "6", "7", "8", "9"]
    assert run.network["preparation"]["scaling"] == base.network["preparation"]["scaling"]
    assert said(caplog)[0] == (
        f"transfer from {base.folder} (other classes): layers conv to batchnorm_2 kept, a new "
        "output layer for 5 classes; the first 4 of 20 epochs train it alone"
    )


# --- the first phase


def test_the_output_layer_is_trained_alone_first(
    low: RunFolder, high: Dataset, tmp_path: Path
) -> None:
    recipe = Recipe(network=NETWORK, epochs=10, ema_decay=0.9)
    with pytest.raises(TrainingInterrupted):
        train(high, recipe, tmp_path / "run", base=low.folder, progress=stopping_after(1))
    first = load_run(tmp_path / "run")
    assert same_body(low, first), "batch norm's statistics, too"
    assert first.tensors["output/kernel"].shape == (32, 5)
    run = train(high, recipe, tmp_path / "run", base=low.folder, resume=True)
    assert not same_body(low, run)
    all_parameters = run.metrics["parameters"]
    alone = run.config["transfer"]["output_epochs"]
    trained = [row["trained_parameters"] for row in run.history]
    assert trained == [33 * 5] * alone + [all_parameters] * (10 - alone)
    rates = [row["learning_rate"] for row in run.history]
    peaks = [run.config["transfer"][f"{name}_learning_rate"] for name in ("output", "all_layers")]
    assert max(rates[alone:]) <= peaks[1] < max(rates[:alone]) <= peaks[0]
    assert run.config["from"]["run"] == str(low.folder)
    transfer = run.config["transfer"]
    assert (transfer["reason"], transfer["kept"], transfer["new"]) == (
        "other classes", ["conv", "batchnorm", "dense"], ["output"],
    )  # fmt: skip


@pytest.mark.parametrize("members", [1, 2])
def test_its_gradient_is_that_of_a_softmax_regression(low: RunFolder, members: int) -> None:
    """Independently: by NumPy from the features that Keras gives."""
    recipe = Recipe(network=f"{NETWORK}-dropout(0.5)", weight_decay=0.3, optimizer="adamw",
                    label_smoothing=0.0, ema_decay=0.0, affine=0, random_erasing=0,
                    photometric=0)  # fmt: skip
    x = np.random.default_rng(0).integers(0, 256, (16, 28, 28, 1)).astype(np.uint8)
    y = np.arange(16) % 5
    model = build(
        design(recipe.spec, (28, 28, 1), 5, members), Preparation(fit_scaling(x, "channel"))
    )
    network = members_apart(member_logits_of(model))
    settings = GraphSettings.of(recipe, frozen_body=True)
    step, state = Step(network, settings), initial_state(network, settings)
    batch = Batch(tf.constant(x), tf.constant(y, tf.int32), tf.ones(16))
    _, _, gradients, _ = step.compute_gradients(state, batch, tf.constant([0, 0]))
    assert len(gradients) == 2 * members
    outputs = [layer for layer in model.layers if layer.name.endswith("output")]
    features = tf.keras.Model(model.input, [layer.input for layer in outputs])(x, training=False)
    for number, own in enumerate(tf.nest.flatten(features)):
        kernel, bias = (np.asarray(weight) for weight in outputs[number].weights)
        z = np.asarray(own) @ kernel + bias
        p = np.exp(z - z.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        delta = (p - np.eye(5)[y]) / 16
        found = gradients[2 * number : 2 * number + 2]
        np.testing.assert_allclose(found[0], np.asarray(own).T @ delta, atol=1e-5)
        np.testing.assert_allclose(found[1], delta.sum(axis=0), atol=1e-5)
    after, _, _ = step(state, batch, tf.constant(0.1), tf.constant([0, 0]))
    for variable, before, now in zip(
        network.trainable_variables, state.parameters, after.parameters, strict=True
    ):
        # No weight decay below the output, either.
        assert np.array_equal(before, now) != is_output(variable)
    assert all(
        np.array_equal(*pair) for pair in zip(state.non_trainable, after.non_trainable, strict=True)
    )


def test_there_is_no_backward_pass_through_a_frozen_body(low: RunFolder) -> None:
    model = build(design(NETWORK, (28, 28, 1), 5), low.preparation)
    network = member_logits_of(model)
    kinds = {}
    for frozen_body in (False, True):
        settings = GraphSettings.of(Recipe(network=NETWORK), frozen_body=frozen_body)
        graphs = Graphs(network, settings, jit_compile=False)
        state = initial_state(network, settings)
        function = graphs._chunk.get_concrete_function(
            state, tf.TensorSpec((None, 28, 28, 1), tf.uint8), tf.TensorSpec((None,), tf.int32),
            tf.TensorSpec((None,), tf.float32), tf.TensorSpec((None,), tf.int32),
            tf.TensorSpec((None,), tf.float32), tf.TensorSpec((5,), tf.int32),
            tf.TensorSpec((2,), tf.float64), batch_size=8,
        )  # fmt: skip
        inner = function.graph.as_graph_def().library.function
        kinds[frozen_body] = {node.op for one in inner for node in one.node_def}
    backward = {"Conv2DBackpropFilter", "FusedBatchNormGradV3", "MaxPoolGrad"}
    assert backward <= kinds[False]
    assert not backward & kinds[True]
    assert {"Conv2D", "MaxPool"} <= kinds[True]


# --- what is kept, and what is new


def test_classes_in_another_order_keep_their_columns(
    low: RunFolder, mnist: Dataset, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    same = digits(mnist, range(5), 300)
    order = [3, 0, 4, 1, 2]  # the new class n is the old class order[n]
    place = np.argsort(order)
    other = replace(
        same, class_names=tuple("30412"), y_train=place[same.y_train], y_test=place[same.y_test]
    )
    recipe = Recipe(network=NETWORK, epochs=1, learning_rate=1e-9, schedule="constant")
    run = train(other, recipe, tmp_path / "run", base=low.folder)
    assert not said(caplog)
    assert "transfer" not in run.config
    assert "trained_parameters" not in run.history[0]
    for name in ("output/kernel", "output/bias"):
        np.testing.assert_allclose(run.tensors[name], low.tensors[name][..., order], atol=1e-6)
    assert run.metrics["test"]["accuracy"] > 0.9


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (("zero", "one", "two", "three", "four"), "other classes"),
        (("0", "1", "2", "3", "5"), "other classes"),
        (("0", "1", "2", "3", "4", "5"), "more classes"),
    ],
)
def test_classes_with_other_names_are_new(
    low: RunFolder, mnist: Dataset, tmp_path: Path, names: tuple[str, ...], reason: str
) -> None:
    data = replace(digits(mnist, range(len(names)), 200), class_names=names, label_type="text")
    run = train(data, Recipe(network=NETWORK, epochs=2), tmp_path / "run", base=low.folder)
    assert run.config["transfer"]["reason"] == reason
    assert run.tensors["output/bias"].shape == (len(names),)


def test_fewer_classes_and_a_network_that_was_transferred_before(
    low: RunFolder, high: Dataset, mnist: Dataset, tmp_path: Path
) -> None:
    two = digits(mnist, range(2), 100)
    run = train(two, Recipe(network=NETWORK, epochs=2), tmp_path / "two", base=low.folder)
    assert run.config["transfer"]["reason"] == "fewer classes"
    again = train(high, Recipe(epochs=2), tmp_path / "again", base=run.folder)
    assert again.config["transfer"]["reason"] == "other classes"
    on = train(high, Recipe(epochs=1), tmp_path / "on", base=again.folder)
    assert "transfer" not in on.config


def test_from_classes_to_numbers_and_back(
    low: RunFolder, mnist: Dataset, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    five = digits(mnist, range(5), 600)
    darkness = [x.mean(axis=(1, 2, 3)) * 1000.0 + 50_000 for x in (five.x_train, five.x_test)]
    numbers = replace(five, y_train=darkness[0], y_test=darkness[1], class_names=())
    run = train(numbers, Recipe(network=NETWORK, epochs=8), tmp_path / "run", base=low.folder)
    assert run.config["transfer"]["reason"] == "regression instead of classification"
    assert "a new output layer for regression" in said(caplog)[0]
    mean, scale = run.preparation.target
    train_rows = run.data["counts"]["train"]
    assert mean == pytest.approx(darkness[0].mean(), rel=0.1)
    assert scale == pytest.approx(darkness[0].std(), rel=0.2)
    assert train_rows < 600
    assert run.metrics["test"]["r2"] > 0.7
    back = train(five, Recipe(epochs=3), tmp_path / "back", base=run.folder)
    assert back.preparation.target == (0.0, 1.0)
    assert back.config["transfer"]["reason"] == "classification instead of regression"
    assert back.metrics["test"]["accuracy"] > 0.8


def test_numbers_of_another_scale_are_another_target(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 3))
    base = danqing.train((x, x[:, 0] + 0.5), out=tmp_path / "base", network="dense(16)", epochs=30)
    for name, factor, offset, transfers in [
        ("same", 1.0, 0.0, False), ("near", 3.0, 2.0, False), ("large", 1000.0, 0.0, True),
        ("far", 1.0, 500.0, True), ("small", 0.001, 0.0, True),
    ]:  # fmt: skip
        y = factor * (x[:, 0] - x[:, 1]) + offset
        run = danqing.train((x, y), base=base, out=tmp_path / name, epochs=20)
        reason = run.config.get("transfer", {}).get("reason", "")
        assert reason == "a target of another scale" * transfers, name
        assert run.metrics["test"]["r2"] > 0.5


# --- tables


def table(path: Path, rows: int = 300, **columns: Any) -> Path:
    rng = np.random.default_rng(rows)
    a, b = rng.normal(size=(2, rows))
    made: dict[str, Any] = {
        "a": a, "b": b, "kind": rng.choice(["x", "y"], rows),
        "price": 1000 + 10 * (a - b), "warm": np.where(a + b > 0, "yes", "no"),
        "big": np.where(a - b > 0, "yes", "no"),
    }  # fmt: skip
    made = {n: v for n, v in {**made, **columns}.items() if v is not None}
    lines = [",".join(made), *(",".join(map(str, row)) for row in zip(*made.values(), strict=True))]
    path.write_text("\n".join(lines) + "\n")
    return path


RECIPE = Recipe(network="dense(16)", epochs=6)


def test_another_target_of_a_table(tmp_path: Path) -> None:
    rows = table(tmp_path / "rows.csv")
    others = {"price": "ignore", "warm": "ignore", "big": "ignore"}

    def data(target: str) -> Dataset:
        chosen = {name: kind for name, kind in others.items() if name != target}
        return load_data(str(rows), target=target, columns=chosen)

    base = train(data("price"), Recipe(network="dense(16)", epochs=30), tmp_path / "price")
    warm = train(data("warm"), RECIPE, tmp_path / "warm", base=base.folder)
    assert warm.config["transfer"]["reason"] == "classification instead of regression"
    # The same classes under another name are another target.
    big = train(data("big"), RECIPE, tmp_path / "big", base=warm.folder)
    assert big.config["transfer"]["reason"] == "the target 'big' instead of 'warm'"
    assert big.network["preparation"]["encoding"] == base.network["preparation"]["encoding"]
    assert big.network["preparation"]["scaling"] == base.network["preparation"]["scaling"]
    again = train(data("big"), RECIPE, tmp_path / "again", base=big.folder)
    assert "transfer" not in again.config


def test_ranges_are_those_of_the_new_rows(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    first = load_data((rng.normal(size=(200, 2)), np.arange(200) % 2))
    base = train(first, RECIPE, tmp_path / "base")
    far = rng.normal(size=(200, 2)) + 100
    run = danqing.train((far, np.arange(200) % 3), base=base.folder, out=tmp_path / "run", epochs=2)
    assert not any(one["flags"] for one in run.predictions(far[:20]))
    assert all(one["flags"] for one in run.predictions(far[:5] - 100))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"b": None}, "rows lacks 'b';"),
        ({"c": 1}, "rows also has 'c' (--column NAME=ignore leaves a column out)"),
        ({"b": None, "B": 1}, "rows lacks 'b' (it has 'B'; upper and lower case count, so rename)"),
        ({"b": None, "c": 1}, "rows lacks 'b' and also has 'c' (--"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("target", ["warm", "big"])
def test_other_columns_are_refused(
    tmp_path: Path, changed: dict[str, Any], words: str, target: str
) -> None:
    base = train(
        load_data(str(table(tmp_path / "base.csv", price=None, big=None)), target="warm"),
        Recipe(network="dense(4)", epochs=1), tmp_path / "base",
    )  # fmt: skip
    columns = {name: np.arange(300) % 7 if value else None for name, value in changed.items()}
    other = "big" if target == "warm" else "warm"
    rows = table(tmp_path / "rows.csv", price=None, **{other: None}, **columns)
    with pytest.raises(RunError) as caught:
        train(load_data(str(rows), target=target), Recipe(), tmp_path / "run", base=base.folder)
    assert f"learned from other columns: {words}" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_a_target_that_was_a_feature_is_refused(tmp_path: Path) -> None:
    rows = str(table(tmp_path / "rows.csv"))
    base = train(load_data(rows, target="warm"), RECIPE, tmp_path / "base")
    with pytest.raises(RunError, match="'big' is the target now: start from a run trained without"):
        train(load_data(rows, target="big"), RECIPE, tmp_path / "run", base=base.folder)


def test_what_can_not_be_transferred_is_refused(
    low: RunFolder, small: Dataset, tmp_path: Path
) -> None:
    plain = train(small, Recipe(network="flatten", epochs=1), tmp_path / "plain")
    two = replace(small, x_train=small.x_train.repeat(2, -1), x_test=small.x_test.repeat(2, -1))
    names = tuple("abcdefghij")
    for data, base, words in [
        (replace(small, class_names=names, label_type="text"), plain, "no layer below its output"),
        (load_data("iris"), low, "rows of a table"),
        (two, low, "can't be converted to its channels"),
    ]:
        with pytest.raises(RunError, match=words):
            train(data, Recipe(), tmp_path / "run", base=base.folder)
    assert not (tmp_path / "run").exists()


# --- pictures of another size


@pytest.mark.parametrize("kind", ["transfer", "the same classes"])
def test_pictures_of_another_size_and_mode_are_resized(
    low: RunFolder, mnist: Dataset, tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    five = digits(mnist, range(5), 200)
    for number, (picture, label) in enumerate(zip(five.x_train[..., 0], five.y_train, strict=True)):
        folder = tmp_path / "pictures" / (f"{label}" if kind != "transfer" else f"digit {label}")
        folder.mkdir(parents=True, exist_ok=True)
        grey = Image.fromarray(picture).resize((40, 52))
        Image.merge("RGB", (grey, grey, Image.new("L", grey.size))).save(folder / f"{number}.png")
    run = danqing.train(str(tmp_path / "pictures"), base=danqing.load_run(low.folder),
                        out=tmp_path / "run", epochs=4)  # fmt: skip
    assert ("transfer" in run.config) == (kind == "transfer")
    assert said(caplog)[-1] == (
        f"pictures: pictures of 52x40x3 are resized to 28x28x1, as {low.folder} takes them"
    )
    assert run.metrics["test"]["accuracy"] > 0.6
    # Evaluated again, explained, and predicted from files as from arrays, all are the same.
    assert run.evaluate()["test"] == run.metrics["test"]
    files = sorted((tmp_path / "pictures").rglob("*.png"))[:40]
    predicted = run.predict_proba([str(file) for file in files])
    arrays = run.predict_proba(np.stack([np.asarray(Image.open(file)) for file in files]))
    images = run.predict_proba([Image.open(file) for file in files])
    np.testing.assert_array_equal(predicted, arrays)
    np.testing.assert_array_equal(predicted, images)
    labels = run.predict([str(file) for file in files])
    found = [str(label) == file.parent.name for label, file in zip(labels, files, strict=True)]
    assert np.mean(found) > 0.6
    assert len(run.explain([files[0]]).explanations) == 1
    # Other data with the same rows: how many of them it has learned from.
    other = load_data(str(tmp_path / "pictures"))
    x, y = other.x_train[:100], other.y_train[:100]
    other = replace(other, x_train=x, y_train=y, content_hash="")
    assert run.evaluate(other)["test"]["training_rows"] > 50
    # When some have changed, only these are missing.
    for file in files[:20]:
        Image.new("RGB", (40, 52), (len(file.name), 7, 7)).save(file)
    with pytest.raises(RunError, match=r"\b(1\d|20) of its 1\d\d training rows have changed"):
        run.evaluate()


# --- resuming


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint after each step."""
    monkeypatch.setattr("danqing.training.loop.loop._CHUNK_SECONDS", 0.0)
    monkeypatch.setattr("danqing.training.loop.checkpoint_manager._interval", lambda seconds: 0.0)


def dying(after: int) -> Callable[[TrainingProgress], None]:
    calls = iter(range(1, 1_000_000))

    def listen(progress: TrainingProgress) -> None:
        if next(calls) == after:
            raise Killed

    return listen


def weights(run: RunFolder) -> bytes:
    return (run.folder / "weights.safetensors").read_bytes()


def without_seconds(run: RunFolder) -> list[dict[str, float]]:
    return [{n: v for n, v in row.items() if n != "seconds"} for row in run.history]


RESUMED = {
    "plain": {"network": "dense(16)-dropout(0.3)", "ema_decay": 0.9},
    "convolutional": {"network": "conv(4,5,3)-batchnorm-relu-dropout(0.2)", "affine": 1.0,
                      "optimizer": "muon", "schedule": "one-cycle", "weight_decay": 0.1},
    "patient": {"network": "dense(16)", "optimizer": "momentum", "patience": 2, "epochs": 8},
    "ensemble": {"network": "conv(3,5,3)-batchnorm-relu", "ensemble": 2, "ema_decay": 0.9},
    "one epoch": {"network": "dense(16)", "epochs": 1},
}  # fmt: skip


@pytest.mark.usefixtures("often")
@pytest.mark.parametrize("kind", RESUMED)
def test_interrupted_in_either_phase(
    mnist: Dataset, high: Dataset, tmp_path: Path, kind: str
) -> None:
    settings: dict[str, Any] = {"epochs": 4, "batch_size": 40, **RESUMED[kind]}
    base = train(
        digits(mnist, range(5), 300), Recipe(**{**settings, "epochs": 1}), tmp_path / "base"
    )
    recipe = Recipe(**settings)
    whole = train(high, recipe, tmp_path / "whole", base=base.folder)
    folder = tmp_path / "interrupted"
    # In the first epoch, after its last step, at the switch, in the second phase, ...
    for after in (1, 1, 2, 1, 1, 3, 2):
        try:
            train(high, recipe, folder, base=base.folder, resume=True, progress=dying(after))
        except Killed:
            continue
        break
    resumed = train(high, recipe, folder, base=base.folder, resume=True)
    assert weights(resumed) == weights(whole)
    assert without_seconds(resumed) == without_seconds(whole)
    assert resumed.metrics["test"] == whole.metrics["test"]
    assert len({row["trained_parameters"] for row in whole.history}) == min(2, len(whole.history))


def test_ctrl_c_in_either_phase(low: RunFolder, high: Dataset, tmp_path: Path) -> None:
    recipe = Recipe(network=NETWORK, epochs=4, batch_size=40)
    whole = train(high, recipe, tmp_path / "whole", base=low.folder)
    for epochs in (1, 3):
        with pytest.raises(TrainingInterrupted, match=f"after {epochs} of 4 epochs"):
            train(high, recipe, tmp_path / "run", base=low.folder, resume=True,
                  progress=stopping_after(epochs))  # fmt: skip
    resumed = train(high, recipe, tmp_path / "run", base=low.folder, resume=True)
    assert weights(resumed) == weights(whole)
    assert without_seconds(resumed) == without_seconds(whole)


PROGRAM = """
import sys, danqing, numpy as np
from danqing.training.loop import checkpoint_manager as checkpoint, loop
checkpoint._interval = lambda seconds: 0.0
loop._CHUNK_SECONDS = 0.0
rows = np.load(sys.argv[1])
print("begins", flush=True)
danqing.train((rows["x"], rows["y"]), out=sys.argv[2], base=sys.argv[3], resume=True,
              network="dense(16)-dropout(0.3)", epochs=60, batch_size=70)
"""


@pytest.mark.parametrize("phase", ["output", "all"])
def test_kill_9_in_either_phase(mnist: Dataset, high: Dataset, tmp_path: Path, phase: str) -> None:
    recipe = Recipe(network="dense(16)-dropout(0.3)", epochs=1, batch_size=70)
    base = train(digits(mnist, range(5), 300), recipe, tmp_path / "base")
    rows = (high.x_train[..., 0], high.y_train + 5)
    np.savez(tmp_path / "rows.npz", x=rows[0], y=rows[1])
    settings = {"network": recipe.network, "epochs": 60, "batch_size": 70}
    whole = danqing.train(rows, base=base.folder, out=tmp_path / "whole", **settings)
    alone, folder = whole.config["transfer"]["output_epochs"], tmp_path / "run"
    words = [sys.executable, "-c", PROGRAM, tmp_path / "rows.npz", folder, base.folder]
    process = subprocess.Popen(list(map(str, words)), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "begins\n"
    wanted = 0 if phase == "output" else 2 * (alone + 1)
    while process.poll() is None:
        kept = [path.name.partition("-")[0] for path in folder.glob("checkpoints/[0-9]*")]
        if any(int(steps) > wanted for steps in kept):
            break
        time.sleep(0.002)
    process.kill()
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert not load_run(folder).finished
    resumed = danqing.train(rows, base=base.folder, out=folder, resume=True, **settings)
    assert (folder / "weights.safetensors").read_bytes() == (
        tmp_path / "whole" / "weights.safetensors"
    ).read_bytes()
    assert resumed.metrics["test"] == whole.metrics["test"]


def test_another_transfer_is_refused(low: RunFolder, high: Dataset, tmp_path: Path) -> None:
    recipe = Recipe(network=NETWORK, epochs=2)
    train(high, recipe, tmp_path / "run", base=low.folder)
    with pytest.raises(RunError, match="fine-tunes another run"):
        train(high, recipe, tmp_path / "run", resume=True)


# --- with everything else


@pytest.mark.parametrize("epochs", [None, 3])
def test_minutes_are_kept(
    low: RunFolder, high: Dataset, tmp_path: Path, epochs: int | None
) -> None:
    settings: dict[str, Any] = {"epochs": epochs} if epochs else {}
    recipe = Recipe(network=NETWORK, minutes=0.3, batch_size=16, **settings)
    began = time.perf_counter()
    run = train(high, recipe, tmp_path / "run", base=low.folder)
    took = time.perf_counter() - began
    assert took < 18 * 1.15
    if epochs is None:
        assert took > 18 * 0.85
        assert run.config["transfer"]["output_epochs"] is None
    trained = [row["trained_parameters"] for row in run.history]
    assert sorted(trained) == trained
    assert trained[-1] == run.metrics["parameters"]


def test_a_budget_is_resumed_in_its_phase(
    low: RunFolder, high: Dataset, tmp_path: Path, often: None
) -> None:
    recipe = Recipe(network=NETWORK, minutes=0.5, batch_size=16)
    shares: list[float] = []

    def die(progress: TrainingProgress) -> None:
        shares.append(progress.share)
        if progress.share > 0.6:
            raise Killed

    with pytest.raises(Killed):
        train(high, recipe, tmp_path / "run", base=low.folder, progress=die)
    facts = load_run(tmp_path / "run").checkpoints.newest()
    assert facts is not None
    assert facts[1]["position"]["frozen_body"] is False
    run = train(high, recipe, tmp_path / "run", base=low.folder, resume=True)
    assert run.history[-1]["trained_parameters"] == run.metrics["parameters"]


def test_patience_begins_with_the_second_phase(
    low: RunFolder, high: Dataset, tmp_path: Path
) -> None:
    recipe = Recipe(network=NETWORK, epochs=40, patience=2, learning_rate=1e-9, ema_decay=0.0)
    run = train(high, recipe, tmp_path / "run", base=low.folder)
    alone = run.config["transfer"]["output_epochs"]
    assert len(run.history) >= alone + 2
    assert {row["trained_parameters"] for row in run.history[alone:]} == {run.metrics["parameters"]}


def test_an_ensemble_keeps_the_layers_of_each_member(
    mnist: Dataset, high: Dataset, tmp_path: Path
) -> None:
    recipe = Recipe(network=NETWORK, ensemble=2, epochs=2, batch_size=32)
    base = train(digits(mnist, range(5), 600), recipe, tmp_path / "base")
    with pytest.raises(TrainingInterrupted):
        train(
            high, Recipe(epochs=10), tmp_path / "run", base=base.folder, progress=stopping_after(1)
        )
    first = load_run(tmp_path / "run")
    assert same_body(base, first)
    kernels = [first.tensors[f"member_{n}/output/kernel"] for n in (1, 2)]
    assert not np.array_equal(*kernels)
    run = train(high, Recipe(epochs=10), tmp_path / "run", base=base.folder, resume=True)
    assert run.members == 2
    assert run.history[0]["trained_parameters"] == 2 * 33 * 5


def test_a_teacher_of_the_new_classes(low: RunFolder, high: Dataset, tmp_path: Path) -> None:
    teacher = train(high, Recipe(network="dense(32)", epochs=5), tmp_path / "teacher")
    recipe = Recipe(network=NETWORK, epochs=3)
    run = train(high, recipe, tmp_path / "run", base=low.folder, teacher=teacher.folder)
    assert "transfer" in run.config
    with pytest.raises(RunError, match="its classes differ"):
        train(high, recipe, tmp_path / "other", base=low.folder, teacher=low.folder)
    small = replace(high, x_train=high.x_train[:, 4:24, 4:24], x_test=high.x_test[:, 4:24, 4:24])
    own = train(small, Recipe(network="dense(8)", epochs=1), tmp_path / "own")
    with pytest.raises(RunError, match="expects pictures of shape 20x20x1, but that of"):
        train(small, recipe, tmp_path / "other", base=low.folder, teacher=own.folder)
    resized = train(small, recipe, tmp_path / "fits", base=low.folder, teacher=teacher.folder)
    assert resized.input_shape == (28, 28, 1)


def test_unlabelled_pictures(low: RunFolder, mnist: Dataset, tmp_path: Path) -> None:
    many = digits(mnist, range(5, 10), 400)
    small = replace(many, x_train=many.x_train[:, 2:26, 2:26], x_test=many.x_test[:, 2:26, 2:26])
    run = danqing.train(small, base=low.folder, out=tmp_path / "run", labels_per_class=10, epochs=3,
                        unlabelled=mnist.x_train[2000:2100, 2:26, 2:26])  # fmt: skip
    assert run.data["counts"]["unlabelled"] > 300
    assert run.config["transfer"]["reason"] == "other classes"


def test_test_time_augmentation(low: RunFolder, high: Dataset, tmp_path: Path) -> None:
    recipe = Recipe(network=NETWORK, epochs=2, tta_views=5)
    run = train(high, recipe, tmp_path / "run", base=low.folder)
    assert run.tta_views == 5
    assert Predictor(run).predict_examples(high.x_test[:3]).shape == (3, 5)


def test_weights_start_as_the_base_and_as_the_seed_say(low: RunFolder, high: Dataset) -> None:
    from danqing.data.split import split
    from danqing.networks.build import tensors_of
    from danqing.training.prepare_training import prepare_training
    from danqing.training.trainer import Trainer

    drawn = []
    for seed in (0, 0, 1):
        recipe = Recipe(network=NETWORK, seed=seed)
        plan = prepare_training(high, split(high, 0.1), recipe, low)
        tensors = tensors_of(Trainer(plan)._build_model())
        assert all(np.array_equal(tensors[name], value) for name, value in body(low).items())
        limit = np.sqrt(6 / (32 + 5))
        assert 0.8 * limit < np.abs(tensors["output/kernel"]).max() <= limit
        assert not tensors["output/bias"].any()
        drawn.append(tensors["output/kernel"])
    assert np.array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], drawn[2])
