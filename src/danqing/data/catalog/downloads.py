"""Keras' data sets of pictures and numbers by name, downloaded where they aren't here yet.

They are read from their authors' plain files; those that Keras has on this machine already are
used. Keras itself isn't asked: it unpickles CIFAR's files, and brings TensorFlow along to do so.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import tarfile
import tempfile
import urllib.request
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from danqing.data.arrays.idx import load_idx
from danqing.data.arrays.npz import load_npz
from danqing.data.cache.index import cache_folder
from danqing.data.dataset import Dataset
from danqing.data.labels import make_labels
from danqing.data.table import Table
from danqing.errors import SourceError

__all__ = ["DOWNLOADS", "NEEDS_NETWORK", "data_folder", "load_download"]

NEEDS_NETWORK = "needs a network the first time; or give the path of a file with data"
_TIMEOUT = 10.0  # seconds without an answer
_PIECE = 2**20
_KERAS = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
_FASHION = "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/"
_KMNIST = "https://codh.rois.ac.jp/kmnist/dataset/kmnist/"
_CIFAR = "https://www.cs.toronto.edu/~kriz/"


@dataclass(frozen=True)
class _Download:
    """Where a data set's files are, with the checksums their authors or Keras publish."""

    folder: str
    base: str
    files: dict[str, str]
    names: tuple[str, ...] = ()


_IDX_FILES = (
    "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz",
)  # fmt: skip
DOWNLOADS = {
    "fashion-mnist": _Download("fashion-mnist", _FASHION, dict(zip(_IDX_FILES, (
        "8d4fb7e6c68d591d4c3dfef9ec88bf0d", "25c81989df183df01b3e8a0aad5dffbe",
        "bef4ecab320f06d8554ea6380940ec79", "bb300cfdad3c16e7a12a480ee83cd310"), strict=True)),
        ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker",
         "Bag", "Ankle boot")),
    "kmnist": _Download("kmnist", _KMNIST, dict(zip(_IDX_FILES, (
        "bdb82020997e1d708af4cf47b453dcf7", "e144d726b3acfaa3e44228e80efcd344",
        "5c965bf0a639b31b8f53240b1b52f4d7", "7320c461ea6c1c855c0b718fb2a4b134"), strict=True)),
        ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")),
    "cifar10": _Download("", _CIFAR, {
        "cifar-10-binary.tar.gz": "c32a1d4ab5d03f1284b67883e8d87530"}),
    "cifar100": _Download("", _CIFAR, {
        "cifar-100-binary.tar.gz": "03b5dce01913d631647c71ecec9e9cb8"}),
    "california-housing": _Download("", _KERAS, {"california_housing.npz":
        "1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f"},
        ("longitude", "latitude", "housing_median_age", "total_rooms", "total_bedrooms",
         "population", "households", "median_income")),
    "boston-housing": _Download("", _KERAS, {"boston_housing.npz":
        "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5"},
        ("CRIM", "ZN", "INDUS", "CHAS", "NOX", "RM", "AGE", "DIS", "RAD", "TAX", "PTRATIO", "B",
         "LSTAT")),
}  # fmt: skip


def load_download(name: str, task: str | None = None) -> Dataset:
    """Load a data set, from the network if its files aren't on this machine yet.

    Parameters
    ----------
    name : str
        ``fashion-mnist``, ``kmnist``, ``cifar10``, ``cifar100``, ``california-housing`` or
        ``boston-housing``.
    task : {"classification", "regression"}, optional
        Chosen from the target if not given.

    Raises
    ------
    SourceError
        If there is no network, or what it gave is damaged.
    """
    known = DOWNLOADS[name]
    folder = data_folder(known.folder)
    paths = [folder / file for file in known.files]
    if not _here(known, folder):
        folder = cache_folder() / "downloads" / known.folder
        paths = [
            _fetched(folder / file, known.base + file, checksum, name)
            for file, checksum in known.files.items()
        ]
    if len(paths) > 1:
        dataset = replace(load_idx(folder), class_names=known.names)
    elif name.startswith("cifar"):
        dataset = _read_cifar(paths[0], name)
    else:
        dataset = load_npz(paths[0], task=task or "regression")
        named = zip(known.names, dataset.x_train.columns, strict=True)
        x = Table(tuple(replace(column, name=own) for own, column in named))
        dataset = replace(dataset, x_train=x, x_test=x[:0])
    return replace(dataset, name=name, source=name)


def data_folder(name: str = "") -> Path:
    """Give the folder where Keras keeps its data sets: what is there already is used.

    Examples
    --------
    >>> data_folder("fashion-mnist").name
    'fashion-mnist'
    """
    home = os.environ.get("KERAS_HOME") or os.path.expanduser("~/.keras")  # noqa: PTH111
    return Path(home) / "datasets" / name


def _here(known: _Download, folder: Path) -> bool:
    with contextlib.suppress(OSError):
        return all(_sum_of(folder / file, checksum) == checksum
                   for file, checksum in known.files.items())  # fmt: skip
    return False


def _fetched(path: Path, address: str, checksum: str, name: str) -> Path:
    with contextlib.suppress(OSError):
        if _sum_of(path, checksum) == checksum:
            return path
    try:
        with (
            urllib.request.urlopen(address, timeout=_TIMEOUT) as answer,
            _whole_file(path) as file,
        ):
            while piece := answer.read(_PIECE):
                file.write(piece)
            file.flush()
            if _sum_of(Path(file.name), checksum) != checksum:
                raise SourceError(f"{name}: {address} gave a damaged file; try again")
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise SourceError(
            f"{name}: {address} can't be loaded ({reason}); {NEEDS_NETWORK}"
        ) from None
    return path


@contextlib.contextmanager
def _whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Write a file that is there as a whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-", delete=False) as new:
        try:
            yield new
            new.flush()
            os.fsync(new.fileno())
            Path(new.name).replace(path)
        except BaseException:
            Path(new.name).unlink(missing_ok=True)
            raise


def _sum_of(path: Path, like: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5" if len(like) == 32 else "sha256").hexdigest()


def _read_cifar(path: Path, name: str) -> Dataset:
    """Read CIFAR's binary form: a byte for the class, and 3072 for red, green and blue.

    CIFAR-100 has a byte for a coarse class before it.
    Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
    """
    record = 3072 + (2 if name == "cifar100" else 1)
    words: list[str] = []
    found: dict[str, list[NDArray[np.uint8]]] = {"train": [], "test": []}
    try:
        with tarfile.open(path) as packed:
            for member in sorted(packed, key=lambda member: member.name):
                content = packed.extractfile(member)
                if content is None:
                    continue
                if member.name.endswith(".bin"):
                    rows = np.frombuffer(content.read(), np.uint8).reshape(-1, record)
                    found["test" if "test" in Path(member.name).name else "train"].append(rows)
                elif member.name.endswith(("batches.meta.txt", "fine_label_names.txt")):
                    words = content.read().decode().split()
        records = {subset: np.concatenate(blocks) for subset, blocks in found.items()}
    except (tarfile.TarError, OSError, EOFError, ValueError, zlib.error) as error:
        raise SourceError(f"{path}: is damaged ({error}); delete it to load it again") from None
    x = {
        subset: np.ascontiguousarray(
            records[subset][:, -3072:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        )
        for subset in ("train", "test")
    }
    y = {subset: records[subset][:, -3073] for subset in ("train", "test")}
    labels = make_labels(y, path, pictures=True, task="classification", names=words)
    return Dataset.from_subsets(
        x, labels.by_subset, name=name, source=name, class_names=labels.class_names
    )
