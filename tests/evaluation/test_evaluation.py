from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from sklearn import metrics

from danqing.data.dataset import Dataset
from danqing.errors import RunError
from danqing.evaluation.evaluate import evaluate
from danqing.evaluation.examination import examine, notes_on
from danqing.evaluation.intervals import wilson
from danqing.evaluation.metrics import classification_metrics
from danqing.evaluation.own_data import own_splits
from danqing.evaluation.report.report_page import page_of
from danqing.prediction.predictor import Predictor
from danqing.runs.run_folder import RunFolder


def test_figures_agree_with_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(4), 300).astype(np.float32)
    y = rng.integers(0, 3, 300)  # the fourth class never occurs
    figures = classification_metrics(p, y, ["a", "b", "c", "d"])
    assert figures["loss"] == pytest.approx(metrics.log_loss(y, p, labels=range(4)), rel=1e-5)
    assert figures["accuracy"] == metrics.accuracy_score(y, p.argmax(1))
    f1 = metrics.f1_score(y, p.argmax(1), labels=range(3), average=None, zero_division=0)
    assert [row["f1"] for row in figures["per_class"][:3]] == pytest.approx(f1.tolist())
    nothing = {"precision": None, "recall": None, "f1": None}
    assert figures["per_class"][3] == {"class": "d", "n": 0, **nothing}
    assert np.sum(figures["confusion_matrix"]) == 300


@pytest.mark.parametrize("classes", [2, 5])
@pytest.mark.parametrize("decimals", [1, 7])  # of the scores: with 1 there are many ties
def test_means_over_classes_agree_with_scikit_learn(classes: int, decimals: int) -> None:
    rng = np.random.default_rng(classes)
    p = rng.dirichlet(np.ones(classes), 400).round(decimals)
    y = np.append(np.arange(classes), rng.integers(0, classes, 400 - classes))
    y = np.where(rng.random(400) < 0.4, p.argmax(1), y)
    figures = classification_metrics(p, y, [str(c) for c in range(classes)])
    predicted, one_hot = p.argmax(1), np.eye(classes)[y]
    recall = metrics.balanced_accuracy_score(y, predicted)
    assert figures["balanced_accuracy"] == pytest.approx(recall)
    assert figures["macro_f1"] == pytest.approx(metrics.f1_score(y, predicted, average="macro"))
    assert figures["roc_auc"] == pytest.approx(metrics.roc_auc_score(one_hot, p, average="macro"))
    precision = metrics.average_precision_score(one_hot, p, average="macro")
    assert figures["average_precision"] == pytest.approx(precision)


def test_means_are_over_the_classes_with_examples() -> None:
    p = np.random.default_rng(0).dirichlet(np.ones(3), 50)
    y = np.arange(50) % 2  # the third class never occurs
    figures = classification_metrics(p, y, ["a", "b", "c"])
    expected = np.mean([metrics.roc_auc_score(y == c, p[:, c]) for c in (0, 1)])
    assert figures["roc_auc"] == pytest.approx(expected)
    recall = metrics.recall_score(y, p.argmax(1), labels=[0, 1], average="macro")
    assert figures["balanced_accuracy"] == pytest.approx(recall)
    one = classification_metrics(p, y * 0, ["a", "b", "c"])
    assert one["roc_auc"] is one["average_precision"] is None
    json.dumps(one, allow_nan=False)


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
    with pytest.raises(
        RunError, match="knows none of the data's classes, such as 'a'; expected some of 0"
    ):
        evaluate(run, replace(small, class_names=tuple("abcdefghij")))


def test_the_known_part_of_other_data_is_measured(run: RunFolder, small: Dataset) -> None:
    other = replace(small, class_names=(*small.class_names[:9], "ten"))
    found = examine(run, other)
    figures, nines = found.metrics["test"], int((small.y_test == 9).sum())
    assert figures["unknown_classes"] == {"ten": nines}
    assert figures["n"] == len(small.y_test) - nines
    nothing = {"precision": None, "recall": None, "f1": None}
    assert figures["per_class"][9] == {"class": "9", "n": 0, **nothing}
    assert found.intervals["per_class"][9] == nothing
    assert notes_on(found) == [
        f"mnist: {nines} rows of classes that the run does not know left out: ten ({nines})",
        "mnist: has no examples of 9",
    ]


def test_data_with_one_class_are_measured(run: RunFolder, small: Dataset) -> None:
    sevens = small.x_test[small.y_test == 7]
    labels = np.zeros(len(sevens), np.int64)
    found = examine(run, Dataset("week", "", sevens, labels, sevens[:0], labels[:0], ("7",)))
    recall = run.metrics["test"]["per_class"][7]["recall"]
    assert found.metrics["test"]["accuracy"] == pytest.approx(recall)
    json.dumps(found.metrics, allow_nan=False)
    assert ">nan" not in page_of(found).lower()


def test_rows_that_were_trained_on_are_counted(run: RunFolder, small: Dataset) -> None:
    reversed_names = replace(small, class_names=small.class_names[::-1])
    assert evaluate(run, reversed_names)["test"]["training_rows"] == 0
    rows = own_splits(run, small).train.rows[:30]
    mixed = np.concatenate([small.x_train[rows], small.x_test[:20]])
    labels = np.concatenate([small.y_train[rows], small.y_test[:20]])
    found = examine(run, replace(small, x_test=mixed, y_test=labels))
    assert found.metrics["test"]["training_rows"] == 30
    assert any("30 of 50 rows equal rows" in note for note in notes_on(found))


def test_a_split_that_is_not_found_again_is_refused(run: RunFolder, small: Dataset) -> None:
    split, splits = run.data["split"], own_splits(run, small)
    subsets = {"train": splits.train, "validation": splits.validation, "test": splits.test}
    assert split["digests"] == {name: subset.digest for name, subset in subsets.items()}
    other = RunFolder(run.folder)
    other.data = {**run.data, "split": {**split, "digests": {**split["digests"], "test": "0"}}}
    with pytest.raises(RunError, match="its test set can't be found again"):
        evaluate(other, small)
    other.data = {**run.data, "split": {"seed": 42, "validation_share": 0.1}}
    assert evaluate(other, small)["test"] == run.metrics["test"]  # nothing is claimed


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
    predicted = Predictor(run).predict_examples(np.array(smaller)[..., np.newaxis]).argmax(axis=1)
    assert figures["test"]["accuracy"] == pytest.approx(np.mean(predicted == small.y_test))
    assert figures["test"]["accuracy"] == pytest.approx(run.metrics["test"]["accuracy"], abs=0.01)
