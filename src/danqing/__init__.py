"""Danqing (丹青): from labelled pictures to a network its owner can trust.

Names are imported when they are first used, so that `import danqing` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from danqing.data.sources import load_data
    from danqing.errors import DanqingError
    from danqing.evaluation.evaluate import evaluate
    from danqing.explanation.explain import explain
    from danqing.recipe.recipe import Recipe
    from danqing.runs.run import load_run
    from danqing.training.estimators import DanqingClassifier, DanqingRegressor
    from danqing.training.train import train

__version__ = "0.1.0"

__all__ = [
    "DanqingClassifier",
    "DanqingError",
    "DanqingRegressor",
    "Recipe",
    "__version__",
    "evaluate",
    "explain",
    "load_data",
    "load_run",
    "train",
]

_HOMES = {
    "DanqingClassifier": "danqing.training.estimators",
    "DanqingRegressor": "danqing.training.estimators",
    "DanqingError": "danqing.errors",
    "Recipe": "danqing.recipe.recipe",
    "evaluate": "danqing.evaluation.evaluate",
    "explain": "danqing.explanation.explain",
    "load_data": "danqing.data.sources",
    "load_run": "danqing.runs.run",
    "train": "danqing.training.train",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'danqing' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
