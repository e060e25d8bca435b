"""A run folder that can't be written, as on another's disk or a mounted archive."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from calling import danqing_here

from danqing import Recipe, load_data
from danqing.training.train import train

NOBODY = 65534


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Data and a run on them, in a folder that other users may enter."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        lines = [f"{i % 2 * 4 + i % 7 / 7:.2f},{i % 5},{'ab'[i % 2]}" for i in range(80)]
        (folder / "table.csv").write_text("\n".join(["size,hue,label", *lines]))
        train(load_data(folder / "table.csv"), Recipe(network="dense(4)", epochs=1), folder / "run")
        (folder / "out").mkdir()
        (folder / "out").chmod(0o777)
        yield folder


@contextlib.contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Without a right to write in the folder; root, who may anything, is nobody meanwhile."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    mode = folder.stat().st_mode
    folder.chmod(0o555)
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(mode)


COMMANDS = {
    "evaluate": ("evaluate", "run"),
    "textbook": ("textbook", "run"),
    "explain": ("explain", "run", "table.csv:3"),
}


@pytest.mark.skipif(os.name != "posix", reason="folders there have no such mode")
@pytest.mark.parametrize("command", COMMANDS)
def test_with_a_place_elsewhere(folder: Path, command: str) -> None:
    before = sorted(path.name for path in (folder / "run").iterdir())
    out = folder / "out" / f"{command}.html"
    with read_only(folder / "run"):
        done = danqing_here(*COMMANDS[command], "--out", out, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert out.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert sorted(path.name for path in (folder / "run").iterdir()) == before
    if command == "evaluate":
        assert "calibration.json and card.md aren't updated" in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="folders there have no such mode")
@pytest.mark.parametrize("command", COMMANDS)
def test_without_one(folder: Path, command: str) -> None:
    # `explain` writes where it is called.
    with read_only(folder if command == "explain" else folder / "run"):
        done = danqing_here(*COMMANDS[command], cwd=folder)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "can't be written (Permission denied); name a file elsewhere with --out" in done.stderr


def test_a_file_system_that_is_read_only(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.open

    def refuse(self: Path, mode: str = "r", *rest: object, **named: object) -> object:
        if "w" in mode and self.parent.name == "run":
            raise OSError(30, "Read-only file system")
        return real(self, mode, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "open", refuse)
    out = folder / "out" / "mounted.html"
    done = danqing_here("evaluate", "run", "--out", out, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert out.exists()
    done = danqing_here("evaluate", "run", cwd=folder)
    assert done.returncode == 1
    assert "run: can't be written (Read-only file system); name a file elsewhere" in done.stderr
    done = danqing_here("predict", "run", "table.csv", cwd=folder)
    assert done.returncode == 0, done.stderr
