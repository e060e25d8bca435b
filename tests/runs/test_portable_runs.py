"""Runs on Windows and macOS, as far as their calls can be acted here."""

from __future__ import annotations

import sys
from pathlib import Path, PureWindowsPath
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from danqing.errors import RunError
from danqing.recipe.recipe import Recipe
from danqing.runs.create import create_folder, lock_folder
from danqing.runs.files import read_json, write_json
from danqing.runs.portable_name import portable_name

RESERVED = {
    "con",
    "prn",
    "aux",
    "nul",
    *(f"{port}{n}" for port in ("com", "lpt") for n in range(10)),
}


class FakeMsvcrt(ModuleType):
    """Windows' locks of bytes in files, of which another process holds some."""

    LK_NBLCK = 2

    def __init__(self, *, held: bool) -> None:
        super().__init__("msvcrt")
        self.held = held

    def locking(self, descriptor: int, mode: int, count: int) -> None:
        assert (mode, count) == (self.LK_NBLCK, 1)
        if self.held:
            raise PermissionError(13, "Permission denied")


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """No `fcntl`; returns where temporary files go."""
    monkeypatch.setitem(sys.modules, "fcntl", None)
    place = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr("tempfile.tempdir", str(place))
    return place


def test_a_lock_on_windows(windows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "msvcrt", FakeMsvcrt(held=False))
    (tmp_path / ".weights.safetensors.4711").write_bytes(b"half")
    with lock_folder(tmp_path):
        assert not list(tmp_path.iterdir())  # the run's folder holds no lock of its own
        assert len(list(windows.iterdir())) == 1
    assert not list(windows.iterdir())
    monkeypatch.setitem(sys.modules, "msvcrt", FakeMsvcrt(held=True))
    with pytest.raises(RunError, match="another process is training in it"), lock_folder(tmp_path):
        pass


def test_without_any_locks(windows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "msvcrt", None)
    (tmp_path / ".a.json.1").write_bytes(b"half")
    with lock_folder(tmp_path):
        assert not list(tmp_path.iterdir())


@given(st.text())
def test_names_suit_every_system(text: str) -> None:
    name = portable_name(text)
    assert name
    assert not set(name) & set('<>:"/\\|?*\0')
    assert name == name.strip(". ")
    assert name.isprintable()
    assert len(name.encode()) <= 255
    assert PureWindowsPath(name).stem.lower() not in RESERVED
    assert PureWindowsPath(name).name == name


@pytest.mark.parametrize(
    "text", ["CON", "nul.csv", "Com1", "a. ", ".hidden", "猫" * 200, "a:b", "\ud800"]
)
def test_a_run_folder_gets_such_a_name(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = create_folder(None, f"{text}-fast")
    assert folder.is_dir()
    assert not set(folder.name) & set('<>:"/\\|?*')


def test_files_that_notepad_saved(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_bytes('\ufeffnetwork = "dense(8)"\r\nepochs = 3\r\n'.encode())
    assert Recipe.from_file(recipe).model_dump()["epochs"] == 3
    (tmp_path / "data.json").write_bytes('\ufeff{"name": "猫"}\r\n'.encode())
    assert read_json(tmp_path / "data.json") == {"name": "猫"}


def test_a_name_that_is_no_utf_8_comes_back(tmp_path: Path) -> None:
    write_json(tmp_path / "data.json", {"source": "/data/K\udcf6ln", "name": "猫"})
    assert read_json(tmp_path / "data.json") == {"source": "/data/K\udcf6ln", "name": "猫"}
    (tmp_path / "data.json").read_bytes().decode()
