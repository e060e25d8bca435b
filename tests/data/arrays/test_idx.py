from __future__ import annotations

import gzip
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from danqing.data.arrays.idx import is_idx, load_idx
from danqing.data.dataset import Dataset
from danqing.errors import DanqingError, SourceError

PIXELS = np.arange(6 * 4 * 5, dtype=np.uint8).reshape(6, 4, 5)
CLASSES = np.array([0, 1, 2, 0, 1, 2], np.uint8)
Pack = Callable[[bytes], bytes]


def idx(array: np.ndarray, kind: int = 8) -> bytes:
    header = bytes([0, 0, kind, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


def folder_of(tmp_path: Path, suffix: str = "-ubyte", pack: Pack = bytes) -> Path:
    folder = tmp_path / "shoes"
    folder.mkdir()
    for part, rows in {"train": slice(0, 6), "t10k": slice(1, 4)}.items():
        (folder / f"{part}-images{suffix.format(3)}").write_bytes(pack(idx(PIXELS[rows])))
        (folder / f"{part}-labels{suffix.format(1)}").write_bytes(pack(idx(CLASSES[rows])))
    return folder


@pytest.mark.parametrize(
    ("suffix", "pack"),
    [
        ("-idx{}-ubyte", bytes),
        (".idx{}-ubyte", bytes),
        ("-idx{}-ubyte.gz", gzip.compress),
    ],
)
def test_mnist_naming(tmp_path: Path, suffix: str, pack: Pack) -> None:
    folder = folder_of(tmp_path, suffix, pack)
    for path in (folder, *folder.iterdir()):
        assert is_idx(path)
        dataset = load_idx(path)
        assert dataset.name == "shoes"
        assert (dataset.x_train == PIXELS[..., None]).all()
        assert (dataset.x_test == PIXELS[1:4, ..., None]).all()
        assert dataset.y_train.tolist() == CLASSES.tolist()
        assert dataset.y_test.tolist() == [1, 2, 0]
        assert dataset.class_names == ("0", "1", "2")
        assert load_idx(dataset.source).fingerprint == dataset.fingerprint
    assert not is_idx(tmp_path)


def test_genuine_mnist_comes_back(tmp_path: Path, small: Dataset) -> None:
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(small.x_train[..., 0]))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(small.y_train.astype(np.uint8)))
    dataset = load_idx(tmp_path)
    assert (dataset.x_train == small.x_train).all()
    assert (dataset.y_train == small.y_train).all()
    assert dataset.class_names == small.class_names
    assert len(dataset.x_test) == len(dataset.y_test) == 0


def test_colour_and_wide_labels(tmp_path: Path) -> None:
    colour = np.arange(6 * 4 * 5 * 3, dtype=np.uint16).astype(np.uint8).reshape(6, 4, 5, 3)
    wide = np.array([300, 7, 300, 7, 8, 9], np.int32)
    (tmp_path / "train-images-idx4-ubyte").write_bytes(idx(colour))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(wide, 0x0C))
    dataset = load_idx(tmp_path)
    assert (dataset.x_train == colour).all()
    assert dataset.class_names == ("7", "8", "9", "300")


def test_several_sets_in_a_folder(tmp_path: Path) -> None:
    for name in ("emnist-letters-", "emnist-digits-"):
        (tmp_path / f"{name}train-images-idx3-ubyte").write_bytes(idx(PIXELS))
        (tmp_path / f"{name}train-labels-idx1-ubyte").write_bytes(idx(CLASSES))
    with pytest.raises(SourceError, match="several data sets"):
        load_idx(tmp_path)
    assert len(load_idx(tmp_path / "emnist-digits-train-images-idx3-ubyte").x_train) == 6


IMAGES = idx(PIXELS)
BOMB = bytes([0, 0, 8, 3]) + struct.pack(">3I", 2**20, 2**16, 2**16)


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (b"", "is empty"),
        (b"\0\0\x08", "doesn't start like an IDX file"),
        (b"PK\3\4 and so on", "doesn't start like an IDX file"),
        (bytes([0, 0, 8, 200]), "has 200 dimensions; expected 3 or 4"),
        (idx(CLASSES), "has 1 dimensions"),
        (IMAGES[:10], "ends too early"),
        (IMAGES[:-1], "ends too early"),
        (IMAGES + b"\0", "longer than its header says"),
        (BOMB + bytes(100), "ends too early"),
        (gzip.compress(BOMB + bytes(100)), "ends too early"),
        (gzip.compress(IMAGES[:-7]), "ends after 113 bytes of 120"),
        (gzip.compress(IMAGES)[:-12], "is damaged"),
        (gzip.compress(IMAGES) + b"rest", "is damaged|longer"),
        (idx(PIXELS[:5]), "has 6 labels for 5 pictures"),
        (idx(PIXELS.astype(np.int16), 0x0B), "has values of type int16"),
        (idx(PIXELS.reshape(6, 1, 1, 20)), "expected \\(n, height, width\\)"),
        (idx(PIXELS.reshape(6, 20, 1)[:, :0]), "none of them 0"),
    ],
)
def test_damage_is_reported(tmp_path: Path, images: bytes, words: str) -> None:
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(images)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(CLASSES))
    with pytest.raises(SourceError, match=words) as caught:
        load_idx(tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_missing_files_are_reported(tmp_path: Path) -> None:
    (tmp_path / "train-images-idx3-ubyte").write_bytes(IMAGES)
    with pytest.raises(SourceError, match="no labels for it"):
        load_idx(tmp_path)
    (tmp_path / "train-images-idx3-ubyte").rename(tmp_path / "t10k-images-idx3-ubyte")
    with pytest.raises(SourceError, match="has no train-images"):
        load_idx(tmp_path)


def test_gzip_bomb_takes_little_memory(tmp_path: Path) -> None:
    """A header that promises 1 byte, 200 MB of zeros behind it: only one is unpacked."""
    header = bytes([0, 0, 8, 3]) + struct.pack(">3I", 1, 1, 1)
    path = tmp_path / "train-images-idx3-ubyte.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(header)
        for _ in range(200):
            file.write(bytes(10**6))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(CLASSES))
    tracemalloc.start()
    try:
        with pytest.raises(SourceError, match="longer than its header"):
            load_idx(path)
        assert tracemalloc.get_traced_memory()[1] < 10**7
    finally:
        tracemalloc.stop()


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_give_data_or_a_plain_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, headed: bool
) -> None:
    folder = tmp_path_factory.mktemp("any")
    path = folder / "train-images-idx3-ubyte"
    path.write_bytes(b"\0\0\x08\x03" + content if headed else content)
    (folder / "train-labels-idx1-ubyte").write_bytes(idx(CLASSES))
    message = ""
    try:
        assert len(load_idx(path).x_train) == 6
    except DanqingError as error:
        message = str(error)
    assert not message or (str(folder) in message and "\n" not in message)
