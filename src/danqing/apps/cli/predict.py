"""`danqing predict`: parse, call, print. Must not load TensorFlow or scikit-learn."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from danqing.apps.cli.console import json_text
from danqing.apps.cli.progress import say_warnings

__all__ = ["predict"]

Prediction = dict[str, Any]

_FLAGGED = 20  # predictions whose flags the plain form says; the other forms have all


def predict(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    files: Annotated[
        list[Path], typer.Argument(help="Pictures, folders of pictures, or files of rows.")
    ],
    risk: Annotated[
        float | None,
        typer.Option(
            metavar="R",
            help="Highest acceptable error rate of the predictions that aren't marked as unsure.  "
            "[default: 0.01]",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object per line.")
    ] = False,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Print CSV with a header and all probabilities.")
    ] = False,
) -> None:
    """Make predictions for pictures or rows of a table.

    Prints one line per example: name, label, confidence and, where the confidence doesn't guarantee
    the risk, "unsure"; for regression name, value, and the ends of a 90 % interval.
    """
    from danqing.errors import DanqingError, RecipeError
    from danqing.prediction.inputs import read_inputs
    from danqing.prediction.predictor import Predictor
    from danqing.prediction.unsure import RISK, check_risk, unsure_below
    from danqing.prediction.unsure import why_all_are_unsure as why
    from danqing.runs.run_folder import load_trained_run

    if as_json and as_csv:
        raise RecipeError("--json and --csv: choose one of them")
    say_warnings()
    opened = load_trained_run(run)
    if risk is not None:
        check_risk(opened, risk)
    risk = RISK if risk is None else risk
    predictor = Predictor(opened)
    classes, failed = opened.class_names, False
    if classes and unsure_below(opened.calibration, risk) is None:
        print(f"danqing: {why(opened, risk)}", file=sys.stderr)
    show = _json if as_json else _csv(classes) if as_csv else _Plain()
    for file in files:
        try:
            for inputs in read_inputs(file, opened.preparation, opened.input_shape):
                for line in (*inputs.notes, *(f"danqing: {error}" for error in inputs.errors)):
                    print(line, file=sys.stderr)
                failed = failed or bool(inputs.errors)
                if inputs.names:
                    for prediction in predictor.describe(inputs.names, inputs.examples, risk):
                        show(prediction)
        except DanqingError as error:
            print(f"danqing: {error}", file=sys.stderr)
            failed = True
    if isinstance(show, _Plain):
        show.say_rest()
    if failed:
        raise typer.Exit(1)


def _json(prediction: Prediction) -> None:
    print(json_text(prediction))


def _csv(classes: list[str]) -> Callable[[Prediction], None]:
    """Print a header; then each prediction, with the probability of each class."""
    table = csv.writer(sys.stdout, lineterminator="\n")
    if not classes:
        table.writerow(["name", "value", "low", "high", "flags"])
    else:
        fixed = ["name", "label", "confidence", "unsure", "flags"]
        columns = [f"{name} (class)" if name in fixed else name for name in classes]
        table.writerow([*fixed, *columns])

    def write(prediction: Prediction) -> None:
        flags = "; ".join(prediction["flags"])
        if "value" in prediction:
            ends = prediction["interval"] or ("", "")
            table.writerow([prediction["name"], prediction["value"], *ends, flags])
            return
        named = [prediction[name] for name in ("name", "label", "confidence")]
        unsure = "true" if prediction["unsure"] else "false"
        table.writerow([*named, unsure, flags, *prediction["probabilities"].values()])

    return write


class _Plain:
    """Tab-separated lines, and on standard error what is unusual about the first few examples."""

    def __init__(self) -> None:
        self.flagged = 0

    def __call__(self, prediction: Prediction) -> None:
        """Print one prediction."""
        name = prediction["name"]
        if prediction["flags"]:
            self.flagged += 1
            if self.flagged <= _FLAGGED:
                print(f"danqing: {name}: {'; '.join(prediction['flags'])}", file=sys.stderr)
        if "value" in prediction:
            low, high = prediction["interval"] or ("", "")
            print(f"{name}\t{prediction['value']}\t{low}\t{high}")
        else:
            unsure = "unsure" if prediction["unsure"] else ""
            print(f"{name}\t{prediction['label']}\t{prediction['confidence']:.4f}\t{unsure}")

    def say_rest(self) -> None:
        """Say how many more examples are unusual."""
        rest = self.flagged - _FLAGGED
        if rest > 0:
            print(
                f"danqing: {rest:,} more rows have values far from the training data; --csv or "
                "--json names them",
                file=sys.stderr,
            )
