"""The loss of a run as training knew it: `history.csv` is of before there was a temperature."""

from __future__ import annotations

from danqing.data.dataset import Dataset
from danqing.evaluation.confidence import untempered
from danqing.evaluation.metrics import classification_metrics
from danqing.evaluation.predictions import evaluation_data, predict_subset
from danqing.prediction.predictor import Predictor
from danqing.runs.run_folder import RunFolder


def validation_loss(run: RunFolder, dataset: Dataset) -> float:
    """On the run's own validation set, at temperature 1."""
    subset = evaluation_data(run, dataset).subsets["validation"]
    outputs = untempered(run, predict_subset(Predictor(run), subset).outputs)
    loss: float = classification_metrics(outputs, subset.labels, run.class_names)["loss"]
    return loss
