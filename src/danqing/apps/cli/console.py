"""The console: printing never fails, whatever characters it lacks. Knows no command."""

from __future__ import annotations

import codecs
import io
import json
import os
import sys
from typing import Any, TextIO

__all__ = ["is_terminal", "json_text", "note_on_escapes", "prepare_console", "printable"]

_ESCAPE = "danqing.escape"
_PLAIN = {"–": "-", "’": "'", "“": '"', "”": '"', "×": "x", "…": "..."}
_escaped = False


def prepare_console() -> None:
    r"""Let standard output escape what its encoding lacks: 猫 becomes \u732b.

    Standard error does so by itself. Where Python takes names of files for ASCII, which only a user
    can have asked for, it is started again and takes them for UTF-8.
    """
    if sys.getfilesystemencoding() == "ascii" and not sys.flags.utf8_mode:
        _start_again_in_utf8()
    codecs.register_error(_ESCAPE, _escape)
    # Whoever holds another kind of stream, such as a test or a notebook, knows what it takes.
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors=_ESCAPE)


def _start_again_in_utf8() -> None:
    os.environ["PYTHONUTF8"] = "1"
    os.environ.setdefault("PYTHONIOENCODING", sys.stdout.encoding if sys.stdout else "ascii")
    os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])


def note_on_escapes() -> None:
    """Say once, when all is done, that characters were escaped and how to see them."""
    global _escaped
    if _escaped and sys.stdout.encoding.lower() not in ("utf-8", "utf8"):
        print(
            f"danqing: {sys.stdout.encoding}, the encoding of this output, lacks some of its "
            "characters, which are written as \\u and their number; set PYTHONIOENCODING=utf-8 to "
            "see them",
            file=sys.stderr,
        )
    _escaped = False


def printable(text: str, stream: TextIO | None = None) -> bool:
    """Whether a stream, standard output if not given, has all characters of a text."""
    encoding = getattr(stream or sys.stdout, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeError:
        return False
    return True


def json_text(plain: Any, **style: Any) -> str:
    """Write plain data as JSON, with JSON's own escapes if standard output lacks characters."""
    text = json.dumps(plain, ensure_ascii=False, **style)
    return text if printable(text) else json.dumps(plain, **style)


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a stream is a terminal in which a line can be erased."""
    if stream is None or not stream.isatty() or os.environ.get("TERM") == "dumb":
        return False
    return sys.platform != "win32" or _understands_escapes(stream)


def _understands_escapes(stream: TextIO) -> bool:
    """Have Windows' console interpret escape sequences; those before Windows 10 can't."""
    import ctypes

    try:
        kernel, mode = ctypes.windll.kernel32, ctypes.c_ulong()  # type: ignore[attr-defined]
        handle = kernel.GetStdHandle(-11 if stream is sys.stdout else -12)
        on = kernel.GetConsoleMode(handle, ctypes.byref(mode))
        return bool(on and kernel.SetConsoleMode(handle, mode.value | 4))
    except (AttributeError, OSError):
        return False


def _escape(error: UnicodeError) -> tuple[str | bytes, int]:
    global _escaped
    if isinstance(error, UnicodeEncodeError) and error.object[error.start] in _PLAIN:
        return _PLAIN[error.object[error.start]], error.start + 1
    _escaped = True
    return codecs.backslashreplace_errors(error)
