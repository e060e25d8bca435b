"""Ctrl-C during long work: recorded, not raised, so that the current chunk can finish.

Knows nothing of training. A second Ctrl-C interrupts at once, as usual.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType

__all__ = ["Interruption"]


class Interruption:
    """A context in which the first Ctrl-C only sets `requested`.

    Outside the main thread, where Python handles no signals, nothing sets it.
    """

    def __init__(self) -> None:
        self.requested = False
        self._handles = threading.current_thread() is threading.main_thread()

    def __enter__(self) -> Interruption:
        if self._handles:
            self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._handles:
            signal.signal(signal.SIGINT, self._before)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
