"""A folder of labelled pictures, or an archive of one -> Dataset: all of them in one shape.

Knows no decoder.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.data.cache.file_contents import FileContents
from danqing.data.cache.pixel_files import CachedPictures
from danqing.data.cache.workers import Meter, OnProgress, cores
from danqing.data.dataset import Dataset
from danqing.data.images.archive import open_archive
from danqing.data.images.common_shape import common_shape
from danqing.data.images.folder import open_folder
from danqing.data.images.image_file import quiet
from danqing.data.images.layout import Labelled, Layout, arrange
from danqing.data.images.origin import Origin
from danqing.data.images.subset_folders import note_on_subfolders
from danqing.data.natural_order import natural_key
from danqing.data.row_names import FileNames
from danqing.data.subset_names import SUBSETS, SubsetName
from danqing.errors import SourceError

__all__ = ["IN_MEMORY", "ImageFiles", "LoadedFiles", "index_images", "load_files", "load_images"]

IN_MEMORY = 1 << 30
"""Pixels are held in memory up to so many bytes; more stay on disk."""

_NAMED = 10  # folders that a reason names

_UNREADABLE = "folders without a readable picture"

Stored = NDArray[np.uint8] | CachedPictures


@dataclass(frozen=True)
class ImageFiles:
    """The files that the rows of a Dataset come from, in order: training, validation, test set.

    Attributes
    ----------
    paths : list of str
        The file of each row.
    hashes : list of str
        SHA-256 of each file's content.
    unreadable : list of (path, reason)
    """

    paths: list[str]
    hashes: list[str]
    unreadable: list[tuple[str, str]]


@dataclass(frozen=True)
class LoadedFiles:
    """Readable pictures in order, and what was left out.

    `digests` are the SHA-256 of the files' contents; `left_out` counts by reason what was not even
    tried.
    """

    files: list[Labelled]
    digests: list[str]
    pictures: Stored
    pictures_as: dict[str, Any]
    unreadable: list[tuple[str, str]]
    left_out: Counter[str]


def load_images(path: str | Path, *, progress: OnProgress | None = None) -> Dataset:
    """Load a folder with one subfolder of pictures per class, or a zip or tar of such a folder.

    Above the class folders there may be folders for training, validation and testing. Pictures
    are decoded once; later calls read them from the cache, and decode only files that changed.

    Parameters
    ----------
    path : str or Path
        A folder, or a zip or tar (plain, .gz, .bz2 or .xz).
    progress : callable, optional
        Called as ``progress(done, total)``, about once a second.

    Returns
    -------
    Dataset
        Its pictures are arrays up to a gibibyte of pixels, and `CachedPictures` beyond.

    Raises
    ------
    SourceError
        If the folder or archive is missing, damaged or empty, has no class folders, a class that
        is not in the training set, or no readable picture; or if an archive unpacks to more than
        8 GiB.

    Examples
    --------
    >>> import tempfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for colour in ("red", "blue"):
    ...         (Path(folder) / colour).mkdir()
    ...         Image.new("RGB", (8, 8), colour).save(Path(folder) / colour / "1.png")
    ...     dataset = load_images(folder)
    >>> dataset.class_names, dataset.x_train.shape
    (('blue', 'red'), (2, 8, 8, 3))
    """
    origin = _open(path)
    return _to_dataset(origin, load_files(origin, progress))


def index_images(path: str | Path, *, progress: OnProgress | None = None) -> ImageFiles:
    """List the files that the rows of `load_images` come from, and those that can't be read.

    Raises
    ------
    SourceError
        If nothing can be read.
    """
    origin = _open(path)
    loaded = load_files(origin, progress)
    return ImageFiles(
        paths=[origin.full_name(file.name) for file in loaded.files],
        hashes=loaded.digests,
        unreadable=[(origin.full_name(name), reason) for name, reason in loaded.unreadable],
    )


def _open(path: str | Path) -> Origin:
    return open_folder(path) if Path(path).is_dir() else open_archive(path)


def load_files(
    origin: Origin, progress: OnProgress | None, layout: Layout | None = None
) -> LoadedFiles:
    """Read all labelled pictures, through the cache; folders are labels, unless a layout is given.

    Raises
    ------
    SourceError
        As `load_images`.
    """
    now = time.time_ns()
    pool = ThreadPoolExecutor(cores(), thread_name_prefix="decode")
    contents = FileContents(origin, pool, Meter(progress))
    known = bool(origin.stamp) and contents.old.stamp == origin.stamp
    try:
        listing = (contents.old.listing if known else None) or contents.listing()
        if origin.stamp:
            contents.new.stamp, contents.new.listing = origin.stamp, listing
        if layout is None:
            names = (entry.name for entry in listing.entries)
            layout = arrange(names, str(origin.path), listing.folders)
        entries = {entry.name: entry for entry in listing.entries}
        with quiet():
            contents.look([entries[file.name] for file in layout.files], now)
            pictures_as, pictures = _in_common_shape(contents, layout.files, origin.path)
    finally:
        contents.close()
        pool.shutdown(cancel_futures=True)
    readable = contents.readable([file.name for file in layout.files])
    good = [file for file in layout.files if file.name in readable]
    bad = [file.name for file in layout.files if file.name not in readable]
    return LoadedFiles(
        files=good,
        digests=[contents.digest(file.name) for file in good],
        pictures=pictures,
        pictures_as=pictures_as,
        unreadable=[*listing.unreadable, *((name, contents.reason(name)) for name in bad)],
        left_out=listing.left_out + _left_out(layout, good),
    )


def _left_out(layout: Layout, good: list[Labelled]) -> Counter[str]:
    """Count what is left out by a reason that names folders."""
    without = {file.label for file in layout.files} - {file.label for file in good}
    reasons = Counter({"other files": layout.others})
    for what, names in (
        (_UNREADABLE, sorted({*layout.bare, *without}, key=natural_key)),
        ("service folders", layout.service),
    ):
        if names:
            named = list(dict.fromkeys(names))
            more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
            reasons[f"{what} ({', '.join(named[:_NAMED])}{more})"] = len(names)
    return reasons


def _to_dataset(origin: Origin, loaded: LoadedFiles) -> Dataset:
    class_names = _class_names(origin, loaded)
    position = {label: number for number, label in enumerate(class_names)}
    labels = np.array([position[file.label] for file in loaded.files], dtype=np.int64)
    counts = Counter(file.subset for file in loaded.files)
    x: dict[str, Stored] = {}
    y: dict[str, NDArray[np.int64]] = {}
    names = FileNames(str(origin.path), [file.name for file in loaded.files])
    named: dict[str, FileNames] = {}
    start = 0
    for subset in SUBSETS:
        stop = start + counts[subset]
        if counts[subset] or subset != "validation":
            x[subset], y[subset] = _window(loaded.pictures, start, stop), labels[start:stop]
            named[subset] = names[start:stop]
        start = stop
    one = counts["train"] == len(loaded.files)
    note = note_on_subfolders((f.name, f.label) for f in loaded.files) if one else ""
    removed = loaded.left_out + Counter({"unreadable files": len(loaded.unreadable)})
    return Dataset.from_subsets(
        x,
        y,
        name=origin.name,
        source=str(origin.path),
        class_names=class_names,
        removed=dict(sorted(removed.items())),
        pictures_as=loaded.pictures_as,
        content_hash=_content_hash(loaded),
        names=named,
        notes=(note,) if note else (),
    )


def _in_common_shape(
    contents: FileContents, files: list[Labelled], path: Path
) -> tuple[dict[str, Any], Stored]:
    names = [file.name for file in files]
    while True:
        good = contents.readable(names)
        if not good:
            raise SourceError(
                f"{path}: none of its {len(names):,} pictures can be read; "
                f"the first, {names[0]!r}, {contents.reason(names[0])}"
            )
        pictures_as = common_shape(good.values())
        height, width = pictures_as["size"]
        deep = "range" in pictures_as
        shape = (height, width, 1 if pictures_as["mode"] == "L" else 3)
        store, rows = contents.store(
            list(good), shape, IN_MEMORY, tuple(pictures_as["range"]) if deep else None
        )
        if len(rows) < len(good):
            decoded = contents.readable(names)
            if not decoded or common_shape(decoded.values()) != pictures_as:
                continue  # some can't be decoded, and the sizes of the rest lead to another shape
        if isinstance(store, np.ndarray):
            return pictures_as, store[rows]
        pictures = CachedPictures(store, rows)
        if pictures.nbytes > IN_MEMORY:
            return pictures_as, pictures
        try:
            return pictures_as, pictures.read_all()
        except SourceError:  # the cache was damaged; its file has been removed by now
            contents.forget()


def _class_names(origin: Origin, loaded: LoadedFiles) -> tuple[str, ...]:
    by_subset: dict[SubsetName, set[str]] = {subset: set() for subset in SUBSETS}
    for file in loaded.files:
        by_subset[file.subset].add(file.label)
    for subset in SUBSETS[1:]:
        if extra := by_subset[subset] - by_subset["train"]:
            first = min(extra, key=natural_key)
            raise SourceError(
                f"{origin.path}: class {first!r} has pictures for {subset} but none for training; "
                "add some, or remove its folder"
            )
    classes = sorted(by_subset["train"], key=natural_key)
    if len(classes) < 2 and any(reason.startswith(_UNREADABLE) for reason in loaded.left_out):
        # One class can be measured, but not if others were meant to be there.
        name, reason = next(iter(loaded.unreadable), ("", ""))
        others = f"; the first of {len(loaded.unreadable):,} others, {name!r}, {reason}"
        raise SourceError(
            f"{origin.path}: has readable pictures of one class only, {classes[0]!r}; "
            f"expected two or more folders, one per class{others if name else ''}"
        )
    return tuple(classes)


def _window(pictures: Stored, start: int, stop: int) -> Stored:
    if isinstance(pictures, np.ndarray):
        return pictures[start:stop]
    return pictures.window(start, stop)


def _content_hash(loaded: LoadedFiles) -> str:
    digest = hashlib.sha256(repr(sorted(loaded.pictures_as.items())).encode())
    for file, content in zip(loaded.files, loaded.digests, strict=True):
        digest.update(f"{content} {file.subset} {len(file.label)} {file.label}\n".encode())
    return digest.hexdigest()
