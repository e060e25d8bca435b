"""`danqing evaluate`: parse, call, print."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = ["evaluate"]


def evaluate(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    source: Annotated[str | None, typer.Argument(help="Other data to measure it on.")] = None,
) -> None:
    """Measure a run on its test data, or on other data: accuracy, loss, each class, mistakes."""
    from danqing.data.sources import load_data
    from danqing.evaluation.evaluate import evaluate as measure_run
    from danqing.runs.run import load_run

    opened = load_run(run)
    dataset = None
    if source:
        task = opened.task if opened.data.get("target") else None
        dataset = load_data(source, target=opened.data.get("target") or None, task=task)
    figures = measure_run(opened, dataset)
    for part in ("validation", "test"):
        if part in figures:
            typer.echo(_line(part, figures[part]))
    if opened.task == "classification":
        _print_classes(figures["test"]["per_class"])
        _print_confusion(figures["test"]["confusion_matrix"], opened.class_names)


def _line(part: str, figures: dict[str, Any]) -> str:
    start = f"{part:<10}  {figures['n']:>6,} examples  "
    if "mae" in figures:
        explained = "undefined" if figures["r2"] is None else f"{figures['r2']:.4f}"
        return f"{start}R2 {explained}  mean absolute error {figures['mae']:.5g}"
    low, high = figures["accuracy_ci95"]
    return (
        f"{start}accuracy {figures['accuracy']:.2%} (95 %: {low:.2%} to {high:.2%})  "
        f"loss {figures['loss']:.4f}"
    )


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
