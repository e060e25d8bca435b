"""The language of network specs: text to words. Knows no shapes and no Keras.

A spec is a chain of words, joined by `-`, each with optional arguments in parentheses::

    conv(32,5)-batchnorm-relu-pool(2)-flatten-dropout(0.5)-dense(128)

Numbers are taken in the order of the table below, names of paddings and activations by
themselves, and anything by `name=value`: `conv(32,stride=2,padding=valid)`.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from danqing.errors import SpecError

__all__ = ["ACTIVATIONS", "Word", "parse"]

ACTIVATIONS = ("relu", "leaky_relu", "elu", "selu", "gelu", "silu", "tanh", "sigmoid", "linear")
PADDINGS = ("same", "valid")

# kind -> its arguments in order: name -> (type, least, greatest, default); no default: required
_SIZE = (int, 1, 1000)
_ARGUMENTS: dict[str, dict[str, tuple[type, float, float, float | None]]] = {
    "conv": {
        "filters": (int, 1, 65_536, None),
        "kernel": (*_SIZE, 3),
        "stride": (*_SIZE, 1),
    },
    "dense": {"units": (int, 1, 1_000_000, None)},
    "pool": {"size": (*_SIZE, 2)},
    "avgpool": {"size": (*_SIZE, 2)},
    "globalpool": {},
    "batchnorm": {},
    "dropout": {"rate": (float, 0.0, 0.99, 0.5)},
    "flatten": {},
    **{name: {} for name in ACTIVATIONS},
}
_WORD = re.compile(r"\s*([A-Za-z_]+)\s*(?:\(([^()]*)\))?\s*")


@dataclass(frozen=True)
class Word:
    """One word of a spec.

    Attributes
    ----------
    kind : str
        ``conv``, ``dense``, ``pool``, ``avgpool``, ``globalpool``, ``batchnorm``, ``dropout``,
        ``flatten`` or an activation.
    text : str
        The word as it was written.
    position : int
        Where it begins in the spec, counted from 1.
    settings : dict
        Its arguments, complete with defaults. ``padding`` and ``activation`` are strings;
        ``activation`` is None where the word names none.
    """

    kind: str
    text: str
    position: int
    settings: dict[str, int | float | str | None]


def parse(spec: str) -> tuple[Word, ...]:
    """Turn the text of a spec into its words.

    Raises
    ------
    SpecError
        With the offending word, its position, and what was expected there.

    Examples
    --------
    >>> [word.kind for word in parse("conv(32,5)-pool-dense(64)")]
    ['conv', 'pool', 'dense']
    >>> parse("conv(32,5,valid)")[0].settings
    {'filters': 32, 'kernel': 5, 'stride': 1, 'padding': 'valid', 'activation': None}
    """
    if not spec.strip():
        raise SpecError("the network's spec is empty; write something like 'dense(64)-dense(64)'")
    words, start = [], 0
    while True:
        match = _WORD.match(spec, start)
        end = match.end() if match else start
        if match is None or (end < len(spec) and spec[end] != "-"):
            raise _broken(spec, start)
        position = match.start(1) + 1
        words.append(_word(spec, match[1].lower(), match[2], match[0].strip(), position))
        if end == len(spec):
            return tuple(words)
        start = end + 1


def _broken(spec: str, start: int) -> SpecError:
    word = re.split(r"-(?![^(]*\))", spec[start:])[0].strip()
    if not word:
        return SpecError(
            f"network {spec!r}: a layer is missing at character {start + 1}; "
            "join layers by single '-', as in 'dense(64)-dense(64)'"
        )
    return SpecError(
        f"network {spec!r}: can't read {word!r} at character {start + 1}; "
        "expected a layer such as dense(64), conv(32,5) or relu, joined to the next by '-'"
    )


def _word(spec: str, kind: str, inside: str | None, text: str, position: int) -> Word:
    where = f"network {spec!r}: {text!r} at character {position}"
    if kind not in _ARGUMENTS:
        raise SpecError(f"{where} is no layer; {_nearest(kind, list(_ARGUMENTS))}")
    settings: dict[str, int | float | str | None] = {}
    numbers = list(_ARGUMENTS[kind])
    parts = [part.strip() for part in inside.split(",")] if inside and inside.strip() else []
    for part in parts:
        name, value = _named(part, kind, settings, numbers, where)
        if name in settings:
            raise SpecError(f"{where}: {name} is given twice")
        settings[name] = _checked(name, value, kind, where)
    for name, (_, _, _, default) in _ARGUMENTS[kind].items():
        if name not in settings:
            if default is None:
                raise SpecError(f"{where} lacks its number of {name}: write {kind}(64), say")
            settings[name] = default
    if kind == "conv":
        settings.setdefault("padding", "same")
    if kind in ("conv", "dense"):
        settings.setdefault("activation", None)
    order = [*numbers, "padding", "activation"]
    return Word(kind, text, position, {name: settings[name] for name in order if name in settings})


def _named(
    part: str,
    kind: str,
    settings: dict[str, int | float | str | None],
    numbers: list[str],
    where: str,
) -> tuple[str, str]:
    """Which argument a part such as `5`, `valid` or `stride=2` stands for, and its text."""
    if "=" in part:
        name, _, value = (piece.strip() for piece in part.partition("="))
        known = numbers + (["padding"] if kind == "conv" else [])
        known += ["activation"] if kind in ("conv", "dense") else []
        if name not in known:
            raise SpecError(f"{where}: {kind} has no {name!r}; {_nearest(name, known)}")
        return name, value
    if part in PADDINGS and kind == "conv":
        return "padding", part
    if part in ACTIVATIONS and kind in ("conv", "dense"):
        return "activation", part
    for name in numbers:
        if name not in settings:
            return name, part
    raise SpecError(f"{where}: {part!r} is one argument too many; {kind} takes {_takes(kind)}")


def _checked(name: str, value: str, kind: str, where: str) -> int | float | str:
    if name in ("padding", "activation"):
        allowed = PADDINGS if name == "padding" else ACTIVATIONS
        if value not in allowed:
            raise SpecError(f"{where}: {name} can't be {value!r}; {_nearest(value, list(allowed))}")
        return value
    number, least, greatest, _ = _ARGUMENTS[kind][name]
    try:
        checked = number(value)
    except ValueError:
        expected = "a whole number" if number is int else "a number"
        raise SpecError(f"{where}: {name} must be {expected}, not {value!r}") from None
    if not least <= checked <= greatest:
        raise SpecError(f"{where}: {name} must be from {least} to {greatest}, not {value}")
    result: int | float = checked
    return result


def _takes(kind: str) -> str:
    names = [*_ARGUMENTS[kind], *(["padding", "activation"] if kind == "conv" else [])]
    names += ["activation"] if kind == "dense" else []
    return ", ".join(names) or "none"


def _nearest(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"expected one of {', '.join(known)}" if known else "it takes no arguments"
