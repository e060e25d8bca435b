"""Settings and weights of the estimators: a recipe's, under scikit-learn's names."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris

from danqing import DanqingClassifier, DanqingRegressor, Recipe

# A recipe's `seed` is scikit-learn's `random_state`.
ALL = {*Recipe.model_fields, "random_state"} - {"seed"}
OF_CLASSES = {"class_weight", "label_smoothing", "labels_per_class", "unlabelled_weight"}
FAST: dict[str, Any] = {"network": "dense(8)", "epochs": 3}


@pytest.fixture(scope="module")
def iris() -> tuple[Any, Any]:
    x, y = load_iris(return_X_y=True)
    return x, y


@pytest.mark.parametrize(
    ("estimator", "settings"), [(DanqingClassifier, ALL), (DanqingRegressor, ALL - OF_CLASSES)]
)
def test_every_setting_of_a_recipe_is_a_parameter(estimator: Any, settings: set[str]) -> None:
    signature = inspect.signature(estimator.__init__).parameters
    assert set(signature) == {"self", *settings}
    assert set(estimator().get_params()) == settings
    defaults = {name: signature[name].default for name in settings}
    assert defaults.pop("network") == "fast"
    assert defaults.pop("random_state") == 0
    assert set(defaults.values()) == {None}


def test_settings_reach_the_recipe(iris: tuple[Any, Any]) -> None:
    given: dict[str, Any] = {
        **FAST, "ensemble": 2, "batch_size": 8, "optimizer": "adamw", "learning_rate": 0.02,
        "schedule": "cosine", "weight_decay": 0.01, "label_smoothing": 0.1, "ema_decay": 0.9,
        "patience": 2, "class_weight": "balanced", "validation_share": 0.3,
        "loss": "mean-squared-error", "scaling": "feature",
    }  # fmt: skip
    config = DanqingClassifier(**given, random_state=7).fit(*iris).run_.config
    assert {name: config[name] for name in given} == given
    assert config["seed"] == 7


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 0}, "epochs: input should be greater"),
        ({"network": "fsat"}, "did you mean 'fast'"),
        ({"class_weight": "blanced"}, "class_weight: input should be 'none' or 'balanced'"),
        ({"class_weight": {0: -1}}, "class_weight: expected weights of 0 or more"),
        ({"class_weight": {0: 1, 5: 1}}, "are not in class_weight"),
        ({"tta_views": 5}, "a table has columns only"),
        ({"labels_per_class": 3, "patience": 0}, "labels_per_class needs pictures"),
        ({"unlabelled_weight": 1.0}, "there are no unlabelled pictures"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(
    settings: dict[str, Any], message: str, iris: tuple[Any, Any]
) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        DanqingClassifier(**{**FAST, **settings}).fit(*iris)
    assert "\n" not in str(caught.value)


def test_a_time_budget(iris: tuple[Any, Any]) -> None:
    model = DanqingClassifier("dense(8)", minutes=0.1).fit(*iris)
    assert model.n_iter_ >= 1
    with pytest.raises(ValueError, match="spent before the first step"):
        DanqingRegressor("dense(8)", minutes=1e-6).fit(iris[0], iris[0][:, 0])


def test_few_labels_of_pictures() -> None:
    images, y = load_digits(return_X_y=True)
    x = (images[:500].reshape(-1, 8, 8) * 15).astype(np.uint8)
    model = DanqingClassifier(
        "conv(4)", epochs=1, labels_per_class=4, unlabelled_weight=0.0, patience=0
    )
    counts = model.fit(x, y[:500]).run_.data["counts"]
    assert counts["train"] == 40
    model.set_params(unlabelled_weight=1.0).fit(x, y[:500])
    assert model.run_.data["counts"]["unlabelled"] > 300


def test_class_weights() -> None:
    rng = np.random.default_rng(0)
    y = np.where(rng.random(600) < 0.1, "rare", "common")
    x = rng.normal(size=(600, 4)) + (y == "rare")[:, None]
    settings: dict[str, Any] = {"network": "dense(16)", "epochs": 30}

    def recall(class_weight: Any) -> float:
        predicted = DanqingClassifier(**settings, class_weight=class_weight).fit(x, y).predict(x)
        return float((predicted[y == "rare"] == "rare").mean())

    plain, balanced = recall(None), recall("balanced")
    assert recall("none") == plain
    assert balanced > plain + 0.15
    counts = {name: (y == name).sum() for name in ("rare", "common")}
    same = {name: 600 / (2 * count) for name, count in counts.items()}
    assert abs(recall(same) - balanced) < 0.1
    assert recall({"rare": 0.0}) == 0.0


@pytest.mark.parametrize("rows", [20, 150])  # none held out for validation, and some
def test_whole_weights_count_rows_and_zero_leaves_them_out(
    rows: int, iris: tuple[Any, Any]
) -> None:
    rng = np.random.default_rng(0)
    chosen = rng.permutation(150)[:rows]
    x, y = (array[chosen] for array in iris)
    weights = rng.integers(0, 4, rows)
    probabilities = [
        DanqingClassifier(**FAST).fit(*fitted).predict_proba(iris[0])
        for fitted in (
            (x, y, weights),
            (x.repeat(weights, axis=0), y.repeat(weights)),
            (x[::-1], y[::-1], weights[::-1].astype(np.float64)),
        )
    ]
    np.testing.assert_array_equal(probabilities[1], probabilities[0])
    np.testing.assert_array_equal(probabilities[2], probabilities[0])


def test_other_weights_weigh_the_loss() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 2))
    low = np.arange(400) % 2 == 0
    y = np.where(low, x[:, 0] - 4, x[:, 0] + 4)  # two targets for the same inputs

    def mean(weights: Any) -> float:
        model = DanqingRegressor("dense(16)", epochs=60, schedule="constant")
        return float(model.fit(x, y, sample_weight=weights).predict(x).mean())

    assert abs(mean(None)) < 0.7
    assert mean(np.where(low, 0.75, 0.25)) == pytest.approx(-2, abs=0.7)
    assert mean(np.where(low, 1e-12, 3e-12)) == pytest.approx(2, abs=0.7)
    assert mean(np.where(low, 0.0, 0.3)) == pytest.approx(4, abs=0.7)


@pytest.mark.parametrize("estimator", [DanqingClassifier, DanqingRegressor])
@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0, 2.0], r"sample_weight.shape == \(2,\), expected \(150,\)"),
        (-np.ones(150), "Negative values in data passed to `sample_weight`"),
        (np.full(150, np.nan), "Input sample_weight contains NaN"),
        (np.full(150, np.inf), "Input sample_weight contains infinity"),
        (np.ones((150, 2)), "Sample weights must be 1D"),
        (np.zeros(150), "at least one non-zero"),
        (["a"] * 150, "could not convert string"),
    ],
)
def test_weights_are_refused_in_scikit_learns_words(
    estimator: Any, weights: Any, message: str, iris: tuple[Any, Any]
) -> None:
    with pytest.raises(ValueError, match=message):
        estimator(**FAST).fit(*iris, sample_weight=weights)
