"""A file looked at or decoded, here or in a process that does nothing else. Knows no cache.

Run by Python's ``-m`` this module is such a helper. It gets requests as lines of JSON, and answers
each with two lengths, JSON of what there is to know of the files, and their pixels. It starts in
less than a tenth of a second as nothing here imports NumPy.
"""

from __future__ import annotations

import hashlib
import json
import signal
import struct
import sys
from collections.abc import Container, Mapping
from queue import SimpleQueue
from threading import Thread
from typing import IO, Any, NamedTuple, Protocol, TypeVar

from danqing.data.images.decode import Look, Mode, decode_content, examine
from danqing.data.images.image_file import quiet, read_file
from danqing.errors import PictureError

__all__ = [
    "RESPONSE",
    "START",
    "Decoded",
    "Decoding",
    "FileTask",
    "Item",
    "Looking",
    "Seen",
    "Shape",
    "decode_files",
    "look_at",
    "mode_of",
]

Item = tuple[str, bytes | str | PictureError]
"""A file's name; and its bytes, the path to read them from, or why there are none."""

Shape = tuple[int, int, int]

RESPONSE = b"answer"
START = struct.Struct("<6sQQ")
"""What an answer begins with: that word, and the lengths of its two parts."""

Result = TypeVar("Result")


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


def look_at(items: list[Item], known: Container[str] = ()) -> list[Seen]:
    """Hash files, and examine those whose digest is not known, each distinct content once."""
    # All are read before any is decoded: in turns a file takes an eighth longer, as the system's
    # part and the decoder's drive each other out of the processor's caches.
    contents = [_read(item) for item in items]
    met: set[str] = set()
    found = []
    for (name, _), content in zip(items, contents, strict=True):
        found.append(_look(name, content, known, met))
        met.add(found[-1].digest)
    return found


def decode_files(items: list[Item], digests: Mapping[str, str], shape: Shape) -> list[Decoded]:
    """Decode files to a shape, if they still have their digests."""
    contents = [_read(item) for item in items]
    return [
        _decode(name, content, digests[name], shape)
        for (name, _), content in zip(items, contents, strict=True)
    ]


def mode_of(shape: Shape) -> Mode:
    """Tell the mode of pictures with so many channels."""
    return "L" if shape[2] == 1 else "RGB"


class FileTask(Protocol[Result]):
    """What is done to files: here, or asked from a helper."""

    def do(self, items: list[Item]) -> list[Result]:
        """Do it here."""

    def request(self, items: list[Item]) -> dict[str, Any]:
        """Put it in plain words."""

    def pack(self, result: Result) -> tuple[Any, bytes | None]:
        """Give what to tell, and the pixels."""

    def unpack(self, name: str, facts: Any, pixels: bytes | None) -> Result:
        """Make a result of both."""


class Looking:
    """Looking at files."""

    def __init__(self, known: Container[str] = ()) -> None:
        self._known = known

    def do(self, items: list[Item]) -> list[Seen]:
        """As `look_at`."""
        return look_at(items, self._known)

    def request(self, items: list[Item]) -> dict[str, Any]:
        """Put it in plain words."""
        return {"items": items}

    def pack(self, result: Seen) -> tuple[Any, bytes | None]:
        """Give what to tell, and the pixels."""
        look = result.look
        return (result.digest, look and look[:3], result.reason), look.pixels if look else None

    def unpack(self, name: str, facts: Any, pixels: bytes | None) -> Seen:
        """Make a result of both."""
        digest, shape, reason = facts
        if not shape:
            return Seen(name, digest, None, reason)
        height, width, grey = shape
        return Seen(name, digest, Look(height, width, grey, pixels), reason)


class Decoding:
    """Decoding files."""

    def __init__(self, digests: Mapping[str, str], shape: Shape) -> None:
        self._digests = digests
        self._shape = shape

    def do(self, items: list[Item]) -> list[Decoded]:
        """As `decode_files`."""
        return decode_files(items, self._digests, self._shape)

    def request(self, items: list[Item]) -> dict[str, Any]:
        """Put it in plain words."""
        digests = {name: self._digests[name] for name, _ in items}
        return {"items": items, "digests": digests, "shape": self._shape}

    def pack(self, result: Decoded) -> tuple[Any, bytes | None]:
        """Give what to tell, and the pixels."""
        return (result.reason, result.lasting), result.pixels

    def unpack(self, name: str, facts: Any, pixels: bytes | None) -> Decoded:
        """Make a result of both."""
        return Decoded(name, pixels, *facts)


def _read(item: Item) -> bytes | PictureError:
    source = item[1]
    if not isinstance(source, str):
        return source
    try:
        return read_file(source)
    except PictureError as error:
        return error


def _look(
    name: str, content: bytes | PictureError, known: Container[str], met: Container[str]
) -> Seen:
    if isinstance(content, PictureError):
        return Seen(name, "", reason=str(content))
    digest = hashlib.sha256(content).hexdigest()
    try:
        return Seen(name, digest, None if digest in known or digest in met else examine(content))
    except PictureError as error:
        return Seen(name, digest, reason=str(error))


def _decode(name: str, content: bytes | PictureError, digest: str, shape: Shape) -> Decoded:
    if isinstance(content, PictureError):
        return Decoded(name, None, str(content), lasting=False)
    if hashlib.sha256(content).hexdigest() != digest:
        return Decoded(name, None, "changed while it was read; try again", lasting=False)
    try:
        return Decoded(name, decode_content(content, shape[:2], mode_of(shape)))
    except PictureError as error:
        return Decoded(name, None, str(error))


def _serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    waiting: SimpleQueue[bytes] = SimpleQueue()

    def fetch() -> None:
        # In a thread, so that who asks can always go on, even while an answer is being written.
        for line in requests:
            waiting.put(line)
        waiting.put(b"")

    Thread(target=fetch, daemon=True).start()
    while line := waiting.get():
        answers.write(_respond(json.loads(line)))
        answers.flush()


def _respond(request: dict[str, Any]) -> bytes:
    task: FileTask[Any] = Looking()
    if "shape" in request:
        task = Decoding(request["digests"], tuple(request["shape"]))
    items = [(name, source) for name, source in request["items"]]
    found = [task.pack(result) for result in task.do(items)]
    told = [(facts, None if pixels is None else len(pixels)) for facts, pixels in found]
    facts = json.dumps(told).encode()
    pixels = b"".join(pixels for _, pixels in found if pixels is not None)
    return START.pack(RESPONSE, len(facts), len(pixels)) + facts + pixels


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the one who asks is who ends it
    with quiet():
        _serve(sys.stdin.buffer, sys.stdout.buffer)
