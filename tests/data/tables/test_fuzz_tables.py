"""A small part of what benchmarks/fuzz_tables.py does at length."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from benchmarks.fuzz_tables import READERS, damaged, fuzz, good_files


@pytest.mark.parametrize("reader", sorted(READERS))
def test_damaged_files_give_data_or_a_plain_error(tmp_path: Path, reader: str) -> None:
    before = signal.getsignal(signal.SIGALRM)
    counts = fuzz(reader, 0, 300, tmp_path)
    assert signal.getsignal(signal.SIGALRM) == before
    assert sum(counts.values()) == 300
    assert set(counts) == {"data", "plain error"}, counts


@pytest.mark.parametrize("reader", sorted(READERS))
def test_good_files_are_good(tmp_path: Path, reader: str) -> None:
    name, read = READERS[reader]
    labels = bytes([0, 0, 8, 1, 0, 0, 0, 6, 0, 1, 2, 0, 1, 2])
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(labels)
    good = good_files(reader)
    for number, content in enumerate(good):
        (tmp_path / name).write_bytes(content)
        assert len(read(tmp_path / name).x_train) >= 4
        assert damaged(reader, good, f"{number}") == damaged(reader, good, f"{number}")


@pytest.mark.parametrize("number", [17242, 17911])
def test_what_ends_polars_process_is_a_plain_error(tmp_path: Path, number: int) -> None:
    """These ask for 2**61 bytes, and Rust aborts where they are read."""
    counts = fuzz("parquet", number, 1, tmp_path, apart=True)
    assert set(counts) <= {"data", "plain error"}, counts
