"""A zip or tar file of a folder of pictures -> Dataset, read where it is: nothing is unpacked.

Links, devices and names that lead out of the archive are left out and counted. What an archive
says of its sizes is not believed: members and the whole are read up to limits. Knows no decoder.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from danqing.data.cache.workers import OnProgress
from danqing.data.dataset import Dataset
from danqing.data.images.layout import Entry, Listing, Origin, is_picture_name
from danqing.data.images.load_images import ImageFiles, files_of, load_images, to_dataset
from danqing.errors import PictureError, SourceError

__all__ = ["index_archive", "load_archive"]

_MEMBER = 64 << 20  # bytes
_TOTAL = 8 << 30
_MODEST = 256 << 20  # what any archive may unpack to
_RATIO = 200  # what a larger one may, times its size; pictures are packed already
_HEADER = 16 << 10  # bytes that tarfile may read at once: its headers; it parses them slowly

_ENCRYPTED = 0x1
_UTF8 = 0x800
_PACKED: dict[bytes, Callable[[IO[bytes]], Any]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\x00": lzma.LZMAFile,
}
_DAMAGE = (
    OSError, EOFError, ValueError, LookupError, OverflowError, RecursionError, MemoryError,
    NotImplementedError, RuntimeError, struct.error, zlib.error, lzma.LZMAError,
    tarfile.TarError, zipfile.BadZipFile,
)  # fmt: skip


def load_archive(path: str | Path, *, progress: OnProgress | None = None) -> Dataset:
    """Load a zip or tar (plain, .gz, .bz2 or .xz) of a folder of pictures, as `load_folder` does.

    Parameters
    ----------
    path : path
    progress : callable, optional
        Called with the work done and its total, about once a second.

    Raises
    ------
    SourceError
        If it is no such archive, is damaged, unpacks to more than 8 GiB, or holds no data set.

    Examples
    --------
    >>> import tempfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with zipfile.ZipFile(Path(folder) / "colours.zip", "w") as packed:
    ...         for colour in ("red", "blue"):
    ...             with packed.open(f"{colour}/1.png", "w") as file:
    ...                 Image.new("RGB", (8, 8), colour).save(file, "PNG")
    ...     load_archive(Path(folder) / "colours.zip").class_names
    ('blue', 'red')
    """
    origin = _open(path)
    name = re.sub(r"(\.tar)?\.\w+$", "", origin.path.name) or "pictures"
    return to_dataset(origin, load_images(origin, progress), name)


def index_archive(path: str | Path, *, progress: OnProgress | None = None) -> ImageFiles:
    """Tell which members the rows of `load_archive` come from, and which can't be read.

    Raises
    ------
    SourceError
        As `load_archive` does for an archive in which nothing can be read.
    """
    origin = _open(path)
    return files_of(origin, load_images(origin, progress))


def _open(path: str | Path) -> Origin:
    path = Path(path).absolute()
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise SourceError(f"{path}: is no regular file; expected a zip or tar archive")
        with path.open("rb") as file:
            start = file.read(512)
    except (OSError, ValueError) as error:
        raise SourceError(f"{path}: can't be read ({error}); expected a zip or tar") from None
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")) or zipfile.is_zipfile(path):
        return _Zip(path)
    if start[257:262] == b"ustar" or start.startswith(tuple(_PACKED)):
        return _Tar(path)
    raise SourceError(f"{path}: is no archive; expected a zip, or a tar, plain, .gz, .bz2 or .xz")


class _Archive:
    def __init__(self, path: Path) -> None:
        self.path = path
        told = path.stat()
        self._changed = max(told.st_mtime_ns, told.st_ctime_ns)
        self.stamp = f"{told.st_size} {self._changed}"
        self._most = min(_TOTAL, max(_MODEST, _RATIO * told.st_size))
        self._total = 0

    def full_name(self, name: str) -> str:
        return f"{self.path}/{name}"

    def _admit(self, listing: Listing, name: str, size: int, plain: bool) -> None:
        """Take a member into the listing, if it is a file in the archive and not too large."""
        outside = re.match(r"/|[A-Za-z]:|.*\0", name) or ".." in name.split("/")
        if not plain or outside:
            listing.left_out["unsafe members"] += 1
            return
        self._total += size
        if self._total > self._most:
            raise self._too_large()
        if size > _MEMBER and is_picture_name(name):
            listing.unreadable.append((name, f"is larger than {_MEMBER >> 20} MiB"))
            return
        listing.entries.append(Entry(name, size, self._changed))

    def _too_large(self) -> SourceError:
        return SourceError(
            f"{self.path}: unpacks to more than {self._most >> 20:,} MiB, which looks like a "
            "decompression bomb; if you trust it, unpack it and name its folder"
        )

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except _DAMAGE as error:
            what = " ".join(str(error).split())[:200] or type(error).__name__
            raise SourceError(f"{self.path}: is a damaged archive ({what}); get it anew") from None


class _Zip(_Archive):
    def listings(self) -> Iterator[Listing]:
        listing = Listing()
        self._total = 0
        with self._reading(), zipfile.ZipFile(self.path) as packed:
            for name, member in self._members(packed).items():
                kind = stat.S_IFMT(member.external_attr >> 16)
                plain = kind in (0, stat.S_IFREG) and not member.orig_filename.startswith("/")
                self._admit(listing, name, member.file_size, plain)
        yield listing

    def contents(self, names: list[str]) -> Iterator[tuple[str, bytes | str | PictureError]]:
        if not names:
            return
        with self._reading(), zipfile.ZipFile(self.path) as packed:
            members = self._members(packed)
            for name in names:
                yield name, self._read(packed, members[name])

    def _read(self, packed: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes | PictureError:
        if member.flag_bits & _ENCRYPTED:
            return PictureError("is encrypted; pack it without a password")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            return PictureError("is packed by a rare method; pack it as plain zip")
        try:
            with packed.open(member) as file:
                return file.read(_MEMBER)
        except _DAMAGE as error:
            return PictureError(f"is damaged in the archive ({error})")

    @staticmethod
    def _members(packed: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
        # Of several members of one name the last counts, as for those who unpack.
        members = [member for member in packed.infolist() if not member.is_dir()]
        return {_zip_name(member): member for member in members}


class _Tar(_Archive):
    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._offsets: dict[str, int] = {}

    def listings(self) -> Iterator[Listing]:
        listing = Listing()
        self._total = 0
        found: dict[str, tarfile.TarInfo] = {}
        with self._reading():
            for member, _ in self._members():
                if not member.isdir():
                    found[_tar_name(member)] = member
            self._offsets = {name: member.offset for name, member in found.items()}
            for name, member in found.items():
                plain = member.isreg() and not member.issparse() and member.size >= 0
                self._admit(listing, name, member.size, plain)
        yield listing

    def contents(self, names: list[str]) -> Iterator[tuple[str, bytes | str | PictureError]]:
        if not names:
            return
        waiting = dict.fromkeys(names)
        with self._reading():
            if not self._offsets:
                self._offsets = {_tar_name(m): m.offset for m, _ in self._members()}
            for member, file in self._members():
                name = _tar_name(member)
                if name in waiting and self._offsets.get(name) == member.offset:
                    del waiting[name]
                    yield name, file.content(member)
        for name in waiting:
            yield name, PictureError("is no longer in the archive")

    def _members(self) -> Iterator[tuple[tarfile.TarInfo, _Bounded]]:
        with self.path.open("rb") as raw:
            start = raw.read(6)
            raw.seek(0)
            unpack = next((way for magic, way in _PACKED.items() if start.startswith(magic)), None)
            file = _Bounded(unpack(raw) if unpack else raw, self._most, self._too_large)
            before = -1
            with tarfile.open(fileobj=file, mode="r:") as packed:  # type: ignore[call-overload]
                while (member := packed.next()) is not None:
                    packed.members = []  # or it keeps them all, and looks through them
                    if member.offset <= before:
                        raise tarfile.ReadError("its members overlap")
                    before = member.offset
                    yield member, file


class _Bounded:
    """What tarfile reads from: only forwards, no large header, and an end to what is unpacked."""

    def __init__(self, file: IO[bytes], most: int, too_large: Callable[[], SourceError]) -> None:
        self._file = file
        self._most = most
        self._too_large = too_large
        self._wanted = self._place = 0
        self._last = b""

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _HEADER:
            raise tarfile.ReadError(f"a header of {size} bytes")
        return self._read(size)

    def seek(self, place: int, whence: int = os.SEEK_SET) -> int:
        if whence != os.SEEK_SET or place < 0:
            raise tarfile.ReadError("a member of negative size")
        if place > self._most:
            raise self._too_large()
        self._wanted = place
        return place

    def tell(self) -> int:
        return self._wanted

    def content(self, member: tarfile.TarInfo) -> bytes | PictureError:
        self.seek(member.offset_data)
        content = self._read(min(member.size, _MEMBER))
        if len(content) < member.size:
            return PictureError("is cut off in the archive")
        return content

    def _read(self, size: int) -> bytes:
        # tarfile looks again at the last byte it passed; for that no stream is unpacked anew.
        if self._wanted == self._place - 1 and size == 1:
            self._wanted += 1
            return self._last
        if self._wanted < self._place:
            raise tarfile.ReadError("its members overlap")
        if self._wanted > self._place:
            self._file.seek(self._wanted)
        content = self._file.read(size)
        self._last = content[-1:]
        self._wanted = self._place = self._wanted + len(content)
        return content


def _tar_name(member: tarfile.TarInfo) -> str:
    return member.name.removeprefix("./")


def _zip_name(member: zipfile.ZipInfo) -> str:
    name = member.filename
    if not member.flag_bits & _UTF8 and not name.isascii():
        # Written by a Mac or on a Chinese Windows, which don't say so.
        raw = name.encode("cp437", "replace")
        for encoding in ("utf-8", "gb18030"):
            with suppress(UnicodeDecodeError):
                name = raw.decode(encoding)
                break
    return name.replace("\\", "/").removeprefix("./")
