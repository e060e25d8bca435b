"""Batches of small files shared between helper processes and this one. Knows no images, no cache.

For a picture of 28x28 pixels Python's own part of the work outweighs the decoder's, so two threads
are slower than one; two processes are faster. No thread of this process talks to the helpers
either, as it would take turns with the work. Each helper has a pipe of its own: a
`ProcessPoolExecutor` can wait forever for the rest of a result whose writer was killed.
"""

from __future__ import annotations

import os
import signal
import sys
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from queue import SimpleQueue
from threading import Thread
from types import ModuleType
from typing import Any, Generic, TypeVar

from danqing.data.cache.workers import batches

__all__ = ["HelperProcesses"]

_BATCH = 128  # files
_AHEAD = 2  # batches that a helper has at a time
_PENDING = 32  # batches; as many are done here until the first helper has started

Item = TypeVar("Item")
Result = TypeVar("Result")


class _Job(Generic[Item, Result]):
    """A batch, and its results once there are any."""

    def __init__(self, batch: list[Item]) -> None:
        self.batch = batch
        self.results: list[Result] | None = None


class HelperProcesses:
    """Processes that work on batches beside this one.

    Whatever a helper that can't be started, or dies, leaves undone is done here.

    Parameters
    ----------
    count : int
    """

    def __init__(self, count: int) -> None:
        self._helpers: list[_Helper] = []
        try:
            with _clean_start():
                for _ in range(count):
                    self._helpers.append(_Helper())
        # In order: daemons may have no children; this Python lacks multiprocessing; the system
        # refuses; this process is itself still being started.
        except (AssertionError, ImportError, OSError, RuntimeError):
            pass

    def map(
        self,
        function: Callable[[list[Item]], list[Result]],
        items: Iterable[tuple[int, Item]],
        local: Callable[[list[Item]], list[Result]] | None = None,
    ) -> Iterator[Result]:
        """Apply a function of a list of items to all items; results come in order.

        Parameters
        ----------
        function : callable
            What helpers do to a batch; it must be picklable, as must items and results.
        items : iterable of (int, item)
            Each item with its size in bytes.
        local : callable, optional
            What this process does in its place, to batches that no helper has room for or that a
            helper failed to do.
        """
        local = local or function
        pending: deque[_Job[Item, Result]] = deque()
        for batch in batches(items, _BATCH):
            job: _Job[Item, Result] = _Job(batch)
            pending.append(job)
            if not any(helper.submit(function, job) for helper in self._helpers):
                job.results = local(batch)
            while pending and (pending[0].results is not None or len(pending) > _PENDING):
                yield from self._results(pending.popleft(), local)
        for job in pending:
            yield from self._results(job, local)

    def close(self) -> None:
        """End the processes."""
        for helper in self._helpers:
            helper.close()

    def _results(
        self, job: _Job[Item, Result], local: Callable[[list[Item]], list[Result]]
    ) -> list[Result]:
        for helper in self._helpers:
            helper.wait_for(job)
        return local(job.batch) if job.results is None else job.results


class _Helper:
    """A process that does jobs one after the other."""

    def __init__(self) -> None:
        self._pipe, other_end = get_context("spawn").Pipe()
        self._process = SpawnProcess(target=_serve, args=(other_end,), daemon=True)
        self._process.start()
        other_end.close()  # so that the pipe ends when the process does
        self._submitted: deque[_Job[Any, Any]] = deque()

    def submit(
        self, function: Callable[[list[Item]], list[Result]], job: _Job[Item, Result]
    ) -> bool:
        """Submit a job; False if the helper has enough to do, or is dead."""
        try:
            while self._submitted and self._pipe.poll():
                self._receive()
            if len(self._submitted) >= _AHEAD or self._pipe.closed:
                return False
            self._pipe.send((function, job.batch))
        except OSError:
            self._give_up()
            return False
        self._submitted.append(job)
        return True

    def wait_for(self, job: _Job[Any, Any]) -> None:
        """Wait until a job, if it was submitted here, has its results or the helper is dead."""
        while job in self._submitted:
            self._receive()

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.join()
        self._pipe.close()

    def _receive(self) -> None:
        try:
            self._submitted[0].results = self._pipe.recv()
            self._submitted.popleft()
        except (EOFError, OSError):
            self._give_up()

    def _give_up(self) -> None:
        self._submitted.clear()
        self._pipe.close()


@contextmanager
def _clean_start() -> Iterator[None]:
    """Within it a new process runs nothing of the user's, and ignores Ctrl-C from the first.

    It would run the script again that is `__main__` here, import a `pickle.py` of the current
    folder, and print a traceback of its own when Ctrl-C interrupts its imports.
    """
    main, safe_path = sys.modules["__main__"], os.environ.get("PYTHONSAFEPATH")
    sys.modules["__main__"] = ModuleType("__main__")
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        if hasattr(signal, "pthread_sigmask"):
            from multiprocessing import resource_tracker

            resource_tracker.ensure_running()  # first, as starting it unblocks the signal
            blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            try:
                yield
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        else:
            yield
    finally:
        sys.modules["__main__"] = main
        if safe_path is None:
            del os.environ["PYTHONSAFEPATH"]
        else:
            os.environ["PYTHONSAFEPATH"] = safe_path


def _serve(pipe: Connection) -> None:
    """Do what comes through a pipe, in a helper process, until its other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # for systems that cannot block it
    warnings.simplefilter("ignore")  # Pillow's, on odd files
    requests: SimpleQueue[Any] = SimpleQueue()

    def fetch() -> None:
        # In a thread, so that the parent can always go on, even while a result is being written.
        try:
            while True:
                requests.put(pipe.recv())
        except (EOFError, OSError):
            os._exit(0)

    Thread(target=fetch, daemon=True).start()
    while True:
        function, batch = requests.get()
        pipe.send(function(batch))
