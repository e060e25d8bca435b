from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from sklearn import metrics

from danqing.data.dataset import Dataset
from danqing.errors import RunError
from danqing.evaluation.evaluate import evaluate
from danqing.evaluation.intervals import wilson
from danqing.evaluation.metrics import classification_metrics
from danqing.prediction.predictor import Predictor
from danqing.runs.run_folder import RunFolder


def test_figures_agree_with_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(4), 300).astype(np.float32)
    y = rng.integers(0, 3, 300)  # the fourth class never occurs
    figures = classification_metrics(p, y, ["a", "b", "c", "d"])
    assert figures["loss"] == pytest.approx(metrics.log_loss(y, p, labels=range(4)), rel=1e-5)
    assert figures["accuracy"] == metrics.accuracy_score(y, p.argmax(1))
    f1 = metrics.f1_score(y, p.argmax(1), labels=range(4), average=None, zero_division=0)
    assert [row["f1"] for row in figures["per_class"]] == pytest.approx(f1.tolist())
    assert np.sum(figures["confusion_matrix"]) == 300


def test_interval_is_wilsons() -> None:
    p = np.tile(np.array([[0.9, 0.1]], np.float32), (200, 1))
    labels = np.repeat([0, 1], [190, 10])
    ends = [float(end) for end in wilson(190, 200)]
    assert classification_metrics(p, labels, ["a", "b"])["accuracy_ci95"] == pytest.approx(ends)


def test_certain_and_wrong_has_a_finite_loss() -> None:
    figures = classification_metrics(np.array([[1, 0]], np.float32), np.array([1]), ["a", "b"])
    assert np.isfinite(figures["loss"])


def test_evaluate_gives_the_run_s_own_figures(run: RunFolder, small: Dataset) -> None:
    again = evaluate(run, small)
    assert again["test"] == run.metrics["test"]
    assert again["validation"] == run.metrics["validation"]


def test_own_data_that_have_changed_are_refused(run: RunFolder) -> None:
    with pytest.raises(RunError, match="fingerprints differ"):
        evaluate(run)  # its source is all of MNIST, it was trained on a few rows of it


def test_other_data_are_measured_under_their_own_names(run: RunFolder, small: Dataset) -> None:
    names = tuple(reversed(small.class_names))
    other = replace(small, y_test=9 - small.y_test, y_train=9 - small.y_train, class_names=names)
    figures = evaluate(run, other)
    assert set(figures) == {"test"}
    assert figures["test"]["accuracy"] == run.metrics["test"]["accuracy"]
    with pytest.raises(RunError, match="does not know 1 of the data's classes, such as 'ten'"):
        evaluate(run, replace(small, class_names=(*small.class_names[:9], "ten")))


def test_pictures_of_another_size_are_brought_to_the_networks(
    trained: Callable[..., RunFolder], small: Dataset
) -> None:
    # One that has learned enough for what resizing blurs not to matter.
    spec = "conv(16,5,stride=2)-batchnorm-relu-conv(32,3,stride=2)-batchnorm-relu"
    run = trained(network=spec, epochs=12, batch_size=32)
    larger = small.x_test.repeat(2, axis=1).repeat(2, axis=2)
    coloured = np.repeat(larger, 3, axis=3)
    figures = evaluate(run, replace(small, x_test=coloured))
    smaller = [
        np.array(Image.fromarray(one).convert("L").resize((28, 28), Image.Resampling.BILINEAR))
        for one in coloured
    ]
    predicted = Predictor(run).predict(np.array(smaller)[..., np.newaxis]).argmax(axis=1)
    assert figures["test"]["accuracy"] == pytest.approx(np.mean(predicted == small.y_test))
    assert figures["test"]["accuracy"] == pytest.approx(run.metrics["test"]["accuracy"], abs=0.01)
