"""Predictor: raw examples in every form people have them, read as the training data were."""

from __future__ import annotations

import datetime
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
import polars as pl
import pytest
from PIL import Image
from sklearn.datasets import load_breast_cancer, load_iris, load_wine

import danqing
from danqing.api.run import Run
from danqing.data.dataset import Dataset
from danqing.errors import PictureError, RunError, SourceError
from danqing.networks.architecture import Architecture
from danqing.networks.numpy_network import NumpyNetwork
from danqing.prediction.picture_scale import to_uint8
from danqing.runs.run_folder import RunFolder

TABLES = {"wine": load_wine, "breast-cancer": load_breast_cancer, "iris": load_iris}


def frame_of(name: str) -> pd.DataFrame:
    if name in TABLES:
        frame: pd.DataFrame = TABLES[name](as_frame=True).frame
        return frame
    random = np.random.default_rng(0)
    x = random.normal(size=(300, 4))
    y = 100 + 20 * (x @ [0.5, -0.5, 0.5, 0.5])
    return pd.DataFrame({**{f"x{i}": x[:, i] for i in range(4)}, "target": y})


@pytest.fixture(scope="module", params=[*TABLES, "regression"])
def table(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    frame = frame_of(request.param)
    out = tmp_path_factory.mktemp("runs") / "run"
    run = danqing.train(frame, target="target", out=out, network="dense(16)", epochs=100)
    return run, frame.drop(columns="target"), frame["target"]


def test_rows_in_every_form_agree(
    table: tuple[Run, pd.DataFrame, pd.Series], tmp_path: Path
) -> None:
    run, rows, target = table
    predicted = run.predict(rows)
    assert predicted.shape == (len(rows),)
    rows.to_csv(tmp_path / "rows.csv", index=False)
    pl.DataFrame(rows.to_dict("list")).write_parquet(tmp_path / "rows.parquet")
    forms: dict[str, Any] = {
        "array": rows.to_numpy(),
        "lists": rows.to_numpy().tolist(),
        "dicts": rows.to_dict("records"),
        "columns": rows.to_dict("list"),
        "shuffled": rows.sample(frac=1, axis=1, random_state=1),
        "polars": pl.DataFrame(rows.to_dict("list")),
        "with more": rows.assign(more=[[1]] * len(rows)),
        "csv": tmp_path / "rows.csv",
        "parquet": str(tmp_path / "rows.parquet"),
    }
    for name, form in forms.items():
        assert (run.predict(form) == predicted).all(), name
    assert run.predict(rows.iloc[3])[0] == run.predict(rows.iloc[3].to_dict())[0] == predicted[3]
    assert by_command_line(run, tmp_path / "rows.csv") == [str(value) for value in predicted]
    if run.task == "regression":
        assert predicted.dtype == np.float64
        assert np.corrcoef(predicted, target)[0, 1] > 0.9
        with pytest.raises(RunError, match="no probabilities"):
            run.predict_proba(rows)
        return
    assert (predicted == target).mean() > 0.9
    assert predicted.dtype == np.int64
    probabilities = run.predict_proba(rows)
    assert probabilities.shape == (len(rows), len(run.classes_))
    assert probabilities.dtype == np.float32
    assert (run.classes_[probabilities.argmax(axis=1)] == predicted).all()


def by_command_line(run: Run, rows: Path) -> list[str]:
    """Give the second column of what ``danqing predict`` prints."""
    command = [sys.executable, "-m", "danqing", "predict", str(run.folder), str(rows)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [line.split("\t")[1] for line in done.stdout.splitlines()]


@pytest.mark.parametrize("ensemble", [1, 2])
def test_numbers_far_from_zero_keep_their_digits(ensemble: int, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.normal(size=(400, 3)), columns=["a", "b", "c"])
    frame["target"] = 1e9 + 3 * frame["a"] - frame["b"]
    run = danqing.train(
        frame, target="target", out=tmp_path / "run", network="dense(32)", epochs=60,
        ensemble=ensemble,
    )  # fmt: skip
    predicted, rows = run.predict(frame), tmp_path / "rows.csv"
    assert np.abs(predicted - frame["target"]).mean() < 0.5
    assert run.metrics["test"]["r2"] > 0.95
    frame.to_csv(rows, index=False)
    assert by_command_line(run, rows) == [str(value) for value in predicted]
    said = run.predictions(frame[:1])[0]
    assert said["value"] == predicted[0]
    assert 0.01 < said["interval"][1] - said["interval"][0] < 10
    model = onnxruntime.InferenceSession(run.folder / "network.onnx")  # as others use the file
    files, table = RunFolder(run.folder), danqing.load_data(frame, target="target").x_train
    features = files.preparation.encoded(table)
    (numbers,) = model.run(None, {"examples": features})
    np.testing.assert_array_equal(numbers[:, 0], predicted)
    if ensemble == 1:
        network = NumpyNetwork(
            Architecture.from_json(files.network), files.preparation, files.tensors
        )
        np.testing.assert_allclose(network.outputs(features)[-1][:, 0], predicted, atol=1e-4)


def test_an_array_has_the_columns_of_training_in_their_order(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    x = np.column_stack([random.normal(size=200), np.full(200, 3.0), random.normal(size=200)])
    y = np.where(x[:, 2] > 0, "up", "down")
    run = danqing.train((x, y), out=tmp_path / "run", network="dense(32)", epochs=60, patience=0)
    assert run.predict(x).dtype.kind == "U"
    assert (run.predict(x) == y).mean() > 0.95
    assert (run.predict(x[:, [0, 1, 2]].astype(object)) == run.predict(x)).all()
    for wrong in (x[:, 1:], x[0], np.zeros((2, 3, 1))):
        with pytest.raises(SourceError, match=r"expected \(n, 3\)"):
            run.predict(wrong)
    with pytest.raises(SourceError, match="columns have no names"):
        run.predict(pd.DataFrame(x, columns=["a", "b", "c"]))
    assert (run.predict(pd.DataFrame(x)) == run.predict(x)).all()


@pytest.fixture(scope="module")
def pets(tmp_path_factory: pytest.TempPathFactory) -> Run:
    rows = [
        {
            "kind": ["cat", "dog"][i % 2],
            "code": [10, 20, 30][i % 3],
            "born": datetime.date(2020, 1, 1 + i % 28),
            "weight": 4.0 + i % 2 * 10 if i % 7 else None,
            "home": bool(i % 2),
        }
        for i in range(120)
    ]
    out = tmp_path_factory.mktemp("runs") / "pets"
    homes = [row.pop("home") for row in rows]
    return danqing.train((pd.DataFrame(rows), homes), out=out, network="dense(8)", epochs=20)


def test_values_of_every_type(pets: Run) -> None:
    row = {"kind": "dog", "code": 20, "born": datetime.date(2020, 1, 5), "weight": 14}
    (expected,) = pets.predict_proba([row])
    assert pets.predict(row).tolist() == [True]
    texts = {"kind": "dog", "code": "20", "born": "2020-01-05", "weight": "14"}
    moments = {**row, "born": np.datetime64("2020-01-05"), "weight": np.float32(14)}
    for other in (texts, moments, {**row, "born": pd.Timestamp(2020, 1, 5)}):
        np.testing.assert_array_equal(pets.predict_proba(other)[0], expected)
    missing = [pets.predict_proba({**row, "weight": w}) for w in (None, np.nan, pd.NA, "")]
    assert all((one == missing[0]).all() for one in missing)
    array = np.array([[row[name] for name in ("kind", "code", "born", "weight")]], dtype=object)
    np.testing.assert_array_equal(pets.predict_proba(array)[0], expected)


def test_what_rows_lack_is_named(pets: Run) -> None:
    row = {"kind": "dog", "code": 20, "born": datetime.date(2020, 1, 5), "weight": 14}
    less = {name: value for name, value in row.items() if name != "code"}
    for x in (less, [less], pd.DataFrame([less])):
        with pytest.raises(SourceError, match="lack the column 'code'"):
            pets.predict(x)
    with pytest.raises(SourceError, match="row 2 lacks 'code'"):
        pets.predict([row, less])
    with pytest.raises(SourceError, match="'kind' has 2 values and 'code' has 1 values"):
        pets.predict({**{name: [value] for name, value in row.items()}, "kind": ["cat", "dog"]})
    with pytest.raises(SourceError, match="'weight' is 'heavy'; expected a number"):
        pets.predict({**row, "weight": "heavy"})
    with pytest.raises(SourceError, match="contains a complex"):
        pets.predict({**row, "weight": 1j})


@pytest.fixture(scope="module")
def held(run: RunFolder) -> Run:
    return danqing.load_run(run.folder)


def test_pictures_in_every_form_agree(held: Run, small: Dataset, tmp_path: Path) -> None:
    x = small.x_test[:60]
    predicted = held.predict(x)
    assert predicted.dtype == np.int64
    assert (predicted == small.y_test[:60]).mean() > 0.8
    paths = [tmp_path / f"{number}.png" for number in range(len(x))]
    for path, picture in zip(paths, x, strict=True):
        Image.fromarray(picture[..., 0]).save(path)
    forms: dict[str, Any] = {
        "no channel": x[..., 0],
        "floats to 1": x.astype(np.float32) / 255,
        "floats to 255": x.astype(np.float64),
        "integers": x.astype(np.int64),
        "16 bits": x.astype(np.uint16) * 257,
        "nested lists": x[..., 0].tolist(),
        "list of arrays": list(x),
        "overshoot": np.where(x == 255, 1.06, np.where(x == 0, -0.05, x / 255)),
        "files": paths,
        "folder": [str(path) for path in paths],
        "images": [Image.open(path) for path in paths],
    }
    for name, form in forms.items():
        assert (held.predict(form) == predicted).all(), name
    for one in (x[0], x[0, ..., 0], Image.fromarray(x[0, ..., 0]), paths[0], str(paths[0])):
        assert held.predict(one).tolist() == predicted[:1].tolist()
    (said,) = held.predictions(paths[0])
    assert said["name"] == str(paths[0])
    assert said["label"] == str(predicted[0])
    assert [one["name"] for one in held.predictions(x[:2], ["a", "b"])] == ["a", "b"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: np.where(x == 255, np.nan, x / 255), "NaN or infinities"),
        (lambda x: np.where(x == 255, np.inf, x / 255), "NaN or infinities"),
        (lambda x: x / 127.5 - 1, "from -1 to 1"),
        (lambda x: (x / 255 - 0.13) / 0.31, "isn't the scale"),
        (lambda x: (x > 0).astype(np.uint8), "from 0 to 1"),
        (lambda x: x.astype(np.int64) * 4, "isn't the scale"),
        (lambda x: x.astype(np.float32) * 257, "from 0 to 65535"),
        (lambda x: x.astype(np.int64) - 128, "from -128"),
        (lambda x: x.reshape(len(x), -1), "are flattened"),
        (lambda x: x.astype(str), "expected numbers"),
        (lambda x: x[None], "expected (h, w)"),
        (lambda x: np.zeros((2, 3, 40, 40), np.uint8), "np.moveaxis"),
    ],
)
def test_pictures_that_cannot_be_the_trainings_are_refused(
    held: Run, small: Dataset, change: Callable[[Any], Any], message: str
) -> None:
    with pytest.raises(PictureError) as caught:
        held.predict(change(small.x_test[:20]))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_scale_of_training_counts(tmp_path: Path, small: Dataset) -> None:
    x, y = small.x_train[:400] / 255, small.y_train[:400]
    run = danqing.train((x, y), out=tmp_path / "run", network="dense(16)", epochs=3)
    predicted = run.predict(x)
    assert (run.predict(small.x_train[:400]) == predicted).all()
    dark = run.predict_proba(x[:1] / 4)  # one picture's own brightest pixel decides nothing
    np.testing.assert_array_equal(dark, run.predict_proba(np.concatenate([x[:1] / 4, x]))[:1])
    with pytest.raises(PictureError, match="expected floats from 0 to 1"):
        run.predict(small.x_train[:2].astype(np.float32))


def test_values_have_one_scale() -> None:
    assert to_uint8(np.array([True, False]), {}).tolist() == [255, 0]
    assert to_uint8(np.array([0, 16, 8.0]), {"range": [0, 16]}).tolist() == [0, 255, 128]
    assert to_uint8(np.array([0, 1], np.uint8), {"brightest": 1}).tolist() == [0, 1]
    assert to_uint8(np.array([-20, 262], np.int16), {}).tolist() == [0, 255]
    assert to_uint8(np.zeros((0, 8, 8)), {}).shape == (0, 8, 8)
    assert to_uint8(np.zeros(3), {"range": [0, 1]}).tolist() == [0, 0, 0]


def test_other_sizes_and_modes_are_read_as_files_are(held: Run, small: Dataset) -> None:
    large = small.x_test[:5].repeat(2, axis=1).repeat(2, axis=2)
    same = held.predict(small.x_test[:5])
    assert (held.predict(large) == same).all()
    assert (held.predict(large.repeat(3, axis=-1)) == same).all()
    alpha = np.full((*large.shape[:3], 1), 255, np.uint8)
    assert (held.predict(np.concatenate([large.repeat(3, axis=-1), alpha], axis=-1)) == same).all()
    for mode in ("L", "RGB", "RGBA", "CMYK", "F", "P"):
        images = [Image.fromarray(one[..., 0]).convert(mode) for one in large]
        assert (held.predict(images) == same).all(), mode


def test_a_drawing_is_read_as_its_file(tmp_path: Path, small: Dataset) -> None:
    run = danqing.train(small, out=tmp_path / "run", network="dense(16)", epochs=1)
    assert run._files.preparation.drawings
    ink = np.full((100, 100), 255, np.uint8)
    ink[20:80, 45:52] = 0
    Image.fromarray(ink).save(tmp_path / "one.png")
    expected = run.predict_proba(tmp_path / "one.png")
    for form in (ink, Image.fromarray(ink), ink > 0, [ink], [Image.fromarray(ink)]):
        np.testing.assert_array_equal(run.predict_proba(form), expected)
    with pytest.raises(PictureError, match="shows nothing"):
        run.predict(np.full((50, 50), 200, np.uint8))


def test_a_file_that_is_no_picture_is_named(held: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"rubbish")
    with pytest.raises(PictureError, match=r"bad\.png"):
        held.predict(tmp_path / "bad.png")
