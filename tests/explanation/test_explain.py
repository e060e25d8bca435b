"""The whole job: neighbours, counterfactuals, columns, a planted mark; sheet, page and JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from benchmarks.attributions import planted
from sklearn.inspection import permutation_importance as sklearn_importance

from danqing import Recipe, load_data
from danqing.data.dataset import Dataset
from danqing.data.split import Subset, split
from danqing.errors import RecipeError, RunError
from danqing.evaluation.own_data import own_splits
from danqing.explanation.attributions.baselines import baselines_for
from danqing.explanation.attributions.load_network import load_network
from danqing.explanation.attributions.methods import DEFAULT_METHOD, METHODS, attribute
from danqing.explanation.choose_examples import choose_examples
from danqing.explanation.counterfactual import counterfactuals
from danqing.explanation.explain import explain
from danqing.explanation.explanation_page import page_of
from danqing.explanation.importance import permutation_importance
from danqing.explanation.nearest import nearest_examples
from danqing.explanation.results import ExplanationSet
from danqing.explanation.sheet import draw_sheet
from danqing.networks.tensorflow_network import TensorFlowNetwork
from danqing.prediction.predictor import Predictor
from danqing.runs.run_folder import RunFolder
from danqing.training.train import train

Trained = tuple[RunFolder, Dataset]


@pytest.fixture(scope="module")
def explained(run: RunFolder, small: Dataset) -> ExplanationSet:
    return explain(run, dataset=small)


@pytest.fixture(scope="module")
def iris(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    data = load_data("iris")
    folder = tmp_path_factory.mktemp("iris") / "run"
    return train(data, Recipe(network="dense(16)", epochs=30, batch_size=16), folder), data


@pytest.fixture(scope="module")
def diabetes(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    data = load_data("diabetes")
    folder = tmp_path_factory.mktemp("diabetes") / "run"
    return train(data, Recipe(network="dense(16)", epochs=20, batch_size=16), folder), data


def test_nearest_by_brute_force(untrained: Callable[..., TensorFlowNetwork]) -> None:
    network = untrained("conv(4,3)-dense(6)")
    x = np.random.default_rng(0).integers(0, 256, (300, 12, 12, 1)).astype(np.uint8)
    subset = Subset(x, np.zeros(300, int), np.arange(5, 300))
    rows, distances = nearest_examples(network, x[:3].astype(np.float32), subset, count=4)
    features = network.features(x).astype(np.float64)
    for row in range(3):
        apart = np.linalg.norm(features[5:] - features[row], axis=1)
        expected = np.argsort(apart, kind="stable")[:4]
        np.testing.assert_allclose(distances[row], apart[expected], atol=1e-4)
        assert set(rows[row]) == set(expected + 5)
    itself, nothing = nearest_examples(network, x[[50]].astype(np.float32), subset, count=1)
    assert itself.tolist() == [[50]]
    assert nothing[0, 0] < 1e-2


def test_counterfactuals_are_predicted_by_what_ships(run: RunFolder, small: Dataset) -> None:
    network, pictures = load_network(run), small.x_test[:6]
    order = np.argsort(-Predictor(run).predict_examples(pictures), axis=1)
    found = counterfactuals(network, pictures, order[:, 1], Predictor(run).predict_examples)
    assert all(change.found for change in found)
    for change, before in zip(found, pictures, strict=True):
        assert change.picture.dtype == np.uint8
        prediction = Predictor(run).predict_examples(change.picture[None])[0]
        assert prediction.argmax() == change.target
        assert prediction[change.target] == pytest.approx(change.probability)
        apart = (change.picture.astype(float) - before) / 255
        assert change.distance == pytest.approx(np.sqrt((apart**2).sum()))
        assert change.changed == (apart != 0).sum() < 300
        # It is small: half of it is not enough.
        half = np.rint(before + apart * 255 / 2).astype(np.uint8)
        assert Predictor(run).predict_examples(half[None])[0].argmax() != change.target


def test_permutation_importance_agrees_with_sklearn(iris: Trained) -> None:
    run, data = iris
    test = own_splits(run, data).test
    features, labels = run.preparation.encoded(test.examples()), test.labels

    class Answering:
        def fit(self) -> None: ...

        def score(self, x: np.ndarray, y: np.ndarray) -> float:
            return float(
                (Predictor(run).predict_examples(x.astype(np.float32)).argmax(axis=1) == y).mean()
            )

    expected = sklearn_importance(Answering(), features, labels, n_repeats=60, random_state=0)
    found = permutation_importance(Predictor(run), features, labels, repeats=60)
    names = list(run.preparation.encoding.feature_names)
    assert [one.mean for one in found] == sorted((one.mean for one in found), reverse=True)
    for one in found:
        place = names.index(one.column)
        assert one.mean == pytest.approx(expected.importances_mean[place], abs=0.06)


def test_planted_mark_is_found(tmp_path: Path, mnist: Dataset) -> None:
    x, y, _ = planted(mnist.x_train[:3000], 0)
    x_test, y_test, squares = planted(mnist.x_test[:200], 1)
    data = Dataset("marks", "", x, y, x_test, y_test, ("a", "b", "c", "d"))
    spec = "conv(8,5,stride=2)-batchnorm-relu-conv(16,3,stride=2)-batchnorm-relu"
    recipe = Recipe(
        network=spec, epochs=4, batch_size=32, affine=0.0, random_erasing=0.0, photometric=0.0
    )
    run = train(data, recipe, tmp_path / "run")
    assert run.metrics["test"]["accuracy"] > 0.97
    pictures = x_test.astype(np.float32)
    baselines, predicted = (
        baselines_for(pictures, run.preparation),
        Predictor(run).predict_examples(x_test).argmax(1),
    )
    maps = attribute(DEFAULT_METHOD, load_network(run), pictures, baselines, predicted).reshape(
        200, -1
    )
    assert len(np.unique(predicted)) == 4
    assert squares.reshape(200, -1)[np.arange(200), maps.argmax(axis=1)].mean() >= 0.95


def test_examples_of_the_run_itself(
    run: RunFolder, small: Dataset, explained: ExplanationSet
) -> None:
    test = own_splits(run, small).test
    rows = choose_examples(run, test)
    predicted = Predictor(run).predict_examples(test.x[rows]).argmax(axis=1)
    right = predicted == test.y[rows]
    assert right[:3].all()
    assert not right[3]
    assert len(set(predicted[:3])) == 3
    assert [one.name for one in explained.explanations] == [f"test[{r + 1}]" for r in rows]
    assert [one.label for one in explained.explanations] == [str(y) for y in test.y[rows]]
    for one, prediction in zip(explained.explanations, predicted, strict=True):
        assert one.prediction == one.target == str(prediction)
        assert [each.method for each in one.maps] == list(METHODS)
        assert one.baseline == "black"
        assert len(one.neighbours) == 5
        assert set(one.compared) == {"random", "edges"}
        assert one.counterfactual is not None


def test_target_and_method(run: RunFolder, small: Dataset) -> None:
    found = explain(run, small.x_test[:2], method="gradient", target="9", dataset=small)
    for one in found.explanations:
        assert one.target == "9"
        assert [each.method for each in one.maps] == ["gradient"]
        assert one.counterfactual is not None
        assert one.counterfactual.target == 9
    with pytest.raises(RecipeError, match="is not a class of"):
        explain(run, small.x_test[:1], target="ten", dataset=small)
    with pytest.raises(RecipeError, match="expected one of"):
        explain(run, small.x_test[:1], method="tea-leaves", dataset=small)


def test_without_the_data(run: RunFolder, small: Dataset) -> None:
    found = explain(run, small.x_test[:1], method=DEFAULT_METHOD)
    assert found.explanations[0].neighbours == ()
    assert "no nearest training examples" in found.notes[0]
    with pytest.raises(RunError, match="fingerprints differ"):
        explain(run)


def test_table(iris: Trained) -> None:
    run, data = iris
    found = explain(run)
    assert found.columns == data.x_train.names
    assert [one.column for one in found.importance[:2]] != []
    for one in found.explanations:
        (shown,) = one.maps
        assert shown.values.shape == (4,)
        assert shown.gap is not None
        assert shown.gap <= 0.01
        assert shown.randomised is None
        assert set(one.compared) == {"random"}
        assert one.counterfactual is None
        assert one.example.keys() == set(data.x_train.names)
        assert one.baseline == "training mean"


def test_regression(diabetes: Trained) -> None:
    run, data = diabetes
    found = explain(run)
    rows = choose_examples(run, split(data, run.config["validation_share"]).test)
    numbers = Predictor(run).predict_examples(data.x_train[rows])
    features = run.preparation.encoded(data.x_train[rows])
    nothing = Predictor(run).predict_examples(
        np.broadcast_to(run.preparation.scaling.mean_, features.shape)
    )
    for one, number, without in zip(found.explanations, numbers, nothing, strict=True):
        assert one.prediction == f"{number:.4g}"
        difference = float(number - without)
        allowed = 0.011 * max(abs(difference), 10)
        assert float(one.maps[0].values.sum()) == pytest.approx(difference, abs=allowed)
        assert not len(one.probabilities)
    assert found.importance[0].mean > 0
    with pytest.raises(RecipeError, match="has no classes"):
        explain(run, target="3")
    with pytest.raises(RecipeError, match="does not suit"):
        explain(run, method="occlusion")


def test_json_holds_all(explained: ExplanationSet) -> None:
    plain = json.loads(json.dumps(explained.to_json(), allow_nan=False))
    first, one = plain["explanations"][0], explained.explanations[0]
    assert list(first["maps"]) == list(METHODS)
    values = np.array(first["maps"][DEFAULT_METHOD]["values"])
    np.testing.assert_allclose(values, one.maps[0].values, rtol=1e-6)
    assert first["maps"][DEFAULT_METHOD]["checks"]["completeness_gap"] <= 0.01
    assert np.array(first["counterfactual"]["picture"]).shape == (28, 28, 1)
    assert np.array_equal(np.array(first["example"]), one.example)


def test_sheet(explained: ExplanationSet, iris: Trained) -> None:
    sheet = draw_sheet(explained)
    assert sheet.width > 1300
    pixels = np.asarray(sheet)
    assert (pixels == (206, 70, 52)).all(axis=-1).any(), "cinnabar"
    assert (pixels == (53, 111, 177)).all(axis=-1).any(), "azure"
    assert draw_sheet(explain(iris[0])).width == 1180
    assert (np.asarray(draw_sheet(explained, "zh")) != pixels).any(), "the other language"


class Structure(HTMLParser):
    """Counts tags, and collects text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [str(v) for name, v in attributes if name in ("src", "href") and v]


def test_page(explained: ExplanationSet, iris: Trained) -> None:
    for found in (explained, explain(iris[0])):
        structure = Structure()
        structure.feed(page_of(found))
        assert structure.tags.count("section") == len(found.explanations) + 1 + bool(found.columns)
        links = [link for link in structure.links if link != "#main"]
        assert all(link.startswith("data:image/png;base64,") for link in links)
        assert structure.tags.count("script") == 1
        assert "math" in structure.tags


def test_page_of_a_table_speaks_of_what_it_shows(diabetes: Trained) -> None:
    found = explain(diabetes[0])
    page = page_of(found)
    assert '<body data-kind="table">' in page
    assert "random order: " in page
    assert "random map: " not in page
    assert found.importance[0].text in page


def test_curves_of_a_page_keep_to_their_drawing(diabetes: Trained) -> None:
    found = explain(diabetes[0])
    first = found.explanations[0]
    wild = first.maps[0].deletion - 3, first.maps[0].insertion + 3
    shown = replace(first.maps[0], deletion=wild[0], insertion=wild[1])
    page = page_of(replace(found, explanations=(replace(first, maps=(shown,)),)))
    lines = re.findall(r'<polyline class="line \w+" points="(.*?)"', page)
    heights = [[float(p.split(",")[1]) for p in line.split()] for line in lines]
    assert len(heights) == 2
    assert min(map(min, heights)) >= 14
    assert max(map(max, heights)) <= 180
    for line in heights:
        assert max(line) > min(line), "not cut off at an edge"


def test_page_escapes_what_data_bring(explained: ExplanationSet) -> None:
    evil = "<script>alert(1)</script>${body}"
    one = replace(explained.explanations[3], name=evil, label=evil, prediction=evil)
    found = replace(explained, explanations=(one,), class_names=(evil,) * 10, run=f"runs/{evil}")
    page = page_of(found)
    structure = Structure()
    structure.feed(page)
    assert structure.tags.count("script") == 1
    assert "alert(1)" in page
    draw_sheet(found)
