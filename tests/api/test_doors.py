"""Python's doors: each argument is converted, or refused in a line before anything is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse

import danqing
from danqing.api.run import Run
from danqing.errors import ArgumentTypeError, DanqingError, RecipeError, RunError, SourceError

X = np.random.default_rng(0).normal(size=(60, 3))
Y = np.where(X[:, 0] > 0, "a", "b")
T = X[:, 0] * 2.5
FRAME = pd.DataFrame(X, columns=["a", "b", "c"]).assign(t=Y)
SETTINGS: dict[str, Any] = {"network": "dense(4)", "epochs": 1, "batch_size": 16}


@pytest.mark.parametrize(
    ("source", "given", "task"),
    [
        ((X.tolist(), Y.tolist()), {}, "classification"),
        ([X, Y], {}, "classification"),
        ((pd.DataFrame(X), pd.Series(Y, index=range(7, 67))), {}, "classification"),
        ((X, pd.Categorical(Y)), {}, "classification"),
        ((X, X[:, 0] > 0), {}, "classification"),
        ((X, T), {}, "regression"),
        ((X, Y, X[:20], Y[:20]), {}, "classification"),
        (((X, Y), (X[:20], Y[:20])), {}, "classification"),
        (FRAME, {"target": "t"}, "classification"),
        (pl.DataFrame(FRAME.to_dict("list")), {"target": "t"}, "classification"),
        (pd.DataFrame(X), {"target": 2}, "regression"),
        ((X, Y), {"callbacks": None}, "classification"),
        ((X, Y), {"epochs": np.int64(1), "learning_rate": np.float32(0.01)}, "classification"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, dict | str) else None,
)
def test_what_is_converted(source: Any, given: dict[str, Any], task: str, tmp_path: Path) -> None:
    run = danqing.train(source, out=str(tmp_path / "run"), **{**SETTINGS, **given})
    assert run.task == task
    assert run.finished


def test_a_single_callback_is_one(tmp_path: Path) -> None:
    epochs: list[int] = []

    def keep(report: Any) -> None:
        epochs.append(report.epoch)

    danqing.train((X, Y), out=tmp_path / "run", callbacks=keep, **{**SETTINGS, "epochs": 3})
    assert epochs == [1, 2, 3]


@pytest.mark.parametrize(
    ("source", "given", "kind", "message"),
    [
        (None, {}, TypeError, "of type NoneType; expected"),
        (5, {}, TypeError, "of type int; expected"),
        (X, {}, TypeError, "of type ndarray; expected"),
        (FRAME["a"], {}, TypeError, "of type Series; expected"),
        ({"a": X[:, 0], "t": Y}, {}, TypeError, "of type dict; expected"),
        (b"iris", {}, TypeError, "of type bytes; expected"),
        ("irsi", {}, FileNotFoundError, "did you mean 'iris'"),
        (Path("nowhere.csv"), {}, FileNotFoundError, "no such file or folder"),
        ((), {}, ValueError, "a tuple of 0; expected"),
        ((X, Y, X), {}, ValueError, "a tuple of 3; expected"),
        ((X, Y[:-1]), {}, ValueError, "60 examples and 59 targets"),
        ((X[:, 0], Y), {}, ValueError, "examples of shape"),
        ((X, np.eye(2)[(T > 0).astype(int)]), {}, ValueError, "use y.argmax"),
        ((X, np.where(T > 3, np.nan, T)), {}, ValueError, "Input y contains NaN"),
        ((X, np.ma.masked_greater(T, 3)), {}, ValueError, "Input y contains NaN"),
        ((X * 1j, Y), {}, ValueError, "expected real numbers"),
        ((X[:0], Y[:0]), {}, ValueError, "no rows"),
        ((X, np.zeros(60, int)), {}, ValueError, "every row has the class '0'"),
        (([[1, 2], [3]], [0, 1]), {}, ValueError, "rows of equal length"),
        ((sparse.csr_matrix(X), Y), {}, ValueError, "sparse"),
        (FRAME, {}, ValueError, "which column is the target"),
        (FRAME, {"target": "z"}, ValueError, "has no column 'z'"),
        (FRAME, {"target": "T"}, ValueError, "did you mean 't'"),
        (FRAME, {"target": ["t"]}, TypeError, "target: expected the name of a column"),
        ((X, Y), {"target": "t"}, ValueError, "no named columns"),
        ((X, Y), {"task": "regresion"}, ValueError, "is unknown"),
        ((X, Y), {"task": "regression"}, ValueError, "needs a number in each row"),
        (FRAME, {"target": "t", "columns": ["a"]}, TypeError, "columns: expected a type"),
        (FRAME, {"target": "t", "columns": {"a": "nubmer"}}, ValueError, "can't be of type"),
        ((X, Y), {"callbacks": 5}, TypeError, "callbacks: expected functions, received 5"),
        ((X, Y), {"callbacks": [print, 3]}, TypeError, "callbacks: expected functions, received 3"),
        ((X, Y), {"progress": 3}, TypeError, "progress: expected a function"),
        ((X, Y), {"epocs": 3}, ValueError, "did you mean 'epochs'"),
        ((X, Y), {"epochs": "many"}, ValueError, "epochs: input should be"),
        ((X, Y), {"epochs": True}, ValueError, "epochs: expected a number"),
        ((X, Y), {"network": object()}, ValueError, "network: input should be"),
        ((X, Y), {"learning_rate": float("nan")}, ValueError, "learning_rate: input should be"),
        ((X, Y), {"recipe": {"epochs": 1}}, TypeError, "recipe: expected a danqing.Recipe"),
        ((X, Y), {"recipe": "fast"}, TypeError, "recipe: expected a danqing.Recipe"),
        ((X, Y), {"out": "."}, RunError, "exists already"),
        ((X, Y), {"out": 5}, TypeError, "out: expected a path, received 5"),
        ((X, Y), {"out": ""}, TypeError, "out: expected a path"),
        ((X, Y), {"out": "a\0b"}, RunError, "no name of a file"),
        ((X, Y), {"base": 5}, TypeError, "base: expected a path"),
        ((X, Y), {"base": "nowhere"}, FileNotFoundError, "no such folder"),
        ((X, Y), {"teacher": 3.5}, TypeError, "teacher: expected a path"),
        ((X, Y), {"teacher": "."}, RunError, "no config.json"),
    ],
)  # fmt: skip
def test_train_refuses_in_a_line_and_writes_nothing(
    source: Any, given: dict[str, Any], kind: type[Exception], message: str,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    with pytest.raises(kind, match=message) as caught:
        danqing.train(source, **{"out": "run", **given})
    assert isinstance(caught.value, DanqingError)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    out = tmp_path_factory.mktemp("runs") / "run"
    return danqing.train((FRAME[["a", "b", "c"]], Y), out=out, **SETTINGS)


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda run: danqing.load_run(5), ArgumentTypeError, "run: expected a path"),
        (lambda run: danqing.list_runs(None), ArgumentTypeError, "folder: expected a path"),
        (lambda run: danqing.evaluate(None), ArgumentTypeError, "run: expected a path"),
        (lambda run: danqing.explain(None), ArgumentTypeError, "run: expected a path"),
        (lambda run: danqing.inspect(None), TypeError, "of type NoneType"),
        (lambda run: run.save(5), ArgumentTypeError, "folder: expected a path"),
        (lambda run: run.report((X, Y), out=5), ArgumentTypeError, "out: expected a path"),
        (lambda run: run.textbook(out=5), ArgumentTypeError, "out: expected a path"),
        (lambda run: run.evaluate(5), TypeError, "of type int"),
        (lambda run: run.evaluate(X), TypeError, "of type ndarray"),
        (lambda run: run.evaluate((X, Y[:5])), SourceError, "60 examples and 5 targets"),
        (lambda run: run.evaluate((X[:, :2], Y)), SourceError, "lacks columns 'a', 'b', 'c'"),
        (lambda run: run.evaluate((X, T)), RunError, "knows none of the data's classes"),
        (lambda run: run.predict(None), SourceError, r"expected \(n, 3\)"),
        (lambda run: run.predict("nope.csv"), SourceError, "no such file"),
        (lambda run: run.predict([]), SourceError, r"expected \(n, 3\)"),
        (lambda run: run.predictions(X, risk=2), RecipeError, "expected an error rate"),
        (lambda run: run.predictions(X, risk="0.1"), RecipeError, "expected an error rate"),
        (lambda run: run.explain(X[:0]), SourceError, "no examples to explain"),
        (lambda run: run.explain(X[:1], target=3), RecipeError, "'3' is not a class"),
        (lambda run: run.explain(X[:1], method="nope"), RecipeError, "method 'nope' is unknown"),
    ],
)
def test_runs_refuse_in_a_line(
    call: Callable[[Run], Any], kind: type[Exception], message: str, run: Run
) -> None:
    with pytest.raises(kind, match=message) as caught:
        call(run)
    assert isinstance(caught.value, DanqingError)
    assert "\n" not in str(caught.value)


def test_masked_values_are_missing(run: Run) -> None:
    masked = np.ma.masked_array(X, mask=np.zeros_like(X, bool))
    masked[0, 0] = np.ma.masked
    expected = run.predict_proba(np.where(masked.mask, np.nan, X))
    np.testing.assert_array_equal(run.predict_proba(masked), expected)
    np.testing.assert_array_equal(run.predict_proba(np.ma.masked_array(X)), run.predict_proba(X))
    found = danqing.load_data((masked, Y)).x_train.columns[0]
    assert found.missing.tolist() == [True] + [False] * 59
    model = danqing.DanqingClassifier("dense(4)", epochs=1).fit(masked, Y)
    assert np.isfinite(model.predict_proba(masked)).all()
    assert model.predict_proba(masked)[0, 0] != model.predict_proba(X)[0, 0]


def test_own_data_are_known_in_every_form(run: Run) -> None:
    expected = run.metrics["test"]
    frame = FRAME[["c", "a", "b"]]
    for source in ((X, Y), [X, Y], (X.tolist(), Y.tolist()), (frame, pd.Series(Y)),
                   (pl.DataFrame(frame.to_dict("list")), Y)):  # fmt: skip
        assert run.evaluate(source)["test"] == expected
    assert run.evaluate((X, Y, X[:9], Y[:9]))["test"]["n"] == 9
