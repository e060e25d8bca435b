"""A bundle: one file, NAME.danqing, with a network and all that its predictions need.

It may come from anybody, so it is opened strictly: a zip whose parts are known by name, stored
without compression, none larger than it could be, each with its checksum in ``manifest.json``; an
ONNX model as Danqing writes it. Writes nothing and runs nothing; must load neither TensorFlow nor
scikit-learn. `danqing.shipping` writes bundles.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from danqing.errors import BundleError, BundleNotFound, DanqingError
from danqing.prediction.bundles.bundle_check import check_labels, check_preparation
from danqing.prediction.bundles.onnx_check import check_onnx
from danqing.runs.trained_network import TrainedNetwork

__all__ = ["BUNDLE_FORMAT", "PARTS", "SUFFIX", "Bundle", "read_bundle"]

BUNDLE_FORMAT = 1
"""Of what is written here; it changes when an older Danqing could not read it any more."""

SUFFIX = ".danqing"

_MB = 1 << 20
PARTS = {
    "manifest.json": _MB,
    "network.onnx": 1024 * _MB,
    "network.json": 64 * _MB,
    "labels.json": 16 * _MB,
    "calibration.json": _MB,
    "certificate.json": _MB,
    "card.md": 4 * _MB,
    "expects.png": 16 * _MB,
}
"""What a bundle may hold, and the most bytes of each."""

_OPTIONAL = ("card.md", "expects.png")
# What malformed data in JSON make the checks raise.
_WRONG = (LookupError, TypeError, ValueError, AttributeError, OverflowError)


class Bundle(TrainedNetwork):
    """The content of a bundle, checked; a `TrainedNetwork`.

    Parameters
    ----------
    name : str
        How messages refer to it: its path.
    parts : mapping of str to bytes
        By the names in `PARTS`.

    Raises
    ------
    BundleError
        If a part is damaged, or they don't agree.
    """

    def __init__(self, name: str, parts: Mapping[str, bytes]) -> None:
        self._name = name
        self.onnx_model = parts["network.onnx"]
        self.card = parts.get("card.md", b"").decode(errors="replace")
        self.expects = parts.get("expects.png", b"")
        self.manifest = self._json(parts, "manifest.json")
        self.network = self._json(parts, "network.json")
        self.data = self._json(parts, "labels.json")
        self.calibration = self._json(parts, "calibration.json")
        self.certificate = self._json(parts, "certificate.json")
        self._check()

    def __repr__(self) -> str:
        return f"Bundle({self.name!r})"

    @property
    def name(self) -> str:
        """How messages refer to it: its path."""
        return self._name

    def damaged(self, part: str, reason: str) -> BundleError:
        """Give the error to raise where a part turns out to be damaged."""
        return BundleError(f"{self.name}: {part} is damaged ({reason}); export it again")

    def _json(self, parts: Mapping[str, bytes], part: str) -> dict[str, Any]:
        try:
            plain = json.loads(parts[part], parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            raise self.damaged(part, "it is not JSON") from None
        if not isinstance(plain, dict):
            raise self.damaged(part, "it is not an object")
        return plain

    def _check(self) -> None:
        """Refuse parts that don't agree, before anything is computed with them."""
        try:
            check_labels(self.data, self.calibration)
        except _WRONG:
            raise self.damaged("labels.json", "it doesn't suit calibration.json") from None
        try:
            check_preparation(self.preparation, self.input_shape)
        except _WRONG:
            raise self.damaged("network.json", "its parts don't agree") from None
        try:
            if check_onnx(self.onnx_model) != (self.input_shape, (len(self.class_names) or 1,)):
                raise ValueError("takes or gives other shapes than the bundle says")
        except ValueError as error:
            raise BundleError(
                f"{self.name}: its network.onnx {error}; it is not loaded. Export it again from "
                "its run"
            ) from None


def read_bundle(path: str | os.PathLike[str]) -> Bundle:
    """Read a bundle into memory, and check it.

    Raises
    ------
    BundleNotFound
        If there is no such file.
    BundleError
        If it is damaged, of another format, or holds what no bundle does.
    """
    content = _read(Path(path))
    parts = _unpack(content, str(path))
    return Bundle(str(path), parts)


def _read(path: Path) -> bytes:
    largest = sum(PARTS.values())
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise BundleError(f"{path}: is no regular file; expected a bundle, NAME{SUFFIX}")
        if status.st_size <= largest:
            return path.read_bytes()
    except FileNotFoundError:
        raise BundleNotFound(
            f"bundle {path}: there is no such file; `danqing export RUN` writes one"
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a valid name"
        raise BundleError(f"bundle {path}: can't be read ({reason})") from None
    raise BundleError(f"{path}: is larger than a bundle can be, {largest // _MB:,} MB")


def _unpack(content: bytes, name: str) -> dict[str, bytes]:
    """Give the parts of a zip, each with the checksum that its manifest states."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            entries = packed.infolist()
            _check_entries(entries, len(content), name)
            parts = {entry.filename: _part(packed, entry) for entry in entries}
    except DanqingError:
        raise
    # What a damaged zip makes zipfile raise has no common base but Exception.
    except Exception as error:
        reason = "it is no zip" if not content.startswith(b"PK") else str(error) or "damaged"
        raise BundleError(
            f"{name}: is no bundle, or a damaged one ({reason.splitlines()[0]}); export it again"
        ) from None
    _check_manifest(parts, name)
    return parts


def _check_entries(entries: list[zipfile.ZipInfo], length: int, name: str) -> None:
    """Refuse what no bundle has, by the list of the zip's entries alone."""
    if len(entries) > len(PARTS):
        raise BundleError(
            f"{name}: has {len(entries):,} entries; a bundle has {len(PARTS)} at most"
        )
    for entry in entries:
        if entry.filename not in PARTS or entry.orig_filename != entry.filename:
            raise BundleError(
                f"{name}: holds {entry.orig_filename[:80]!r}, which is no part of a bundle; it is "
                "not opened"
            )
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            raise BundleError(f"{name}: {entry.filename} is a link or folder; it is not opened")
        if entry.flag_bits & 1:
            raise BundleError(f"{name}: {entry.filename} is encrypted; expected a plain bundle")
        if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
            raise BundleError(
                f"{name}: {entry.filename} is compressed; the parts of a bundle are stored as they "
                "are. Use the file that `danqing export` wrote"
            )
        if entry.file_size > PARTS[entry.filename]:
            raise BundleError(
                f"{name}: {entry.filename} has {entry.file_size:,} bytes; at most "
                f"{PARTS[entry.filename]:,} are expected"
            )
    names = [entry.filename for entry in entries]
    if len(set(names)) < len(names):
        raise BundleError(f"{name}: holds the same part twice; export it again")
    if missing := [part for part in PARTS if part not in (*names, *_OPTIONAL)]:
        raise BundleError(f"{name}: lacks {', '.join(missing)}; it is no bundle, or damaged")
    if sum(entry.file_size for entry in entries) > length:
        raise BundleError(f"{name}: its parts overlap; it is not opened")


def _part(packed: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    with packed.open(entry) as file:
        content = file.read(entry.file_size + 1)
    if len(content) != entry.file_size:
        raise ValueError(f"{entry.filename} is cut off")
    return content


def _check_manifest(parts: Mapping[str, bytes], name: str) -> None:
    try:
        manifest = json.loads(parts["manifest.json"])
        found, digests = manifest["format"], manifest["parts"]
        if not isinstance(digests, dict):
            raise TypeError
    except (ValueError, LookupError, TypeError, RecursionError):
        raise BundleError(f"{name}: manifest.json is damaged; export it again") from None
    if type(found) is not int or found != BUNDLE_FORMAT:
        newer = type(found) is int and found > BUNDLE_FORMAT
        fix = "upgrade danqing" if newer else "export it again from its run"
        shown = found if type(found) is int else "none"
        raise BundleError(
            f"{name}: has bundle format {shown}, and this danqing reads format {BUNDLE_FORMAT}; "
            f"{fix}"
        )
    actual = {
        part: hashlib.sha256(content).hexdigest()
        for part, content in parts.items()
        if part != "manifest.json"
    }
    if wrong := sorted(
        part for part in actual.keys() | digests.keys() if actual.get(part) != digests.get(part)
    ):
        raise BundleError(
            f"{name}: is damaged, {wrong[0]} is not what its manifest says; export it again, or "
            "copy it again from where it came"
        )


def _refuse_constant(word: str) -> float:
    raise ValueError(word)
