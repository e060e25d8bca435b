"""The presets: named networks, each with the training that suits the data. Knows no Keras."""

from __future__ import annotations

from typing import Any

from danqing.recipe.preset_networks import FEW_ROWS, picture_network, table_network
from danqing.recipe.traits import MNIST_TRAITS, Traits

__all__ = ["PRESETS", "UNLABELLED_PER_LABELLED", "defaults_for", "spec_of"]

PRESETS = ("article", "fast", "best", "tiny")

UNLABELLED_PER_LABELLED = 3  # in a batch

# The classic program's settings: Keras' defaults, batches of 32, 10 epochs.
_CLASSIC: dict[str, Any] = {
    "tta_views": 1,
    "epochs": 10,
    "batch_size": 32,
    "optimizer": "adam",
    "learning_rate": 0.001,
    "schedule": "constant",
    "loss": "cross-entropy",
    "weight_decay": 0.0,
    "label_smoothing": 0.0,
    "affine": 0.0,
    "elastic": 0.0,
    "random_erasing": 0.0,
    "photometric": 0.0,
    "horizontal_flip": False,
    "ema_decay": 0.0,
    "patience": 0,
    "class_weight": "none",
    "scaling": "feature",
    "validation_share": 0.2,
}

# Chosen on the validation set; what else was tried is in docs/log.md.
_PICTURES: dict[str, Any] = {
    "tta_views": 1,
    "epochs": 6,
    "batch_size": 128,
    "optimizer": "muon",
    "learning_rate": 0.004,
    "schedule": "one-cycle",
    "loss": "cross-entropy",
    "weight_decay": 0.01,
    "label_smoothing": 0.1,
    "affine": 1.0,
    "elastic": 0.0,
    "random_erasing": 0.1,
    "photometric": 0.25,
    "horizontal_flip": False,
    "ema_decay": 0.99,
    "patience": 0,
    "class_weight": "none",
    "scaling": "channel",
    "validation_share": 0.1,
}

# Where `best` and `tiny` differ from `fast`.
_OTHERWISE: dict[str, dict[str, Any]] = {
    "best": {
        "epochs": 32,
        "learning_rate": 0.005,
        "elastic": 1.0,
        "random_erasing": 0.0,
        "ema_decay": 0.995,
        "validation_share": 0.05,
    },
    "tiny": {
        "epochs": 30,
        "learning_rate": 0.008,
        "label_smoothing": 0.0,
        "affine": 0.5,
        "random_erasing": 0.0,  # too small a network for this
        "photometric": 0.0,  # and for this
    },
}

_TABLES: dict[str, Any] = {
    **_PICTURES,
    "optimizer": "adamw",
    "learning_rate": 0.003,
    "label_smoothing": 0.0,
    "affine": 0.0,
    "random_erasing": 0.0,
    "photometric": 0.0,
    "patience": 30,
    "scaling": "feature",
}

# Muon's step costs the same for any batch; for smaller ones it isn't worth its time.
_WHOLE_BATCH = 128
_UNLABELLED_STEPS = 4000


def spec_of(network: str, traits: Traits = MNIST_TRAITS) -> str:
    """Give the spec behind a preset's name; any other text is itself a spec.

    Examples
    --------
    >>> spec_of("article")
    'dense(64)-dense(64)'
    >>> spec_of("dense(8)")
    'dense(8)'
    >>> spec_of("fast", Traits(False, "classification", 1000, (8, 8, 1)))[:22]
    'conv(32,3)-batchnorm-r'
    """
    if network not in PRESETS:
        return network
    if network == "article":
        return "dense(64)-dense(64)"
    if traits.tabular:
        return table_network(network, traits.rows)
    spec = picture_network(network, min(traits.input_shape[:2]))
    # Random distortion keeps a network from overfitting drawings; other pictures need dropout.
    return f"{spec}-dropout(0.3)" if network == "best" and not traits.drawings else spec


def defaults_for(network: str, traits: Traits = MNIST_TRAITS) -> dict[str, Any]:
    """Give the default settings for a preset, or for a spec."""
    if network in ("fast", "best", "tiny") or "conv" in network:
        settings = _for_tables(traits) if traits.tabular else _for_pictures(network, traits)
    elif network == "article":
        settings = dict(_CLASSIC)
    else:
        settings = {**_CLASSIC, "validation_share": 0.1}
    settings["batch_size"] = max(1, min(settings["batch_size"], traits.rows))
    if traits.unlabelled:
        settings.update(_unlabelled(settings, traits))
    if traits.task == "regression":
        settings.update(loss="mean-squared-error", label_smoothing=0.0)
    return settings


def _for_tables(traits: Traits) -> dict[str, Any]:
    settings = _sized(_TABLES, traits)
    if traits.rows < FEW_ROWS:
        settings["weight_decay"] = 1.0
    return settings


def _for_pictures(network: str, traits: Traits) -> dict[str, Any]:
    settings = _sized({**_PICTURES, **_OTHERWISE.get(network, {})}, traits)
    if network == "best":
        settings.update(
            horizontal_flip=traits.flip_invariant, tta_views=10 if traits.flip_invariant else 5
        )
    if not traits.drawings:
        settings["affine"] *= 0.3
        settings["photometric"] *= 0.3
        settings["elastic"] = 0.0
    if settings["batch_size"] < _WHOLE_BATCH:
        settings.update(optimizer="adamw", learning_rate=_PICTURES["learning_rate"])
    return settings


def _sized(settings: dict[str, Any], traits: Traits) -> dict[str, Any]:
    """Adapt batch size and epochs to the number of rows: few rows need more, smaller batches."""
    batch_size = 16
    while batch_size < settings["batch_size"] and batch_size * 64 <= traits.rows:
        batch_size *= 2
    steps = 3000 if traits.tabular else 2000
    epochs = round(steps * batch_size / max(traits.rows, 1))
    most = 200 if traits.tabular else 60
    return {
        **settings,
        "batch_size": batch_size,
        "epochs": min(max(epochs, settings["epochs"]), most),
    }


def _unlabelled(settings: dict[str, Any], traits: Traits) -> dict[str, Any]:
    """Give the settings for learning from unlabelled pictures, for any network."""
    batch_size = max(32, _sized(_PICTURES, traits)["batch_size"])
    rows = max(traits.rows, traits.unlabelled / UNLABELLED_PER_LABELLED)
    epochs = round(_UNLABELLED_STEPS * batch_size / rows)
    return {
        **_PICTURES,
        "epochs": min(max(epochs, _PICTURES["epochs"]), 200),
        "batch_size": batch_size,
        "optimizer": "adamw",
        "label_smoothing": 0.0,  # predictions could not be confident enough
        "affine": settings["affine"] or (1.0 if traits.drawings else 0.3),
        "elastic": settings["elastic"],
        "random_erasing": 0.0,
        "photometric": 0.0,
        "horizontal_flip": settings["horizontal_flip"],
        "unlabelled_weight": 1.0,
    }
