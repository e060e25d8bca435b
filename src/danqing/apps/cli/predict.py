"""`danqing predict`: parse, call, print. Must not load TensorFlow or scikit-learn."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = ["predict"]

Prediction = dict[str, Any]


def predict(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    files: Annotated[
        list[Path], typer.Argument(help="Pictures, folders of pictures, or files of rows.")
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object per line.")
    ] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV with a header.")] = False,
) -> None:
    """Make predictions for pictures or rows of a table.

    Prints one line per example: name, label and confidence, or for regression name and value.
    """
    from danqing.errors import DanqingError, RecipeError
    from danqing.prediction.inputs import read_inputs
    from danqing.prediction.predictor import Predictor
    from danqing.runs.run_folder import load_run

    if as_json and as_csv:
        raise RecipeError("--json and --csv: choose one of them")
    opened = load_run(run)
    predictor = Predictor(opened)
    classes, failed = opened.class_names, False
    show = _json if as_json else _csv(bool(classes)) if as_csv else _plain
    for file in files:
        try:
            for inputs in read_inputs(file, opened.preparation, opened.input_shape):
                for line in (*inputs.notes, *(f"danqing: {error}" for error in inputs.errors)):
                    print(line, file=sys.stderr)
                failed = failed or bool(inputs.errors)
                if inputs.names:
                    for prediction in predictor.describe(inputs.names, inputs.examples):
                        show(prediction)
        except DanqingError as error:
            print(f"danqing: {error}", file=sys.stderr)
            failed = True
    if failed:
        raise typer.Exit(1)


def _json(prediction: Prediction) -> None:
    print(json.dumps(prediction, ensure_ascii=False))


def _csv(classes: bool) -> Callable[[Prediction], None]:
    names = ["name", "label", "confidence"] if classes else ["name", "value"]
    table = csv.DictWriter(sys.stdout, names, extrasaction="ignore", lineterminator="\n")
    table.writeheader()
    return table.writerow


def _plain(prediction: Prediction) -> None:
    if "value" in prediction:
        print(f"{prediction['name']}\t{prediction['value']:.6g}")
    else:
        print(f"{prediction['name']}\t{prediction['label']}\t{prediction['confidence']:.4f}")
