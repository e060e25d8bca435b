"""Danqing (丹青): from labelled pictures to a network its owner can trust.

Names are imported when they are first used, so that `import danqing` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from danqing.api.calls import evaluate, explain, train
    from danqing.api.estimators import DanqingClassifier, DanqingRegressor
    from danqing.api.run import Run, list_runs, load_run
    from danqing.data.sources import load_data
    from danqing.errors import DanqingError
    from danqing.recipe.recipe import Recipe

__version__ = "0.2.0"

__all__ = [
    "DanqingClassifier",
    "DanqingError",
    "DanqingRegressor",
    "Recipe",
    "Run",
    "__version__",
    "evaluate",
    "explain",
    "list_runs",
    "load_data",
    "load_run",
    "train",
]

_HOMES = {
    "DanqingClassifier": "danqing.api.estimators",
    "DanqingRegressor": "danqing.api.estimators",
    "DanqingError": "danqing.errors",
    "Recipe": "danqing.recipe.recipe",
    "evaluate": "danqing.api.calls",
    "explain": "danqing.api.calls",
    "load_data": "danqing.data.sources",
    "Run": "danqing.api.run",
    "list_runs": "danqing.api.run",
    "load_run": "danqing.api.run",
    "train": "danqing.api.calls",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'danqing' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
