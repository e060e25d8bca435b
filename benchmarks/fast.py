"""Accuracy against seconds of training: `fast`, and Keras' own small MNIST convnet.

    python -m benchmarks.fast [--seeds N] [--keras-epochs N]

Both are measured after each epoch on the same 6,000 validation rows, in one run, in turn, each in
a process of its own; the clock holds compilation, steps and validation, not imports. The figure is
the time to 99.0 % on validation. It writes results/fast.json, a picture, and prints a table.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.apart import measured_apart
from benchmarks.record import write

GOAL = 0.99
PICTURE = Path(__file__).parent.parent / "docs" / "pictures" / "fast.png"

Curve = list[tuple[float, float]]


def keras_convnet(seed: int) -> Any:
    """Give Keras' own small convnet for MNIST, compiled."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def with_keras(seed: int, epochs: int) -> dict[str, Any]:
    import keras

    from danqing import load_data
    from danqing.data.stratify import stratified_split

    mnist = load_data("mnist")
    train, validation = stratified_split(mnist.y_train, 0.1)
    x = mnist.x_train.astype("float32") / 255
    model = keras_convnet(seed)
    curve: Curve = []
    began = time.perf_counter()

    class Clock(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
            curve.append((time.perf_counter() - began, logs["val_accuracy"]))

    model.fit(
        x[train],
        mnist.y_train[train],
        128,
        epochs,
        verbose=0,
        validation_data=(x[validation], mnist.y_train[validation]),
        callbacks=[Clock()],
    )
    test = model.evaluate(mnist.x_test.astype("float32") / 255, mnist.y_test, verbose=0)
    return {"curve": curve, "test_accuracy": test[1]}


def with_danqing(seed: int) -> dict[str, Any]:
    import tempfile

    import danqing

    recipe = danqing.Recipe(network="fast", seed=seed)
    with tempfile.TemporaryDirectory() as folder:
        run = danqing.train(danqing.load_data("mnist"), recipe, Path(folder) / "run")
        clock = run.metrics["seconds"]["compile"]
        curve: Curve = []
        for row in run.history:
            clock += row["seconds"]
            curve.append((clock, row["val_accuracy"]))
        return {"curve": curve, "test_accuracy": run.metrics["test"]["accuracy"]}


def seconds_to(goal: float, curve: Curve) -> float | None:
    """Give the first time at which the goal was reached, or None."""
    return next((seconds for seconds, accuracy in curve if accuracy >= goal), None)


def draw(found: dict[str, list[dict[str, Any]]]) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7.5, 4.2), layout="constrained")
    for way, colour, title in (
        ("danqing", "#c8321e", "Danqing fast"),
        ("keras", "#1f5fa8", "Keras' small convnet"),
    ):
        for number, one in enumerate(found[way]):
            seconds, accuracy = zip(*one["curve"], strict=True)
            label = title if number == 0 else None
            percent = [100 * value for value in accuracy]
            axes.plot(seconds, percent, "o-", color=colour, label=label, markersize=4, alpha=0.85)
    axes.axhline(100 * GOAL, color="#888888", linewidth=0.8, linestyle="--")
    axes.set(
        xlabel="seconds of training, two CPU cores",
        ylabel="validation accuracy, %",
        ylim=(97, 99.8),
        xlim=(0, None),
    )
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower right")
    PICTURE.parent.mkdir(exist_ok=True)
    figure.savefig(PICTURE, dpi=160)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--keras-epochs", type=int, default=12)
    parser.add_argument("--one", nargs=2, metavar=("WAY", "SEED"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        way, seed = options.one[0], int(options.one[1])
        one = with_danqing(seed) if way == "danqing" else with_keras(seed, options.keras_epochs)
        print(json.dumps(one))
        return
    found: dict[str, list[dict[str, Any]]] = {"keras": [], "danqing": []}
    for seed in range(options.seeds):
        for way, results in found.items():
            words = ("--one", way, str(seed), "--keras-epochs", str(options.keras_epochs))
            results.append(measured_apart("fast", *words))
            print(f"seed {seed}  {way}: {results[-1]}", file=sys.stderr, flush=True)
    print("| network | seconds to 99.0 % | seconds in all | test accuracy |")
    print("| --- | ---: | ---: | ---: |")
    sooner: dict[str, float] = {}
    for way, results in found.items():
        whole = median(one["curve"][-1][0] for one in results)
        # A run that never got there took longer than it lasted: the median is a lower bound then.
        times = [seconds_to(GOAL, one["curve"]) for one in results]
        sooner[way] = median(
            one["curve"][-1][0] if seconds is None else seconds
            for one, seconds in zip(results, times, strict=True)
        )
        missed = sum(seconds is None for seconds in times)
        shown = f"{sooner[way]:.0f}" + (f" (not by {missed} of {len(times)})" if missed else "")
        accuracy = sum(one["test_accuracy"] for one in results) / len(results)
        print(f"| {way} | {shown} | {whole:.0f} | {accuracy:.2%} |")
    print(f"Danqing is there at least {sooner['keras'] / sooner['danqing']:.1f} times sooner.")
    write("fast", {"goal": GOAL, "found": found})
    draw(found)


if __name__ == "__main__":
    main()
