"""The pages' own JavaScript, run in a browser."""

from __future__ import annotations

import html
import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from programs import CHROMIUM

from danqing.pages.resources import resource


@pytest.fixture
def javascript(tmp_path: Path) -> Callable[..., Any]:
    """Give what an expression is worth after some of the pages' scripts."""

    def evaluate(expression: str, *names: str) -> Any:
        scripts = "".join(resource("danqing.pages", name) for name in names)
        page = tmp_path / "page.html"
        page.write_text(
            '<meta charset="utf-8"><pre></pre><script>{'
            f"{scripts} document.querySelector('pre').textContent = JSON.stringify({expression});"
            "document.querySelector('script').remove();}</script>",
            encoding="utf-8",
        )
        command = [
            *(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
            *("--disable-background-networking", f"--user-data-dir={tmp_path / 'profile'}"),
            *("--dump-dom", page.as_uri()),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        return json.loads(html.unescape(re.findall("<pre>(.*)</pre>", done.stdout)[0]))

    return evaluate
