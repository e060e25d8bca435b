"""From names of files to classes and parts: what folders of labelled pictures look like.

Knows no pictures: names alone decide, so that a folder and an archive of it give the same.
"""

from __future__ import annotations

import os
import stat
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from danqing.data.natural_order import natural_key
from danqing.errors import PictureError, SourceError

__all__ = [
    "SUBSETS",
    "Entry",
    "Labelled",
    "Layout",
    "Listing",
    "Origin",
    "SubsetName",
    "arrange",
    "is_picture_name",
    "read_file",
]

SubsetName = Literal["train", "validation", "test"]

SUBSETS: tuple[SubsetName, ...] = ("train", "validation", "test")

_SUBSET_NAMES: dict[str, SubsetName] = {
    **dict.fromkeys(("train", "training"), SUBSETS[0]),
    **dict.fromkeys(("validation", "val", "valid"), SUBSETS[1]),
    **dict.fromkeys(("test", "testing"), SUBSETS[2]),
}
_SUFFIXES = frozenset(
    ".png .apng .jpg .jpeg .jpe .jfif .webp .bmp .dib .gif .tif .tiff".split()  # noqa: SIM905
)
_LARGEST_FILE = 256 << 20


class Entry(NamedTuple):
    """A file of a source: its name with ``/`` between folders, its size, and when it changed."""

    name: str
    size: int
    changed: int


@dataclass
class Listing:
    """The files of a source, what was left out of it (a reason and how often), and what failed."""

    entries: list[Entry] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    unreadable: list[tuple[str, str]] = field(default_factory=list)


class Origin(Protocol):
    """Where the bytes of picture files come from."""

    path: Path
    stamp: str
    """Changes whenever the listing may have; empty where only a listing tells."""

    def listings(self) -> Iterator[Listing]:
        """List all files, in a fixed order: one `Listing` as it grows, and at last the whole."""

    def contents(self, names: list[str]) -> Iterator[tuple[str, bytes | str | PictureError]]:
        """Give each name's bytes, a path to read them from, or why there are none, in any order."""

    def full_name(self, name: str) -> str:
        """Give the name that a user knows the file by."""


class Labelled(NamedTuple):
    """A picture file's name, its part and its class."""

    name: str
    part: SubsetName
    label: str


class Layout(NamedTuple):
    """The labelled picture files in order, and how many other files there are."""

    files: list[Labelled]
    others: int


def arrange(names: Iterable[str], where: str) -> Layout:
    """Tell each picture file's part and class from the folders above it.

    The folders are classes; or parts, where one called train or training holds class folders
    rather than pictures of its own. A single folder around all is looked through. Folders below a
    class belong to it; names that begin with a dot are ignored.

    Parameters
    ----------
    names : iterable of str
        With ``/`` between folders.
    where : str
        What messages call the source.

    Returns
    -------
    Layout
        By part, then class in natural order, then name.

    Raises
    ------
    SourceError
        If there are no pictures, no class folders, or no part for training.

    Examples
    --------
    >>> arrange(["cat/a.png", "dog/b.jpg", "dog/notes.txt"], "pets")
    ... # doctest: +NORMALIZE_WHITESPACE
    Layout(files=[Labelled(name='cat/a.png', part='train', label='cat'),
                  Labelled(name='dog/b.jpg', part='train', label='dog')], others=1)
    """
    folders, others = _by_folder(names)
    if not folders and not others:
        raise SourceError(f"{where}: is empty; expected folders of pictures, one for each class")
    if not folders:
        raise SourceError(
            f"{where}: holds {others:,} files but no pictures; "
            "expected PNG, JPEG, WebP, BMP, GIF or TIFF in folders, one for each class"
        )
    top = _wrapping(folders)
    in_parts = _has_subsets(folders, top)
    kept: dict[tuple[SubsetName, str], list[str]] = {}
    for path, pictures in folders.items():
        above = path[top:]
        part: SubsetName | None = (
            _SUBSET_NAMES.get(above[0].casefold()) if in_parts and above else "train"
        )
        steps = above[1:] if in_parts else above
        if part and steps:
            kept.setdefault((part, _label(steps[0])), []).extend(pictures)
        else:
            others += len(pictures)
    if not kept:
        total = sum(len(pictures) for pictures in folders.values())
        raise SourceError(
            f"{where}: holds {total:,} pictures but no class folders; "
            "put the pictures of each class into a folder named after it"
        )
    if all(part != "train" for part, _ in kept):
        raise SourceError(f"{where}: has no part for training; add a folder 'train'")
    files = [
        Labelled(name, part, label)
        for part, label in sorted(
            kept, key=lambda key: (SUBSETS.index(key[0]), natural_key(key[1]))
        )
        for name in sorted(kept[part, label])
    ]
    return Layout(files, others)


def is_picture_name(name: str) -> bool:
    """Whether a name ends as those of pictures do."""
    return name[name.rfind(".") :].casefold() in _SUFFIXES  # a Path takes ten times as long


def read_file(path: str | Path) -> bytes:
    """Read a picture's file whole.

    Raises
    ------
    PictureError
        If it is missing, may not be read, is no file or far too large; without its name.
    """
    try:
        # Opening a pipe would wait for its other end for ever.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        try:
            told = os.fstat(descriptor)
            if stat.S_ISDIR(told.st_mode):
                raise PictureError("is a folder; name the picture files in it")
            if not stat.S_ISREG(told.st_mode):
                raise PictureError("is no regular file; name a picture file")
            if told.st_size > _LARGEST_FILE:
                raise PictureError(f"is larger than {_LARGEST_FILE >> 20} MiB; make it smaller")
            content = os.read(descriptor, told.st_size)
            while len(content) < told.st_size and (more := os.read(descriptor, told.st_size)):
                content += more
            return content
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        raise PictureError("there is no such file") from None
    except PermissionError:
        raise PictureError("may not be read; check its permissions") from None
    except OSError as error:
        raise PictureError(f"can't be read ({error.strerror})") from None
    except ValueError:
        raise PictureError("is no name of a file") from None


def _by_folder(names: Iterable[str]) -> tuple[dict[tuple[str, ...], list[str]], int]:
    """Give the pictures by the folder they are in, and count the files that are none."""
    within: dict[str, list[str]] = {}
    others = 0
    for name in names:
        if _hidden(name):
            continue
        if is_picture_name(name):
            within.setdefault(name[: name.rfind("/") + 1], []).append(name)
        else:
            others += 1
    return {tuple(folder.split("/")[:-1]): pictures for folder, pictures in within.items()}, others


def _hidden(name: str) -> bool:
    within = f"/{name}/"
    return "/." in within or "/__MACOSX/" in within


@lru_cache(1024)
def _label(step: str) -> str:
    # Bytes that are no UTF-8 come as lone surrogates, which nothing can print or encode; and a
    # Mac writes "é" as two characters where others write one.
    return unicodedata.normalize("NFC", step.encode("utf-8", "backslashreplace").decode())


def _wrapping(folders: Collection[tuple[str, ...]]) -> int:
    """Count the folders around all that hold nothing but one folder of folders."""
    top = 0
    while (
        all(len(path) > top + 1 for path in folders)
        and len({path[top] for path in folders}) == 1
        and next(iter(folders))[top].casefold() not in _SUBSET_NAMES
    ):
        top += 1
    return top


def _has_subsets(folders: dict[tuple[str, ...], list[str]], top: int) -> bool:
    """Whether the folders are parts; a class may be called train too, of trains."""
    names = {path[top] for path in folders if len(path) > top}
    parts = {_SUBSET_NAMES.get(name.casefold()) for name in names}
    if parts == {None} or not parts:
        return False
    if "train" not in parts:  # a class may be called test; but nothing else than parts may not
        return None not in parts
    depths = [
        (len(path), len(pictures))
        for path, pictures in folders.items()
        if len(path) > top and _SUBSET_NAMES.get(path[top].casefold()) == "train"
    ]
    nested = sum(count for depth, count in depths if depth > top + 1)
    return nested * 2 > sum(count for _, count in depths) and (
        parts == {"train"} or len(parts - {None}) > 1
    )
