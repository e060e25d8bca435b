from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from sklearn.preprocessing import StandardScaler

from danqing.data.dataset import Dataset
from danqing.errors import PictureError
from danqing.prediction.drawing import draw_like_mnist, read_picture
from danqing.preparation.scaling import Scaling, fit_scaling


@pytest.mark.parametrize("by", ["feature", "channel"])
def test_scaling_agrees_with_plain_arithmetic(small: Dataset, by: str) -> None:
    x = small.x_train
    scaling = fit_scaling(x, by)
    axes = (0,) if by == "feature" else (0, 1, 2)
    deviation = x.std(axis=axes, dtype=np.float64)
    np.testing.assert_allclose(scaling.mean_, x.mean(axis=axes, dtype=np.float64), atol=1e-9)
    np.testing.assert_allclose(scaling.scale_, np.where(deviation == 0, 1, deviation), rtol=1e-9)
    again = Scaling.from_json(scaling.to_json())
    assert (again.transform(x[:9]) == scaling.transform(x[:9])).all()


def test_scaling_by_feature_is_scikit_learns(small: Dataset) -> None:
    flat = small.x_train.reshape(len(small.x_train), -1)
    expected = StandardScaler().fit_transform(flat)
    got = fit_scaling(small.x_train, "feature").transform(small.x_train)
    np.testing.assert_allclose(got.reshape(flat.shape), expected, atol=1e-12)


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
        result, steps = read_picture(tmp_path / name, (28, 28, 1))
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
    picture, steps = read_picture(tmp_path / "seven.png", (28, 28, 1))
    assert steps == ""
    assert (picture == mnist.x_test[0]).all()


def test_transparent_ground_is_paper(tmp_path: Path) -> None:
    picture = Image.new("RGBA", (200, 200), (0, 0, 0, 0))
    ImageDraw.Draw(picture).line((100, 20, 100, 180), fill=(0, 0, 0, 255), width=12)
    picture.save(tmp_path / "one.png")
    result, steps = read_picture(tmp_path / "one.png", (28, 28, 1))
    assert steps.startswith("inverted")
    assert 20 <= (result > 128).sum() <= 80


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.png", b"", "is no picture"),
        ("text.png", b"hello", "is no picture"),
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
        read_picture(path, (28, 28, 1))
    assert name in str(caught.value)


def test_nothing_drawn() -> None:
    with pytest.raises(PictureError, match="shows nothing"):
        draw_like_mnist(np.full((50, 50), 7, np.uint8))


def test_a_folder_is_no_picture(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="is a folder"):
        read_picture(tmp_path, (28, 28, 1))
