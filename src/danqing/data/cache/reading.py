"""Files examined or decoded, a list at a time, here or in a helper process. Knows no cache.

Nothing here imports NumPy, so that helper processes start quickly.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container
from typing import NamedTuple

from danqing.data.images.decode import Look, Mode, decode_content, examine
from danqing.data.images.image_file import read_file
from danqing.errors import PictureError

__all__ = ["Decoded", "Item", "Seen", "Shape", "decode_files", "look_at", "mode_of"]

Item = tuple[str, bytes | str | PictureError, str]
"""A file's name; its bytes, the path to read them from, or why there are none; its digest, or "".
"""

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


def look_at(items: list[Item], known: Container[str] = ()) -> list[Seen]:
    """Hash files, and examine those whose digest is not known, each distinct content once."""
    # All are read before any is decoded: in turns a file takes an eighth longer, as the system's
    # part and the decoder's drive each other out of the processor's caches.
    contents = [_read(item) for item in items]
    met: set[str] = set()
    found = []
    for (name, _, _), content in zip(items, contents, strict=True):
        found.append(_look(name, content, known, met))
        met.add(found[-1].digest)
    return found


def decode_files(
    items: list[Item], shape: Shape, ends: tuple[float, float] | None = None
) -> list[Decoded]:
    """Decode files to a shape, if they still have their digests."""
    contents = [_read(item) for item in items]
    return [
        _decode(name, content, digest, shape, ends)
        for (name, _, digest), content in zip(items, contents, strict=True)
    ]


def mode_of(shape: Shape) -> Mode:
    """Tell the mode of pictures with so many channels."""
    return "L" if shape[2] == 1 else "RGB"


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


def _decode(
    name: str,
    content: bytes | PictureError,
    digest: str,
    shape: Shape,
    ends: tuple[float, float] | None,
) -> Decoded:
    if isinstance(content, PictureError):
        return Decoded(name, None, str(content), lasting=False)
    if hashlib.sha256(content).hexdigest() != digest:
        return Decoded(name, None, "changed while it was read; try again", lasting=False)
    try:
        return Decoded(name, decode_content(content, shape[:2], mode_of(shape), ends))
    except PictureError as error:
        return Decoded(name, None, str(error))
