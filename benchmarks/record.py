"""Where and when a measurement was made, and writing it down. Knows no measurement."""

from __future__ import annotations

import datetime
import json
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

__all__ = ["circumstances", "write"]

FOLDER = Path(__file__).parent / "results"


def circumstances() -> dict[str, Any]:
    """Tell the machine, the date, the commit and the versions."""
    from importlib.metadata import version

    processor = platform.processor()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        processor = next(line.split(": ")[1] for line in lines if line.startswith("model name"))
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    return {
        "processor": processor,
        "cores": os.cpu_count(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "commit": commit,
        "python": platform.python_version(),
        "keras": version("keras"),
        "scikit-learn": version("scikit-learn"),
    }


def write(name: str, figures: dict[str, Any]) -> None:
    """Write `results/<name>.json`."""
    FOLDER.mkdir(exist_ok=True)
    text = json.dumps({**circumstances(), **figures}, indent=1)
    (FOLDER / f"{name}.json").write_text(text + "\n")
