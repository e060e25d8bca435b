"""Danqing's estimators on scikit-learn's built-in sets, beside other ways, on the same splits.

    python -m benchmarks.tables [--seeds N] [--folds]

20 % of each set are held out, five times (seeds 0 to 4, stratified by class); each way learns from
the rest with its own defaults. Plain Keras is the classic network (64-64, Adam, batch 32) on
standardised rows, for 10 epochs as it is usually printed and for 100. `--folds` gives Danqing's
accuracy on `digits` over 10 shuffled stratified folds instead. Figures: accuracy, for diabetes R2;
seconds of fitting. It writes results/tables.json (or folds.json) and prints a table.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable
from statistics import mean, stdev
from typing import Any

import numpy as np

from benchmarks.record import write

SETS = ("iris", "wine", "breast-cancer", "digits", "diabetes")
WAYS = ("Danqing", "Keras, 10 epochs", "Keras, 100 epochs", "scikit-learn MLP", "gradient boosting")


def rows_of(name: str) -> tuple[Any, Any]:
    from sklearn import datasets

    return getattr(datasets, f"load_{name.replace('-', '_')}")(return_X_y=True)  # type: ignore[no-any-return]


def with_danqing(name: str, x: Any, y: Any, seed: int) -> Callable[[Any], Any]:
    from danqing import DanqingClassifier, DanqingRegressor

    if name == "diabetes":
        return DanqingRegressor(random_state=seed).fit(x, y).predict
    if name == "digits":  # pictures, as `danqing train digits` takes them
        model = DanqingClassifier(random_state=seed).fit(pictures(x), y)
        return lambda rows: model.predict(pictures(rows))
    return DanqingClassifier(random_state=seed).fit(x, y).predict


def pictures(rows: Any) -> Any:
    return (rows.reshape(-1, 8, 8, 1) * 255 / 16).round().astype(np.uint8)


def with_keras(name: str, x: Any, y: Any, seed: int, epochs: int) -> Callable[[Any], Any]:
    import keras
    from sklearn.preprocessing import StandardScaler

    keras.utils.set_random_seed(seed)
    scaler = StandardScaler().fit(x)
    number = name == "diabetes"
    outputs = 1 if number else int(y.max()) + 1
    centre, spread = (y.mean(), y.std()) if number else (0, 1)
    model = keras.Sequential(
        [
            keras.Input((x.shape[1],)),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(outputs, activation=None if number else "softmax"),
        ]
    )
    model.compile("adam", "mse" if number else "sparse_categorical_crossentropy")
    model.fit(scaler.transform(x), (y - centre) / spread, 32, epochs, verbose=0)

    def predict(rows: Any) -> Any:
        predictions = model.predict(scaler.transform(rows), verbose=0)
        return predictions[:, 0] * spread + centre if number else predictions.argmax(axis=1)

    return predict


def with_scikit_learn(name: str, x: Any, y: Any, seed: int, boosting: bool) -> Callable[[Any], Any]:
    from sklearn import ensemble, neural_network
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    kind = "Regressor" if name == "diabetes" else "Classifier"
    if boosting:
        model = getattr(ensemble, f"HistGradientBoosting{kind}")(random_state=seed)
    else:
        model = getattr(neural_network, f"MLP{kind}")(random_state=seed)
        model = make_pipeline(StandardScaler(), model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the MLP has not converged is its defaults' matter
        return model.fit(x, y).predict  # type: ignore[no-any-return]


def fitted(way: str, name: str, x: Any, y: Any, seed: int) -> Callable[[Any], Any]:
    if way == "Danqing":
        return with_danqing(name, x, y, seed)
    if way.startswith("Keras"):
        return with_keras(name, x, y, seed, int(way.split()[1]))
    return with_scikit_learn(name, x, y, seed, boosting=way == "gradient boosting")


def score(name: str, predictions: Any, y: Any) -> float:
    from sklearn.metrics import accuracy_score, r2_score

    return float((r2_score if name == "diabetes" else accuracy_score)(y, predictions))


def compare(seeds: int) -> dict[str, Any]:
    from sklearn.model_selection import train_test_split

    found: dict[str, Any] = {}
    for name in SETS:
        x, y = rows_of(name)
        for seed in range(seeds):
            stratify = None if name == "diabetes" else y
            x_train, x_test, y_train, y_test = train_test_split(
                x, y, test_size=0.2, random_state=seed, stratify=stratify
            )
            for way in WAYS:
                began = time.perf_counter()
                predict = fitted(way, name, x_train, y_train, seed)
                seconds = time.perf_counter() - began
                one = {"score": score(name, predict(x_test), y_test), "seconds": seconds}
                found.setdefault(name, {}).setdefault(way, []).append(one)
                print(f"{name} seed {seed} {way}: {one}", file=sys.stderr, flush=True)
    return found


def folds() -> list[float]:
    from sklearn.model_selection import StratifiedKFold

    x, y = rows_of("digits")
    found = []
    for train, test in StratifiedKFold(10, shuffle=True, random_state=0).split(x, y):
        predict = with_danqing("digits", x[train], y[train], 0)
        found.append(score("digits", predict(x[test]), y[test]))
        print(f"fold {len(found)}: {found[-1]:.4f}", file=sys.stderr, flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--folds", action="store_true")
    options = parser.parse_args()
    if options.folds:
        accuracies = folds()
        print(f"digits, 10 folds: {mean(accuracies):.2%}")
        write("folds", {"digits": accuracies})
        return
    found = compare(options.seeds)
    print("| way | " + " | ".join(SETS) + " |")
    print("| --- |" + " ---: |" * len(SETS))
    for way in WAYS:
        cells = []
        for name in SETS:
            scores = [one["score"] for one in found[name][way]]
            spread = stdev(scores) if len(scores) > 1 else 0.0
            seconds = mean(one["seconds"] for one in found[name][way])
            cells.append(f"{100 * mean(scores):.1f} ± {100 * spread:.1f} ({seconds:.1f} s)")
        print(f"| {way} | " + " | ".join(cells) + " |")
    write("tables", {"found": found})


if __name__ == "__main__":
    main()
