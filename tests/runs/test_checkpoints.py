"""Checkpoints on a disk: undamaged, or skipped with a warning."""

from __future__ import annotations

import logging
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from danqing.errors import RunError
from danqing.runs.checkpoints import Checkpoints


def saved(folder: Path, steps: list[int]) -> Checkpoints:
    checkpoints = Checkpoints(folder)
    for step in steps:
        checkpoints.save(step, {"w": np.full(100, step, np.float32)}, {"step": step})
    return checkpoints


def names(folder: Path) -> list[int]:
    return sorted(int(path.name.partition("-")[0]) for path in (folder / "checkpoints").iterdir())


def test_the_two_newest_stay(tmp_path: Path) -> None:
    checkpoints = saved(tmp_path, [1, 2, 3, 10])
    assert names(tmp_path) == [3, 10]
    found = Checkpoints(tmp_path).newest()
    assert found
    tensors, facts = found
    assert facts == {"step": 10}
    np.testing.assert_array_equal(tensors["w"], np.full(100, 10, np.float32))
    checkpoints.remove()
    assert checkpoints.newest() is None
    assert list(tmp_path.iterdir()) == []


def test_the_same_step_twice_is_one(tmp_path: Path) -> None:
    saved(tmp_path, [1, 2, 2])
    assert names(tmp_path) == [1, 2]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_whatever_is_damaged_the_older_one_is_used(tmp_path: Path, data: st.DataObject) -> None:
    Checkpoints(tmp_path).remove()
    saved(tmp_path, [7, 9])
    newest = max((tmp_path / "checkpoints").iterdir())
    content = bytearray(newest.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        del content[place:]
    else:
        content[place] ^= data.draw(st.integers(1, 255))
    newest.write_bytes(content)
    checkpoints = Checkpoints(tmp_path)
    found = checkpoints.newest()
    assert found
    assert found[1] == {"step": 7}
    # The damaged one does not outlive the next, though its number is higher.
    checkpoints.save(8, {"w": np.ones(1)}, {"step": 8})
    assert names(tmp_path) == [7, 8]


def test_damage_is_one_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    saved(tmp_path, [1])
    for path in (tmp_path / "checkpoints").iterdir():
        path.write_bytes(path.read_bytes()[:-1])
    with caplog.at_level(logging.WARNING, "danqing"):
        assert Checkpoints(tmp_path).newest() is None
    assert len(caplog.messages) == 1
    assert "is damaged" in caplog.messages[0]


def test_a_full_disk_leaves_the_earlier_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints = saved(tmp_path, [1, 2])
    before = {path: path.read_bytes() for path in (tmp_path / "checkpoints").iterdir()}

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(RunError, match="No space left"):
        checkpoints.save(3, {"w": np.ones(1)}, {})
    assert {path: path.read_bytes() for path in (tmp_path / "checkpoints").iterdir()} == before


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no disk can be mounted here")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_disk_that_is_really_full(small_disk: Path) -> None:
    state = {"w": np.arange(4000, dtype=np.float32)}
    checkpoints = Checkpoints(small_disk)
    checkpoints.save(1, state, {})
    checkpoints.save(2, state, {})
    (small_disk / "others").write_bytes(bytes(20_000))
    before = sorted((small_disk / "checkpoints").iterdir())
    with pytest.raises(RunError, match="No space left"):
        checkpoints.save(3, state, {})
    assert sorted((small_disk / "checkpoints").iterdir()) == before
    assert Checkpoints(small_disk).newest() is not None
    (small_disk / "others").unlink()
    checkpoints.save(3, state, {})
    assert names(small_disk) == [2, 3]


def test_a_folder_that_can_not_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").write_bytes(b"in the way")
    with pytest.raises(RunError, match=r"checkpoints: can't be made \(File exists\)"):
        saved(tmp_path, [1])
    assert (tmp_path / "checkpoints").read_bytes() == b"in the way"
