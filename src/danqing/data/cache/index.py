"""Where decoded pictures are cached, and the index that finds them again.

Each source has its own folder in the cache. Its ``index.json`` maps the name, size and time of a
file to the hash of its content, and that to a row of pixels. The index begins with its own
checksum, so that a half-written one is ignored. Knows no decoding.
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

_FORMAT = 6
_INDEX = "index.json"
_OURS = re.compile(r"\.?(index\.json|pixels-[0-9a-f]{16})(\.[0-9]+)?")
_STALE = 3600  # seconds after which a file that no index names is a leftover of a killed run


class FileContent(NamedTuple):
    """What a file's bytes are: a picture of some size, or unreadable for a reason."""

    height: int
    width: int
    grey: bool
    reason: str = ""
    low: float = 0.0
    high: float = 0.0


@dataclass
class CacheIndex:
    """What the cache knows of a source.

    Attributes
    ----------
    stamp : str
        The origin's stamp when it was listed; empty if it has none.
    listing : Listing or None
    files : dict of str to (Entry, str)
        By name, a file and the hash of its content.
    contents : dict of str to FileContent
        By hash.
    shape : (height, width, channels) or None
        Of the cached pixels.
    ends : (black, white) or None
        The values by which pictures of more than 8 bits were scaled.
    pixels : str
        Name of the pixel file; empty if there is none.
    rows : dict of str to int
        By hash, the row of the pixel file.
    checksums : list of int
        Of each of its rows.
    """

    stamp: str = ""
    listing: Listing | None = None
    files: dict[str, tuple[Entry, str]] = field(default_factory=dict)
    contents: dict[str, FileContent] = field(default_factory=dict)
    shape: tuple[int, int, int] | None = None
    ends: tuple[float, float] | None = None
    pixels: str = ""
    rows: dict[str, int] = field(default_factory=dict)
    checksums: list[int] = field(default_factory=list)

    def open_pixels(self, folder: Path) -> PixelFile | None:
        """Open the pixel file, if it exists and has the right size."""
        if not self.pixels or self.shape is None:
            return None
        try:
            return PixelFile(folder / self.pixels, self.shape, self.checksums)
        except OSError:
            return None


def cache_folder() -> Path:
    """Return the cache's path: $DANQING_CACHE, $XDG_CACHE_HOME/danqing, or ~/.cache/danqing."""
    if own := os.environ.get("DANQING_CACHE"):
        return Path(own)
    if common := os.environ.get("XDG_CACHE_HOME"):
        return Path(common) / "danqing"
    try:
        return Path.home() / ".cache" / "danqing"
    except RuntimeError:  # neither $HOME nor such a user
        return Path(".danqing-cache")


def cache_size() -> int:
    """Return the size of the cache in bytes."""
    return sum(path.stat().st_size for path in _files())


def clear_cache() -> int:
    """Remove what the cache contains, and nothing else; return how many bytes that was.

    A training that reads from it can continue, since it has the file open.
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
    """Return the folder of a source in the cache."""
    where = hashlib.sha256(os.fsencode(source.absolute())).hexdigest()
    return cache_folder() / where[:32]


def new_pixel_path(folder: Path) -> Path:
    """Return the path of a new pixel file with a unique name; creates its folder.

    Raises
    ------
    OSError
        If the folder can't be created.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder / f"pixels-{secrets.token_hex(8)}"


def read_index(folder: Path) -> CacheIndex:
    """Read a source's index; an empty one if it is missing or damaged."""
    try:
        checksum, _, text = (folder / _INDEX).read_bytes().partition(b"\n")
        if hashlib.sha256(text).hexdigest().encode() == checksum:
            return _from_plain(json.loads(text))
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        pass
    return CacheIndex()


def write_index(folder: Path, index: CacheIndex) -> None:
    """Write an index; then remove pixel files that no index names any more.

    Raises
    ------
    OSError
        If it can't be written.
    """
    text = json.dumps(_to_plain(index), separators=(",", ":")).encode()
    with AtomicFile(folder / _INDEX, durable=False) as file:
        file.write(hashlib.sha256(text).hexdigest().encode() + b"\n" + text)
        before = read_index(folder).pixels
    for path in folder.iterdir():
        if path.name in (_INDEX, index.pixels) or not _OURS.fullmatch(path.name):
            continue
        with contextlib.suppress(OSError):
            # A pixel file that another process is writing is not in any index yet.
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
        "listing": listing
        and [listing.entries, listing.left_out, listing.unreadable, listing.folders],
        "names": list(index.files),
        "sizes": [entry.size for entry, _ in index.files.values()],
        "changed": [entry.changed for entry, _ in index.files.values()],
        "content": [number[digest] for _, digest in index.files.values()],
        "digests": list(index.contents),
        "kinds": list(kinds),
        "contents": [kinds[content] for content in index.contents.values()],
        "shape": index.shape,
        "ends": index.ends,
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
        entries, left_out, unreadable, folders = plain["listing"]
        listing = Listing(
            [Entry(*entry) for entry in entries],
            Counter(left_out),
            [(name, reason) for name, reason in unreadable],
            folders,
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
        ends=plain["ends"] and tuple(plain["ends"]),
        pixels=plain["pixels"],
        rows={d: row for d, row in zip(digests, plain["rows"], strict=True) if row >= 0},
        checksums=plain["checksums"],
    )
