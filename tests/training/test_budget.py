"""Time budgets are kept, and the schedule ends in time."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from as_trained import validation_loss

from danqing import Recipe
from danqing.data.dataset import Dataset
from danqing.data.split import split
from danqing.errors import RecipeError
from danqing.networks.build import build
from danqing.recipe.recipe import MOST_EPOCHS
from danqing.training.budget import Budget, Clock
from danqing.training.loop.graphs import Graphs
from danqing.training.loop.progress import TrainingProgress
from danqing.training.prepare_training import prepare_training
from danqing.training.train import train
from danqing.training.trainer import Trainer

NETWORK = "conv(8,5,stride=2)-batchnorm-relu-pool-dense(32)"


def test_minutes_are_a_setting() -> None:
    assert Recipe().minutes is None
    assert Recipe(minutes=2).epochs == MOST_EPOCHS
    assert Recipe(minutes=2, epochs=3).epochs == 3
    for minutes in (0, -1, float("nan"), float("inf"), 1e9):
        with pytest.raises(RecipeError, match="minutes"):
            Recipe(minutes=minutes)


def test_minutes_are_kept(small: Dataset, tmp_path: Path) -> None:
    reports: list[TrainingProgress] = []
    began = time.perf_counter()
    # Without smoothing the reported loss is the objective.
    recipe = Recipe(
        network=NETWORK,
        minutes=0.2,
        schedule="one-cycle",
        batch_size=16,
        label_smoothing=0.0,
    )
    run = train(small, recipe, tmp_path / "run", progress=reports.append)
    took = time.perf_counter() - began
    # 5 % is for a machine with nothing else to do, and for whole minutes.
    assert 12 * 0.85 < took < 12 * 1.15
    rates = np.array([row["learning_rate"] for row in run.history])
    assert rates[-1] < 0.2 * rates.max()
    assert run.metrics["budget"]["minutes"] == 0.2
    assert run.metrics["budget"]["steps"] > 113
    assert reports[0].epochs is None
    assert (np.diff([progress.share for progress in reports]) >= 0).all()
    # The best epoch's weights are kept.
    best = min(row["val_loss"] for row in run.history)
    assert validation_loss(run, small) == pytest.approx(best, rel=1e-3)


class FakeTime:
    """A clock that only steps and validations move."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now


@pytest.mark.parametrize("slowness", [1.0, 3.0, 0.3])
def test_the_plan_follows_the_machine(
    small: Dataset, monkeypatch: pytest.MonkeyPatch, slowness: float
) -> None:
    """Steps of 10 ms, `slowness` times as slow from the middle on: time is kept to 1 %."""
    fake = FakeTime()
    for module in ("loop.loop", "budget"):
        monkeypatch.setattr(f"danqing.training.{module}.time", fake)
    run_chunk, evaluate = Graphs.run_chunk, Graphs.evaluate

    def slow_chunk(self: Any, state: Any, block: Any, chunk: Any, *others: Any) -> Any:
        fake.now += chunk.steps * 0.01 * (slowness if fake.now > 15 else 1)
        return run_chunk(self, state, block, chunk, *others)

    def slow_evaluation(self: Any, *others: Any) -> Any:
        fake.now += 0.1
        return evaluate(self, *others)

    monkeypatch.setattr(Graphs, "run_chunk", slow_chunk)
    monkeypatch.setattr(Graphs, "evaluate", slow_evaluation)
    budget = Budget(30, Clock(0.0))
    budget.reserve = 2.0
    recipe = Recipe(network="dense(8)", minutes=0.5, schedule="one-cycle", batch_size=16)
    plan = prepare_training(small, split(small, 0.1), recipe)
    model = build(plan.architecture, plan.preparation)
    loop = Trainer(plan)._create_loop(model, budget)
    reports = list(loop.run(lambda: False, lambda progress: None))
    # The last validation is within the reserve.
    assert 27.7 < fake.now - 0.1 < 28.1
    assert loop.position.share > 0.97
    assert reports[-1].learning_rate < 0.03 * recipe.learning_rate


def test_epochs_may_end_it_first(small: Dataset, tmp_path: Path) -> None:
    began = time.perf_counter()
    run = train(small, Recipe(network=NETWORK, minutes=5, epochs=2), tmp_path / "run")
    assert len(run.history) == 2
    assert time.perf_counter() - began < 60
    assert run.history[-1]["learning_rate"] < 0.001


def test_too_few_minutes_are_refused(small: Dataset, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"spent before the first step; choose at least 0\.\d"):
        train(small, Recipe(network=NETWORK, minutes=0.001), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_budget_is_resumed(small: Dataset, tmp_path: Path) -> None:
    class Killed(BaseException):
        pass

    def die(progress: TrainingProgress) -> None:
        if progress.share > 0.4:
            raise Killed

    recipe = Recipe(network=NETWORK, minutes=0.2, batch_size=16)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("danqing.training.loop.checkpoint_manager._interval", lambda seconds: 0.1)
        with pytest.raises(Killed):
            train(small, recipe, tmp_path / "run", progress=die)
    reports: list[TrainingProgress] = []
    began = time.perf_counter()
    run = train(small, recipe, tmp_path / "run", progress=reports.append, resume=True)
    assert 0.2 < reports[0].share < 0.6
    # What the first process took is counted.
    assert time.perf_counter() - began < 12 * 0.85
    assert run.metrics["seconds"]["total"] == pytest.approx(12, rel=0.15)
