from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from danqing.data.cache.pixel_files import CachedPictures
from danqing.data.images import folder as folder_module
from danqing.data.images import load_images as load_images_module
from danqing.data.images.decode import decode
from danqing.data.images.folder import list_pictures, open_folder, read_pictures
from danqing.data.images.layout import arrange
from danqing.data.images.load_images import index_images, load_images
from danqing.errors import SourceError


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DANQING_CACHE", str(tmp_path_factory.mktemp("cache")))


def put(path: Path, value: int = 0, size: tuple[int, int] = (12, 10), mode: str = "L") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new("L", size, value)
    image.putpixel((0, 0), 255 - value)
    image.convert(mode).save(path)
    return path


def snapshot(folder: Path) -> Iterator[tuple[str, bytes, int]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield str(path), path.read_bytes(), path.stat().st_mtime_ns


def test_classes_from_folders(tmp_path: Path) -> None:
    for label in ("10", "2", "cat"):
        for number in range(3):
            put(tmp_path / label / f"{number}.png", number)
    put(tmp_path / "cat" / "deep" / "er" / "9.jpg", 9)
    put(tmp_path / ".hidden" / "1.png")
    put(tmp_path / "cat" / ".hidden.png")
    (tmp_path / "cat" / "notes.txt").write_text("no picture")
    put(tmp_path / "stray.png")
    before = list(snapshot(tmp_path))
    dataset = load_images(tmp_path)
    assert dataset.name == tmp_path.name
    assert dataset.source == str(tmp_path)
    assert dataset.class_names == ("2", "10", "cat")
    assert dataset.x_train.shape == (10, 10, 12, 1)
    assert dataset.y_train.tolist() == [0] * 3 + [1] * 3 + [2] * 4
    assert len(dataset.x_test) == 0
    assert dataset.x_validation is None
    assert dataset.removed == {"other files": 2}
    assert dataset.pictures_as == {"size": [10, 12], "mode": "L"}
    assert list(snapshot(tmp_path)) == before


@pytest.mark.parametrize(
    "names",
    [("train", "val", "test"), ("Training", "VALID", "Testing"), ("train", "validation", "TEST")],
)
@pytest.mark.parametrize("around", ["", "all/of/it"])
def test_subsets(tmp_path: Path, names: tuple[str, str, str], around: str) -> None:
    for subset, count in zip(names, (4, 3, 2), strict=True):
        for label in ("a", "b"):
            for number in range(count):
                put(tmp_path / around / subset / label / f"{number}.png", number)
    dataset = load_images(tmp_path)
    assert dataset.class_names == ("a", "b")
    assert dataset.y_train.tolist() == [0] * 4 + [1] * 4
    assert dataset.y_validation is not None
    assert dataset.y_validation.tolist() == [0] * 3 + [1] * 3
    assert dataset.y_test.tolist() == [0] * 2 + [1] * 2
    assert dataset.x_validation[:, 5, 5, 0].tolist() == [0, 1, 2, 0, 1, 2]


def test_classes_may_have_the_names_of_subsets() -> None:
    layout = arrange(["train/1.png", "car/1.png", "test/1.png"], "here")
    assert [file.label for file in layout.files] == ["car", "test", "train"]
    layout = arrange(["train/steam/1.png", "car/1.png"], "here")
    assert [file.label for file in layout.files] == ["car", "train"]
    layout = arrange(["train/a/1.png", "train/stray.png", "train/b/1.png"], "here")
    assert [file.label for file in layout.files] == ["a", "b"]
    layout = arrange(["train/a/1.png", "test/a/1.png", "docs/x.png", "test/u.png"], "here")
    assert [file.subset for file in layout.files] == ["train", "test"]
    assert layout.others == 2


@given(
    st.lists(
        st.lists(
            st.sampled_from(["train", "test", "VAL", "a", "b", "1.png", "x.txt", ".h", "é\n"]),
            min_size=1,
            max_size=4,
        ).map("/".join),
        max_size=12,
        unique=True,
    )
)
@settings(deadline=None)
def test_any_names_are_arranged_or_refused(names: list[str]) -> None:
    try:
        layout = arrange(names, "here")
    except SourceError:
        return
    found = [file.name for file in layout.files]
    assert len(set(found)) == len(found)
    assert set(found) <= set(names)
    visible = [name for name in names if not any(s.startswith(".") for s in name.split("/"))]
    assert len(found) + layout.others == len(visible)
    again = arrange(list(reversed(names)), "here")
    assert again == layout
    assert all(file.label in file.name.split("/")[:-1] for file in layout.files)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("training_set", "test-set"), "train test"),
        (("Train", "valid", "TESTSET"), "train validation test"),
        (("train_images", "val images", "test images"), "train validation test"),
        (("train2017", "val2017"), "train validation"),
        (("seg_train", "seg_test"), "train test"),
        (("train1", "test1"), "train test"),
        (("cats_train", "cats_val", "cats_test"), "train validation test"),
        (("training data", "dev", "hold-out"), "train validation test"),
        (("train", "holdout"), "train test"),
        (("train", "eval"), "train test"),
        (("train", "eval", "test"), "train validation test"),
        (("训练集", "验证集", "测试集"), "train validation test"),
    ],
)
def test_subsets_under_every_usual_name(names: tuple[str, ...], expected: str) -> None:
    layout = arrange([f"{name}/{label}/1.png" for name in names for label in "ab"], "here")
    assert [file.subset for file in layout.files] == [s for s in expected.split() for _ in "ab"]
    assert {file.label for file in layout.files} == {"a", "b"}


@pytest.mark.parametrize("names", [("train", "test"), ("seg_train", "seg_test")])
def test_folders_that_an_archive_doubled_are_subsets(names: tuple[str, ...]) -> None:
    layout = arrange([f"{name}/{name}/{label}/1.png" for name in names for label in "ab"], "here")
    assert [(file.subset, file.label) for file in layout.files] == [
        (subset, label) for subset in ("train", "test") for label in "ab"
    ]


def test_only_beside_a_training_set_is_any_word_a_subset() -> None:
    layout = arrange(["dev/a/1.png", "dev/b/1.png"], "here")  # a folder around everything
    assert [file.label for file in layout.files] == ["a", "b"]
    layout = arrange(["eval/1.png", "holdout/1.png", "dev/1.png"], "here")
    assert [file.label for file in layout.files] == ["dev", "eval", "holdout"]


SERVICE = ("__MACOSX", "@eaDir", "#recycle", "$RECYCLE.BIN", "System Volume Information",
           ".thumbnails", ".Trash-1000", "lost+found", "@Recently-Snapshot", "MISC")  # fmt: skip


@pytest.mark.parametrize("name", SERVICE)
@pytest.mark.parametrize("where", ["", "cat/", "train/"])
def test_service_folders_are_no_classes(tmp_path: Path, name: str, where: str) -> None:
    top = tmp_path / "data" / ("train" if where == "train/" else "")
    for label in ("cat", "dog"):
        put(top / label / "1.png", len(label))
    put(tmp_path / "data" / where / name / "x.png", 7)
    put(tmp_path / "data" / where / name / "deep" / "x.png", 8)
    if name == "MISC":
        (tmp_path / "data" / where / "DCIM").mkdir()
    shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path / "data")
    silent = name.startswith((".", "__MACOSX"))
    for source in (tmp_path / "data", tmp_path / "packed.zip"):
        dataset = load_images(source)
        assert dataset.class_names == ("cat", "dog")
        assert len(dataset.x_train) == 2
        named = [reason for reason in dataset.removed if "service" in reason]
        assert named == ([] if silent else [f"service folders ({name})"])
    assert len(list_pictures(tmp_path / "data")) == 2


def test_classes_of_which_nothing_can_be_read_are_named(tmp_path: Path) -> None:
    for label in ("cat", "dog", "cow"):
        put(tmp_path / "data" / label / "1.png", len(label))
    (tmp_path / "data" / "cow" / "1.png").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    (tmp_path / "data" / "empty").mkdir()
    (tmp_path / "data" / "notes").mkdir()
    (tmp_path / "data" / "notes" / "x.txt").touch()
    shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path / "data")
    shutil.make_archive(str(tmp_path / "packed"), "tar", tmp_path / "data")
    for source in ("data", "packed.zip", "packed.tar", "packed.zip"):  # the last from the cache
        assert load_images(tmp_path / source).removed == {
            "folders without a readable picture (cow, empty, notes)": 3,
            "other files": 1,
            "unreadable files": 1,
        }
    put(tmp_path / "data" / "dog" / "1.png").write_bytes(b"bad")
    with pytest.raises(SourceError, match=r"one class only, 'cat'.*'cow/1.png', is a HEIC"):
        load_images(tmp_path / "data")


@pytest.mark.parametrize(
    ("size", "shape"),
    [((640, 12), (12, 640)), ((12, 640), (640, 12)), ((4000, 20), (16, 576)),
     ((1280, 48), (16, 427)), ((640, 480), (48, 64)), ((300, 100), (21, 64))],
)  # fmt: skip
def test_strips_keep_what_is_across_them(
    tmp_path: Path, size: tuple[int, int], shape: tuple[int, int]
) -> None:
    for label in "ab":
        put(tmp_path / label / "1.png", 50, size)
    assert load_images(tmp_path).x_train.shape == (2, *shape, 1)


def test_mixed_sizes_and_modes(tmp_path: Path) -> None:
    for number, size in enumerate([(200, 100), (300, 150), (100, 50), (400, 160), (20, 30)]):
        put(tmp_path / "ab"[number % 2] / f"{number}.png", number * 20, size)
    dataset = load_images(tmp_path)
    assert dataset.pictures_as == {"size": [32, 64], "mode": "L"}  # of the median, 100 x 200
    put(tmp_path / "a" / "colour.bmp", 5, mode="RGB")
    dataset = load_images(tmp_path)
    assert dataset.pictures_as["mode"] == "RGB"
    index = index_images(tmp_path)
    size = tuple(dataset.pictures_as["size"])
    for row, path in enumerate(index.paths):
        assert (dataset.x_train[row] == decode(path, size, "RGB")).all()


def test_large_pictures_of_one_size_shrink(tmp_path: Path) -> None:
    for label in "ab":
        put(tmp_path / label / "1.jpg", 50, (640, 480))
    assert load_images(tmp_path).x_train.shape == (2, 48, 64, 1)


def test_unreadable_files_are_counted_and_reported(tmp_path: Path) -> None:
    for label in "ab":
        for number in range(3):
            put(tmp_path / label / f"{number}.png", number)
    (tmp_path / "a" / "bad.png").write_bytes(b"nonsense")
    (tmp_path / "b" / "empty.jpg").touch()
    noise = np.random.default_rng(0).integers(0, 255, (300, 300), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "b" / "cut.png")
    os.truncate(tmp_path / "b" / "cut.png", 20_000)
    (tmp_path / "b" / "broken link.png").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "b" / "pipe.png")
    for _ in range(2):
        dataset = load_images(tmp_path)
        # The one cut off is larger; it has no say in the size.
        assert dataset.x_train.shape == (6, 10, 12, 1)
        assert dataset.removed == {"unreadable files": 5}
        index = index_images(tmp_path)
        assert len(index.paths) == len(index.hashes) == 6
        reasons = {Path(path).name: reason for path, reason in index.unreadable}
        assert reasons.keys() == {"bad.png", "empty.jpg", "cut.png", "broken link.png", "pipe.png"}
        assert "damaged" in reasons["cut.png"]
        assert "regular file" in reasons["pipe.png"]


def test_odd_names_and_loops(tmp_path: Path) -> None:
    for label in ("猫 и dog", "new\nline", " ", os.fsdecode(b"\xff\xfe")):
        put(tmp_path / label / "é\n1.png", len(label))
    (tmp_path / " " / "loop").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "self.png").symlink_to(tmp_path / "self.png")
    dataset = load_images(tmp_path)
    assert len(dataset.x_train) == 4
    assert {"猫 и dog", "new\nline", " "} < set(dataset.class_names)
    "".join(dataset.class_names).encode()  # what was no UTF-8 can be printed
    assert dataset.fingerprint


def test_linked_class_folders_are_followed(tmp_path: Path) -> None:
    for label in "ab":
        put(tmp_path / "elsewhere" / label / "1.png")
        (tmp_path / "data").mkdir(exist_ok=True)
        (tmp_path / "data" / label).symlink_to(tmp_path / "elsewhere" / label)
    assert load_images(tmp_path / "data").class_names == ("a", "b")


def test_a_folder_that_may_not_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for label in "abc":
        put(tmp_path / label / "1.png")
    real = os.scandir

    def scandir(path: str) -> object:
        if str(path).endswith("/c/"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    dataset = load_images(tmp_path)
    assert dataset.class_names == ("a", "b")
    assert dataset.removed == {
        "unreadable files": 1,
        "folders without a readable picture (c)": 1,
    }


def test_thousands_of_classes(tmp_path: Path) -> None:
    picture = put(tmp_path / "1" / "x.png").read_bytes()
    for label in range(2, 2001):
        (tmp_path / str(label)).mkdir()
        (tmp_path / str(label) / "x.png").write_bytes(picture)
    assert load_images(tmp_path).class_names == tuple(map(str, range(1, 2001)))


def test_content_knows_no_place_and_no_time(tmp_path: Path) -> None:
    for place in ("here", "there"):
        for label in "ab":
            put(tmp_path / place / label / "1.png", ord(label))
    os.utime(tmp_path / "there" / "a" / "1.png", (1, 1))
    here, there = load_images(tmp_path / "here"), load_images(tmp_path / "there")
    assert here.fingerprint == there.fingerprint
    (tmp_path / "there" / "b").rename(tmp_path / "there" / "c")
    assert load_images(tmp_path / "there").fingerprint != here.fingerprint
    put(tmp_path / "here" / "a" / "1.png", 3)
    assert load_images(tmp_path / "here").fingerprint != here.fingerprint


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([], "is empty"),
        (["a/x.txt", "b/y.txt"], "no pictures"),
        (["1.png", "2.png"], "no class folders"),
        (["train/a/1.png", "train/b/1.png", "test/c/1.png"], "'c' has pictures for test but none"),
        (["test/a/1.png", "test/b/1.png"], "no training set"),
        (["a/bad.png", "b/bad.png"], "none of its 2 pictures can be read"),
    ],
)
def test_what_makes_no_data_set(tmp_path: Path, names: list[str], words: str) -> None:
    for name in names:
        path = put(tmp_path / "data" / name.replace(".txt", ".png"))
        if name.endswith(".txt"):
            path.rename(path.with_suffix(".txt"))
        if "bad" in name:
            path.write_bytes(b"bad")
    (tmp_path / "data").mkdir(exist_ok=True)
    with pytest.raises(SourceError, match=words) as caught:
        load_images(tmp_path / "data")
    assert str(tmp_path / "data") in str(caught.value)


@pytest.mark.parametrize("name", ["missing", "file", "nul\0"])
def test_no_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SourceError, match="folder"):
        open_folder(tmp_path / name)


def test_more_than_memory_stays_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for subset, count in (("train", 6), ("val", 3), ("test", 2)):
        for label in "ab":
            for number in range(count):
                put(tmp_path / subset / label / f"{number}.png", 10 * number)
    held = load_images(tmp_path)
    monkeypatch.setattr(load_images_module, "IN_MEMORY", 100)
    streamed = load_images(tmp_path)
    assert streamed.fingerprint == held.fingerprint
    for one, other in (
        (streamed.x_train, held.x_train),
        (streamed.x_validation, held.x_validation),
        (streamed.x_test, held.x_test),
    ):
        assert isinstance(one, CachedPictures)
        assert one.shape == other.shape
        assert (one.read_all() == other).all()
        assert (one[[1, 0, 1]] == other[[1, 0, 1]]).all()


def test_new_pictures_are_read_alike(tmp_path: Path) -> None:
    for number in range(12):
        put(tmp_path / "ab"[number % 2] / f"{number}.png", number, (30 + number, 20))
    (tmp_path / "a" / "notes.txt").touch()
    dataset = load_images(tmp_path)
    bad = tmp_path / "a" / "bad.png"
    paths = list_pictures(tmp_path)
    assert [path.stem for path in paths] == [*map(str, range(0, 12, 2)), *map(str, range(1, 12, 2))]
    bad.write_bytes(b"bad")
    pictures, failed = read_pictures([bad, *index_images(tmp_path).paths], dataset.pictures_as)
    assert (pictures == dataset.x_train).all()
    assert [path for path, _ in failed] == [str(bad)]
    assert failed[0][1].startswith(str(bad))
    assert read_pictures([], dataset.pictures_as)[0].shape == (0, *dataset.input_shape)
    (tmp_path / "none").mkdir()
    with pytest.raises(SourceError, match="no pictures"):
        list_pictures(tmp_path / "none")


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("side", [12, 120])
def test_deep_pictures_have_one_scale(tmp_path: Path, bits: int, side: int) -> None:
    white = 2**bits - 1
    levels = [white, white // 2 + 1, white // 8]  # a bright, a middling and a dark one
    for label in "ab":
        for number, level in enumerate(levels):
            deep = np.full((side, side), level, np.uint16)
            deep[0, 0] = 0
            path = tmp_path / "data" / label / f"{number}.{'png' if label == 'a' else 'tif'}"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(deep).save(path)
    expected = [round(255 * level / white) for level in levels] * 2
    for _ in range(2):
        dataset = load_images(tmp_path / "data")
        assert dataset.pictures_as["range"] == [0, white]
        assert dataset.x_train[:, 9, 9, 0].tolist() == expected
    dark = tmp_path / "data" / "a" / "2.png"  # one alone has the scale of all
    assert read_pictures([dark], dataset.pictures_as)[0][0, 9, 9, 0] == expected[2]
    if bits < 16:
        Image.fromarray(np.full((9, 9), 4 * white, np.uint16)).save(tmp_path / "x.png")
        ((_, reason),) = read_pictures([tmp_path / "x.png"], dataset.pictures_as)[1]
        assert f"in training they were from 0 to {white}" in reason
        put(tmp_path / "data" / "a" / "plain.png", 77, (side, side))
        Image.fromarray(np.full((side, side), 65535, np.uint16)).save(dark)
        dataset = load_images(tmp_path / "data")  # the cache had another scale
        assert dataset.pictures_as["range"] == [0, 65535]
        assert dataset.x_train[3, 9, 9, 0] == 77
        assert dataset.x_train[:3, 9, 9, 0].tolist() == [
            *(round(255 * level / 65535) for level in levels[:2]), 255,
        ]  # fmt: skip


def test_files_that_vanish_while_the_folder_is_read_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for label in "ab":
        for number in range(3):
            put(tmp_path / label / f"{number}.png", number)
    real = os.scandir

    class Gone:
        """A folder's entry whose file has gone since it was listed."""

        def __init__(self, entry: os.DirEntry[str]) -> None:
            self.name, self.path, self.is_dir = entry.name, entry.path, entry.is_dir
            self.is_symlink = entry.is_symlink

        def stat(self) -> os.stat_result:
            raise FileNotFoundError(2, "No such file or directory")

    @contextmanager
    def scan(path: str) -> Iterator[list[Any]]:
        with real(path) as entries:
            yield [Gone(e) if e.path.endswith("a/1.png") else e for e in entries]

    monkeypatch.setattr(folder_module.os, "scandir", scan)
    files = index_images(tmp_path)
    reason = "can't be read (No such file or directory)"
    assert files.unreadable == [(str(tmp_path / "a" / "1.png"), reason)]
    assert len(files.paths) == 5
