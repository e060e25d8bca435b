"""Everything the textbook page shows of one run, as plain data for its JavaScript.

Numbers only: the text is the page's. Arrays are base64 of little-endian float32 or uint8.
"""

from __future__ import annotations

import base64
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.data.split import Splits, Subset
from danqing.evaluation.mistakes import find_mistakes
from danqing.evaluation.predictions import predict_subset
from danqing.explanation.textbook.gradient_checks import (
    AutomaticDifferentiation,
    check,
    loss_of,
    scaled_target,
)
from danqing.explanation.textbook.landscape import landscape
from danqing.explanation.textbook.samples import Sample, choose_samples
from danqing.networks.architecture import Architecture
from danqing.networks.numpy_network import NumpyNetwork
from danqing.prediction.predictor import Predictor
from danqing.preparation.features import NumberFeatures
from danqing.recipe.recipe import AUGMENTATIONS
from danqing.runs.run_folder import RunFolder

__all__ = ["LIVE_PARAMETERS", "collect_facts"]

LIVE_PARAMETERS = 400_000  # up to here, the page has all weights and computes by itself
_LANDSCAPE_ROWS = 128
_HISTOGRAM_ROWS = 1000
_PRECOMPUTED_BYTES = 2_000_000
_MOST_CLASSES = 30
_SETTINGS = (
    "network", "spec", "epochs", "batch_size", "optimizer", "learning_rate", "schedule", "loss",
    "weight_decay", "label_smoothing", "ema_decay", "patience", "seed", "versions",
)  # fmt: skip


def collect_facts(
    run: RunFolder, splits: Splits, metrics: dict[str, Any], live_parameters: int = LIVE_PARAMETERS
) -> dict[str, Any]:
    """Compute everything that the page shows.

    Parameters
    ----------
    run : RunFolder
    splits : Splits
        Of the run's own data.
    metrics : dict
        From `danqing.evaluation.evaluate.evaluate`.
    live_parameters : int
        For networks with more parameters, samples are precomputed.
    """
    architecture = Architecture.from_json(run.network)
    network = NumpyNetwork(architecture, run.preparation, run.tensors)
    predictor = Predictor(run)
    outputs = predict_subset(predictor, splits.test).outputs
    samples = choose_samples(run, splits.test, outputs)
    mistakes = find_mistakes(outputs, splits.test.labels)
    differentiate = AutomaticDifferentiation(run, network)
    checks = [check(run, predictor, network, differentiate, s.examples, s.target) for s in samples]
    live = architecture.parameters <= live_parameters
    some = _some(splits.train, _LANDSCAPE_ROWS)
    facts = {
        "live": live,
        "run": {name: run.config.get(name) for name in _SETTINGS},
        "pictures_changed": any(run.config.get(name) for name in AUGMENTATIONS),
        "name": run.folder.resolve().name,
        "data": {name: run.data.get(name) for name in ("name", "counts", "removed", "target")},
        "task": run.task,
        "classes": run.class_names,
        "input_shape": list(run.input_shape),
        "features": _features(run),
        "scaling": run.preparation.scaling.to_json(),
        "target_scale": list(run.preparation.target),
        "drawings": run.preparation.drawings,
        "layers": architecture.to_json()["layers"],
        "temperature": architecture.temperature,
        "parameters": architecture.parameters,
        "ensemble": run.config.get("ensemble", 1),
        "tta_views": run.config.get("tta_views", 1),
        "tensors": _tensors(run, architecture, live),
        "samples": [_sample(s, c) for s, c in zip(samples, checks, strict=True)],
        "mistakes": {"count": mistakes.count, "total": mistakes.total},
        "values": _value_ranges(run, _examples(run, _some(splits.train, _HISTOGRAM_ROWS))),
        "landscape": landscape(
            run,
            architecture,
            _examples(run, some),
            np.concatenate([scaled_target(run, t) for t in some.labels.tolist()]),
        ),
        "history": run.history,
        "metrics": _metrics(metrics),
    }
    if not live:
        _add_precomputed(run, network, samples, facts["samples"])
    return facts


def _encoded(array: NDArray[Any], kind: str = "<f4") -> dict[str, Any]:
    """Encode an array as its shape, type and base64."""
    content = np.ascontiguousarray(array, dtype=kind).tobytes()
    return {
        "shape": list(array.shape),
        "type": "uint8" if kind == "u1" else "float32",
        "base64": base64.b64encode(content).decode(),
    }


def _features(run: RunFolder) -> list[dict[str, Any]]:
    """List a table's features; `offset` is the median that encoding subtracts from a number."""
    if run.preparation.encoding is None:
        return []
    return [
        {
            "name": name,
            "offset": column.median
            if isinstance(column, NumberFeatures) and name == column.name
            else 0.0,
        }
        for column in run.preparation.encoding.columns
        for name in column.feature_names
    ]


def _examples(run: RunFolder, subset: Subset) -> NDArray[Any]:
    return np.asarray(run.preparation.encoded(subset.examples())).reshape(-1, *run.input_shape)


def _some(subset: Subset, count: int) -> Subset:
    return Subset(subset.x, subset.y, subset.rows[:count])


def _sample(sample: Sample, checked: dict[str, Any]) -> dict[str, Any]:
    examples = sample.examples
    return {
        "row": sample.row,
        "number": sample.number,
        "name": sample.name,
        "kind": sample.kind,
        "target": sample.target,
        "prediction": sample.prediction,
        "cells": sample.cells,
        "raw": _encoded(examples[0], "u1" if examples.dtype == np.uint8 else "<f4"),
        "check": checked,
    }


def _tensors(run: RunFolder, architecture: Architecture, live: bool) -> dict[str, Any]:
    """Encode all weights; of a large network those of a few units of each layer."""
    tensors: dict[str, Any] = {}
    for name, tensor in run.tensors.items():
        if live or tensor.ndim == 1:
            tensors[name] = _encoded(tensor)
            continue
        units = max(1, min(6, 30_000 // max(1, math.prod(tensor.shape[:-1]))))
        if name == "output/kernel" and tensor.size <= 50_000:
            units = tensor.shape[-1]
        # The page addresses a unit by its index along the last axis: these are the first few.
        tensors[name] = {**_encoded(tensor[..., :units]), "of": list(tensor.shape)}
    return tensors


def _add_precomputed(
    run: RunFolder, network: NumpyNetwork, samples: list[Sample], plain: list[dict[str, Any]]
) -> None:
    """Add every layer's output and gradient to the samples, as far as there is room."""
    used = 0
    for number, sample in enumerate(samples):
        outputs = network.outputs(sample.examples)
        _, at_logits = loss_of(run, outputs, scaled_target(run, sample.target))
        gradients, _ = network.gradients(outputs, at_logits)
        used += 4 * sum(value.size for value in [*outputs, *gradients])
        if number and used > _PRECOMPUTED_BYTES:
            del plain[number:]
            return
        plain[number]["outputs"] = [_encoded(value[0]) for value in outputs]
        plain[number]["gradients"] = [_encoded(value[0]) for value in gradients]


def _value_ranges(run: RunFolder, examples: NDArray[Any]) -> dict[str, Any]:
    """Summarise the distribution of the training set's values, raw and scaled."""
    raw = examples.astype(np.float64)
    scaled = run.preparation.scaling.transform(raw)
    if raw.ndim == 2:
        quantiles = [0, 0.25, 0.5, 0.75, 1]
        return {
            "raw": np.quantile(raw, quantiles, axis=0).T.tolist(),
            "scaled": np.quantile(scaled, quantiles, axis=0).T.tolist(),
        }
    histograms = {}
    for name, values in (("raw", raw), ("scaled", scaled)):
        low, high = np.quantile(values, [0.0, 0.999])
        counts, edges = np.histogram(values, bins=32, range=(low, max(high, low + 1e-9)))
        histograms[name] = {"counts": counts.tolist(), "edges": edges.tolist()}
    return histograms


def _metrics(metrics: dict[str, Any]) -> dict[str, Any]:
    """Keep what the page shows; of many classes, the worst and the most common confusions."""
    kept: dict[str, Any] = {}
    names = ("n", "loss", "accuracy", "accuracy_ci95", "r2", "mae", "mse")
    for subset in ("test", "validation"):
        figures = metrics.get(subset, {})
        kept[subset] = {name: figures[name] for name in names if name in figures}
    kept["seconds"] = metrics.get("seconds", {})
    test = metrics["test"]
    if "confusion_matrix" not in test:
        return kept
    matrix = np.array(test["confusion_matrix"])
    off = matrix - np.diag(np.diag(matrix))
    most_common = np.argsort(-off, axis=None, kind="stable")[:10]
    kept["confusions"] = [
        [*divmod(int(place), len(matrix)), int(off.flat[place])]
        for place in most_common
        if off.flat[place]
    ]
    rows = list(enumerate(test["per_class"]))
    if len(matrix) <= _MOST_CLASSES:
        kept["confusion_matrix"] = matrix.tolist()
    else:
        measured = [row for row in rows if row[1]["n"]]
        rows = sorted(measured, key=lambda row: row[1]["f1"])[:_MOST_CLASSES]
    kept["per_class"] = [
        {"class": number, **{key: row[key] for key in ("n", "precision", "recall", "f1")}}
        for number, row in rows
    ]
    return kept
