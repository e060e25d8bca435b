"""Charts: the drawing keeps to its axes, bars to their room."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from programs import needs_chromium

from danqing.pages.charts import Chart, bar, bar_ends, interval_mark, legend, text_columns, ticks

finite = st.floats(-1e9, 1e9)
TITLES = ("across", "横轴"), ("up", "纵轴")


@given(st.floats(-1e3, 1e3), st.floats(1e-6, 1e9))
def test_ticks_are_round_and_inside(start: float, span: float) -> None:
    low = start * span
    found = ticks(low, low + span)
    assert 2 <= len(found) <= 12
    assert all(low - span * 1e-6 <= tick <= low + span * (1 + 1e-6) for tick in found)


@given(finite, st.floats(1e-6, 1e9), st.booleans())
def test_bars_keep_to_their_room(value: float, reach: float, signed: bool) -> None:
    low, high = bar_ends(value, reach, signed=signed)
    assert 0 <= low <= high <= 1
    assert (high > low) == (value != 0 if signed else value > 0) or abs(value) < reach * 1e-9


def test_chart_has_both_languages_and_stays_inside() -> None:
    chart = Chart((0, 10), (-1, 1), *TITLES, width=300, height=200)
    chart.line([(0, -1), (10, 1)], "azure")
    chart.points([(5, 0)], "cinnabar", tips=["<here>"])
    chart.whisker(5, -0.5, 0.5, "azure")
    chart.column(2, 3, 0.5, "tip")
    chart.note(0, 0, ("note", "注"))
    svg = chart.svg("caption")
    assert 'viewBox="0 0 300 200"' in svg
    assert svg.count('lang="en"') == svg.count('lang="zh"') == 3
    assert "&lt;here&gt;" in svg
    assert re.findall(r'<polyline class="line azure" points="(.*?)"', svg) == [
        "84.0,150.0 280.0,14.0"
    ]


def test_marks_for_tables() -> None:
    assert 'class="cinnabar" style="--low:0.5000;--high:0.7500"' in bar(1, 2, signed=True)
    assert 'class="azure" style="--low:0.0000;--high:0.5000"' in bar(-9, 2, signed=True)
    assert "--low:0.000;--high:1.000;--at:0.500" in interval_mark(5, (-3, 30), 0, 10)
    assert legend(("azure", ("a", "甲"))).count("key azure") == 1


@pytest.mark.parametrize("values", [[1.0], [2.0, 2.0], [0.0, 5.0, 1.0] * 9])
def test_columns_of_text_fill_their_lines(values: list[float]) -> None:
    lines = text_columns(values, 12, 4)
    assert [len(line) for line in lines] == [12] * 4
    assert "█" in lines[0] or len(set(values)) == 1


def test_columns_of_text_are_to_scale() -> None:
    assert text_columns([1.0], 3, 1) == ["▁  "]
    assert text_columns([3, 3, 3], 3, 2) == ["   ", "▁▁▁"]
    assert text_columns(range(100), 5, 1) == ["▁▃▅▆█"]
    assert all(len(line) == 7 for line in text_columns([0.1, 9, 4], 7, 4))


@needs_chromium
def test_javascript_has_the_same_ticks(javascript: Callable[..., Any]) -> None:
    random = np.random.default_rng(1)
    lows = random.normal(size=200) * 10.0 ** random.integers(-6, 7, 200)
    ranges = [[0, 1], [0.97, 1], [3, 3]]
    ranges += [[low, low + span] for low, span in zip(lows, np.abs(lows) * 2, strict=True)]
    expression = f"{json.dumps(ranges)}.map(([low, high]) => ticks(low, high))"
    found = javascript(expression, "number_format.js", "charts.js")
    for (low, high), levels in zip(ranges, found, strict=True):
        assert levels == pytest.approx(ticks(low, high), rel=1e-9, abs=abs(high) * 1e-12)
