"""Is `--minutes` kept? The whole command's time, from the shell's side, against what was asked.

    python -m benchmarks.budget [--rounds 2]

Each command is run in a process of its own; the figure is its wall-clock time, start-up, data,
training, evaluation and writing included, as a share of the minutes. Kept means within 5 %. It
writes results/budget.json and prints a table.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.record import write

JOBS = [
    (0.5, ["mnist"]),
    (1, ["mnist"]),
    (2, ["mnist"]),
    (0.5, ["mnist", "--network", "article"]),
    (0.5, ["digits"]),
    (0.5, ["breast-cancer"]),
]
KEPT = 0.05


def measure(minutes: float, words: list[str], folder: Path) -> dict[str, Any]:
    began = time.perf_counter()
    subprocess.run(
        [
            *(sys.executable, "-m", "danqing", "train", *words),
            *("--minutes", str(minutes), "--out", str(folder)),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    seconds = time.perf_counter() - began
    metrics = json.loads((folder / "metrics.json").read_text())
    return {
        "command": " ".join(words),
        "minutes": minutes,
        "seconds": round(seconds, 2),
        "share": round(seconds / (60 * minutes), 4),
        "test_accuracy": metrics["test"]["accuracy"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    found = []
    print("| `danqing train` | minutes | seconds it took | share | test accuracy |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for _ in range(options.rounds):
        for minutes, words in JOBS:
            with tempfile.TemporaryDirectory() as folder:
                one = measure(minutes, words, Path(folder) / "run")
            found.append(one)
            print(
                f"| {one['command']} | {minutes} | {one['seconds']:.1f} | {one['share']:.1%} | "
                f"{one['test_accuracy']:.2%} |",
                flush=True,
            )
    kept = sum(abs(one["share"] - 1) <= KEPT for one in found)
    print(f"{kept} of {len(found)} kept within {KEPT:.0%}")
    write("budget", {"found": found})


if __name__ == "__main__":
    main()
