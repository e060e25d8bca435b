"""`danqing train`: parse, call, print."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from danqing.apps.cli.progress import Curve, Lines, say, say_warnings
from danqing.errors import RecipeError

if TYPE_CHECKING:
    from danqing.data.dataset import Dataset
    from danqing.runs.run_folder import RunFolder

__all__ = ["train"]


def train(
    source: Annotated[
        str,
        typer.Argument(
            help="Data to learn from: a name such as mnist (bundled), digits or iris; a folder of "
            "pictures in class folders, a zip or tar of one; IDX, npz, CSV or Parquet files."
        ),
    ] = "mnist",
    network: Annotated[
        str | None,
        typer.Option(
            metavar="SPEC",
            help="Preset (fast, best, tiny, article) or a spec such as 'dense(64)-dense(64)'.",
        ),
    ] = None,
    ensemble: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Train so many networks side by side; the answer is their mean."
        ),
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes through the training rows.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Rows a step.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Step size; a peak.")] = None,
    optimizer: Annotated[
        str | None, typer.Option(help="gradient-descent, momentum, adam, adamw, muon.")
    ] = None,
    schedule: Annotated[str | None, typer.Option(help="constant, cosine or one-cycle.")] = None,
    loss: Annotated[str | None, typer.Option(help="cross-entropy or mean-squared-error.")] = None,
    target: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The column of a table to predict.")
    ] = None,
    task: Annotated[
        str | None, typer.Option(help="classification or regression, if not as the target says.")
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(
            help="Time for the whole job: the schedule comes down in it, testing is in it."
        ),
    ] = None,
    cores: Annotated[int | None, typer.Option(help="Use so many of the machine's cores.")] = None,
    seed: Annotated[int | None, typer.Option(help="Start of all randomness.")] = None,
    recipe: Annotated[
        Path | None, typer.Option(metavar="FILE.toml", help="Settings from a file.")
    ] = None,
    base: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="RUN", help="Train on from a finished run's network and weights."
        ),
    ] = None,
    labels_per_class: Annotated[
        int | None,
        typer.Option(
            metavar="K",
            help="Keep the labels of only K training pictures a class, to study how few are "
            "enough; the others are learned from without.",
        ),
    ] = None,
    unlabelled: Annotated[
        str | None,
        typer.Option(
            metavar="SOURCE",
            help="Pictures to learn from, too, without labels: a folder of pictures, or any "
            "source; labels in it are not used.",
        ),
    ] = None,
    teacher: Annotated[
        Path | None,
        typer.Option(metavar="RUN", help="Learn a finished run's answers in place of the labels."),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="New folder for the run.")] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on in --out where it was broken off; else start there."),
    ] = False,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Also write logs for TensorBoard.")
    ] = False,
    live: Annotated[
        bool, typer.Option("--live", help="Draw loss and validation in the terminal.")
    ] = False,
) -> None:
    """Train a network, measure it, and print the folder of its run."""
    if resume and out is None:
        raise RecipeError("--resume: needs the folder to go on in; add --out DIR")
    if cores is not None:
        from danqing.training.threads import limit_cores

        limit_cores(cores)
    say_warnings()

    from danqing.recipe.recipe import Recipe

    given: dict[str, Any] = {
        "network": network,
        "ensemble": ensemble,
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "optimizer": optimizer,
        "schedule": schedule,
        "loss": loss,
        "minutes": minutes,
        "labels_per_class": labels_per_class,
        "seed": seed,
    }
    given = {name: value for name, value in given.items() if value is not None}
    chosen = Recipe.from_file(recipe, **given) if recipe else Recipe(**given)

    from danqing.data.sources import load_data
    from danqing.training.train import train as run_training

    began = time.perf_counter()
    dataset = load_data(source, target=target, task=task, progress=_reading)
    load_seconds = time.perf_counter() - began
    say(_description(dataset))
    run = run_training(
        dataset,
        chosen,
        out,
        resume=resume,
        base=base,
        unlabelled=unlabelled,
        teacher=teacher,
        tensorboard=tensorboard,
        progress=Curve(dataset.task) if live and sys.stderr.isatty() else Lines(dataset.task),
        load_seconds=load_seconds,
        started=time.perf_counter() - _process_age(),
        owns_process=True,
    )
    _summary(run)
    print(run.folder)


def _description(dataset: Dataset) -> str:
    kind = "rows" if dataset.tabular else "pictures"
    classes = f"{len(dataset.class_names)} classes" if dataset.class_names else "a number to tell"
    parts = f"{len(dataset.y_train):,} {kind} to learn from"
    if len(dataset.y_test):
        parts += f", {len(dataset.y_test):,} to test with"
    removed = "".join(f"; left out: {count} {why}" for why, count in dataset.removed.items())
    return f"{dataset.name}: {parts}; {classes}{removed}"


def _reading(done: int, total: int) -> None:
    if sys.stderr.isatty():
        end = "\r\x1b[K" if done == total else ""
        print(f"\rreading {done:,} of {total:,}{end}", end="", file=sys.stderr, flush=True)


def _summary(run: RunFolder) -> None:
    test, seconds, counts = run.metrics["test"], run.metrics["seconds"], run.data["counts"]
    if "unlabelled" in counts:
        say(
            f"learned from {counts['train']:,} pictures with labels and "
            f"{counts['unlabelled']:,} without"
        )
    if run.task == "regression":
        explained = "undefined" if test["r2"] is None else f"{test['r2']:.3f}"
        figure = f"test R2 {explained}, mean error {test['mae']:.4g}"
    else:
        low, high = test["accuracy_ci95"]
        figure = (
            f"test accuracy {test['accuracy']:.2%} (95 % interval {low:.2%} to {high:.2%}), "
            f"loss {test['loss']:.4f}"
        )
    say(
        f"{figure}, on {test['n']:,} never seen before; "
        f"network {f'{run.members} times ' * (run.members > 1)}{run.network['spec']}; "
        f"{seconds['fit'] + seconds['compile']:.1f} s of training, {seconds['total']:.1f} s in all"
    )


def _process_age() -> float:
    """Seconds since this process began; where the system doesn't tell, since Python's clock did."""
    try:
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        import os

        return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, AttributeError, ValueError, IndexError):
        return time.process_time()
