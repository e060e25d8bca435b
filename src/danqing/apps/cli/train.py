"""`danqing train`: parse, call, print."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from danqing.apps.cli.console import is_terminal, printable
from danqing.apps.cli.options import ColumnOption, TargetOption, TaskOption, column_types
from danqing.apps.cli.progress import Curve, Lines, say, say_warnings
from danqing.errors import RecipeError

if TYPE_CHECKING:
    from danqing.data.dataset import Dataset
    from danqing.runs.run_folder import RunFolder

__all__ = ["train"]

_RARE = 3  # times smaller than the largest class,
_NAMED = 3  # of which so many are named


def train(
    source: Annotated[
        str,
        typer.Argument(
            help="Data set by name, such as mnist (bundled), digits or iris; folder with one "
            "subfolder of pictures per class, or a zip or tar of one; IDX, npz, CSV, TSV or "
            "Parquet file."
        ),
    ] = "mnist",
    network: Annotated[
        str | None,
        typer.Option(
            metavar="SPEC",
            help="Preset (fast, best, tiny, article), or a network in words, such as "
            "'dense(64)-dense(64)'.  [default: fast]",
        ),
    ] = None,
    ensemble: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Number of networks to train side by side and average.  [default: 1]"
        ),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(metavar="N", help="Passes through the training set.")
    ] = None,
    batch_size: Annotated[int | None, typer.Option(metavar="N", help="Batch size.")] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option(metavar="R", help="Learning rate (the peak, with a schedule)."),
    ] = None,
    optimizer: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Optimizer: gradient-descent, momentum, adam, adamw or muon."
        ),
    ] = None,
    schedule: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Learning-rate schedule: constant, cosine or one-cycle."),
    ] = None,
    loss: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Loss: cross-entropy or mean-squared-error."),
    ] = None,
    target: TargetOption = None,
    column: ColumnOption = None,
    task: TaskOption = None,
    minutes: Annotated[
        float | None,
        typer.Option(
            metavar="M",
            help="Time budget for the whole job, evaluation included; the schedule fits into it.",
        ),
    ] = None,
    cores: Annotated[
        int | None, typer.Option(metavar="N", help="CPU cores to use.  [default: all]")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(metavar="N", help="Random seed.  [default: 0]")
    ] = None,
    recipe: Annotated[
        Path | None,
        typer.Option(metavar="FILE.toml", help="Read settings from a file; options override them."),
    ] = None,
    base: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="RUN",
            help="Start from a finished run's weights: fine-tune it or, for other classes or "
            "another target, transfer its layers and learn a new output layer.",
        ),
    ] = None,
    labels_per_class: Annotated[
        int | None,
        typer.Option(
            metavar="K",
            help="Keep only K labels per class and treat the other training pictures as "
            "unlabelled, to study how few are enough.",
        ),
    ] = None,
    unlabelled: Annotated[
        str | None,
        typer.Option(
            metavar="SOURCE",
            help="Also learn from these pictures without labels: a folder of pictures, or any "
            "source, whose labels are ignored.",
        ),
    ] = None,
    teacher: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN",
            help="Distil a finished run: learn its predictions in place of the labels.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="New folder for the run.  [default: runs/<time>-<source>-<network>]",
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Resume the run in --out; start it if there is none.")
    ] = False,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Also write event logs for TensorBoard.")
    ] = False,
    live: Annotated[
        bool,
        typer.Option("--live", help="Draw loss and validation score in the terminal."),
    ] = False,
) -> None:
    """Train a network, evaluate it, and print its run folder.

    Settings that are not given suit the kind and size of the data.
    """
    if resume and out is None:
        raise RecipeError("--resume: expected the folder of the run to resume; add --out DIR")
    if cores is not None:
        from danqing.training.threads import limit_cores

        limit_cores(cores)
    say_warnings()
    columns = column_types(column)

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
    from danqing.training.semi_supervised.unlabelled import read_unlabelled
    from danqing.training.train import train as run_training

    began = time.perf_counter()
    dataset = load_data(source, target=target, task=task, columns=columns, progress=_reading)
    load_seconds = time.perf_counter() - began
    say(_description(dataset))
    pictures = None if unlabelled is None else read_unlabelled(unlabelled, dataset)
    run = run_training(
        dataset,
        chosen,
        out,
        resume=resume,
        base=base,
        unlabelled=pictures,
        teacher=teacher,
        tensorboard=tensorboard,
        progress=Curve(dataset.task) if live and _can_draw() else Lines(dataset.task),
        load_seconds=load_seconds,
        started=time.perf_counter() - _process_age(),
        owns_process=True,
    )
    _summary(run)
    print(run.folder)


def _can_draw() -> bool:
    return is_terminal(sys.stderr) and printable("▁█", sys.stderr)


def _description(dataset: Dataset) -> str:
    kind = "rows" if dataset.tabular else "pictures"
    counts = f"{len(dataset.y_train):,} {kind}"
    if len(dataset.y_test):
        counts = f"{len(dataset.y_train):,} training {kind}, {len(dataset.y_test):,} test {kind}"
    task = f"{len(dataset.class_names)} classes" if dataset.class_names else "regression"
    removed = "".join(f"; left out: {count} {why}" for why, count in dataset.removed.items())
    return f"{dataset.name}: {counts}; {task}{removed}"


def _reading(done: int, total: int) -> None:
    if is_terminal(sys.stderr):
        end = "\r\x1b[K" if done == total else ""
        print(f"\rreading {done:,} of {total:,}{end}", end="", file=sys.stderr, flush=True)


def _summary(run: RunFolder) -> None:
    test, seconds, counts = run.metrics["test"], run.metrics["seconds"], run.data["counts"]
    if "unlabelled" in counts:
        say(
            f"trained on {counts['train']:,} labelled and {counts['unlabelled']:,} unlabelled "
            "pictures"
        )
    if run.task == "regression":
        explained = "undefined" if test["r2"] is None else f"{test['r2']:.3f}"
        scores = f"test R2 {explained}, mean absolute error {test['mae']:.4g}"
    else:
        low, high = test["accuracy_ci95"]
        scores = (
            f"test accuracy {test['accuracy']:.2%} (95 % interval {low:.2%} to {high:.2%}), "
            f"loss {test['loss']:.4f}"
        )
        rare = _recall_of_rare_classes(test["per_class"])
        if rare:
            say(rare)
    say(
        f"{scores}, on {test['n']:,} test examples; "
        f"network {f'{run.members} x ' * (run.members > 1)}{run.network['spec']}; "
        f"{seconds['fit'] + seconds['compile']:.1f} s training, {seconds['total']:.1f} s in total"
    )


def _recall_of_rare_classes(per_class: list[dict[str, Any]]) -> str:
    """Say how many of the rare classes' test examples are found; nothing if no class is rare."""
    measured = [row for row in per_class if row["n"]]
    largest = max(row["n"] for row in measured)
    rare = [row for row in measured if row["n"] * _RARE <= largest]
    if not rare:
        return ""
    worst = sorted(rare, key=lambda row: row["recall"])[:_NAMED]
    named = ", ".join(f"{row['class']} {row['recall']:.1%} of {row['n']:,}" for row in worst)
    few = f" (the lowest of {len(rare):,})" if len(rare) > len(worst) else ""
    return f"recall of rare classes on the test set: {named}{few}"


def _process_age() -> float:
    """Seconds since this process began, or the CPU time it used, if the system doesn't say."""
    try:
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        import os

        return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, AttributeError, ValueError, IndexError):
        return time.process_time()
