"""Names of files and folders that every system takes. Knows no run."""

from __future__ import annotations

import re

__all__ = ["portable_name"]

_MOST_BYTES = 120  # of the 255 that file systems allow: more is put around it
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)


def portable_name(text: str, otherwise: str = "data") -> str:
    r"""Make a name from any text: what Windows, macOS or Linux refuses becomes ``-``.

    Examples
    --------
    >>> portable_name("openml:credit-g"), portable_name('a/b\\c "d"?.'), portable_name("CON")
    ('openml-credit-g', 'a-b-c -d-', 'CON-')
    """
    name = "".join(c if c.isprintable() and c not in '<>:"/\\|?*' else "-" for c in text)
    name = name.encode(errors="replace").replace(b"?", b"-")[:_MOST_BYTES].decode(errors="ignore")
    # Windows drops dots and spaces at the end, and a first dot hides a folder.
    name = re.sub(r"-{2,}", "-", name).strip(". ") or otherwise
    return f"{name}-" if _RESERVED.fullmatch(name) else name
