"""Inputs as real people have them, and the right result of each: a folder a case.

``make.py`` writes a case's inputs; ``check.py``, after ``prelude.py``, runs the product on them and
ends with a line that begins with "ok:" or "FAIL:".
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.long
HERE = Path(__file__).resolve().parent
CASES = sorted(path.parent.name for path in HERE.glob("*/check.py"))


@pytest.mark.parametrize("case", CASES)
def test_case(case: str, tmp_path: Path) -> None:
    danqing, work = tmp_path / "danqing", tmp_path / "work"
    danqing.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m danqing "$@"\n')
    danqing.chmod(0o755)
    work.mkdir()
    environment = {
        **os.environ, "DANQING_CACHE": str(work / ".cache"), "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip
    program = f"{(HERE / 'prelude.py').read_text()}\n{(HERE / case / 'check.py').read_text()}"
    made = subprocess.run(
        [sys.executable, HERE / case / "make.py"],
        cwd=work, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    done = subprocess.run(
        [sys.executable, "-", sys.executable, danqing],
        cwd=work, env=environment, input=program, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    assert done.stdout.splitlines()[-1].startswith("ok: ")
