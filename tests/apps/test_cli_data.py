"""`danqing data` as its users meet it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from calling import danqing, danqing_here
from PIL import Image

from danqing.data.dataset import Dataset


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, mnist: Dataset) -> Path:
    """Digits as files in class folders, with a defect of each kind."""
    root = tmp_path_factory.mktemp("inspected")
    for row in range(300):
        label = "零一二三四五六七八九"[mnist.y_train[row]]
        path = root / "digits" / "train" / label / f"{row}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(mnist.x_train[row, ..., 0]).save(path)
    for row in range(40):
        label = "零一二三四五六七八九"[mnist.y_test[row]]
        path = root / "digits" / "test" / label / f"{row}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(mnist.x_test[row, ..., 0]).save(path)
    train = root / "digits" / "train"
    (train / "五" / "cut.png").write_bytes((train / "五" / "0.png").read_bytes()[:60])
    (train / "零" / "again.png").write_bytes((train / "零" / "1.png").read_bytes())
    (train / "七" / "wrong.png").write_bytes((train / "四" / "2.png").read_bytes())
    (train / "七" / "leak.png").write_bytes((root / "digits/test/七/0.png").read_bytes())
    Image.fromarray(mnist.x_train[0, ..., 0]).save(train / "五" / "near.jpg", quality=90)
    return root


def state(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_folder_with_every_defect(folder: Path) -> None:
    before = state(folder / "digits")
    done = danqing("data", "inspect", "digits/", "--json", "--sheet", "sheet.png", cwd=folder)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    kinds = {finding["kind"]: finding for finding in found["findings"]}
    assert {kind: kinds[kind]["count"] for kind in kinds if kind != "label-issues"} == {
        "leakage": 1,
        "unreadable": 1,
        "duplicates": 1,
        "conflicting-labels": 2,
        "near-duplicates": 2,
    }
    assert found["counts"] == {"train": 304, "validation": 0, "test": 40}
    assert found["findings"][0]["kind"] == "leakage"
    assert "cut.png" in kinds["unreadable"]["examples"][0]
    assert "wrong.png (七)" in kinds["conflicting-labels"]["examples"][0]
    assert "near.jpg" in kinds["near-duplicates"]["examples"][0]
    with Image.open(folder / found["sheet"]) as sheet:
        assert sheet.size[0] == 1176
    assert state(folder / "digits") == before


def test_archive_names_its_files(folder: Path) -> None:
    shutil.make_archive(str(folder / "packed"), "zip", folder / "digits")
    done = danqing_here("data", "inspect", "packed.zip", "--json", "--sheet", "zip.png", cwd=folder)
    assert done.returncode == 0, done.stderr
    kinds = {finding["kind"]: finding for finding in json.loads(done.stdout)["findings"]}
    assert "wrong.png (七)" in kinds["conflicting-labels"]["examples"][0]


def test_report_for_people(folder: Path) -> None:
    done = danqing_here("data", "inspect", "./digits", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "digits: 344 pictures; target: one of 10 classes" in done.stdout
    assert done.stdout.index("ERROR") < done.stdout.index("WARNING") < done.stdout.index("NOTE")
    sheet = done.stdout.splitlines()[-1].removeprefix("Sample pictures: ")
    assert (folder / sheet).is_file()
    assert sheet.startswith("inspections")
    assert "looking for near-duplicates" in done.stderr
    assert max(map(len, done.stdout.splitlines())) < 260


def test_table(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    lines = ["id,size,colour,bought"]
    for row in range(200):
        size = random.normal()
        lines.append(
            f"{row},{size:.3f},{'red' if row % 3 else 'blue'},{'yes' if size > 0 else 'no'}"
        )
    (tmp_path / "rows.csv").write_text("\n".join(lines))
    done = danqing_here("data", "inspect", "rows.csv", "--target", "bought", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "target: bought, one of 2 classes" in done.stdout
    assert "size: " in done.stdout
    assert "seems to number the rows" in done.stdout
    assert not (tmp_path / "inspections").exists()


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["minst"], 1, "did you mean 'mnist'"),
        (["iris", "--task", "magic"], 2, "expected classification or regression"),
        (["digits", "--sheet", "sheet.jpg"], 2, "ends in .png"),
        (["digits", "--sheet", "taken.png"], 2, "exists already"),
        (["digits", "--sheet", "taken.png/sheet.png"], 2, "is a file, not a folder"),
    ],
)
def test_wrong_calls(tmp_path: Path, words: list[str], status: int, message: str) -> None:
    (tmp_path / "taken.png").write_text("mine")
    done = danqing_here("data", "inspect", *words, cwd=tmp_path)
    assert done.returncode == status
    assert done.stderr.splitlines()[-1].startswith("danqing: ")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "taken.png").read_text() == "mine"


def test_inspect_does_not_load_tensorflow(tmp_path: Path) -> None:
    code = (
        "import sys; from danqing.apps.cli.main import main; sys.argv = ['danqing', 'data', "
        "'inspect', 'iris']\ntry: main()\nexcept SystemExit: pass\n"
        "print([name for name in ('tensorflow', 'keras') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_cache_is_shown_and_cleared(tmp_path: Path) -> None:
    for number in range(4):
        path = tmp_path / "pictures" / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), number).save(path)
    cache = {"DANQING_CACHE": str(tmp_path / ".cache")}
    danqing("data", "inspect", "./pictures", cwd=tmp_path, **cache)
    shown = danqing_here("data", "cache", cwd=tmp_path, **cache)
    assert shown.stdout.startswith(f"{tmp_path / '.cache'}: ")
    assert not shown.stdout.endswith(": 0 bytes\n")
    cleared = danqing_here("data", "cache", "--clear", cwd=tmp_path, **cache)
    assert cleared.stdout.endswith("removed\n")
    shown = danqing_here("data", "cache", cwd=tmp_path, **cache)
    assert shown.stdout.endswith(": 0 bytes\n")
