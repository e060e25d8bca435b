from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from danqing.data.images import load_images as load_images_module
from danqing.data.sources import load_data
from danqing.errors import SourceError


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DANQING_CACHE", str(tmp_path_factory.mktemp("cache")))


def pictures(folder: Path, count: int = 8) -> list[str]:
    (folder / "pics").mkdir(parents=True, exist_ok=True)
    for number in range(count):
        Image.new("L", (9, 7), 20 * number).save(folder / "pics" / f"{number}.png")
    return [f"pics/{number}.png" for number in range(count)]


def table(path: Path, head: str, rows: list[str]) -> Path:
    path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return path


def test_classes_from_a_table(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    names = pictures(tmp_path)
    rows = [
        f"{n},{name},{'cat' if n % 2 else 'dog'}" for n, name in reversed(list(enumerate(names)))
    ]
    path = table(tmp_path / "labels.csv", "number,file,label", rows)
    dataset = load_data(path)
    assert dataset.class_names == ("cat", "dog")
    assert dataset.target == "label"
    assert dataset.x_train[:, 3, 3, 0].tolist() == [20 * n for n in reversed(range(8))]
    assert dataset.y_train.tolist() == [0, 1] * 4
    assert dataset.names["train"][0] == str(tmp_path / "pics" / "7.png")
    assert "its column 'file' names pictures; 'label' is learned from them" in caplog.text
    assert load_data(path).fingerprint == dataset.fingerprint
    renamed = table(tmp_path / "labels.csv", "number,file,label", rows[::-1])
    assert load_data(renamed).fingerprint != dataset.fingerprint


def test_numbers_from_a_table(tmp_path: Path) -> None:
    rows = [f"{name};{n},5;{n}" for n, name in enumerate(pictures(tmp_path))]
    path = table(tmp_path / "ages.csv", "photo;age;siblings", rows)
    dataset = load_data(path, target="age")
    assert dataset.task == "regression"
    assert dataset.y_train.tolist() == [n + 0.5 for n in range(8)]
    assert load_data(path, target="siblings").task == "classification"
    assert load_data(path, target="siblings", task="regression").task == "regression"
    with pytest.raises(SourceError, match=r"ages\.csv"):
        load_data(path, target="size")
    one = table(tmp_path / "one.csv", "photo;age", [row.rpartition(";")[0] for row in rows])
    assert load_data(one).target == "age"


def test_what_is_not_there_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    names = [*pictures(tmp_path), "pics/gone.png", "", "pics/bad.png", "pics/3.png"]
    (tmp_path / "pics" / "bad.png").write_bytes(b"bad")
    rows = [f"{name},{'ab'[n % 2]}" for n, name in enumerate(names)]
    dataset = load_data(table(tmp_path / "labels.csv", "file,label", [*rows, "pics/1.png,"]))
    assert dataset.x_train[:, 3, 3, 0].tolist() == [*(20 * n for n in range(8)), 60]
    assert dataset.y_train.tolist() == [0, 1] * 4 + [1]
    assert dict(dataset.removed) == {
        "pictures that are not there": 1,
        "rows that name no picture": 1,
        "rows without a target": 1,
        "unreadable files": 1,
    }
    assert f"no such pictures (1): {tmp_path}/pics/gone.png" in caplog.text
    for file in (tmp_path / "pics").iterdir():
        file.unlink()
    (tmp_path / "pics" / "1.png").write_bytes(b"bad")
    with pytest.raises(SourceError, match="none of its 1 pictures can be read"):
        load_data(tmp_path / "labels.csv")


def test_a_table_for_each_subset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = pictures(tmp_path)
    rows = [f"{name},{n % 2}" for n, name in enumerate(names)]
    table(tmp_path / "train.csv", "file,label", rows[:6])
    table(tmp_path / "test.csv", "file,label", rows[6:])
    dataset = load_data(tmp_path)
    assert dataset.class_names == ("0", "1")
    assert dataset.x_test[:, 3, 3, 0].tolist() == [120, 140]
    monkeypatch.setattr(load_images_module, "IN_MEMORY", 10)
    streamed = load_data(tmp_path)
    assert not isinstance(streamed.x_test, np.ndarray)
    assert streamed.x_test[:][:, 3, 3, 0].tolist() == [120, 140]
    assert streamed.fingerprint == dataset.fingerprint


def test_a_table_that_only_mentions_pictures_stays_one(tmp_path: Path) -> None:
    rows = [f"{n}.png,{n % 3},{n % 2}" for n in range(60)]
    dataset = load_data(table(tmp_path / "x.csv", "file,size,label", rows))
    assert dataset.tabular


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda name: name.replace("/", "\\"), "names pictures; "),
        (lambda name: f"C:\\Users\\me\\{name}", "names pictures without the 3 first folders"),
        (lambda name: f"/home/me/set/{name}", "names pictures without the 3 first folders"),
        (lambda name: name.removeprefix("pics/"), "names pictures in pics/; "),
        (lambda name: name[5:-4], "names pictures in pics/, with .png at the end; "),
        (lambda name: f"./{name} ", "names pictures; "),
    ],
)
def test_names_as_other_programs_write_them(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, write: Callable[[str], str], said: str
) -> None:
    rows = [f"{write(name)},{'ab'[n % 2]}" for n, name in enumerate(pictures(tmp_path))]
    dataset = load_data(table(tmp_path / "labels.csv", "id,label", rows))
    assert dataset.x_train[:, 3, 3, 0].tolist() == [20 * n for n in range(8)]
    assert said in caplog.text


def test_numbers_and_words_that_happen_to_be_pictures_stay_a_table(tmp_path: Path) -> None:
    pictures(tmp_path, 3)  # 0.png, 1.png and 2.png
    rows = [f"{n},{n % 3},{n % 2}" for n in range(60)]
    assert load_data(table(tmp_path / "x.csv", "number,size,label", rows)).tabular


def test_a_table_of_pictures_that_are_elsewhere_is_refused(tmp_path: Path) -> None:
    rows = [f"there/{n}.png,{n % 2}" for n in range(60)]
    with pytest.raises(SourceError, match=r"such as there/0\.png, but none of them is there"):
        load_data(table(tmp_path / "x.csv", "file,label", rows))


@pytest.mark.parametrize("around", [True, False])
def test_a_folder_whose_labels_are_in_a_table_names_it(tmp_path: Path, around: bool) -> None:
    rows = [f"{name},{'ab'[n % 2]}" for n, name in enumerate(pictures(tmp_path))]
    folder = tmp_path if around else tmp_path / "pics"
    labels = table(folder / "labels.csv", "file,label", rows)
    with pytest.raises(SourceError, match=f"give th.* table.* {re.escape(str(labels))}"):
        load_data(folder)
