from __future__ import annotations

import json
from pathlib import Path

import pytest

from danqing import Recipe
from danqing.errors import RecipeError, SpecError
from danqing.recipe.renamed import RENAMED


def test_article_has_the_classic_defaults() -> None:
    recipe = Recipe(network="article")
    assert (recipe.optimizer, recipe.loss, recipe.batch_size, recipe.epochs) == (
        "adam", "cross-entropy", 32, 10,
    )  # fmt: skip
    assert (recipe.validation_share, recipe.scaling, recipe.schedule) == (
        0.2,
        "feature",
        "constant",
    )


def test_a_named_optimizer_brings_its_learning_rate() -> None:
    assert Recipe(network="article", optimizer="gradient-descent").learning_rate == 0.1
    given = Recipe(network="article", optimizer="gradient-descent", learning_rate=0.3)
    assert given.learning_rate == 0.3
    assert Recipe(optimizer="momentum").weight_decay == 0


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"epochs": 0}, "epochs"),
        ({"epochs": -3}, "epochs"),
        ({"epochs": True}, "epochs: expected"),
        ({"batch_size": 0}, "batch_size"),
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"learning_rate": 0}, "learning_rate"),
        ({"optimizer": "sgd"}, "optimizer"),
        ({"loss": "hinge"}, "loss"),
        ({"optimiser": "adam"}, "did you mean 'optimizer'"),
        ({"optimizer": "adam", "weight_decay": 0.1}, "adamw or muon, not adam"),
        ({"seed": -1}, "seed"),
    ],
)
def test_wrong_settings_are_named(settings: dict[str, object], words: str) -> None:
    with pytest.raises(RecipeError) as caught:
        Recipe(**settings)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
@pytest.mark.parametrize("value", [1, 0.5, True, "balanced"])
def test_old_names_are_refused_with_the_new(
    old: str, new: str, value: object, tmp_path: Path
) -> None:
    line = f"'{old}' is now called '{new}' (since 0.2.0)"
    with pytest.raises(RecipeError) as caught:
        Recipe(**{"epochs": 3, old: value})
    assert str(caught.value) == line
    path = tmp_path / "recipe.toml"
    path.write_text(f"{old} = {json.dumps(value)}\n")
    with pytest.raises(RecipeError) as caught:
        Recipe.from_file(path)
    assert str(caught.value) == f"recipe {path}: {line}"
    assert old not in Recipe.model_fields
    assert new in Recipe.model_fields


def test_a_preset_misspelt_is_recognised() -> None:
    with pytest.raises(SpecError, match="did you mean 'article'"):
        Recipe(network="artcle")


def test_from_file(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text('network = "dense(8)"\nepochs = 3\n')
    assert Recipe.from_file(path, epochs=4).epochs == 4
    path.write_text("epochs = 'three'")
    with pytest.raises(RecipeError, match="epochs"):
        Recipe.from_file(path)
    path.write_text("epochs = ")
    with pytest.raises(RecipeError, match="not valid TOML"):
        Recipe.from_file(path)
    with pytest.raises(RecipeError, match="can't be read"):
        Recipe.from_file(tmp_path / "missing.toml")
