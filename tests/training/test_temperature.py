"""The temperature that training leaves: what it changes, and what it must not."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from as_trained import validation_loss

from danqing import Recipe, load_data
from danqing.data.dataset import Dataset
from danqing.evaluation.calibration import calibration_error, fit_temperature
from danqing.evaluation.confidence import untempered
from danqing.evaluation.predictions import evaluation_data
from danqing.networks.architecture import Architecture
from danqing.networks.build import build, load_tensors
from danqing.prediction.predictor import Predictor
from danqing.runs.run_folder import RunFolder, load_run
from danqing.training.distillation.teacher import Teacher
from danqing.training.export import export_network
from danqing.training.train import train

NETWORK = "conv(6,5,stride=2)-batchnorm-relu-dense(24)"
SMOOTHED = {"network": NETWORK, "epochs": 3, "batch_size": 32, "label_smoothing": 0.2}


def as_keras(run: RunFolder, x: Any, **changed: Any) -> np.ndarray:
    """The network rebuilt from its JSON, with some of its description changed."""
    architecture = replace(Architecture.from_json(run.network), **changed)
    model = build(architecture, run.preparation)
    load_tensors(model, run.tensors)
    return np.asarray(model(np.asarray(x, np.float32), training=False))


@pytest.mark.parametrize("more", [{}, {"ensemble": 2}, {"tta_views": 5}], ids=str)
def test_what_ships_has_the_temperature_of_the_validation_set(
    more: dict[str, Any], trained: Callable[..., RunFolder], small: Dataset
) -> None:
    run = trained(**SMOOTHED, **more)
    assert json.loads((run.folder / "network.json").read_text())["temperature"] == run.temperature
    assert 0.05 < run.temperature < 0.95, "smoothed labels make it underconfident"
    assert load_run(run.folder).calibration["temperature"] == run.temperature
    subset = evaluation_data(run, small).subsets["validation"]
    as_trained = as_keras(run, subset.examples(), temperature=1.0)
    assert fit_temperature(as_trained, subset.labels) == pytest.approx(run.temperature, rel=1e-3)
    shipped = Predictor(run).predict_examples(small.x_test)
    np.testing.assert_allclose(as_keras(run, small.x_test), shipped, atol=1e-5)
    plain = as_keras(run, small.x_test, temperature=1.0)
    np.testing.assert_array_equal(plain.argmax(axis=1), shipped.argmax(axis=1))
    np.testing.assert_allclose(untempered(run, shipped), plain, atol=1e-4)
    # It is for the better, on rows that it was not fitted to.
    errors = [
        calibration_error(p.max(axis=1).astype(float), p.argmax(axis=1) == small.y_test)
        for p in (plain, shipped)
    ]
    assert errors[1] < errors[0]
    own = shipped[np.arange(500), small.y_test]
    assert run.metrics["test"]["loss"] == pytest.approx(-np.log(own).mean(), rel=1e-5)


def test_training_knows_nothing_of_it(
    small: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = train(small, Recipe(**SMOOTHED), tmp_path / "run")
    monkeypatch.setattr("danqing.training.export._temperature", lambda *_: 1.0)
    plain = train(small, Recipe(**SMOOTHED), tmp_path / "plain")
    assert plain.temperature == 1 != run.temperature
    files = [folder / "weights.safetensors" for folder in (run.folder, plain.folder)]
    assert files[0].read_bytes() == files[1].read_bytes()
    loss = [validation_loss(one, small) for one in (run, plain)]
    assert loss[0] == pytest.approx(loss[1], rel=1e-4)
    columns = [[{**row, "seconds": 0} for row in one.history] for one in (run, plain)]
    assert columns[0] == columns[1]
    assert columns[0][-1]["val_loss"] == pytest.approx(loss[0], rel=1e-4)


def test_a_teacher_teaches_what_it_was_trained_to_say(
    trained: Callable[..., RunFolder], small: Dataset
) -> None:
    run = trained(**SMOOTHED)
    x = small.x_test[:50].astype(np.float32)
    taught = np.asarray(Teacher(run, (0.0, 1.0))(x))
    run.network = {**run.network, "temperature": 1.0}
    np.testing.assert_array_equal(taught, np.asarray(Teacher(run, (0.0, 1.0))(x)))


def test_a_run_with_a_temperature_is_resumed_and_refitted(small: Dataset, tmp_path: Path) -> None:
    recipe = Recipe(**SMOOTHED)
    whole = train(small, recipe, tmp_path / "whole")
    with pytest.MonkeyPatch.context() as patch:

        def killed(*_: Any) -> None:
            raise SystemExit("after the network was written, before the metrics")

        patch.setattr(RunFolder, "write_calibration", killed)
        with pytest.raises(SystemExit):
            train(small, recipe, tmp_path / "killed")
    cut = load_run(tmp_path / "killed")
    assert (cut.finished, cut.temperature) == (False, whole.temperature)
    run = train(small, recipe, tmp_path / "killed", resume=True)
    assert run.finished
    for name in ("weights.safetensors", "network.onnx", "network.json", "calibration.json"):
        assert (run.folder / name).read_bytes() == (whole.folder / name).read_bytes(), name
    assert run.metrics["test"] == whole.metrics["test"]


def test_numbers_have_no_temperature(tmp_path: Path) -> None:
    run = train(load_data("diabetes"), Recipe(network="dense(4)", epochs=2), tmp_path / "run")
    assert run.temperature == 1
    known = run.calibration
    assert [line["level"] for line in known["margins"]] == [0.5, 0.8, 0.9, 0.95]
    assert "temperature" not in known


def test_rows_that_were_trained_on_fit_no_temperature() -> None:
    from danqing import DanqingClassifier

    x = np.random.default_rng(0).normal(size=(30, 2))
    y = (x[:, 0] > 0).astype(int)
    with pytest.MonkeyPatch.context() as patch:
        exported = []
        patch.setattr(
            "danqing.training.trainer.export_network",
            lambda *plan, **how: exported.append(export_network(*plan, **how)) or exported[-1],
        )
        DanqingClassifier(epochs=2).fit(x, y)
    assert exported[0].temperature == 1


def test_fine_tuning_starts_without_one(small: Dataset, tmp_path: Path) -> None:
    first = train(small, Recipe(**SMOOTHED), tmp_path / "first")
    further = Recipe(network=NETWORK, epochs=1, label_smoothing=0.0)
    second = train(small, further, tmp_path / "second", base=first.folder)
    assert second.temperature != first.temperature
    history = second.history[-1]["val_loss"]
    assert history == pytest.approx(validation_loss(second, small), rel=1e-4)
