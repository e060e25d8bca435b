"""What a network trained on some pictures is worth for others, of which there are few.

    python -m benchmarks.transfer [--draws N] [--labels 10 20 100]

`fast` learns MNIST's digits 0 to 4. For each draw of labels (seeds 0, 1, ...; the settings were
chosen on the validation set of others), digits 5 to 9 are then learned from K labels a class: from
scratch, from scratch for as long as helps, and by a transfer. The validation set are 2,000 other
training pictures, which none of them is chosen by; the test set is MNIST's. Then other pictures of
another size: scikit-learn's digits, 8x8 pixels, the smallest K a class, from `fast` trained on
10,000 pictures of MNIST, to whose size they are resized. It writes results/transfer.json and
prints a table.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.record import write

VALIDATION = 2000  # rows
MANY = 50  # labels a class, beyond which the usual epochs are as many as help
# From scratch, few labels want more epochs than are usual: see benchmarks.few_labels.
WAYS: dict[str, dict[str, Any]] = {
    "from scratch": {},
    "from scratch, 200 epochs": {"epochs": 200},
    "transfer": {},
}


def of_classes(dataset: Any, classes: range) -> Any:
    """Keep the rows of some classes."""
    kept: dict[str, Any] = {}
    for name in ("train", "test"):
        x, y = getattr(dataset, f"x_{name}"), getattr(dataset, f"y_{name}")
        rows = np.isin(y, classes)
        kept |= {f"x_{name}": x[rows], f"y_{name}": y[rows] - classes[0]}
    names = tuple(dataset.class_names[number] for number in classes)
    return replace(dataset, **kept, class_names=names, content_hash="")


def few_of(dataset: Any, labels: int, draw: int) -> Any:
    """Draw some training rows of each class; others become the validation set."""
    rng = np.random.default_rng(draw)
    order = rng.permutation(len(dataset.y_train))
    y = dataset.y_train[order]
    classes = range(len(dataset.class_names))
    rows = np.concatenate([order[y == number][:labels] for number in classes])
    others = np.setdiff1d(order, rows)[:VALIDATION]
    return replace(
        dataset,
        x_train=dataset.x_train[rows],
        y_train=dataset.y_train[rows],
        x_validation=dataset.x_train[others],
        y_validation=dataset.y_train[others],
    )


def measured(data: Any, recipe: Any, folder: Path, base: Path | None) -> dict[str, Any]:
    """Train, and give what the run's own metrics say."""
    from danqing.training.train import train

    began = time.perf_counter()
    run = train(data, recipe, folder, base=base)
    return {
        "test_accuracy": run.metrics["test"]["accuracy"],
        "validation_accuracy": run.metrics["validation"]["accuracy"],
        "epochs": len(run.history),
        "seconds": time.perf_counter() - began,
    }


def print_table(found: list[dict[str, Any]]) -> None:
    """Print mean and deviation, and how many errors of the better other way a transfer leaves."""
    print("| what, labels a class | " + " | ".join(WAYS) + " | errors left |")
    print("| --- |" + " ---: |" * (len(WAYS) + 1))
    for case, labels in dict.fromkeys((one["case"], one["labels"]) for one in found):
        accuracies = {
            way: [
                one["test_accuracy"]
                for one in found
                if (one["case"], one["labels"], one["way"]) == (case, labels, way)
            ]
            for way in WAYS
        }
        cells = [_with_spread(values) for values in accuracies.values()]
        best = min(1 - mean(v) for way, v in accuracies.items() if v and way != "transfer")
        left = (1 - mean(accuracies["transfer"])) / max(best, 1e-9)
        print(f"| {case}, {labels} | {' | '.join(cells)} | {left:.0%} |")


def _with_spread(values: list[float]) -> str:
    if not values:
        return ""
    return f"{mean(values):.2%}" + (f" ± {stdev(values):.2%}" if len(values) > 1 else "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--labels", type=int, nargs="+", default=[10, 20, 100])
    options = parser.parse_args()
    from danqing import Recipe, load_data
    from danqing.training.train import train

    load = os.getloadavg()[0]
    found: list[dict[str, Any]] = []
    mnist, digits = load_data("mnist"), load_data("digits")
    cases = {
        "MNIST 5 to 9, from 0 to 4": (of_classes(mnist, range(5)), of_classes(mnist, range(5, 10))),
        "digits of 8x8, from MNIST": (_first(mnist, 10_000), digits),
    }
    with TemporaryDirectory() as name:
        for number, (case, (before, after)) in enumerate(cases.items()):
            base = train(before, Recipe(), Path(name) / f"base{number}").folder
            some = options.labels[: None if number == 0 else 1]
            for labels, draw in itertools.product(some, range(options.draws)):
                data = few_of(after, labels, draw)
                for way, settings in WAYS.items():
                    if "epochs" in settings and labels > MANY:
                        continue
                    figures = measured(
                        data,
                        Recipe(seed=draw, **settings),
                        Path(name) / str(len(found)),
                        base if way == "transfer" else None,
                    )
                    found.append(
                        {"case": case, "labels": labels, "draw": draw, "way": way, **figures}
                    )
                    print(found[-1], file=sys.stderr, flush=True)
    print_table(found)
    write("transfer", {"load_before": load, "found": found})


def _first(dataset: Any, rows: int) -> Any:
    x, y = dataset.x_train[:rows], dataset.y_train[:rows]
    return replace(dataset, x_train=x, y_train=y, content_hash="")


if __name__ == "__main__":
    main()
