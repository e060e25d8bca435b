"""Drawings come out as MNIST's do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from danqing.data.dataset import Dataset
from danqing.errors import PictureError
from danqing.prediction.drawing import draw_like_mnist, read_drawing


def draw(light: bool, size: tuple[int, int] = (400, 300), shift: int = 0) -> Image.Image:
    picture = Image.new("L", size, 240 if light else 10)
    box = (100 + shift, 60, 180 + shift, 220)
    ImageDraw.Draw(picture).ellipse(box, outline=20 if light else 250, width=18)
    return picture


def test_a_drawing_comes_out_as_mnist_is(tmp_path: Path) -> None:
    results = []
    for name, picture in {
        "dark.png": draw(True),
        "light.png": draw(False),
        "shift.png": draw(True, shift=90),
    }.items():
        picture.save(tmp_path / name)
        result, steps = read_drawing(tmp_path / name, (28, 28, 1))
        assert "centred by mass" in steps
        results.append(result[..., 0].astype(float))
    for result in results:
        rows = np.flatnonzero(result.max(axis=1) > 30)
        assert rows[-1] - rows[0] + 1 == 20
        assert result[0].max() == 0
        centre = (result.sum(axis=1) * np.arange(28)).sum() / result.sum()
        assert abs(centre - 13.5) <= 0.6
    assert np.abs(results[0] - results[2]).max() < 3
    assert np.abs(results[0] - results[1]).mean() < 6


def test_a_genuine_digit_is_left_alone(tmp_path: Path, mnist: Dataset) -> None:
    Image.fromarray(mnist.x_test[0, ..., 0]).save(tmp_path / "seven.png")
    picture, steps = read_drawing(tmp_path / "seven.png", (28, 28, 1))
    assert steps == ""
    assert (picture == mnist.x_test[0]).all()


def test_transparent_ground_is_paper(tmp_path: Path) -> None:
    picture = Image.new("RGBA", (200, 200), (0, 0, 0, 0))
    ImageDraw.Draw(picture).line((100, 20, 100, 180), fill=(0, 0, 0, 255), width=12)
    picture.save(tmp_path / "one.png")
    result, steps = read_drawing(tmp_path / "one.png", (28, 28, 1))
    assert steps.startswith("inverted")
    assert 20 <= (result > 128).sum() <= 80


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.png", b"", "is not a picture"),
        ("text.png", b"hello", "is not a picture"),
        ("cut.png", None, "damaged"),
        ("missing.png", ..., "no such file"),
    ],
)
def test_what_is_no_picture(tmp_path: Path, name: str, content: object, words: str) -> None:
    path = tmp_path / name
    if content is None:
        draw(True).save(path)
        path.write_bytes(path.read_bytes()[:200])
    elif isinstance(content, bytes):
        path.write_bytes(content)
    with pytest.raises(PictureError, match=words) as caught:
        read_drawing(path, (28, 28, 1))
    assert name in str(caught.value)


def test_nothing_drawn() -> None:
    with pytest.raises(PictureError, match="shows nothing"):
        draw_like_mnist(np.full((50, 50), 7, np.uint8))


def test_a_folder_is_no_picture(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="is a folder"):
        read_drawing(tmp_path, (28, 28, 1))
