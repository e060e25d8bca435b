"""`danqing evaluate` as it is called: what it prints, writes and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from danqing import Recipe, load_data
from danqing.apps.cli.main import app
from danqing.errors import DanqingError
from danqing.training.train import train


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table, and two runs on it."""
    folder = tmp_path_factory.mktemp("evaluate")
    rng = np.random.default_rng(0)
    size = rng.normal(size=400)
    words = np.where(size + 0.4 * rng.normal(size=400) > 0, "large", "small")
    lines = [f"{number:.3f},{word}" for number, word in zip(size, words, strict=True)]
    (folder / "table.csv").write_text("\n".join(["size,kind", *lines]))
    (folder / "newer.csv").write_text("\n".join(["size,kind", *lines[:50]]))
    dataset = load_data(str(folder / "table.csv"), target="kind")
    for name, network in (("one", "dense(8)"), ("two", "dense(2)")):
        train(dataset, Recipe(network=network, epochs=3), folder / name)
    return folder


def called(*words: object) -> Result:
    return CliRunner().invoke(app, ["evaluate", *map(str, words)])


def test_prints_the_figures_and_writes_the_report(folder: Path) -> None:
    done = called(folder / "one", "--risk", "0.3", "--against", folder / "two")
    assert done.exit_code == 0, done.output
    metrics = json.loads((folder / "one" / "metrics.json").read_text())
    assert f"accuracy {metrics['test']['accuracy']:.2%}" in done.output
    assert "calibration error on test" in done.output
    assert "McNemar's exact p" in done.output
    assert done.output.splitlines()[-1] == f"report: {folder / 'one' / 'report.html'}"
    chosen = json.loads((folder / "one" / "calibration.json").read_text())["selection"]
    assert chosen["risk"] == 0.3
    assert f"confidence of {chosen['unsure_below']:.4f}" in done.output
    assert not (folder / "two" / "report.html").exists()


def test_says_so_where_nothing_can_be_promised(folder: Path) -> None:
    done = called(folder / "two", "--risk", "0.001")
    assert "no confidence threshold guarantees an error rate of at most 0.10%" in done.output
    assert json.loads((folder / "two" / "calibration.json").read_text())["selection"]["n"] > 0


def test_other_data_are_only_printed_unless_a_file_is_named(folder: Path) -> None:
    done = called(folder / "one", folder / "newer.csv")
    assert done.exit_code == 0, done.output
    assert "50 examples" in done.output
    assert "report:" not in done.output
    out = folder / "newer.html"
    done = called(folder / "one", folder / "newer.csv", "--out", out)
    assert done.output.splitlines()[-1] == f"report: {out}"
    assert out.read_text().startswith("<!DOCTYPE html>")


def test_numbers_come_with_a_margin(folder: Path) -> None:
    rng = np.random.default_rng(1)
    size = rng.normal(size=400)
    lines = [f"{number:.3f},{price:.3f}" for number, price in zip(size, 3 * size, strict=True)]
    (folder / "prices.csv").write_text("\n".join(["size,price", *lines]))
    dataset = load_data(str(folder / "prices.csv"), target="price")
    train(dataset, Recipe(network="dense(8)", epochs=3), folder / "numbers")
    done = called(folder / "numbers")
    assert done.exit_code == 0, done.output
    assert "90 % of predictions are expected within" in done.output
    margins = json.loads((folder / "numbers" / "calibration.json").read_text())["margins"]
    assert margins[2]["covered"] > 0.75


@pytest.mark.parametrize(
    ("words", "message", "status"),
    [
        (["one", "--risk", "0"], "between 0 and 1", 2),
        (["one", "newer.csv", "--risk", "0.1"], "leave out --risk or the source", 2),
        (["one", "--out", "table.csv"], "exists already", 1),
        (["one", "--out", "nowhere/page.html"], "there is no folder", 1),
        (["one", "--against", "nowhere"], "no such folder", 1),
    ],
)
def test_refuses(
    words: list[str], message: str, status: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    done = called(*words)
    assert isinstance(done.exception, DanqingError)
    assert message in str(done.exception)
    assert done.exception.exit_status == status
    assert (folder / "table.csv").read_text().startswith("size,kind")
