"""Where a training stands: plain data, told to others or kept. Knows no network."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["EpochReport", "Position", "TrainingProgress"]


@dataclass(frozen=True)
class EpochReport:
    """A finished epoch: a line of `history.csv`.

    `score` is the accuracy; for regression the mean absolute error.
    """

    epoch: int
    seconds: float
    loss: float
    score: float
    val_loss: float
    val_score: float
    learning_rate: float

    def line(self, task: str) -> dict[str, float]:
        """Give it under the names of `history.csv`."""
        name = "accuracy" if task == "classification" else "mae"
        names = {"score": name, "val_score": f"val_{name}"}
        return {names.get(field, field): value for field, value in vars(self).items()}


@dataclass(frozen=True)
class TrainingProgress:
    """What is told about a run on its way.

    Attributes
    ----------
    epoch : int
        The one under way, from 1.
    epochs : int, optional
        Of how many; None where only time ends the run.
    share : float
        Of the whole run that is over.
    seconds_left : float
        Probably.
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
    """Where a run stands between two steps: with the state, all that it needs to go on.

    Attributes
    ----------
    epoch : int
        Epochs that are over.
    step : int
        Steps of the next one that are made.
    steps : int
        Steps made in all.
    loss, score : float
        Their sums over rows.
    seconds, seconds_before : float
        What that epoch took so far, and those before it, in all processes that worked on them.
    share : float
        Of the schedule, that is over; only a run bounded by time keeps count of it.
    best_epoch, best_loss
        The best epoch on validation so far, from 1, and its mean loss, labels smoothed as they are
        learned; 0 and None before there is one.
    history : list of EpochReport
    """

    epoch: int = 0
    step: int = 0
    steps: int = 0
    loss: float = 0.0
    score: float = 0.0
    seconds: float = 0.0
    seconds_before: float = 0.0
    share: float = 0.0
    best_epoch: int = 0
    best_loss: float | None = None
    history: list[EpochReport] = field(default_factory=list)

    @property
    def trained_seconds(self) -> float:
        """What training took so far."""
        return self.seconds_before + self.seconds

    def end_epoch(self, report: EpochReport) -> None:
        """Go on to the beginning of the next epoch."""
        self.history.append(report)
        self.epoch += 1
        self.seconds_before += report.seconds
        self.step, self.loss, self.score, self.seconds = 0, 0.0, 0.0, 0.0

    def to_json(self) -> dict[str, Any]:
        """Give it as plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> Position:
        """Rebuild from what `to_json` gave."""
        return cls(**{**plain, "history": [EpochReport(**line) for line in plain["history"]]})
