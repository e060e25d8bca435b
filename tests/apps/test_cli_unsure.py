"""Unsure, interval and flags, in each form that `danqing predict` prints."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from calling import danqing_here
from PIL import Image

from danqing import Recipe, load_data
from danqing.data.dataset import Dataset
from danqing.data.table import Table
from danqing.data.tables.table_files import read_table
from danqing.errors import RecipeError
from danqing.prediction.predictor import Predictor
from danqing.prediction.unsure import check_risk, unsure_below
from danqing.runs.run_folder import RunFolder
from danqing.training.train import train

RANDOM = np.random.default_rng(0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs on tables: 10,000 rows of classes, with mistakes, and 600 rows of numbers."""
    folder = tmp_path_factory.mktemp("confidence")
    size = RANDOM.uniform(-3, 3, 10_000)
    hue = RANDOM.choice(["red", "green"], 10_000)
    big = np.where(size + 0.2 * RANDOM.normal(size=10_000) > 0, "big", "small")
    rows = zip(size, hue, big, strict=True)
    lines = [f"{number:.4f},{word},{label}" for number, word, label in rows]
    (folder / "words.csv").write_text("\n".join(["size,hue,label", *lines]))
    price = 3 * size + RANDOM.normal(size=10_000)
    lines = [f"{a:.4f},{b:.4f}" for a, b in zip(size[:600], price, strict=False)]
    (folder / "prices.csv").write_text("\n".join(["size,price", *lines]))
    for name, target, epochs in (("words", "label", 4), ("prices", "price", 40)):
        recipe = Recipe(network="dense(8)", epochs=epochs, learning_rate=0.01)
        train(load_data(folder / f"{name}.csv", target=target), recipe, folder / name)
    (folder / "new.csv").write_text("size,hue\n2.9,red\n0.01,green\n-2.9,blue\n99.5,red\n")
    return folder


def predicted(folder: Path, *words: object) -> tuple[list[str], str]:
    done = danqing_here("predict", *words, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines(), done.stderr


def test_every_form_says_the_same(folder: Path) -> None:
    run = RunFolder(folder / "words")
    below = unsure_below(run.calibration)
    assert below is not None
    assert 0.5 < below < 1
    plain, said = predicted(folder, "words", "new.csv")
    found = [line.split("\t") for line in plain]
    assert [line[0] for line in found] == [f"new.csv:{row}" for row in (1, 2, 3, 4)]
    assert [line[3] for line in found] == ["", "unsure", "", ""]
    assert "new.csv:3: hue: 'blue' never occurs in training" in said
    assert "new.csv:4: size: 99.5 is far beyond the training range, -" in said
    assert len(said.splitlines()) == 2

    objects = [json.loads(line) for line in predicted(folder, "words", "new.csv", "--json")[0]]
    header, *rows = csv.reader(predicted(folder, "words", "new.csv", "--csv")[0])
    assert header == ["name", "label", "confidence", "unsure", "flags", "big", "small"]
    for one, line, row in zip(objects, found, rows, strict=True):
        assert list(one) == ["name", "label", "confidence", "unsure", "flags", "probabilities"]
        assert [one["name"], one["label"]] == line[:2] == row[:2]
        assert one["unsure"] == (line[3] == "unsure") == (row[3] == "true")
        assert one["unsure"] == (one["confidence"] < below)
        assert f"{one['confidence']:.4f}" == line[2]
        assert one["confidence"] == float(row[2]) == max(one["probabilities"].values())
        assert "; ".join(one["flags"]) == row[4]
        assert [float(p) for p in row[5:]] == list(one["probabilities"].values())
    assert [len(one["flags"]) for one in objects] == [0, 0, 1, 1]


def test_a_lower_risk_marks_more(folder: Path) -> None:
    marked = []
    for risk in (0.001, 0.01, 0.05, 0.2):
        lines, _ = predicted(folder, "words", "words.csv", "--risk", risk)
        marked.append(sum(line.endswith("\tunsure") for line in lines))
    assert marked[0] == 10_000  # 800 validation rows can't promise so much
    assert marked == sorted(marked, reverse=True)
    assert marked[1] < 2500
    assert marked[-1] < marked[1]


def test_the_risk_is_kept_on_new_rows(folder: Path) -> None:
    """Labels of new rows of the same kind: accepted ones are wrong at most as often as asked."""
    run = RunFolder(folder / "words")
    random = np.random.default_rng(5)
    size = random.uniform(-3, 3, 20_000)
    label = (size + 0.2 * random.normal(size=20_000) <= 0).astype(int)  # 0 is big
    lines = "\n".join(f"{number:.4f},red" for number in size)
    (folder / "many.csv").write_text(f"size,hue\n{lines}\n")
    outputs = Predictor(run).predict_examples(table_of(run, folder / "many.csv"))
    for risk in (0.01, 0.02, 0.05):
        below = unsure_below(run.calibration, risk)
        assert below is not None
        accepted = outputs.max(axis=1) >= below
        assert accepted.mean() > 0.5
        assert (outputs.argmax(axis=1) != label)[accepted].mean() <= risk


def table_of(run: RunFolder, path: Path) -> Table:
    assert run.preparation.encoding is not None
    return read_table(path, run.preparation.encoding.types)


def test_where_no_confidence_is_enough_a_line_says_so(folder: Path) -> None:
    lines, said = predicted(folder, "words", "new.csv", "--risk", "0.001")
    assert all(line.endswith("\tunsure") for line in lines)
    first = said.splitlines()[0]
    assert "no confidence guarantees an error rate of at most 0.001" in first
    assert "800 validation rows could guarantee" in first or "lowest that" in first
    assert "--risk" in first or "use it" in first


def test_a_run_without_calibration_names_the_command(folder: Path) -> None:
    run = RunFolder(folder / "words")
    kept = (run.folder / "calibration.json").read_text()
    for content in (None, '{"format": 1, "temperature": 2.0, "selection": {"unsure_below": 0.1}}'):
        (run.folder / "calibration.json").unlink()
        if content:
            (run.folder / "calibration.json").write_text(content)
        try:
            lines, said = predicted(folder, "words", "new.csv")
        finally:
            (run.folder / "calibration.json").write_text(kept)
        assert all(line.endswith("\tunsure") for line in lines)
        assert "danqing evaluate words" in said


def test_a_regression_gives_an_interval(folder: Path) -> None:
    margin = RunFolder(folder / "prices").calibration["margins"][2]["margin"]
    assert 1 < margin < 2.5  # 90 % of a normal distribution lie within 1.64
    plain, said = predicted(folder, "prices", "new.csv")
    objects = [json.loads(line) for line in predicted(folder, "prices", "new.csv", "--json")[0]]
    header, *rows = csv.reader(predicted(folder, "prices", "new.csv", "--csv")[0])
    assert header == ["name", "value", "low", "high", "flags"]
    for one, line, row in zip(objects, plain, rows, strict=True):
        assert list(one) == ["name", "value", "interval", "flags"]
        name, *numbers = line.split("\t")
        assert name == one["name"] == row[0]
        assert [float(x) for x in numbers] == [one["value"], *one["interval"]]
        assert [float(x) for x in row[1:4]] == [one["value"], *one["interval"]]
        assert one["interval"] == pytest.approx([one["value"] - margin, one["value"] + margin])
    assert "size: 99.5 is far beyond" in said
    assert objects[3]["flags"]


def test_many_unusual_rows_are_counted(folder: Path) -> None:
    (folder / "far.csv").write_text("size,hue\n" + "1000,red\n" * 50)
    lines, said = predicted(folder, "words", "far.csv")
    assert len(lines) == 50
    assert said.count("is far beyond the training range") == 20
    assert "30 more rows" in said.splitlines()[-1]
    assert "far beyond" not in predicted(folder, "words", "far.csv", "--json")[1]


def test_refused_risks(folder: Path) -> None:
    words, prices = RunFolder(folder / "words"), RunFolder(folder / "prices")
    for risk in (0.0, 1.0, -0.1, 1.5, float("nan")):
        with pytest.raises(RecipeError, match="between 0 and 1"):
            check_risk(words, risk)
    check_risk(words, 0.5)
    with pytest.raises(RecipeError, match="leave out --risk"):
        check_risk(prices, 0.1)
    done = danqing_here("predict", "words", "new.csv", "--risk", "2", cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")


def test_classes_named_like_columns_keep_the_columns(tmp_path: Path) -> None:
    lines = [f"{n / 10},{'label' if n < 20 else 'unsure'}" for n in range(40)]
    (tmp_path / "odd.csv").write_text("\n".join(["size,kind", *lines]))
    data = load_data(tmp_path / "odd.csv", target="kind")
    train(data, Recipe(network="dense(4)", epochs=1), tmp_path / "run")
    done = danqing_here("predict", "run", "odd.csv", "--csv", cwd=tmp_path)
    (first, *_) = csv.DictReader(io.StringIO(done.stdout))
    assert first["label"] in ("label", "unsure")
    assert first["unsure"] in ("true", "false")
    assert {"label (class)", "unsure (class)"} <= set(first)


def test_pictures_have_no_flags(run: RunFolder, small: Dataset, tmp_path: Path) -> None:
    Image.fromarray(small.x_test[0, :, :, 0]).save(tmp_path / "0.png")
    done = danqing_here("predict", run.folder, "0.png", "--json", "--risk", "0.2", cwd=tmp_path)
    one = json.loads(done.stdout)
    assert one["flags"] == []
    assert isinstance(one["unsure"], bool)
