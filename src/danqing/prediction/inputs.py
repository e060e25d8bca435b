"""Files to predict, read into what a trained network takes: the same way as its training data.

Knows no network; must load neither TensorFlow nor scikit-learn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from danqing.data.images.folder import list_pictures, read_pictures
from danqing.data.images.image_file import quiet
from danqing.data.images.layout import is_picture_name
from danqing.errors import PictureError, SourceError
from danqing.prediction.drawing import read_drawing
from danqing.prediction.resize import resize_pictures
from danqing.preparation.preparation import Preparation

if TYPE_CHECKING:
    from danqing.data.dataset import Dataset

__all__ = ["Inputs", "read_inputs", "read_picture_files"]

_CHUNK = 1000  # pictures in memory
_TABLES = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".parquet")
_ARRAYS = (".npz", ".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz")


@dataclass(frozen=True)
class Inputs:
    """Some examples from a file or folder.

    Attributes
    ----------
    names : list of str
        One per example: its file, followed by ``:ROW`` where the file has several.
    examples : Table or ndarray of uint8, shape (n, height, width, channels)
        None if nothing could be read.
    errors : list of str
        Why other files could not be read.
    notes : list of str
        How drawings were processed.
    """

    names: list[str]
    examples: Any
    errors: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_inputs(
    path: Path, preparation: Preparation, input_shape: tuple[int, ...]
) -> Iterator[Inputs]:
    """Read a picture, all pictures in a folder, or a file of many examples.

    Parameters
    ----------
    path : Path
        Also the name of a bundled or downloadable data set.
    preparation : Preparation
        The run's.
    input_shape : tuple of int
        What the network takes: (height, width, channels), or (features,).

    Yields
    ------
    Inputs
        At most 1,000 pictures, or all rows of a table.

    Raises
    ------
    SourceError
        If the network can't take what the path holds.
    """
    if preparation.encoding is not None:
        from danqing.data.tables.table_files import read_rows

        first = 0
        if _is_name(path):
            table = _load_rows(path)
        else:
            table, first = read_rows(path, preparation.encoding.types)
        preparation.encoding.check_columns(table, f"{path}:")
        yield Inputs([f"{path}:{first + row + 1}" for row in range(len(table))], table)
        return
    if not (is_picture_name(path.name) and path.exists()) and _holds_many(path):
        pictures = resize_pictures(_load_rows(path), input_shape)
        for start in range(0, len(pictures), _CHUNK):
            chunk = pictures[start : start + _CHUNK]
            yield Inputs([f"{path}:{start + row + 1}" for row in range(len(chunk))], chunk)
        return
    if path.name.lower().endswith(_TABLES) and path.is_file():
        files, errors = _listed_in_table(path)
        if errors:
            yield Inputs([], None, errors)
    else:
        files = list_pictures(path) if path.is_dir() else [path]
    for start in range(0, len(files), _CHUNK):
        yield read_picture_files(
            files[start : start + _CHUNK],
            input_shape,
            preparation.pictures_as,
            drawings=preparation.drawings,
        )


def read_picture_files(
    files: list[Path], shape: tuple[int, ...], pictures_as: Mapping[str, Any], *, drawings: bool
) -> Inputs:
    """Read picture files into one shape, as those of the training set were.

    Parameters
    ----------
    files : list of Path
    shape : (height, width, channels)
    pictures_as : mapping
        As in `danqing.data.dataset.Dataset`.
    drawings : bool
        Whether they are drawings, to be made to look like MNIST's.
    """
    return _read_drawings(files, shape) if drawings else _read(files, pictures_as, shape)


def _is_name(path: Path) -> bool:
    if path.exists():
        return False
    from danqing.data.sources import SOURCE_NAMES  # not for a picture: it takes its time

    return str(path) in SOURCE_NAMES


def _holds_many(path: Path) -> bool:
    """Whether it is a name, or a file of arrays or an archive."""
    from danqing.data.arrays.idx import is_idx

    if path.name.lower().endswith(_TABLES):
        return False
    packed = path.name.lower().endswith(_ARRAYS) or is_idx(path)
    return _is_name(path) or (packed and path.exists())


def _listed_in_table(path: Path) -> tuple[list[Path], list[str]]:
    """Find the picture files that a table names, and say which rows name none."""
    from danqing.data.images.picture_table import picture_column
    from danqing.data.tables.table_files import read_table

    found = picture_column(path)
    if found is None:
        raise SourceError(
            f"{path}: is a table without a column of picture files, but the network takes "
            "pictures; name pictures, a folder of them, or a table that lists some"
        )
    column, way = found
    table = read_table(path, {column: "category"})
    values = table.columns[table.names.index(column)].values.tolist()
    names = ["" if value is None else str(value).strip() for value in values]
    errors = [f"{path}:{row}: names no picture" for row, name in enumerate(names, 1) if not name]
    return [_as_given(Path(way.path(name)), path.parent) for name in names if name], errors


def _as_given(file: Path, folder: Path) -> Path:
    """Write a file's path as that of its folder was given, relative or not."""
    try:
        return folder / file.relative_to(folder.absolute())
    except ValueError:
        return file


def _load_rows(path: Path) -> Any:
    """Load a source's test set, or all its rows if it has none."""
    from danqing.data.sources import load_data

    dataset: Dataset = load_data(str(path))
    return dataset.x_test if len(dataset.y_test) else dataset.x_train


def _read(files: list[Path], pictures_as: Mapping[str, Any], shape: tuple[int, ...]) -> Inputs:
    as_arrays_were = {"size": list(shape[:2]), "mode": "L" if shape[2] == 1 else "RGB"}
    known = pictures_as if "size" in pictures_as else as_arrays_were
    pictures, unreadable = read_pictures(files, known)
    left_out = {path for path, _ in unreadable}
    names = [str(file) for file in files if str(file) not in left_out]
    # A transfer reads its pictures in one size, and resizes them for the layers that it has kept.
    pictures = resize_pictures(pictures, shape)
    return Inputs(names, pictures if names else None, [reason for _, reason in unreadable])


def _read_drawings(files: list[Path], shape: tuple[int, ...]) -> Inputs:
    names, pictures, errors, notes = [], [], [], []
    with quiet():
        for file in files:
            try:
                picture, steps = read_drawing(file, (shape[0], shape[1], shape[2]))
            except PictureError as error:
                errors.append(str(error))
                continue
            names.append(str(file))
            pictures.append(picture)
            if steps:
                notes.append(f"{file}: treated as a drawing: {steps}")
    return Inputs(names, np.stack(pictures) if names else None, errors, notes)
