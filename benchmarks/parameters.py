"""Accuracy against parameters: `tiny`, and networks of its kind from 500 to 100,000 parameters.

    python -m benchmarks.parameters [--epochs 10] [--seeds 3]

Networks of the same four convolutions, narrower and wider, learn MNIST with `tiny`'s training, for
fewer epochs; `tiny` itself learns as it always does, from several seeds. Nothing was chosen by the
test split. It writes results/parameters.json and a picture, and prints a table.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks.record import write

WIDTHS = [
    (3, 4, 4, 5),
    (4, 6, 6, 8),
    (6, 8, 8, 10),
    (8, 10, 12, 12),
    (12, 16, 20, 20),
    (16, 24, 32, 32),
    (24, 40, 48, 56),
    (34, 54, 70, 78),
]
PICTURE = Path(__file__).parent.parent / "docs" / "pictures" / "parameters.png"


def spec(widths: tuple[int, ...]) -> str:
    words = [f"conv({filters},3,valid)-batchnorm-relu" for filters in widths]
    return "-".join([words[0], "pool", words[1], words[2], "pool", words[3], "globalpool"])


def measure(**settings: Any) -> dict[str, Any]:
    import danqing

    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        recipe = danqing.Recipe(**settings)
        run = danqing.train(danqing.load_data("mnist"), recipe, Path(folder) / "run")
        return {
            "network": settings["network"],
            "parameters": run.metrics["parameters"],
            "test_accuracy": run.metrics["test"]["accuracy"],
            "ci95": run.metrics["test"]["accuracy_ci95"],
            "seconds": round(time.perf_counter() - began, 1),
        }


def draw(curve: list[dict[str, Any]], tiny: list[dict[str, Any]]) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7.5, 4.2), layout="constrained")
    counts = [one["parameters"] for one in curve]
    values = [100 * one["test_accuracy"] for one in curve]
    below = [100 * (one["test_accuracy"] - one["ci95"][0]) for one in curve]
    above = [100 * (one["ci95"][1] - one["test_accuracy"]) for one in curve]
    axes.errorbar(
        counts,
        values,
        [below, above],
        fmt="o-",
        color="#1f5fa8",
        capsize=3,
        label="four convolutions",
    )
    axes.plot(
        [one["parameters"] for one in tiny],
        [100 * one["test_accuracy"] for one in tiny],
        "D",
        color="#c8321e",
        label="the preset tiny",
    )
    axes.set(xscale="log", xlabel="parameters", ylabel="accuracy on MNIST's test pictures, %")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower right")
    figure.savefig(PICTURE, dpi=160)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    from danqing.recipe.presets import defaults_for

    training = {**defaults_for("tiny"), "epochs": options.epochs}
    print("| network | parameters | test accuracy | 95 % interval | seconds |")
    print("| --- | ---: | ---: | --- | ---: |")

    def told(one: dict[str, Any]) -> dict[str, Any]:
        low, high = one["ci95"]
        print(
            f"| {one['network']} | {one['parameters']:,} | {one['test_accuracy']:.2%} | "
            f"{low:.2%} to {high:.2%} | {one['seconds']:.0f} |",
            flush=True,
        )
        return one

    curve = [told(measure(network=spec(widths), **training)) for widths in WIDTHS]
    tiny = [told(measure(network="tiny", seed=seed)) for seed in range(options.seeds)]
    print(f"tiny: mean {mean(one['test_accuracy'] for one in tiny):.2%}")
    write("parameters", {"curve": curve, "tiny": tiny})
    draw(curve, tiny)


if __name__ == "__main__":
    main()
