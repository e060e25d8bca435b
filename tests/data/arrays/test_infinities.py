"""Infinities in memory: missing values in training and in prediction, and each is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

from danqing import load_data, train
from danqing.api.run import Run

ROWS = 60
X = np.random.default_rng(0).normal(size=(ROWS, 2))
Y = (X[:, 0] > 0).astype(int)
INFINITE = X.copy()
INFINITE[[4, 9], 1] = np.inf, -np.inf
FRAME = {"a": INFINITE[:, 0], "b": INFINITE[:, 1], "y": Y}


@pytest.mark.parametrize("kind", ["array", "pandas", "polars", "npz", "parquet"])
def test_in_training(tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: str) -> None:
    np.savez(tmp_path / "a.npz", X=INFINITE, y=Y)
    pl.DataFrame(FRAME).write_parquet(tmp_path / "a.parquet")
    source, target, name = {
        "array": ((INFINITE, Y), None, "1"),
        "pandas": (pd.DataFrame(FRAME), "y", "b"),
        "polars": (pl.DataFrame(FRAME), "y", "b"),
        "npz": (tmp_path / "a.npz", None, "1"),
        "parquet": (tmp_path / "a.parquet", "y", "b"),
    }[kind]
    column = load_data(source, target=target).x_train.columns[1]
    assert np.flatnonzero(column.missing).tolist() == [4, 9]
    said = "2 infinite values, the first in row 5, are taken as missing"
    assert f"the column {name!r}: {said}" in caplog.text


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    frame = pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "y": Y})
    folder = tmp_path_factory.mktemp("runs") / "run"
    return train(frame, target="y", network="dense(4)", epochs=3, out=folder)


def test_in_prediction(run: Run) -> None:
    rows = np.array([[0.5, np.inf], [0.5, np.nan]])
    for x in (rows, pd.DataFrame(rows, columns=["a", "b"]), pl.DataFrame(rows, schema=["a", "b"]),
              [{"a": 0.5, "b": np.inf}, {"a": 0.5, "b": None}]):  # fmt: skip
        infinite, missing = run.predictions(x)
        assert infinite["probabilities"] == missing["probabilities"]
        assert infinite["flags"][0].startswith("b: inf is far beyond the training range")
        assert missing["flags"] == []
