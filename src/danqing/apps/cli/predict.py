"""`danqing predict`: parse, call, print. Must not load TensorFlow or scikit-learn."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = ["predict"]

Answer = dict[str, Any]


def predict(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    files: Annotated[
        list[Path], typer.Argument(help="Pictures, folders of them, or files of rows.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object a line.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="CSV with a header.")] = False,
) -> None:
    """Answer for pictures or rows: a line each, with name, label and confidence, or a number."""
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
            for found in read_inputs(file, opened.preparation, opened.input_shape):
                for line in (*found.notes, *(f"danqing: {bad}" for bad in found.complaints)):
                    print(line, file=sys.stderr)
                failed = failed or bool(found.complaints)
                if found.names:
                    for answer in _answers(found.names, predictor.predict(found.examples), classes):
                        show(answer)
        except DanqingError as error:
            print(f"danqing: {error}", file=sys.stderr)
            failed = True
    if failed:
        raise typer.Exit(1)


def _answers(names: list[str], found: Any, classes: list[str]) -> Iterator[Answer]:
    for name, answer in zip(names, found, strict=True):
        if not classes:
            yield {"name": name, "value": float(answer)}
            continue
        yield {
            "name": name,
            "label": classes[answer.argmax()],
            "confidence": float(answer.max()),
            "probabilities": dict(zip(classes, map(float, answer), strict=True)),
        }


def _json(answer: Answer) -> None:
    print(json.dumps(answer, ensure_ascii=False))


def _csv(classes: bool) -> Callable[[Answer], None]:
    names = ["name", "label", "confidence"] if classes else ["name", "value"]
    table = csv.DictWriter(sys.stdout, names, extrasaction="ignore", lineterminator="\n")
    table.writeheader()
    return table.writerow


def _plain(answer: Answer) -> None:
    if "value" in answer:
        print(f"{answer['name']}\t{answer['value']:.6g}")
    else:
        print(f"{answer['name']}\t{answer['label']}\t{answer['confidence']:.4f}")
