"""Corruptions of pictures: eight kinds, five strengths each.

Knows no network. In the spirit of D. Hendrycks & T. Dietterich 2019, "Benchmarking neural network
robustness to common corruptions and perturbations", ICLR, with strengths relative to the
picture's side.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["STRENGTHS", "corrupt", "kinds_for"]

Pictures = NDArray[np.float32]

STRENGTHS: dict[str, tuple[float, ...]] = {
    "shift": (0.04, 0.07, 0.11, 0.15, 0.2),  # of the side
    "rotation": (10, 20, 30, 45, 60),  # degrees
    "noise": (0.08, 0.16, 0.25, 0.35, 0.5),  # standard deviation, of the range of values
    "blur": (0.02, 0.035, 0.05, 0.07, 0.1),  # standard deviation, of the side
    "thicker": (0.02, 0.035, 0.05, 0.07, 0.1),  # radius, of the side
    "thinner": (0.01, 0.018, 0.026, 0.035, 0.045),  # radius, of the side
    "contrast": (0.7, 0.5, 0.35, 0.2, 0.1),  # factor
    "occlusion": (0.15, 0.25, 0.35, 0.45, 0.55),  # of the side
}
"""Each kind's five strengths, weakest first."""

_STROKES = ("thicker", "thinner")


def kinds_for(shape: tuple[int, ...]) -> tuple[str, ...]:
    """Give the kinds of corruption for pictures of a shape: only grey ones have strokes.

    Examples
    --------
    >>> len(kinds_for((28, 28, 1))), len(kinds_for((32, 32, 3)))
    (8, 6)
    """
    return tuple(kind for kind in STRENGTHS if shape[-1] == 1 or kind not in _STROKES)


def corrupt(pictures: NDArray[np.uint8], kind: str, level: int, seed: int = 0) -> NDArray[np.uint8]:
    """Corrupt pictures.

    Parameters
    ----------
    pictures : ndarray of uint8, shape (n, height, width, channels)
    kind : str
        A key of `STRENGTHS`.
    level : int
        From 0, the weakest, to 4.
    seed : int
        Of directions, positions and noise.

    Returns
    -------
    ndarray of uint8, same shape

    Examples
    --------
    >>> black = np.zeros((2, 28, 28, 1), np.uint8)
    >>> corrupt(black, "noise", 4).mean() > 20, int(corrupt(black, "blur", 4).max())
    (np.True_, 0)
    """
    rng = np.random.default_rng([seed, list(STRENGTHS).index(kind), level])
    strength = STRENGTHS[kind][level]
    side = min(pictures.shape[1:3])
    x = pictures.astype(np.float32)
    match kind:
        case "shift":
            angles = rng.uniform(0, 2 * np.pi, len(x))
            steps = strength * side * np.stack([np.sin(angles), np.cos(angles)], axis=1)
            made = _transformed(x, np.zeros(len(x)), steps)
        case "rotation":
            angles = np.radians(strength) * rng.choice([-1, 1], len(x))
            made = _transformed(x, angles, np.zeros((len(x), 2)))
        case "noise":
            made = x + rng.normal(0, 255 * strength, x.shape).astype(np.float32)
        case "blur":
            from scipy.ndimage import gaussian_filter

            made = gaussian_filter(x, (0, strength * side, strength * side, 0), mode="nearest")
        case "contrast":
            mean = x.mean(axis=(1, 2, 3), keepdims=True)
            made = mean + strength * (x - mean)
        case "occlusion":
            made = _occluded(x, round(strength * side), rng)
        case _:
            made = _strokes(x, strength * side, thicker=kind == "thicker")
    return np.asarray(np.clip(made, 0, 255).round(), dtype=np.uint8)


def _transformed(x: Pictures, angles: NDArray[Any], steps: NDArray[Any]) -> Pictures:
    """Rotate each picture about its centre, then shift it; edge pixels are repeated outwards."""
    from scipy.ndimage import affine_transform

    made = np.empty_like(x)
    centre = (np.array(x.shape[1:3]) - 1) / 2
    for number, (angle, step) in enumerate(zip(angles, steps, strict=True)):
        cosine, sine = np.cos(angle), np.sin(angle)
        rotation = np.array([[cosine, -sine], [sine, cosine]])
        offset = centre - rotation @ (centre + step)
        for channel in range(x.shape[-1]):
            made[number, ..., channel] = affine_transform(
                x[number, ..., channel], rotation, offset, order=1, mode="nearest"
            )
    return made


def _occluded(x: Pictures, side: int, rng: np.random.Generator) -> Pictures:
    """Cover a square of each picture with its background colour."""
    made, background = x.copy(), _background(x)
    for number in range(len(x)):
        top, left = (int(rng.integers(0, length - side + 1)) for length in x.shape[1:3])
        made[number, top : top + side, left : left + side] = background[number]
    return made


def _background(x: Pictures) -> Pictures:
    """Give the median colour of each picture's border, shape (n, channels)."""
    border = np.concatenate([x[:, 0], x[:, -1], x[:, :, 0], x[:, :, -1]], axis=1)
    return np.asarray(np.median(border, axis=1), dtype=np.float32)


def _strokes(x: Pictures, radius: float, *, thicker: bool) -> Pictures:
    """Dilate or erode the ink, what differs from the background, by `radius` pixels."""
    light = (_background(x) > 127)[:, None, None, :]
    ink = np.where(light, 255 - x, x)
    whole = int(radius)
    inner, outer = _dilated(ink, whole, thicker), _dilated(ink, whole + 1, thicker)
    made = inner + np.float32(radius - whole) * (outer - inner)
    return np.asarray(np.where(light, 255 - made, made))


def _dilated(ink: Pictures, radius: int, thicker: bool) -> Pictures:
    """Give each pixel the most ink within a disk around it; the least unless `thicker`."""
    pick = np.maximum if thicker else np.minimum
    height, width = ink.shape[1:3]
    padded = np.pad(ink, ((0, 0), (radius, radius), (radius, radius), (0, 0)), mode="edge")
    made = ink
    for down in range(-radius, radius + 1):
        for right in range(-radius, radius + 1):
            if down**2 + right**2 <= (radius + 0.5) ** 2:
                top, left = radius + down, radius + right
                made = pick(made, padded[:, top : top + height, left : left + width])
    return made
