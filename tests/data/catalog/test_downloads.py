from __future__ import annotations

import gzip
import hashlib
import io
import socket
import tarfile
import time
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import sklearn.datasets

from danqing.data.catalog import downloads, openml
from danqing.data.catalog.downloads import DOWNLOADS, load_download
from danqing.data.sources import load_data
from danqing.errors import SourceError

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("DANQING_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def closed_port() -> Iterator[str]:
    """Give an address where nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}/"


def offer(monkeypatch: pytest.MonkeyPatch, name: str, files: dict[str, bytes]) -> list[str]:
    """Have a data set's files come from here, with their checksums; list what is asked for."""
    asked: list[str] = []
    known = DOWNLOADS[name]
    sums = {file: hashlib.md5(content).hexdigest() for file, content in files.items()}
    offered = downloads._Download(known.folder, "https://here/", sums, known.names)
    monkeypatch.setitem(DOWNLOADS, name, offered)

    def urlopen(address: str, timeout: float) -> io.BytesIO:
        assert timeout <= 10
        asked.append(address)
        return io.BytesIO(files[address.removeprefix("https://here/")])

    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    return asked


def idx_files() -> dict[str, bytes]:
    made = {}
    for part, rows in {"train": 20, "t10k": 10}.items():
        header = bytes([0, 0, 8, 3, 0, 0, 0, rows, 0, 0, 0, 4, 0, 0, 0, 4])
        images = header + RNG.integers(0, 256, rows * 16, dtype=np.uint8).tobytes()
        labels = bytes([0, 0, 8, 1, 0, 0, 0, rows]) + bytes(range(10)) * (rows // 10)
        made[f"{part}-images-idx3-ubyte.gz"] = gzip.compress(images)
        made[f"{part}-labels-idx1-ubyte.gz"] = gzip.compress(labels)
    return made


def cifar_file(name: str) -> bytes:
    label = b"\7" if name == "cifar100" else b""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as packed:

        def add(member: str, content: bytes) -> None:
            entry = tarfile.TarInfo(f"cifar/{member}")
            entry.size = len(content)
            packed.addfile(entry, io.BytesIO(content))

        for member, classes in {
            "data_batch_2.bin": (1,),
            "data_batch_1.bin": (2, 0),
            "test_batch.bin": (1,),
        }.items():
            pixel = bytes([50]) * 1024 + bytes([60]) * 1024 + bytes([70]) * 1024
            add(member, b"".join(label + bytes([c]) + pixel for c in classes))
        words = "fine_label_names.txt" if name == "cifar100" else "batches.meta.txt"
        add(words, b"apple\nboat\ncat\n")
    return file.getvalue()  # fmt: skip


def test_idx_sets_are_loaded_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = offer(monkeypatch, "fashion-mnist", idx_files())
    dataset = load_data("fashion-mnist")
    assert dataset.x_train.shape == (20, 4, 4, 1)
    assert dataset.class_names[0] == "T-shirt/top"
    assert (dataset.name, dataset.source) == ("fashion-mnist", "fashion-mnist")
    assert len(asked) == 4
    assert load_data("fashion-mnist").fingerprint == dataset.fingerprint
    assert len(asked) == 4
    # A damaged copy is loaded again; nothing half-written is ever left.
    folder = tmp_path / "cache" / "downloads" / "fashion-mnist"
    (folder / "train-images-idx3-ubyte.gz").write_bytes(b"damaged")
    assert load_data("fashion-mnist").fingerprint == dataset.fingerprint
    assert len(asked) == 5
    assert len(list(folder.iterdir())) == 4


def test_what_keras_has_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    files = idx_files()
    asked = offer(monkeypatch, "fashion-mnist", files)
    folder = tmp_path / "keras" / "datasets" / "fashion-mnist"
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    assert len(load_download("fashion-mnist").x_test) == 10
    assert asked == []


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_cifar(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    file = next(iter(DOWNLOADS[name].files))
    offer(monkeypatch, name, {file: cifar_file(name)})
    dataset = load_data(name)
    assert dataset.x_train.shape == (3, 32, 32, 3)
    assert dataset.x_train[0, 5, 5].tolist() == [50, 60, 70]
    assert dataset.y_train.tolist() == [2, 0, 1]
    assert dataset.y_test.tolist() == [1]
    assert dataset.class_names == ("apple", "boat", "cat")


def test_housing(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.BytesIO()
    np.savez(file, x=RNG.normal(size=(9, 8)), y=np.arange(9.0))
    offer(monkeypatch, "california-housing", {"california_housing.npz": file.getvalue()})
    dataset = load_data("california-housing")
    assert dataset.task == "regression"
    assert dataset.x_train.names[0] == "longitude"


def test_damaged_answer_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    files = idx_files()
    offer(monkeypatch, "kmnist", files)
    files["train-images-idx3-ubyte.gz"] = b"<html>log in to the hotel's network</html>"
    with pytest.raises(SourceError, match=r"kmnist: .* gave a damaged file"):
        load_data("kmnist")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("name", sorted(DOWNLOADS))
def test_without_a_network(
    monkeypatch: pytest.MonkeyPatch, closed_port: str, tmp_path: Path, name: str
) -> None:
    known = DOWNLOADS[name]
    there = downloads._Download(known.folder, closed_port, known.files, known.names)
    monkeypatch.setitem(DOWNLOADS, name, there)
    started = time.perf_counter()
    with pytest.raises(SourceError, match="needs a network") as caught:
        load_data(name)
    assert time.perf_counter() - started < 5
    assert str(caught.value).startswith(f"{name}: ")
    assert "give the path of a file" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_openml(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def fetch(**settings: Any) -> SimpleNamespace:
        asked.update(settings)
        assert socket.getdefaulttimeout() == 10
        return SimpleNamespace(
            data=np.array([[0.0, 1.5], [1.0, np.nan], [np.nan, 2.5]]),
            target=np.array(["good", "bad", None], object),
            feature_names=["colour", "size"],
            target_names=["quality"],
            categories={"colour": ["red", "blue"]},
        )

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", fetch)
    dataset = load_data("openml:fruit")
    assert asked["name"] == "fruit"
    assert socket.getdefaulttimeout() is None
    assert dataset.x_train.columns[0].values.tolist() == ["red", "blue"]
    assert dataset.x_train.columns[1].missing.tolist() == [False, True]
    assert dataset.class_names == ("bad", "good")
    assert dataset.removed == {"rows without a target": 1}
    assert (dataset.name, dataset.source, dataset.target) == ("fruit", "openml:fruit", "quality")
    load_data("openml:61", target="size")
    assert (asked["data_id"], asked["target_column"]) == (61, "size")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (urllib.error.URLError("no route to host"), "no route to host.*needs a network"),
        (TimeoutError("timed out"), "timed out.*needs a network"),
        (ValueError("No known OpenML dataset\nof it"), "No known OpenML dataset; check the name"),
        (urllib.error.HTTPError("http://x", 412, "", None, None), "answers 412; check"),  # type: ignore[arg-type]
    ],
)
def test_openml_without_an_answer(
    monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    def fetch(**settings: Any) -> None:
        raise error

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", fetch)
    with pytest.raises(SourceError, match=words) as caught:
        openml.load_openml("openml:fruit")
    assert "\n" not in str(caught.value)
