"""The command line as its users meet it."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from calling import danqing, danqing_here, danqing_interrupted
from PIL import Image

from danqing import __version__
from danqing.data.dataset import Dataset
from danqing.runs.run_folder import RunFolder


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory, mnist: Dataset) -> list[Path]:
    folder = tmp_path_factory.mktemp("pictures")
    paths = [folder / f"数字 {number}.png" for number in range(5)]
    for number, path in enumerate(paths):
        Image.fromarray(mnist.x_test[number, ..., 0]).save(path)
    return paths


def test_version(tmp_path: Path) -> None:
    assert danqing("--version", cwd=tmp_path).stdout == f"danqing {__version__}\n"


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["train", "minst"], 1, "did you mean 'mnist'"),
        (["train", "--network", "dence(3)"], 2, "did you mean 'dense'"),
        (["train", "--network", "pool-pool-pool-pool-pool"], 2, "too deep"),
        (["train", "--batch-size", "60000"], 2, "larger than the 54000 training rows"),
        (["train", "--epochs", "0"], 2, "epochs"),
        (["train", "--epochs", "-1"], 2, "epochs"),
        (["train", "--epochs", "many"], 2, "valid integer"),
        (["train", "--learning-rate", "nan"], 2, "learning_rate"),
        (["train", "--recipe", "missing.toml"], 2, "can't be read"),
        (["train", "--out", "taken"], 1, "exists already"),
        (["train", "--out", "taken/file/run"], 1, "can't be made"),
        (["train", "--out", "/proc/run"], 1, "can't be made"),
        (["evaluate", "nowhere"], 1, "no such folder"),
        (["predict", "taken", "x.png"], 1, "is not a run folder"),
        (["predict", "nowhere", "x.png"], 1, "no such folder"),
        (["predict"], 2, "Missing argument"),
        (["paint"], 2, "No such command"),
    ],
)
def test_bad_input_has_one_clear_line(
    words: list[str], status: int, message: str, tmp_path: Path
) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").write_text("kept")
    done = danqing_here(*words, cwd=tmp_path)
    assert done.returncode == status, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    if not done.stderr.startswith("Usage"):
        lines = [line for line in done.stderr.splitlines() if line.startswith("danqing: ")]
        assert len(lines) == 1
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == [
        "taken", "taken/file",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "status", "start"),
    [
        (["predict", "nowhere", "x.png"], 1, "danqing: "),
        (["train", "--network", "dence(3)"], 2, "danqing: "),
        (["paint"], 2, "Usage: "),
    ],
)
def test_a_process_tells_the_same(
    words: list[str], status: int, start: str, tmp_path: Path
) -> None:
    done, here = danqing(*words, cwd=tmp_path), danqing_here(*words, cwd=tmp_path)
    assert (done.returncode, here.returncode) == (status, status)
    assert done.stderr.startswith(start)
    assert done.stderr.splitlines()[-1] == here.stderr.splitlines()[-1]
    assert done.stdout == here.stdout == ""


def test_train_evaluate_predict_runs(tmp_path: Path, pictures: list[Path]) -> None:
    trained = danqing("train", "--network", "dense(32)", "--epochs", 2, cwd=tmp_path)
    assert trained.returncode == 0, trained.stderr
    folder = trained.stdout.splitlines()[-1]
    assert folder.startswith("runs/")
    assert folder.endswith("-mnist-spec")
    assert [line for line in trained.stderr.splitlines() if line.startswith("epoch 2/2")]
    metrics = json.loads((tmp_path / folder / "metrics.json").read_text())
    assert metrics["test"]["accuracy"] > 0.92

    evaluated = danqing("evaluate", folder, cwd=tmp_path)
    assert evaluated.returncode == 0
    assert f"{metrics['test']['accuracy']:.2%}" in evaluated.stdout

    listed = danqing("runs", cwd=tmp_path)
    assert folder in listed.stdout
    assert f"{metrics['test']['accuracy']:.2%}" in listed.stdout

    read = danqing("predict", folder, *pictures, cwd=tmp_path)
    assert read.returncode == 0
    assert [line.split("\t")[1] for line in read.stdout.splitlines()] == ["7", "2", "1", "0", "4"]


def test_predict_for_machines_and_past_bad_files(
    run: RunFolder, pictures: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "rubbish.png").write_bytes(os.urandom(500))
    done = danqing(
        "predict", run.folder, "--json", pictures[0], tmp_path / "rubbish.png", pictures[1],
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 1
    assert "rubbish.png: is not a picture" in done.stderr
    predictions = [json.loads(line) for line in done.stdout.splitlines()]
    assert [prediction["name"] for prediction in predictions] == [
        str(path) for path in pictures[:2]
    ]
    assert sum(predictions[0]["probabilities"].values()) == pytest.approx(1, abs=1e-4)
    table = danqing_here("predict", run.folder, "--csv", *pictures, cwd=tmp_path)
    rows = list(csv.DictReader(io.StringIO(table.stdout)))
    assert [row["name"] for row in rows] == [str(path) for path in pictures]


def test_runs_without_any(tmp_path: Path) -> None:
    done = danqing_here("runs", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert "no runs in ./runs yet" in done.stderr


def test_ctrl_c(tmp_path: Path) -> None:
    words = ["train", "--network", "article", "--epochs", "10000", "--out", "run"]
    done = danqing_interrupted(*words, cwd=tmp_path)
    assert done.returncode == 130
    assert "what was learned so far is kept in run" in done.stderr
    assert "Traceback" not in done.stderr
    assert danqing_here("evaluate", "run", cwd=tmp_path).returncode == 0


# What a picture's prediction would wait for and not use: readers of tables, of other formats, other
# commands.
NOT_FOR_A_PICTURE = {
    *("tensorflow", "keras", "sklearn", "scipy", "pandas", "polars", "onnx", "pydantic"),
    *("csv", "hashlib", "danqing.runs.format_1"),
    *("PIL.ImageOps", "PIL.JpegImagePlugin", "PIL.TiffImagePlugin", "PIL.WebPImagePlugin"),
    *("danqing.preparation.encoding", "danqing.preparation.training_ranges", "danqing.data.table"),
    *("danqing.data.labels", "danqing.data.dataset", "danqing.data.sources"),
    *("danqing.apps.cli.train", "danqing.apps.cli.evaluate", "danqing.recipe.recipe"),
}


@pytest.mark.parametrize(
    ("code", "unwanted"),
    [
        ("['--help']", {"tensorflow", "keras", "sklearn", "numpy", "pydantic"}),
        ("['train', '--help']", {"tensorflow", "keras", "sklearn", "numpy"}),
        ("['runs']", {"tensorflow", "keras", "sklearn", "numpy"}),
        ("PREDICT", NOT_FOR_A_PICTURE),
    ],
)
def test_start_up_imports(
    code: str, unwanted: set[str], run: RunFolder, pictures: list[Path]
) -> None:
    words = code.replace("PREDICT", repr(["predict", str(run.folder), str(pictures[0])]))
    program = (
        f"import sys; sys.argv = ['danqing', *{words}]\n"
        "from danqing.apps.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print('LOADED', *sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.partition("LOADED")[2].split())
    assert "typer" in loaded
    assert not loaded & unwanted


@pytest.mark.parametrize(
    "words", [["train"], ["predict"], ["explain"], ["textbook"], ["data", "inspect"]]
)
def test_help_is_plain_text(words: list[str], tmp_path: Path) -> None:
    done = danqing_here(*words, "--help", cwd=tmp_path)
    assert done.returncode == 0
    assert "\\" not in done.stdout
    assert ("[required]" in done.stdout) == (words != ["train"] and words != ["data", "inspect"])


@pytest.mark.skipif(sys.platform == "win32", reason="no such clock")
@pytest.mark.parametrize("word", ["--help", "runs"])
def test_start_up_is_quick(word: str, tmp_path: Path) -> None:
    import resource

    seconds, busy = [], []
    for _ in range(5):
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        danqing(word, cwd=tmp_path)
        seconds.append(time.perf_counter() - began)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        busy.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    # What it takes by itself, also where others keep the processor from it.
    assert min(busy) < 0.3
    assert min(seconds) < 0.5
