"""Kept graphs are found by all that they depend on: no training gets those of a different one."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pytest

from danqing import Recipe, load_data
from danqing.data.split import split_by_settings
from danqing.errors import DanqingError
from danqing.networks.backend import tf
from danqing.networks.batch_statistics import is_statistic
from danqing.networks.build import build
from danqing.training.graph_settings import GraphSettings
from danqing.training.loop import graphs as graphs_module
from danqing.training.loop.graphs import Graphs
from danqing.training.prepare_training import prepare_training
from danqing.training.trainer import Trainer

ALL: dict[str, Any] = {
    "batch_size": 8, "epochs": 2, "optimizer": "adamw", "weight_decay": 0.1, "elastic": 0.0,
    "photometric": 0.0, "random_erasing": 0.0, "ema_decay": 0.9, "patience": 0,
    "scaling": "feature", "class_weight": "none",
}  # fmt: skip
BASES: dict[str, dict[str, Any]] = {
    "ensemble": {
        **ALL, "network": "conv(2,3)-batchnorm-relu-dropout(0.5)", "ensemble": 2, "affine": 0.5,
        "label_smoothing": 0.1,
    },
    "unlabelled": {**ALL, "network": "dense(4)", "labels_per_class": 5, "affine": 1.0},
    "regression": {**ALL, "network": "dense(4)-dropout(0.5)"},
}  # fmt: skip
# A value for each setting that differs from those above.
OTHERWISE: dict[str, Any] = {
    "network": "dense(5)", "ensemble": 3, "tta_views": 5, "epochs": 3, "minutes": 0.5,
    "batch_size": 16, "optimizer": "muon", "learning_rate": 0.0123, "schedule": "cosine",
    "loss": "mean-squared-error", "weight_decay": 0.2, "label_smoothing": 0.2, "affine": 0.7,
    "elastic": 0.7, "random_erasing": 0.7, "photometric": 0.7, "horizontal_flip": True,
    "ema_decay": 0.8, "patience": 3, "class_weight": "balanced", "scaling": "channel",
    "validation_share": 0.3, "labels_per_class": 7, "unlabelled_weight": 2.0, "seed": 17,
}  # fmt: skip


class Traced(NamedTuple):
    """What graphs are found by, and what they compute."""

    architecture: str
    settings: GraphSettings
    definition: str

    def same_key(self, other: Traced, forgotten: Collection[str]) -> bool:
        same = self.settings._replace(**{n: getattr(other.settings, n) for n in forgotten})
        return (self.architecture, same) == (other.architecture, other.settings)


@cache
def traced(base: str, changed: str | None = None) -> Traced | None:
    """Trace the graphs of a training; None if its settings don't go together."""
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (120, 8, 8), np.uint8), np.repeat(np.arange(3), 40)
    dataset = load_data((x, y + 0.5 if base == "regression" else y))
    settings, frozen_body = dict(BASES[base]), changed == "frozen_body"
    if changed and not frozen_body:
        settings[changed] = OTHERWISE[changed]
    try:
        recipe = Recipe(**settings)
        plan = prepare_training(dataset, split_by_settings(dataset, recipe.model_dump()), recipe)
    except DanqingError:
        return None
    model = build(plan.trained_architecture, plan.preparation, plan.recipe.seed)
    with pytest.MonkeyPatch.context() as patch:
        kept: dict[Any, Graphs] = {}
        patch.setattr(graphs_module, "_kept", kept)
        loop = Trainer(replace(plan, transfer=frozen_body or None))._create_loop(model, None)
    # Of a transfer, those of its first phase, which are made last.
    *_, (key, graphs) = kept.items()
    assert len(kept) == 1 + frozen_body
    targets = tf.float32 if dataset.task == "regression" else tf.int32
    return Traced(*key[:2], definition_of(graphs, loop.state, targets))


def definition_of(graphs: Graphs, state: Any, targets: Any) -> str:
    """Describe what graphs compute, whatever the number of rows."""
    rows = [
        tf.TensorSpec((None, 8, 8, 1), tf.uint8), tf.TensorSpec((None,), targets),
        tf.TensorSpec((None,), tf.float32), tf.TensorSpec((None,), tf.int32),
    ]  # fmt: skip
    number = tf.TensorSpec((), tf.int32)
    sums = [
        value
        for value, variable in zip(
            state.non_trainable, graphs.network.non_trainable_variables, strict=True
        )
        if is_statistic(variable)
    ]
    rates, position = tf.TensorSpec((None,), tf.float32), tf.TensorSpec((5,), tf.int32)
    functions = [
        graphs._chunk.get_concrete_function(
            state, *rows, rates, position, tf.TensorSpec((2,), tf.float64), batch_size=8
        ),
        graphs._evaluation.get_concrete_function(
            state.parameters, state.non_trainable, *rows, number
        ),
    ]
    if sums:
        functions.append(
            graphs._statistics.get_concrete_function(
                state.parameters, state.non_trainable, rows[0], rows[3], number, sums
            )
        )
    found = []
    for function in functions:
        # Numbers in names count up over the whole process, and maps have no order.
        text = re.sub(r"_\d+", "", str(function.graph.as_graph_def()))
        found.append("\n".join(sorted(text.splitlines())))
    return "\n".join(found)


def sharing_wrongly(setting: str, forgotten: Collection[str] = ()) -> list[str]:
    """Find the trainings whose graphs differ by a setting, but not the key, `forgotten` apart."""
    pairs = {base: (traced(base), traced(base, setting)) for base in BASES}
    possible = {base: pair for base, pair in pairs.items() if pair[0] and pair[1]}
    assert possible, f"choose a value of {setting} that goes with one of the bases"
    return [
        base
        for base, (one, other) in possible.items()
        if one.same_key(other, forgotten) and one.definition != other.definition
    ]


@pytest.mark.parametrize("setting", list(Recipe.model_fields))
def test_graphs_that_differ_have_another_key(setting: str) -> None:
    assert setting in OTHERWISE, "a new setting needs another value here, to be compared"
    assert sharing_wrongly(setting) == []


@pytest.mark.parametrize("name", GraphSettings._fields)
def test_a_setting_that_is_forgotten_in_the_key_is_noticed(name: str) -> None:
    # These two change together.
    pair = ("batch_size", "rows_per_step")
    setting, forgotten = ("batch_size", pair) if name in pair else (name, (name,))
    assert sharing_wrongly(setting, forgotten)
