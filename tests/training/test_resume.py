"""A resumed training reaches the very weights of one that was not interrupted."""

from __future__ import annotations

import logging
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from on_disk import OnDisk

from danqing import Recipe, load_data
from danqing.data.dataset import Dataset
from danqing.errors import DanqingError, RunError, TrainingInterrupted
from danqing.runs.run_folder import RunFolder
from danqing.training.loop.progress import TrainingProgress
from danqing.training.train import train

DENSE = Recipe(network="dense(16)-dropout(0.3)", epochs=3, batch_size=70, ema_decay=0.9)
CONVOLUTIONAL = Recipe(
    network="conv(4,5,3)-batchnorm-relu-dropout(0.2)", epochs=3, batch_size=70,
    optimizer="adamw", schedule="one-cycle", affine=1.0,
)  # fmt: skip
PATIENT = Recipe(
    network="dense(16)", epochs=30, batch_size=64, learning_rate=0.03, patience=2,
    optimizer="momentum",
)  # fmt: skip

ENSEMBLE = Recipe(
    network="conv(3,5,3)-batchnorm-relu-dropout(0.2)", ensemble=2, epochs=3, batch_size=70,
    affine=1.0, ema_decay=0.9, patience=2,
)  # fmt: skip


class Killed(BaseException):
    """Raised where nothing catches it, like a kill."""


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint after each step."""
    monkeypatch.setattr("danqing.training.loop.loop._CHUNK_SECONDS", 0.0)
    monkeypatch.setattr("danqing.training.loop.checkpoint_manager._interval", lambda seconds: 0.0)


def dying(after: int) -> Callable[[TrainingProgress], None]:
    """Make a progress callback that kills the training at its so-many-th call."""
    calls: Iterator[int] = iter(range(1, 1_000_000))

    def listen(progress: TrainingProgress) -> None:
        if next(calls) == after:
            raise Killed

    return listen


def without_seconds(run: RunFolder) -> list[dict[str, float]]:
    return [
        {name: value for name, value in row.items() if name != "seconds"} for row in run.history
    ]


def weights(folder: Path) -> bytes:
    return (folder / "weights.safetensors").read_bytes()


@pytest.mark.usefixtures("often")
@pytest.mark.parametrize(
    "recipe", [DENSE, CONVOLUTIONAL, PATIENT, ENSEMBLE], ids=lambda r: r.network
)
def test_interrupted_again_and_again(small: Dataset, tmp_path: Path, recipe: Recipe) -> None:
    whole = train(small, recipe, tmp_path / "whole")
    folder = tmp_path / "interrupted"
    # After a step, in the middle of an epoch, between the last step and the epoch's report, ...
    for after in (2, 26, 28, 1, 14):
        with pytest.raises(Killed):
            train(small, recipe, folder, resume=True, progress=dying(after))
    resumed = train(small, recipe, folder, resume=True)
    assert weights(folder) == weights(whole.folder)
    assert without_seconds(resumed) == without_seconds(whole)
    assert resumed.metrics["test"] == whole.metrics["test"]
    assert not (folder / "checkpoints").exists()


@pytest.mark.usefixtures("often")
def test_interrupted_while_streaming(
    small: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("danqing.training.loop.batches._BLOCK_BYTES", 300 * 784)

    def data() -> Dataset:
        return replace(small, x_train=OnDisk(small.x_train), content_hash="small")

    whole = train(data(), DENSE, tmp_path / "whole")
    with pytest.raises(Killed):
        train(data(), DENSE, tmp_path / "run", progress=dying(24))
    rest = data()
    read: list[int] = []
    train(
        rest,
        DENSE,
        tmp_path / "run",
        resume=True,
        progress=lambda p: read.append(sum(rest.x_train.reads)),
    )
    assert weights(tmp_path / "run") == weights(whole.folder)
    # Of the interrupted epoch, only what was still to come is read.
    assert read[0] - sum(rest.x_train.reads) < 0
    epoch = read[-1] - read[-28]
    assert read[2] < read[-1] - 2 * epoch


@pytest.mark.usefixtures("often")
def test_a_truncated_checkpoint_is_skipped(
    small: Dataset, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole = train(small, DENSE, tmp_path / "whole")
    with pytest.raises(Killed):
        train(small, DENSE, tmp_path / "run", progress=dying(20))
    newest = max((tmp_path / "run" / "checkpoints").iterdir())
    newest.write_bytes(newest.read_bytes()[:1000])
    with caplog.at_level(logging.WARNING, "danqing"):
        train(small, DENSE, tmp_path / "run", resume=True)
    assert [message for message in caplog.messages if "is damaged" in message]
    assert weights(tmp_path / "run") == weights(whole.folder)


@pytest.mark.usefixtures("often")
def test_a_full_disk_harms_nothing(
    small: Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    whole = train(small, DENSE, tmp_path / "whole")
    real = os.fsync

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    def fill(progress: TrainingProgress) -> None:
        if progress.epoch == 2:
            monkeypatch.setattr("os.fsync", full)

    with (
        caplog.at_level(logging.WARNING, "danqing"),
        pytest.raises(RunError, match=r"No space left.*: repeat the command with .* --resume"),
    ):
        train(small, DENSE, tmp_path / "run", progress=fill)
    warnings = [message for message in caplog.messages if "checkpoints" in message]
    assert len(warnings) == 1
    assert "Training continues" in warnings[0]
    assert not list((tmp_path / "run").rglob(".*"))
    monkeypatch.setattr("os.fsync", real)
    train(small, DENSE, tmp_path / "run", resume=True)
    assert weights(tmp_path / "run") == weights(whole.folder)


def test_resume_starts_finishes_and_starts_over(small: Dataset, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run = train(small, DENSE, folder, resume=True)
    assert run.finished
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    again = train(small, DENSE, folder, resume=True)
    assert again.metrics == run.metrics
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    # As a kill before the first state leaves it.
    content = weights(folder)
    for name in ("metrics.json", "weights.safetensors", "network.onnx", "history.csv"):
        (folder / name).unlink()
    train(small, DENSE, folder, resume=True)
    assert weights(folder) == content


def test_another_training_is_refused(small: Dataset, run: RunFolder, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    train(small, DENSE, folder)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    other = replace(small, y_train=(small.y_train + 1) % 10)
    for recipe, data, base, words in [
        (DENSE.model_copy(update={"epochs": 4}), small, None, "epochs was 3 and is now 4"),
        (DENSE.model_copy(update={"seed": 1}), small, None, "seed was 0 and is now 1"),
        (DENSE.model_copy(update={"network": "dense(8)"}), small, None, "network was"),
        (DENSE, other, None, "its data differ"),
    ]:
        with pytest.raises(RunError, match=words):
            train(data, recipe, folder, resume=True, base=base)
    same_network = DENSE.model_copy(update={"network": run.config["network"]})
    with pytest.raises(RunError, match="fine-tunes another run"):
        train(small, same_network, folder, resume=True, base=run.folder)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_resume_needs_a_folder(small: Dataset) -> None:
    with pytest.raises(DanqingError, match="--out"):
        train(small, DENSE, resume=True)


def test_checkpoints_of_another_training_are_not_restored(
    small: Dataset, tmp_path: Path, often: None, caplog: pytest.LogCaptureFixture
) -> None:
    for seed in (0, 1):
        recipe = DENSE.model_copy(update={"seed": seed})
        with pytest.raises(Killed):
            train(small, recipe, tmp_path / f"run{seed}", progress=dying(20))
    whole = train(small, DENSE, tmp_path / "whole")
    (tmp_path / "run0" / "checkpoints").rename(tmp_path / "away")
    (tmp_path / "run1" / "checkpoints").rename(tmp_path / "run0" / "checkpoints")
    train(small, DENSE, tmp_path / "run0", resume=True)
    assert weights(tmp_path / "run0") == weights(whole.folder)
    assert [message for message in caplog.messages if "another training" in message]


def test_ctrl_c_then_resume(small: Dataset, tmp_path: Path) -> None:
    def interrupt(progress: TrainingProgress) -> None:
        if progress.finished is not None:
            os.kill(os.getpid(), signal.SIGINT)

    whole = train(small, DENSE, tmp_path / "whole")
    with pytest.raises(TrainingInterrupted, match="--resume"):
        train(small, DENSE, tmp_path / "run", progress=interrupt)
    assert len(list((tmp_path / "run" / "checkpoints").iterdir())) == 1
    with pytest.raises(TrainingInterrupted, match="2 of 3 epochs"):
        train(small, DENSE, tmp_path / "run", progress=interrupt, resume=True)
    resumed = train(small, DENSE, tmp_path / "run", resume=True)
    assert weights(tmp_path / "run") == weights(whole.folder)
    assert without_seconds(resumed) == without_seconds(whole)


PROGRAM = """
import sys, danqing
from dataclasses import replace
from danqing.training.loop import checkpoint_manager as checkpoint, loop
checkpoint._interval = lambda seconds: 0.02
loop._CHUNK_SECONDS = 0.02
data = danqing.load_data("mnist")
data = replace(data, x_train=data.x_train[:2000], y_train=data.y_train[:2000],
               x_test=data.x_test[:500], y_test=data.y_test[:500])
recipe = danqing.Recipe(network="dense(16)-dropout(0.3)", epochs=80, batch_size=70, ema_decay=0.9)
print("begins", flush=True)
danqing.train(data, recipe, sys.argv[1], resume=True)
"""


def test_kill_9_at_any_moment(small: Dataset, tmp_path: Path) -> None:
    recipe = DENSE.model_copy(update={"epochs": 80})
    whole = train(small, recipe, tmp_path / "whole")
    folder, moments = tmp_path / "run", random.Random()
    killed = []
    for kill in (True, True, True, False):
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(folder)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "begins\n"
        if kill:
            while process.poll() is None and not list(folder.glob("checkpoints/[0-9]*")):
                time.sleep(0.01)
            time.sleep(moments.uniform(0, 0.5))
            killed.append(process.poll() is None)
            process.kill()
        process.communicate(timeout=120)
    assert any(killed)
    assert process.returncode == 0
    assert weights(folder) == weights(whole.folder), "a process that was killed changed the weights"
    assert not list(folder.rglob(".*"))


def test_loading_the_data_again_is_the_same_training(tmp_path: Path, often: None) -> None:
    recipe = Recipe(epochs=4)
    whole = train(load_data("iris"), recipe, tmp_path / "whole")
    with pytest.raises(Killed):
        train(load_data("iris"), recipe, tmp_path / "run", progress=dying(9))
    train(load_data("iris"), recipe, tmp_path / "run", resume=True)
    assert weights(tmp_path / "run") == weights(whole.folder)
