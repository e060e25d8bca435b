"""Arguments of Python's doors: converted, or refused in a line. Knows no data and no runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from danqing.errors import ArgumentTypeError

__all__ = ["checked_callbacks", "checked_path"]


def checked_path(value: Any, what: str) -> Path:
    """Give a path.

    Parameters
    ----------
    value : str or path
    what : str
        The argument's name, for the message.

    Raises
    ------
    ArgumentTypeError
        If it is neither.

    Examples
    --------
    >>> checked_path(5, "out")
    Traceback (most recent call last):
    danqing.errors.ArgumentTypeError: out: expected a path, received 5
    """
    if not isinstance(value, str | os.PathLike) or not os.fspath(value):
        raise ArgumentTypeError(f"{what}: expected a path, received {value!r}")
    return Path(value)


def checked_callbacks(value: Any) -> tuple[Callable[..., Any], ...]:
    """Give callbacks as a tuple; a single function is one, and None is none.

    Raises
    ------
    ArgumentTypeError
        If one can't be called.

    Examples
    --------
    >>> checked_callbacks(print) == checked_callbacks([print]), checked_callbacks(None)
    (True, ())
    """
    if value is None:
        return ()
    found = (value,) if callable(value) or not isinstance(value, Iterable) else tuple(value)
    for one in found:
        if not callable(one):
            raise ArgumentTypeError(f"callbacks: expected functions, received {one!r}")
    return found
