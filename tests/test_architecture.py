"""The code's own rules: imports point one way, names are the field's, files are short."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import danqing

ROOT = Path(danqing.__file__).parent
ORDER = [
    "errors",
    "atomic_file",
    "cluster",
    "recipe",
    "pages",
    "data",
    "preparation",
    "networks",
    "runs",
    "prediction",
    "inspection",
    "evaluation",
    "training",
    "explanation",
    "creation",
    "shipping",
    "tuning",
    "api",
    "apps",
]
# None of these imports another.
APART = {"training", "explanation", "creation", "shipping"}
# These know nothing of the rest; `pages` may name a recipe's settings.
ALONE = {"cluster": {"errors"}, "pages": {"errors", "recipe"}}
HEAVY_AT_TOP = {"networks", "training", "explanation", "creation"}
HEAVY = {"tensorflow", "keras"}
MOST_LINES = 300
MOST_MODULES = 16
MODULES = sorted(path for path in ROOT.rglob("*.py") if path.name != "__init__.py")

# Words that the first version made up; the field's own took their place.
MADE_UP = {
    "answered", "bending", "continuing", "divide", "divided", "divides", "doubt", "doubtful",
    "doubts", "erase", "erasing", "fading", "feed", "feeder", "feeds", "fitting", "gather",
    "gathered", "gathers", "keeper", "mirroring", "settle", "settled", "settles", "stretch",
    "stretches", "told", "unevenness", "warp", "warped", "warps",
}  # fmt: skip
# Names that hold one of them and are the field's own.
STANDARD = {"random_erasing"}
MADE_UP_NAMES = {"class_weights", "uneven"}


def part_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(tree: ast.AST) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            if node.module == "danqing":
                found.update(f"danqing.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_module_keeps_the_rules(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    if part_of(path) == "__main__":
        return
    assert ast.get_docstring(tree), "a module says what it does and does not know"
    assert len(text.splitlines()) <= MOST_LINES
    assert any(
        isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__"
        for node in tree.body
    ), "__all__ is explicit"
    here = part_of(path)
    for module in imports(tree):
        if not module.startswith("danqing.") or module == "danqing.__version__":
            continue
        other = module.split(".")[1]
        assert ORDER.index(other) <= ORDER.index(here), f"{path} imports {module}, to its right"
        assert other == here or here not in APART or other not in APART
        assert other == here or here not in ALONE or other in ALONE[here]
    top = {name.split(".")[0] for node in tree.body for name in imports_of_statement(node)}
    if here not in HEAVY_AT_TOP:
        assert not top & HEAVY


def imports_of_statement(node: ast.stmt) -> set[str]:
    return imports(node) if isinstance(node, ast.Import | ast.ImportFrom) else set()


def names_in(tree: ast.AST) -> Iterator[str]:
    """Names of functions, classes, arguments, variables and attributes, and keys."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.arg(arg=name):
                yield name
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name
            # Settings, columns and keys of what is kept.
            case ast.Constant(value=str(name)) if re.fullmatch(r"[a-z]+(_[a-z]+)*", name):
                yield name


def made_up(name: str) -> bool:
    words = {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}
    if name.lower().strip("_") in STANDARD:
        return False
    return bool(words & MADE_UP) or name in MADE_UP_NAMES


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_names_are_the_fields_own(path: Path) -> None:
    if path.name in TRANSLATES:
        return
    names = {*names_in(ast.parse(path.read_text(encoding="utf-8"))), *path.relative_to(ROOT).parts}
    assert not sorted(name for name in names if made_up(name.removesuffix(".py")))


# The modules that know the old names in order to answer with the new ones.
TRANSLATES = {"format_1.py", "renamed.py"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Fitting", True), ("_STRETCH_SECONDS", True), ("class_weights", True), ("divide_by", True),
        ("random_erasing", False), ("RANDOM_ERASING", False), ("class_weight", False),
        ("benefits", False), ("erasing_share", True), ("settings", False),
    ],
)  # fmt: skip
def test_made_up_words_are_found(name: str, expected: bool) -> None:
    assert made_up(name) is expected


def test_folders_hold_one_subject() -> None:
    counts = Counter(path.parent for path in MODULES)
    assert {str(f.relative_to(ROOT)): n for f, n in counts.items() if n > MOST_MODULES} == {}


def test_no_two_modules_of_one_name() -> None:
    # Folders may each have an `inspect` or a `train` that does the folder's one job.
    counts = Counter(path.name for path in MODULES if "cli" not in path.parts)
    assert {name for name, count in counts.items() if count > 1} == set()


def test_rules_are_about_this_package() -> None:
    assert {part_of(path) for path in MODULES} - {"__main__"} <= set(ORDER)
    assert {"recipe", "data", "networks", "runs", "api"} <= {part_of(path) for path in MODULES}
    assert all(not init.read_text() for init in ROOT.glob("*/**/__init__.py"))


def test_public_names() -> None:
    assert sorted(danqing.__all__) == [
        "DanqingClassifier", "DanqingError", "DanqingRegressor", "Dataset", "Recipe", "Run",
        "__version__", "evaluate", "explain", "inspect", "list_runs", "load_bundle", "load_data",
        "load_run", "train",
    ]  # fmt: skip
    for name in danqing.__all__:
        assert getattr(danqing, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = danqing.nonsense


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_all_names_exist(path: Path) -> None:
    if part_of(path) == "__main__":
        return
    name = ".".join(("danqing", *path.relative_to(ROOT).with_suffix("").parts))
    module = importlib.import_module(name)
    assert all(hasattr(module, public) for public in module.__all__)


def test_import_alone_loads_nothing_heavy() -> None:
    code = (
        "import danqing, sys; print([m for m in ('numpy','keras','pydantic') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
