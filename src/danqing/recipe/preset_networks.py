"""The presets' networks, in words, for data of any size. Knows no training."""

from __future__ import annotations

__all__ = ["FEW_ROWS", "picture_network", "table_network"]

FEW_ROWS = 2000
"""Rows of a table; with fewer, a network overfits unless it is regularised."""

# For pictures with a side below 8 pixels, below 24, and larger. Batchnorm follows each convolution.
# "halve" stands for as many strided convolutions as reduce a picture to about the size of MNIST's.
_PICTURES = {
    "fast": (
        "conv(32,3) conv(64,3)",
        "conv(32,3) pool conv(64,3) pool conv(96,3) conv(128,3)",
        "conv(24,4,2,valid) halve conv(48,3,2,valid) conv(96,3,valid) conv(128,3,valid)",
    ),
    "best": (
        "conv(64,3) conv(128,3) conv(128,3)",
        "conv(32,3) conv(32,3) pool conv(64,3) conv(96,3) pool conv(128,3)",
        "conv(24,3,valid) conv(24,3,valid) pool halve conv(48,3,valid) conv(72,3,valid) pool "
        "conv(128,3,valid)",
    ),
    "tiny": (
        "conv(8,3) conv(12,3) globalpool",
        "conv(8,3) pool conv(10,3) conv(12,3) pool conv(12,3) globalpool",
        "conv(8,3,valid) pool halve conv(10,3,valid) conv(12,3,valid) pool conv(12,3,valid) "
        "globalpool",
    ),
}
_HALVING = {"fast": "conv(32,3,2)", "best": "conv(48,3,2)", "tiny": "conv(8,3,2)"}


def picture_network(preset: str, side: int) -> str:
    """Give a preset's network for pictures with a shorter side of so many pixels.

    Examples
    --------
    >>> picture_network("tiny", 5)
    'conv(8,3)-batchnorm-relu-conv(12,3)-batchnorm-relu-globalpool'
    """
    small, middling, large = _PICTURES[preset]
    words = (small if side < 8 else middling if side < 24 else large).split()
    if 8 <= side < 12:
        words.remove("pool")
    halvings = 0
    while side > 47:
        side, halvings = side // 2, halvings + 1
    if "halve" in words:
        place = words.index("halve")
        words[place : place + 1] = [_HALVING[preset]] * halvings
    return "-".join(f"{word}-batchnorm-relu" if "conv" in word else word for word in words)


def table_network(preset: str, rows: int) -> str:
    """Give a preset's network for a table of so many rows; `best` has the same as `fast`.

    Examples
    --------
    >>> table_network("fast", 50_000)
    'dense(256)-dense(128)-dense(64)'
    """
    if preset == "tiny":
        return "dense(16)-dense(8)"
    if rows < FEW_ROWS:
        return "dense(64)-dropout(0.3)-dense(32)-dropout(0.3)"
    return "dense(128)-dense(64)" if rows < 20_000 else "dense(256)-dense(128)-dense(64)"
