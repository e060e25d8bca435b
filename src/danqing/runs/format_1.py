"""Runs of format 1, which Danqing 0.1 wrote: their JSON files in the terms of format 2.

The only place that knows the old names. Reads and writes nothing.
"""

from __future__ import annotations

from typing import Any

from danqing.recipe.renamed import RENAMED

__all__ = ["upgrade"]


def upgrade(plain: dict[str, Any]) -> dict[str, Any]:
    """Translate ``config.json``, ``data.json`` or ``network.json`` from format 1 to format 2.

    Settings, the number of a network's views, and a regression's last layer have other names now;
    the rest is the same.

    Examples
    --------
    >>> upgrade({"format": 1, "network": "fast", "bending": 1.0, "views": 5})
    {'format': 2, 'network': 'fast', 'elastic': 1.0, 'tta_views': 5}
    """
    new = {RENAMED.get(name, name): value for name, value in plain.items()} | {"format": 2}
    if isinstance(new.get("layers"), list):
        new["layers"] = [_layer(layer) for layer in new["layers"]]
        new["temperature"] = 1.0  # there was none
    return new


def _layer(plain: Any) -> Any:
    if isinstance(plain, dict) and plain.get("kind") == "rescale":
        return {**plain, "name": "prediction"}
    return plain
