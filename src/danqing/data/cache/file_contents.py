"""What a source's files contain: looked at, decoded and cached. Knows no classes and no parts.

A file is looked at once: its bytes are hashed, its header read. Each distinct content is decoded
once, and again only where its shape changes. What reading a file failed for is tried anew the next
time; what is wrong with its bytes is remembered.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import MappingProxyType
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from danqing.data.cache.helper_processes import HelperProcesses
from danqing.data.cache.index import (
    CacheIndex,
    FileContent,
    entry_folder,
    new_pixel_path,
    read_index,
    write_index,
)
from danqing.data.cache.pixel_files import CachedPictures, PixelFile, PixelWriter
from danqing.data.cache.reading import Decoded, Item, Seen, Shape, decode_files, look_at, mode_of
from danqing.data.cache.workers import LARGE, Meter, cores, spread
from danqing.data.images.decode import Look, fit
from danqing.data.images.origin import Entry, Listing, Origin
from danqing.errors import SourceError

__all__ = ["FileContents"]

_SPARE = 256 << 20  # bytes of pixels kept from the first look
_MANY = 3000  # files that are worth starting other processes
_BLOCK = 256  # pictures copied at a time
_GRAIN = 50_000_000  # nanoseconds within which a second change may not show in a file's time

Result = TypeVar("Result")


class FileContents:
    """Reads what files contain, with the help of what the cache knew before.

    Parameters
    ----------
    origin : Origin
    pool : ThreadPoolExecutor
    meter : Meter

    Attributes
    ----------
    old, new : CacheIndex
        What the cache knew, and what it will know.
    """

    def __init__(self, origin: Origin, pool: ThreadPoolExecutor, meter: Meter) -> None:
        self.old = read_index(entry_folder(origin.path))
        self.new = CacheIndex()
        self._origin = origin
        self._folder = entry_folder(origin.path)
        self._pool = pool
        self._meter = meter
        self._entries: dict[str, Entry] = {}
        self._failed: dict[str, str] = {}
        self._warned = False
        self._helpers: HelperProcesses | None = None
        self._spare: dict[str, Look] = {}
        self._spared = 0
        self._ends: tuple[float, float] | None = None

    def digest(self, name: str) -> str:
        """Give the hash of a readable file's content."""
        return self.new.files[name][1]

    def readable(self, names: list[str]) -> dict[str, FileContent]:
        """Give the files that can be read, as far as is known, and what they are."""
        files, contents = self.new.files, self.new.contents
        found = ((name, contents[files[name][1]]) for name in names if name in files)
        return {name: content for name, content in found if not content.reason}

    def reason(self, name: str) -> str:
        """Tell why a file is unreadable."""
        return self._failed.get(name) or self.new.contents[self.new.files[name][1]].reason

    def listing(self) -> Listing:
        """List all files; helpers for many new ones start while they are still being listed."""
        asked = bool(self.old.files)
        for listing in self._origin.listings():
            if not asked and len(listing.entries) >= _MANY:
                asked = True  # once: to sum sizes again and again would take longer
                self._helpers_for(listing.entries)
        return listing

    def look(self, entries: list[Entry], now: int) -> None:
        """Learn what each file contains: from the index where nothing changed, else from its bytes.

        `now` is the time, in nanoseconds, when the files were listed.
        """
        self._entries = {entry.name: entry for entry in entries}
        fresh = []
        for entry in entries:
            before = self.old.files.get(entry.name)
            if before and before[0] == entry:
                self.new.files[entry.name] = before
                self.new.contents[before[1]] = self.old.contents[before[1]]
            else:
                fresh.append(entry.name)
        self._meter.expect(2 * len(fresh))
        known = set(self.old.contents)
        for seen in self._map(look_at, fresh, local=partial(look_at, known=known)):
            known.add(seen.digest)
            self._meter.step()
            if not seen.digest:
                self._failed[seen.name] = seen.reason
                continue
            entry = self._entries[seen.name]
            if entry.changed > now - _GRAIN:
                entry = entry._replace(changed=-1)
            self.new.files[seen.name] = (entry, seen.digest)
            if seen.digest not in self.new.contents:
                self.new.contents[seen.digest] = self._learn(seen)

    def store(
        self,
        names: list[str],
        shape: Shape,
        most: int,
        ends: tuple[float, float] | None = None,
    ) -> tuple[PixelFile | NDArray[np.uint8], NDArray[np.int64]]:
        """Give files' pixels: a store of rows of one shape, and which row is whose.

        It is on disk if that can be; in memory, if not and it takes `most` bytes or less. Files
        that turn out to be undecodable have no row, and a reason from now on. `ends` are the
        values of black and white in pictures of more than 8 bits.

        Raises
        ------
        SourceError
            If there is room neither on disk nor in memory.
        """
        digests = [self.new.files[name][1] for name in names]
        needed = dict(zip(digests, names, strict=True))
        self._ends = ends
        alike = self.old.shape == shape and self.old.ends == ends
        cached = self.old.open_pixels(self._folder) if alike else None
        store: PixelFile | NDArray[np.uint8]
        if cached and needed.keys() <= self.old.rows.keys():
            self._keep(cached, self.old.rows)
            store, rows = cached, self.old.rows
        else:
            try:
                store, rows = self._on_disk(needed, shape, cached)
                self._keep(store, rows)
            except OSError as error:
                self._warn(error)
                store, rows = self._in_memory(needed, shape, cached, most)
        return store, np.array([rows[digest] for digest in digests if digest in rows], np.int64)

    def close(self) -> None:
        """End the helper processes."""
        if self._helpers:
            self._helpers.close()

    def forget(self) -> None:
        """Trust nothing that the cache knew."""
        self.old = CacheIndex()

    def _map(
        self,
        function: Callable[[list[Item]], list[Result]],
        names: list[str],
        digests: Mapping[str, str] = MappingProxyType({}),
        local: Callable[[list[Item]], list[Result]] | None = None,
    ) -> Iterator[Result]:
        items = (
            (self._entries[name].size, (name, source, digests.get(name, "")))
            for name, source in self._origin.contents(names)
        )
        if helpers := self._helpers_for([self._entries[name] for name in names]):
            return helpers.map(function, items, local)
        return spread(self._pool, local or function, items)

    def _learn(self, seen: Seen) -> FileContent:
        if not seen.look:
            return self.old.contents.get(seen.digest) or FileContent(0, 0, False, seen.reason)
        pixels = seen.look.pixels
        if pixels is not None and self._spared + len(pixels) <= _SPARE:
            self._spare[seen.digest] = seen.look
            self._spared += len(pixels)
        height, width, grey, _, low, high = seen.look
        return FileContent(height, width, grey, "", low, high)

    def _decoded(
        self, needed: dict[str, str], shape: Shape, cached: PixelFile | None
    ) -> Iterator[tuple[str, bytes]]:
        """Give each content's hash and pixels: from the old cache, the first look, or its bytes."""
        size, mode = shape[:2], mode_of(shape)
        missing = dict(needed)
        known = [digest for digest in needed if cached and digest in self.old.rows]
        for start in range(0, len(known), _BLOCK):
            block = known[start : start + _BLOCK]
            rows = np.array([self.old.rows[digest] for digest in block], np.int64)
            try:
                assert cached is not None
                pictures = CachedPictures(cached, rows).read_all()
            except SourceError:  # damaged: decode what it held
                break
            for digest, picture in zip(block, pictures, strict=True):
                del missing[digest]
                yield digest, picture.tobytes()
        for digest in [digest for digest in missing if digest in self._spare]:
            del missing[digest]
            yield digest, fit(self._spare[digest], size, mode)
        digests = {name: digest for digest, name in missing.items()}
        self._meter.expect(len(digests))
        for done in self._map(
            partial(decode_files, shape=shape, ends=self._ends), list(digests), digests
        ):
            self._meter.step()
            digest = digests[done.name]
            if done.pixels is None:
                self._mark(digest, done)
            else:
                yield digest, done.pixels

    def _helpers_for(self, files: list[Entry]) -> HelperProcesses | None:
        """Give helper processes where there are enough files of the kind they are for."""
        if len(files) < _MANY or self._origin.stamp:
            return None
        if not self._helpers:
            small = sum(entry.size for entry in files) <= LARGE * len(files)
            if small and cores() > 1 and not getattr(sys, "frozen", False):
                self._helpers = HelperProcesses(cores() - 1)  # and this process
        return self._helpers

    def _mark(self, digest: str, failed: Decoded) -> None:
        if failed.lasting:
            self.new.contents[digest] = self.new.contents[digest]._replace(reason=failed.reason)
            return
        for name in [name for name, known in self.new.files.items() if known[1] == digest]:
            self._failed[name] = failed.reason
            del self.new.files[name]

    def _on_disk(
        self, needed: dict[str, str], shape: Shape, cached: PixelFile | None
    ) -> tuple[PixelFile, dict[str, int]]:
        writer = PixelWriter(new_pixel_path(self._folder), shape)
        try:
            rows: dict[str, int] = {}
            for digest, picture in self._decoded(needed, shape, cached):
                writer.add(picture)
                rows[digest] = len(rows)
            return writer.finish(), rows
        except BaseException:
            writer.abandon()
            raise

    def _in_memory(
        self, needed: dict[str, str], shape: Shape, cached: PixelFile | None, most: int
    ) -> tuple[NDArray[np.uint8], dict[str, int]]:
        total = len(needed) * int(np.prod(shape))
        if total > most:
            raise SourceError(
                f"{self._origin.path}: takes {total / 1e9:.1f} GB as pixels, for which the cache "
                f"{self._folder.parent} has no room; free some, or set DANQING_CACHE to a folder "
                "that has"
            )
        pixels = np.empty((len(needed), *shape), np.uint8)
        rows: dict[str, int] = {}
        for digest, picture in self._decoded(needed, shape, cached):
            pixels[len(rows)] = np.frombuffer(picture, np.uint8).reshape(shape)
            rows[digest] = len(rows)
        return pixels[: len(rows)], rows

    def _keep(self, file: PixelFile, rows: dict[str, int]) -> None:
        """Write the index, if it says anything new."""
        self.new.shape, self.new.pixels = file.shape, file.path.name
        self.new.ends = self._ends
        self.new.rows, self.new.checksums = rows, file.checksums
        if self.new == self.old:
            return
        try:
            write_index(self._folder, self.new)
        except OSError as error:
            self._warn(error)

    def _warn(self, error: OSError) -> None:
        if self._warned:
            return
        self._warned = True
        print(
            f"warning: the cache {self._folder.parent} can't be written ({error.strerror}); "
            "the pictures are decoded anew each time",
            file=sys.stderr,
        )
