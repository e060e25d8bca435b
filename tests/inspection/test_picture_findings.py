from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from danqing.data.dataset import Dataset
from danqing.errors import SourceError
from danqing.inspection.all_rows import AllRows
from danqing.inspection.contact_sheet import draw_contact_sheet
from danqing.inspection.finding import Finding
from danqing.inspection.near_duplicates import low_frequencies, near_duplicate_pairs
from danqing.inspection.picture_findings import find_picture_problems, summarise_pictures
from danqing.pages.fonts import find_font


def problems(dataset: Dataset) -> dict[str, Finding]:
    rows = AllRows(dataset)
    found = find_picture_problems(rows, summarise_pictures(rows))
    return {finding.kind: finding for finding in found}


def saved_again(picture: np.ndarray, quality: int) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(picture[..., 0]).save(file, "JPEG", quality=quality)
    with Image.open(file) as opened:
        return np.asarray(opened)[..., np.newaxis]


def near(x: np.ndarray) -> set[tuple[int, int]]:
    return {tuple(pair) for pair in near_duplicate_pairs(low_frequencies(x), lambda rows: x[rows])}


def test_no_two_pictures_of_mnist_are_near_duplicates(mnist: Dataset) -> None:
    x = mnist.x_train[:20_000]
    assert near(x) == set()


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda picture: saved_again(picture, 90), 0.97),
        (lambda picture: saved_again(picture, 75), 0.9),
        (lambda picture: np.clip(picture * 0.8 + 20, 0, 255).astype(np.uint8), 0.97),
    ],
)
def test_changed_copies_are_found(mnist: Dataset, change: object, found: float) -> None:
    x = np.concatenate([mnist.x_train[:2000], [change(one) for one in mnist.x_train[:100]]])
    planted = {(row, 2000 + row) for row in range(100)}
    assert len(near(x) & planted) >= found * 100
    assert not near(x) - planted


def test_large_colour_pictures_saved_smaller() -> None:
    random = np.random.default_rng(0)
    coarse = random.integers(0, 255, (40, 12, 12, 3), dtype=np.uint8)
    large = [Image.fromarray(one).resize((160, 120), Image.Resampling.BICUBIC) for one in coarse]
    again = [one.resize((120, 90)).resize((160, 120), Image.Resampling.BICUBIC) for one in large]
    assert near(np.stack([*large, *again])) == {(row, 40 + row) for row in range(40)}


def test_near_duplicates_say_where_they_matter(mnist: Dataset) -> None:
    copies = np.stack([saved_again(one, 90) for one in mnist.x_train[:3]])
    labels = mnist.y_train[:3].copy()
    labels[1] = (labels[1] + 1) % 10
    made = replace(
        mnist, x_train=mnist.x_train[:300], y_train=mnist.y_train[:300], x_test=copies,
        y_test=labels,
    )  # fmt: skip
    found = problems(made)["near-duplicates"]
    assert (found.count, found.severity) == (6, "warning")
    assert "3 of these pairs are split between" in found.message
    assert "1 of these pairs have different labels" in found.message
    assert "train[1] ~ test[1] (both 5)" in found.examples


def test_blank_pictures(small: Dataset) -> None:
    x = small.x_train[:100].copy()
    x[[5, 9]], x[20] = 0, 255
    found = problems(replace(small, x_train=x, y_train=small.y_train[:100]))
    assert list(found) == ["blank"]
    assert (found["blank"].count, found["blank"].examples) == (
        3, ("train[6]", "train[10]", "train[21]"),
    )  # fmt: skip


def test_a_fine_pattern_is_not_blank(small: Dataset) -> None:
    x = small.x_train[:100].copy()
    x[0, ..., 0] = np.indices((28, 28)).sum(axis=0) % 2
    assert problems(replace(small, x_train=x, y_train=small.y_train[:100])) == {}


def test_clean_pictures(small: Dataset) -> None:
    assert problems(small) == {}


class Files:
    unreadable = ()

    def __init__(self, paths: list[str]) -> None:
        self.paths = paths


def test_sizes_of_files(tmp_path: Path, small: Dataset) -> None:
    paths = []
    for number, size in enumerate([(28, 28)] * 7 + [(60, 60), (30, 30), (100, 30)]):
        paths.append(str(tmp_path / f"{number}.png"))
        Image.new("L", size, number * 20).save(paths[-1])
    made = replace(
        small, x_train=small.x_train[:10], y_train=small.y_train[:10], x_test=small.x_test[:0],
        y_test=small.y_test[:0], names={"train": paths},
    )  # fmt: skip
    rows = AllRows(made, Files(paths))
    summary = summarise_pictures(rows)
    assert summary["files"] == {
        "examined": 10, "different_sizes": 4, "most_common": [28, 28], "smallest": [28, 28],
        "largest": [60, 60], "distorted": 1,
    }  # fmt: skip
    (found,) = find_picture_problems(rows, summary)
    assert found.kind == "different-sizes"
    assert found.severity == "warning"
    assert rows.name(3) == paths[3]


@settings(max_examples=60, deadline=None)
@given(
    count=st.integers(0, 20),
    shape=st.tuples(st.integers(1, 30), st.integers(1, 30), st.sampled_from([1, 3])),
    levels=st.sampled_from([1, 2, 256]),
    seed=st.integers(0, 1000),
)
def test_any_pictures_can_be_inspected(
    count: int, shape: tuple[int, ...], levels: int, seed: int
) -> None:
    x = np.random.default_rng(seed).integers(0, levels, (count, *shape), dtype=np.uint8)
    y = np.arange(count) % 2
    made = Dataset("made", "", x, y, x[:0], y[:0], ("a", "b"))
    found = problems(made)
    assert ("blank" in found) == any(np.ptp(one) == 0 for one in x)
    assert draw_contact_sheet(made).width == 1176


def test_contact_sheet_shows_every_class(small: Dataset) -> None:
    sheet = draw_contact_sheet(small)
    assert sheet.size == (1176, 932)
    shown = np.asarray(sheet.convert("L"))
    # The first picture of class 0, enlarged by whole pixels, is on the page.
    first = small.x_train[np.flatnonzero(small.y_train == 0)[0], ..., 0]
    left, top = 28 + 190, 64
    thumb = np.asarray(Image.fromarray(first).resize((72, 72), Image.Resampling.NEAREST))
    assert np.array_equal(shown[top : top + 72, left : left + 72], thumb)


def test_contact_sheet_copes_with_names(small: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("玫瑰", "x" * 300, "line\nbreak", "", "Ünïcode", "🎨", *"6789")
    made = replace(small, name="花卉", class_names=names)
    assert draw_contact_sheet(made).width == 1176
    module = "danqing.pages.fonts"
    monkeypatch.setattr(f"{module}._font_files", lambda: iter(()))
    assert find_font("玫瑰") is None
    assert draw_contact_sheet(made).width == 1176
    # Without FreeType, Pillow has but one font of pixels, for Latin-1.
    monkeypatch.setattr(f"{module}.ImageFont.load_default", lambda size: _pixel_font())
    assert draw_contact_sheet(made).width == 1176


def _pixel_font() -> object:
    from PIL import ImageFont

    return ImageFont.load_default_imagefont()


def test_damaged_font_is_passed_over(
    small: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "DejaVuSans.ttf"
    broken.write_bytes(b"no font")
    module = "danqing.pages.fonts"
    monkeypatch.setattr(f"{module}._font_files", lambda: iter([broken]))
    assert find_font("a") == broken
    assert draw_contact_sheet(small).width == 1176


def test_contact_sheet_of_many_classes_and_of_numbers() -> None:
    x = np.zeros((500, 10, 30, 3), np.uint8)
    y = np.arange(500) % 100
    many = Dataset("made", "", x, y, x[:0], y[:0], tuple(map(str, range(100))))
    assert draw_contact_sheet(many).height == 64 + 20 * 84 + 28
    numbers = replace(many, y_train=y / 3, class_names=())
    assert draw_contact_sheet(numbers).height == 64 + 10 * 84 + 28


def test_contact_sheet_refuses_a_table() -> None:
    from danqing import load_data

    with pytest.raises(SourceError, match="is a table"):
        draw_contact_sheet(load_data("iris"))
