"""Whether the JSON parts of a bundle hold what predictions take from them: types, sizes, ranges.

They may come from anybody, and pass through no training. Knows no zip and no ONNX.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from danqing.preparation.encoding import Encoding
from danqing.preparation.features import CategoryFeatures, DateFeatures
from danqing.preparation.preparation import Preparation

__all__ = ["check_labels", "check_preparation"]

_MOST_VALUES = 1 << 26  # in an example
_LABEL_TYPES = ("text", "boolean", "integer", "number")
_CYCLES = ("year", "week", "day")


def check_labels(labels: Mapping[str, Any], calibration: Mapping[str, Any]) -> None:
    """Check class names, and what is known of confidence.

    Raises
    ------
    ValueError, TypeError or LookupError
        If they aren't what training writes.
    """
    names = labels["class_names"]
    _need(isinstance(names, list) and all(isinstance(name, str) for name in names))
    _need(len(names) != 1 and len(set(names)) == len(names))
    _need(labels["label_type"] in _LABEL_TYPES)
    if labels["label_type"] in ("integer", "number"):
        for name in names:
            float(name)
    if labels["label_type"] == "integer":
        for name in names:
            int(name)
    for line in calibration.get("thresholds", []):
        _need(_is_number(line["risk"]))
        _need(line["unsure_below"] is None or _is_number(line["unsure_below"]))
    if "thresholds" in calibration:
        _need(_is_number(calibration["validation_rows"]) and _is_number(calibration["least_risk"]))
    for line in calibration.get("margins", []):
        _need(_is_number(line["level"]))
        _need(line["margin"] is None or _is_number(line["margin"]))


def check_preparation(preparation: Preparation, shape: tuple[int, ...]) -> None:
    """Check that a preparation gives examples of this shape.

    Raises
    ------
    ValueError, TypeError or LookupError
        If it doesn't.
    """
    _need(len(shape) in (1, 3) and min(shape) > 0 and math.prod(shape) <= _MOST_VALUES)
    _need((preparation.encoding is not None) == (len(shape) == 1))
    if preparation.encoding is not None:
        _need(shape == (len(preparation.encoding.feature_names),))
        _check_encoding(preparation.encoding)
        for column in preparation.ranges.columns if preparation.ranges else ():
            _need(column.name in preparation.encoding.kinds and isinstance(column.digests, str))
            _need(column.kind == preparation.encoding.kinds[column.name])
            _need(_is_number(column.low) and _is_number(column.high))
        return
    pictures_as = preparation.pictures_as
    _need(isinstance(pictures_as, Mapping))
    if "size" in pictures_as:
        _need(list(pictures_as["size"]) == list(shape[:2]))
        _need(pictures_as["mode"] == ("L" if shape[2] == 1 else "RGB"))
    if "range" in pictures_as:
        low, high = pictures_as["range"]
        _need(_is_number(low) and _is_number(high) and low < high)


def _check_encoding(encoding: Encoding) -> None:
    _need(all(isinstance(name, str) for name in encoding.names))
    for column in encoding.columns:
        _need(isinstance(column.name, str) and isinstance(column.missing, bool))
        if isinstance(column, CategoryFeatures):
            _need(all(isinstance(value, str) for value in column.values))
            _need(isinstance(column.other, bool))
            continue
        _need(_is_number(column.median) and isinstance(column.varies, bool))
        _need(isinstance(column.written, str))
        if isinstance(column, DateFeatures):
            _need(all(cycle in _CYCLES for cycle in column.cycles))


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value)


def _need(fulfilled: bool) -> None:
    if not fulfilled:
        raise ValueError("unexpected value")
