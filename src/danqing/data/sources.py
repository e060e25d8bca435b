"""From the word that names a source to its Dataset. Knows no network."""

from __future__ import annotations

import difflib

from danqing.data.dataset import Dataset
from danqing.data.mnist import load_mnist
from danqing.errors import SourceError

__all__ = ["load_data"]

_SOURCES = {"mnist": load_mnist}


def load_data(source: str = "mnist") -> Dataset:
    """Load the data that `source` names.

    Parameters
    ----------
    source : str
        ``mnist``, which is bundled.

    Raises
    ------
    SourceError
        If the source is unknown or damaged.

    Examples
    --------
    >>> from danqing import load_data
    >>> len(load_data("mnist").x_test)
    10000
    """
    if source not in _SOURCES:
        close = difflib.get_close_matches(str(source).lower(), list(_SOURCES), n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(_SOURCES)}"
        raise SourceError(f"source {source!r} is unknown; {hint}")
    return _SOURCES[source]()
