"""`best` on MNIST and Fashion-MNIST, and an ensemble of it: accuracy, and minutes of two cores.

    python -m benchmarks.best [--seeds 3] [--out FOLDER]
    python -m benchmarks.best --ensemble 5
    python -m benchmarks.best --fashion FOLDER     # of IDX files, as Debian's dataset-fashion-mnist

Each training is the whole command, in a process of its own: start-up, data, training and evaluation
are in its time; of an ensemble, each member's own accuracy is told, too. Nothing was chosen by the
test split. It writes results/best.json, in which a part that isn't run again stays; with `--out`
the runs are kept.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks.record import FOLDER, circumstances, write
from danqing.prediction.predictor import Predictor


def train(folder: Path, *words: str) -> dict[str, Any]:
    began = time.perf_counter()
    subprocess.run(
        [*(sys.executable, "-m", "danqing", "train"), *words, "--out", str(folder)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    metrics = json.loads((folder / "metrics.json").read_text())
    return {
        "command": " ".join(words),
        "minutes": round((time.perf_counter() - began) / 60, 2),
        "test_accuracy": metrics["test"]["accuracy"],
        "ci95": metrics["test"]["accuracy_ci95"],
        "parameters": metrics["parameters"],
    }


def of_each_member(folder: Path) -> list[float]:
    """Give the test accuracy on MNIST of each of an ensemble's networks alone."""
    from danqing import load_data
    from danqing.prediction.member import EnsembleMember
    from danqing.runs.run_folder import load_run

    run, mnist = load_run(folder), load_data("mnist")
    members = (EnsembleMember(run, number) for number in range(1, run.members + 1))
    predictions = (
        Predictor(member).predict_examples(mnist.x_test).argmax(axis=1) for member in members
    )
    return [float((given == mnist.y_test).mean()) for given in predictions]


def measure(options: argparse.Namespace, folder: Path) -> tuple[str, list[dict[str, Any]]]:
    best = ("--network", "best")
    if options.fashion:
        return "fashion", [train(folder / "fashion", options.fashion, *best)]
    if options.ensemble:
        words = (*best, "--ensemble", str(options.ensemble))
        whole = train(folder / "ensemble", *words)
        return "ensemble", [{**whole, "members": of_each_member(folder / "ensemble")}]
    seeds = range(options.seeds)
    return "best", [train(folder / f"best-{s}", *best, "--seed", str(s)) for s in seeds]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--ensemble", type=int, default=0)
    parser.add_argument("--fashion", default="")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        part, found = measure(options, options.out or Path(folder))
    print("| `danqing train` | minutes | test accuracy | 95 % interval | parameters |")
    print("| --- | ---: | ---: | --- | ---: |")
    for one in found:
        low, high = one["ci95"]
        print(
            f"| {one['command']} | {one['minutes']:.1f} | {one['test_accuracy']:.2%} | "
            f"{low:.2%} to {high:.2%} | {one['parameters']:,} |"
        )
    for alone in found[0].get("members", []):
        print(f"a member alone: {alone:.2%}")
    print(f"mean {mean(one['test_accuracy'] for one in found):.3%}")
    kept = FOLDER / "best.json"
    parts = json.loads(kept.read_text())["parts"] if kept.exists() else {}
    parts[part] = {**circumstances(), "runs": found}
    write("best", {"parts": parts})


if __name__ == "__main__":
    main()
