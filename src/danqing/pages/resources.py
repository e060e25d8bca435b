"""Text files that belong to a package. Knows no page."""

from __future__ import annotations

from importlib.resources import files

__all__ = ["resource"]


def resource(package: str, name: str) -> str:
    """Read a text file of a package.

    Parameters
    ----------
    package : str
        Such as ``danqing.pages``.
    name : str
        The file's path within the package's folder.

    Examples
    --------
    >>> resource("danqing.pages", "choices.js").startswith("//")
    True
    """
    return files(package).joinpath(name).read_text(encoding="utf-8")
