"""The textbook's command, and what users meet who come from Danqing 0.1."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from calling import danqing_here
from safetensors.numpy import load_file

KEPT = Path(__file__).parent.parent / "runs" / "format_1"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Two runs that 0.1.0 made, and a recipe and a table for it."""
    for name in ("number", "table"):
        shutil.copytree(KEPT / name, tmp_path / "runs" / name)
    for name in ("picture.toml", "bicycles.csv"):
        shutil.copy(KEPT / name, tmp_path)
    path = tmp_path / "runs" / "table" / "data.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**data, "source": str(tmp_path / "bicycles.csv")}))
    return tmp_path


@pytest.mark.parametrize("name", ["number", "table"])
def test_every_command_reads_a_run_of_format_1(name: str, old: Path) -> None:
    run = f"runs/{name}"
    metrics = json.loads((old / run / "metrics.json").read_text())["test"]
    scores = [f"{metrics['accuracy']:.2%}"] * 2 if name == "table" else [
        f"R2 {metrics['r2']:.3f}", f"R2 {metrics['r2']:.4f}",
    ]  # fmt: skip
    listed = danqing_here("runs", cwd=old)
    (line,) = [line for line in listed.stdout.splitlines() if line.endswith(run)]
    assert scores[0] in line
    evaluated = danqing_here("evaluate", run, cwd=old)
    assert evaluated.returncode == 0, evaluated.stderr
    assert scores[1] in evaluated.stdout
    for words in (("explain", run, "--out", "x.json"), ("textbook", run)):
        done = danqing_here(*words, cwd=old)
        assert done.returncode == 0, done.stderr
        assert (old / done.stdout.splitlines()[-1]).stat().st_size > 1000


def test_predict_prints_what_it_printed(old: Path) -> None:
    done = danqing_here("predict", "runs/number", "diabetes", "--csv", cwd=old)
    assert done.returncode == 0, done.stderr
    predicted = [float(row["value"]) for row in csv.DictReader(io.StringIO(done.stdout))]
    expected = load_file(KEPT / "predictions.safetensors")["number"]
    assert len(predicted) == 442  # it has no test set of its own; ours are some of its rows
    distance = np.abs(np.array(predicted)[:, None] - expected).min(axis=0)
    assert (distance < 1e-5 * np.abs(expected)).all()


def test_a_run_of_format_1_is_not_resumed(old: Path) -> None:
    words = ("--network", "dense(8)", "--epochs", 20, "--out", "runs/number", "--resume")
    done = danqing_here("train", "diabetes", *words, cwd=old)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("danqing: ")]
    assert "has format 1" in line
    assert "another --out" in line


@pytest.mark.parametrize("command", ["evaluate", "explain", "textbook", "predict", "train"])
def test_a_later_format_is_refused_in_a_line(command: str, old: Path) -> None:
    for name in ("config", "data", "network"):
        path = old / "runs" / "table" / f"{name}.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "format": 3}))
    words = {
        "predict": ("runs/table", "iris"),
        "train": ("iris", "--out", "runs/table", "--resume"),
    }.get(command, ("runs/table",))
    done = danqing_here(command, *words, cwd=old)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1].startswith("danqing: runs/table/")
    assert done.stderr.splitlines()[-1].endswith("reads formats up to 2; upgrade danqing")


def test_an_old_recipe_is_refused_with_the_new_names(old: Path) -> None:
    done = danqing_here("train", "digits", "--recipe", "picture.toml", cwd=old)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("danqing: recipe picture.toml: 'views' is now called 'tta_views'")
    assert "'bending' is now called 'elastic'" in line
    assert line.endswith("(since 0.2.0)")


def test_textbook_in_a_file_of_its_own(old: Path) -> None:
    done = danqing_here("textbook", "runs/table", "--out", "book.HTML", cwd=old)
    assert (done.returncode, done.stdout) == (0, "book.HTML\n"), done.stderr
    assert (old / "book.HTML").read_text(encoding="utf-8").lower().startswith("<!doctype html>")
    assert not (old / "runs" / "table" / "textbook.html").exists()


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["nowhere"], 1, "there is no such folder"),
        (["runs"], 1, "is not a run folder"),
        (["runs/table", "--out", "book.pdf"], 2, "ends in .html"),
        (["runs/table", "--out", "kept.html"], 1, "nothing is overwritten"),
        (["runs/table", "--out", "no/book.html"], 1, "there is no folder"),
        (["runs/number"], 1, "has no trained network"),
    ],
)
def test_textbook_refuses(words: list[str], status: int, message: str, old: Path) -> None:
    (old / "kept.html").write_text("kept")
    (old / "runs" / "number" / "weights.safetensors").unlink()
    done = danqing_here("textbook", *words, cwd=old)
    assert (done.returncode, done.stdout) == (status, "")
    assert done.stderr.startswith("danqing: ")
    assert len(done.stderr.splitlines()) == 1
    assert message in done.stderr
    assert (old / "kept.html").read_text() == "kept"
