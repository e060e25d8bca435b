"""From a name, a path or in-memory data to a Dataset.

Recognises sources, but knows no formats: each has its own reader. Knows no network.
"""

from __future__ import annotations

import difflib
import logging
import os
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from danqing.data.arrays.idx import is_idx, load_idx
from danqing.data.arrays.npz import load_npz
from danqing.data.arrays.objects import from_object
from danqing.data.catalog.bundled import BUNDLED, load_bundled
from danqing.data.catalog.downloads import DOWNLOADS, load_download
from danqing.data.catalog.mnist import load_mnist
from danqing.data.catalog.openml import OPENML, load_openml
from danqing.data.class_names import notes_on_similar_names
from danqing.data.dataset import Dataset
from danqing.data.file_checks import read_start
from danqing.data.labels import TASKS
from danqing.data.tables.table_files import TABLE_SUFFIXES, load_table, table_subsets
from danqing.errors import SourceError, SourceNotFound, SourceTypeError

__all__ = ["SOURCE_NAMES", "load_data", "reload_data"]

_log = logging.getLogger("danqing")

SOURCE_NAMES = ("mnist", *BUNDLED, *DOWNLOADS)
_EXPECTED = (
    "a folder with one subfolder of pictures per class, a zip or tar of one, or IDX, npz, CSV or "
    "Parquet files"
)
_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")


def load_data(
    source: Any = "mnist",
    *,
    target: str | None = None,
    task: str | None = None,
    columns: Mapping[str, Any] | None = None,
    progress: Any = None,
) -> Dataset:
    """Load a data set, and log what was decided or left out on reading.

    Parameters
    ----------
    source : str, Path or object
        A name: ``mnist``, which is bundled; ``digits``, ``iris``, ``wine``, ``breast-cancer``,
        ``diabetes``; or ``fashion-mnist``, ``kmnist``, ``cifar10``, ``cifar100``,
        ``california-housing``, ``boston-housing`` or ``openml:NAME``, which are downloaded.
        Or a path: a folder with one subfolder of pictures per class, or a zip or tar of one; IDX
        files or their folder; an npz, CSV, TSV or Parquet file. Or arrays or a data frame, as for
        `from_object`. A name takes precedence over a path; ``./iris`` is a path.
    target : str, optional
        The column of a table to predict.
    task : {"classification", "regression"}, optional
        Inferred from the target if not given.
    columns : mapping of str to {"category", "number", "date", "ignore"}, optional
        Types of a table's columns, instead of those inferred from their values.
    progress : callable, optional
        Called as ``progress(done, total)`` while many pictures are read, about once a second.

    Raises
    ------
    SourceError
        If the source is unknown, missing or damaged, or `target` or `task` doesn't fit it.

    Examples
    --------
    >>> from danqing import load_data
    >>> len(load_data("mnist").x_test)
    10000
    >>> load_data("diabetes").task
    'regression'
    """
    dataset = reload_data(source, target=target, task=task, columns=columns, progress=progress)
    for note in dataset.notes:
        _log.warning("%s: %s", dataset.name, note)
    return dataset


def reload_data(
    source: Any,
    *,
    target: str | None = None,
    task: str | None = None,
    columns: Mapping[str, Any] | None = None,
    progress: Any = None,
) -> Dataset:
    """Load a data set as `load_data` does, and log nothing: its notes have been read before."""
    if task is not None and task not in TASKS:
        raise SourceError(f"task {task!r} is unknown; expected {' or '.join(TASKS)}")
    if hasattr(target, "__index__"):
        target = str(target)  # a data frame's column may be numbered
    if target is not None and not isinstance(target, str):
        raise SourceTypeError(f"target: expected the name of a column, received {target!r:.80}")
    if columns is not None and not isinstance(columns, Mapping):
        raise SourceTypeError(
            f"columns: expected a type for each column, such as {{'code': 'category'}}, received "
            f"{columns!r:.80}"
        )
    if not isinstance(source, str | os.PathLike):
        dataset = from_object(source, target, task, columns)
    elif isinstance(source, str) and source.lower().startswith(OPENML):
        dataset = load_openml(source, target, task)
    elif isinstance(source, str) and source in SOURCE_NAMES:
        dataset = replace(_load_name(source, task), notes=())
    else:
        dataset = _load_path(Path(os.fspath(source)), str(source), target, task, columns, progress)
    if columns and not (dataset.tabular and dataset.target):
        raise SourceError(f"{source}: has no columns to choose types for; leave out columns")
    return _checked(dataset, target, task, source)


def _load_name(name: str, task: str | None) -> Dataset:
    if name == "mnist":
        return load_mnist()
    return load_bundled(name, task) if name in BUNDLED else load_download(name, task)


def _load_path(
    path: Path,
    word: str,
    target: str | None,
    task: str | None,
    columns: Mapping[str, Any] | None,
    progress: Any,
) -> Dataset:
    path = path.expanduser()
    try:
        exists = path.exists()
        leads_nowhere = not exists and path.is_symlink()
    except (OSError, ValueError):
        exists = leads_nowhere = False
    if leads_nowhere:
        raise SourceError(f"source {word!r} is a broken link; fix the link")
    if not exists:
        raise SourceNotFound(
            f"source {word!r} is not a known name, and no such file or folder exists; {_hint(word)}"
        )
    if path.is_dir():
        return _load_folder(path, target, task, columns, progress)
    return _reader(path, target, task, columns, progress)()


def _load_folder(
    path: Path,
    target: str | None,
    task: str | None,
    columns: Mapping[str, Any] | None,
    progress: Any,
) -> Dataset:
    try:
        if is_idx(path):
            return load_idx(path)
        if "train" in (files := table_subsets(path)):
            return _load_table(path, files, target, task, columns, progress)
    except PermissionError:
        raise SourceError(f"{path}: can't be read; check its permissions") from None
    from danqing.data.images.load_images import load_images

    table = _table_of_pictures(path)
    if table is None:
        return load_images(path, progress=progress)
    try:
        dataset = load_images(path, progress=progress)
    except SourceError as error:
        raise SourceError(f"{error}; or give the table that names them, {table}") from None
    if len(dataset.class_names) == 1:
        raise SourceError(
            f"{path}: all pictures are in one folder, {dataset.class_names[0]!r}; if {table.name} "
            f"has their labels, give that table: {table}"
        )
    return dataset


def _table_of_pictures(folder: Path) -> Path | None:
    """Find a table in a folder that may have the labels of the pictures there."""
    from danqing.data.images.picture_table import may_name_pictures

    names = [name for name in _names_in(folder) if name.lower().endswith(TABLE_SUFFIXES)]
    return next((folder / name for name in names if may_name_pictures(folder / name)), None)


def _load_table(
    path: Path,
    files: Mapping[str, Path],
    target: str | None,
    task: str | None,
    columns: Mapping[str, Any] | None,
    progress: Any,
) -> Dataset:
    """Load rows, or the pictures that they name."""
    from danqing.data.images.picture_table import load_picture_table, may_name_pictures

    if not columns and may_name_pictures(files["train"]):
        pictures = load_picture_table(files, path, target, task, progress)
        if pictures is not None:
            return pictures
    return load_table(path, target, task, columns)


def _reader(
    path: Path,
    target: str | None,
    task: str | None,
    columns: Mapping[str, Any] | None,
    progress: Any,
) -> Callable[[], Dataset]:
    """Choose the reader of a file by its first bytes, or by its name if they don't decide."""
    start, name = read_start(path), path.name.lower()
    if start[:4] == b"PAR1":
        return lambda: load_table(path, target, task, columns)
    if name.endswith(".npz"):
        return lambda: load_npz(path, task=task)
    if is_idx(path):
        return lambda: load_idx(path)
    if start[:2] == b"PK":
        kind = _kind_of_zip(path)
        if kind == "npz":
            return lambda: load_npz(path, task=task)
        if kind == "office":
            raise SourceError(f"{path}: is a spreadsheet or document; save it as CSV")
    if start[:2] == b"PK" or start[257:262] == b"ustar" or name.endswith(_ARCHIVES):
        from danqing.data.images.load_images import load_images

        return lambda: load_images(path, progress=progress)
    if name.endswith(TABLE_SUFFIXES):
        return lambda: _load_table(path, {"train": path}, target, task, columns, progress)
    raise SourceError(f"{path}: {_describe(path, start)}; expected {_EXPECTED}")


def _kind_of_zip(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as packed:
            names = packed.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return "damaged"
    if "[Content_Types].xml" in names or "mimetype" in names:
        return "office"
    return "npz" if names and all(name.endswith(".npy") for name in names) else "archive"


def _describe(path: Path, start: bytes) -> str:
    from PIL import Image

    if start[:6] == b"\x93NUMPY":
        return "is a single array without targets; save both with np.savez(path, x=x, y=y)"
    if start[:2] in (b"\x80\x04", b"\x80\x05", b"\x80\x03"):
        return "is a pickle, which could run any code and is never read"
    if start[:8] == b"\x89HDF\r\n\x1a\n":
        return "is an HDF5 file, which is not supported; save its arrays with np.savez"
    try:
        with Image.open(path):
            return "is a single picture; a data set has many, in one subfolder per class"
    except Exception:  # Pillow's decoders raise all kinds of errors
        return "has an unknown format"


def _hint(word: str) -> str:
    close = difflib.get_close_matches(word.lower(), SOURCE_NAMES, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    beside = _names_in(Path(word).parent)
    near = difflib.get_close_matches(Path(word).name, beside, n=1)
    if near:
        return f"did you mean {str(Path(word).parent / near[0])!r}?"
    return f"known: {', '.join(SOURCE_NAMES)}, {OPENML}NAME; or give the path of {_EXPECTED}"


def _names_in(folder: Path) -> list[str]:
    try:
        return sorted(file.name for file in folder.iterdir())
    except (OSError, ValueError):
        return []


def _checked(dataset: Dataset, target: str | None, task: str | None, source: Any) -> Dataset:
    where = source if isinstance(source, str | os.PathLike) else "the data given"
    if target is not None and not dataset.target:
        if not dataset.tabular:
            raise SourceError(f"{where}: has pictures, no columns; leave out the target {target!r}")
        raise SourceError(f"{where}: has its own target; leave out the target {target!r}")
    if task is not None and dataset.task != task:
        raise SourceError(
            f"{where}: has classes, so the task is {dataset.task}, not {task}; leave out task"
        )
    if isinstance(source, str | os.PathLike) and not dataset.source:
        dataset = replace(dataset, source=str(source))
    similar = notes_on_similar_names(dataset.class_names)
    return replace(dataset, notes=(*dataset.notes, *similar)) if similar else dataset
