"""Consoles: none lets a command fail, whatever characters it lacks."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from danqing import Recipe, load_data
from danqing.apps.cli import console
from danqing.training.train import train

# The last is Python's own way to insist on ASCII, also for the names of files.
CONSOLES = {
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "cp1252": {"PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"},
    "C": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on a table whose names and classes are Chinese."""
    folder = tmp_path_factory.mktemp("动物")
    lines = [f"{i % 2 * 4 + i % 7 / 7:.2f},{'玫瑰' if i % 2 else '百合😀'}" for i in range(60)]
    (folder / "花.csv").write_text("\n".join(["长,种", *lines]), encoding="utf-8")
    data = load_data(folder / "花.csv", target="种")
    train(data, Recipe(network="dense(4)", epochs=1), folder / "花")
    return folder


def western(folder: Path, console: str, *words: str, status: int = 0) -> tuple[str, str]:
    """Call danqing with a console; return what it printed and said."""
    variables = {k: v for k, v in os.environ.items() if k not in ("LANG", "PYTHONUTF8")}
    done = subprocess.run(
        [sys.executable, "-m", "danqing", *words],
        cwd=folder, env={**variables, **CONSOLES[console]}, capture_output=True, check=False,
    )  # fmt: skip
    encoding = "cp1252" if console == "cp1252" else "ascii"
    output, said = done.stdout.decode(encoding), done.stderr.decode(encoding)
    assert "Traceback" not in said
    assert done.returncode == status, said
    return output, said


@pytest.mark.parametrize("name", CONSOLES)
def test_every_command_survives(folder: Path, name: str) -> None:
    text, said = western(folder, name, "--help")
    assert "Danqing: from labelled pictures" in text
    assert not said
    text, said = western(folder, name, "predict", "花", "花.csv")
    assert text.splitlines()[0].split("\t")[1] in (r"\u767e\u5408\U0001f600", r"\u73ab\u7470")
    assert "set PYTHONIOENCODING=utf-8" in said.splitlines()[-1]
    text, _ = western(folder, name, "predict", "花", "花.csv", "--json")
    labels = {json.loads(line)["label"] for line in text.splitlines()}
    assert labels <= {"玫瑰", "百合😀"}
    text, _ = western(folder, name, "data", "inspect", "花.csv", "--target", "种", "--json")
    assert json.loads(text)["name"] == "花"
    western(folder, name, "predict", "花", "花.csv", "--csv")
    western(folder, name, "evaluate", "花")
    assert "玫瑰" in (folder / "花" / "report.html").read_text(encoding="utf-8")
    assert "玫瑰" in (folder / "花" / "card.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", CONSOLES)
def test_an_error_stays_one_line(folder: Path, name: str) -> None:
    _, said = western(folder, name, "data", "inspect", "花.csv", "--target", "种类", status=1)
    assert len(said.splitlines()) == 1
    assert r"\u79cd" in said


def test_a_console_that_has_chinese_shows_it(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "danqing", "predict", "花", "花.csv"],
        cwd=folder, env={**os.environ, "PYTHONIOENCODING": "utf-8"}, capture_output=True,
        check=True, encoding="utf-8",
    )  # fmt: skip
    assert "\t玫瑰\t" in done.stdout
    assert r"written as \u" not in done.stderr


def printed(text: str, monkeypatch: pytest.MonkeyPatch, encoding: str) -> str:
    """Print a text on a console, and return what came out."""
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding, errors="strict"))
    console.prepare_console()
    print(text, end="", flush=True)
    return raw.getvalue().decode(encoding)


def test_what_a_console_lacks_is_escaped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert printed("1–2 × 猫, é", monkeypatch, "ascii") == r"1-2 x \u732b, \xe9"
    console.note_on_escapes()
    assert "ascii, the encoding of this output" in capsys.readouterr().err
    assert printed("é 猫", monkeypatch, "cp1252") == r"é \u732b"
    # A name of a file that is no UTF-8, on a console that is: nothing to mend there.
    console.note_on_escapes()
    capsys.readouterr()
    assert printed("K\udcf6ln", monkeypatch, "utf-8") == r"K\udcf6ln"
    console.note_on_escapes()
    assert not capsys.readouterr().err


def test_without_a_console(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    console.prepare_console()
    assert console.json_text({"a": "猫"}) == '{"a": "猫"}'
    assert not console.is_terminal(None)


def test_a_terminal_that_cannot_erase_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "platform", "linux")
    assert console.is_terminal(Terminal())
    monkeypatch.setenv("TERM", "dumb")
    assert not console.is_terminal(Terminal())
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "platform", "win32")  # here there is no such console
    assert not console.is_terminal(Terminal())
