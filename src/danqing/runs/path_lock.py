"""A lock on a folder or file that ends with its process, by what the system has.

Knows no run.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType

__all__ = ["PathIsLocked", "path_lock"]


class PathIsLocked(Exception):
    """Another process holds the lock."""


@contextmanager
def path_lock(path: Path) -> Iterator[None]:
    """Hold a lock until the block ends; without one where a file system has no locks.

    Parameters
    ----------
    path : Path
        Of a folder or file that exists.

    Raises
    ------
    PathIsLocked
        If another process holds it.
    """
    try:
        import fcntl
    except ImportError:
        with _lock_on_windows(path):
            yield
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PathIsLocked from None
        except OSError:
            pass  # a file system without locks
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _lock_on_windows(locked: Path) -> Iterator[None]:
    # Only files can be locked there, and in the folder itself one could not be removed with it.
    name = hashlib.sha256(os.path.normcase(locked.resolve()).encode(errors="replace")).hexdigest()
    path = Path(tempfile.gettempdir()) / f"danqing-{name[:32]}.lock"
    try:
        import msvcrt

        descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    except (ImportError, OSError):
        yield
        return
    try:
        _lock_first_byte(msvcrt, descriptor)
        yield
    finally:
        os.close(descriptor)
        with suppress(OSError):
            path.unlink()


def _lock_first_byte(msvcrt: ModuleType, descriptor: int) -> None:
    try:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    except OSError:
        raise PathIsLocked from None
