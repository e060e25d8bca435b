"""Tables and numbers, from a file to a run and back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from as_trained import validation_loss

from danqing import Recipe, load_data
from danqing.data.tables.table_files import read_table
from danqing.errors import RecipeError, RunError, SpecError
from danqing.evaluation.evaluate import evaluate
from danqing.prediction.predictor import Predictor
from danqing.runs.run_folder import load_run
from danqing.training.train import train


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table with text, gaps and a regression target."""
    rng = np.random.default_rng(0)
    lines = ["area,heating,built,price"]
    for _ in range(400):
        area, heating = rng.uniform(30, 200), rng.choice(["gas", "oil", "heat pump", ""])
        price = 900 * area + {"gas": 0, "oil": -20_000, "heat pump": 30_000, "": 5000}[heating]
        shown = "" if rng.random() < 0.05 else f"{area:.1f}"
        lines.append(f"{shown},{heating},{1950 + rng.integers(70)}-05-01,{price:.0f}")
    path = tmp_path_factory.mktemp("tables") / "houses.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_table_of_houses(houses: Path, tmp_path: Path) -> None:
    dataset = load_data(houses, target="price")
    assert dataset.task == "regression"
    run = train(dataset, out=tmp_path / "run")
    test = run.metrics["test"]
    assert set(test) == {"n", "loss", "r2", "mae", "mse"}
    assert test["r2"] > 0.8
    header = (run.folder / "history.csv").read_text().splitlines()[0]
    assert header == "epoch,seconds,loss,mae,val_loss,val_mae,learning_rate"
    # Reported in the target's own unit.
    assert run.history[0]["mae"] > 5000 > 0
    assert run.data["target"] == "price"
    # Raw rows in, predictions out, from the folder alone: also rows without a price.
    unlabelled = houses.with_name("new.csv")
    lines = houses.read_text().splitlines()
    unlabelled.write_text("\n".join(line.rpartition(",")[0] for line in lines[:4]) + "\n")
    again = load_run(run.folder)
    predictions = Predictor(again).predict_examples(
        read_table(unlabelled, again.preparation.encoding.kinds)
    )  # type: ignore[union-attr]
    np.testing.assert_allclose(
        predictions, Predictor(run).predict_examples(dataset.x_train[:3]), rtol=1e-5
    )
    assert evaluate(again)["test"] == pytest.approx(test)
    assert evaluate(again, dataset)["test"] == pytest.approx(test)


def test_patience_keeps_the_best_epoch(tmp_path: Path) -> None:
    recipe = Recipe(network="dense(64)-dense(64)", epochs=300, patience=5, learning_rate=0.01)
    wine = load_data("wine")
    run = train(wine, recipe, tmp_path / "run")
    losses = [row["val_loss"] for row in run.history]
    assert run.finished
    assert len(losses) < 300
    assert int(np.argmin(losses)) == len(losses) - 1 - 5
    assert validation_loss(run, wine) == pytest.approx(min(losses), rel=1e-3)


@pytest.mark.parametrize("taught", [False, True])
def test_the_best_epoch_is_best_by_what_is_learned(tmp_path: Path, taught: bool) -> None:
    """As a sure network comes to be as unsure as is asked, its loss on plain labels grows."""
    digits, network = load_data("digits"), "dense(64)"
    sure = Recipe(network=network, epochs=20, learning_rate=0.003)
    unsure = sure.model_copy(update={"label_smoothing": 0.5, "epochs": 8})
    train(digits, sure, tmp_path / "sure")
    if taught:
        train(digits, unsure, tmp_path / "teacher")
    slow = {"epochs": 8, "patience": 2, "learning_rate": 0.0003}
    recipe = (sure if taught else unsure).model_copy(update=slow)
    run = train(
        digits,
        recipe,
        tmp_path / "run",
        base=tmp_path / "sure",
        teacher=tmp_path / "teacher" if taught else None,
    )
    losses = [row["val_loss"] for row in run.history]
    assert len(losses) == 8
    assert validation_loss(run, digits) > 1.1 * min(losses)


def test_imbalanced_classes_count_alike_only_if_asked(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(1000, 2)), (rng.random(1000) < 0.08).astype(int)
    x[y == 1] += 1.2
    recipe = Recipe(network="dense(16)", epochs=20, learning_rate=0.01)
    plain = train(load_data((x, y)), recipe, tmp_path / "plain")
    assert plain.config["class_weight"] == "none"
    asked = Recipe(**{**recipe.model_dump(exclude_unset=True), "class_weight": "balanced"})
    run = train(load_data((x, y)), asked, tmp_path / "even")
    recall = [r.metrics["test"]["per_class"][1]["recall"] for r in (run, plain)]
    assert recall[0] > recall[1]


def test_what_does_not_go_together(houses: Path, tmp_path: Path) -> None:
    dataset = load_data(houses, target="price")
    with pytest.raises(RecipeError, match="the task is regression"):
        train(dataset, Recipe(loss="cross-entropy"), tmp_path / "run")
    with pytest.raises(SpecError, match="a table has columns only"):
        train(dataset, Recipe(network="conv(8)"), tmp_path / "run")
    assert not (tmp_path / "run").exists()
    run = train(dataset, Recipe(network="dense(4)", epochs=1), tmp_path / "run")
    with pytest.raises(RunError, match="can't be evaluated on pictures"):
        evaluate(run, load_data("digits"))


def test_in_memory_data_can_not_be_loaded_again(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(60, 2))
    data = load_data((x, (x[:, 0] > 0).astype(int)))
    run = train(data, Recipe(network="dense(4)", epochs=2), tmp_path / "run")
    with pytest.raises(RunError, match="in-memory data, which can't be loaded again"):
        evaluate(run)
    assert evaluate(run, data)["test"]["n"] == 12
