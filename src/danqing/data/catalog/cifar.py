"""CIFAR-10 and CIFAR-100 from their binary files. Knows no network to download them from."""

from __future__ import annotations

import tarfile
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from danqing.data.dataset import Dataset
from danqing.data.labels import make_labels
from danqing.errors import SourceError

__all__ = ["read_cifar"]

_SIDE = 32
_PIXEL_BYTES = 3 * _SIDE * _SIDE


def read_cifar(path: Path, name: str) -> Dataset:
    """Read CIFAR's binary form: one byte for the class, then 3,072 for red, green and blue.

    In CIFAR-100 a byte for a coarse class comes first.
    Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.

    Parameters
    ----------
    path : Path
        A tar file.
    name : {"cifar10", "cifar100"}

    Raises
    ------
    SourceError
        If the file is damaged.
    """
    label_bytes = 2 if name == "cifar100" else 1
    class_names: list[str] = []
    found: dict[str, list[NDArray[np.uint8]]] = {"train": [], "test": []}
    try:
        with tarfile.open(path) as packed:
            for member in sorted(packed, key=lambda member: member.name):
                content = packed.extractfile(member)
                if content is None:
                    continue
                if member.name.endswith(".bin"):
                    rows = np.frombuffer(content.read(), np.uint8)
                    subset = "test" if "test" in Path(member.name).name else "train"
                    found[subset].append(rows.reshape(-1, label_bytes + _PIXEL_BYTES))
                elif member.name.endswith(("batches.meta.txt", "fine_label_names.txt")):
                    class_names = content.read().decode().split()
        records = {subset: np.concatenate(batches) for subset, batches in found.items()}
    except (tarfile.TarError, OSError, EOFError, ValueError, zlib.error) as error:
        raise SourceError(
            f"{path}: is damaged ({error}); delete it, and it is downloaded again"
        ) from None
    x = {subset: _pictures(rows[:, label_bytes:]) for subset, rows in records.items()}
    y = {subset: rows[:, label_bytes - 1] for subset, rows in records.items()}
    labels = make_labels(y, path, pictures=True, task="classification", names=class_names)
    return Dataset.from_subsets(
        x,
        labels.by_subset,
        name=name,
        source=name,
        class_names=labels.class_names,
        label_type=labels.label_type,
    )


def _pictures(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    planes = pixels.reshape(-1, 3, _SIDE, _SIDE)
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1))
