"""Tables of pictures that were made on another computer."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from PIL import Image

from danqing.data.images.picture_names import PictureNames, find_pictures
from danqing.data.sources import load_data


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DANQING_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(6):
        place = tmp_path / "pets" / ("Cats" if number % 2 else "Dogs")
        place.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), 40 * number).save(place / f"IMG_{number}.JPG")
    return tmp_path


def here(number: int) -> str:
    return f"{'Cats' if number % 2 else 'Dogs'}/IMG_{number}.JPG"


SPELT = {
    "windows": lambda n: "pets\\" + here(n).replace("/", "\\"),
    "windows, from a drive": lambda n: "C:\\Users\\Li\\pets\\" + here(n).replace("/", "\\"),
    "windows, mixed": lambda n: "D:/photos/pets\\" + here(n),
    "windows, a share": lambda n: "\\\\nas\\photos\\pets\\" + here(n).replace("/", "\\"),
    "mac": lambda n: "/Users/li/Pictures/pets/" + here(n),
    "dots": lambda n: "./pets/../pets/" + here(n),
    "lower case": lambda n: f"pets/{here(n)}".lower(),
    "windows, lower case": lambda n: f"c:\\data\\pets\\{here(n)}".lower().replace("/", "\\"),
    "spaces around": lambda n: f" pets/{here(n)} ",
}


@pytest.mark.parametrize("how", SPELT)
def test_wherever_the_table_was_made(folder: Path, how: str) -> None:
    rows = [f"{SPELT[how](n)},{'cat' if n % 2 else 'dog'}" for n in (3, 1, 0, 2, 5, 4)]
    (folder / "labels.csv").write_bytes("\r\n".join(["\ufefffile,label", *rows, ""]).encode())
    dataset = load_data(folder / "labels.csv")
    assert dataset.x_train[:, 4, 4, 0].tolist() == [40 * n for n in (3, 1, 0, 2, 5, 4)]
    assert dataset.y_train.tolist() == [0, 0, 1, 1, 0, 1]
    assert (folder / "pets" / here(3)).samefile(dataset.names["train"][0])


def test_two_folders_elsewhere_never_become_one(tmp_path: Path) -> None:
    Image.new("L", (8, 8)).save(tmp_path / "1.png")
    assert find_pictures(["/old/a/1.png", "/old/b/1.png"], tmp_path) is None
    found = find_pictures(["/old/a/1.png"], tmp_path)
    assert found is not None
    assert found.path("/old/a/1.png") == f"{tmp_path}/1.png"


def test_names_that_differ_in_case_only_are_not_guessed(tmp_path: Path) -> None:
    for name in ("a.png", "A.png"):
        (tmp_path / name).write_bytes(b"")
    if len(list(tmp_path.iterdir())) == 1:
        pytest.skip("the file system does not tell them apart")
    names = PictureNames(tmp_path)
    assert names.path("a.png") == f"{tmp_path}/a.png"
    assert names.path("A.PNG") == f"{tmp_path}/A.PNG"
    (tmp_path / "A.png").unlink()
    assert names.path("A.PNG") == f"{tmp_path}/a.png"


def test_accents_as_a_mac_writes_them(tmp_path: Path) -> None:
    (tmp_path / unicodedata.normalize("NFD", "Zoë.png")).write_bytes(b"")
    assert Path(PictureNames(tmp_path).path(unicodedata.normalize("NFC", "zoë.png"))).is_file()


@pytest.mark.parametrize("name", [" ", "\0.png", "../" * 9, "no/such.png", "C:", "/", "\\\\"])
def test_what_is_no_name_is_not_found(tmp_path: Path, name: str) -> None:
    assert find_pictures([name] * 5, tmp_path) is None
