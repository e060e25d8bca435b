"""From file names to subsets and classes: how folders of labelled pictures are laid out.

Knows no pictures: names alone decide, so that a folder and an archive of it give the same result.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import NamedTuple

from danqing.data.natural_order import natural_key
from danqing.data.subset_names import SUBSETS, SubsetName, subset_of
from danqing.errors import SourceError

__all__ = ["Labelled", "Layout", "arrange", "is_picture_name"]

_SUFFIXES = frozenset(
    ".png .apng .jpg .jpeg .jpe .jfif .webp .bmp .dib .gif .tif .tiff".split()  # noqa: SIM905
)


class Labelled(NamedTuple):
    """A picture file's name, its subset and its class."""

    name: str
    subset: SubsetName
    label: str


class Layout(NamedTuple):
    """The labelled picture files in order, and how many other files there are."""

    files: list[Labelled]
    others: int


def arrange(names: Iterable[str], where: str) -> Layout:
    """Find the subset and class of each picture file from the folders above it.

    The folders are classes; or they are subsets, if one called train or training contains class
    folders rather than pictures. A single folder around everything is skipped. Folders below a
    class belong to it. Names that begin with a dot are ignored.

    Parameters
    ----------
    names : iterable of str
        With ``/`` between folders.
    where : str
        How messages refer to the source.

    Returns
    -------
    Layout
        By subset, then class in natural order, then name.

    Raises
    ------
    SourceError
        If there are no pictures, no class folders, or no training set.

    Examples
    --------
    >>> arrange(["cat/a.png", "dog/b.jpg", "dog/notes.txt"], "pets")
    ... # doctest: +NORMALIZE_WHITESPACE
    Layout(files=[Labelled(name='cat/a.png', subset='train', label='cat'),
                  Labelled(name='dog/b.jpg', subset='train', label='dog')], others=1)
    """
    folders, others = _by_folder(names)
    if not folders and not others:
        raise SourceError(f"{where}: is empty; expected one subfolder of pictures per class")
    if not folders:
        raise SourceError(
            f"{where}: has {others:,} files but no pictures; "
            "expected PNG, JPEG, WebP, BMP, GIF or TIFF in one subfolder per class"
        )
    top = _wrapping(folders)
    in_subsets = _has_subsets(folders, top)
    kept: dict[tuple[SubsetName, str], list[str]] = {}
    for path, pictures in folders.items():
        above = path[top:]
        subset: SubsetName | None = subset_of(above[0]) if in_subsets and above else "train"
        steps = above[1:] if in_subsets else above
        if subset and steps:
            kept.setdefault((subset, _label(steps[0])), []).extend(pictures)
        else:
            others += len(pictures)
    if not kept:
        total = sum(len(pictures) for pictures in folders.values())
        raise SourceError(
            f"{where}: has {total:,} pictures but no class folders; "
            "put the pictures of each class into a folder named after it"
        )
    if all(subset != "train" for subset, _ in kept):
        raise SourceError(f"{where}: has no training set; add a folder 'train'")

    def order(key: tuple[SubsetName, str]) -> tuple[object, ...]:
        return SUBSETS.index(key[0]), natural_key(key[1])

    files = [
        Labelled(name, subset, label)
        for subset, label in sorted(kept, key=order)
        for name in sorted(kept[subset, label])
    ]
    return Layout(files, others)


def is_picture_name(name: str) -> bool:
    """Whether a name has the suffix of a picture."""
    return name[name.rfind(".") :].casefold() in _SUFFIXES  # a Path would take ten times as long


def _by_folder(names: Iterable[str]) -> tuple[dict[tuple[str, ...], list[str]], int]:
    """Group the pictures by folder, and count the other files."""
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
    # Bytes that are not UTF-8 become lone surrogates, which nothing can print or encode; and a Mac
    # writes "é" as two characters where others write one.
    return unicodedata.normalize("NFC", step.encode("utf-8", "backslashreplace").decode())


def _wrapping(folders: Collection[tuple[str, ...]]) -> int:
    """Count the folders around everything, each with nothing in it but one folder of folders."""
    top = 0
    while (
        all(len(path) > top + 1 for path in folders)
        and len({path[top] for path in folders}) == 1
        and not subset_of(next(iter(folders))[top])
    ):
        top += 1
    return top


def _has_subsets(folders: dict[tuple[str, ...], list[str]], top: int) -> bool:
    """Whether the folders are subsets; a class may be called train too, of trains."""
    names = {path[top] for path in folders if len(path) > top}
    subsets = {subset_of(name) for name in names}
    if subsets == {None} or not subsets:
        return False
    if "train" not in subsets:  # a class may be called test, but only among other classes
        return None not in subsets
    depths = [
        (len(path), len(pictures))
        for path, pictures in folders.items()
        if len(path) > top and subset_of(path[top]) == "train"
    ]
    nested = sum(count for depth, count in depths if depth > top + 1)
    return nested * 2 > sum(count for _, count in depths) and (
        subsets == {"train"} or len(subsets - {None}) > 1
    )
