"""Checks before a file is read: it exists, is a readable file, not empty and not too large.

Knows no format; every reader of single files uses these checks, so that all complain alike.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from danqing.errors import SourceError

__all__ = ["DEFLATE_RATIO", "LARGEST", "check_file", "check_size", "read_start"]

LARGEST = 4 * 2**30  # bytes that a reader loads into memory

DEFLATE_RATIO = 1032
"""The most bytes that one byte of deflate can stand for: 258 in 2 bits (RFC 1951)."""


def check_file(path: Path) -> int:
    """Return the size of a regular, readable file in bytes.

    Raises
    ------
    SourceError
        If it is missing, not a regular file, unreadable or empty.

    Examples
    --------
    >>> check_file(Path("no/such/file.csv"))
    Traceback (most recent call last):
    danqing.errors.SourceError: no/such/file.csv: there is no such file or folder; check the path
    """
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise SourceError(f"{path}: there is no such file or folder; check the path") from None
    except (OSError, ValueError) as error:
        raise SourceError(f"{path}: can't be opened ({_reason(error)}); check the path") from None
    if stat.S_ISDIR(found.st_mode):
        raise SourceError(f"{path}: is a folder; expected a file in it")
    if not stat.S_ISREG(found.st_mode):
        raise SourceError(f"{path}: is a device, pipe or socket; expected a regular file")
    if not os.access(path, os.R_OK):
        raise SourceError(f"{path}: can't be read; check its permissions")
    if found.st_size == 0:
        raise SourceError(f"{path}: is empty; expected a file with data")
    return found.st_size


def check_size(size: int, where: object) -> None:
    """Refuse to load more than memory should hold.

    Raises
    ------
    SourceError
        If `size`, in bytes, is above `LARGEST`.
    """
    if size > LARGEST:
        raise SourceError(
            f"{where}: needs {size:.2g} bytes of memory; at most {LARGEST / 2**30:.0f} GiB "
            "are loaded, so use part of it"
        )


def read_start(path: Path, count: int = 512) -> bytes:
    """Return the first bytes of a file that passes `check_file`."""
    check_file(path)
    try:
        with path.open("rb") as file:
            return file.read(count)
    except OSError as error:
        raise SourceError(f"{path}: can't be read ({_reason(error)}); copy it again") from None


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
