"""Picture files and drawings, made to look like the pictures a network was trained on.

MNIST's own steps, as its authors describe them: the ink is cropped, scaled to fit 20x20 pixels
with its proportions kept, and placed in 28x28 so that its centre of mass is in the middle
(LeCun, Bottou, Bengio & Haffner 1998, "Gradient-based learning applied to document recognition",
section III.A). Knows no network.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from danqing.errors import PictureError

__all__ = ["draw_like_mnist", "read_picture"]

_INK = 20 / 28  # share of a side that the ink fills
_LARGEST = 50_000_000  # pixels; more is a decompression bomb, not a drawing


def read_picture(
    path: str | Path, input_shape: tuple[int, int, int]
) -> tuple[NDArray[np.uint8], str]:
    """Read a picture file as a network of `input_shape` wants it.

    A grey picture of the very size, on a dark ground, is taken as it is. Any other is taken for
    a drawing, dark on light or light on dark.

    Returns
    -------
    picture : ndarray of uint8, shape (height, width, 1)
    steps : str
        What was done to it, in words; empty if nothing was.

    Raises
    ------
    PictureError
        If the file is missing, is no picture, is far too large, or shows nothing.
    """
    grey = _read_grey(Path(path))
    height, width, _ = input_shape
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    light_ground = float(np.median(border)) > 127
    if grey.shape == (height, width) and not light_ground:
        return grey[..., np.newaxis], ""
    try:
        drawn = draw_like_mnist(255 - grey if light_ground else grey, (height, width))
    except PictureError as error:
        raise PictureError(f"{path}: {error}") from None
    inverted = "inverted, " if light_ground else ""
    return drawn[..., np.newaxis], f"{inverted}cropped, scaled, centred by mass"


def draw_like_mnist(ink: NDArray[np.uint8], size: tuple[int, int] = (28, 28)) -> NDArray[np.uint8]:
    """Crop, scale and centre light ink on a dark ground as MNIST's authors did.

    Parameters
    ----------
    ink : ndarray of uint8, shape (height, width)
    size : (height, width) of the result

    Raises
    ------
    PictureError
        If there is no ink: all pixels are about the same.

    Examples
    --------
    >>> stroke = np.zeros((200, 300), np.uint8)
    >>> stroke[50:150, 20:30] = 255
    >>> drawn = draw_like_mnist(stroke)
    >>> drawn.shape, int(np.flatnonzero(drawn.max(axis=1))[0])
    ((28, 28), 4)
    """
    low, high = int(np.percentile(ink, 5)), int(ink.max())
    if high - low < 32:
        raise PictureError("shows nothing: all its pixels are about the same; draw with contrast")
    # Paper has a tone and grain: below a fifth of the ink's own contrast, it is ground.
    stretched = np.clip((ink.astype(np.float64) - low) / (high - low), 0, 1)
    stretched[stretched < 0.2] = 0
    rows, columns = np.flatnonzero(stretched.any(axis=1)), np.flatnonzero(stretched.any(axis=0))
    cropped = stretched[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    side = _INK * min(size) / max(cropped.shape)
    scaled_size = tuple(max(1, round(length * side)) for length in cropped.shape)
    scaled = np.asarray(
        Image.fromarray((cropped * 255).astype(np.uint8)).resize(
            (scaled_size[1], scaled_size[0]), Image.Resampling.LANCZOS
        ),
        dtype=np.float64,
    )
    # Thin strokes fade when they shrink; MNIST's ink is fully bright in its middle.
    scaled *= 255 / max(scaled.max(), 1)
    placed = np.zeros(size)
    starts = []
    for axis in (0, 1):
        mass = scaled.sum(axis=1 - axis)
        centre = float((mass * (np.arange(len(mass)) + 0.5)).sum() / mass.sum())
        start = round(size[axis] / 2 - centre)
        starts.append(min(max(start, 0), size[axis] - scaled.shape[axis]))
    placed[starts[0] : starts[0] + scaled.shape[0], starts[1] : starts[1] + scaled.shape[1]] = (
        scaled
    )
    return np.asarray(placed.round(), dtype=np.uint8)


def _read_grey(path: Path) -> NDArray[np.uint8]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as opened:
                if opened.width * opened.height > _LARGEST:
                    raise PictureError(
                        f"{path}: has {opened.width}x{opened.height} pixels; "
                        f"at most {_LARGEST:,} are read, make it smaller"
                    )
                upright = ImageOps.exif_transpose(opened)
                if upright.mode.startswith("I"):  # 16 bits a pixel: Pillow's own way cuts them
                    deep = np.asarray(upright, dtype=np.float64)
                    return np.asarray(deep * 255 / max(deep.max(), 1), dtype=np.uint8)
                coloured = upright.convert("RGBA")
                paper = Image.new("RGBA", coloured.size, "white")
                flat = Image.alpha_composite(paper, coloured).convert("L")
                return np.asarray(flat, dtype=np.uint8)
    except FileNotFoundError:
        raise PictureError(f"{path}: there is no such file") from None
    except IsADirectoryError:
        raise PictureError(f"{path}: is a folder; name the picture files in it") from None
    except PermissionError:
        raise PictureError(f"{path}: may not be read; check its permissions") from None
    except UnidentifiedImageError:
        raise PictureError(f"{path}: is no picture; expected PNG, JPEG or the like") from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise PictureError(f"{path}: is damaged or too large ({error})") from None
