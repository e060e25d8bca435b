"""How often the intervals of evaluation hold the truth, against how often they say so.

    python -m benchmarks.coverage [--trials N]

Draws samples from worlds whose truth is known, and counts how often each interval holds it: 95 %
of the time is promised. Promises of the threshold for "unsure" may be broken in 5 % of the trials
at most; margins around numbers hold their level on average. It writes results/coverage.json and
prints a table.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.record import write
from danqing.evaluation.intervals import (
    f1_interval,
    mean_interval,
    paired_difference_interval,
    skewed_mean_interval,
    wilson,
)
from danqing.evaluation.regression import conformal_margin, regression_intervals
from danqing.evaluation.selection import choose_threshold
from danqing.networks.temperature import scale_temperature

Rng = np.random.Generator
Floats = NDArray[np.float64]
Trial = Callable[[Rng, int], bool]


def accuracy(rng: Rng, n: int, truth: float = 0.97) -> bool:
    low, high = wilson(rng.binomial(n, truth), n)
    return bool(low <= truth <= high)


def f1(rng: Rng, n: int) -> bool:
    # True positives, false positives, false negatives, and the rest.
    shares = np.array([0.09, 0.01, 0.015, 0.885])
    both, predicted, labelled, _ = rng.multinomial(n, shares)
    low, high = f1_interval(both, predicted, labelled)
    return bool(low <= 2 * shares[0] / (2 * shares[0] + shares[1] + shares[2]) <= high)


def loss(rng: Rng, n: int) -> bool:
    # Cross-entropies are skewed: exponential, with mean 1.
    found = skewed_mean_interval(rng.exponential(size=n))
    return found is not None and found[0] <= 1 <= found[1]


def difference(rng: Rng, n: int) -> bool:
    # Both right, only the first, only the second, neither: most mistakes are shared.
    shares = [0.94, 0.02, 0.012, 0.028]
    low, high = paired_difference_interval(*(int(count) for count in rng.multinomial(n, shares)))
    return low <= shares[1] - shares[2] <= high


_SLOPE, _NOISE = 0.8, 1.0


def _numbers(rng: Rng, n: int) -> tuple[Floats, Floats]:
    predictions = rng.normal(0, 2, n)
    return predictions, _SLOPE * predictions + rng.normal(0, _NOISE, n)


def r2(rng: Rng, n: int) -> bool:
    error = 4 * (1 - _SLOPE) ** 2 + _NOISE**2
    truth = 1 - error / (4 * _SLOPE**2 + _NOISE**2)
    found = regression_intervals(*_numbers(rng, n))["r2"]
    return found is not None and found[0] <= truth <= found[1]


def mse(rng: Rng, n: int) -> bool:
    truth = 4 * (1 - _SLOPE) ** 2 + _NOISE**2
    found = regression_intervals(*_numbers(rng, n))["mse"]
    return found is not None and found[0] <= truth <= found[1]


def mae(rng: Rng, n: int) -> bool:
    truth = np.sqrt(2 / np.pi * (4 * (1 - _SLOPE) ** 2 + _NOISE**2))
    found = regression_intervals(*_numbers(rng, n))["mae"]
    return found is not None and found[0] <= truth <= found[1]


def paired_numbers(rng: Rng, n: int) -> bool:
    shared = rng.normal(size=n)
    one, other = shared + rng.normal(0, 0.3, n), shared + 0.1 + rng.normal(0, 0.3, n)
    found = mean_interval(one**2 - other**2)
    return found is not None and found[0] <= -0.01 <= found[1]


def threshold(rng: Rng, n: int, risk: float = 0.02) -> bool:
    """Whether the guarantee holds: at most `risk` of new unmarked predictions are wrong."""
    chosen = choose_threshold(*_predictions(rng, n), risk)
    if chosen.unsure_below is None:
        return True
    confidence, right = _all_predictions()
    given = confidence >= chosen.unsure_below
    return bool((~right[given]).mean() <= risk)


def _predictions(rng: Rng, n: int) -> tuple[Floats, NDArray[np.bool_]]:
    """Give a classifier's confidences, too high by a temperature of 2, and its hits."""
    true = rng.dirichlet([0.05] * 5, n)
    labels = (true.cumsum(axis=1) > rng.random(n)[:, None]).argmax(axis=1)
    said = scale_temperature(true, 0.5)
    return said.max(axis=1), said.argmax(axis=1) == labels


@cache
def _all_predictions() -> tuple[Floats, NDArray[np.bool_]]:
    return _predictions(np.random.default_rng(7), 500_000)


def margin(rng: Rng, n: int) -> bool:
    width = conformal_margin(*_numbers(rng, n), 0.9)
    prediction, truth = _numbers(rng, 1)
    return width is not None and bool(abs(prediction[0] - truth[0]) <= width)


WORLDS: dict[str, tuple[str, Trial, tuple[int, ...]]] = {
    "accuracy": ("accuracy 97 %, Wilson", accuracy, (30, 200, 10_000)),
    "f1": ("F1, Wilson of J", f1, (200, 2000)),
    "loss": ("loss, exponential, Hall", loss, (30, 200, 2000)),
    "difference": ("paired difference, Newcombe 10", difference, (200, 2000)),
    "r2": ("R2, bootstrap BCa", r2, (30, 100, 500)),
    "mae": ("MAE, Hall", mae, (30, 100, 500)),
    "mse": ("MSE, Hall", mse, (30, 100, 500)),
    "paired-numbers": ("paired MSE difference, Student", paired_numbers, (30, 100, 500)),
    "threshold": ("promise of the threshold, at least", threshold, (500, 2000)),
    "margin": ("margin of 90 %", margin, (19, 100)),
}


def measure(trials: int) -> Iterator[dict[str, Any]]:
    """Give the share of trials in which each interval holds the truth."""
    for name, (title, trial, sizes) in WORLDS.items():
        for n in sizes:
            rng = np.random.default_rng([n, list(WORLDS).index(name)])
            many = trials if name != "threshold" else max(50, trials // 4)
            held = sum(trial(rng, n) for _ in range(many))
            yield {"name": name, "title": title, "n": n, "trials": many, "held": held / many}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=2000)
    options = parser.parse_args()
    print("| interval | n | holds the truth |\n| --- | ---: | ---: |")
    found = []
    for line in measure(options.trials):
        found.append(line)
        print(f"| {line['title']} | {line['n']:,} | {line['held']:.1%} |", flush=True)
    write("coverage", {"found": found})


if __name__ == "__main__":
    main()
