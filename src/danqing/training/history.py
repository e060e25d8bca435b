"""Writes what each epoch gave: `history.csv` and, if wanted, TensorBoard's logs. Knows no loop."""

from __future__ import annotations

import logging
import time

from danqing.errors import RunError
from danqing.runs.run_folder import RunFolder
from danqing.training.trainer import Trainer

__all__ = ["HistoryWriter"]

_log = logging.getLogger("danqing")

_PAUSE = 1.0  # seconds: epochs may be shorter than writing a line takes


class HistoryWriter:
    """Writes a trainer's history.

    Parameters
    ----------
    run : RunFolder
    trainer : Trainer
    tensorboard : bool
    """

    def __init__(self, run: RunFolder, trainer: Trainer, tensorboard: bool) -> None:
        self._run, self._trainer = run, trainer
        self._written, self._failed = 0.0, False
        self._events = None
        if tensorboard:
            from danqing.training.tensorboard import EventLog

            self._events = EventLog(run.event_logs)

    def write(self, *, last: bool = False) -> None:
        """Write after an epoch, at most once a second; the `last` time for certain.

        Raises
        ------
        RunError
            If it is the last time and the disk is full.
        """
        history, task = self._trainer.history, self._trainer.plan.dataset.task
        if self._events and not last:
            self._events.write(history[-1].row(task))
        now = time.perf_counter()
        if not last and now - self._written < _PAUSE:
            return
        self._written = now
        try:
            self._run.write_history(report.row(task) for report in history)
        except RunError as error:
            # The disk may have room again before the end, and checkpoints are written apart.
            if last:
                raise
            if not self._failed:
                _log.warning("%s. Training continues", error)
            self._failed = True
