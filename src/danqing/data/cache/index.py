"""Where decoded pictures are kept between runs, and the index that finds them again.

A source has a folder of its own in the cache: ``index.json`` leads from the name, size and time of
a file to the hash of its content, and from that to a row of pixels. The index begins with its own
checksum, so what was half written counts as nothing. Knows no decoding.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from danqing.atomic_file import AtomicFile
from danqing.data.cache.pixel_files import PixelFile
from danqing.data.images.origin import Entry, Listing

__all__ = [
    "CacheIndex",
    "FileContent",
    "cache_folder",
    "cache_size",
    "clear_cache",
    "entry_folder",
    "new_pixel_path",
    "read_index",
    "write_index",
]

_FORMAT = 2
_INDEX = "index.json"
_OURS = re.compile(r"\.?(index\.json|pixels-[0-9a-f]{16})(\.[0-9]+)?")
_STALE = 3600  # seconds after which what no index names is a leftover of a killed run


class FileContent(NamedTuple):
    """What a file of certain bytes is: a picture of a size, or unreadable for a reason."""

    height: int
    width: int
    grey: bool
    reason: str = ""


@dataclass
class CacheIndex:
    """What is known of a source.

    Attributes
    ----------
    stamp : str
        When its listing was made, for a source that can tell whether that still holds.
    listing : Listing or None
    files : dict
        A name's entry, and the hash of its content.
    contents : dict
        What there is to know of the content with a hash.
    shape : (height, width, channels) or None
        Of the pixels.
    pixels : str
        Name of the file of pixels; empty where there is none.
    rows : dict
        In which of its rows the content with a hash is.
    checksums : list of int
        Of each row.
    """

    stamp: str = ""
    listing: Listing | None = None
    files: dict[str, tuple[Entry, str]] = field(default_factory=dict)
    contents: dict[str, FileContent] = field(default_factory=dict)
    shape: tuple[int, int, int] | None = None
    pixels: str = ""
    rows: dict[str, int] = field(default_factory=dict)
    checksums: list[int] = field(default_factory=list)

    def open_pixels(self, folder: Path) -> PixelFile | None:
        """Open the file of pixels if it is there and of the right size."""
        if not self.pixels or self.shape is None:
            return None
        try:
            return PixelFile(folder / self.pixels, self.shape, self.checksums)
        except OSError:
            return None


def cache_folder() -> Path:
    """Tell where the cache is: $DANQING_CACHE, $XDG_CACHE_HOME/danqing, or ~/.cache/danqing."""
    if own := os.environ.get("DANQING_CACHE"):
        return Path(own)
    if common := os.environ.get("XDG_CACHE_HOME"):
        return Path(common) / "danqing"
    try:
        return Path.home() / ".cache" / "danqing"
    except RuntimeError:  # nobody's home: no HOME and no such user
        return Path(".danqing-cache")


def cache_size() -> int:
    """Tell how many bytes the cache takes."""
    return sum(path.stat().st_size for path in _files())


def clear_cache() -> int:
    """Remove what the cache holds, and nothing else; tell how many bytes that was.

    A run that reads from it goes on: it holds its file open.
    """
    freed = 0
    for path in _files():
        with contextlib.suppress(OSError):
            size = path.stat().st_size
            path.unlink()
            freed += size
    for folder in _entry_folders():
        with contextlib.suppress(OSError):
            folder.rmdir()
    return freed


def entry_folder(source: Path) -> Path:
    """Tell which folder of the cache belongs to a source."""
    where = hashlib.sha256(os.fsencode(source.absolute())).hexdigest()
    return cache_folder() / where[:32]


def new_pixel_path(folder: Path) -> Path:
    """Name a file of pixels as none was named before; makes the folder.

    Raises
    ------
    OSError
        If the folder can't be made.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder / f"pixels-{secrets.token_hex(8)}"


def read_index(folder: Path) -> CacheIndex:
    """Read what is known of a source; nothing, where that is missing or damaged."""
    try:
        checksum, _, text = (folder / _INDEX).read_bytes().partition(b"\n")
        if hashlib.sha256(text).hexdigest().encode() == checksum:
            return _from_plain(json.loads(text))
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        pass
    return CacheIndex()


def write_index(folder: Path, index: CacheIndex) -> None:
    """Write an index, whole; then remove files of pixels that no index names any more.

    Raises
    ------
    OSError
        If it can't be written; no part of it stays.
    """
    text = json.dumps(_to_plain(index), separators=(",", ":")).encode()
    with AtomicFile(folder / _INDEX, durable=False) as file:
        file.write(hashlib.sha256(text).hexdigest().encode() + b"\n" + text)
        before = read_index(folder).pixels
    for path in folder.iterdir():
        if path.name in (_INDEX, index.pixels) or not _OURS.fullmatch(path.name):
            continue
        with contextlib.suppress(OSError):
            # What another process writes at this moment is named by no index yet.
            if path.name == before or time.time() - path.stat().st_mtime > _STALE:
                path.unlink()


def _entry_folders() -> Iterator[Path]:
    with contextlib.suppress(OSError):
        for folder in cache_folder().iterdir():
            if re.fullmatch("[0-9a-f]{32}", folder.name) and folder.is_dir():
                yield folder


def _files() -> Iterator[Path]:
    for folder in _entry_folders():
        with contextlib.suppress(OSError):
            yield from [path for path in folder.iterdir() if _OURS.fullmatch(path.name)]


def _to_plain(index: CacheIndex) -> dict[str, Any]:
    number = {digest: position for position, digest in enumerate(index.contents)}
    kinds = {kind: position for position, kind in enumerate(dict.fromkeys(index.contents.values()))}
    listing = index.listing
    return {
        "format": _FORMAT,
        "stamp": index.stamp,
        "listing": listing and [listing.entries, listing.left_out, listing.unreadable],
        "names": list(index.files),
        "sizes": [entry.size for entry, _ in index.files.values()],
        "changed": [entry.changed for entry, _ in index.files.values()],
        "content": [number[digest] for _, digest in index.files.values()],
        "digests": list(index.contents),
        "kinds": list(kinds),
        "contents": [kinds[content] for content in index.contents.values()],
        "shape": index.shape,
        "pixels": index.pixels,
        "rows": [index.rows.get(digest, -1) for digest in index.contents],
        "checksums": index.checksums,
    }


def _from_plain(plain: dict[str, Any]) -> CacheIndex:
    if plain["format"] != _FORMAT:
        return CacheIndex()
    digests: list[str] = plain["digests"]
    listing = None
    if plain["listing"]:
        entries, left_out, unreadable = plain["listing"]
        listing = Listing(
            [Entry(*entry) for entry in entries],
            Counter(left_out),
            [(name, reason) for name, reason in unreadable],
        )
    kinds = [FileContent(*kind) for kind in plain["kinds"]]
    facts = zip(plain["names"], plain["sizes"], plain["changed"], plain["content"], strict=True)
    return CacheIndex(
        stamp=plain["stamp"],
        listing=listing,
        files={
            name: (Entry(name, size, changed), digests[content])
            for name, size, changed, content in facts
        },
        contents={
            digest: kinds[kind] for digest, kind in zip(digests, plain["contents"], strict=True)
        },
        shape=plain["shape"] and tuple(plain["shape"]),
        pixels=plain["pixels"],
        rows={d: row for d, row in zip(digests, plain["rows"], strict=True) if row >= 0},
        checksums=plain["checksums"],
    )
