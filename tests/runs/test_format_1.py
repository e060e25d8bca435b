"""Runs that Danqing 0.1.0 made: read as if they were today's, but not resumed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from danqing import Recipe, load_data
from danqing.data.dataset import Dataset
from danqing.data.split import split_by_settings
from danqing.errors import RecipeError, RunError
from danqing.evaluation.evaluate import evaluate
from danqing.explanation.explain import explain
from danqing.explanation.textbook.write_textbook import write_textbook
from danqing.networks.architecture import Architecture
from danqing.prediction.predictor import Predictor
from danqing.recipe.renamed import RENAMED
from danqing.runs.listing import list_runs
from danqing.runs.run_folder import RunFolder, load_run
from danqing.training.train import train

KEPT = Path(__file__).parent / "format_1"
NAMES = ("picture", "table", "number")


@pytest.fixture
def copies(tmp_path: Path) -> Path:
    """The three runs, where tests may write into them."""
    for name in NAMES:
        shutil.copytree(KEPT / name, tmp_path / name)
    path = tmp_path / "table" / "data.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**data, "source": str(KEPT / "bicycles.csv")}), encoding="utf-8")
    return tmp_path


def data_of(run: RunFolder) -> Dataset:
    data = run.data
    return load_data(data["source"], target=data["target"] or None, task=data["task"])


@pytest.mark.parametrize("name", NAMES)
def test_predictions_and_metrics_are_those_of_the_old_code(name: str, copies: Path) -> None:
    run = load_run(copies / name)
    dataset = data_of(run)
    assert dataset.fingerprint == run.data["fingerprint"]
    test = split_by_settings(dataset, run.config).test
    predicted = Predictor(run).predict_examples(test.examples())
    expected = load_file(KEPT / "predictions.safetensors")[name]
    np.testing.assert_allclose(predicted, expected, rtol=1e-5, atol=1e-6)
    flat_now, flat_then = flat(evaluate(run, dataset)), flat(run.metrics)
    added = {"balanced_accuracy", "macro_f1", "roc_auc", "average_precision"}  # since then
    flat_now = {key: value for key, value in flat_now.items() if key[-1] not in added}
    assert set(flat_now) == {key for key in flat_then if key[0] in ("test", "validation")}
    for key, value in flat_now.items():
        approximate = isinstance(value, float)
        assert value == (pytest.approx(flat_then[key], rel=1e-5) if approximate else flat_then[key])


def flat(plain: Any, *above: Any) -> dict[tuple[Any, ...], Any]:
    """Give each leaf of plain data with the way to it."""
    if not isinstance(plain, dict | list):
        return {above: plain}
    pairs = plain.items() if isinstance(plain, dict) else enumerate(plain)
    return {place: leaf for key, value in pairs for place, leaf in flat(value, *above, key).items()}


def test_settings_have_todays_names() -> None:
    run = RunFolder(KEPT / "picture")
    assert (run.format, run.config["format"], run.tta_views, run.members) == (1, 2, 10, 2)
    assert not RENAMED.keys() & {*run.config, *run.network}
    then = json.loads((KEPT / "picture" / "config.json").read_text())
    assert {new: run.config[new] for new in RENAMED.values()} == {
        new: then[old] for old, new in RENAMED.items()
    }
    assert set(Recipe.model_fields) <= set(run.config)
    number = RunFolder(KEPT / "number")
    architecture = json.loads(json.dumps(Architecture.from_json(number.network).to_json()))
    assert number.network == {**number.network, **architecture}


@pytest.mark.parametrize("name", NAMES)
def test_explained_and_in_a_textbook(name: str, copies: Path) -> None:
    run = load_run(copies / name)
    found = explain(run, data_of(run).x_train[[0, 1]])
    assert len(found.explanations) == 2
    assert write_textbook(run).stat().st_size > 100_000


def test_listed(copies: Path) -> None:
    assert {run.folder.name for run in list_runs(copies)} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_trained_on_and_learned_from(name: str, copies: Path) -> None:
    old = load_run(copies / name)
    dataset = data_of(old)
    tuned = train(dataset, Recipe(epochs=1), copies / "tuned", base=old.folder)
    assert tuned.format == 2
    assert tuned.network["spec"] == old.network["spec"]
    recipe = Recipe(network="dense(4)", epochs=1, batch_size=16)
    assert train(dataset, recipe, copies / "taught", teacher=old.folder).finished


@pytest.mark.parametrize("finished", [True, False])
def test_not_resumed(finished: bool, copies: Path) -> None:
    folder = copies / "number"
    if not finished:
        (folder / "metrics.json").unlink()
    before = {path: path.read_bytes() for path in folder.iterdir()}
    recipe = Recipe(network="dense(8)", epochs=20, batch_size=16)
    with pytest.raises(RunError, match=r"has format 1.*can't be resumed.*danqing 0\.1\.0"):
        train(load_data("diabetes"), recipe, folder, resume=True)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("file", ["config", "data", "network"])
def test_a_later_format_is_refused(file: str, copies: Path) -> None:
    path = copies / "table" / f"{file}.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 3}))
    with pytest.raises(RunError, match=r"has format 3, .* up to 2; upgrade") as caught:
        getattr(load_run(copies / "table"), file)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [None, 0, -1, "2", 2.5, True, [], {}])
def test_a_format_that_is_none(value: object, copies: Path) -> None:
    path = copies / "table" / "network.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": value}))
    with pytest.raises(RunError, match="is damaged, it names no format"):
        _ = load_run(copies / "table").network


def test_its_recipe_is_refused_with_the_new_names() -> None:
    with pytest.raises(RecipeError, match="'views' is now called 'tta_views'"):
        Recipe.from_file(KEPT / "picture.toml")
