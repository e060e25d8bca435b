"""Training and test sets as folders, wherever they are and whatever they are called."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from danqing.data.images.layout import arrange
from danqing.data.sources import load_data


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DANQING_CACHE", str(tmp_path_factory.mktemp("cache")))


def names(*folders: str, classes: str = "ab") -> list[str]:
    return [f"{folder}/{c}/{n}.png" for folder in folders for c in classes for n in range(3)]


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("01_train", "02_test"), ("1. Train", "2. Test"), ("Trainingsdaten", "Testdaten"),
        ("entraînement", "test"), ("entrenamiento", "prueba"), ("treino", "teste"),
        ("訓練", "測試"), ("学習データ", "テストデータ"), ("훈련", "테스트"), ("обучение", "тест"),
        ("train", "tests"),
    ],
)  # fmt: skip
def test_in_other_words(train: str, test: str) -> None:
    found = arrange(names(train, test), "pets")
    assert {(file.subset, file.label) for file in found.files} == {
        ("train", "a"), ("train", "b"), ("test", "a"), ("test", "b"),
    }  # fmt: skip


def test_within_each_class() -> None:
    listed = [
        f"pets/{c}/{s}/{n}.png" for c in "ab" for s in ("Train", "Val", "Test") for n in range(2)
    ]
    found = arrange(listed, "pets")
    assert {file.label for file in found.files} == {"a", "b"}
    assert [file.subset for file in found.files] == ["train"] * 4 + ["validation"] * 4 + [
        "test"
    ] * 4
    assert found.files[0].name == "pets/a/Train/0.png"


@pytest.mark.parametrize(
    "listed",
    [
        # Not in each class; not only subsets; a single class; no training set.
        [*names("a/train", "a/test"), "b/1.png"],
        [f"{c}/{s}/1.png" for c in "ab" for s in ("train", "test", "wagons")],
        ["a/train/1.png", "a/test/1.png", "b/test/1.png"],
        [f"{c}/{s}/1.png" for c in "ab" for s in ("validation", "test")],
    ],
)
def test_what_is_within_a_class_stays_in_it(listed: list[str]) -> None:
    assert {file.subset for file in arrange(listed, "pets").files} == {"train"}


def test_classes_that_may_be_subsets_are_pointed_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in names("opetus", "koe"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8)).save(tmp_path / name)
    assert load_data(tmp_path).class_names == ("koe", "opetus")
    assert "each of the classes 'koe' and 'opetus' has the folders 'a' and 'b' in it" in caplog.text
