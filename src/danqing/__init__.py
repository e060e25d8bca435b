"""Danqing (丹青): from labelled pictures or a table to a network you can trust.

Names are imported when they are first used, so that `import danqing` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from danqing.api.calls import evaluate, explain, inspect, train
    from danqing.api.estimators import DanqingClassifier, DanqingRegressor
    from danqing.api.open_runs import list_runs, load_bundle, load_run
    from danqing.api.run import Run
    from danqing.data.dataset import Dataset
    from danqing.data.sources import load_data
    from danqing.errors import DanqingError
    from danqing.recipe.recipe import Recipe

__version__ = "0.2.0"

__all__ = [
    "DanqingClassifier",
    "DanqingError",
    "DanqingRegressor",
    "Dataset",
    "Recipe",
    "Run",
    "__version__",
    "evaluate",
    "explain",
    "inspect",
    "list_runs",
    "load_bundle",
    "load_data",
    "load_run",
    "train",
]

_HOMES = {
    "DanqingClassifier": "danqing.api.estimators",
    "DanqingError": "danqing.errors",
    "DanqingRegressor": "danqing.api.estimators",
    "Dataset": "danqing.data.dataset",
    "Recipe": "danqing.recipe.recipe",
    "Run": "danqing.api.run",
    "evaluate": "danqing.api.calls",
    "explain": "danqing.api.calls",
    "inspect": "danqing.api.calls",
    "list_runs": "danqing.api.open_runs",
    "load_bundle": "danqing.api.open_runs",
    "load_data": "danqing.data.sources",
    "load_run": "danqing.api.open_runs",
    "train": "danqing.api.calls",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'danqing' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
