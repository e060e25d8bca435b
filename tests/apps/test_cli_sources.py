"""The whole way on one's own data, as a user goes it."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from calling import danqing, danqing_here
from PIL import Image

from danqing import Recipe, load_data
from danqing.data.dataset import Dataset
from danqing.training.train import train


@pytest.fixture
def pictures(tmp_path: Path, small: Dataset) -> Path:
    """Zeros and ones, in colour and of two sizes, and one file that is none."""
    folder = tmp_path / "数字"
    for label in (0, 1):
        (folder / f"类 {label}").mkdir(parents=True)
        for number in np.flatnonzero(small.y_train == label)[:80]:
            picture = Image.fromarray(small.x_train[number, ..., 0]).convert("RGB")
            size = 30 if number % 2 else 40
            picture.resize((size, size)).save(folder / f"类 {label}" / f"{number}.png")
    (folder / "类 0" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n rubbish")
    return folder


def test_a_folder_of_pictures(pictures: Path, tmp_path: Path) -> None:
    words = ("--network", "conv(8,5,3)-batchnorm-relu-conv(16)", "--epochs", 6, "--out", "run")
    trained = danqing("train", pictures, *words, "--batch-size", 16, cwd=tmp_path)
    assert trained.returncode == 0, trained.stderr
    assert "left out: 1 unreadable file" in trained.stderr
    record = json.loads((tmp_path / "run" / "data.json").read_text())
    assert record["class_names"] == ["类 0", "类 1"]
    assert record["removed"]["unreadable files"] == 1

    evaluated = danqing("evaluate", "run", cwd=tmp_path)
    assert evaluated.returncode == 0, evaluated.stderr
    other = shutil.copytree(pictures, tmp_path / "other")
    for path in sorted((other / "类 1").iterdir())[30:]:
        path.unlink()
    again = danqing_here("evaluate", "run", other, cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert "test" in again.stdout
    assert "validation  " not in again.stdout

    read = danqing_here("predict", "run", pictures / "类 1", "--csv", cwd=tmp_path)
    rows = list(csv.DictReader(io.StringIO(read.stdout)))
    assert len(rows) == 80
    assert np.mean([row["label"] == "类 1" for row in rows]) > 0.9


def test_files_that_vanish_after_reading_harm_nothing(pictures: Path, tmp_path: Path) -> None:
    dataset = load_data(pictures)
    shutil.rmtree(pictures)
    run = train(dataset, Recipe(network="conv(4,5,5)", epochs=1, batch_size=16), tmp_path / "run")
    assert run.finished


def test_a_table_with_words(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = [
        f"{rng.normal():.3f},{rng.choice(['红', '绿', ''])},{rng.integers(2)}" for _ in range(200)
    ]
    rows = [row[:-1] + ("yes" if row.startswith("-") else "no") for row in rows]
    (tmp_path / "rows.csv").write_text("number,colour,answer\n" + "\n".join(rows) + "\n")
    trained = danqing("train", "rows.csv", "--target", "answer", "--out", "run", cwd=tmp_path)
    assert trained.returncode == 0, trained.stderr
    (tmp_path / "new.csv").write_text("colour,number\n蓝,-2\n红,2\n")
    read = danqing("predict", "run", "new.csv", "--json", cwd=tmp_path)
    assert read.returncode == 0, read.stderr
    predictions = [json.loads(line) for line in read.stdout.splitlines()]
    assert [prediction["label"] for prediction in predictions] == ["yes", "no"]
    assert [prediction["name"] for prediction in predictions] == ["new.csv:1", "new.csv:2"]
    assert danqing_here("evaluate", "run", cwd=tmp_path).returncode == 0
    listed = danqing_here("runs", cwd=tmp_path)
    assert listed.returncode == 0
    wrong = danqing("train", "rows.csv", "--target", "anser", cwd=tmp_path)
    assert wrong.returncode == 1
    assert "answer" in wrong.stderr
    assert len(wrong.stderr.splitlines()) == 1
