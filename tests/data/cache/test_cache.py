from __future__ import annotations

import json
import multiprocessing.spawn
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from danqing.data.cache import file_contents as contents_module
from danqing.data.cache import helper_processes as helpers_module
from danqing.data.cache import reading as reading_module
from danqing.data.cache import workers as workers_module
from danqing.data.cache.index import cache_folder, cache_size, clear_cache, entry_folder
from danqing.data.cache.pixel_files import CachedPictures, PixelWriter
from danqing.data.dataset import Dataset
from danqing.data.images import load_images as load_images_module
from danqing.data.images.load_images import load_images
from danqing.errors import SourceError

Calls = dict[str, int]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DANQING_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    for label in "ab":
        (folder / label).mkdir(parents=True)
        for number in range(10):
            draw(folder / label / f"{number}.png", number + 100 * "ab".index(label))
    for path in folder.rglob("*.png"):
        os.utime(path, (1e9, 1e9))
    return folder


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Count how often bytes are read, and pictures decoded."""
    counts: Calls = {"read": 0, "decoded": 0}

    def counting(name: str, what: str) -> None:
        real = getattr(reading_module, name)

        def call(*arguments: object) -> object:
            counts[what] += 1
            return real(*arguments)

        monkeypatch.setattr(reading_module, name, call)

    counting("read_file", "read")
    counting("examine", "decoded")
    counting("decode_content", "decoded")
    # Files written this very moment are looked at again, for they may change unseen.
    monkeypatch.setattr(contents_module, "_GRAIN", -(10**18))
    return counts


def draw(path: Path, value: int, size: int = 9) -> None:
    noise = np.random.default_rng(value).integers(0, 255, (size, size), dtype=np.uint8)
    Image.fromarray(noise).save(path)


def same(one: Dataset, other: Dataset) -> bool:
    return bool((one.x_train[:] == other.x_train[:]).all()) and one.fingerprint == other.fingerprint


def fresh(folder: Path, monkeypatch: pytest.MonkeyPatch, place: Path) -> Dataset:
    with monkeypatch.context() as patch:
        patch.setenv("DANQING_CACHE", str(place))
        return load_images(folder)


def test_only_what_changed_is_read_again(folder: Path, calls: Calls) -> None:
    first = load_images(folder)
    assert calls == {"read": 20, "decoded": 20}
    assert same(load_images(folder), first)
    assert calls == {"read": 20, "decoded": 20}
    draw(folder / "a" / "3.png", 77)
    changed = load_images(folder)
    assert calls == {"read": 21, "decoded": 21}
    assert changed.fingerprint != first.fingerprint
    assert (changed.x_train != first.x_train).any(axis=(1, 2, 3)).sum() == 1
    os.utime(folder / "a" / "4.png")
    assert same(load_images(folder), changed)
    assert calls == {"read": 22, "decoded": 21}
    (folder / "b" / "0.png").unlink()
    (folder / "b" / "1.png").rename(folder / "b" / "new.png")
    assert len(load_images(folder).x_train) == 19
    assert calls == {"read": 23, "decoded": 21}


def test_the_same_content_is_decoded_once(folder: Path, calls: Calls) -> None:
    for number in range(5):
        (folder / "a" / f"copy{number}.png").write_bytes((folder / "a" / "0.png").read_bytes())
    dataset = load_images(folder)
    assert calls == {"read": 25, "decoded": 20}
    assert (dataset.x_train[10:15] == dataset.x_train[0]).all()


def test_a_change_that_hides_is_seen(folder: Path) -> None:
    path = folder / "a" / "0.png"
    first = load_images(folder)
    content = path.read_bytes()
    draw(path, 5)
    path.write_bytes(path.read_bytes()[: len(content)].ljust(len(content), b"\0"))
    os.utime(path, (1e9, 1e9))  # same size, same time of modification
    assert load_images(folder).fingerprint != first.fingerprint


def test_a_new_size_decodes_anew(folder: Path) -> None:
    assert load_images(folder).input_shape == (9, 9, 1)
    for number in range(30):
        draw(folder / "a" / f"larger{number}.png", number, 20)
    assert load_images(folder).input_shape == (20, 20, 1)


@pytest.mark.parametrize("which", ["index.json", "pixels-*"])
@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "gone", "longer"])
def test_damage_is_noticed_and_mended(
    folder: Path,
    cache: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    which: str,
    damage: str,
) -> None:
    load_images(folder)
    (path,) = cache.rglob(which)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(
        {"flip": content, "cut": content[:-3], "longer": content + b"x"}.get(damage, b"")
    )
    if damage == "gone":
        path.unlink()
    expected = fresh(folder, monkeypatch, cache.parent / "other")
    assert same(load_images(folder), expected)
    assert same(load_images(folder), expected)


def test_an_index_of_nonsense_counts_as_none(folder: Path, cache: Path) -> None:
    import hashlib

    expected = load_images(folder)
    index = next(cache.rglob("index.json"))
    for plain in ([], {}, {"format": 2}, {"format": 1, "names": 3}, None):
        text = json.dumps(plain).encode()
        index.write_bytes(hashlib.sha256(text).hexdigest().encode() + b"\n" + text)
        assert same(load_images(folder), expected)


@pytest.mark.parametrize("limit", [10**9, 10])
def test_a_running_training_goes_on(
    folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    """Neither changes of the source nor a cleared cache harm what is being read."""
    monkeypatch.setattr(load_images_module, "IN_MEMORY", limit)
    dataset = load_images(folder)
    expected = dataset.x_train[:].copy()
    (folder / "a" / "1.png").unlink()
    os.truncate(folder / "a" / "2.png", 10)
    assert len(load_images(folder).x_train) == 18
    assert (dataset.x_train[:] == expected).all()
    clear_cache()
    assert (dataset.x_train[np.arange(20)[::-1]] == expected[::-1]).all()


@pytest.mark.parametrize("damage", ["flip", "cut"])
def test_a_cache_damaged_meanwhile_is_an_error(
    folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    expected = load_images(folder)
    monkeypatch.setattr(load_images_module, "IN_MEMORY", 10)
    dataset = load_images(folder)
    (path,) = cache.rglob("pixels-*")
    with path.open("r+b") as file:
        if damage == "cut":
            file.truncate(200)
        else:
            file.seek(1000)
            file.write(b"\0\1\2\3")
    with pytest.raises(SourceError, match=f"{path.name}.*try again"):
        dataset.x_train[:]
    assert same(load_images(folder), expected)  # which is then built anew


def test_an_unwritable_cache(
    folder: Path, cache: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = load_images(folder)
    blocked = cache.parent / "file"
    blocked.touch()
    assert same(fresh(folder, monkeypatch, blocked), expected)
    warned = capsys.readouterr().err
    assert warned.count("\n") == 1
    assert "can't be written" in warned
    monkeypatch.setattr(load_images_module, "IN_MEMORY", 10)
    with pytest.raises(SourceError, match="set DANQING_CACHE"):
        fresh(folder, monkeypatch, blocked)


def test_a_full_disk(
    folder: Path, cache: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(PixelWriter, "finish", full)
        dataset = load_images(folder)
    assert "No space left" in capsys.readouterr().err
    assert not [path for path in cache.rglob("*") if path.is_file()]
    assert same(load_images(folder), dataset)


def test_builds_at_once_do_not_mix(folder: Path) -> None:
    expected = load_images(folder)
    found: list[Dataset] = []
    for _ in range(3):
        clear_cache()
        threads = [threading.Thread(target=lambda: found.append(load_images(folder))) for _ in "12"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(found) == 6
    assert all(same(dataset, expected) for dataset in found)


def test_builds_of_several_processes_do_not_mix(folder: Path) -> None:
    expected = load_images(folder)
    clear_cache()
    code = (
        "import sys; from danqing.data.images.load_images import load_images;"
        "print(load_images(sys.argv[1]).fingerprint)"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    assert {process.communicate()[0].strip() for process in started} == {expected.fingerprint}
    assert same(load_images(folder), expected)


def test_size_and_clearing(folder: Path, cache: Path) -> None:
    assert cache_folder() == cache
    assert cache_size() == 0
    load_images(folder)
    assert cache_size() > 20 * 81
    assert len(list(cache.rglob("pixels-*"))) == 1
    mine = cache / "mine.txt"
    mine.write_text("not the cache's")
    also_mine = entry_folder(folder) / "mine.txt"
    also_mine.write_text("neither")
    size = cache_size()
    assert clear_cache() == size
    assert cache_size() == 0
    assert mine.exists()
    assert also_mine.exists()


def test_old_pixels_are_removed(folder: Path, cache: Path) -> None:
    for value in range(3):
        draw(folder / "a" / "0.png", 50 + value)
        load_images(folder)
    assert len(list(cache.rglob("pixels-*"))) == 1


def test_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DANQING_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "danqing"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "danqing"


def test_progress_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(10_000))
    monkeypatch.setattr(workers_module.time, "monotonic", lambda: next(clock))
    told: list[tuple[int, int]] = []
    load_images(folder, progress=lambda done, total: told.append((done, total)))
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert all(done <= total for done, total in told)
    assert len(told) >= 10


@given(
    rows=st.one_of(
        st.lists(st.integers(-30, 29), max_size=40),
        st.slices(30),
        st.lists(st.booleans(), min_size=30, max_size=30).map(np.array),
        st.integers(-30, 29),
    ),
    seed=st.integers(0, 9),
)
@settings(deadline=None)
def test_rows_are_taken_as_from_an_array(
    rows: object, seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    random = np.random.default_rng(seed)
    pixels = random.integers(0, 255, (20, 3, 2, 3), dtype=np.uint8)
    order = random.integers(0, 20, 30)
    writer = PixelWriter(tmp_path_factory.mktemp("pixels") / "pixels", (3, 2, 3))
    for picture in pixels:
        writer.add(picture.tobytes())
    cached = CachedPictures(writer.finish(), order)
    expected = pixels[order]
    if isinstance(rows, list):
        rows = np.array(rows, dtype=np.int64)
    assert cached[rows].shape == expected[rows].shape
    assert (cached[rows] == expected[rows]).all()
    assert (np.asarray(cached) == expected).all()
    assert (cached.window(5, 9)[:] == expected[5:9]).all()
    assert (len(cached), cached.dtype, cached.shape) == (30, np.uint8, expected.shape)
    with pytest.raises(IndexError):
        cached[30]


def test_many_small_files_are_read_by_helpers(
    folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a" / "bad.png").write_bytes(b"bad")
    (folder / "b" / "cut.png").write_bytes((folder / "b" / "1.png").read_bytes()[:60])
    draw(folder / "b" / "large.png", 1, 100)
    expected = load_images(folder)
    clear_cache()
    helped: list[object] = []
    real = helpers_module.HelperProcesses.map

    def call(self: Any, function: Any, items: Any, local: Any = None) -> Any:
        helped.append(getattr(function, "func", function))
        return real(self, function, items, not_here)

    monkeypatch.setattr(helpers_module.HelperProcesses, "map", call)
    monkeypatch.setattr(contents_module, "_MANY", 1)
    monkeypatch.setattr(contents_module, "cores", lambda: 2)
    monkeypatch.setattr(contents_module, "_SPARE", 0)
    dataset = load_images(folder)
    assert same(dataset, expected)
    assert dataset.removed == {"unreadable files": 2}
    assert helped == [reading_module.look_at, reading_module.decode_files]


def not_here(batch: list[reading_module.Item]) -> Any:
    raise AssertionError("no helper did it")


SCRIPT = """
import sys
import danqing
from danqing.data.cache import file_contents, helper_processes

file_contents._MANY = 1
file_contents.cores = lambda: 2
real = helper_processes.HelperProcesses.map


def call(self, *rest):
    print(len(self._helpers), "helper")
    return real(self, *rest)


helper_processes.HelperProcesses.map = call
print(len(danqing.load_data(sys.argv[1]).x_train))
"""


def test_a_script_without_a_guard_runs_once_whatever_lies_beside_it(
    folder: Path, tmp_path: Path
) -> None:
    place = tmp_path / "place"
    place.mkdir()
    for name in ("pickle", "signal", "queue"):
        (place / f"{name}.py").write_text("raise SystemExit('a module of the current folder')")
    (tmp_path / "script.py").write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, str(tmp_path / "script.py"), str(folder)],
        capture_output=True,
        text=True,
        cwd=place,
    )
    expected = f"1 helper\n{len(load_images(folder).x_train)}\n"
    assert (done.stdout, done.stderr, done.returncode) == (expected, "", 0)


def test_without_helpers_the_work_is_done_here(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = load_images(folder)
    monkeypatch.setattr(contents_module, "_MANY", 1)
    monkeypatch.setattr(contents_module, "cores", lambda: 2)
    for executable in (b"/bin/false", b"/nowhere", b"/bin/cat"):
        clear_cache()
        monkeypatch.setattr(multiprocessing.spawn, "_python_exe", executable)
        assert same(load_images(folder), expected)


def test_pictures_added_to_a_damaged_cache(
    folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_images(folder)
    (path,) = cache.rglob("pixels-*")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)
    draw(folder / "a" / "new.png", 77)
    expected = fresh(folder, monkeypatch, cache.parent / "other")
    assert same(load_images(folder), expected)
    assert same(load_images(folder), expected)


def test_an_index_that_can_not_be_written_is_one_warning(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(contents_module, "write_index", full)
        dataset = load_images(folder)
    assert capsys.readouterr().err.count("No space left") == 1
    assert same(load_images(folder), dataset)


def test_without_a_home_the_cache_is_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    for name in ("DANQING_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    assert cache_folder() == Path(".danqing-cache")
