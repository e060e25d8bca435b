"""Many small files looked at or decoded, by helping processes and this one, to use all cores.

Python's own part of reading a picture of 28x28 pixels outweighs the decoder's, so two threads are
slower than one; two processes are not. No thread of this process talks to the helpers either: it
would take turns with the work. They have a few batches ahead, and room for their answers, so that
they go on while this process does a batch of its own. Knows no cache.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from danqing.data.cache.reading import RESPONSE, START, FileTask, Item
from danqing.data.cache.workers import batches

__all__ = ["HelperProcesses"]

_BATCH = 64  # files
_AHEAD = 3  # batches that a helper has at a time
_PENDING = 64  # batches; as many are done here until the first helper has started
_ROOM = 1 << 20  # bytes for answers: the most that Linux lets everyone have

Result = TypeVar("Result")


@dataclass(eq=False)
class _Job(Generic[Result]):
    """A batch of files, and what came of it, if anything did yet."""

    task: FileTask[Result]
    batch: list[Item]
    results: list[Result] = field(default_factory=list)

    def do(self) -> None:
        """Do it here."""
        self.results = self.task.do(self.batch)

    def take(self, facts: bytes, pixels: bytes) -> None:
        """Take what a helper answered."""
        start = 0
        for (name, _), (told, size) in zip(self.batch, json.loads(facts), strict=True):
            own = None if size is None else pixels[start : start + size]
            self.results.append(self.task.unpack(name, told, own))
            start += size or 0


class HelperProcesses:
    """Some processes that work on files beside this one.

    What one that can't be started, or ends early, leaves undone is done here.

    Parameters
    ----------
    count : int
    """

    def __init__(self, count: int) -> None:
        self._started: list[_Helper] = []
        for _ in range(count if hasattr(select, "poll") else 0):
            with contextlib.suppress(OSError):
                self._started.append(_Helper())

    def do(self, task: FileTask[Result], items: Iterable[tuple[int, Item]]) -> Iterator[Result]:
        """Do a task for items, each given with its size in bytes; results come in order.

        Each helper has as much as it can take; the others are done here.
        """
        pending: deque[_Job[Result]] = deque()
        for batch in batches(items, _BATCH):
            job = _Job(task, batch)
            pending.append(job)
            if not any(helper.ask(job) for helper in self._started):
                job.do()
            while pending and (pending[0].results or len(pending) > _PENDING):
                yield from self._results(pending.popleft())
        for job in pending:
            yield from self._results(job)

    def close(self) -> None:
        """End the processes."""
        for helper in self._started:
            helper.close()

    def _results(self, job: _Job[Result]) -> list[Result]:
        for helper in self._started:
            helper.finish(job)
        return job.results


class _Helper:
    """A process that does jobs one after the other.

    Raises
    ------
    OSError
        If it can't be started.
    """

    def __init__(self) -> None:
        paths = os.pathsep.join(path for path in sys.path if path)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "danqing.data.cache.reading"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": paths},
            pipesize=_ROOM,
        )
        self._answers = select.poll()
        assert self._process.stdout is not None
        self._answers.register(self._process.stdout, select.POLLIN)
        self._asked: deque[_Job[Any]] = deque()

    def ask(self, job: _Job[Any]) -> bool:
        """Have it do a job, unless it has enough to do."""
        while self._asked and self._answers.poll(0):
            self._take()
        if len(self._asked) >= _AHEAD:
            return False
        self._asked.append(job)
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # that it has ended is told by its missing answer
            request = json.dumps(job.task.request(job.batch)).encode()
            self._process.stdin.write(request + b"\n")
            self._process.stdin.flush()
        return True

    def finish(self, job: _Job[Any]) -> None:
        """Wait for a job, if it was asked."""
        while job in self._asked:
            self._take()

    def close(self) -> None:
        """End it."""
        self._process.kill()
        with contextlib.suppress(OSError):
            self._process.communicate()

    def _take(self) -> None:
        job = self._asked.popleft()
        try:
            start, facts, pixels = START.unpack(self._read(START.size))
            if start != RESPONSE:
                raise ValueError
            job.take(self._read(facts), self._read(pixels))
        except (OSError, ValueError, EOFError):
            self._process.kill()  # what it may still say answers no later request
            job.do()

    def _read(self, size: int) -> bytes:
        # Not from the buffer: `poll` doesn't see what that holds.
        assert self._process.stdout is not None
        parts = []
        while size:
            part = os.read(self._process.stdout.fileno(), size)
            if not part:
                raise EOFError
            parts.append(part)
            size -= len(part)
        return b"".join(parts)
