"""A folder of pictures, a folder in it for each class -> Dataset.

With or without train, validation and test above the class folders. Knows no decoder and no
archive; never changes anything in the folder.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.data.cache.workers import OnProgress
from danqing.data.dataset import Dataset
from danqing.data.images.decode import decode
from danqing.data.images.layout import Entry, Listing, is_picture_name
from danqing.data.images.load_images import ImageFiles, files_of, load_images, to_dataset
from danqing.data.natural_order import natural_key
from danqing.errors import PictureError, SourceError

__all__ = ["index_folder", "list_pictures", "load_folder", "read_pictures"]

_DEEPEST = 32  # folders within folders; more is a loop that the system lets through


def load_folder(path: str | Path, *, progress: OnProgress | None = None) -> Dataset:
    """Load a folder of pictures, a folder in it for each class.

    Pictures are decoded once; later loads read them from the cache, and only changed files anew.

    Parameters
    ----------
    path : path
    progress : callable, optional
        Called with the work done and its total, about once a second.

    Returns
    -------
    Dataset
        Its pictures are arrays up to a gibibyte of pixels, beyond that `CachedPictures`.

    Raises
    ------
    SourceError
        If the folder is missing, empty, has no class folders, one class only, a class that is not
        in the part for training, or nothing readable.

    Examples
    --------
    >>> import tempfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for colour in ("red", "blue"):
    ...         (Path(folder) / colour).mkdir()
    ...         Image.new("RGB", (8, 8), colour).save(Path(folder) / colour / "1.png")
    ...     dataset = load_folder(folder)
    >>> dataset.class_names, dataset.x_train.shape
    (('blue', 'red'), (2, 8, 8, 3))
    """
    origin = _Folder(path)
    return to_dataset(origin, load_images(origin, progress), origin.path.name or "pictures")


def index_folder(path: str | Path, *, progress: OnProgress | None = None) -> ImageFiles:
    """Tell which files the rows of `load_folder` come from, and which can't be read.

    Raises
    ------
    SourceError
        As `load_folder` does for a folder in which nothing can be read.
    """
    origin = _Folder(path)
    return files_of(origin, load_images(origin, progress))


def list_pictures(path: str | Path) -> list[Path]:
    """List the picture files in a folder and the folders in it, by names, in natural order.

    Raises
    ------
    SourceError
        If the folder is missing, or holds no pictures.
    """
    origin = _Folder(path)
    *_, whole = origin.listings()
    names = [entry.name for entry in whole.entries if is_picture_name(entry.name)]
    if not names:
        raise SourceError(f"{path}: holds no pictures; expected PNG, JPEG, WebP, BMP, GIF or TIFF")
    return [Path(path) / name for name in sorted(names, key=natural_key)]


def read_pictures(
    paths: Iterable[str | Path], pictures_as: Mapping[str, Any]
) -> tuple[NDArray[np.uint8], list[tuple[str, str]]]:
    """Read picture files as those of a `Dataset` were, by its `pictures_as`.

    Returns
    -------
    pictures : ndarray of uint8, shape (n, height, width, channels)
        Those that can be read, in the order given.
    bad : list of (path, message)
        The others.
    """
    height, width = pictures_as["size"]
    mode = pictures_as["mode"]
    good: list[NDArray[np.uint8]] = []
    bad: list[tuple[str, str]] = []
    for path in paths:
        try:
            good.append(decode(path, (height, width), mode))
        except PictureError as error:
            bad.append((str(path), str(error)))
    none = np.empty((0, height, width, 1 if mode == "L" else 3), np.uint8)
    return np.stack(good) if good else none, bad


class _Folder:
    stamp = ""  # nothing less than a listing tells whether anything in a folder changed

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).absolute()
        try:
            with os.scandir(self.path):
                pass
        except OSError as error:
            raise SourceError(
                f"{path}: can't be read as a folder of pictures ({error.strerror})"
            ) from None
        except ValueError:
            raise SourceError(f"{str(path)!r}: is no name of a folder") from None

    def listings(self) -> Iterator[Listing]:
        listing = Listing()
        for _ in self._walk("", (), False, listing):
            yield listing
        if listing.unreadable and not listing.entries:
            name, reason = listing.unreadable[0]
            raise SourceError(f"{self.path}: holds nothing that can be read; {name!r} {reason}")
        yield listing

    def contents(self, names: list[str]) -> Iterator[tuple[str, bytes | str | PictureError]]:
        # Joined as text: a Path for each of many files costs more than reading it.
        return ((name, f"{self.path}/{name}") for name in names)

    def full_name(self, name: str) -> str:
        return f"{self.path}/{name}"

    def _walk(
        self, below: str, above: tuple[tuple[int, int], ...], linked: bool, listing: Listing
    ) -> Iterator[None]:
        """List a folder, halting after each in it.

        Links to folders are followed, but not to one above, nor from another.
        """
        folder = f"{self.path}/{below}"
        folders: list[tuple[str, bool]] = []
        try:
            told = os.stat(folder)  # noqa: PTH116  # pathlib's takes longer than the rest
            here = (told.st_dev, told.st_ino)
            if here in above or len(above) > _DEEPEST:
                return
            with os.scandir(folder) as found:
                for item in found:
                    if item.name.startswith("."):
                        continue
                    if _is_folder(item):
                        link = item.is_symlink()
                        if not (link and linked):
                            folders.append((f"{below}{item.name}/", link))
                    else:
                        self._add(below + item.name, item, listing)
        except OSError as error:
            listing.unreadable.append((below, f"can't be opened ({error.strerror})"))
            return
        yield
        for name, link in sorted(folders):
            yield from self._walk(name, (*above, here), linked or link, listing)

    def _add(self, name: str, item: os.DirEntry[str], listing: Listing) -> None:
        try:
            told = item.stat()
        except OSError as error:
            if is_picture_name(name):
                listing.unreadable.append((name, f"can't be read ({error.strerror})"))
            return
        changed = max(told.st_mtime_ns, told.st_ctime_ns)
        listing.entries.append(Entry(name, told.st_size, changed))


def _is_folder(item: os.DirEntry[str]) -> bool:
    try:
        return item.is_dir()
    except OSError:  # a link to itself
        return False
