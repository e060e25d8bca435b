"""A run becomes the parts of a bundle, and these the content of a file. Knows no Keras.

Bytes depend on the run alone: exporting twice gives the same file.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np

from danqing import __version__
from danqing.prediction.bundles.bundle import BUNDLE_FORMAT, PARTS, Bundle
from danqing.runs.run_folder import RunFolder
from danqing.shipping.short_card import short_card

__all__ = ["bundle_bytes"]

_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip knows
_FILE_MODE = 0o100644


def bundle_bytes(
    run: RunFolder, onnx_model: bytes, certificate: Mapping[str, Any], *, examples: bool = True
) -> bytes:
    """Give the content of a bundle, and check that it can be opened.

    Parameters
    ----------
    run : RunFolder
    onnx_model : bytes
        The run's, or a quantised one.
    certificate : mapping
        How far it agrees with the trained network.
    examples : bool
        Whether to show the mean training picture; otherwise ``expects.png`` is even.
    """
    labels = {
        "task": run.task,
        "target": run.data.get("target", ""),
        "class_names": run.class_names,
        "label_type": run.label_type,
    }
    parts: dict[str, bytes] = {
        "network.onnx": onnx_model,
        "network.json": _json(run.network),
        "labels.json": _json(labels),
        "calibration.json": _json(run.calibration),
        "certificate.json": _json(certificate),
        "card.md": run.written("card.md") or short_card(run).encode(),
    }
    if (picture := _expects(run, examples=examples)) is not None:
        parts["expects.png"] = picture
    manifest = {
        "format": BUNDLE_FORMAT,
        "versions": {**run.config.get("versions", {}), "exported by danqing": __version__},
        "parts": {name: hashlib.sha256(content).hexdigest() for name, content in parts.items()},
    }
    parts = {"manifest.json": _json(manifest), **parts}
    Bundle(run.name, parts)  # raises if it could not be opened again
    return _zip(parts)


def _zip(parts: Mapping[str, bytes]) -> bytes:
    """Store the parts in the order of `PARTS`, uncompressed: weights hardly get smaller."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as packed:
        for name in PARTS:
            if name in parts:
                entry = zipfile.ZipInfo(name, _DATE)
                entry.external_attr = _FILE_MODE << 16
                packed.writestr(entry, parts[name])
    return file.getvalue()


def _json(plain: Any) -> bytes:
    text = json.dumps(plain, indent=1, ensure_ascii=False, allow_nan=False)
    return text.encode(errors="surrogatepass") + b"\n"


def _expects(run: RunFolder, *, examples: bool) -> bytes | None:
    """Give the mean training picture, or an even one as bright as the mean."""
    from PIL import Image

    if len(run.input_shape) != 3:
        return None
    if examples and (known := run.written("expects.png")):
        return known
    shape = run.input_shape
    mean = np.broadcast_to(run.preparation.scaling.mean_, shape)  # a run of before 0.2.0
    if not examples:
        mean = np.broadcast_to(mean.mean(axis=(0, 1)), shape)
    if shape[2] != 3:
        mean = mean.mean(axis=2)
    file = io.BytesIO()
    Image.fromarray(mean.clip(0, 255).round().astype(np.uint8)).save(file, "PNG")
    return file.getvalue()
