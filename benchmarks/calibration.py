"""Whether confidences and intervals, as they ship, are what they say: MNIST, and two regressions.

    python -m benchmarks.calibration [--seeds N] [--splits N]

`fast` learns MNIST as `danqing train` does; its test metrics are those of the network that ships,
beside those at temperature 1. Then Danqing's defaults learn `diabetes` (442 rows) and 1,000 rows of
Friedman's first function with normal noise, over 20 random splits each (20 % test, of the rest 10 %
validation): the share of test targets within the interval of 90 %, all splits together, and the
half of its width. It writes results/calibration.json.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np

from benchmarks.record import write

LEVEL = 0.9


def on_mnist(seed: int, folder: Path) -> dict[str, Any]:
    """Train `fast` on MNIST, and measure what ships."""
    from danqing import Recipe, load_data
    from danqing.evaluation.examination import examine
    from danqing.training.train import train

    data = load_data("mnist")
    run = train(data, Recipe(seed=seed), folder / f"mnist-{seed}", owns_process=True)
    found = examine(run, data).calibration
    assert found is not None
    test = run.metrics["test"]
    shipped, as_trained = found["after"]["test"], found["before"]["test"]
    return {
        "seed": seed,
        "temperature": run.temperature,
        "accuracy": test["accuracy"],
        "loss": test["loss"],
        "calibration_error": shipped["ece"],
        "loss_at_1": as_trained["nll"],
        "calibration_error_at_1": as_trained["ece"],
        "by_chance": shipped["ece_if_perfect"],
        "unsure": {str(one["risk"]): one["unsure_below"] for one in run.calibration["thresholds"]},
    }


def regressions() -> dict[str, tuple[Any, Any]]:
    """Give rows and targets by name."""
    from sklearn import datasets

    return {
        "diabetes": datasets.load_diabetes(return_X_y=True),
        "friedman": datasets.make_friedman1(1000, noise=1.0, random_state=0),
    }


def covered(x: Any, y: Any, seed: int, folder: Path, **settings: Any) -> tuple[int, int, float]:
    """Train on one split; give test rows, those within their intervals, and the margin."""
    from danqing import Recipe, load_data
    from danqing.data.split import split_by_settings
    from danqing.prediction.predictor import Predictor
    from danqing.prediction.unsure import describe
    from danqing.training.train import train

    rows = np.random.default_rng(seed).permutation(len(y))
    data = load_data((x[rows], y[rows]))
    run = train(data, Recipe(seed=seed, **settings), folder / str(seed))
    test = split_by_settings(data, run.config).test
    outputs = Predictor(run).predict_examples(test.examples())
    names = [str(row) for row in test.rows]
    inside, margin = 0, 0.0
    for one, target in zip(
        describe(names, outputs, [], run.calibration), test.labels.tolist(), strict=True
    ):
        low, high = one["interval"]
        inside += low <= target <= high
        margin = (high - low) / 2
    return len(test), inside, margin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--splits", type=int, default=20)
    words = parser.parse_args()
    figures: dict[str, Any] = {"mnist": [], "intervals": {}}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for seed in range(words.seeds):
            one = on_mnist(seed, folder)
            figures["mnist"].append(one)
            print(
                f"fast, seed {seed}: accuracy {one['accuracy']:.2%}, loss {one['loss']:.4f}, "
                f"calibration error {one['calibration_error']:.2%} at temperature "
                f"{one['temperature']:.3f} ({one['loss_at_1']:.4f} and "
                f"{one['calibration_error_at_1']:.2%} at 1)",
                flush=True,
            )
        for source, (x, y) in regressions().items():
            (folder / source).mkdir()
            found = [covered(x, y, seed, folder / source) for seed in range(words.splits)]
            counts = np.array([one[:2] for one in found])
            shares = (counts[:, 1] / counts[:, 0]).tolist()
            share = counts[:, 1].sum() / counts[:, 0].sum()
            figures["intervals"][source] = {
                "level": LEVEL,
                "splits": words.splits,
                "covered": float(share),
                "of_each_split": shares,
                "margins": [one[2] for one in found],
            }
            print(
                f"{source}: {share:.1%} of the test targets within the interval of {LEVEL:.0%} "
                f"(splits: mean {mean(shares):.1%}, {min(shares):.1%} to {max(shares):.1%}); "
                f"margin {median(one[2] for one in found):.3g}",
                flush=True,
            )
    write("calibration", figures)


if __name__ == "__main__":
    main()
