"""`danqing evaluate`: parse, call, print."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = ["evaluate"]


def evaluate(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    source: Annotated[
        str | None, typer.Argument(help="Its data, if not where the run says.")
    ] = None,
) -> None:
    """Measure a run on its test data: accuracy, loss, each class, confusion matrix."""
    from danqing.data.sources import load_data
    from danqing.evaluation.evaluate import evaluate as measure_run
    from danqing.runs.run import load_run

    opened = load_run(run)
    figures = measure_run(opened, load_data(source) if source else None)
    for part in ("validation", "test"):
        low, high = figures[part]["accuracy_ci95"]
        typer.echo(
            f"{part:<10}  {figures[part]['n']:>6,} pictures  accuracy "
            f"{figures[part]['accuracy']:.2%} (95 %: {low:.2%} to {high:.2%})  "
            f"loss {figures[part]['loss']:.4f}"
        )
    _print_classes(figures["test"]["per_class"])
    _print_confusion(figures["test"]["confusion_matrix"], opened.class_names)


def _print_classes(per_class: list[dict[str, Any]]) -> None:
    width = max(5, *(len(row["class"]) for row in per_class))
    typer.echo(f"\n{'class':>{width}}       n  precision   recall       f1")
    for row in per_class:
        typer.echo(
            f"{row['class']:>{width}}  {row['n']:>6,}    {row['precision']:7.2%}  "
            f"{row['recall']:7.2%}  {row['f1']:7.2%}"
        )


def _print_confusion(matrix: list[list[int]], names: list[str]) -> None:
    width = max(5, *(len(name) for name in names))
    typer.echo("\nlabel down, answer across")
    typer.echo(" " * width + "".join(f" {name:>{width}}" for name in names))
    for name, counts in zip(names, matrix, strict=True):
        cells = "".join(f" {count or '.':>{width}}" for count in counts)
        typer.echo(f"{name:>{width}}{cells}")
