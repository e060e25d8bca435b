"""A measurement in a process of its own, so that none warms up another. Knows no measurement."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

__all__ = ["measured_apart"]


def measured_apart(benchmark: str, *words: str, **variables: str) -> Any:
    """Call ``python -m benchmarks.<benchmark> <words>``; give the JSON in its last line."""
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{benchmark}", *words],
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, **variables},
    )
    return json.loads(done.stdout.splitlines()[-1])
