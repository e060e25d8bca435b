"""scikit-learn's own checks, and what its users do with an estimator."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from danqing import DanqingClassifier, DanqingRegressor
from danqing.data.dataset import Dataset
from danqing.training.loop import graphs


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning")
@parametrize_with_checks([DanqingClassifier(), DanqingRegressor()])
def test_scikit_learns_checks(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.fixture(scope="module")
def iris() -> tuple[Any, Any]:
    x, y = load_iris(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    return x[order], y[order]


def test_grid_search_in_two_processes(iris: tuple[Any, Any]) -> None:
    search = GridSearchCV(
        make_pipeline(StandardScaler(), DanqingClassifier(epochs=60, learning_rate=0.01)),
        {"danqingclassifier__network": ["dense(8)", "dense(32)"]},
        cv=2,
        n_jobs=2,
    )
    search.fit(*iris)
    assert search.best_score_ > 0.85


def test_many_small_fits_compile_once(
    iris: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: dict[str, Any] = {}
    monkeypatch.setattr(graphs, "_kept", kept)
    scores = cross_val_score(DanqingClassifier("dense(11)", epochs=5), *iris, cv=5)
    assert len(scores) == 5
    (only,) = kept.values()
    assert only._chunk.experimental_get_tracing_count() == 1


def test_pickle_and_clone(iris: tuple[Any, Any]) -> None:
    x, y = iris
    fitted = DanqingClassifier(epochs=10, random_state=3).fit(x, y)
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict_proba(x), fitted.predict_proba(x))
    refitted = clone(fitted).fit(x, y)
    np.testing.assert_array_equal(refitted.predict_proba(x), fitted.predict_proba(x))


def test_frames_with_words_dates_and_gaps() -> None:
    rng = np.random.default_rng(0)
    colour = rng.choice(["red", "green", "青"], 300)
    size = rng.normal(0, 1, 300)
    frame = pd.DataFrame(
        {
            "colour": colour,
            "size": np.where(rng.random(300) < 0.1, np.nan, size),
            "day": pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 700, 300), "D"),
        }
    )
    target = np.where((colour == "青") ^ (size > 1), "yes", "no")
    model = DanqingClassifier().fit(frame, target)
    assert model.score(frame, target) > 0.9
    assert list(model.feature_names_in_) == ["colour", "size", "day"]
    unseen = frame.head(3).assign(colour="violet")
    assert model.predict_proba(unseen).shape == (3, 2)
    with pytest.raises(ValueError, match="2 features"):
        model.predict(frame[["colour", "size"]])


def test_pictures(small: Dataset) -> None:
    model = DanqingClassifier("conv(8,5,3)-batchnorm-relu-conv(16)", epochs=12)
    model.fit(small.x_train[..., 0], small.y_train)
    assert model.score(small.x_test[..., 0], small.y_test) > 0.8


def test_numbers_come_in_their_own_scale() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(400, 3)) * [1, 1000, 0.001] + [0, 1e6, 5]
    y = 1e5 + 300 * x[:, 0] - 0.5 * (x[:, 1] - 1e6)
    model = DanqingRegressor().fit(x, y)
    assert model.score(x, y) > 0.95
    assert abs(model.predict(x).mean() - y.mean()) < 50


def test_one_class_is_refused(iris: tuple[Any, Any]) -> None:
    with pytest.raises(ValueError, match="one class only"):
        DanqingClassifier().fit(iris[0], np.zeros(150))
