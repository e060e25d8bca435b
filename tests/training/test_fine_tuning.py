"""Fine-tuning a finished run."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from danqing import Recipe, load_data
from danqing.data.dataset import Dataset
from danqing.errors import RecipeError, RunError
from danqing.runs.run_folder import RunFolder
from danqing.training.train import train


def test_it_starts_from_the_weights_on_new_data(
    run: RunFolder, mnist: Dataset, tmp_path: Path
) -> None:
    new = replace(
        mnist, x_train=mnist.x_train[2000:4000], y_train=mnist.y_train[2000:4000],
        x_test=mnist.x_test[:500], y_test=mnist.y_test[:500],
    )  # fmt: skip
    recipe = Recipe(
        network=run.config["network"], epochs=1, learning_rate=1e-9, schedule="constant"
    )
    still = train(new, recipe, tmp_path / "still", base=run.folder)
    for name, value in run.tensors.items():
        if "moving" not in name:
            np.testing.assert_allclose(still.tensors[name], value, atol=1e-5)
    assert still.network["preparation"] == run.network["preparation"]
    assert still.config["from"]["run"] == str(run.folder)
    further = train(new, Recipe(epochs=2), tmp_path / "further", base=run.folder)
    assert further.network["layers"] == run.network["layers"]
    assert further.metrics["test"]["loss"] < run.metrics["test"]["loss"]


def test_a_preset_keeps_the_network_that_it_made_for_the_first_data(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(4000, 3))
    y = (x.sum(axis=1) > 0).astype(int)
    few = train(load_data((x[:300], y[:300])), Recipe(epochs=3), tmp_path / "few")
    many = train(load_data((x, y)), Recipe(epochs=3), tmp_path / "many", base=few.folder)
    assert many.config["spec"] == few.config["spec"]
    alone = train(load_data((x, y)), Recipe(epochs=1), tmp_path / "alone")
    assert alone.config["spec"] != few.config["spec"]


def test_what_does_not_agree_is_refused(run: RunFolder, small: Dataset, tmp_path: Path) -> None:
    unfinished = shutil.copytree(run.folder, tmp_path / "unfinished")
    (unfinished / "metrics.json").unlink()
    cases = [
        (load_data("iris"), Recipe(), run.folder, RunError, "rows of a table"),
        (
            small,
            Recipe(network="dense(7)"),
            run.folder,
            RecipeError,
            "the network of",
        ),
        (small, Recipe(scaling="feature"), run.folder, RecipeError, "scaling: feature, but"),
        (small, Recipe(), unfinished, RunError, "has not finished"),
        (small, Recipe(), tmp_path / "none", RunError, "no such folder"),
    ]
    for data, recipe, base, error, words in cases:
        with pytest.raises(error, match=words):
            train(data, recipe, tmp_path / "run", base=base)
    assert not (tmp_path / "run").exists()
