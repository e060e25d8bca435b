"""Files read and decoded, here or by helping processes; small ones need those to use all cores.

Python's own part of reading a picture of 28x28 pixels outweighs the decoder's, so two threads are
slower than one; two processes are not. A helper is this module, run by the same Python: it gets
requests as lines of JSON, and answers with a line of JSON and raw pixels. It starts in a tenth of a
second as nothing here imports NumPy. Knows no cache.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import queue
import signal
import subprocess
import sys
from collections.abc import Container
from typing import IO, Any, NamedTuple

from danqing.data.decode import Look, Mode, decode_content, examine, quiet
from danqing.data.layout import read_file
from danqing.errors import PictureError

__all__ = ["Decoded", "Helpers", "Item", "Seen", "Shape", "decode_file", "look_at", "mode_of"]

Item = tuple[str, bytes | str | PictureError]
"""A file's name; and its bytes, the path to read them from, or why there are none."""

Shape = tuple[int, int, int]


class Seen(NamedTuple):
    """What one look at a file gave: no digest where its bytes couldn't be had."""

    name: str
    digest: str
    look: Look | None = None
    reason: str = ""


class Decoded(NamedTuple):
    """A file's pixels, or why there are none; `lasting` if that is due to its very bytes."""

    name: str
    pixels: bytes | None
    reason: str = ""
    lasting: bool = True


def look_at(item: Item, known: Container[str] = ()) -> Seen:
    """Hash a file, and examine it unless its digest is known."""
    digest = ""
    try:
        content = _bytes(item)
        digest = hashlib.sha256(content).hexdigest()
        return Seen(item[0], digest, None if digest in known else examine(content))
    except PictureError as error:
        return Seen(item[0], digest, reason=str(error))


def decode_file(item: Item, digest: str, shape: Shape) -> Decoded:
    """Decode a file to a shape, if it still is what it was."""
    try:
        content = _bytes(item)
    except PictureError as error:
        return Decoded(item[0], None, str(error), lasting=False)
    if hashlib.sha256(content).hexdigest() != digest:
        return Decoded(item[0], None, "changed while it was read; try again", lasting=False)
    try:
        return Decoded(item[0], decode_content(content, shape[:2], mode_of(shape)))
    except PictureError as error:
        return Decoded(item[0], None, str(error))


def mode_of(shape: Shape) -> Mode:
    """Tell the mode of pictures with so many channels."""
    return "L" if shape[2] == 1 else "RGB"


class Helpers:
    """Some processes that look at files and decode them; safe to use from many threads.

    Where one can't be started, or ends early, its work is done here.

    Parameters
    ----------
    count : int
    """

    def __init__(self, count: int) -> None:
        self._free: queue.SimpleQueue[subprocess.Popen[bytes]] = queue.SimpleQueue()
        self._started: list[subprocess.Popen[bytes]] = []
        paths = os.pathsep.join(path for path in sys.path if path)
        for _ in range(count):
            with contextlib.suppress(OSError):
                process = subprocess.Popen(
                    [sys.executable, "-P", "-m", __name__],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    env={**os.environ, "PYTHONPATH": paths},
                )
                self._started.append(process)
                self._free.put(process)

    def look(self, items: list[Item]) -> list[Seen]:
        """Look at files as `look_at` does."""
        answer = self._ask({"items": items})
        if answer is None:
            return [look_at(item) for item in items]
        return [
            Seen(name, digest, Look(look[0], look[1], look[2], pixels) if look else None, reason)
            for (name, _), ((digest, look, reason), pixels) in zip(items, answer, strict=True)
        ]

    def decode(self, items: list[Item], digests: dict[str, str], shape: Shape) -> list[Decoded]:
        """Decode files as `decode_file` does."""
        wanted = [digests[name] for name, _ in items]
        answer = self._ask({"items": items, "digests": wanted, "shape": shape})
        if answer is None:
            return [decode_file(item, digests[item[0]], shape) for item in items]
        return [
            Decoded(name, pixels, reason, lasting)
            for (name, _), ((reason, lasting), pixels) in zip(items, answer, strict=True)
        ]

    def close(self) -> None:
        """End the processes."""
        for process in self._started:
            with contextlib.suppress(OSError):
                process.kill()
            process.communicate()

    def _ask(self, request: dict[str, Any]) -> list[tuple[Any, bytes | None]] | None:
        if not self._started:
            return None
        process = self._free.get()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
            answers = json.loads(process.stdout.readline())
            return [(facts, _receive(process.stdout, size)) for facts, size in answers]
        except (OSError, ValueError, EOFError):
            process.kill()  # what it may still say answers no later request
            return None
        finally:
            self._free.put(process)


def _receive(stream: IO[bytes], size: int | None) -> bytes | None:
    if size is None:
        return None
    content = stream.read(size)
    if len(content) != size:
        raise EOFError
    return content


def _serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    for line in requests:
        request = json.loads(line)
        items = [(name, source) for name, source in request["items"]]
        found: list[tuple[Any, bytes | None]]
        if "shape" in request:
            shape, digests = tuple(request["shape"]), request["digests"]
            done = [decode_file(i, d, shape) for i, d in zip(items, digests, strict=True)]
            found = [((one.reason, one.lasting), one.pixels) for one in done]
        else:
            seen = [look_at(item) for item in items]
            found = [
                ((s.digest, s.look and s.look[:3], s.reason), s.look.pixels if s.look else None)
                for s in seen
            ]
        told = [(facts, None if pixels is None else len(pixels)) for facts, pixels in found]
        answers.write(json.dumps(told).encode() + b"\n")
        answers.write(b"".join(pixels for _, pixels in found if pixels is not None))
        answers.flush()


def _bytes(item: Item) -> bytes:
    source = item[1]
    if isinstance(source, PictureError):
        raise source
    return source if isinstance(source, bytes) else read_file(source)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the one who asks is who ends it
    with quiet():
        _serve(sys.stdin.buffer, sys.stdout.buffer)
