"""The presets: networks with a name, each with the training that suits it. Knows no Keras."""

from __future__ import annotations

from typing import Any

__all__ = ["CLASSIC", "PICTURES", "PRESETS", "defaults_for", "spec_of"]

# The classic program's own settings: Keras' defaults, batches of 32, 10 epochs.
CLASSIC: dict[str, Any] = {
    "epochs": 10,
    "batch_size": 32,
    "optimizer": "adam",
    "learning_rate": 0.001,
    "schedule": "constant",
    "loss": "cross-entropy",
    "weight_decay": 0.0,
    "label_smoothing": 0.0,
    "augmentation": 0.0,
    "averaging": 0.0,
    "scaling": "feature",
    "validation_share": 0.2,
}

# Chosen on the validation split; what else was tried is in docs/log.md.
PICTURES: dict[str, Any] = {
    "epochs": 7,
    "batch_size": 128,
    "optimizer": "adamw",
    "learning_rate": 0.004,
    "schedule": "one-cycle",
    "loss": "cross-entropy",
    "weight_decay": 0.01,
    "label_smoothing": 0.1,
    "augmentation": 1.0,
    "averaging": 0.99,
    "scaling": "channel",
    "validation_share": 0.1,
}

PRESETS: dict[str, tuple[str, dict[str, Any]]] = {
    "article": ("dense(64)-dense(64)", CLASSIC),
    "fast": (
        "conv(24,4,2,valid)-batchnorm-relu-conv(32,3,2,valid)-batchnorm-relu-"
        "conv(64,3,valid)-batchnorm-relu-conv(128,3,valid)-batchnorm-relu",
        PICTURES,
    ),
}


def spec_of(network: str) -> str:
    """Give the spec behind a preset's name; any other text is itself a spec.

    Examples
    --------
    >>> spec_of("article")
    'dense(64)-dense(64)'
    >>> spec_of("dense(8)")
    'dense(8)'
    """
    return PRESETS[network][0] if network in PRESETS else network


def defaults_for(network: str) -> dict[str, Any]:
    """Give the settings of a training that a preset, or a spec of its kind, starts from."""
    if network in PRESETS:
        return dict(PRESETS[network][1])
    return {**(PICTURES if "conv" in network else CLASSIC), "validation_share": 0.1}
