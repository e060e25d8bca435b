"""Numbers are written alike by Python and by the pages' JavaScript."""

from __future__ import annotations

import html
import json
import math
import re
import subprocess
from pathlib import Path

import numpy as np
from programs import CHROMIUM, needs_chromium

from danqing.pages.number_format import minus, number, percent
from danqing.pages.resources import resource


@needs_chromium
def test_javascript_writes_numbers_alike(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    values = [0, 1, -1, 0.5, 42.2, 1e-4, 9.99999e-5, 999999.5, 1e12, -123456.789, 1e-300, 31.99999]
    values += (random.normal(size=400) * 10.0 ** random.integers(-9, 14, 400)).tolist()
    page = tmp_path / "page.html"
    page.write_text(
        f"<pre><script>{resource('danqing.pages', 'number_format.js')}"
        f"const texts = {json.dumps(values)}.map((v) => [numberText(v), numberText(v, 2),"
        "percentText(v, 1)]); document.write(JSON.stringify(texts));</script>"
    )
    command = [
        *(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
        *("--disable-background-networking", f"--user-data-dir={tmp_path / 'profile'}"),
        *("--dump-dom", page.as_uri()),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    texts = json.loads(html.unescape(re.findall(r"\[\[.*\]\]", done.stdout)[0]))
    for value, (four, two, share) in zip(values, texts, strict=True):
        assert four == number(value), value
        assert two == number(value, 2), value
        if abs(value) < 10:
            assert share == percent(value, 1), value


def test_what_is_no_number() -> None:
    assert (number(math.nan), number(-math.inf)) == ("–", "−∞")
    assert minus("-0.0%") == "0.0%"
