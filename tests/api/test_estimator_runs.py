"""An estimator's run in memory: predicts, explains and evaluates as a run in a folder does."""

from __future__ import annotations

import pickle
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_iris, load_wine

import danqing
from danqing import DanqingClassifier, DanqingRegressor, Run
from danqing.data.dataset import Dataset
from danqing.errors import RunError

LOADERS: dict[str, Any] = {
    "wine": load_wine, "breast-cancer": load_breast_cancer, "iris": load_iris
}  # fmt: skip


def table(name: str) -> tuple[pd.DataFrame, Any]:
    if name in LOADERS:
        bunch = LOADERS[name](as_frame=True)
        return bunch.data, bunch.target.to_numpy()
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(300, 4)), columns=list("abcd"))
    return frame, 100 + 20 * (frame.to_numpy() @ [0.5, -0.5, 0.5, 0.5])


@pytest.fixture(scope="module")
def iris() -> DanqingClassifier:
    frame, y = table("iris")
    return DanqingClassifier("dense(16)", epochs=40).fit(frame, np.array(["a", "b", "c"])[y])


@pytest.mark.parametrize("name", [*LOADERS, "regression"])
def test_estimator_run_and_command_line_agree(name: str, tmp_path: Path) -> None:
    frame, y = table(name)
    estimator = DanqingClassifier if name in LOADERS else DanqingRegressor
    model = estimator("dense(16)", epochs=100).fit(frame, y)
    predicted, run = model.predict(frame), model.run_
    assert predicted.dtype == (np.float64 if name == "regression" else y.dtype)
    assert model.score(frame, y) > 0.8
    saved = run.save(tmp_path / "run")
    frame.to_csv(tmp_path / "rows.csv", index=False)
    forms: dict[str, Any] = {
        "frame": frame,
        "array": frame.to_numpy(),
        "dicts": frame.to_dict("records"),
        "columns": frame.to_dict("list"),
        "shuffled": frame.sample(frac=1, axis=1, random_state=1),
        "csv": tmp_path / "rows.csv",
    }
    for form, x in forms.items():
        assert (run.predict(x) == predicted).all(), form
        assert (saved.predict(x) == predicted).all(), form
    for form in ("dicts", "columns"):
        assert (model.predict(forms[form]) == predicted).all(), form
    with pytest.raises(ValueError, match="same order as they were in fit"):
        model.predict(forms["shuffled"])  # scikit-learn's contract
    words = ("predict", str(saved.folder), str(tmp_path / "rows.csv"))
    done = subprocess.run(
        [sys.executable, "-m", "danqing", *words], capture_output=True, text=True, check=True
    )
    said = [line.split("\t")[1] for line in done.stdout.splitlines()]
    assert said == [str(value) for value in predicted.tolist()]


def test_it_is_a_run(iris: DanqingClassifier, tmp_path: Path) -> None:
    frame, y = table("iris")
    labels, run = np.array(["a", "b", "c"])[y], iris.run_
    assert isinstance(run, Run)
    assert (run.folder, run.task, run.finished, repr(run)) == (
        None, "classification", True, "Run(in memory)",
    )  # fmt: skip
    assert run.classes_.tolist() == run.class_names == iris.classes_.tolist() == ["a", "b", "c"]
    assert run.history == iris.history_
    assert run.metrics["validation"]["n"] == run.data["counts"]["validation"] > 10
    assert "Run in memory" in run._repr_html_()
    (said,) = run.predictions(frame[:1], ["first"], risk=0.2)
    assert (said["name"], said["label"], said["flags"]) == ("first", "a", [])
    found = run.evaluate((frame, labels))["test"]
    assert found["n"] == 150
    assert found["accuracy"] == iris.score(frame, labels)
    assert 100 < found["training_rows"] < 150
    assert run.evaluate((frame.to_numpy(), labels.tolist()))["test"] == found
    assert run.evaluate(frame.assign(target=labels))["test"]["n"] == 150
    explained = run.explain(frame[:1], method="integrated-gradients")
    assert len(explained.explanations) == 1
    assert run.report((frame, labels), out=tmp_path / "report.html") == tmp_path / "report.html"


def test_saved_it_is_a_run_folder(
    iris: DanqingClassifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame, _ = table("iris")
    saved = iris.run_.save(str(tmp_path / "runs" / "iris"))
    opened = danqing.load_run(tmp_path / "runs" / "iris")
    assert opened.finished
    for run in (saved, opened):
        np.testing.assert_array_equal(run.predict_proba(frame), iris.predict_proba(frame))
        assert run.metrics == iris.run_.metrics
        assert run.predictions(frame) == iris.run_.predictions(frame)
    assert [run.folder for run in danqing.list_runs(tmp_path / "runs")] == [opened.folder]
    monkeypatch.chdir(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "danqing", "runs"], capture_output=True, text=True, check=True
    )
    assert "unfinished" not in done.stdout
    with pytest.raises(RunError, match="exists; nothing is overwritten"):
        iris.run_.save(opened.folder or "")
    with pytest.raises(RunError, match="can't be written"):
        iris.run_.save("/proc/nowhere/run")
    again = danqing.train(
        (frame, iris.predict(frame)), base=opened, out=tmp_path / "more", epochs=1
    )
    assert again.finished


def test_what_a_run_in_memory_has_not_is_said(iris: DanqingClassifier, tmp_path: Path) -> None:
    frame, _ = table("iris")
    for call in (iris.run_.evaluate, iris.run_.explain):
        with pytest.raises(RunError, match="keeps neither its data nor a test set"):
            call()
    for page in (iris.run_.report, iris.run_.textbook):
        with pytest.raises(RunError, match="no folder for a page; name a file by out="):
            page()
    for name in ("base", "teacher"):
        with pytest.raises(RunError, match=r"save\(folder\) it first"):
            danqing.train((frame, iris.predict(frame)), out=tmp_path / "run", **{name: iris.run_})
    assert not (tmp_path / "run").exists()


def test_fitted_estimators_travel(iris: DanqingClassifier) -> None:
    frame, _ = table("iris")
    expected = iris.predict_proba(frame)
    kept = BytesIO()
    joblib.dump(iris, kept)
    kept.seek(0)
    for again in (pickle.loads(pickle.dumps(iris)), joblib.load(kept)):
        np.testing.assert_array_equal(again.predict_proba(frame), expected)
        np.testing.assert_array_equal(again.run_.predict_proba(frame), expected)
    assert not hasattr(clone(iris), "run_")
    assert len(pickle.dumps(iris)) < 100_000


def test_a_mixed_frame_by_name() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"colour": rng.choice(["red", "青"], 200), "size": rng.normal(size=200)})
    target = (frame["colour"] == "青") ^ (frame["size"] > 1)
    model = DanqingClassifier("dense(16)", epochs=40).fit(frame, target)
    predicted = model.predict(frame)
    assert predicted.dtype == bool
    assert (model.predict(frame[["size", "colour"]]) == predicted).all()
    assert (model.predict(frame.to_dict("records")) == predicted).all()
    assert (model.run_.predict(frame[["size", "colour"]]) == predicted).all()
    assert model.run_.classes_.tolist() == [False, True]
    assert model.run_.evaluate((frame, target))["test"]["accuracy"] == model.score(frame, target)


def test_pictures_are_read_in_the_scale_of_training(small: Dataset) -> None:
    x, y = small.x_train[:600, ..., 0], small.y_train[:600]
    model = DanqingClassifier("dense(32)", epochs=3).fit(x, y)
    predicted = model.predict(small.x_test[:100, ..., 0])
    dark = small.x_test[:100] // 4
    for form in (small.x_test[:100], small.x_test[:100] / 255, small.x_test[:100].astype(float)):
        assert (model.predict(form) == predicted).all()
        assert (model.run_.predict(form) == predicted).all()
    # The brightest of these is 63: still pixels from 0 to 255, not another scale.
    assert (model.predict(dark) == model.run_.predict(dark)).all()
    assert model.run_.evaluate((x / 255, y))["test"]["accuracy"] == model.score(x, y)
    with pytest.raises(ValueError, match="NaN"):
        model.predict(np.full((1, 28, 28), np.nan))
    with pytest.raises(ValueError, match="X has 64 features"):
        model.predict(np.zeros((2, 8, 8), np.uint8))


@pytest.mark.parametrize(
    "labels",
    [[3, 5], [2.0, 3.0], [True, False], ["0042", "42"], ["a b", "青"], [2**60, 2**60 + 1],
     np.array([1, 2], np.uint8)],
    ids=str,
)  # fmt: skip
def test_classes_keep_their_type(labels: Any, tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(40, 2))
    y = np.asarray(labels)[(x[:, 0] > 0).astype(int)]
    model = DanqingClassifier("dense(4)", epochs=2).fit(x, y)
    assert model.predict(x).dtype == y.dtype
    saved = model.run_.save(tmp_path / "run")
    assert saved.classes_.tolist() == model.run_.classes_.tolist() == model.classes_.tolist()
    assert (saved.predict(x) == model.predict(x)).all()
