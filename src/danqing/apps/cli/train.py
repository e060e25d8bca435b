"""`danqing train`: parse, call, print."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from danqing.runs.run import Run
    from danqing.training.loop import Progress

__all__ = ["train"]


def train(
    source: Annotated[str, typer.Argument(help="Data to learn from: mnist (bundled).")] = "mnist",
    network: Annotated[
        str | None,
        typer.Option(
            metavar="SPEC", help="Preset (fast, article) or a spec such as 'dense(64)-dense(64)'."
        ),
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes through the training rows.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Rows a step.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Step size; a peak.")] = None,
    optimizer: Annotated[
        str | None, typer.Option(help="gradient-descent, momentum, adam or adamw.")
    ] = None,
    schedule: Annotated[str | None, typer.Option(help="constant, cosine or one-cycle.")] = None,
    loss: Annotated[str | None, typer.Option(help="cross-entropy or mean-squared-error.")] = None,
    seed: Annotated[int | None, typer.Option(help="Start of all randomness.")] = None,
    recipe: Annotated[
        Path | None, typer.Option(metavar="FILE.toml", help="Settings from a file.")
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="New folder for the run.")] = None,
) -> None:
    """Train a network, measure it, and print the folder of its run."""
    from danqing.recipe.recipe import Recipe

    given: dict[str, Any] = {
        "network": network,
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "optimizer": optimizer,
        "schedule": schedule,
        "loss": loss,
        "seed": seed,
    }
    given = {name: value for name, value in given.items() if value is not None}
    chosen = Recipe.from_file(recipe, **given) if recipe else Recipe(**given)

    from danqing.data.sources import load_data
    from danqing.networks.architecture import design
    from danqing.training.threads import use_one_thread
    from danqing.training.train import train as run_training

    began = time.perf_counter()
    dataset = load_data(source)
    load_seconds = time.perf_counter() - began
    _say(
        f"{dataset.name}: {len(dataset.x_train):,} pictures to learn from, "
        f"{len(dataset.x_test):,} to test with; network {chosen.network}: {chosen.spec}"
    )
    if not design(chosen.spec, dataset.input_shape, len(dataset.class_names)).convolutional:
        use_one_thread()
    run = run_training(
        dataset,
        chosen,
        out,
        progress=_Lines(),
        load_seconds=load_seconds,
        started=time.perf_counter() - _process_age(),
    )
    _summary(run)
    print(run.folder)


class _Lines:
    """Progress on standard error: a line an epoch, alive where there is a terminal."""

    def __init__(self) -> None:
        self._alive = sys.stderr.isatty()

    def __call__(self, progress: Progress) -> None:
        left = f"{progress.seconds_left // 60:.0f}:{progress.seconds_left % 60:02.0f} left"
        where = f"epoch {progress.epoch:>{len(str(progress.epochs))}}/{progress.epochs}"
        report = progress.finished
        if report is None:
            if self._alive:
                share = progress.step / progress.steps
                print(f"\r{where}  {share:4.0%}  {left}\x1b[K", end="", file=sys.stderr, flush=True)
            return
        start = "\r\x1b[K" if self._alive else ""
        _say(
            f"{start}{where}  {report.seconds:5.1f} s  loss {report.loss:.4f}  "
            f"accuracy {report.accuracy:.2%}  validation {report.val_accuracy:.2%}  {left}"
        )


def _summary(run: Run) -> None:
    test, seconds = run.metrics["test"], run.metrics["seconds"]
    low, high = test["accuracy_ci95"]
    _say(
        f"test accuracy {test['accuracy']:.2%} (95 % interval {low:.2%} to {high:.2%}), "
        f"loss {test['loss']:.4f}, on {test['n']:,} pictures never seen before; "
        f"{seconds['fit'] + seconds['compile']:.1f} s of training, {seconds['total']:.1f} s in all"
    )


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _process_age() -> float:
    """Seconds since this process began; where the system doesn't tell, since Python's clock did."""
    try:
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        import os

        return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, AttributeError, ValueError, IndexError):
        return time.process_time()
