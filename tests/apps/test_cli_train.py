"""`danqing train` and what may happen to it."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from calling import danqing, danqing_here, danqing_interrupted

from danqing import Recipe, load_data
from danqing.apps.cli.progress import Lines
from danqing.runs.run_folder import RunFolder
from danqing.training.loop.progress import EpochReport, TrainingProgress
from danqing.training.train import train

NETWORK = "conv(16,3)-batchnorm-relu-dropout(0.2)-dense(32)"


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["--resume"], 2, "add --out DIR"),
        (["--cores", "0"], 2, "cores: expected 1 to"),
        (["--cores", "100000"], 2, "cores: expected 1 to"),
        (["--minutes", "0"], 2, "minutes"),
        (["--ensemble", "0"], 2, "ensemble: input should be greater than or equal to 1, not 0"),
        (["--ensemble", "33"], 2, "ensemble: input should be less than or equal to 32, not 33"),
        (["--minutes", "nan"], 2, "minutes"),
        (["--from", "nowhere"], 1, "no such folder"),
        (["--teacher", "nowhere"], 1, "no such folder"),
        (["--out", "taken"], 1, "add --resume if"),
        (["--out", "taken", "--resume"], 1, "is not a run folder"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(
    words: list[str], status: int, message: str, tmp_path: Path
) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").write_text("kept")
    done = danqing_here("train", "iris", *words, cwd=tmp_path)
    assert done.returncode == status, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("danqing: ")]
    assert len(lines) == 1
    assert message in lines[0]
    assert [path.name for path in tmp_path.rglob("*")] == ["taken", "file"]


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.2, "0:00"), (59.4, "0:59"), (59.6, "1:00"), (959.9, "16:00")]
)
def test_time_left_is_in_whole_minutes_and_seconds(
    seconds: float, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    report = EpochReport(2, 1.0, 0.5, 0.9, 0.6, 0.8, 0.001)
    Lines("classification")(TrainingProgress(2, 3, 0.6, seconds, report))
    assert capsys.readouterr().err.endswith(f"  {shown} left\n")


def test_ctrl_c_then_resume_then_finished(tmp_path: Path) -> None:
    words = ["train", "digits", "--network", NETWORK, "--epochs", "12", "--out", "run"]
    words += ["--resume", "--tensorboard"]
    done = danqing_interrupted(*words, cwd=tmp_path)
    assert done.returncode == 130
    assert "--out run --resume" in done.stderr
    assert len(list((tmp_path / "run" / "checkpoints").iterdir())) == 1

    resumed = danqing(*words, cwd=tmp_path)
    assert resumed.returncode == 0, resumed.stderr
    assert resumed.stdout == "run\n"
    whole = train(load_data("digits"), Recipe(network=NETWORK, epochs=12), tmp_path / "whole")
    run = RunFolder(tmp_path / "run")
    assert run.config["threads"] == whole.config["threads"]
    contents = [(r.folder / "weights.safetensors").read_bytes() for r in (run, whole)]
    assert contents[0] == contents[1]
    assert len(list((tmp_path / "run" / "tensorboard").iterdir())) == 2

    again = danqing_here(*words, cwd=tmp_path)
    assert (again.returncode, again.stdout) == (0, "run\n")
    assert "finished already" in again.stderr


def test_an_ensemble_from_training_to_textbook(tmp_path: Path) -> None:
    words = ["--network", "conv(4,3)-pool", "--ensemble", 3, "--epochs", 2, "--out", "three"]
    done = danqing("train", "digits", *words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "network 3 x conv(4,3)-pool;" in done.stderr
    run = RunFolder(tmp_path / "three")
    assert run.metrics["parameters"] == run.parameters == 3 * (4 * 10 + 650)
    assert {name.partition("/")[0] for name in run.tensors} == {
        "member_1", "member_2", "member_3",
    }  # fmt: skip
    listed = danqing("runs", cwd=run.folder.parent)
    assert listed.returncode == 0
    assert danqing("evaluate", "three", cwd=tmp_path).returncode == 0
    assert "an ensemble of 3 networks with these layers" in (run.folder / "card.md").read_text()
    assert "3 × <code>conv(4,3)-pool" in (run.folder / "report.html").read_text()
    explained = danqing("textbook", "three", cwd=tmp_path)
    assert explained.returncode == 0, explained.stderr
    assert "an ensemble of" in (run.folder / "textbook.html").read_text()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no such system call")
def test_cores_hold_for_all_that_is_started(tmp_path: Path) -> None:
    program = (
        "import os, subprocess, sys\n"
        "from danqing.training.threads import limit_cores, suitable_threads\n"
        "limit_cores(1)\n"
        "child = 'import os; print(len(os.sched_getaffinity(0)))'\n"
        "print(len(os.sched_getaffinity(0)), suitable_threads(convolutional=True), flush=True)\n"
        "subprocess.run([sys.executable, '-c', child])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.split() == ["1", "1", "1"]


@pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity") or len(os.sched_getaffinity(0)) < 2,
    reason="needs two cores, and a system that pins processes",
)
def test_two_trainings_of_one_core_each_do_not_share_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from danqing.training import threads

    allowed = sorted(os.sched_getaffinity(0))
    monkeypatch.setattr(threads, "_busyness", lambda: {allowed[0]: 10, allowed[1]: 0})
    pinned: list[int] = []
    monkeypatch.setattr(os, "sched_setaffinity", lambda process, cores: pinned.extend(cores))
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "")
    monkeypatch.setenv("TF_NUM_INTEROP_THREADS", "")
    threads.limit_cores(1)
    assert pinned == [allowed[1]]


@pytest.mark.skipif(not Path("/proc/stat").exists(), reason="needs Linux")
def test_busyness_sees_who_works() -> None:
    from danqing.training.threads import _busyness

    spin = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        assert any(max(_busyness().values()) >= 5 for _ in range(20))
    finally:
        spin.kill()
        spin.wait()


def test_in_a_terminal_with_live_minutes_and_cores(tmp_path: Path) -> None:
    terminal, other = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "danqing", "train", "digits", "--network", NETWORK, "--epochs", "3",
         "--minutes", "5", "--cores", "1", "--live", "--out", "run"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=other,
    )  # fmt: skip
    os.close(other)
    shown = b""
    while True:
        try:
            some = os.read(terminal, 1 << 16)
        except OSError:  # its end, on Linux
            break
        if not some:
            break
        shown += some
    os.close(terminal)
    process.communicate(timeout=60)
    assert process.returncode == 0
    text = shown.decode()
    assert "█" in text
    assert text.count("loss") >= 3
    assert "\x1b[6A" in text  # it was drawn over, not below
    run = RunFolder(tmp_path / "run")
    assert (run.config["minutes"], run.config["epochs"], run.config["threads"]) == (5.0, 3, 1)
    assert run.metrics["budget"]["steps"] > 3
