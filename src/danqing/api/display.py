"""What a notebook shows: a run as a small table, a training as a line that is updated in place.

Knows no training loop. IPython is imported only where a notebook has imported it already.
"""

from __future__ import annotations

import html
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from danqing.runs.run_folder import RunFolder
    from danqing.training.loop.progress import TrainingProgress

__all__ = ["NotebookProgress", "in_notebook", "run_html", "table_html"]

_PAUSE = 0.5  # seconds between updates


def table_html(title: str, rows: Mapping[str, Any]) -> str:
    """Give a title and named values as HTML.

    Examples
    --------
    >>> table_html("a <run>", {"n": 3})
    '<strong>a &lt;run&gt;</strong><table><tr><th>n</th><td>3</td></tr></table>'
    """
    cells = "".join(
        f"<tr><th>{html.escape(name)}</th><td>{html.escape(str(value))}</td></tr>"
        for name, value in rows.items()
    )
    return f"<strong>{html.escape(title)}</strong><table>{cells}</table>"


def run_html(run: RunFolder) -> str:
    """Give what a notebook shows of a run."""
    shown = {"task": run.task, "network": run.config.get("network")}
    shown |= {"data": run.data.get("name"), "epochs": len(run.history)}
    if run.finished:
        figures = run.metrics.get("test") or run.metrics.get("validation", {})
        shown |= {name: figures[name] for name in ("accuracy", "r2", "mae") if name in figures}
    else:
        shown["finished"] = "no"
    return table_html("Run in memory" if run.in_memory else f"Run {run.folder}", shown)


def in_notebook() -> bool:
    """Whether this is a notebook's kernel, which can show HTML."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return hasattr(shell, "kernel")


class NotebookProgress:
    """Shows where a training is in one line of a notebook."""

    def __init__(self) -> None:
        from IPython.display import display  # type: ignore[import-not-found]

        self._handle = display({"text/plain": "training"}, raw=True, display_id=True)
        self._updated = 0.0

    def __call__(self, progress: TrainingProgress) -> None:
        """Update the line, twice a second at most."""
        now = time.perf_counter()
        if now - self._updated < _PAUSE and progress.share < 1:
            return
        self._updated = now
        of = f" of {progress.epochs}" if progress.epochs else ""
        line = f"epoch {progress.epoch}{of}, {progress.share:.0%}"
        report = progress.finished
        if report:
            line += f", loss {report.loss:.4f}, validation loss {report.val_loss:.4f}"
        if progress.share < 1:
            line += f", {progress.seconds_left:.0f} s left"
        bar = f'<progress max="1" value="{progress.share:.3f}"></progress> {line}'
        self._handle.update({"text/html": bar, "text/plain": line}, raw=True)
