"""Which label issues are real? Planted wrong labels, found by three rules of confident learning.

    python -m benchmarks.label_issues [--seeds N]

2 % of the labels of clean data are replaced by another class, drawn at random. The rules see the
same probabilities: those of `danqing data inspect`, and those of two networks for their test set,
as in `danqing evaluate`. It writes results/label_issues.json and prints a table.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from benchmarks.record import write
from danqing import Recipe, load_data
from danqing.data.dataset import Dataset
from danqing.inspection import label_issues
from danqing.inspection.confident_learning import LabelIssues, confident_learning

_SHARE = 0.02
_NETWORKS = {
    "dense(64)": 4,
    "conv(8,5,stride=2)-batchnorm-relu-conv(16,3,stride=2)-batchnorm-relu": 3,
}

Floats = NDArray[np.floating]
Labels = NDArray[np.int64]
# From probabilities and labels to which rows are issues.
Rule = Callable[[Floats, Labels], NDArray[np.bool_]]


def predicted(probabilities: Floats, labels: Labels) -> NDArray[np.bool_]:
    """Danqing's rule: the predicted class is not the label, and is confident."""
    found = np.zeros(len(labels), bool)
    found[confident_learning(probabilities, labels).rows] = True
    return found


def joint(probabilities: Floats, labels: Labels) -> NDArray[np.bool_]:
    """The paper's rule: the likeliest of the confident classes is not the label."""
    classes = probabilities.shape[1]
    own = probabilities[np.arange(len(labels)), labels]
    counts = np.bincount(labels, minlength=classes)
    sums = np.bincount(labels, own, classes)
    thresholds = np.where(counts > 0, sums / np.maximum(counts, 1), np.inf)
    confident = np.where(probabilities >= thresholds, probabilities, 0.0)
    likeliest = confident.argmax(axis=1)
    chosen = confident[np.arange(len(labels)), likeliest] > 0
    return np.asarray(chosen & (likeliest != labels))


def joint_disagreeing(probabilities: Floats, labels: Labels) -> NDArray[np.bool_]:
    """As cleanlab does it: the paper's rule, but the predicted class is not the label."""
    return np.asarray(joint(probabilities, labels) & (probabilities.argmax(axis=1) != labels))


RULES: dict[str, Rule] = {
    "predicted": predicted,
    "joint": joint,
    "joint, disagreeing": joint_disagreeing,
}


def plant(labels: Labels, classes: int, seed: int) -> Labels:
    """Replace some labels by another class."""
    rng = np.random.default_rng(seed)
    rows = rng.choice(len(labels), round(_SHARE * len(labels)), replace=False)
    planted = labels.copy()
    planted[rows] = (labels[rows] + rng.integers(1, classes, len(rows))) % classes
    return planted


def data_sets() -> Iterator[tuple[str, Dataset]]:
    mnist = load_data("mnist")
    yield "MNIST, 3,000 rows", _first(mnist, 3000)
    yield "MNIST, 2,000 rows, three classes of 15", _first(mnist, 2000, rare=15)
    yield "MNIST, 3,000 rows, three classes of 30", _first(mnist, 3000, rare=30)
    for name in ("digits", "breast-cancer", "wine", "iris"):
        yield name, load_data(name)


def _first(mnist: Dataset, count: int, rare: int | None = None) -> Dataset:
    labels = mnist.y_train[:count]
    rows = [np.flatnonzero(labels == c)[: rare if c in (5, 8, 9) else None] for c in range(10)]
    kept = np.sort(np.concatenate(rows))
    return replace(mnist, x_train=mnist.x_train[kept], y_train=labels[kept])


def inspected(dataset: Dataset, seed: int) -> tuple[Floats, Labels, Labels]:
    """Give the probabilities of `danqing data inspect`, planted and true labels."""
    planted = plant(dataset.y_train, len(dataset.class_names), seed)
    seen: list[Any] = []

    def record(probabilities: Floats, labels: Labels) -> LabelIssues:
        seen[:] = probabilities, labels
        return confident_learning(probabilities, labels)

    noisy = replace(dataset, y_train=planted)
    with patch.object(label_issues, "confident_learning", record):
        label_issues.estimate_label_issues(noisy)
    rows = label_issues._sample(noisy)
    assert rows is not None
    probabilities, labels = seen
    # Every class of these data has rows enough to be examined, so that numbers stay as they are.
    assert probabilities.shape[1] == len(dataset.class_names)
    return probabilities, labels, dataset.y_train[rows]


def evaluated(spec: str, seed: int) -> tuple[Floats, Labels, Labels]:
    """Train on 20,000 rows, 2 % of them mislabelled, and predict a test set of the same quality."""
    from danqing.prediction.predictor import Predictor
    from danqing.training.train import train

    mnist = load_data("mnist")
    planted = plant(mnist.y_test, 10, seed + 100)
    noisy = replace(
        mnist,
        x_train=mnist.x_train[:20_000],
        y_train=plant(mnist.y_train[:20_000], 10, seed),
        y_test=planted,
    )
    recipe = Recipe(network=spec, epochs=_NETWORKS[spec])
    run = train(noisy, recipe, tempfile.mkdtemp() + "/run")
    return Predictor(run).predict_examples(mnist.x_test[:]), planted, mnist.y_test


def measure(trials: list[tuple[Floats, Labels, Labels]]) -> dict[str, dict[str, float]]:
    """Give each rule's number of issues, their precision and recall, over all trials."""
    found = {}
    for name, rule in RULES.items():
        issues = hits = wrong = 0
        for probabilities, labels, truth in trials:
            chosen = rule(probabilities, labels)
            issues += int(chosen.sum())
            hits += int((chosen & (labels != truth)).sum())
            wrong += int((labels != truth).sum())
        found[name] = {"issues": issues, "precision": hits / issues, "recall": hits / wrong}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    seeds = range(parser.parse_args().seeds)
    figures = {
        name: measure([inspected(dataset, seed) for seed in seeds]) for name, dataset in data_sets()
    }
    for spec in _NETWORKS:
        figures[f"MNIST test set, {spec}"] = measure([evaluated(spec, s) for s in seeds[:3]])
    write("label_issues", {"share": _SHARE, "seeds": len(seeds), "figures": figures})
    for name, rules in figures.items():
        print(name)
        for rule, one in rules.items():
            print(
                f"  {rule:20} {one['issues']:5} issues, precision {one['precision']:.1%}, "
                f"recall {one['recall']:.1%}"
            )


if __name__ == "__main__":
    main()
