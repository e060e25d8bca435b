from __future__ import annotations

import os
from pathlib import Path

import pytest

from danqing import atomic_file
from danqing.atomic_file import AtomicFile


def test_the_file_appears_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"before")
    with AtomicFile(path) as file:
        file.write(b"af")
        assert path.read_bytes() == b"before"
        file.write(b"ter")
    assert path.read_bytes() == b"after"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_leaves_what_was_there(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"before")

    def write() -> None:
        with AtomicFile(path) as file:
            file.write(b"after")
            raise error

    with pytest.raises(error):
        write()
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_only_durable_files_wait_for_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = []
    monkeypatch.setattr("os.fsync", synced.append)
    with AtomicFile(tmp_path / "quick", durable=False) as file:
        file.write(b"1")
    assert synced == []
    with AtomicFile(tmp_path / "durable") as file:
        file.write(b"1")
    assert len(synced) == (2 if os.name == "posix" else 1)  # the file, and its folder


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"), AtomicFile(tmp_path / "a.bin") as file:
        file.write(b"1")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        AtomicFile(tmp_path / "none" / "a.bin")


def test_a_reader_delays_a_rename_on_windows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, refused = tmp_path / "a.bin", []
    path.write_bytes(b"before")
    replace = Path.replace

    def busy(self: Path, target: Path) -> Path:
        if len(refused) < 3:
            refused.append(target)
            raise PermissionError(13, "Access is denied")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", busy)
    monkeypatch.setattr(atomic_file, "_PAUSE", 0.0)
    with pytest.raises(PermissionError), AtomicFile(path) as file:
        file.write(b"after")
    assert path.read_bytes() == b"before"
    refused.clear()
    monkeypatch.setattr(atomic_file, "_WINDOWS", True)
    with AtomicFile(path) as file:
        file.write(b"after")
    assert refused == [path] * 3
    assert path.read_bytes() == b"after"


def test_a_folder_that_cannot_be_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_ = os.open

    def refuse(path: str | Path, flags: int, *rest: int) -> int:
        if Path(path).is_dir():  # as Windows does
            raise PermissionError(13, "Permission denied")
        return open_(path, flags, *rest)

    monkeypatch.setattr(os, "open", refuse)
    with AtomicFile(tmp_path / "a.bin") as file:
        file.write(b"a")
    assert (tmp_path / "a.bin").read_bytes() == b"a"
