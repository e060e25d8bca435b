"""The JavaScript that computes a network, for any page that holds one. Knows no page.

Plain scripts, joined in one scope: what they define is theirs to name.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["network_script"]

_FOLDER = Path(__file__).parent / "network"
# In the order in which they build on each other.
_SCRIPTS = (
    "arrays", "windows", "dense", "convolution", "pooling", "normalisation", "activation",
    "shaping", "layer_kinds", "walk", "losses",
)  # fmt: skip


def network_script() -> str:
    """Return all scripts as one.

    Examples
    --------
    >>> "const layerKinds = {" in network_script()
    True
    """
    return "\n".join((_FOLDER / f"{name}.js").read_text(encoding="utf-8") for name in _SCRIPTS)
