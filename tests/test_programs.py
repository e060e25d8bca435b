"""In CI a missing browser is a failure, not a skip."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(("environment", "outcome"), [({"CI": "true"}, "failed"), ({}, "skipped")])
def test_a_missing_program(tmp_path: Path, environment: dict[str, str], outcome: str) -> None:
    (tmp_path / "test_page.py").write_text(
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from programs import CHROMIUM, needs_chromium\n"
        "@needs_chromium\ndef test_page(): assert CHROMIUM\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        capture_output=True, text=True, env={"PATH": "/nowhere", **environment}, cwd=tmp_path,
    )  # fmt: skip
    assert f"1 {outcome}" in done.stdout, done.stdout
