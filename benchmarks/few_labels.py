"""MNIST with 10 labels a class: what pictures without labels are worth.

    python -m benchmarks.few_labels [--draws N] [--labels K]

For each draw of labels (the seeds 0, 1, ...; others served to choose the settings by validation),
the same network, `fast`, learns in a process of its own from the labelled pictures alone, and from
these and the rest of the training part without labels. Test accuracy is that of the last weights;
seconds are those of the whole process, libraries, reading and testing included. It writes
results/few_labels.json and prints a table.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from statistics import mean, stdev
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.apart import measured_apart
from benchmarks.record import write

# Alone, labels are gone through until more gave nothing on validation; some 60 times are usual.
WAYS: dict[str, dict[str, Any]] = {
    "labels alone": {"unlabelled_weight": 0.0, "epochs": 200},
    "with the rest, unlabelled": {},
}


def once(way: str, labels: int, draw: int) -> dict[str, Any]:
    """Train in this process."""
    import danqing

    recipe = danqing.Recipe(labels_per_class=labels, seed=draw, **WAYS[way])
    with TemporaryDirectory() as folder:
        run = danqing.train(danqing.load_data("mnist"), recipe, Path(folder) / "run")
        return {
            "draw": draw,
            "test_accuracy": run.metrics["test"]["accuracy"],
            "validation_accuracy": run.metrics["validation"]["accuracy"],
            "counts": run.data["counts"],
            "epochs": run.config["epochs"],
            "batch_size": run.config["batch_size"],
        }


def in_a_process(way: str, labels: int, draw: int) -> dict[str, Any]:
    began = time.perf_counter()
    words = ("--labels", str(labels), "--one", way, str(draw))
    figures: dict[str, Any] = measured_apart("few_labels", *words)
    return {**figures, "seconds": time.perf_counter() - began}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--labels", type=int, default=10)
    parser.add_argument("--one", nargs=2, metavar=("WAY", "DRAW"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(once(options.one[0], options.labels, int(options.one[1]))))
        return
    load = os.getloadavg()[0]
    found: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    for draw in range(options.draws):
        for way, results in found.items():
            results.append(in_a_process(way, options.labels, draw))
            print(f"draw {draw}  {way}: {results[-1]}", file=sys.stderr, flush=True)
    print(f"| {options.labels} labels a class | test accuracy, by draw | mean | seconds a draw |")
    print("| --- | --- | ---: | ---: |")
    for way, results in found.items():
        accuracies = [one["test_accuracy"] for one in results]
        spread = f" ± {stdev(accuracies):.2%}" if len(accuracies) > 1 else ""
        listed = ", ".join(f"{accuracy:.2%}" for accuracy in accuracies)
        seconds = max(one["seconds"] for one in results)
        print(f"| {way} | {listed} | {mean(accuracies):.2%}{spread} | {seconds:.0f} at most |")
    name = "few_labels" if options.labels == 10 else f"few_labels_{options.labels}"
    write(name, {"labels_per_class": options.labels, "load_before": load, "found": found})


if __name__ == "__main__":
    main()
