"""What many tests share: a small part of MNIST, and one small trained run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from danqing import Recipe, load_data
from danqing.data.dataset import Dataset
from danqing.runs.run_folder import RunFolder
from danqing.training.train import train


@pytest.fixture(scope="session")
def mnist() -> Dataset:
    return load_data("mnist")


@pytest.fixture(scope="session")
def small(mnist: Dataset) -> Dataset:
    return replace(
        mnist,
        x_train=mnist.x_train[:2000],
        y_train=mnist.y_train[:2000],
        x_test=mnist.x_test[:500],
        y_test=mnist.y_test[:500],
    )


@pytest.fixture(scope="session")
def run(small: Dataset, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A finished run of a small convolutional network; tests must not change it."""
    recipe = Recipe(
        network="conv(8,5,stride=2)-batchnorm-relu-pool-dense(32)", epochs=4, batch_size=16
    )
    return train(small, recipe, tmp_path_factory.mktemp("runs") / "small")


@pytest.fixture
def trained(small: Dataset, tmp_path: Path) -> Callable[..., RunFolder]:
    def make(name: str = "run", **settings: object) -> RunFolder:
        return train(small, Recipe(**{"epochs": 1, **settings}), tmp_path / name)

    return make
