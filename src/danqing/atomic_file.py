"""A file that appears as a whole or not at all. Knows nothing of what is in it, nor of the rest."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from types import TracebackType

__all__ = ["AtomicFile"]

_WINDOWS = os.name == "nt"
_TRIES, _PAUSE = 20, 0.05  # of a rename, and seconds between them


class AtomicFile:
    """A new file, written under a temporary name beside its place and renamed by `commit`.

    As a context manager it commits at the end, or discards if an exception leaves the block.

    Parameters
    ----------
    path : Path
        Its folder must exist. A file that is there already is replaced.
    durable : bool
        Whether the file must survive a loss of power once it has appeared: file and folder are
        then written through to the disk. Without it, writing is faster.
    buffering : int
        As for `open`.

    Raises
    ------
    OSError
        From each method, if the disk is full or the folder can't be written.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "notes.txt"
    >>> with AtomicFile(path) as file:
    ...     file.write(b"all of it")
    ...     print(path.exists())
    False
    >>> path.read_bytes()
    b'all of it'
    """

    def __init__(self, path: Path, *, durable: bool = True, buffering: int = -1) -> None:
        self.path = path
        self._durable = durable
        self._temporary = path.with_name(f".{path.name}.{os.getpid()}")
        self._file = self._temporary.open("wb", buffering=buffering)

    def __enter__(self) -> AtomicFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            self.commit()
        else:
            self.discard()

    def write(self, content: bytes) -> None:
        """Append to the file."""
        self._file.write(content)

    def commit(self) -> None:
        """Let the file appear; discard it if that fails."""
        try:
            if self._durable:
                self._file.flush()
                os.fsync(self._file.fileno())
            self._file.close()
            _rename(self._temporary, self.path)
            if self._durable:
                _sync_folder(self.path.parent)
        except BaseException:
            self.discard()
            raise

    def discard(self) -> None:
        """Leave nothing behind."""
        with contextlib.suppress(OSError):
            self._file.close()
        with contextlib.suppress(OSError):
            self._temporary.unlink(missing_ok=True)


def _rename(temporary: Path, path: Path) -> None:
    """Rename a file over another, which Windows refuses for as long as a reader has that open."""
    for _ in range(_TRIES if _WINDOWS else 0):
        try:
            temporary.replace(path)
            return
        except PermissionError:
            time.sleep(_PAUSE)
    temporary.replace(path)


def _sync_folder(folder: Path) -> None:
    """Write a folder's entries through to the disk, where the system can do that with a folder."""
    # Windows can't open one; some network drives can't sync one. The file is there all the same.
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
