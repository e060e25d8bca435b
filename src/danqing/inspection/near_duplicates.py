"""Pictures that look alike without being equal: saved again, resized, slightly brightened.

A perceptual hash of the low frequencies (after Zauner 2010, "Implementation and benchmarking of
perceptual image hash functions") finds candidates in near-linear time; the pixels decide. Shifted
or cropped pictures are not found. Knows no labels.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["SMALLEST_SIDE", "low_frequencies", "near_duplicate_pairs"]

SMALLEST_SIDE = 16  # in smaller pictures, different things look alike
_BANDS = 4
_NEIGHBOURS = 12  # compared with each picture, per band
_BITS_APART = 10
# Of 20,000 pictures of MNIST no two correlate by 0.99, while a picture saved again as a JPEG of
# quality 75 correlates with the original by 0.995 or more.
_ALIKE = 0.99
_EDGES_ALIKE = 0.96  # the same for differences of neighbouring pixels: fine detail
_CHUNK = 1 << 24

Pairs = NDArray[np.int64]


def low_frequencies(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Give the 8x8 lowest frequencies of pictures' cosine transform.

    Parameters
    ----------
    pictures : ndarray of uint8, shape (n, height, width, channels)

    Returns
    -------
    ndarray of float32, shape (n, 64)
        The first is the mean brightness.

    Examples
    --------
    >>> frequencies = low_frequencies(np.full((1, 16, 16, 1), 9, np.uint8))
    >>> np.abs(frequencies).round(3).tolist()[0][:3]
    [9.0, 0.0, 0.0]
    """
    grey = pictures.mean(axis=3, dtype=np.float32)
    down, across = (_cosines(length) for length in grey.shape[1:])
    frequencies = np.einsum("uh,nhw,vw->nuv", down, grey, across, optimize=True)
    return np.asarray(frequencies.reshape(len(pictures), 64), dtype=np.float32)


def near_duplicate_pairs(
    frequencies: NDArray[np.float32], take: Callable[[NDArray[np.int64]], NDArray[np.uint8]]
) -> Pairs:
    """Find pairs of pictures that look alike.

    Parameters
    ----------
    frequencies : ndarray of float32, shape (n, 64)
        From `low_frequencies`, of pictures that are all different.
    take : callable
        Gives the pictures with these numbers, uint8.

    Returns
    -------
    ndarray of int64, shape (pairs, 2)
        The smaller number first.
    """
    detail = frequencies[:, 1:]
    strength = np.linalg.norm(detail, axis=1)
    visible = np.flatnonzero(strength > 1)  # the others are blank
    if len(visible) < 2:
        return np.empty((0, 2), dtype=np.int64)
    detail = detail[visible] / strength[visible, np.newaxis]
    pairs = _candidates(detail)
    # Pixels are read only where the low frequencies agree.
    similarity = np.einsum("ij,ij->i", detail[pairs[:, 0]], detail[pairs[:, 1]])
    pairs = visible[pairs[similarity > _ALIKE]]
    step = max(1, _CHUNK // max(1, take(pairs[:1, 0]).nbytes * 8)) if len(pairs) else 1
    alike = [
        _look_alike(take(some[:, 0]), take(some[:, 1]))
        for some in (pairs[start : start + step] for start in range(0, len(pairs), step))
    ]
    return np.asarray(pairs[np.concatenate(alike)] if alike else pairs)


def _cosines(length: int) -> NDArray[np.float32]:
    """Give the 8 longest cosine waves along a side; row 0 is the mean."""
    place = (np.arange(length) + 0.5) * np.pi / length
    return np.cos(np.arange(8)[:, np.newaxis] * place).astype(np.float32) / np.float32(length)


def _candidates(detail: NDArray[np.float32]) -> Pairs:
    """Pair pictures whose hashes share a band and differ in few bits.

    Sorted by a band and then by the rest, similar hashes are close to each other. Each is compared
    with the next few only, so that the work stays linear however many pictures share a band.
    """
    bits = detail > np.median(detail, axis=1, keepdims=True)
    packed = np.packbits(np.pad(bits, ((0, 0), (0, 1))), axis=1)
    width = packed.shape[1] // _BANDS
    found = []
    for band in range(_BANDS):
        turned = np.ascontiguousarray(np.roll(packed, -band * width, axis=1))
        order = np.argsort(turned.view(">u8").ravel(), kind="stable")
        for ahead in range(1, _NEIGHBOURS + 1):
            first, second = order[:-ahead], order[ahead:]
            apart = np.bitwise_count(packed[first] ^ packed[second]).sum(axis=1)
            near = apart <= _BITS_APART
            found.append(np.stack([first[near], second[near]], axis=1))
    pairs = np.sort(np.concatenate(found), axis=1)
    return np.unique(pairs, axis=0)


def _look_alike(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.bool_]:
    one, other = first.astype(np.float32), second.astype(np.float32)
    alike = _correlation(one, other) >= _ALIKE
    for axis in (1, 2):
        alike &= _correlation(np.diff(one, axis=axis), np.diff(other, axis=axis)) >= _EDGES_ALIKE
    return alike


def _correlation(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    one, other = (
        pixels.reshape(len(pixels), -1) - pixels.mean(axis=(1, 2, 3))[:, np.newaxis]
        for pixels in (one, other)
    )
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    product = np.einsum("ij,ij->i", one, other)
    return np.asarray(product / np.maximum(lengths, 1e-6), dtype=np.float32)
