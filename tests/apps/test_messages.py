"""What users are told where something is wrong: in one line, with the mend."""

from __future__ import annotations

import random
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from calling import danqing_here

import danqing
from danqing import Recipe, load_data
from danqing.errors import RunError, SourceNotFound
from danqing.training.train import train


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table and a run on it; what a training that was killed leaves, and one interrupted."""
    folder = tmp_path_factory.mktemp("messages")
    dice = random.Random(1)
    lines = [f"{dice.gauss(i % 2 * 3, 1):.3f},{'xyz'[i % 3]},{'ab'[i % 2]}" for i in range(200)]
    (folder / "pets.csv").write_text("\n".join(["Size,hue,label", *lines]))
    data = load_data(folder / "pets.csv")
    train(data, Recipe(network="dense(4)", epochs=2, learning_rate=0.01), folder / "run")
    for name, lost in (
        ("killed", ("metrics.json", "weights.safetensors", "network.onnx")),
        ("interrupted", ("metrics.json",)),
    ):
        shutil.copytree(folder / "run", folder / name)
        for file in lost:
            (folder / name / file).unlink()
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A copy, in which data may move and change; the runs still name the first place."""
    return Path(shutil.copytree(made, tmp_path / "copy"))


def said(folder: Path, *words: object, status: int = 1) -> str:
    done = danqing_here(*words, cwd=folder)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("predict", "killed", "pets.csv"),
        ("evaluate", "killed"),
        ("evaluate", "run", "--against", "killed"),
        ("explain", "killed"),
        ("textbook", "killed"),
    ],
)
def test_a_run_without_a_network(folder: Path, words: tuple[str, ...]) -> None:
    text = said(folder, *words)
    assert text == (
        "danqing: run killed: has no network yet, its training has not finished (2 of 2 epochs); "
        "finish it: repeat `danqing train` with --out killed --resume\n"
    )


@pytest.mark.parametrize("option", ["--from", "--teacher"])
def test_a_run_to_build_on_that_has_not_finished(folder: Path, option: str) -> None:
    text = said(folder, "train", "pets.csv", option, "killed", "--out", "new")
    assert "run killed: has not finished; resume it by --resume, or name a finished run" in text
    assert not (folder / "new").exists()


def test_an_interrupted_run_is_used_and_named(folder: Path) -> None:
    for words in (("predict", "interrupted", "pets.csv"), ("evaluate", "interrupted", "pets.csv")):
        text = said(folder, *words, status=0)
        assert "run interrupted: its training was interrupted after 2 of 2 epochs" in text
    assert "interrupted" in danqing.load_run(folder / "interrupted").folder.name
    with pytest.raises(RunError, match="finish its training with --resume"):
        danqing.load_run(folder / "killed").predict(folder / "pets.csv")


def test_data_that_moved(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = made / "pets.csv", made / "elsewhere" / "animals.csv"
    new.parent.mkdir()
    old.rename(new)
    try:
        for words in (("evaluate", "run"), ("explain", "run"), ("textbook", "run")):
            text = said(made, *words)
            assert f"run: its data are no longer at {old}; put them back, or name" in text
            assert "evaluate RUN SOURCE, explain or textbook RUN --data SOURCE" in text
            assert text.count("\n") == 1
        monkeypatch.chdir(made)
        with pytest.raises(SourceNotFound, match="no longer at"):
            danqing.load_run("run").evaluate()
        done = danqing_here("evaluate", "run", new, cwd=made)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("validation")  # they are the run's own data
        for name in ("explain", "textbook"):
            out = made / f"{name}-of-moved.html"
            assert said(made, name, "run", "--data", new, "--out", out, status=0) == ""
            assert out.exists()
        text = said(made, "explain", "run", "elsewhere/animals.csv:3", "--out", "x.png", status=0)
        assert "no nearest training examples: run: its data are no longer at" in text
        done = danqing_here("explain", "run", f"{new}:3", "--data", new, "--out", "y.png", cwd=made)
        assert not done.stderr
    finally:
        new.rename(old)


def test_training_rows_that_changed(made: Path) -> None:
    path, kept = made / "pets.csv", (made / "pets.csv").read_text()
    try:
        path.write_text("\n".join([*kept.splitlines()[:150], "9,x,a"]))
        text = said(made, "evaluate", "run")
        assert "of its 144 training rows have changed or are gone); restore" in text
        lines = kept.splitlines()
        lines[1] = lines[1][:-1] + ("a" if lines[1].endswith("b") else "b")
        path.write_text("\n".join(lines))
        text = said(made, "evaluate", "run")
        assert "all training rows are still there, but other rows, labels or names have" in text
    finally:
        path.write_text(kept)


@pytest.mark.parametrize(
    ("head", "hint"),
    [
        ("size,hue", "lacks the column 'Size' (it has 'size'; upper and lower case count"),
        ("SIZE,Hue", "lacks columns 'Size', 'hue' (it has 'SIZE', 'Hue'; upper and lower case"),
        ("Size,shade", "lacks the column 'hue'; expected every column that the network was"),
    ],
)
def test_columns_that_differ_in_case(folder: Path, head: str, hint: str) -> None:
    (folder / "new.csv").write_text(f"{head}\n1.5,x\n")
    assert hint in said(folder, "predict", "run", "new.csv")


@pytest.mark.parametrize(
    ("words", "status", "text"),
    [
        (
            ["--learning-rate", "1e400"],
            2,
            "learning_rate: input should be a finite number, not",
        ),
        (["--minutes", "1e400"], 2, "minutes: input should be a finite number, not inf"),
        (["--seed", "9" * 30], 2, f"seed: input should be less than 2147483648, not {'9' * 30}"),
        (["--network", "dense(1e9)"], 2, "units must be a whole number, not '1e9'"),
        (["--network", f"dense({'9' * 30})"], 2, "units must be from 1 to 1000000"),
        (["--network", "dense(64,swish)"], 2, "did you mean 'silu'? known: relu, leaky_relu, elu"),
        (["--target", "Label"], 1, "has no column 'Label'; did you mean 'label'? it has 'Size'"),
    ],
)
def test_settings_out_of_range(folder: Path, words: list[str], status: int, text: str) -> None:
    received = said(folder, "train", "pets.csv", *words, status=status)
    assert text in received.splitlines()[-1]
    assert "Traceback" not in received


def test_numbers_that_overflow(folder: Path) -> None:
    (folder / "new.csv").write_text("Size,hue\n1e400,x\n1.0,y\n-1e999,z\n")
    done = danqing_here("predict", "run", "new.csv", cwd=folder)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 3
    assert (
        "danqing: new.csv: the column 'Size': 2 values are not numbers, and taken as missing "
        "('1e400' in row 1, '-1e999' in row 3; numbers end at 1.8e308)" in done.stderr
    )
    lines = (folder / "pets.csv").read_text().splitlines()
    (folder / "pets.csv").write_text("\n".join([*lines, "1e400,x,a"]))
    assert "'1e400' in row 201; numbers end at" in said(
        folder, "data", "inspect", "pets.csv", status=0
    )
    run = danqing.load_run(folder / "run")
    missing = run.predict_proba({"Size": None, "hue": "x"})
    assert np.array_equal(run.predict_proba({"Size": "1e400", "hue": "x"}), missing)


def test_a_target_that_is_not_recorded_is_found(folder: Path) -> None:
    """A run on bundled data names none; in a file it is what the network doesn't take."""
    iris = load_data("iris")
    train(iris, Recipe(network="dense(4)", epochs=1), folder / "iris")
    names = [column.name for column in iris.x_train.columns]
    values = [column.values.tolist() for column in iris.x_train.columns]
    words = [iris.class_names[label] for label in iris.y_train]
    rows = [",".join(map(str, row)) for row in zip(*values, words, strict=True)]
    (folder / "flowers.csv").write_text("\n".join([",".join([*names, "species"]), *rows]))
    done = danqing_here("evaluate", "iris", "flowers.csv", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "150 examples" in done.stdout


def test_explanations_name_the_columns(folder: Path) -> None:
    done = danqing_here("explain", "run", "pets.csv:3", "--out", "why.png", cwd=folder)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("pets.csv:3\t")
    value, hue, _ = (folder / "pets.csv").read_text().splitlines()[3].split(",")
    shown = {line.split("  ")[-1] for line in lines[1:-1]}
    assert shown == {f"Size = {float(value):.4g}", f"hue = {hue}"}
    assert lines[-1] == "why.png"
    text = said(folder, "explain", "run", "pets.csv:201")
    assert "pets.csv:201: there is no such row; expected one from 1 to 200" in text


def test_rows_that_training_has_seen_are_not_called_unseen(folder: Path) -> None:
    lines = (folder / "pets.csv").read_text().splitlines()
    (folder / "some.csv").write_text("\n".join(lines[:50]))
    assert "unseen" not in report_on(folder, "some.csv")
    rows = [f"{7 + i % 2 * 3}.{i:03},x,{'ab'[i % 2]}" for i in range(20)]
    (folder / "new.csv").write_text("\n".join([lines[0], *rows]))
    assert "of 20 unseen test rows correctly" in report_on(folder, "new.csv")


def report_on(folder: Path, name: str) -> str:
    out = folder / f"{name}.html"
    assert danqing_here("evaluate", "run", name, "--out", out, cwd=folder).returncode == 0
    return out.read_text(encoding="utf-8").partition('class="verdict')[2].partition("</p>")[0]


def test_the_textbook_names_files(made: Path) -> None:
    out = made / "named.html"
    assert danqing_here("textbook", "run", "--out", out, cwd=made).returncode == 0
    names = re.findall(rf'"name": ?"({made.name}/pets\.csv:(\d+))"', out.read_text("utf-8"))
    assert names
    numbers = re.findall(r'"number": ?(\d+)', out.read_text("utf-8"))
    assert {row for _, row in names} <= set(numbers)
