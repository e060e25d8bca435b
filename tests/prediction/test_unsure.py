"""What is said beside a label: plain functions of a run's calibration.json."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from danqing.prediction.unsure import describe, why_all_are_unsure
from danqing.runs.run_folder import RunFolder


def test_too_few_rows_have_no_interval() -> None:
    (one,) = describe(["a"], np.array([2.0]), [], {"margins": [{"level": 0.9, "margin": None}]})
    assert one["interval"] is None


def test_labels_are_those_of_the_caller() -> None:
    (one,) = describe(["a"], np.array([[0.2, 0.8]]), [3, 7], {})
    assert (one["label"], one["unsure"]) == (7, True)
    assert list(one["probabilities"]) == [3, 7]


@pytest.mark.parametrize(
    ("thresholds", "least", "expected"),
    [
        ([(0.01, None), (0.1, None)], 0.3, "12 validation rows could guarantee 0.3 at best"),
        ([(0.01, None), (0.1, 0.7)], 0.05, "the lowest that the validation set guarantees is 0.1"),
        ([(0.01, None), (0.1, None)], 0.001, "too many of its 12 validation rows are wrong"),
    ],
)
def test_the_line_says_what_would_help(
    thresholds: list[Any], least: float, expected: str, tmp_path: Path
) -> None:
    run = RunFolder(tmp_path)
    lines = [{"risk": risk, "unsure_below": below} for risk, below in thresholds]
    run.write_calibration(
        {"format": 2, "validation_rows": 12, "least_risk": least, "thresholds": lines}
    )
    line = why_all_are_unsure(run, 0.01)
    assert expected in line
    assert "\n" not in line
