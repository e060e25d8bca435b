"""Programs that tests need beside Python: a browser, Node.js. In CI one that is missing fails."""

from __future__ import annotations

import os
import shutil

import pytest

__all__ = ["CHROMIUM", "NODE", "needs_chromium", "needs_node"]

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), ""
)
NODE = shutil.which("node") or ""


def _needs(program: str, name: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not program and "CI" not in os.environ, reason=f"{name} is missing")


needs_chromium = _needs(CHROMIUM, "Chromium")
needs_node = _needs(NODE, "Node.js")
