"""A zip or tar file of a folder of pictures as an `Origin`, read in place: nothing is unpacked.

Links, devices and names that lead out of the archive are left out and counted. The sizes that an
archive claims are not trusted: members and the whole are read up to limits. Knows no decoder.
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

from danqing.data.images.layout import is_picture_name
from danqing.data.images.origin import Entry, Listing, Origin
from danqing.errors import PictureError, SourceError

__all__ = ["open_archive"]

_MEMBER = 64 << 20  # bytes
_TOTAL = 8 << 30
_MODEST = 256 << 20  # any archive may unpack to that
_RATIO = 200  # and a larger one to so many times its size; pictures are already compressed
_HEADER = 16 << 10  # the most bytes that tarfile may read at once, for headers: it parses slowly

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


def open_archive(path: str | Path) -> Origin:
    """Open a zip or tar (plain, .gz, .bz2 or .xz) of a folder of pictures.

    Raises
    ------
    SourceError
        If it can't be read or is no such archive.
    """
    path = Path(path).absolute()
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise SourceError(f"{path}: is not a regular file; expected a zip or tar archive")
        with path.open("rb") as file:
            start = file.read(512)
    except SourceError:  # which is a ValueError
        raise
    except (OSError, ValueError) as error:
        raise SourceError(f"{path}: can't be read ({error}); expected a zip or tar") from None
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")) or zipfile.is_zipfile(path):
        return _Zip(path)
    if start[257:262] == b"ustar" or start.startswith(tuple(_PACKED)):
        return _Tar(path)
    raise SourceError(
        f"{path}: is not an archive; expected a zip, or a tar (plain, .gz, .bz2 or .xz)"
    )


class _Archive:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = re.sub(r"(\.tar)?\.\w+$", "", path.name) or "pictures"
        status = path.stat()
        self._changed = max(status.st_mtime_ns, status.st_ctime_ns)
        self.stamp = f"{status.st_size} {self._changed}"
        self._most = min(_TOTAL, max(_MODEST, _RATIO * status.st_size))
        self._total = 0

    def full_name(self, name: str) -> str:
        return f"{self.path}/{name}"

    def _admit(self, listing: Listing, name: str, size: int, plain: bool) -> None:
        """Add a member to the listing, if it is a file inside the archive and not too large."""
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
            "decompression bomb; if you trust it, unpack it and use its folder"
        )

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except SourceError:  # which is a ValueError
            raise
        except _DAMAGE as error:
            what = " ".join(str(error).split())[:200] or type(error).__name__
            raise SourceError(
                f"{self.path}: is a damaged archive ({what}); copy it again"
            ) from None


class _Zip(_Archive):
    def listings(self) -> Iterator[Listing]:
        listing = Listing()
        self._total = 0
        with self._reading(), zipfile.ZipFile(self.path) as packed:
            listing.folders = [_zip_name(m) for m in packed.infolist() if m.is_dir()]
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
            return PictureError("is encrypted; zip it without a password")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            return PictureError("is compressed by a rare method; zip it with deflate")
        try:
            with packed.open(member) as file:
                return file.read(_MEMBER)
        except _DAMAGE as error:
            return PictureError(f"is damaged in the archive ({error})")

    @staticmethod
    def _members(packed: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
        # Of several members with one name the last counts, as when unpacking.
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
                if member.isdir():
                    listing.folders.append(f"{_tar_name(member)}/")
                else:
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
                    packed.members = []  # or it would keep them all, and search them
                    if member.offset <= before:
                        raise tarfile.ReadError("its members overlap")
                    before = member.offset
                    yield member, file


class _Bounded:
    """The file that tarfile reads: forwards only, small headers, and limited once unpacked."""

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
        # tarfile rereads the last byte that it skipped; the stream is not unpacked again for that.
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
        # Zipped by a Mac or a Chinese Windows, which don't declare their encoding.
        raw = name.encode("cp437", "replace")
        for encoding in ("utf-8", "gb18030"):
            with suppress(UnicodeDecodeError):
                name = raw.decode(encoding)
                break
    return name.replace("\\", "/").removeprefix("./")
