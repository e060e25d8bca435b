"""A flat file of pictures of one shape, written row by row and read by row numbers.

It is never mapped into memory: if the file is truncated meanwhile, a mapping kills the process,
whereas a read comes short and can be reported. Every read verifies the checksums of its rows.
Knows neither picture files nor labels.
"""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.atomic_file import AtomicFile
from danqing.errors import SourceError

__all__ = ["CachedPictures", "PixelFile", "PixelWriter"]

_BLOCK = 8 << 20  # bytes a read: enough for a disk's speed, little beside the result
_BUFFER = 1 << 20  # bytes a write


class PixelFile:
    """An open file of pictures of one shape; it can be read even after its removal.

    Parameters
    ----------
    path : Path
    shape : (height, width, channels)
    checksums : list of int
        CRC-32 of each row.

    Raises
    ------
    OSError
        If it can't be opened, or doesn't have the size of its rows.
    """

    def __init__(self, path: Path, shape: tuple[int, int, int], checksums: list[int]) -> None:
        self.path = path
        self.shape = shape
        self.row_bytes = int(np.prod(shape))
        self.checksums = checksums
        self._descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        self._lock = threading.Lock()
        weakref.finalize(self, os.close, self._descriptor)
        size = os.fstat(self._descriptor).st_size
        if size != len(checksums) * self.row_bytes:
            raise OSError(f"{path}: has {size} bytes")

    def read(self, start: int, stop: int) -> NDArray[np.uint8]:
        """Read the rows from `start` to before `stop`; shape (stop - start, *shape).

        Raises
        ------
        SourceError
            If they are missing or damaged; the file is then removed, to be rebuilt.
        """
        step = self.row_bytes
        try:
            content = self._read((stop - start) * step, start * step)
        except OSError as error:
            raise self._damage(error.strerror) from None
        if len(content) != (stop - start) * step:
            raise self._damage("it is truncated")
        view = memoryview(content)
        for row in range(stop - start):
            if zlib.crc32(view[row * step : (row + 1) * step]) != self.checksums[start + row]:
                raise self._damage("a checksum is wrong")
        return np.frombuffer(content, np.uint8).reshape(-1, *self.shape)

    def _read(self, count: int, start: int) -> bytes:
        if hasattr(os, "pread"):
            return os.pread(self._descriptor, count, start)
        with self._lock:  # Windows: a place to read from belongs to the file, not to the call
            os.lseek(self._descriptor, start, os.SEEK_SET)
            return os.read(self._descriptor, count)

    def _damage(self, what: str | None) -> SourceError:
        with contextlib.suppress(OSError):
            self.path.unlink()
        return SourceError(
            f"cache file {self.path}: is damaged ({what}); try again, and it is rebuilt"
        )


class CachedPictures:
    """Pictures on disk, indexed like an array; what is read is an array in memory.

    Parameters
    ----------
    file : PixelFile
    rows : ndarray of int64, shape (n,)
        The rows of the file that are these pictures, in any order.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     writer = PixelWriter(Path(folder) / "pixels", (1, 2, 1))
    ...     for n in range(5):
    ...         writer.add(bytes([n, n]))
    ...     pictures = CachedPictures(writer.finish(), np.arange(5))
    ...     pictures.shape, pictures[[3, 1]].tolist(), pictures.window(2, 4)[:].max()
    ((5, 1, 2, 1), [[[[3], [3]]], [[[1], [1]]]], np.uint8(3))
    """

    dtype = np.dtype(np.uint8)

    def __init__(self, file: PixelFile, rows: NDArray[np.int64]) -> None:
        self._file = file
        self._rows = rows

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Number, height, width and channels."""
        return (len(self._rows), *self._file.shape)

    @property
    def ndim(self) -> int:
        """Four."""
        return 4

    @property
    def nbytes(self) -> int:
        """The size of all pictures in memory, in bytes."""
        return len(self._rows) * self._file.row_bytes

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, rows: Any) -> NDArray[np.uint8]:
        """Read rows: a number, a slice, an array of numbers or a mask.

        Raises
        ------
        SourceError
            If the file has been damaged meanwhile.
        """
        if isinstance(rows, list) and not rows:
            rows = slice(0)
        wanted = np.asarray(self._rows[rows])
        pixels = np.empty((wanted.size, *self._file.shape), np.uint8)
        order = np.argsort(wanted.reshape(-1), kind="stable")
        in_file = wanted.reshape(-1)[order]
        most = max(1, _BLOCK // max(self._file.row_bytes, 1))
        breaks = np.flatnonzero(np.diff(in_file) > 1) + 1
        for first, last in zip([0, *breaks], [*breaks, len(in_file)], strict=True):
            start = first
            while start < last:
                stop = first + int(
                    np.searchsorted(in_file[first:last], in_file[start] + most, "left")
                )
                block = self._file.read(int(in_file[start]), int(in_file[stop - 1]) + 1)
                if stop - start != len(block):  # some rows are wanted more than once
                    block = block[in_file[start:stop] - in_file[start]]
                pixels[order[start:stop]] = block
                start = stop
        return pixels.reshape(*wanted.shape, *self._file.shape)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return self.read_all().astype(dtype or np.uint8, copy=False)

    def read_all(self) -> NDArray[np.uint8]:
        """Read all pictures into memory."""
        return self[:]

    def window(self, start: int, stop: int) -> CachedPictures:
        """Return the pictures from `start` to before `stop`, still on disk."""
        return self.take(slice(start, stop))

    def take(self, rows: Any) -> CachedPictures:
        """Return some of the pictures, in the order of `rows`, still on disk."""
        return CachedPictures(self._file, self._rows[rows])


class PixelWriter:
    """Writes a `PixelFile` that appears when it is complete.

    Raises
    ------
    OSError
        From each method, if the disk is full or the folder can't be written.
    """

    def __init__(self, path: Path, shape: tuple[int, int, int]) -> None:
        self.path = path
        self.shape = shape
        self._checksums: list[int] = []
        # It need not survive a loss of power: then size or checksums are wrong, and it is rebuilt.
        self._file = AtomicFile(path, durable=False, buffering=_BUFFER)

    def add(self, picture: bytes) -> None:
        """Append a row: the pixels of a picture of the given shape."""
        self._checksums.append(zlib.crc32(picture))
        self._file.write(picture)

    def finish(self) -> PixelFile:
        """Let the file appear, and open it."""
        self._file.commit()
        return PixelFile(self.path, self.shape, self._checksums)

    def abandon(self) -> None:
        """Leave nothing behind."""
        self._file.discard()
