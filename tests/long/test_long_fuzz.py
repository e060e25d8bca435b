"""Damaged files, more of them than every run of the tests has time for."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks import fuzz_pictures, fuzz_tables

pytestmark = pytest.mark.long
INPUTS = 1000
FIRST = 1_000_000  # others than the short tests'


@pytest.mark.parametrize("reader", sorted(fuzz_tables.READERS))
def test_tables(tmp_path: Path, reader: str) -> None:
    counts = fuzz_tables.fuzz(reader, FIRST, INPUTS, tmp_path)
    assert set(counts) == {"data", "plain error"}, counts


@pytest.mark.parametrize("reader", sorted(fuzz_pictures.READERS))
def test_pictures(reader: str) -> None:
    found = fuzz_pictures.fuzz(reader, INPUTS, seed=FIRST)
    assert found["failures"] == [], found["failures"][:3]
    assert found["read"] + found["refused"] == INPUTS
