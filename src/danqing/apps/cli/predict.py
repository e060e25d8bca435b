"""`danqing predict`: parse, call, print. Must not load TensorFlow or scikit-learn."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = ["predict"]


def predict(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    files: Annotated[list[Path], typer.Argument(help="Pictures.")],
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object a line.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="CSV with a header.")] = False,
) -> None:
    """Read pictures: a line a file, with name, label and confidence."""
    import numpy as np

    from danqing.errors import PictureError, RecipeError
    from danqing.preparation.drawing import read_picture
    from danqing.runs.run import load_run

    if as_json and as_csv:
        raise RecipeError("--json and --csv: choose one of them")
    opened = load_run(run)
    names, shape = opened.class_names, opened.input_shape
    pictures, read, failed = [], [], 0
    for file in files:
        try:
            picture, steps = read_picture(file, shape)
        except PictureError as error:
            print(f"danqing: {error}", file=sys.stderr)
            failed += 1
            continue
        if steps:
            print(f"{file}: taken for a drawing: {steps}", file=sys.stderr)
        pictures.append(picture)
        read.append(file)
    if pictures:
        probabilities = opened.predict(np.stack(pictures))
        answers = [
            {"name": str(file), "label": names[row.argmax()], "confidence": float(row.max())}
            for file, row in zip(read, probabilities, strict=True)
        ]
        _print(answers, probabilities, names, as_json, as_csv)
    if failed:
        raise typer.Exit(1)


def _print(
    answers: list[dict[str, Any]], probabilities: Any, names: list[str], as_json: bool, as_csv: bool
) -> None:
    if as_json:
        for answer, row in zip(answers, probabilities, strict=True):
            shares = dict(zip(names, map(float, row), strict=True))
            print(json.dumps({**answer, "probabilities": shares}, ensure_ascii=False))
    elif as_csv:
        table = csv.DictWriter(sys.stdout, ["name", "label", "confidence"], lineterminator="\n")
        table.writeheader()
        table.writerows(answers)
    else:
        for answer in answers:
            print(f"{answer['name']}\t{answer['label']}\t{answer['confidence']:.4f}")
