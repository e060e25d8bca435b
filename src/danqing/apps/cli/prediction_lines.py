"""Predictions as lines of text: plain, CSV or JSON. Computes nothing and prints nothing."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from typing import Any, Literal

__all__ = ["Form", "flags_of", "header", "line_writer"]

Form = Literal["plain", "csv", "json"]
Prediction = dict[str, Any]

_FIXED = ["name", "label", "confidence", "unsure", "flags"]


def header(form: Form, classes: Sequence[str]) -> str:
    """Give what comes before the first line: only CSV has a header."""
    if form != "csv":
        return ""
    if not classes:
        return _csv_line(["name", "value", "low", "high", "flags"])
    columns = [f"{name} (class)" if name in _FIXED else name for name in classes]
    return _csv_line([*_FIXED, *columns])


def line_writer(form: Form, encoding: str = "utf-8") -> Callable[[Prediction], str]:
    """Give the function from a prediction, as `Predictor.describe` gives it, to its line.

    JSON has its own escapes for what an encoding lacks.
    """
    if form == "json":
        return lambda prediction: _json(prediction, encoding)
    return _csv if form == "csv" else _plain


def flags_of(form: Form, prediction: Prediction) -> str:
    """Say what is unusual about an example, if its line doesn't; empty if nothing is."""
    if form != "plain" or not prediction["flags"]:
        return ""
    return f"{prediction['name']}: {'; '.join(prediction['flags'])}"


def _json(prediction: Prediction, encoding: str) -> str:
    text = json.dumps(prediction, ensure_ascii=False)
    try:
        text.encode(encoding)
    except UnicodeError:
        text = json.dumps(prediction)
    return f"{text}\n"


def _csv(prediction: Prediction) -> str:
    flags = "; ".join(prediction["flags"])
    if "value" in prediction:
        ends = prediction["interval"] or ("", "")
        return _csv_line([prediction["name"], prediction["value"], *ends, flags])
    named = [prediction[name] for name in ("name", "label", "confidence")]
    unsure = "true" if prediction["unsure"] else "false"
    return _csv_line([*named, unsure, flags, *prediction["probabilities"].values()])


def _csv_line(cells: Sequence[Any]) -> str:
    import csv  # a picture's plain line waits for no table

    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


def _plain(prediction: Prediction) -> str:
    name = prediction["name"]
    if "value" in prediction:
        low, high = prediction["interval"] or ("", "")
        return f"{name}\t{prediction['value']}\t{low}\t{high}\n"
    unsure = "unsure" if prediction["unsure"] else ""
    return f"{name}\t{prediction['label']}\t{prediction['confidence']:.4f}\t{unsure}\n"
