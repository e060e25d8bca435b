"""A run's ONNX network as a file of its own, which says in its metadata what it takes and gives.

Knows no certificate.
"""

from __future__ import annotations

import json
from typing import Any

from danqing import __version__
from danqing.runs.run_folder import RunFolder

__all__ = ["described_onnx"]


def described_onnx(run: RunFolder, model: bytes) -> bytes:
    """Add to a serialised model what it takes and gives: keys ``danqing.input`` and so on, JSON."""
    import onnx
    from onnx import helper

    loaded = onnx.load_from_string(model)
    loaded.producer_version = __version__
    loaded.doc_string = "Scaling and temperature are part of the network. Exported by Danqing."
    helper.set_model_props(loaded, {key: json.dumps(v, ensure_ascii=False)
                                    for key, v in _description(run).items()})  # fmt: skip
    return bytes(loaded.SerializeToString())


def _description(run: RunFolder) -> dict[str, Any]:
    preparation = run.preparation
    shape = ["n", *run.input_shape]
    takes: dict[str, Any] = {
        "name": "examples",
        "type": "float32",
        "shape": shape,
    }
    if preparation.encoding is None:
        channels = {1: "grey", 3: "RGB"}.get(run.input_shape[-1], "as in training")
        takes |= {"layout": "n, height, width, channels", "channels": channels, "range": [0, 255]}
        if preparation.drawings:
            takes["drawing"] = "light on dark, 20x20 pixels, centred by mass in 28x28, as MNIST"
    else:
        takes["features"] = list(preparation.encoding.feature_names)
    gives: dict[str, Any] = {"name": "predictions", "shape": ["n", len(run.class_names) or 1]}
    if run.task == "classification":
        gives |= {"type": "float32", "are": "probabilities", "temperature": run.temperature}
    else:
        gives |= {"type": "float64", "are": "numbers, in the target's own unit"}
    return {
        "danqing.input": takes,
        "danqing.output": gives,
        "danqing.classes": run.class_names,
        "danqing.task": run.task,
    }
