"""Drawings come out as MNIST's do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from danqing.data.dataset import Dataset
from danqing.errors import PictureError
from danqing.prediction.drawing import draw_like_mnist, read_drawing
from danqing.prediction.even_light import even_out, has_light_ground


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


ROWS, COLUMNS = np.mgrid[:300, :400]
LIGHTS = {
    "dim": np.full((300, 400), 90.0),
    "slope": 60 + 175 * COLUMNS / 400,
    "shade": 235 - 120 / (1 + np.exp(-((COLUMNS + 0.6 * ROWS) - 250) / 25)),
    "mostly shade": 235 - 140 / (1 + np.exp(-((COLUMNS + 0.6 * ROWS) - 120) / 12)),
    "corners": 235 - 110 * ((COLUMNS - 200) ** 2 + (ROWS - 150) ** 2) / (200**2 + 150**2),
}


@pytest.mark.parametrize("light", LIGHTS)
@pytest.mark.parametrize("pen", [3, 17, 34])
@pytest.mark.parametrize("chalk", [False, True])
def test_uneven_light_is_no_ink(tmp_path: Path, light: str, pen: int, chalk: bool) -> None:
    drawn = Image.new("L", (400, 300))
    ImageDraw.Draw(drawn).ellipse((140, 60, 240, 230), outline=255, width=pen)
    ink = np.asarray(drawn, float) / 255
    found = []
    for name, bright in (("even", np.full(ink.shape, 225.0)), (light, LIGHTS[light])):
        photo = bright * (0.15 + 0.75 * ink if chalk else 1 - 0.75 * ink)
        photo += np.random.default_rng(0).normal(0, 2, ink.shape)
        path = tmp_path / f"{name}.png"
        Image.fromarray(photo.clip(0, 255).astype(np.uint8)).save(path)
        result, steps = read_drawing(path, (28, 28, 1))
        assert steps.startswith("inverted") != chalk
        found.append(result[..., 0].astype(float))
    assert np.abs(found[0] - found[1]).mean() < (12 if chalk else 8)
    assert (found[1].max(axis=1) > 60).sum() == 20  # nothing but the ellipse was cropped


def test_even_light_changes_no_pixel() -> None:
    grey = np.asarray(draw(True))
    assert (even_out(grey, light_ground=True) == 255 - grey).all()
    light = np.asarray(draw(False))
    assert (even_out(light, light_ground=False) == light).all()
    for size in ((1, 1), (2, 300), (300, 3), (9, 4000)):
        plain = np.full(size, 200, np.uint8)
        assert has_light_ground(plain)
        assert not even_out(plain, light_ground=True)[0, 0] - 55
