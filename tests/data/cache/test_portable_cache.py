"""Cached pictures and helper processes on systems without some of the calls there are here."""

from __future__ import annotations

import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from danqing.data.cache.helper_processes import HelperProcesses
from danqing.data.cache.pixel_files import CachedPictures, PixelWriter
from danqing.data.cache.workers import cores
from danqing.data.images import image_file


def double(numbers: list[int]) -> list[int]:
    return [2 * number for number in numbers]


def test_pictures_are_read_without_pread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "pread", raising=False)
    writer = PixelWriter(tmp_path / "pixels", (64, 64, 1))
    for number in range(200):
        writer.add(bytes([number]) * 64 * 64)
    pictures = CachedPictures(writer.finish(), np.arange(200))

    def read(seed: int) -> bool:
        rows = np.random.default_rng(seed).integers(0, 200, 50)
        return bool((pictures[rows] == rows[:, None, None, None]).all())

    with ThreadPoolExecutor(8) as pool:  # the threads share the file's place to read from
        assert all(pool.map(read, range(100)))


def test_files_are_opened_as_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Windows would turn "\r\n" into "\n" and end at "\x1a", but for O_BINARY.
    monkeypatch.setattr(os, "O_BINARY", 0, raising=False)
    content = b"\x89PNG\r\n\x1a\n"
    (tmp_path / "a.png").write_bytes(content)
    assert image_file.read_file(tmp_path / "a.png") == content


def test_helpers_start_where_no_signal_can_be_blocked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(signal, "pthread_sigmask", raising=False)
    helpers = HelperProcesses(2)
    try:
        items = [(100, number) for number in range(2000)]
        assert list(helpers.map(double, items)) == [2 * number for number in range(2000)]
    finally:
        helpers.close()


def test_cores_are_counted_where_none_can_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert cores() == (os.cpu_count() or 1)
    from danqing.prediction.session import Session

    with pytest.raises(ValueError, match="ONNX Runtime can't load it"):
        Session(b"no model")


@pytest.mark.skipif(sys.platform == "win32", reason="that is the default there")
def test_a_source_is_read_in_a_spawned_process(tmp_path: Path) -> None:
    from multiprocessing import get_context

    with get_context("spawn").Pool(1) as pool:
        assert pool.apply(_rows_of_iris) == 150


def _rows_of_iris() -> int:
    from danqing.data.sources import load_data

    return len(load_data("iris").y_train)
