"""Accuracy on test pictures made worse in eight ways: `article`, Keras' convnet, `fast`, `best`.

    python -m benchmarks.corruptions [--runs FOLDER...]

All 10,000 test pictures of MNIST, at five strengths each (`danqing.evaluation.corruptions`): the
same corrupted pictures for every network. None was trained on any of them; `fast` and `best` see
small warps in training, which shifts and rotations resemble, and pictures of less contrast or with
noise. Networks are trained here, Keras' convnet for 12 epochs, unless finished runs of them are
named. It writes results/corruptions.json and prints the mean over the five strengths, in %.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.fast import keras_convnet
from benchmarks.record import write
from danqing.data.catalog.mnist import load_mnist
from danqing.evaluation.corruptions import STRENGTHS, corrupt

PRESETS = ("article", "fast", "best")
EPOCHS = 12

Predict = Callable[[NDArray[np.uint8]], NDArray[np.int64]]


def keras_predictor() -> Predict:
    mnist = load_mnist()
    model = keras_convnet(seed=0)
    model.fit(mnist.x_train.astype("float32") / 255, mnist.y_train, 128, EPOCHS, verbose=0)

    def predict(pictures: NDArray[np.uint8]) -> NDArray[np.int64]:
        outputs = model.predict(pictures.astype("float32") / 255, batch_size=1000, verbose=0)
        return np.asarray(outputs.argmax(axis=1))

    return predict


def danqing_predictor(preset: str, folder: Path | None) -> Predict:
    import danqing

    if folder is None:
        folder = Path(tempfile.mkdtemp()) / preset
        danqing.train(danqing.load_data("mnist"), danqing.Recipe(network=preset), folder)
    run = danqing.load_run(folder)
    return lambda pictures: np.asarray(run.predict_proba(pictures).argmax(axis=1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", nargs="*", type=Path, default=[], help="finished runs of presets")
    options = parser.parse_args()
    import danqing

    folders = {danqing.load_run(folder).config["network"]: folder for folder in options.runs}
    predictors: dict[str, Predict] = {
        preset: danqing_predictor(preset, folders.get(preset)) for preset in PRESETS
    }
    predictors["Keras' convnet"] = keras_predictor()
    mnist = load_mnist()
    found: dict[str, dict[str, Any]] = {name: {} for name in predictors}
    for name, predict in predictors.items():
        found[name]["none"] = float((predict(mnist.x_test) == mnist.y_test).mean())
    for kind in STRENGTHS:
        worse = [corrupt(mnist.x_test, kind, level) for level in range(len(STRENGTHS[kind]))]
        for name, predict in predictors.items():
            found[name][kind] = [float((predict(x) == mnist.y_test).mean()) for x in worse]
        print(kind, {name: found[name][kind] for name in predictors}, file=sys.stderr, flush=True)
    names = ["article", "Keras' convnet", "fast", "best"]
    print(f"| pictures made worse by | {' | '.join(names)} |")
    print("| --- |" + " ---: |" * len(names))
    for kind in ("none", *STRENGTHS):
        figures = " | ".join(f"{100 * np.mean(found[name][kind]):.1f}" for name in names)
        print(f"| {kind} | {figures} |")
    means = [np.mean([found[name][kind] for kind in STRENGTHS]) for name in names]
    print(f"| all | {' | '.join(f'{100 * mean:.1f}' for mean in means)} |")
    write("corruptions", {"strengths": STRENGTHS, "accuracy": found})


if __name__ == "__main__":
    main()
