"""Trainings killed at random moments, more of them than every run of the tests has time for."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.resume import kills

pytestmark = pytest.mark.long


def test_killed_trainings_resume_to_the_same_weights(tmp_path: Path) -> None:
    found = kills(tmp_path, 10, seed=11)
    assert sum(one["alive"] for one in found) == 10
    assert all(one["same"] and one["clean"] for one in found), found
