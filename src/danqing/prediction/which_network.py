"""Which network the words of `danqing predict` mean: a run, a bundle, or the bundled digits.

Knows no command line, and predicts nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from danqing.data.images.layout import is_picture_name
from danqing.errors import BundleError, PictureError, RunError
from danqing.runs.run_folder import RunFolder, load_run
from danqing.runs.trained_network import TrainedNetwork
from danqing.runs.trained_run import load_trained_run

__all__ = ["DIGITS", "choose_network", "open_network"]

_SUFFIX = ".danqing"

DIGITS = Path(__file__).parent.parent / "models" / f"digits{_SUFFIX}"
"""The digit network that the package carries: preset `best`, trained on MNIST."""

_STARTS = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"RIFF", b"II*\0", b"MM\0*")


def open_network(path: Path) -> TrainedNetwork:
    """Open a bundle if the name ends in ``.danqing``, otherwise a run folder.

    Raises
    ------
    RunError, BundleError
        If it is neither, or damaged.
    """
    if path.name.lower().endswith(_SUFFIX) and not path.is_dir():
        from danqing.prediction.bundles.bundle import read_bundle  # zips take time to import

        return read_bundle(path)
    return load_run(path)


def choose_network(words: Sequence[str]) -> tuple[TrainedNetwork, list[str], bool]:
    """Give the network, the other words, and whether it is the bundled one.

    The first word is a run if it is a folder with ``config.json``, a bundle if it ends in
    ``.danqing``. Otherwise the bundled digit network is meant, but only if every word is a picture
    file that exists.

    Raises
    ------
    RunError, BundleError
        If no network is meant, or it can't be opened.
    """
    first, *rest = words
    path = Path(first).expanduser()
    if RunFolder(path).begun:
        return load_trained_run(path), rest, False
    if path.name.lower().endswith(_SUFFIX):
        return open_network(path), rest, False
    if all(_is_picture(word) for word in words):
        if not DIGITS.is_file():
            raise BundleError(
                "this installation carries no digit network; name a run folder or a bundle first"
            )
        return open_network(DIGITS), list(words), True
    if is_picture_name(path.name) and len(words) == 1 and not path.exists():
        raise PictureError(f"{first}: there is no such file; name a picture, a run or a bundle")
    if _is_picture(first):
        other = next(word for word in words if not _is_picture(word))
        raise RunError(
            f"{other}: is no picture file; without a run or a bundle as first word, only pictures "
            "of digits are predicted"
        )
    return load_run(path), rest, False  # raises: it is no run


def _is_picture(word: str) -> bool:
    """Whether a word is a picture file, by its name or its first bytes."""
    path = Path(word).expanduser()
    try:
        if not path.is_file():
            return False
        if is_picture_name(path.name):
            return True
        with path.open("rb") as file:
            return file.read(8).startswith(_STARTS)
    except (OSError, ValueError):
        return False
