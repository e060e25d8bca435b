"""The classic recipe side by side: Keras as written, Keras at its best, scikit-learn, Danqing.

    python -m benchmarks.article [--seeds N]

All take the same rows (48,000 to train on, 12,000 to validate, 10,000 to test), each in a process
of its own, in turn. Seconds are those of training with validation, compilation included, without
the import of libraries. It writes results/article.json and prints a table.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.apart import measured_apart
from benchmarks.record import write

WAYS = {
    "keras": "Keras `fit`, as written",
    "keras-best": "Keras `fit`, `steps_per_execution=32`",
    "keras-jit": "Keras `fit`, `steps_per_execution=32`, `jit_compile=True`",
    "scikit-learn": "scikit-learn `MLPClassifier`",
    "danqing": "**Danqing** `--network article`",
}


def with_keras(seed: int, **compiled: Any) -> dict[str, float]:
    import keras

    x_train, y_train, x_validation, y_validation, x_test, y_test = _rows()
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.Input((784,)),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    began = time.perf_counter()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"], **compiled)
    validation = (x_validation, y_validation)
    model.fit(x_train, y_train, 32, 10, verbose=0, validation_data=validation)
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "accuracy": model.evaluate(x_test, y_test, verbose=0)[1]}


def with_scikit_learn(seed: int) -> dict[str, float]:
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    x_train, y_train, x_validation, y_validation, x_test, y_test = _rows()
    model = MLPClassifier((64, 64), batch_size=32, max_iter=10, alpha=0, random_state=seed)
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # ten epochs are what was asked for
        model.fit(x_train, y_train)
    model.score(x_validation, y_validation)
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "accuracy": model.score(x_test, y_test)}


def with_danqing(seed: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        subprocess.run(
            [
                *(sys.executable, "-m", "danqing", "train", "--network", "article"),
                *("--seed", str(seed), "--out", str(out)),
            ],
            check=True,
            capture_output=True,
        )
        metrics = json.loads((out / "metrics.json").read_text())
    seconds = metrics["seconds"]["compile"] + metrics["seconds"]["fit"]
    return {"seconds": seconds, "accuracy": metrics["test"]["accuracy"]}


def _rows() -> tuple[Any, ...]:
    from danqing import load_data
    from danqing.data.stratify import stratified_split
    from danqing.preparation.scaling import fit_scaling

    mnist = load_data("mnist")
    train, validation = stratified_split(mnist.y_train, 0.2)
    scaling = fit_scaling(mnist.x_train[train], "feature")

    def flat(pictures: Any) -> Any:
        return scaling.transform(pictures).reshape(len(pictures), 784).astype("float32")

    return (
        flat(mnist.x_train[train]),
        mnist.y_train[train],
        flat(mnist.x_train[validation]),
        mnist.y_train[validation],
        flat(mnist.x_test),
        mnist.y_test,
    )


def measure(way: str, seed: int) -> dict[str, float]:
    if way == "danqing":
        return with_danqing(seed)
    if way == "scikit-learn":
        return with_scikit_learn(seed)
    compiled: dict[str, Any] = {} if way == "keras" else {"steps_per_execution": 32}
    if way == "keras-jit":
        compiled["jit_compile"] = True
    return with_keras(seed, **compiled)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--one", nargs=2, metavar=("WAY", "SEED"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.one[0], int(options.one[1]))))
        return
    found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    for seed in range(options.seeds):
        for way in WAYS:
            found[way].append(measured_apart("article", "--one", way, str(seed)))
            print(f"seed {seed}  {way}: {found[way][-1]}", file=sys.stderr, flush=True)
    print("| way | seconds | times faster | test accuracy |\n| --- | ---: | ---: | ---: |")
    for way, title in WAYS.items():
        pairs = zip(found["keras"], found[way], strict=True)
        ratio = median(keras["seconds"] / other["seconds"] for keras, other in pairs)
        seconds = median(one["seconds"] for one in found[way])
        accuracy = sum(one["accuracy"] for one in found[way]) / options.seeds
        print(f"| {title} | {seconds:.1f} | {ratio:.1f} | {accuracy:.2%} |")
    write("article", {"found": found})


if __name__ == "__main__":
    main()
