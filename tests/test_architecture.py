"""The code's own rules: imports point one way, names are the promised ones, files are short."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import danqing

ROOT = Path(danqing.__file__).parent
ORDER = [
    "errors",
    "atomic_file",
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
    "api",
    "apps",
]
APART = {"training", "explanation"}  # these never import one another
HEAVY_AT_TOP = {"networks", "training", "explanation"}
HEAVY = {"tensorflow", "keras"}
MODULES = sorted(path for path in ROOT.rglob("*.py") if path.name != "__init__.py")


def part_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(tree: ast.AST) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
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
    assert len(text.splitlines()) <= 320
    assert any(
        isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__"
        for node in tree.body
    ), "__all__ is explicit"
    here = ORDER.index(part_of(path))
    for module in imports(tree):
        if module.startswith("danqing."):
            part = module.split(".")[1]
            assert ORDER.index(part) <= here, f"{path} imports {module}, which lies to its right"
            if part_of(path) in APART:
                assert part == part_of(path) or part not in APART
    top = {name.split(".")[0] for node in tree.body for name in imports_of_statement(node)}
    if part_of(path) not in HEAVY_AT_TOP:
        assert not top & HEAVY


def imports_of_statement(node: ast.stmt) -> set[str]:
    return imports(node) if isinstance(node, ast.Import | ast.ImportFrom) else set()


def test_rules_are_about_this_package() -> None:
    assert {part_of(path) for path in MODULES} - {"__main__"} == set(ORDER)
    assert all(not init.read_text() for init in ROOT.glob("*/**/__init__.py"))


def test_public_names() -> None:
    assert sorted(danqing.__all__) == [
        "DanqingClassifier", "DanqingError", "DanqingRegressor", "Dataset", "Recipe", "Run",
        "__version__", "evaluate", "explain", "inspect", "list_runs", "load_data", "load_run",
        "train",
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
