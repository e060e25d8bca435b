"""The fields of a serialised protocol buffer, one after another, without copying what is in them.

Knows the wire format (https://protobuf.dev/programming-guides/encoding), no messages.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

__all__ = ["Value", "fields", "integer", "integers", "message", "text"]

Value = int | memoryview
"""A number, or bytes: those of a text, of an inner message, or of packed numbers."""

_NUMBER, _EIGHT_BYTES, _BYTES, _FOUR_BYTES = 0, 1, 2, 5
_FIXED = {_EIGHT_BYTES: 8, _FOUR_BYTES: 4}
_NO_MODEL = "is no ONNX model"


def fields(content: memoryview, known: Collection[int]) -> Iterator[tuple[int, Value]]:
    """Yield the number and value of each field.

    Parameters
    ----------
    content : memoryview
        Of bytes.
    known : collection of int
        The numbers of the fields that may occur.

    Raises
    ------
    ValueError
        If the bytes are no message, or have another field.

    Examples
    --------
    >>> [(number, value) for number, value in fields(memoryview(bytes([8, 150, 1])), {1})]
    [(1, 150)]
    """
    at, end = 0, len(content)
    while at < end:
        key, at = _varint(content, at)
        number, wire = key >> 3, key & 7
        if number not in known:
            raise ValueError(f"has a field, {number}, that Danqing doesn't write")
        if wire == _NUMBER:
            value, at = _varint(content, at)
            yield number, value
            continue
        length = _FIXED.get(wire, -1)
        if wire == _BYTES:
            length, at = _varint(content, at)
        if not 0 <= length <= end - at:
            raise ValueError(_NO_MODEL)
        yield number, content[at : at + length]
        at += length


def message(value: Value) -> memoryview:
    """Give the bytes of an inner message."""
    if isinstance(value, int):
        raise ValueError(_NO_MODEL)
    return value


def text(value: Value) -> str:
    """Give a text."""
    return str(message(value), "utf-8", "replace")


def integer(value: Value) -> int:
    """Give a number, which is signed."""
    if not isinstance(value, int):
        raise ValueError(_NO_MODEL)
    return value - (1 << 64) if value >> 63 else value


def integers(value: Value) -> list[int]:
    """Give numbers, packed or a single one."""
    if isinstance(value, int):
        return [integer(value)]
    found, at = [], 0
    while at < len(value):
        number, at = _varint(value, at)
        found.append(integer(number))
    return found


def _varint(content: memoryview, at: int) -> tuple[int, int]:
    """Read a number of seven bits a byte, the lowest first; give it and where it ends."""
    number = 0
    for shift in range(0, 70, 7):
        if at >= len(content):
            break
        byte = content[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number & (1 << 64) - 1, at
    raise ValueError(_NO_MODEL)
