"""Rows from a disk train the very same network as rows in memory."""

from __future__ import annotations

import numpy as np
import pytest
from on_disk import OnDisk

from danqing import Recipe
from danqing.data.dataset import Dataset
from danqing.data.split import split
from danqing.networks.build import build, tensors_of
from danqing.training.loop.batches import BatchLoader
from danqing.training.loop.loop import Loop
from danqing.training.loop.training_rows import TrainingRows
from danqing.training.prepare_training import prepare_training


@pytest.mark.parametrize("network", ["dense(16)", "conv(4,5,3)-batchnorm-relu"])
def test_streaming_changes_nothing(
    small: Dataset, network: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("danqing.training.loop.batches._BLOCK_BYTES", 300 * 784)
    recipe = Recipe(network=network, epochs=2, batch_size=70, ema_decay=0.9)
    plan = prepare_training(small, split(small, 0.1), recipe)
    found = []
    for examples in (small.x_train, OnDisk(small.x_train)):
        model = build(plan.architecture, plan.preparation, 0)
        splits = plan.splits
        train, validation = (
            TrainingRows(examples, small.y_train, subset.rows)
            for subset in (splits.train, splits.validation)
        )
        loop = Loop(plan.architecture, model, plan.recipe, train, validation)
        reports = list(loop.run(lambda: False, lambda progress: None))
        found.append((tensors_of(model), [(r.loss, r.metric, r.val_metric) for r in reports]))
        if isinstance(examples, OnDisk):
            assert max(examples.reads) <= 300
    for name, value in found[0][0].items():
        np.testing.assert_array_equal(value, found[1][0][name])
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-5)


@pytest.mark.parametrize("on_disk", [False, True])
@pytest.mark.parametrize("rows", [1, 7, 8, 100, 9000])
def test_every_row_comes_once_in_the_order_asked_for(rows: int, on_disk: bool) -> None:
    rng = np.random.default_rng(rows)
    values = rng.integers(0, 255, (rows + 5, 1, 1, 1)).astype(np.uint8)
    labels = np.arange(rows + 5)
    numbers = rng.permutation(rows + 5)[:rows]
    examples = OnDisk(values) if on_disk else values
    loader = BatchLoader(TrainingRows(examples, labels, numbers), 8, "float32")
    order = rng.permutation(rows)
    taken = []
    for block in loader.blocks(order):
        assert block.order.shape[0] % 8 == 0
        places = np.array(block.order)[: block.rows]
        taken += np.array(block.targets)[places].tolist()
        np.testing.assert_array_equal(
            np.array(block.examples)[places], values[numbers[order]][: len(places)]
        )
    assert taken == numbers[order].tolist()
