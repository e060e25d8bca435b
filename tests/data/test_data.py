from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from danqing import load_data
from danqing.data.catalog.mnist import MNIST_PATH, load_mnist
from danqing.data.dataset import Dataset
from danqing.data.stratify import stratified_split
from danqing.errors import SourceError


def test_mnist_is_genuine(mnist: Dataset) -> None:
    assert mnist.x_train.shape == (60_000, 28, 28, 1)
    assert mnist.x_test.shape == (10_000, 28, 28, 1)
    # The counts of digits that the authors' own files hold.
    assert np.bincount(mnist.y_test).tolist() == [
        980,
        1135,
        1032,
        1010,
        982,
        892,
        958,
        1028,
        974,
        1009,
    ]
    assert mnist.y_train[:5].tolist() == [5, 0, 4, 1, 9]


def test_unknown_source() -> None:
    with pytest.raises(SourceError, match="did you mean 'mnist'"):
        load_data("minst")


@pytest.mark.parametrize("damage", ["flip", "cut", "empty"])
def test_damaged_file_is_refused(tmp_path: Path, damage: str) -> None:
    content = bytearray(MNIST_PATH.read_bytes())
    if damage == "flip":
        content[1_000_000] ^= 1
    path = tmp_path / "mnist.npz"
    path.write_bytes({"flip": content, "cut": content[:-100], "empty": b""}[damage])
    with pytest.raises(SourceError, match="checksum"):
        load_mnist(path)


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="No such file"):
        load_mnist(tmp_path / "mnist.npz")


def test_fingerprint_sees_every_byte(small: Dataset) -> None:
    changed = small.x_test.copy()
    changed[-1, -1, -1, -1] ^= 1
    assert dataclasses.replace(small).fingerprint == small.fingerprint
    assert dataclasses.replace(small, x_test=changed).fingerprint != small.fingerprint


def test_split_is_scikit_learns_with_seed_42(mnist: Dataset) -> None:
    train, validation = stratified_split(mnist.y_train, 0.2)
    expected, _ = train_test_split(
        np.arange(60_000), test_size=0.2, random_state=42, stratify=mnist.y_train
    )
    assert train.tolist() == expected.tolist()
    assert sorted([*train, *validation]) == list(range(60_000))


def test_split_without_room_for_strata() -> None:
    train, validation = stratified_split(np.array([0, 1, 1, 2, 2, 2, 2, 2, 2, 2]), 0.2)
    assert (len(train), len(validation)) == (8, 2)
