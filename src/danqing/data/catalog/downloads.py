"""Keras' data sets of pictures and numbers by name, downloaded unless they are here already.

The files are their authors' own; those that Keras has already downloaded are used. Keras itself
is not asked: it unpickles CIFAR's files, and would import TensorFlow.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from danqing.data.arrays.idx import load_idx
from danqing.data.arrays.npz import load_npz
from danqing.data.cache.index import cache_folder
from danqing.data.catalog.cifar import read_cifar
from danqing.data.dataset import Dataset
from danqing.data.table import Table
from danqing.errors import SourceError

__all__ = ["DOWNLOADS", "data_folder", "load_download"]

_TIMEOUT = 10.0  # seconds without a response
_CHUNK = 1 << 20  # bytes
_KERAS = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
_FASHION = "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/"
_KMNIST = "https://codh.rois.ac.jp/kmnist/dataset/kmnist/"
_CIFAR = "https://www.cs.toronto.edu/~kriz/"


@dataclass(frozen=True)
class _Download:
    """Where a data set's files are, with the MD5 or SHA-256 that their authors or Keras publish."""

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
        "md5:8d4fb7e6c68d591d4c3dfef9ec88bf0d", "md5:25c81989df183df01b3e8a0aad5dffbe",
        "md5:bef4ecab320f06d8554ea6380940ec79", "md5:bb300cfdad3c16e7a12a480ee83cd310"),
        strict=True)),
        ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker",
         "Bag", "Ankle boot")),
    "kmnist": _Download("kmnist", _KMNIST, dict(zip(_IDX_FILES, (
        "md5:bdb82020997e1d708af4cf47b453dcf7", "md5:e144d726b3acfaa3e44228e80efcd344",
        "md5:5c965bf0a639b31b8f53240b1b52f4d7", "md5:7320c461ea6c1c855c0b718fb2a4b134"),
        strict=True)),
        ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")),
    "cifar10": _Download("", _CIFAR, {
        "cifar-10-binary.tar.gz": "md5:c32a1d4ab5d03f1284b67883e8d87530"}),
    "cifar100": _Download("", _CIFAR, {
        "cifar-100-binary.tar.gz": "md5:03b5dce01913d631647c71ecec9e9cb8"}),
    "california-housing": _Download("", _KERAS, {"california_housing.npz":
        "sha256:1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f"},
        ("longitude", "latitude", "housing_median_age", "total_rooms", "total_bedrooms",
         "population", "households", "median_income")),
    "boston-housing": _Download("", _KERAS, {"boston_housing.npz":
        "sha256:f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5"},
        ("CRIM", "ZN", "INDUS", "CHAS", "NOX", "RM", "AGE", "DIS", "RAD", "TAX", "PTRATIO", "B",
         "LSTAT")),
}  # fmt: skip


def load_download(name: str, task: str | None = None) -> Dataset:
    """Load a data set, downloading it if its files aren't on this machine yet.

    Parameters
    ----------
    name : str
        ``fashion-mnist``, ``kmnist``, ``cifar10``, ``cifar100``, ``california-housing`` or
        ``boston-housing``.
    task : {"classification", "regression"}, optional
        Inferred from the target if not given.

    Raises
    ------
    SourceError
        If a file can't be downloaded, or is damaged.
    """
    known = DOWNLOADS[name]
    folder = data_folder(known.folder)
    if not _is_complete(folder, known):
        folder = cache_folder() / "downloads" / known.folder
        _download(name, known, folder)
    files = [folder / file for file in known.files]
    if len(files) > 1:
        dataset = replace(load_idx(folder), class_names=known.names)
    elif name.startswith("cifar"):
        dataset = read_cifar(files[0], name)
    else:
        dataset = load_npz(files[0], task=task or "regression")
        named = zip(known.names, dataset.x_train.columns, strict=True)
        x = Table(tuple(replace(column, name=own) for own, column in named))
        dataset = replace(dataset, x_train=x, x_test=x[:0])
    return replace(dataset, name=name, source=name)


def data_folder(name: str = "") -> Path:
    """Return the folder where Keras keeps its data sets, which are used if they are there.

    Examples
    --------
    >>> data_folder("fashion-mnist").name
    'fashion-mnist'
    """
    home = os.environ.get("KERAS_HOME") or os.path.expanduser("~/.keras")  # noqa: PTH111
    return Path(home) / "datasets" / name


def _is_complete(folder: Path, known: _Download) -> bool:
    import pooch

    try:
        return all(
            pooch.file_hash(str(folder / file), alg=algorithm) == expected
            for file, checksum in known.files.items()
            for algorithm, expected in [checksum.split(":")]
        )
    except OSError:
        return False


def _download(name: str, known: _Download, folder: Path) -> None:
    """Fetch the files that are missing or damaged; each appears only when it is complete."""
    import pooch

    store = pooch.create(folder, base_url=known.base, registry=known.files)
    get = pooch.HTTPDownloader(
        chunk_size=_CHUNK, timeout=_TIMEOUT, headers={"Accept-Encoding": "identity"}
    )
    for file in known.files:
        try:
            store.fetch(file, downloader=get)
        except OSError as error:  # those of requests, too
            raise SourceError(
                f"{name}: {known.base}{file} can't be downloaded ({_reason(error)}); connect to "
                f"the network, or put {', '.join(known.files)} into {folder}"
            ) from None
        except ValueError:
            raise SourceError(
                f"{name}: {known.base}{file} is damaged, its checksum is wrong; try again later"
            ) from None


def _reason(error: BaseException) -> str:
    """Return what the system said: requests wraps it in several layers, each with long words."""
    while inner := error.__cause__ or error.__context__:
        error = inner
    return getattr(error, "strerror", None) or str(error)
