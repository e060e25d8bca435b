"""Numbers are written alike by Python and by the pages' JavaScript."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from programs import needs_chromium

from danqing.pages.number_format import minus, number, percent


@needs_chromium
def test_javascript_writes_numbers_alike(javascript: Callable[..., Any]) -> None:
    random = np.random.default_rng(0)
    values = [0, 1, -1, 0.5, 42.2, 1e-4, 9.99999e-5, 999999.5, 1e12, -123456.789, 1e-300, 31.99999]
    values += [1e-5, 1.5e-7, -1e15, 2e300, 48000, 168538, -1234567, 0.1 + 0.2]
    values += (random.normal(size=400) * 10.0 ** random.integers(-9, 14, 400)).tolist()
    alike = "(v) => [numberText(v), numberText(v, 2), percentText(v, 1)]"
    texts = javascript(f"{json.dumps(values)}.map({alike})", "number_format.js")
    for value, (four, two, share) in zip(values, texts, strict=True):
        assert four == number(value), value
        assert two == number(value, 2), value
        if abs(value) < 10:
            assert share == percent(value, 1), value


def test_what_is_no_number() -> None:
    assert (number(math.nan), number(-math.inf)) == ("–", "−∞")
    assert minus("-0.0%") == "0.0%"
