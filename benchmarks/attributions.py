"""Do explanations mean anything? Measured on a run of MNIST: its own checks, on many pictures.

    danqing train --out runs/fast && python -m benchmarks.attributions --run runs/fast

Completeness, deletion and insertion against a random map and an edge filter, rank correlation
after randomisation, a planted mark, and speed. The method that is shown first was chosen by the
validation rows; the figures are of the test rows.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.record import write
from danqing.prediction.predictor import Predictor

Array = NDArray[Any]


def interval(values: Array) -> list[float]:
    """Give mean and 95 % interval of the mean, by the normal approximation."""
    mean = float(values.mean())
    half = 1.96 * float(values.std(ddof=1)) / np.sqrt(len(values))
    return [mean, mean - half, mean + half]


def areas(run: Any, network: Any, x: Array, methods: tuple[str, ...]) -> dict[str, Any]:
    """Compare deletion and insertion of each method, paired, with a random and an edge map."""
    from danqing.explanation.attributions.baselines import baselines_for
    from danqing.explanation.attributions.methods import attribute
    from danqing.explanation.sanity_checks import deletion_and_insertion, edge_maps, random_maps

    baselines = baselines_for(x, run.preparation)
    targets = Predictor(run).predict_examples(x).argmax(axis=1)

    def kept(changed: Array, rows: Array) -> Array:
        return np.asarray(
            Predictor(run).predict_examples(changed)[np.arange(len(rows)), targets[rows]]
        )

    maps: dict[str, Array] = {"random": random_maps(x.shape[:3]), "edges": edge_maps(x)}
    for method in methods:
        maps[method] = attribute(method, network, x, baselines, targets)
    curves = {name: deletion_and_insertion(kept, x, baselines, m) for name, m in maps.items()}
    found: dict[str, Any] = {}
    for name, curve in curves.items():
        found[name] = {
            "deletion": interval(curve.deletion_areas),
            "insertion": interval(curve.insertion_areas),
        }
        for other in ("random", "edges"):
            if name not in ("random", "edges"):
                found[name][f"deletion below {other}"] = interval(
                    curves[other].deletion_areas - curve.deletion_areas
                )
                found[name][f"insertion above {other}"] = interval(
                    curve.insertion_areas - curves[other].insertion_areas
                )
    return found


def completeness(run: Any, network: Any, x: Array) -> dict[str, Any]:
    from danqing.explanation.attributions.baselines import baselines_for
    from danqing.explanation.attributions.gradients import integrated_gradients

    targets = Predictor(run).predict_examples(x).argmax(axis=1)
    found = integrated_gradients(network, x, baselines_for(x, run.preparation), targets)
    steps, counts = np.unique(found.steps, return_counts=True)
    return {
        "pictures": len(x),
        "largest gap": float(found.gaps.max()),
        "within 1 %": int((found.gaps <= 0.01).sum()),
        "steps": {int(s): int(c) for s, c in zip(steps, counts, strict=True)},
    }


def randomised(run: Any, network: Any, x: Array, methods: tuple[str, ...]) -> dict[str, Any]:
    from danqing.explanation.attributions.baselines import baselines_for
    from danqing.explanation.attributions.methods import attribute
    from danqing.explanation.sanity_checks import randomised_correlations

    baselines, targets = (
        baselines_for(x, run.preparation),
        Predictor(run).predict_examples(x).argmax(axis=1),
    )
    maps = {m: attribute(m, network, x, baselines, targets) for m in methods}
    found = randomised_correlations(network, maps, x, baselines, targets, seeds=range(5))
    return {method: interval(values) for method, values in found.items()}


def speed(run: Any, network: Any, x: Array) -> dict[str, float]:
    """Time 100 maps of 64 steps: the first call compiles."""
    from danqing.explanation.attributions.baselines import baselines_for
    from danqing.explanation.attributions.gradients import integrated_gradients

    targets, baselines = (
        Predictor(run).predict_examples(x).argmax(axis=1),
        baselines_for(x, run.preparation),
    )
    seconds = []
    for _ in range(2):
        began = time.perf_counter()
        integrated_gradients(network, x, baselines, targets, steps=64, tolerance=np.inf)
        seconds.append(time.perf_counter() - began)
    return {"first": seconds[0], "again": seconds[1]}


def planted(x: Array, seed: int) -> tuple[Array, Array, Array]:
    """Draw a white square of 3 x 3 into a corner of each picture: the corner alone is the class.

    Give pictures, classes (0 to 3) and the square's pixels, shape (n, height, width).
    """
    random = np.random.default_rng(seed)
    x, labels = x.copy(), random.integers(0, 4, len(x))
    squares = np.zeros(x.shape[:3], bool)
    for row, label in enumerate(labels):
        top, left = random.integers(0, 5, 2) + 20 * np.array([label // 2, label % 2])
        x[row, top : top + 3, left : left + 3, 0] = 255
        squares[row, top : top + 3, left : left + 3] = True
    return x, labels.astype(np.int64), squares


def planted_shapes(x: Array, seed: int) -> tuple[Array, Array, Array]:
    """Draw a plus or a cross of 5 x 5 anywhere, also over strokes of its kind: far harder."""
    random = np.random.default_rng(seed)
    x, labels = x.copy(), random.integers(0, 2, len(x))
    squares = np.zeros(x.shape[:3], bool)
    shapes = np.zeros((2, 5, 5), np.uint8)
    shapes[0, 2, :] = shapes[0, :, 2] = 255
    shapes[1] = 255 * (np.eye(5, dtype=np.uint8) | np.eye(5, dtype=np.uint8)[::-1])
    for row, label in enumerate(labels):
        top, left = random.integers(0, 28 - 5, 2)
        x[row, top : top + 5, left : left + 5, 0] = shapes[label]
        squares[row, top : top + 5, left : left + 5] = True
    return x, labels.astype(np.int64), squares


def finds_planted(plant: Callable[..., Any], methods: tuple[str, ...]) -> dict[str, float]:
    """Train on marked digits; give the share of maps whose strongest pixel lies on the mark."""
    from danqing import Recipe, load_data
    from danqing.data.dataset import Dataset
    from danqing.explanation.attributions.baselines import baselines_for
    from danqing.explanation.attributions.load_network import load_network
    from danqing.explanation.attributions.methods import attribute
    from danqing.explanation.sanity_checks import edge_maps
    from danqing.training.train import train

    mnist = load_data("mnist")
    x, y, _ = plant(mnist.x_train[:10_000], 0)
    x_test, y_test, squares = plant(mnist.x_test[:1000], 1)
    names = tuple(map(str, range(y.max() + 1)))
    dataset = Dataset("marks", "", x, y, x_test, y_test, names)
    recipe = Recipe(network="fast", epochs=3, affine=0.0)
    with tempfile.TemporaryDirectory() as folder:
        run = train(dataset, recipe, Path(folder) / "run")
        network = load_network(run)
        predicted = Predictor(run).predict_examples(x_test).argmax(axis=1)
    pictures = x_test.astype(np.float32)
    baselines = baselines_for(pictures, run.preparation)
    maps = {"edges": edge_maps(x_test)}
    for method in methods:
        maps[method] = np.asarray(attribute(method, network, pictures, baselines, predicted))
    found = {"accuracy": float((predicted == y_test).mean())}
    on_mark = squares.reshape(len(x_test), -1)
    for name, values in maps.items():
        strongest = values.reshape(len(x_test), -1).argmax(axis=1)
        found[name] = float(on_mark[np.arange(len(x_test)), strongest].mean())
    return found


def show(title: str, found: dict[str, Any]) -> None:
    print(f"\n{title}")
    print("| map | deletion area | insertion area | against random | against edges |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name, figures in found.items():
        cells = [f"{figures[kind][0]:.3f}" for kind in ("deletion", "insertion")]
        for other in ("random", "edges"):
            kinds = (f"deletion below {other}", f"insertion above {other}")
            gains = [figures[kind] for kind in kinds if kind in figures]
            cells.append(
                ", ".join(f"{m:+.3f} ({low:+.3f} to {high:+.3f})" for m, low, high in gains)
            )
        print(f"| {name} | {' | '.join(cells)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", required=True, help="a run of MNIST with the preset fast")
    parser.add_argument("--pictures", type=int, default=1000)
    options = parser.parse_args()

    from danqing.evaluation.own_data import own_splits
    from danqing.explanation.attributions.load_network import load_network
    from danqing.explanation.attributions.methods import DEFAULT_METHOD, methods_for
    from danqing.runs.run_folder import load_run

    run = load_run(options.run)
    network, splits = load_network(run), own_splits(run)
    methods = methods_for(network)

    def some(subset: Any, count: int) -> Array:
        return np.asarray(subset.x[subset.rows[:count]], np.float32)

    test = some(splits.test, options.pictures)
    results: dict[str, Any] = {"network": run.config["network"], "default": DEFAULT_METHOD}
    results["seconds for 100 maps of 64 steps"] = speed(run, network, test[:100])
    print(f"100 integrated-gradients maps, 64 steps: {results[list(results)[-1]]}", flush=True)
    results["completeness"] = completeness(run, network, test)
    print(f"completeness: {results['completeness']}", flush=True)
    results["validation"] = areas(run, network, some(splits.validation, 500), methods)
    show("500 validation pictures, to choose by", results["validation"])
    results["test"] = areas(run, network, test, (DEFAULT_METHOD,))
    show(f"{len(test)} test pictures", results["test"])
    results["rank correlation after randomisation"] = randomised(
        run, network, some(splits.test, 200), methods
    )
    print("\n| map | rank correlation after randomisation |\n| --- | ---: |")
    for method, (mean, low, high) in results["rank correlation after randomisation"].items():
        print(f"| {method} | {mean:+.3f} ({low:+.3f} to {high:+.3f}) |", flush=True)
    for title, plant in (("corner", planted), ("shape, anywhere", planted_shapes)):
        results[f"planted mark: {title}"] = finds_planted(plant, methods)
        print(f"\nplanted mark, {title}: {results[f'planted mark: {title}']}", flush=True)
    write("attributions", results)


if __name__ == "__main__":
    main()
