"""From file names to subsets and classes: how folders of labelled pictures are laid out.

Knows no pictures: names alone decide, so that a folder and an archive of it give the same result.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

from danqing.data.images.subset_folders import inner_subsets, is_doubled, top_subsets, wrapping
from danqing.data.natural_order import natural_key
from danqing.data.subset_names import SUBSETS, SubsetName
from danqing.errors import SourceError

__all__ = [
    "PICTURES",
    "Labelled",
    "Layout",
    "arrange",
    "is_picture_name",
    "is_service_folder",
    "service_folders",
]

PICTURES = "PNG, JPEG, WebP, HEIC, AVIF, BMP, GIF or TIFF"

_SUFFIXES = frozenset((
    ".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".heic", ".heif", ".hif", ".avif",
    ".bmp", ".dib", ".gif", ".tif", ".tiff",
))  # fmt: skip
# Of systems, network storage, cameras and programs: nobody keeps examples there.
_SERVICE = frozenset((
    "__macosx", "$recycle.bin", "recycler", "recycled", "recycle.bin", "found.000", "lost+found",
    "system volume information", "lost.dir", "network trash folder", "temporary items",
    "thevolumesettingsfolder", "thefindbycontentfolder", "@eadir", "@tmp", "@recycle",
    "@recently-snapshot", "@sharebin", "@sharesnap", "#recycle", "#snapshot", "~snapshot",
    "dfsrprivate", "canonmsc", "eosmisc", "android_secure", "__pycache__", "_vti_cnf", "_gsdata_",
    "_thumbs", "_thumbnails",
))  # fmt: skip
_CAMERA = frozenset(("misc", "private", "avchd", "mp_root", "thmbnl"))  # beside or below DCIM


class Labelled(NamedTuple):
    """A picture file's name, its subset and its class."""

    name: str
    subset: SubsetName
    label: str


class Layout(NamedTuple):
    """How labelled pictures are laid out.

    Attributes
    ----------
    files : list of Labelled
        In order.
    others : int
        How many other files there are.
    bare : list of str
        The folders where classes are, in which there is no picture.
    service : list of str
        The names of service folders.
    """

    files: list[Labelled]
    others: int
    bare: list[str]
    service: list[str]


def arrange(names: Iterable[str], where: str, folders: Iterable[str] = ()) -> Layout:
    """Find the subset and class of each picture file from the folders above it.

    The folders are classes; or they are subsets, if one called train or the like contains class
    folders rather than pictures; or each class contains the same subsets. A single folder around
    everything is skipped. Other folders below a class belong to it. Names that begin with a dot are
    ignored, and service folders.

    Parameters
    ----------
    names : iterable of str
        With ``/`` between folders.
    where : str
        How messages refer to the source.
    folders : iterable of str
        The names of folders, each ending in ``/``; only those without pictures matter.

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
    >>> arrange(["cat/a.png", "dog/b.jpg", "dog/notes.txt"], "pets", ["cow/"])
    ... # doctest: +NORMALIZE_WHITESPACE
    Layout(files=[Labelled(name='cat/a.png', subset='train', label='cat'),
                  Labelled(name='dog/b.jpg', subset='train', label='dog')], others=1, bare=['cow'],
           service=[])
    """
    names, known = list(names), list(folders)
    service = service_folders([*names, *known])
    within, others = _by_folder(names, service)
    if not within and not others:
        raise SourceError(f"{where}: is empty; expected one subfolder of pictures per class")
    if not within:
        raise SourceError(
            f"{where}: has {others:,} files but no pictures; "
            f"expected {PICTURES} in one subfolder per class"
        )
    top = wrapping(within)
    subsets = top_subsets(within, top)
    inner = {} if subsets else inner_subsets(within, top)
    doubled = is_doubled(within, top, subsets)
    kept: dict[tuple[SubsetName, str], list[str]] = {}
    for path, pictures in within.items():
        if place := _place(path[top:], subsets, inner, doubled):
            kept.setdefault(place, []).extend(pictures)
        else:
            others += len(pictures)
    if not kept:
        total = sum(len(pictures) for pictures in within.values())
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
    around = next(iter(within))[:top]
    paths = [tuple(name.split("/")[:-1]) for name in known if not _hidden(name, service)]
    places = (_place(path[top:], subsets, inner, doubled) for path in paths if path[:top] == around)
    labels = {label for _, label in kept}
    bare = {place[1] for place in places if place} - labels
    reported = [name[:-1].rpartition("/")[2] for name in service]
    reported = [name for name in reported if not name.startswith((".", "__MACOSX"))]
    return Layout(files, others, sorted(bare, key=natural_key), sorted(reported))


def is_picture_name(name: str) -> bool:
    """Whether a name has the suffix of a picture."""
    return name[name.rfind(".") :].casefold() in _SUFFIXES  # a Path would take ten times as long


def is_service_folder(above: str, name: str, beside: Collection[str]) -> bool:
    """Whether a folder belongs to a system, a network storage or a camera, and not to a person.

    Parameters
    ----------
    above : str
        The folders above it, each ending in ``/``.
    name : str
    beside : collection of str
        The names of the folders beside it.

    Examples
    --------
    >>> is_service_folder("cats/", "@eaDir", []), is_service_folder("", "misc", ["cat"])
    (True, False)
    >>> is_service_folder("", "MISC", ["DCIM", "MISC"])
    True
    """
    word = name.casefold()
    if word in _SERVICE or word.startswith((".trash", "found.0")):
        return True
    if word not in _CAMERA:
        return False
    return above.casefold().endswith("dcim/") or "dcim" in map(str.casefold, beside)


def service_folders(names: Iterable[str]) -> set[str]:
    """Find the service folders among those above files; each ends in ``/``."""
    beside: dict[str, dict[str, None]] = {}
    seen: set[str] = set()
    for name in names:
        folder = name[: name.rfind("/") + 1]
        while folder and folder not in seen:
            seen.add(folder)
            above, _, step = folder[:-1].rpartition("/")
            above += "/" * bool(above)
            beside.setdefault(above, {})[step] = None
            folder = above
    return {
        f"{above}{step}/"
        for above, steps in beside.items()
        for step in steps
        if is_service_folder(above, step, steps)
    }


def _by_folder(
    names: Iterable[str], service: Collection[str]
) -> tuple[dict[tuple[str, ...], list[str]], int]:
    """Group the pictures by folder, and count the other files."""
    within: dict[str, list[str]] = {}
    hidden: dict[str, bool] = {}
    others = 0
    for name in names:
        folder = name[: name.rfind("/") + 1]
        if folder not in hidden:
            hidden[folder] = _hidden(folder, service)
        if hidden[folder] or name.startswith(".", len(folder)):
            continue
        if is_picture_name(name):
            within.setdefault(folder, []).append(name)
        else:
            others += 1
    return {tuple(folder.split("/")[:-1]): pictures for folder, pictures in within.items()}, others


def _hidden(folder: str, service: Collection[str]) -> bool:
    """Whether a folder, or one above it, is not to be seen."""
    if "/." in f"/{folder}":
        return True
    ends = (at + 1 for at, character in enumerate(folder) if character == "/")
    return any(folder[:end] in service for end in ends) if service else False


def _place(
    path: tuple[str, ...],
    subsets: Mapping[str, SubsetName],
    inner: Mapping[str, SubsetName],
    doubled: bool,
) -> tuple[SubsetName, str] | None:
    """Find the subset and class of the pictures in a folder, if they have both."""
    if inner:
        return (inner[path[1]], _label(path[0])) if len(path) > 1 else None
    if not subsets:
        return ("train", _label(path[0])) if path else None
    if doubled and path[1:2] == path[:1]:
        path = path[1:]
    if len(path) < 2 or path[0] not in subsets:
        return None
    return subsets[path[0]], _label(path[1])


@lru_cache(1024)
def _label(step: str) -> str:
    # Bytes that are not UTF-8 become lone surrogates, which nothing can print or encode; and a Mac
    # writes "é" as two characters where others write one.
    return unicodedata.normalize("NFC", step.encode("utf-8", "backslashreplace").decode())
