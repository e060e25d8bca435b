"""The words of a call become jobs: some picture files each, or one file of many examples.

A job is small, and says all that a process needs to read it; jobs of the same words are the same
again. Knows no network but by what it takes, and no output.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from danqing.data.images.folder import list_picture_names
from danqing.data.images.layout import is_picture_name
from danqing.errors import DanqingError, PictureError, SourceError
from danqing.prediction.inputs import Inputs, read_inputs, read_picture_files
from danqing.runs.trained_network import TrainedNetwork

__all__ = ["STDIN", "Job", "plan_jobs", "read_job"]

STDIN = "-"
_PICTURES = 250  # in a job
_LIST = ".txt"
_LARGEST_STDIN = 1 << 31  # bytes


class Job(NamedTuple):
    """What is predicted at once.

    Attributes
    ----------
    paths : tuple of str
        Picture files; or one file, folder or name of a data set; or ``-``.
    pictures : bool
        Whether they are picture files.
    error : str
        Why there is nothing to predict; empty if there is.
    """

    paths: tuple[str, ...]
    pictures: bool = False
    error: str = ""


def plan_jobs(words: Sequence[str], *, tabular: bool) -> Iterator[Job]:
    """Plan the jobs of some words, in their order.

    Parameters
    ----------
    words : sequence of str
        For pictures: files, folders, and ``.txt`` files that list files, one per line; for both:
        files of many examples, names of data sets, and ``-`` for standard input.
    tabular : bool
        Whether the network takes rows of a table.

    Examples
    --------
    >>> list(plan_jobs(["new.csv"], tabular=True))
    [Job(paths=('new.csv',), pictures=False, error='')]
    """
    group: list[str] = []
    for word in words:
        error = ""
        try:
            names = None if tabular or word == STDIN else _picture_names(word)
        except DanqingError as raised:
            names, error = None, str(raised)
        if names is None:
            if group:
                yield Job(tuple(group), True)
                group = []
            yield Job((word,), error=error)
        for name in names or ():
            group.append(name)
            if len(group) == _PICTURES:
                yield Job(tuple(group), True)
                group = []
    if group:
        yield Job(tuple(group), True)


def _picture_names(word: str) -> Sequence[str] | None:
    """Give the picture files that a word means; None if it is a file of many examples."""
    path = Path(word).expanduser()
    if path.is_dir():
        above = "" if str(path) == "." else str(path)
        return [os.path.join(above, name) for name in list_picture_names(path)]  # noqa: PTH118
    if path.name.lower().endswith(_LIST) and path.is_file():
        names = _listed(path)
        return names if is_picture_name(names[0]) else None  # or a table, with a header
    return [str(path)] if is_picture_name(path.name) and path.exists() else None


def _listed(path: Path) -> list[str]:
    """Read the names of files in a list: as they are, or from the list's folder."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no UTF-8 text"
        raise SourceError(f"{path}: can't be read as a list of files ({reason})") from None
    names = [line.strip() for line in lines if line.strip()]
    if not names:
        raise SourceError(f"{path}: lists no files; expected the name of a picture file per line")
    beside = not Path(names[0]).exists() and (path.parent / names[0]).exists()
    return [str(path.parent / name) for name in names] if beside else names


def read_job(job: Job, network: TrainedNetwork) -> Iterator[Inputs]:
    """Read a job's examples.

    Raises
    ------
    SourceError, PictureError
        If they can't be read at all; of picture files, each is named in `Inputs.errors` instead.
    """
    preparation, shape = network.preparation, network.input_shape
    if job.error:
        raise SourceError(job.error)
    if job.paths == (STDIN,):
        yield from _read_stdin(network)
    elif job.pictures:
        files = list(map(Path, job.paths))
        yield read_picture_files(
            files, shape, preparation.pictures_as, drawings=preparation.drawings
        )
    else:
        yield from read_inputs(Path(job.paths[0]).expanduser(), preparation, shape)


def _read_stdin(network: TrainedNetwork) -> Iterator[Inputs]:
    """Read one picture's bytes, or CSV rows, from standard input."""
    import tempfile  # takes longer than predicting a picture

    content = sys.stdin.buffer.read(_LARGEST_STDIN + 1)
    if not content:
        raise SourceError("standard input is empty; expected a picture's bytes, or CSV rows")
    if len(content) > _LARGEST_STDIN:
        raise SourceError("standard input has more than 2 GiB; name a file instead")
    # Readers take files, and name them in what they say.
    suffix = ".csv" if network.preparation.encoding is not None else ".picture"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"stdin{suffix}"
        path.write_bytes(content)
        try:
            for inputs in read_job(Job((str(path),), suffix != ".csv"), network):
                names = [name.replace(str(path), STDIN) for name in inputs.names]
                errors, notes = (
                    [line.replace(str(path), "standard input") for line in lines]
                    for lines in (inputs.errors, inputs.notes)
                )
                yield Inputs(names, inputs.examples, errors, notes)
        except (SourceError, PictureError) as error:
            raise type(error)(str(error).replace(str(path), "standard input")) from None
