"""TrainingPlan -> a finished run in memory. Knows no folder and no command line."""

from __future__ import annotations

import time

from danqing.data.split import Subset
from danqing.evaluation.confidence import calibration_on_validation
from danqing.evaluation.evaluate import metrics_of
from danqing.evaluation.parity import certify
from danqing.evaluation.predictions import predict_subset
from danqing.prediction.predictor import Predictor
from danqing.preparation.mean_picture import mean_picture
from danqing.runs.run_in_memory import RunInMemory
from danqing.training.budget import Budget, Clock
from danqing.training.describe_training import describe_training, learned_rows
from danqing.training.prepare_training import TrainingPlan
from danqing.training.trainer import Trainer

__all__ = ["train_in_memory"]


def train_in_memory(plan: TrainingPlan, held_out: Subset | None = None) -> RunInMemory:
    """Train a network, and evaluate it on rows held out from training.

    Parameters
    ----------
    plan : TrainingPlan
        Its data can't be loaded again, and need not be found again.
    held_out : Subset, optional
        The validation set. If there is none, nothing is known about the run's confidence.

    Raises
    ------
    DanqingError
        As `Trainer.fit` does.
    """
    began, minutes = time.perf_counter(), plan.recipe.minutes
    metadata, run = describe_training(plan), RunInMemory()
    # Their split is not that of `danqing.data.split`, so they can't be recognised by a fingerprint.
    data = {**metadata.data, "fingerprint": "", "split": {}}
    run.write_start(metadata.config, data, metadata.network, learned_rows(plan))
    trainer = Trainer(plan)
    trainer.fit(budget=Budget(60 * minutes, Clock(began)) if minutes is not None else None)
    run.write_history(report.row(plan.dataset.task) for report in trainer.history)
    exported = trainer.exported
    run.write_network(exported.tensors, exported.onnx, exported.temperature)
    predictor = Predictor(run)
    certificate = certify(predictor, exported.samples, exported.keras_outputs)
    run.write_certificate(certificate, mean_picture(plan.splits.train))
    metrics = {}
    if held_out is not None:
        validation = predict_subset(predictor, held_out)
        metrics["validation"] = metrics_of(run, validation)
        run.write_calibration(calibration_on_validation(run, validation))
    seconds = {**trainer.seconds, "total": plan.seconds + time.perf_counter() - began}
    run.write_metrics(
        {
            "test": {},  # an estimator's user has a test set of his own
            **metrics,
            "seconds": {name: round(value, 3) for name, value in seconds.items()},
            "parameters": plan.architecture.parameters,
        }
    )
    return run
