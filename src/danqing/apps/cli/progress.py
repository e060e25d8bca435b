"""Training progress on standard error: a line per epoch, or live curves. Knows no training."""

from __future__ import annotations

import logging
import shutil
import sys
import time
from typing import TYPE_CHECKING

from danqing.apps.cli.console import is_terminal

if TYPE_CHECKING:
    from danqing.training.loop.progress import EpochReport, TrainingProgress

__all__ = ["Curve", "Lines", "say", "say_warnings"]

_PAUSE = 0.2  # seconds
_CLEAR = "\r\x1b[K"
_HEIGHT = 5  # lines


class Lines:
    """A line per epoch, and a live line in between if standard error is a terminal."""

    def __init__(self, task: str) -> None:
        self._terminal, self._task = is_terminal(sys.stderr), task
        self._printed = 0.0

    def __call__(self, progress: TrainingProgress) -> None:
        """Print a finished epoch; in a terminal also where training is."""
        report = progress.finished
        if report is None:
            if self._terminal:
                line = f"{_CLEAR}{_where(progress)}  {progress.share:4.0%}  {_left(progress)}"
                print(line, end="", file=sys.stderr, flush=True)
            return
        # Hundreds of epochs in a second or two need no line each.
        now = time.perf_counter()
        if now - self._printed < _PAUSE and report.epoch != progress.epochs:
            return
        self._printed = now
        start = _CLEAR if self._terminal else ""
        say(
            f"{start}{_where(progress)}  {report.seconds:5.1f} s  loss {report.loss:.4f}  "
            f"{_scores(report, self._task)}  {_left(progress)}"
        )


class Curve:
    """Loss and validation score as two bar charts, redrawn after each epoch."""

    def __init__(self, task: str) -> None:
        self._task = task
        self._reports: list[EpochReport] = []
        self._drawn, self._redrawn = 0, 0.0

    def __call__(self, progress: TrainingProgress) -> None:
        """Draw after an epoch; otherwise print where training is, in the line below."""
        if progress.finished:
            self._reports.append(progress.finished)
        text = f"{_CLEAR}{_where(progress)}  {progress.share:4.0%}  {_left(progress)}"
        if progress.finished:
            now = time.perf_counter()
            if now - self._redrawn < _PAUSE and progress.share < 1:
                return
            self._redrawn = now
            lines = self._charts()
            text = f"\r\x1b[{self._drawn}A\x1b[J" if self._drawn else _CLEAR
            text += "".join(f"{line}\n" for line in lines)
            self._drawn = len(lines)
        print(text, end="", file=sys.stderr, flush=True)

    def _charts(self) -> list[str]:
        from danqing.pages.charts import text_columns

        width = max(10, (shutil.get_terminal_size().columns - 3) // 2)
        last = self._reports[-1]
        charts = []
        for name, values in (
            (f"loss {last.loss:.4f}", [report.loss for report in self._reports]),
            (_scores(last, self._task), [report.val_metric for report in self._reports]),
        ):
            charts.append([name[:width].ljust(width), *text_columns(values, width, _HEIGHT)])
        return ["   ".join(pair).rstrip() for pair in zip(*charts, strict=True)]


def say(line: str) -> None:
    """Print a line on standard error."""
    print(line, file=sys.stderr, flush=True)


def say_warnings() -> None:
    """Print the library's warnings as plain lines."""
    handler = logging.StreamHandler()
    start = _CLEAR if is_terminal(sys.stderr) else ""
    handler.setFormatter(logging.Formatter(f"{start}danqing: %(message)s"))
    logger = logging.getLogger("danqing")
    logger.handlers[:] = [handler]
    logger.propagate = False


def _where(progress: TrainingProgress) -> str:
    if progress.epochs is None:
        return f"epoch {progress.epoch}"
    return f"epoch {progress.epoch:>{len(str(progress.epochs))}}/{progress.epochs}"


def _left(progress: TrainingProgress) -> str:
    minutes, seconds = divmod(round(progress.seconds_left), 60)
    return f"{minutes}:{seconds:02d} left"


def _scores(report: EpochReport, task: str) -> str:
    if task == "regression":
        return f"MAE {report.metric:.4g}  validation {report.val_metric:.4g}"
    return f"accuracy {report.metric:.2%}  validation {report.val_metric:.2%}"
