"""Run: the same as the command line gives, from Python, in a folder or a moment later."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris

import danqing
from danqing.api.run import Run
from danqing.errors import RunError, SourceError
from danqing.prediction.predictor import Predictor
from danqing.runs.run_folder import RunFolder


@pytest.fixture(scope="module")
def iris(tmp_path_factory: pytest.TempPathFactory) -> Run:
    out = tmp_path_factory.mktemp("runs") / "iris"
    return danqing.train("iris", out=out, network="dense(16)", epochs=10, batch_size=16)


def test_it_shows_what_the_folder_holds(run: RunFolder) -> None:
    held = danqing.load_run(str(run.folder))
    assert isinstance(held, danqing.Run)
    assert repr(held) == f"Run({str(run.folder)!r})"
    assert held.folder == run.folder
    for name in ("config", "data", "history", "finished", "metrics", "class_names", "task"):
        assert getattr(held, name) == getattr(run, name)


def test_predict_is_the_predictors(iris: Run) -> None:
    data = danqing.load_data("iris")
    predicted = iris.predict_proba(data.x_train)
    assert predicted.dtype == np.float32
    np.testing.assert_allclose(predicted.sum(axis=1), 1, atol=1e-5)
    expected = Predictor(RunFolder(iris.folder)).predict_examples(data.x_train)
    np.testing.assert_array_equal(predicted, expected)
    assert (iris.predict(data.x_train) == iris.classes_[expected.argmax(axis=1)]).all()
    assert iris.classes_.tolist() == iris.class_names
    with pytest.raises(SourceError, match=r"expected \(n, 4\)"):
        iris.predict(np.zeros((2, 7), np.float32))
    with pytest.raises(SourceError, match="petal length"):
        iris.predict(danqing.load_data("wine").x_train)


def test_predict_needs_no_tensorflow(iris: Run) -> None:
    program = (
        "import sys, danqing\n"
        f"run = danqing.load_run({str(iris.folder)!r})\n"
        "run.predict([[5.1, 3.5, 1.4, 0.2]])\n"
        "print([name for name in ('tensorflow', 'keras', 'sklearn') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


def test_evaluate_takes_its_own_data_a_dataset_or_any_source(iris: Run, tmp_path: Path) -> None:
    own = iris.evaluate()
    assert own["test"] == iris.metrics["test"]
    assert own == danqing.evaluate(iris.folder, "iris") == danqing.evaluate(iris)
    data = danqing.load_data("iris")
    assert own == iris.evaluate(data)
    frame = pd.DataFrame(load_iris().data, columns=data.x_train.names)
    frame["target"] = np.array(data.class_names)[data.y_train]
    frame.iloc[:60].to_csv(tmp_path / "some.csv", index=False)
    found = iris.evaluate(tmp_path / "some.csv")
    assert set(found) == {"test"}
    assert found["test"]["n"] == 60
    with pytest.raises(RunError, match="can't be evaluated on rows for regression"):
        iris.evaluate("diabetes")


def test_evaluate_reads_a_table_by_the_runs_target(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"price": rng.normal(size=200), "size": rng.normal(size=200)})
    frame.to_csv(tmp_path / "houses.csv", index=False)
    run = danqing.train(
        tmp_path / "houses.csv", out=tmp_path / "run", target="price", network="dense(4)", epochs=2
    )
    frame.iloc[:50].to_csv(tmp_path / "newer.csv", index=False)
    assert run.evaluate(tmp_path / "newer.csv")["test"]["n"] == 50


def test_explain_and_textbook(iris: Run, tmp_path: Path) -> None:
    rows = danqing.load_data("iris").x_train[[0, 1]]
    found = danqing.explain(
        iris, rows, names=["a", "b"], method="integrated-gradients", target="virginica"
    )
    assert [one.name for one in found.explanations] == ["a", "b"]
    assert [one.method for one in found.explanations[0].maps] == ["integrated-gradients"]
    copy = danqing.load_run(shutil.copytree(iris.folder, tmp_path / "copy"))
    assert copy.textbook() == tmp_path / "copy" / "textbook.html"
    assert copy.textbook(out=str(tmp_path / "page.html")) == tmp_path / "page.html"
    with pytest.raises(RunError, match="nothing is overwritten"):
        copy.textbook(out=tmp_path / "page.html")


def test_runs_are_listed(iris: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert danqing.list_runs() == []
    shutil.copytree(iris.folder, tmp_path / "runs" / "one")
    (tmp_path / "runs" / "rubbish").mkdir()
    (found,) = danqing.list_runs()
    assert isinstance(found, Run)
    assert found.folder == Path("runs") / "one"
    assert [run.folder.name for run in danqing.list_runs(iris.folder.parent)] == ["iris"]


def test_no_run(tmp_path: Path) -> None:
    for folder, message in ((tmp_path / "no", "no such folder"), (tmp_path, "is not a run folder")):
        for function in (danqing.load_run, danqing.evaluate, danqing.explain):
            with pytest.raises(RunError, match=message):
                function(folder)


def test_rows_of_several_files_are_explained_together(tmp_path: Path) -> None:
    rows = [f"{number % 7},{'ab'[number % 2]},{number % 2}" for number in range(60)]
    (tmp_path / "all.csv").write_text("\n".join(["size,kind,y", *rows]) + "\n")
    run = danqing.train(
        tmp_path / "all.csv", target="y", network="dense(4)", epochs=2, out=tmp_path / "run"
    )
    (tmp_path / "one.csv").write_text("kind,size\na,\n")  # the size looks like nothing here
    (tmp_path / "two.csv").write_text("extra,size,kind\n9,3,b\n9,4,a\n")
    found = run.explain([tmp_path / "one.csv", tmp_path / "two.csv"])
    names = [str(tmp_path / name) for name in ("one.csv:1", "two.csv:1", "two.csv:2")]
    assert [one.name for one in found.explanations] == names
