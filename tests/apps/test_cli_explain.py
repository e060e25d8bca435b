"""`danqing explain` as its users meet it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from calling import danqing, danqing_here
from PIL import Image

from danqing import Recipe, load_data
from danqing.data.dataset import Dataset
from danqing.runs.run_folder import RunFolder
from danqing.training.train import train


@pytest.fixture(scope="module")
def iris(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    recipe = Recipe(network="dense(16)", epochs=10, batch_size=16)
    return train(load_data("iris"), recipe, tmp_path_factory.mktemp("iris") / "run")


def test_a_picture(run: RunFolder, mnist: Dataset, tmp_path: Path) -> None:
    Image.fromarray(mnist.x_test[0, ..., 0]).save(tmp_path / "数字 7.png")
    done = danqing("explain", run.folder, "数字 7.png", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "explanation-数字 7.png"
    assert "completeness gap" in done.stdout
    assert "no nearest training examples" in done.stderr
    with Image.open(tmp_path / "explanation-数字 7.png") as sheet:
        assert sheet.width > 1000
    again = danqing_here("explain", run.folder, "数字 7.png", "--method", "gradient", cwd=tmp_path)
    assert again.stdout.splitlines()[-1] == "explanation-数字 7-2.png"


def test_rows_to_json_and_page(iris: RunFolder, tmp_path: Path) -> None:
    names = load_data("iris").x_train.names
    (tmp_path / "new.csv").write_text(f"{','.join(names)}\n5,3,1,0.2\n6,3,5,2\n")
    done = danqing_here("explain", iris.folder, "new.csv:2", "--out", "x.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (one,) = json.loads((tmp_path / "x.json").read_text())["explanations"]
    assert one["name"] == "new.csv:2"
    assert one["example"]["petal length (cm)"] == "5"
    assert len(one["nearest"]) == 5
    done = danqing_here("explain", iris.folder, "--out", "x.html", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "x.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["RUN", "--out", "kept.png"], 1, "nothing is overwritten"),
        (["RUN", "--out", "x.gif"], 2, "ends in .png, .json or .html"),
        (["RUN", "--out", "no/x.png"], 1, "no folder"),
        (["RUN", "missing.csv"], 1, "no such file"),
        (["RUN", "new.csv:9"], 1, "from 1 to 1"),
        (["RUN", "--method", "tea-leaves"], 2, "expected one of"),
        (["RUN", "--method", "grad-cam"], 2, "does not suit"),
        (["RUN", "--target", "rose"], 2, "is not a class of"),
        (["RUN", "--textbook"], 2, "--textbook is now a command of its own (since 0.2.0): danqing"),
        (["nowhere", "--textbook"], 2, "danqing textbook nowhere"),
        (["nowhere"], 1, "no such folder"),
    ],
)
def test_bad_input_has_one_clear_line(
    words: list[str], status: int, message: str, iris: RunFolder, tmp_path: Path
) -> None:
    (tmp_path / "kept.png").write_bytes(b"kept")
    names = load_data("iris").x_train.names
    (tmp_path / "new.csv").write_text(f"{','.join(names)}\n5,3,1,0.2\n")
    done = danqing_here("explain", *[iris.folder if w == "RUN" else w for w in words], cwd=tmp_path)
    assert done.returncode == status, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept.png", "new.csv"]
    assert (tmp_path / "kept.png").read_bytes() == b"kept"
