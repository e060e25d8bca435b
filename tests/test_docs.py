"""What README and docs say is true: commands, recipe keys, metrics, figures, links and trees."""

from __future__ import annotations

import functools
import importlib.util
import json
import pkgutil
import re
import shlex
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, get_args, get_origin
from urllib.parse import unquote

import click
import pytest
import typer

import danqing
from danqing.apps.cli.main import app
from danqing.data.dataset import Dataset
from danqing.recipe.recipe import Recipe
from danqing.recipe.renamed import RENAMED
from danqing.runs.run_folder import FORMAT, RunFolder

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
READMES = (ROOT / "README.md", ROOT / "README.zh.md")
# The log is history: its commands and names are those of its time.
PAGES = [
    *READMES,
    *sorted(path for path in DOCS.glob("*.md") if path.name != "log.md"),
    DOCS / "pictures" / "README.md",
]
LINKED = [*PAGES, ROOT / "CHANGELOG.md"]
TABLE = "Old and new names"  # of the changelog
PRESETS = ("article", "fast", "best", "tiny")

pages = pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))


@functools.cache
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("commands", DOCS / "generate_commands.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# --- reading Markdown


def blocks(text: str) -> Iterator[tuple[str, str]]:
    """Yield each code block's language and content; indented ones have no language."""
    yield from re.findall(r"^```(\w*)\n(.*?)^```$", text, re.M | re.S)
    for indented in re.findall(r"(?:^(?: {4}.*)?\n)+", without_fences(text), re.M):
        if indented.strip():
            yield "", re.sub(r"^ {4}", "", indented, flags=re.M)


def without_fences(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)


def prose(text: str) -> str:
    """Give the text without its code blocks and the targets of its links."""
    text = re.sub(r"^ {4}.*$", "", without_fences(text), flags=re.M)
    return re.sub(r"\]\([^)]*\)", "]", text)


def spans(text: str) -> list[str]:
    return re.findall(r"`([^`\n]+)`", prose(text))


def code_lines(text: str) -> list[str]:
    return [
        line.removeprefix(".venv/bin/").strip()
        for language, content in blocks(text)
        if language in ("", "sh")
        for line in content.splitlines()
    ]


def headings(text: str) -> list[tuple[int, str]]:
    found = re.findall(r"^(#+) (.+)$", without_fences(text), re.M)
    return [(len(marks), title) for marks, title in found]


def rows(text: str, heading: str) -> list[list[str]]:
    """Give the cells of the first table below a heading, without its head."""
    below = re.split(rf"^#+ {re.escape(heading)}$", text, flags=re.M)[1]
    table = re.search(r"(?:^\|.*\n)+", below, re.M)
    assert table is not None
    cells = [
        [cell.strip() for cell in line.strip().strip("|").split("|")]
        for line in table[0].splitlines()
    ]
    return cells[2:]


def keys(text: str, heading: str) -> list[str]:
    return [row[0].strip("`") for row in rows(text, heading)]


def numbers(text: str) -> Counter[str]:
    return Counter(re.findall(r"\d+(?:[.,]\d+)*", text))


def anchor(title: str) -> str:
    """Give the name under which GitHub links to a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


# --- commands


def command_of(words: list[str]) -> tuple[click.Command, str, list[str]]:
    """Find the command that words call, by its name, and the words that are left for it."""
    command, name, words = typer.main.get_command(app), words[0], words[1:]
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        inner = command.commands.get(words[0])
        if inner is None:
            raise click.UsageError(f"{name}: no command {words[0]!r}")
        command, name, words = inner, f"{name} {words[0]}", words[1:]
    return command, name, words


def check_command(line: str, *, whole: bool) -> None:
    """Parse a line as the command line would; it may leave arguments out if it isn't `whole`."""
    command, name, words = command_of(shlex.split(line.replace("…", "X"), comments=True))
    if isinstance(command, click.Group):
        known = {option for one in command.params for option in one.opts} | {"--help"}
        if not set(words) <= known:
            raise click.UsageError(f"{name}: {words} are no options of it")
        return
    try:
        context = command.make_context(name, words)
    except click.exceptions.Exit:  # --help
        return
    except click.MissingParameter:
        if whole:
            raise
        return
    if name == "danqing train":
        settings = {key: value for key, value in context.params.items() if value is not None}
        given = {key: value for key, value in settings.items() if key in Recipe.model_fields}
        if given.get("network") != "SPEC":
            Recipe(**given)


def check_benchmark(line: str) -> None:
    words = shlex.split(line)
    path = ROOT.joinpath(*words[2].split(".")).with_suffix(".py")
    assert path.is_file(), f"{line}: there is no {path}"
    source = path.read_text(encoding="utf-8")
    for word in words[3:]:
        assert not word.startswith("--") or f'"{word}"' in source, f"{line}: has no {word}"


@functools.cache
def options_of_all_commands() -> set[str]:
    found = {"--help"}
    for _, command in generator().walk():
        found |= {
            option
            for one in command.params
            for option in one.opts
            if option.startswith("--") and not getattr(one, "hidden", False)
        }
    return found


@pages
def test_commands_are_real(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for whole, found in ((True, code_lines(text)), (False, spans(text))):
        for line in found:
            if line.startswith("danqing "):
                check_command(line, whole=whole)
            elif line.startswith("python -m benchmarks"):
                check_benchmark(line)
            elif line.startswith("make "):
                makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
                assert re.search(rf"^{line.split()[1]}:", makefile, re.M), line
            elif line.startswith("--") and not whole:
                known = options_of_all_commands()
                assert set(re.findall(r"--[\w-]+", line)) <= known, f"{line}: is no option"


@pytest.mark.parametrize(
    ("line", "whole"),
    [
        ("danqing paint", False),
        ("danqing train --speed 3", False),
        ("danqing train --epochs many", False),
        ("danqing train --network dence(3)", False),
        ("danqing data inspect --clear", False),
        ("danqing data --inspect", False),
        ("danqing evaluate", True),
        ("danqing runs here there", False),
    ],
)
def test_wrong_commands_are_noticed(line: str, whole: bool) -> None:
    with pytest.raises((click.UsageError, danqing.DanqingError)):
        check_command(line, whole=whole)


def test_wrong_benchmarks_are_noticed() -> None:
    check_benchmark("python -m benchmarks.article --seeds 3")
    for line in ("python -m benchmarks.articles", "python -m benchmarks.article --speed"):
        with pytest.raises(AssertionError):
            check_benchmark(line)


def test_commands_page_is_what_help_says() -> None:
    made = generator()
    text = made.PAGE.read_text(encoding="utf-8")
    assert text == made.commands_page(), "run python docs/generate_commands.py"


def test_shown_python_and_recipes_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ran = Counter[str]()
    for page in (READMES[0], DOCS / "python.md", DOCS / "recipes.md"):
        names: dict[str, Any] = {}
        for language, content in blocks(page.read_text(encoding="utf-8")):
            ran[language] += 1
            if language == "python":
                exec(compile(content, str(page), "exec"), names)
            elif language == "toml":
                Recipe(**tomllib.loads(content))
    assert ran["python"] >= 3
    assert ran["toml"] >= 1


# --- the two READMEs


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)
def test_readme_is_short(readme: Path) -> None:
    assert len(readme.read_text(encoding="utf-8").splitlines()) < 200


def test_readmes_say_the_same() -> None:
    english, chinese = (readme.read_text(encoding="utf-8") for readme in READMES)

    def code(text: str) -> list[str]:
        # Of a tree's line only the name counts, of a command's all but the comment.
        lines = (re.sub(r"\s+#.*| {2,}\S.*", "", line) for line in code_lines(text))
        return [line for line in lines if line]

    def fenced(text: str) -> list[tuple[str, str]]:
        return [block for block in blocks(text) if block[0]]

    def targets(text: str) -> list[str]:
        return [target.replace(".zh", "") for target in re.findall(r"\]\(([^)]+)\)", text)]

    assert [level for level, _ in headings(english)] == [level for level, _ in headings(chinese)]
    assert code(english) == code(chinese)
    assert fenced(english) == fenced(chinese)
    assert targets(english) == targets(chinese)
    assert numbers(prose(english)) == numbers(prose(chinese))


HELD = (".py", ".danqing")  # code, and networks that the package carries


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)
def test_tree_is_the_tree(readme: Path) -> None:
    package = Path(danqing.__file__).parent
    tree = next(
        content for _, content in blocks(readme.read_text(encoding="utf-8"))
        if content.lstrip().startswith("src/danqing/")
    )  # fmt: skip
    shown = re.findall(r"^( *)([a-z/_]+)/ ", tree + "\n", re.M)
    inside, below, others = (
        {name for spaces, name in shown if len(spaces) == depth} for depth in (2, 4, 0)
    )

    def folders(path: Path) -> set[str]:
        inside = [one for one in path.iterdir() if one.is_dir() and one.name != "__pycache__"]
        return {one.name for one in inside if any(file.suffix in HELD for file in one.iterdir())}

    assert inside == folders(package)
    assert below == folders(package / "data")
    assert all((ROOT / name).is_dir() for name in others)


# --- figures


def test_figures_of_readme_are_in_benchmarks() -> None:
    readme = READMES[0].read_text(encoding="utf-8")
    figures = numbers(" ".join(row[1] for row in rows(readme, "How good, how fast")))
    known = numbers((DOCS / "benchmarks.md").read_text(encoding="utf-8"))
    assert not set(figures) - set(known)


def test_results_are_those_of_benchmarks() -> None:
    text = (DOCS / "benchmarks.md").read_text(encoding="utf-8")
    told = {row[0].strip("`"): (row[2], row[3]) for row in rows(text, "Benchmarks")}
    found = {}
    for path in (ROOT / "benchmarks" / "results").glob("*.json"):
        results = json.loads(path.read_text(encoding="utf-8"))
        found[path.name] = (results["date"], results["commit"])
    assert told == found


# --- recipe keys, options, metrics


def test_recipe_table_is_the_recipe() -> None:
    table = rows((DOCS / "recipes.md").read_text(encoding="utf-8"), "Every recipe key")
    assert [row[0].strip("`") for row in table] == list(Recipe.model_fields)
    recipes = [Recipe(network=preset) for preset in PRESETS]
    for name, _, values, *defaults in table:
        key = name.strip("`")
        assert values == values_of(key), key
        if key != "network":
            assert defaults == [written(getattr(recipe, key)) for recipe in recipes], key


def values_of(key: str) -> str:
    """Say what a recipe's key may be, by the recipe's own checks."""
    field = Recipe.model_fields[key]
    kind = next((one for one in get_args(field.annotation) if one is not type(None)), None)
    if get_origin(field.annotation) is Literal:
        return ", ".join(written(value) for value in get_args(field.annotation))
    kind = kind or field.annotation
    if kind is bool:
        return "true, false"
    if kind is str:
        return "text"
    bounds = {name: getattr(one, name) for one in field.metadata for name in vars(type(one))
              if name in ("ge", "gt", "le", "lt")}  # fmt: skip
    whole = kind is int
    if whole and "lt" in bounds:
        bounds["le"] = bounds.pop("lt") - 1
    low = f"above {bounds['gt']:,}" if "gt" in bounds else f"{bounds['ge']:,}"
    high = f"below {bounds['lt']:,}" if "lt" in bounds else f"{bounds['le']:,}"
    return f"{'whole number' if whole else 'number'}, {low} to {high}"


def written(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "none", True: "true", False: "false"}[value]
    return f"`{value}`" if isinstance(value, str) else f"{value:g}"


def test_presets_are_written_out() -> None:
    table = rows((DOCS / "recipes.md").read_text(encoding="utf-8"), "Presets")
    assert {row[0].strip("`"): row[1].strip("`") for row in table} == {
        preset: Recipe(network=preset).spec for preset in PRESETS
    }


def test_glossary_has_every_key_option_and_metric(
    run: RunFolder,
    trained_on_numbers: danqing.Run,
    trained_by_minutes: danqing.Run,
    transferred: danqing.Run,
) -> None:
    text = (DOCS / "glossary.md").read_text(encoding="utf-8")
    assert keys(text, "Recipe keys") == list(Recipe.model_fields)
    assert sorted(keys(text, "Options")) == sorted(options_of_all_commands())
    metrics: set[str] = set()
    for one in (run, trained_on_numbers, trained_by_minutes, transferred):
        metrics |= {*names_in(one.metrics), *one.history[0]}
    assert sorted(keys(text, "Metrics")) == sorted(metrics)
    for heading in ("Recipe keys", "Options", "Metrics"):
        assert all(all(row) and len(row) >= 3 for row in rows(text, heading))


def test_glossary_says_whose_options_they_are() -> None:
    text = (DOCS / "glossary.md").read_text(encoding="utf-8")
    told = {row[0].strip("`"): set(row[1].split(", ")) for row in rows(text, "Options")}
    found: dict[str, set[str]] = {"--help": {"all"}}
    for name, command in generator().walk():
        for one in command.params:
            for option in one.opts:
                if option.startswith("--") and not getattr(one, "hidden", False):
                    found.setdefault(option, set()).add(name.removeprefix("danqing "))
    assert told == found


def test_kinds_of_findings_are_listed() -> None:
    inspection = Path(danqing.__file__).parent / "inspection"
    source = "".join(path.read_text(encoding="utf-8") for path in inspection.glob("*.py"))
    kinds = set(re.findall(r"\bFinding\(\s+(?:kind=)?\"([a-z-]+)\",", source))
    assert set(keys((DOCS / "data.md").read_text(encoding="utf-8"), "Inspecting")) == kinds


def names_in(plain: Any) -> Iterator[str]:
    if isinstance(plain, dict):
        for name, inner in plain.items():
            yield name
            yield from names_in(inner)
    elif isinstance(plain, list):
        for inner in plain:
            yield from names_in(inner)


@pytest.fixture(scope="module")
def trained_on_numbers(tmp_path_factory: pytest.TempPathFactory) -> danqing.Run:
    out = tmp_path_factory.mktemp("runs") / "numbers"
    return danqing.train("diabetes", out=out, network="dense(4)", epochs=1)


@pytest.fixture(scope="module")
def trained_by_minutes(tmp_path_factory: pytest.TempPathFactory, small: Dataset) -> danqing.Run:
    out = tmp_path_factory.mktemp("runs") / "minutes"
    return danqing.train(small, out=out, network="dense(4)", minutes=0.5, epochs=1)


@pytest.fixture(scope="module")
def transferred(
    tmp_path_factory: pytest.TempPathFactory, trained_by_minutes: danqing.Run, small: Dataset
) -> danqing.Run:
    out = tmp_path_factory.mktemp("runs") / "transferred"
    numbers = (small.x_train[..., 0], small.y_train + 0.5)
    return danqing.train(numbers, base=trained_by_minutes, out=out, epochs=1)


# --- links


@pytest.mark.parametrize("page", LINKED, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = without_fences(page.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?:", target):
            continue
        path, _, place = target.partition("#")
        linked = page.parent / unquote(path) if path else page
        assert linked.exists(), f"{page.name}: {target} is not there"
        if place:
            titles = headings(linked.read_text(encoding="utf-8"))
            assert place in {anchor(title) for _, title in titles}, f"{page.name}: {target}"


def test_new_names_of_the_changelog_exist() -> None:
    table = rows((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), TABLE)
    assert {
        old.strip("`"): new.strip("`") for what, old, new in table if what == "recipe key"
    } == RENAMED
    assert (str(FORMAT - 1), str(FORMAT)) in {(old, new) for _, old, new in table}
    for _, _, new in table:
        for name in re.findall(r"`(danqing\.[\w.]+)`", new):
            assert pkgutil.resolve_name(name) is not None


def test_readme_leads_to_every_page() -> None:
    named = set(re.findall(r"\]\(docs/(\w+\.md)\)", READMES[0].read_text(encoding="utf-8")))
    assert named == {path.name for path in DOCS.glob("*.md")} - {"log.md"}
