"""A lock on a folder that ends with its process, by what the system has. Knows no run."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType

__all__ = ["FolderIsLocked", "folder_lock"]


class FolderIsLocked(Exception):
    """Another process holds the lock."""


@contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Hold a folder's lock until the block ends; without one where a file system has no locks.

    Raises
    ------
    FolderIsLocked
        If another process holds it.
    """
    try:
        import fcntl
    except ImportError:
        with _lock_on_windows(folder):
            yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderIsLocked from None
        except OSError:
            pass  # a file system without locks
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _lock_on_windows(folder: Path) -> Iterator[None]:
    # Only files can be locked there, and in the folder itself one could not be removed with it.
    name = hashlib.sha256(os.path.normcase(folder.resolve()).encode(errors="replace")).hexdigest()
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
        raise FolderIsLocked from None
