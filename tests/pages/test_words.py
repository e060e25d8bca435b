"""Every file of words: both languages say everything, and each text has its place on a page."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import danqing
from danqing.pages.words import Words, spans, svg_texts

ROOT = Path(danqing.__file__).parent
SHARED = ROOT / "pages" / "words.json"
TEXTBOOK = ROOT / "explanation" / "textbook"
FILES = sorted(ROOT.rglob("*words.json"))
IDS = [str(path.relative_to(ROOT)) for path in FILES]
PLACES = re.compile(r"\{(\w+)\}")
HANZI = re.compile("[\u4e00-\u9fff]")
SPEAKING = {"say", "said", "both", "plain", "_say"}


def texts_of(file: Path) -> dict[str, list[str]]:
    texts: dict[str, list[str]] = json.loads(file.read_text(encoding="utf-8"))
    return texts


def package_of(path: Path) -> Path:
    """Give the folder of modules that a file belongs to."""
    return next(folder for folder in path.parents if any(folder.glob("*.py")))


def sources_of(file: Path) -> list[Path]:
    """Give what may use a file's words: its package; those of `pages` all may use."""
    paths = [path for path in ROOT.rglob("*.*") if path.suffix in {".py", ".html", ".js"}]
    if file == SHARED:
        return paths
    # The textbook translates the reasons for which data were left out.
    data = [path for path in paths if ROOT / "data" in path.parents]
    own = [path for path in paths if package_of(path) == package_of(file)]
    return own + (data if package_of(file) == TEXTBOOK else [])


def patterns_of(path: Path) -> Iterator[str]:
    """Give the strings of a file as regular expressions, places in them matching anything."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield re.escape(node.value)
            elif isinstance(node, ast.JoinedStr):
                yield "".join(
                    re.escape(str(part.value)) if isinstance(part, ast.Constant) else ".+"
                    for part in node.values
                )
        return
    # Strings of a script, names in a template; and what begins as a text with places does.
    yield from map(re.escape, re.findall(r'"([\w -]+)"', text))
    yield from map(re.escape, re.findall(r"\$\{([a-z0-9_-]+)\}", text))
    yield from (re.escape(start) + ".+" for start in re.findall(r"`([\w-]+)\$\{", text))


def named_in(path: Path) -> set[str]:
    """Give the keys that a file surely asks for."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".js":
        return set(re.findall(r'\bsay\("([^"]*)"', text))
    if path.suffix == ".html":
        return set(re.findall(r'data-label="([^"]*)"', text))
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and node.args:
            called = getattr(node.func, "id", getattr(node.func, "attr", ""))
            asked = ast.walk(node.args[-1]) if called == "map" else [node.args[0]]
            mapped = called == "map" and getattr(node.args[0], "id", "") in SPEAKING
            if called in SPEAKING or mapped:
                found |= {
                    one.value
                    for one in asked
                    if isinstance(one, ast.Constant) and isinstance(one.value, str)
                }
    return found


@pytest.mark.parametrize("file", FILES, ids=IDS)
def test_both_languages_say_the_same(file: Path) -> None:
    for key, texts in texts_of(file).items():
        assert len(texts) == 2, key
        assert all(text.strip() for text in texts), key
        english, chinese = texts
        assert not HANZI.search(english) or key == "other-language", key
        assert sorted(set(PLACES.findall(english))) == sorted(set(PLACES.findall(chinese))), key
        tags = [sorted(re.findall(r"<(\w+)", text)) for text in texts]
        assert tags[0] == tags[1], key
        slots = [sorted(re.findall(r'data-\w+="?([\w-]+)', text)) for text in texts]
        assert slots[0] == slots[1], key


@pytest.mark.parametrize("file", FILES, ids=IDS)
def test_every_text_is_used(file: Path) -> None:
    patterns = {pattern for path in sources_of(file) for pattern in patterns_of(path)}
    # A place alone matches every key, and proves nothing.
    telling = [re.compile(p) for p in patterns if len(p.replace(".+", "").strip("\\ -_")) >= 3]
    assert [
        key for key in texts_of(file) if not any(pattern.fullmatch(key) for pattern in telling)
    ] == []


@pytest.mark.parametrize("file", [file for file in FILES if file != SHARED])
def test_every_text_asked_for_exists(file: Path) -> None:
    known = {key for other in {SHARED, *FILES} for key in texts_of(other)}
    asked = {key for path in sources_of(file) for key in named_in(path)}
    assert asked
    assert asked - known == set()


def test_values_are_escaped_and_may_differ_by_language() -> None:
    words = Words("danqing.pages")
    words.texts["said"] = ("<b>{what}</b>", "{what}！")
    assert words.both("said", what="<3>") == ("<b>&lt;3&gt;</b>", "&lt;3&gt;！")
    assert words.both("said", what=("a", "甲")) == ("<b>a</b>", "甲！")
    assert spans(("a", "甲")) == '<span lang="en">a</span><span lang="zh">甲</span>'
    assert svg_texts(("a", "甲"), 'x="1"').count('<text lang="') == 2


def test_no_key_has_two_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "wordy"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "words.json").write_text('{"close": ["Shut", "关"]}')
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match="'close' has a text already"):
        Words("wordy")
