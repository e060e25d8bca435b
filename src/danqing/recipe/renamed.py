"""Settings that have got another name, so that whoever uses the old one is told the new one.

Knows no recipe.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["RENAMED", "renaming_of"]

RENAMED = {
    "augmentation": "affine",
    "averaging": "ema_decay",
    "bending": "elastic",
    "class_weights": "class_weight",
    "erasing": "random_erasing",
    "fading": "photometric",
    "mirroring": "horizontal_flip",
    "views": "tta_views",
}
"""From the names of 0.1 to those since 0.2.0."""


def renaming_of(names: Iterable[str]) -> str:
    """Say which of the names are old, and what they are called now; empty if none is.

    Examples
    --------
    >>> renaming_of(["epochs", "bending"])
    "'bending' is now called 'elastic' (since 0.2.0)"
    >>> renaming_of(["epochs"])
    ''
    """
    renamed = [f"{name!r} is now called {RENAMED[name]!r}" for name in names if name in RENAMED]
    return f"{', '.join(renamed)} (since 0.2.0)" if renamed else ""
