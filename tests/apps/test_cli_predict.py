"""`danqing predict`: which network, which files, several processes, a file that is resumed."""

from __future__ import annotations

import io
import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from calling import Done, danqing, danqing_here
from PIL import Image

from danqing.data.dataset import Dataset
from danqing.prediction import which_network
from danqing.runs.run_folder import RunFolder
from danqing.shipping.export_run import export

COUNT = 600


@pytest.fixture(scope="module")
def place(run: RunFolder, mnist: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of digits, a bundle of a table, and pictures."""
    folder = tmp_path_factory.mktemp("place")
    export(run, folder / "digits.danqing")
    (folder / "pictures").mkdir()
    for number in range(COUNT):
        image = Image.fromarray(mnist.x_test[number, ..., 0])
        image.save(folder / "pictures" / f"{number}.png")
    (folder / "list.txt").write_text("pictures/5.png\n\npictures/3.png\n")
    (folder / "notes.md").write_text("no picture")
    return folder


def predict(place: Path, *words: object, stdin: bytes = b"") -> Done:
    with patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin))):
        return danqing_here("predict", *words, cwd=place)


def names(done: Done) -> list[str]:
    return [line.split("\t")[0] for line in done.stdout.splitlines()]


def test_a_bundle_is_read_without_tensorflow(place: Path) -> None:
    code = (
        "import sys; sys.argv[1:] = ['predict', 'digits.danqing', 'pictures/0.png', '--json'];"
        "from danqing.apps.cli.main import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print([m for m in ('tensorflow', 'keras', 'sklearn', 'scipy', 'onnx', 'polars', 'pandas')"
        " if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=place, capture_output=True, text=True, check=True
    )
    first, modules = done.stdout.splitlines()
    assert json.loads(first)["label"] == "7"
    assert modules == "[]"


def test_files_folders_and_lists_keep_their_order(place: Path) -> None:
    files = ["pictures/7.png", "pictures/11.png"]
    assert names(predict(place, "digits.danqing", *files)) == files
    assert names(predict(place, "digits.danqing", "list.txt")) == [
        "pictures/5.png",
        "pictures/3.png",
    ]
    natural = [f"pictures/{number}.png" for number in range(COUNT)]
    assert names(predict(place, "digits.danqing", "pictures")) == natural
    mixed = predict(place, "digits.danqing", files[0], "list.txt", "pictures", files[1])
    assert names(mixed) == [files[0], "pictures/5.png", "pictures/3.png", *natural, files[1]]
    inside = danqing_here("predict", "../digits.danqing", ".", cwd=place / "pictures")
    assert names(inside)[:2] == ["0.png", "1.png"]


@pytest.mark.parametrize("form", [[], ["--json"], ["--csv"]])
def test_workers_change_nothing(place: Path, form: list[str]) -> None:
    words = ["digits.danqing", "pictures", "nothing.png", "notes.md", *form]
    alone, several = predict(place, *words), danqing("predict", *words, "--workers", 3, cwd=place)
    assert alone.stdout == several.stdout
    assert alone.stderr == several.stderr
    assert alone.returncode == several.returncode == 1


def test_batches_equal_single_predictions(place: Path) -> None:
    lines = predict(place, "digits.danqing", "pictures", "--json").stdout.splitlines()
    for number in range(0, COUNT, 60):
        alone = json.loads(
            predict(place, "digits.danqing", f"pictures/{number}.png", "--json").stdout
        )
        together = json.loads(lines[number])
        assert together["label"] == alone["label"]
        np.testing.assert_allclose(
            list(together["probabilities"].values()),
            list(alone["probabilities"].values()),
            atol=1e-6,
        )


def test_standard_input(place: Path, tmp_path: Path) -> None:
    content = (place / "pictures" / "0.png").read_bytes()
    assert names(predict(place, "digits.danqing", "-", stdin=content)) == ["-"]
    both = predict(place, "digits.danqing", "-", "pictures/1.png", stdin=content)
    assert names(both) == ["-", "pictures/1.png"]
    for wrong, said in ((b"", "standard input is empty"), (b"rubbish", "standard input: ")):
        done = predict(place, "digits.danqing", "-", stdin=wrong)
        assert (done.returncode, done.stdout) == (1, "")
        assert said in done.stderr
        assert "/tmp" not in done.stderr
    import danqing as package

    iris = package.train("iris", out=tmp_path / "iris", network="dense(8)", epochs=20)
    iris.export(tmp_path / "iris.danqing")
    columns = ",".join(package.load_data("iris").x_train.names)
    rows = f"{columns}\n5.1,3.5,1.4,0.2\n6.3,3.3,6.0,2.5\n".encode()
    done = predict(tmp_path, "iris.danqing", "-", stdin=rows)
    labels = iris.predict([[5.1, 3.5, 1.4, 0.2], [6.3, 3.3, 6.0, 2.5]])
    expected = [[f"-:{row}", label] for row, label in enumerate(labels, 1)]
    assert [line.split("\t")[:2] for line in done.stdout.splitlines()] == expected
    short = predict(tmp_path, "iris.danqing", "-", stdin=b"a,b\n1,2\n")
    assert short.returncode == 1
    assert "lacks columns" in short.stderr


def test_which_network(place: Path, run: RunFolder) -> None:
    """A run, a bundle, or the bundled digits if every word is a picture."""
    digit = "pictures/0.png"
    assert (
        predict(place, run.folder, digit).stdout == predict(place, "digits.danqing", digit).stdout
    )
    with patch.object(which_network, "DIGITS", place / "digits.danqing"):
        for words in ((digit,), (digit, "pictures/1.png")):
            done = predict(place, *words)
            assert names(done) == list(words)
            assert "by the network that comes with Danqing" in done.stderr
        for words, said in (
            (("nothing.png",), "nothing.png: there is no such file"),
            ((digit, "notes.md"), "notes.md: is no picture file"),
            ((digit, "nowhere.png"), "nowhere.png: is no picture file"),
            (("pictures",), "is not a run folder"),
            (("nowhere", digit), "there is no such folder"),
            (("notes.md",), "is a file; expected a folder"),
            (("nowhere.danqing", digit), "there is no such file"),
        ):
            done = predict(place, *words)
            assert (done.returncode, done.stdout) == (1, ""), words
            assert said in done.stderr
            assert len(done.stderr.splitlines()) == 1


def test_the_bundled_digits_read_digits(mnist: Dataset, tmp_path: Path) -> None:
    import danqing as package

    predictor = package.load_bundle(which_network.DIGITS)
    assert (predictor.predict(mnist.x_test) == mnist.y_test).mean() > 0.996
    assert predictor.network.certificate["agrees"]  # type: ignore[attr-defined]
    drawing = Path(__file__).parents[2] / "examples/digits/one.png"
    done = danqing_here("predict", drawing, cwd=tmp_path)
    assert done.stdout.split("\t")[1] == "1"


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["digits.danqing"], 2, "name what to predict"),
        (["digits.danqing", "x.png", "--resume"], 2, "--out"),
        (["digits.danqing", "x.png", "--json", "--csv"], 2, "choose one"),
        (["digits.danqing", "x.png", "--workers", "0"], 2, "workers"),
        (["digits.danqing", "pictures", "--out", "list.txt"], 1, "exists already"),
        (["digits.danqing", "pictures", "--out", "no/where.txt"], 1, "there is no folder"),
        (["digits.danqing", "pictures", "--out", "."], 1, "is a folder"),
        (["digits.danqing", "pictures", "--out", "pictures", "--resume"], 1, "is a folder"),
    ],
)
def test_wrong_calls(words: list[str], status: int, said: str, place: Path) -> None:
    done = predict(place, *words)
    assert (done.returncode, done.stdout) == (status, "")
    assert said in done.stderr


def test_a_file_is_what_would_be_printed(place: Path, tmp_path: Path) -> None:
    printed = predict(place, "digits.danqing", "pictures", "nothing.png", "--csv")
    out = tmp_path / "out.csv"
    done = predict(place, "digits.danqing", "pictures", "nothing.png", "--csv", "--out", out)
    assert done.stdout == f"{out}\n"
    assert done.returncode == printed.returncode == 1
    assert out.read_text() == printed.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]
    again = predict(place, "digits.danqing", "pictures", "--csv", "--out", out, "--resume")
    assert again.returncode == 0
    assert "is complete" in again.stderr


SLOW = """
import sys, time
from danqing.apps.cli import predict_jobs, resumable_output
from danqing.apps.cli.main import main
resumable_output._SECONDS = 0.0
do = predict_jobs._do
def slowly(*words):
    time.sleep(0.05)
    return do(*words)
predict_jobs._do = slowly
import danqing.prediction.jobs as jobs
jobs._PICTURES = 20
sys.argv = ["danqing", *sys.argv[1:]]
main()
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_killed_and_resumed(place: Path, tmp_path: Path, workers: int) -> None:
    """The very file, however often the process is killed, and whatever is left half-written."""
    words = [
        "predict",
        "digits.danqing",
        "pictures",
        "nothing.png",
        "--json",
        "--workers",
        str(workers),
    ]
    command = [sys.executable, "-c", SLOW, *words]
    whole = tmp_path / "whole.jsonl"
    first = subprocess.run([*command, "--out", whole], cwd=place, capture_output=True, check=False)
    assert first.returncode == 1, first.stderr
    out, chance, kills = tmp_path / "out.jsonl", random.Random(workers), 0
    for _ in range(40):
        with subprocess.Popen(
            [*command, "--out", out, "--resume"], cwd=place,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        ) as process:  # fmt: skip
            progress = out.with_name("out.jsonl.progress")
            before = progress.read_bytes() if progress.exists() else b""
            deadline = time.monotonic() + 30
            while process.poll() is None and time.monotonic() < deadline:
                if progress.exists() and progress.read_bytes() != before:
                    break
                time.sleep(0.01)
            time.sleep(chance.random() * 0.2)
            if process.poll() is not None:
                break
            process.send_signal(signal.SIGKILL)
            kills += 1
        if kills % 3 == 0 and progress.exists():
            with out.open("ab") as file:
                file.write(b'{"name": "half a li')
    # 1: a file could not be read; 0: killed when all was written, and so it said.
    assert process.returncode in (0, 1)
    assert kills >= 2
    assert out.read_bytes() == whole.read_bytes()
    assert not progress.exists()


def test_another_call_can_not_continue(place: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.txt"
    with patch("danqing.apps.cli.predict_jobs._do", side_effect=KeyboardInterrupt):
        stopped = predict(place, "digits.danqing", "pictures", "--out", out)
    assert stopped.returncode == 130
    assert "--resume continues it" in stopped.stderr
    for words in (["--json"], ["--risk", "0.2"], ["list.txt"]):
        done = predict(place, "digits.danqing", "pictures", *words, "--out", out, "--resume")
        assert done.returncode == 2
        assert "another call" in done.stderr
    assert predict(place, "digits.danqing", "pictures", "--out", out).returncode == 1
    done = predict(place, "digits.danqing", "pictures", "--out", out, "--resume")
    assert done.returncode == 0
    assert out.read_text() == predict(place, "digits.danqing", "pictures").stdout
    assert list(tmp_path.iterdir()) == [out]
