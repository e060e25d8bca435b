"""The bytes of a text file in any usual encoding -> UTF-8. Knows no tables."""

from __future__ import annotations

import codecs
from pathlib import Path

from danqing.errors import SourceError

__all__ = ["to_utf8"]

_BOM = b"\xef\xbb\xbf"
_PIECE = 2**20
_WESTERN, _CHINESE, _JAPANESE = "cp1252", "gb18030", "cp932"
_NAMES = {_WESTERN: "Western European", _CHINESE: "Chinese", _JAPANESE: "Japanese"}
_KANA = 0.1  # of the characters in Japanese text, at least


def to_utf8(content: bytes, path: Path) -> tuple[bytes, str]:
    r"""Convert text to UTF-8 without a byte order mark, with lines that end in a line feed.

    Returns
    -------
    text : bytes
    note : str
        Which encoding was guessed; empty if there was nothing to guess.

    Raises
    ------
    SourceError
        If it is no text.

    Examples
    --------
    >>> to_utf8("a;é\r\n".encode("utf-16"), Path("a.csv"))
    (b'a;\xc3\xa9\r\n', '')
    >>> to_utf8("prix,5 €".encode("cp1252"), Path("a.csv"))[0].decode()
    'prix,5 €'
    """
    note = ""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):  # Excel's "Unicode text"
        content = _decoded(content, "utf-16", path)
    elif b"\0" in content:
        content = _decoded(content, _without_mark(content, path), path)
    elif not _is_utf8(content):
        encoding = _legacy_encoding(content)
        content = _decoded(content, encoding, path)
        note = (
            f"it is not UTF-8, and read as {encoding} ({_NAMES[encoding]}); if letters are wrong, "
            "save it as UTF-8"
        )
    while content.startswith(_BOM):
        content = content.removeprefix(_BOM)
    if b"\0" in content:
        raise _no_text(path)
    if b"\n" not in content:  # line ends of old Macs
        content = content.replace(b"\r", b"\n")
    return content.lstrip(b"\r\n"), note


def _no_text(path: Path) -> SourceError:
    return SourceError(f"{path}: is not text; expected CSV, saved as UTF-8, or Parquet")


def _without_mark(content: bytes, path: Path) -> str:
    """Find the byte order of UTF-16 without a mark, whose ASCII letters have a zero each."""
    even, odd = content[::2].count(0), content[1::2].count(0)
    if len(content) % 2 or max(even, odd) < len(content) / 5 or min(even, odd):
        raise _no_text(path)
    return "utf-16-be" if even else "utf-16-le"


def _is_utf8(content: bytes) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(content), _PIECE):
            decoder.decode(content[start : start + _PIECE])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _legacy_encoding(content: bytes) -> str:
    """Distinguish Japanese text in Shift-JIS, Chinese in GB 18030 and Western in Windows-1252.

    Japanese text has kana. In Chinese text almost every byte above 127 is one of a pair (GB 2312);
    in Western text an accented letter usually stands alone.
    """
    if _is_japanese(content[:_PIECE]):
        return _JAPANESE
    try:
        content.decode(_CHINESE)
    except UnicodeDecodeError:
        return _WESTERN
    high = content.translate(bytes([32] * 128) + bytes(range(128, 256))).split()
    even = sum(len(run) % 2 == 0 for run in high)
    return _CHINESE if even > len(high) / 2 else _WESTERN


def _is_japanese(content: bytes) -> bool:
    try:
        # A piece may end within a character.
        text = codecs.getincrementaldecoder(_JAPANESE)().decode(content)
    except UnicodeDecodeError:
        return False
    foreign = [character for character in text if ord(character) > 127]
    kana = sum("\u3041" <= character <= "\u30fe" for character in foreign)
    return kana >= max(1, _KANA * len(foreign))


def _decoded(content: bytes, encoding: str, path: Path) -> bytes:
    try:
        return content.decode(encoding).encode()
    except UnicodeError:
        if encoding == _WESTERN:  # which leaves five bytes undefined
            return content.decode("latin-1").encode()
        raise SourceError(f"{path}: is not valid {encoding}; save it as UTF-8") from None
