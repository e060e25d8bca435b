"""An ensemble explained: as one network by attributions, by its first member in the textbook."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from danqing import Recipe, load_data
from danqing.data.dataset import Dataset
from danqing.evaluation.confidence import untempered
from danqing.explanation.attributions.load_network import load_network
from danqing.explanation.attributions.methods import METHODS, attribute
from danqing.explanation.explain import explain
from danqing.explanation.textbook.write_textbook import write_textbook
from danqing.networks.architecture import design
from danqing.networks.build import tensors_of
from danqing.networks.tensorflow_network import TensorFlowNetwork
from danqing.prediction.member import EnsembleMember
from danqing.prediction.predictor import Predictor
from danqing.preparation.preparation import Preparation
from danqing.preparation.scaling import Scaling
from danqing.runs.run_folder import RunFolder
from danqing.training.train import train

SPEC = "conv(4,3,stride=2)-batchnorm-relu-dense(6,tanh)"


@pytest.fixture(scope="module")
def ensemble(small: Dataset, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    recipe = Recipe(network=SPEC, ensemble=3, epochs=2, batch_size=32)
    return train(small, recipe, tmp_path_factory.mktemp("runs") / "ensemble")


def test_scores_are_the_logits_of_what_ships_without_its_temperature(
    ensemble: RunFolder, small: Dataset
) -> None:
    network, x = load_network(ensemble), small.x_test[:20].astype(np.float32)
    scores = np.stack([network.scores(x, np.full(20, c)) for c in range(10)], axis=1)
    probabilities = untempered(ensemble, Predictor(ensemble).predict_examples(x)).astype(np.float64)
    np.testing.assert_allclose(scores, np.log(probabilities / (1 - probabilities)), atol=2e-3)
    assert network.features(x).shape == (20, 3 * 6)


@pytest.mark.parametrize("classes", [3, 0])
def test_of_equal_members_all_is_as_of_one(classes: int) -> None:
    preparation = Preparation(
        Scaling("channel", np.array([60.0]), np.array([80.0])), target=(5.0, 2.0)
    )
    one, two = (
        TensorFlowNetwork(design(SPEC, (12, 12, 1), classes, members), preparation)
        for members in (1, 2)
    )
    tensors = tensors_of(one.model)
    two = TensorFlowNetwork(
        two.architecture,
        preparation,
        {f"member_{k}/{name}": tensor for k in (1, 2) for name, tensor in tensors.items()},
    )
    random = np.random.default_rng(0)
    x = random.integers(0, 256, (4, 12, 12, 1)).astype(np.float32)
    baselines, targets = np.zeros_like(x), np.array([0, 1, 2, 1]) * (classes > 0)
    for method in METHODS:
        expected, found = (attribute(method, n, x, baselines, targets) for n in (one, two))
        scale = np.abs(expected).max()
        np.testing.assert_allclose(found, expected, atol=1e-4 * scale, err_msg=method)
    np.testing.assert_allclose(two.features(x), np.tile(one.features(x), 2), atol=1e-5)


def test_the_whole_job(ensemble: RunFolder, small: Dataset) -> None:
    found = explain(ensemble, small.x_test[:2], dataset=small)
    for one in found.explanations:
        assert {m.method for m in one.maps} == set(METHODS)
        assert one.maps[0].gap is not None
        assert one.maps[0].gap < 0.05
        assert len(one.neighbours) == 5


@pytest.mark.parametrize("number", [1, 3])
def test_a_member_is_a_run_of_its_own(ensemble: RunFolder, small: Dataset, number: int) -> None:
    member = EnsembleMember(ensemble, number)
    assert (member.members, ensemble.members) == (1, 3)
    own = f"member_{number}/"
    assert {own + name for name in member.tensors} == {
        name for name in ensemble.tensors if name.startswith(own)
    }
    for name, tensor in member.tensors.items():
        np.testing.assert_array_equal(tensor, ensemble.tensors[own + name])
    x = small.x_test[:9]
    outputs = np.asarray(load_network(member).model(x.astype(np.float32)))
    np.testing.assert_allclose(Predictor(member).predict_examples(x), outputs, atol=1e-5)
    assert (
        np.abs(
            Predictor(member).predict_examples(x) - Predictor(ensemble).predict_examples(x)
        ).max()
        > 0.01
    )


@pytest.fixture(scope="module")
def several_views(small: Dataset, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    recipe = Recipe(network=SPEC, tta_views=10, epochs=2, batch_size=32)
    return train(small, recipe, tmp_path_factory.mktemp("runs") / "tta_views")


def test_scores_of_several_views_are_the_logits_of_what_ships_without_its_temperature(
    several_views: RunFolder, small: Dataset
) -> None:
    network, x = load_network(several_views), small.x_test[:20].astype(np.float32)
    scores = np.stack([network.scores(x, np.full(20, c)) for c in range(10)], axis=1)
    probabilities = untempered(several_views, Predictor(several_views).predict_examples(x)).astype(
        np.float64
    )
    np.testing.assert_allclose(scores, np.log(probabilities / (1 - probabilities)), atol=2e-3)
    assert network.features(x).shape == (20, 6)


def test_the_textbook_of_several_views_shows_one(several_views: RunFolder, small: Dataset) -> None:
    facts = facts_of(write_textbook(several_views, small))
    once = EnsembleMember(several_views, tta_views=1)
    assert facts["tta_views"] == 10
    assert (once.tta_views, EnsembleMember(several_views).tta_views) == (1, 10)
    right = Predictor(once).predict_examples(small.x_test).argmax(axis=1) == small.y_test
    assert facts["metrics"]["test"]["accuracy"] == right.mean()


def facts_of(page: Path) -> dict[str, Any]:
    found = re.search(r'id="facts">(.*?)</script>', page.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    facts: dict[str, Any] = json.loads(found[1])
    return facts


def test_the_textbook_takes_the_first_member_apart(ensemble: RunFolder, small: Dataset) -> None:
    page = write_textbook(ensemble, small)
    facts, member = facts_of(page), EnsembleMember(ensemble, tta_views=1)
    assert facts["ensemble"] == 3
    assert facts["parameters"] == member.parameters == ensemble.parameters // 3
    assert set(facts["tensors"]) == set(member.tensors)
    right = Predictor(member).predict_examples(small.x_test).argmax(axis=1) == small.y_test
    assert facts["metrics"]["test"]["accuracy"] == right.mean()
    for sample in facts["samples"]:
        assert sample["check"]["autodiff"] < 1e-6
        assert sample["check"]["onnx"] < 1e-4


def test_the_textbook_of_a_table_and_of_a_network_that_is_no_ensemble(tmp_path: Path) -> None:
    data = load_data("diabetes")
    for members in (2, 1):
        recipe = Recipe(network="dense(5)", ensemble=members, epochs=1)
        run = train(data, recipe, tmp_path / str(members))
        assert facts_of(write_textbook(run, data))["ensemble"] == members
