"""Where a training stands: plain data, to be reported or kept. Knows no network."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["EpochReport", "Position", "TrainingProgress"]


@dataclass(frozen=True)
class EpochReport:
    """A finished epoch: a row of `history.csv`.

    `metric` is the accuracy; for regression the mean absolute error. `trained_parameters`, of a
    transfer only, is how many parameters were trained at its end.
    """

    epoch: int
    seconds: float
    loss: float
    metric: float
    val_loss: float
    val_metric: float
    learning_rate: float
    trained_parameters: int | None = None

    def row(self, task: str) -> dict[str, float]:
        """Name its values as the columns of `history.csv`."""
        name = "accuracy" if task == "classification" else "mae"
        names = {"metric": name, "val_metric": f"val_{name}"}
        return {
            names.get(field, field): value
            for field, value in vars(self).items()
            if value is not None
        }


@dataclass(frozen=True)
class TrainingProgress:
    """What is reported of a training under way.

    Attributes
    ----------
    epoch : int
        The current one, from 1.
    epochs : int, optional
        Of how many; None where only time ends the training.
    share : float
        Of the whole training that is done, 0 to 1.
    seconds_left : float
        An estimate.
    finished : EpochReport, optional
        Of the epoch, if it has just ended.
    """

    epoch: int
    epochs: int | None
    share: float
    seconds_left: float
    finished: EpochReport | None = None


@dataclass
class Position:
    """Where a training stands between two steps: with the state, all that is needed to resume.

    Attributes
    ----------
    epoch : int
        Finished epochs.
    step : int
        Steps made of the current epoch.
    steps : int
        Steps made in total.
    loss, metric : float
        Their sums over the current epoch's rows.
    seconds, seconds_before : float
        What the current epoch took so far, and those before it, in all processes that worked on
        them.
    share : float
        Of the learning-rate schedule that is done; only kept where time ends the training.
    best_epoch, best_objective
        The best epoch on validation so far, from 1, and its objective (the loss of smoothed
        labels, or of a teacher's predictions); 0 and None before there is one.
    frozen_body : bool
        Whether the output layer is trained alone: in a transfer's first phase.
    phase_start : int
        The step at which the current phase began, as it would be counted if all epochs were whole.
    history : list of EpochReport
    """

    epoch: int = 0
    step: int = 0
    steps: int = 0
    loss: float = 0.0
    metric: float = 0.0
    seconds: float = 0.0
    seconds_before: float = 0.0
    share: float = 0.0
    best_epoch: int = 0
    best_objective: float | None = None
    frozen_body: bool = False
    phase_start: int = 0
    history: list[EpochReport] = field(default_factory=list)

    @property
    def trained_seconds(self) -> float:
        """What training took so far."""
        return self.seconds_before + self.seconds

    def end_epoch(self, report: EpochReport) -> None:
        """Move on to the beginning of the next epoch."""
        self.history.append(report)
        self.epoch += 1
        self.seconds_before += report.seconds
        self.step, self.loss, self.metric, self.seconds = 0, 0.0, 0.0, 0.0

    def to_json(self) -> dict[str, Any]:
        """Convert to plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> Position:
        """Rebuild from what `to_json` gave."""
        history = [EpochReport(**report) for report in plain["history"]]
        return cls(**{**plain, "history": history})
