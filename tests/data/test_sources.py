from __future__ import annotations

import io
import os
import pickle
import shutil
import socket
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn.datasets
from PIL import Image

from danqing.data.catalog.bundled import load_bundled
from danqing.data.sources import load_data
from danqing.errors import SourceError


@pytest.mark.parametrize(
    ("name", "rows", "names", "column"),
    [
        ("iris", 150, ("setosa", "versicolor", "virginica"), "sepal length (cm)"),
        ("wine", 178, ("class_0", "class_1", "class_2"), "alcohol"),
        ("breast-cancer", 569, ("malignant", "benign"), "mean radius"),
        ("diabetes", 442, (), "age"),
    ],
)
def test_built_in_tables(name: str, rows: int, names: tuple[str, ...], column: str) -> None:
    dataset = load_data(name)
    assert len(dataset.x_train) == rows
    assert dataset.class_names == names
    assert dataset.x_train.names[0] == column
    assert (dataset.name, dataset.source) == (name, name)
    bunch = getattr(sklearn.datasets, f"load_{name.replace('-', '_')}")()
    assert (dataset.y_train == bunch.target).all()
    assert load_data(dataset.source).fingerprint == dataset.fingerprint


def test_built_in_digits() -> None:
    dataset = load_data("digits")
    assert dataset.x_train.shape == (1797, 8, 8, 1)
    assert dataset.x_train.max() == 255
    with pytest.raises(SourceError, match="no data set 'letters' is bundled"):
        load_bundled("letters")


def files(folder: Path) -> None:
    """Write a source of each kind that is read here."""
    pixels = np.arange(96, dtype=np.uint8).reshape(6, 4, 4)
    y = np.array([0, 1, 0, 1, 0, 1], np.uint8)
    np.savez(folder / "arrays.npz", x=pixels, y=y)
    shutil.copy(folder / "arrays.npz", folder / "renamed.zip")
    (folder / "table.csv").write_text("a,target\n1,x\n2,y\n")
    (folder / "table.tsv").write_text("a\ttarget\n1\tx\n2\ty\n")
    import polars as pl

    pl.DataFrame({"a": [1, 2], "target": ["x", "y"]}).write_parquet(folder / "table.parquet")
    shutil.copy(folder / "table.parquet", folder / "no-suffix")
    (folder / "subsets").mkdir()
    (folder / "subsets" / "train.csv").write_text("a,target\n1,x\n2,y\n")
    (folder / "idx").mkdir()
    header = bytes([0, 0, 8, 3, 0, 0, 0, 6, 0, 0, 0, 4, 0, 0, 0, 4])
    (folder / "idx" / "train-images-idx3-ubyte").write_bytes(header + pixels.tobytes())
    labels = bytes([0, 0, 8, 1, 0, 0, 0, 6]) + y.tobytes()
    (folder / "idx" / "train-labels-idx1-ubyte").write_bytes(labels)


@pytest.mark.parametrize(
    "name",
    ["arrays.npz", "renamed.zip", "table.csv", "table.tsv", "table.parquet", "no-suffix", "subsets",
     "idx", "idx/train-images-idx3-ubyte"],
)  # fmt: skip
def test_a_path_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    files(tmp_path)
    dataset = load_data(tmp_path / name)
    assert len(dataset.x_train) > 1
    monkeypatch.chdir(tmp_path)
    assert load_data(name).fingerprint == dataset.fingerprint
    monkeypatch.chdir("/")
    assert load_data(dataset.source).fingerprint == dataset.fingerprint


def test_a_name_comes_before_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files(tmp_path)
    (tmp_path / "idx").rename(tmp_path / "iris")
    monkeypatch.chdir(tmp_path)
    assert load_data("iris").tabular
    assert not load_data("./iris").tabular
    assert not load_data(Path("iris")).tabular


def test_an_object_is_taken_too() -> None:
    assert load_data((np.eye(2), ["a", "b"])).class_names == ("a", "b")
    assert load_data(sklearn.datasets.load_iris(), task="regression").task == "regression"


def png() -> bytes:
    file = io.BytesIO()
    Image.new("L", (9, 9)).save(file, "png")
    return file.getvalue()


def spreadsheet() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("[Content_Types].xml", "")
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        (
            "one.png",
            png(),
            "is a single picture; .*; expected a folder with one subfolder of pictures per class",
        ),
        ("x.npy", b"\x93NUMPY\1\0", "is a single array without targets; .*np.savez"),
        ("x.pkl", pickle.dumps([1], 4), "is a pickle, which .* is never read"),
        ("x.h5", b"\x89HDF\r\n\x1a\n", "is an HDF5 file"),
        ("x.xlsx", spreadsheet(), "is a spreadsheet or document; save it as CSV"),
        ("x.csv", b"", "is empty"),
        ("x", b"anything", "has an unknown format; expected a folder"),
        ("x.npz", b"anything", "is no npz file"),
        ("t10k-labels-idx1-ubyte", b"anything", "has no train-images"),
    ],
)
def test_files_that_are_no_source(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=words) as caught:
        load_data(str(tmp_path / name))
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


@pytest.mark.parametrize("make", [os.mkfifo, make_socket])
def test_no_ordinary_file(tmp_path: Path, make: Callable[[Any], None]) -> None:
    path = tmp_path / "s.csv"
    make(path)
    with pytest.raises(SourceError, match="is a device, pipe or socket"):
        load_data(path)
    with pytest.raises(SourceError, match="is a device, pipe or socket"):
        load_data("/dev/null")


def test_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files(tmp_path)
    # As root every file may be read: the answer is given for it.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(SourceError, match="can't be read; check its permissions"):
        load_data(tmp_path / "table.csv")


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("minst", "did you mean 'mnist'"),
        ("Iris", "did you mean 'iris'"),
        ("fashion_mnist", "did you mean 'fashion-mnist'"),
        ("qqq", "known: mnist, digits, .*openml:NAME; or give the path of a folder"),
        ("a\0b", "known: mnist"),
        ("no/such/place.csv", "known: mnist"),
        ("x" * 5000, "known: mnist"),
    ],
)
def test_unknown_words(word: str, hint: str) -> None:
    with pytest.raises(SourceError, match=hint) as caught:
        load_data(word)
    assert "no such file or folder" in str(caught.value)


def test_a_link_that_leads_nowhere(tmp_path: Path) -> None:
    for name, target in (("loop", "loop"), ("gone", "missing.csv")):
        (tmp_path / name).symlink_to(tmp_path / target)
        with pytest.raises(SourceError, match=f"{name}' is a broken link"):
            load_data(tmp_path / name)


def test_a_mistyped_path_is_found(tmp_path: Path) -> None:
    files(tmp_path)
    with pytest.raises(SourceError, match=r"did you mean .*table\.csv"):
        load_data(tmp_path / "tabel.csv")


@pytest.mark.parametrize(
    ("source", "settings", "words"),
    [
        ("mnist", {"target": "digit"}, "has pictures, no columns; leave out the target 'digit'"),
        ("iris", {"target": "kind"}, "has its own target; leave out the target 'kind'"),
        ("mnist", {"task": "regression"}, "the task is classification, not regression"),
        ("iris", {"task": "clustering"}, "task 'clustering' is unknown"),
    ],
)
def test_settings_that_do_not_fit(source: str, settings: dict[str, str], words: str) -> None:
    with pytest.raises(SourceError, match=words):
        load_data(source, **settings)
