from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from as_trained import validation_loss

from danqing.data.dataset import Dataset
from danqing.errors import RunError
from danqing.networks.architecture import Architecture
from danqing.networks.build import build, load_tensors
from danqing.prediction.predictor import Predictor
from danqing.runs.create import remove_if_nothing_learned
from danqing.runs.listing import list_runs
from danqing.runs.run_folder import FORMAT, RunFolder, load_run


def test_the_folder_is_the_contract(run: RunFolder) -> None:
    assert sorted(path.name for path in run.folder.iterdir()) == [
        "calibration.json", "certificate.json", "config.json", "data.json", "expects.png",
        "history.csv", "metrics.json",
        "network.json", "network.onnx", "rows.safetensors", "weights.safetensors",
    ]  # fmt: skip
    header = (run.folder / "history.csv").read_text().splitlines()[0]
    assert header == "epoch,seconds,loss,accuracy,val_loss,val_accuracy,learning_rate"
    assert set(run.metrics) == {"test", "validation", "seconds", "parameters"}
    assert set(run.metrics["seconds"]) == {"load", "prepare", "compile", "fit", "evaluate", "total"}
    assert {"danqing", "keras", "tensorflow", "numpy", "python"} == set(run.config["versions"])
    assert run.config["seed"] == 0
    assert run.data["counts"] == {"train": 1800, "validation": 200, "test": 500}


def test_a_network_is_rebuilt_from_data_alone(run: RunFolder, small: Dataset) -> None:
    model = build(Architecture.from_json(run.network), run.preparation, seed=9)
    load_tensors(model, run.tensors)
    expected = np.asarray(model(small.x_test.astype(np.float32), training=False))
    np.testing.assert_allclose(Predictor(run).predict_examples(small.x_test), expected, atol=1e-5)


def test_the_last_epoch_is_what_shipped(run: RunFolder, small: Dataset) -> None:
    last = run.history[-1]
    assert run.metrics["validation"]["accuracy"] == pytest.approx(last["val_accuracy"])
    assert validation_loss(run, small) == pytest.approx(last["val_loss"], rel=1e-4)
    assert run.metrics["validation"]["loss"] < last["val_loss"], "the temperature is for the better"


@pytest.mark.parametrize("name", ["config.json", "data.json", "network.json", "metrics.json"])
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000])
def test_damaged_json(run: RunFolder, tmp_path: Path, name: str, content: bytes) -> None:
    copy = RunFolder(shutil.copytree(run.folder, tmp_path / "copy"))
    (copy.folder / name).write_bytes(content)
    with pytest.raises(RunError, match="damaged"):
        getattr(copy, name.removesuffix(".json"))


@pytest.mark.parametrize("name", ["network.onnx", "weights.safetensors"])
@pytest.mark.parametrize("content", [b"", b"rubbish", None])
def test_damaged_weights(run: RunFolder, tmp_path: Path, name: str, content: bytes | None) -> None:
    copy = RunFolder(shutil.copytree(run.folder, tmp_path / "copy"))
    whole = (copy.folder / name).read_bytes()
    (copy.folder / name).write_bytes(whole[: len(whole) // 2] if content is None else content)
    with pytest.raises(RunError, match="damaged"):
        copy.tensors if name.startswith("weights") else Predictor(copy).predict_examples(
            np.zeros((1, 28, 28, 1))
        )


def test_a_later_format_is_refused(run: RunFolder, tmp_path: Path) -> None:
    copy = RunFolder(shutil.copytree(run.folder, tmp_path / "copy"))
    (copy.folder / "network.json").write_text(json.dumps({**run.network, "format": 99}))
    with pytest.raises(RunError, match="upgrade danqing"):
        _ = copy.network


def test_pictures_of_another_shape(run: RunFolder) -> None:
    with pytest.raises(RunError, match="takes pictures of shape"):
        Predictor(run).predict_examples(np.zeros((2, 32, 32, 1)))
    assert Predictor(run).predict_examples(np.zeros((0, 28, 28, 1))).shape == (0, 10)
    assert Predictor(run).predict_examples(np.zeros((3, 28, 28))).shape == (3, 10)


def test_no_run(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no such folder"):
        load_run(tmp_path / "missing")
    with pytest.raises(RunError, match="is not a run folder"):
        load_run(tmp_path)


def test_what_a_folder_says_of_itself(run: RunFolder, tmp_path: Path) -> None:
    copy = RunFolder(shutil.copytree(run.folder, tmp_path / "copy"))
    assert (copy.begun, copy.trained, copy.finished, copy.format) == (True, True, True, FORMAT)
    assert copy.begun_on == run.begun_on
    content = (run.folder / "weights.safetensors").read_bytes()
    assert copy.weights_digest == hashlib.sha256(content).hexdigest()
    for name in ("metrics.json", "weights.safetensors", "config.json"):
        (copy.folder / name).unlink()
    assert (copy.begun, copy.trained, copy.finished) == (False, False, False)
    with pytest.raises(RunError, match=r"weights\.safetensors: can't be read"):
        _ = copy.weights_digest


def test_calibration_is_read_back(run: RunFolder, tmp_path: Path) -> None:
    copy = RunFolder(shutil.copytree(run.folder, tmp_path / "copy"))
    assert copy.calibration["temperature"] == run.temperature
    copy.write_calibration({"format": 2, "temperature": 1.25})
    assert copy.calibration == {"format": 2, "temperature": 1.25}
    # As `danqing evaluate` of 0.1.0 wrote it, for a network without a temperature.
    copy.write_calibration({"format": 1, "temperature": 1.25})
    assert copy.calibration == {}
    (copy.folder / "calibration.json").unlink()
    assert copy.calibration == {}
    (copy.folder / "calibration.json").write_text("[]")
    with pytest.raises(RunError, match="damaged"):
        _ = copy.calibration


def test_a_page_replaces_an_earlier_one(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    assert run.write_page("report.html", "old") == run.write_page("report.html", "新 \ud800")
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == "新 ?"


def test_removed_only_if_nothing_was_learned(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.folder.mkdir()
    run.write_start({}, {}, {})
    run.event_logs.mkdir()
    (run.folder / "history.csv").touch()
    assert not remove_if_nothing_learned(run)
    assert run.begun
    (run.folder / "history.csv").unlink()
    (run.folder / "mine.txt").touch()
    assert remove_if_nothing_learned(run)
    assert [path.name for path in run.folder.iterdir()] == ["mine.txt"]
    (run.folder / "mine.txt").unlink()
    assert remove_if_nothing_learned(run)
    assert not run.folder.exists()


def test_list_is_grouped_and_sorted(
    run: RunFolder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name, accuracy, data in [("a", 0.5, "x"), ("b", 0.9, "y"), ("c", 0.7, "x")]:
        folder = shutil.copytree(run.folder, tmp_path / name)
        (folder / "data.json").write_text(json.dumps({**run.data, "fingerprint": data}))
        lines = (folder / "history.csv").read_text().splitlines()[:1]
        (folder / "history.csv").write_text(f"{lines[0]}\n1,1,1,1,1,{accuracy},1\n")
    (tmp_path / "rubbish").mkdir()
    (tmp_path / "rubbish" / "config.json").write_text("{")
    (tmp_path / "no run").mkdir()
    for name, file, content in (
        ("later", "config", '{"format": 3}'),
        ("damaged", "metrics", '{"test": 3}'),
        ("older", "network", '{"format": []}'),
    ):
        (shutil.copytree(run.folder, tmp_path / name) / f"{file}.json").write_text(content)
    assert [found.folder.name for found in list_runs(tmp_path)] == ["c", "a", "b"]
    assert [message.split("/")[-2] for message in caplog.messages] == [
        "damaged", "later", "older", "rubbish",
    ]  # fmt: skip
    assert all(message.endswith(". The run is left out") for message in caplog.messages)


@pytest.mark.parametrize("name", ["config.json", "data.json", "network.json", "metrics.json"])
def test_a_file_that_can_not_be_read_is_one_line(run: RunFolder, tmp_path: Path, name: str) -> None:
    copy = RunFolder(shutil.copytree(run.folder, tmp_path / "copy"))
    (copy.folder / name).unlink()
    (copy.folder / name).mkdir()
    with pytest.raises(RunError, match=f"{name}: can't be read"):
        getattr(copy, name.removesuffix(".json"))


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("network", "layers", []),
        ("network", "layers", [{"input_shape": "28"}]),
        ("network", "preparation", {}),
        ("network", "preparation", {"pixels": []}),
        ("data", "class_names", 10),
    ],
)
def test_parts_that_do_not_agree_are_damage(
    run: RunFolder, tmp_path: Path, name: str, key: str, value: object
) -> None:
    copy = RunFolder(shutil.copytree(run.folder, tmp_path / "copy"))
    plain = {**getattr(run, name), key: value}
    (copy.folder / f"{name}.json").write_text(json.dumps(plain))
    with pytest.raises(RunError, match=f"{name}.json: is damaged"):
        Predictor(RunFolder(copy.folder)).predict(np.zeros((1, 28, 28), np.uint8))
