"""The language of network specs: text to words. Knows no shapes and no Keras.

A spec is a chain of words, joined by `-`, each with optional arguments in parentheses::

    conv(32,5)-batchnorm-relu-pool(2)-flatten-dropout(0.5)-dense(128)

Numbers are taken in the order of `danqing.recipe.layer_kinds`, names of paddings and activations
by themselves, and anything by `name=value`: `conv(32,stride=2,padding=valid)`.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from danqing.errors import SpecError
from danqing.recipe.layer_kinds import LAYER_KINDS, LINEAR, Choice, LayerKind

__all__ = ["Word", "parse"]

_WORDS = {
    **{name: kind for name, kind in LAYER_KINDS.items() if kind.written},
    LINEAR: LayerKind(),
}
# What Keras, PyTorch or papers call our words.
_ELSEWHERE = {
    "swish": "silu", "hardswish": "silu", "mish": "silu", "lrelu": "leaky_relu",
    "leakyrelu": "leaky_relu", "prelu": "leaky_relu", "logistic": "sigmoid",
    "hardsigmoid": "sigmoid", "identity": "linear", "none": "linear", "fc": "dense",
    "maxpool": "pool", "maxpooling": "pool", "averagepool": "avgpool",
    "averagepooling": "avgpool", "meanpool": "avgpool", "gap": "globalpool",
    "globalavgpool": "globalpool", "globalaveragepooling": "globalpool", "bn": "batchnorm",
    "batchnormalization": "batchnorm", "convolution": "conv",
}  # fmt: skip
_WORD = re.compile(r"\s*([A-Za-z_][A-Za-z_0-9]*)\s*(?:\(([^()]*)\))?\s*")


@dataclass(frozen=True)
class Word:
    """One word of a spec.

    Attributes
    ----------
    kind : str
        A key of `danqing.recipe.layer_kinds.LAYER_KINDS`, or ``linear``.
    text : str
        The word as it was written.
    position : int
        Where it begins in the spec, counted from 1.
    settings : dict
        Its arguments, defaults included. ``activation`` is None unless the word names one.
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
    if kind not in _WORDS:
        raise SpecError(f"{where} is no layer; {_nearest(kind, list(_WORDS))}")
    arguments = _WORDS[kind].arguments
    given: dict[str, int | float | str] = {}
    pieces = [piece.strip() for piece in inside.split(",")] if inside and inside.strip() else []
    for piece in pieces:
        name, value = _named(piece, kind, given, where)
        if name in given:
            raise SpecError(f"{where}: {name} is given twice; keep one")
        given[name] = _checked(name, value, kind, where)
    for name, argument in arguments.items():
        if name not in given and not isinstance(argument, Choice) and argument.default is None:
            raise SpecError(f"{where} lacks its number of {name}: write {kind}(64), say")
    settings = {name: given.get(name, argument.default) for name, argument in arguments.items()}
    return Word(kind, text, position, settings)


def _named(
    piece: str, kind: str, given: dict[str, int | float | str], where: str
) -> tuple[str, str]:
    """Find which argument a piece such as `5`, `valid` or `stride=2` stands for, and its text."""
    arguments = _WORDS[kind].arguments
    if "=" in piece:
        name, _, value = (side.strip() for side in piece.partition("="))
        if name not in arguments:
            raise SpecError(f"{where}: {kind} has no {name!r}; {_nearest(name, list(arguments))}")
        return name, value
    word = piece.lower()
    choices = {name: a for name, a in arguments.items() if isinstance(a, Choice)}
    for name, choice in choices.items():
        if word in choice.options:
            return name, word
    needed = (name for name, a in arguments.items() if name not in choices and a.default is None)
    if choices and re.match("[a-z]", word) and given.keys() >= set(needed):
        # Neither a padding nor an activation, but meant for one.
        close = (name for name, a in choices.items() if _meant(word, list(a.options)))
        return next(close, "activation"), word
    for name, argument in arguments.items():
        if not isinstance(argument, Choice) and name not in given:
            return name, piece
    takes = ", ".join(arguments) or "none"
    raise SpecError(f"{where}: {piece!r} is one argument too many; {kind} takes {takes}")


def _checked(name: str, value: str, kind: str, where: str) -> int | float | str:
    argument = _WORDS[kind].arguments[name]
    if isinstance(argument, Choice):
        value = value.lower()
        if value not in argument.options:
            expected = _nearest(value, list(argument.options))
            raise SpecError(f"{where}: {name} can't be {value!r}; {expected}")
        return value
    try:
        checked = argument.type(value)
    except ValueError:
        kind_of_number = "a whole number" if argument.type is int else "a number"
        raise SpecError(f"{where}: {name} must be {kind_of_number}, not {value!r}") from None
    if not argument.least <= checked <= argument.greatest:
        raise SpecError(
            f"{where}: {name} must be from {argument.least} to {argument.greatest}, not {value}"
        )
    return checked


def _nearest(word: str, known: list[str]) -> str:
    if not known:
        return "it takes no arguments"
    meant = _meant(word, known)
    if meant:
        return f"did you mean {meant!r}? known: {', '.join(known)}"
    return f"expected one of {', '.join(known)}"


def _meant(word: str, known: list[str]) -> str:
    """Find the known word that is meant; empty if none is like it."""
    plain = re.sub(r"_|[123]d$", "", word)
    for meant in (plain, _ELSEWHERE.get(plain, "")):
        if meant in known:
            return meant
    return next(iter(difflib.get_close_matches(word, known, n=1)), "")
