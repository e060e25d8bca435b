"""Folders of runs: made, taken up again, held."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from danqing.errors import RunError
from danqing.runs.create import create_folder, lock_folder, reopen_folder


def test_default_folders_never_collide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = {create_folder(None, "mnist-fast") for _ in range(4)}
    assert len(made) == 4


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for function in (lambda path: create_folder(path, ""), reopen_folder):
        with pytest.raises(RunError, match=r"can't be made|is not a run folder"):
            function(tmp_path / "file" / "run")
    with pytest.raises(RunError, match="is not a run folder"):
        reopen_folder(tmp_path / "file")


def test_what_a_killed_start_leaves_is_taken_up(tmp_path: Path) -> None:
    folder = reopen_folder(tmp_path / "run")
    assert reopen_folder(folder) == folder
    (folder / "data.json").write_text("{}")
    (folder / ".network.json.4711").write_text("{")
    with lock_folder(reopen_folder(folder)):
        assert [path.name for path in folder.iterdir()] == ["data.json"]


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(RunError, match="is not a run folder"):
        reopen_folder(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "precious"


@pytest.mark.skipif(sys.platform == "win32", reason="no such locks")
def test_one_process_at_a_time(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from danqing.runs.create import lock_folder\n"
        f"with lock_folder(Path({str(tmp_path)!r})): print('held', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(RunError, match="another process"), lock_folder(tmp_path):
            pass
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    with lock_folder(tmp_path):
        pass
