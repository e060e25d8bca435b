from __future__ import annotations

import gzip
import hashlib
import io
import socket
import tarfile
import threading
import time
import urllib.error
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
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


class Server(ThreadingHTTPServer):
    """Serves files from memory on this machine, and lists what it was asked for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.cut = 0
        self.silent = threading.Event()
        self.address = f"http://127.0.0.1:{self.server_port}/"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        name = self.path.removeprefix("/")
        self.server.asked.append(name)
        if name not in self.server.files:
            self.send_error(404)
            return
        if self.server.silent.is_set():
            time.sleep(1)
            return
        content = self.server.files[name]
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) - self.server.cut])

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def closed_port() -> Iterator[str]:
    """Give an address where nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}/"


def offer(
    monkeypatch: pytest.MonkeyPatch, server: Server, name: str, files: dict[str, bytes]
) -> None:
    """Have a data set's files come from the local server, with checksums of their own."""
    known = DOWNLOADS[name]
    sums = {file: f"md5:{hashlib.md5(content).hexdigest()}" for file, content in files.items()}
    offered = downloads._Download(known.folder, server.address, sums, known.names)
    monkeypatch.setitem(DOWNLOADS, name, offered)
    server.files = dict(files)


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


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


def test_idx_sets_are_downloaded_once(
    monkeypatch: pytest.MonkeyPatch, server: Server, tmp_path: Path
) -> None:
    offer(monkeypatch, server, "fashion-mnist", idx_files())
    dataset = load_data("fashion-mnist")
    assert dataset.x_train.shape == (20, 4, 4, 1)
    assert dataset.class_names[0] == "T-shirt/top"
    assert (dataset.name, dataset.source) == ("fashion-mnist", "fashion-mnist")
    assert sorted(server.asked) == sorted(server.files)
    assert load_data("fashion-mnist").fingerprint == dataset.fingerprint
    assert len(server.asked) == 4
    # A damaged copy is downloaded again; nothing half-written is ever left.
    folder = tmp_path / "cache" / "downloads" / "fashion-mnist"
    (folder / "train-images-idx3-ubyte.gz").write_bytes(b"damaged")
    assert load_data("fashion-mnist").fingerprint == dataset.fingerprint
    assert server.asked[4:] == ["train-images-idx3-ubyte.gz"]
    assert sorted(path.name for path in files_below(tmp_path)) == sorted(server.files)


def test_what_keras_has_is_used(
    monkeypatch: pytest.MonkeyPatch, server: Server, tmp_path: Path
) -> None:
    offer(monkeypatch, server, "fashion-mnist", idx_files())
    folder = tmp_path / "keras" / "datasets" / "fashion-mnist"
    folder.mkdir(parents=True)
    for name, content in server.files.items():
        (folder / name).write_bytes(content)
    assert len(load_download("fashion-mnist").x_test) == 10
    assert server.asked == []


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_cifar(monkeypatch: pytest.MonkeyPatch, server: Server, name: str) -> None:
    file = next(iter(DOWNLOADS[name].files))
    offer(monkeypatch, server, name, {file: cifar_file(name)})
    dataset = load_data(name)
    assert dataset.x_train.shape == (3, 32, 32, 3)
    assert dataset.x_train[0, 5, 5].tolist() == [50, 60, 70]
    assert dataset.y_train.tolist() == [2, 0, 1]
    assert dataset.y_test.tolist() == [1]
    assert dataset.class_names == ("apple", "boat", "cat")


def test_housing(monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    file = io.BytesIO()
    np.savez(file, x=RNG.normal(size=(9, 8)), y=np.arange(9.0))
    offer(monkeypatch, server, "california-housing", {"california_housing.npz": file.getvalue()})
    dataset = load_data("california-housing")
    assert dataset.task == "regression"
    assert dataset.x_train.names[0] == "longitude"


def test_a_damaged_file_is_refused(
    monkeypatch: pytest.MonkeyPatch, server: Server, tmp_path: Path
) -> None:
    offer(monkeypatch, server, "kmnist", idx_files())
    server.files["train-images-idx3-ubyte.gz"] = b"<html>log in to the hotel's network</html>"
    with pytest.raises(SourceError, match=r"kmnist: .*/train-images-.* is damaged, its checksum"):
        load_data("kmnist")
    assert files_below(tmp_path) == []


def test_half_a_file_is_never_taken_for_a_whole(
    monkeypatch: pytest.MonkeyPatch, server: Server, tmp_path: Path
) -> None:
    offer(monkeypatch, server, "kmnist", idx_files())
    server.cut = 5
    with pytest.raises(SourceError, match=r"can't be downloaded") as caught:
        load_data("kmnist")
    assert "\n" not in str(caught.value)
    assert files_below(tmp_path) == []
    server.cut = 0
    assert len(load_data("kmnist").x_train) == 20


def test_a_missing_file_is_reported(monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    offer(monkeypatch, server, "kmnist", idx_files())
    server.files.clear()
    with pytest.raises(SourceError, match=r"can't be downloaded .*404"):
        load_data("kmnist")


def test_a_silent_server_is_given_up(monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    offer(monkeypatch, server, "kmnist", idx_files())
    server.silent.set()
    assert downloads._TIMEOUT == 10
    monkeypatch.setattr(downloads, "_TIMEOUT", 0.1)
    with pytest.raises(SourceError, match=r"can't be downloaded .*timed out"):
        load_data("kmnist")


@pytest.mark.parametrize("name", sorted(DOWNLOADS))
def test_without_a_network(
    monkeypatch: pytest.MonkeyPatch, closed_port: str, tmp_path: Path, name: str
) -> None:
    known = DOWNLOADS[name]
    there = downloads._Download(known.folder, closed_port, known.files, known.names)
    monkeypatch.setitem(DOWNLOADS, name, there)
    started = time.perf_counter()
    with pytest.raises(
        SourceError, match=r"Connection refused.*; connect to the network"
    ) as caught:
        load_data(name)
    assert time.perf_counter() - started < 5
    assert str(caught.value).startswith(f"{name}: {closed_port}")
    folder = tmp_path / "cache" / "downloads" / known.folder
    assert str(caught.value).endswith(f"put {', '.join(known.files)} into {folder}")
    assert "\n" not in str(caught.value)
    assert files_below(tmp_path) == []


def test_files_put_there_by_hand_are_used(
    monkeypatch: pytest.MonkeyPatch, server: Server, tmp_path: Path
) -> None:
    offer(monkeypatch, server, "kmnist", idx_files())
    folder = tmp_path / "cache" / "downloads" / "kmnist"
    folder.mkdir(parents=True)
    for name, content in server.files.items():
        (folder / name).write_bytes(content)
    assert len(load_data("kmnist").x_train) == 20
    assert server.asked == []


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
        (urllib.error.URLError("no route to host"), "no route to host.*connect to the network"),
        (TimeoutError("timed out"), "timed out.*connect to the network"),
        (ValueError("No known OpenML dataset\nof it"), "No known OpenML dataset; check the name"),
        (urllib.error.HTTPError("http://x", 412, "", None, None), "OpenML says 412; check"),  # type: ignore[arg-type]
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
