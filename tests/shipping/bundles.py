"""Bundles made by hand: right ones, and every way of being wrong."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def parts_of(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def packed(
    parts: Mapping[str, bytes], /, *, sign: bool = True, compression: int = 0, **manifest: Any
) -> bytes:
    """Pack parts as a bundle; sign them unless they are to be found out by their checksums."""
    parts = dict(parts)
    if sign:
        plain = json.loads(parts["manifest.json"])
        plain["parts"] = {
            name: hashlib.sha256(content).hexdigest()
            for name, content in parts.items()
            if name != "manifest.json"
        }
        parts["manifest.json"] = json.dumps({**plain, **manifest}).encode()
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as zipped:
        for name, content in parts.items():
            zipped.writestr(zipfile.ZipInfo(name), content, compression)
    return file.getvalue()
