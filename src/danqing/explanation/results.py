"""Explanations as plain values, and as JSON. Knows no network and no drawing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.explanation.counterfactual import Counterfactual
from danqing.explanation.importance import Importance

__all__ = ["Areas", "Explanation", "ExplanationSet", "Map", "Neighbour"]


@dataclass(frozen=True)
class Areas:
    """Area under the deletion curve (smaller is better) and the insertion curve (larger is)."""

    deletion: float
    insertion: float


@dataclass(frozen=True, eq=False)
class Map:
    """One attribution with its sanity checks.

    Attributes
    ----------
    method : str
    values : ndarray of float32, shape (height, width) or (columns,)
        Above 0: evidence for the target; below 0: evidence against it.
    areas : Areas
    shares, deletion, insertion : ndarray, shape (points,)
        The curves.
    randomised : float or None
        Rank correlation with the map of the same network with random weights: near 0 is good.
        None if there are too few values to rank.
    gap : float or None
        The completeness gap of integrated gradients.
    steps : int or None
        The number of steps of integrated gradients.
    """

    method: str
    values: NDArray[np.float32]
    areas: Areas
    shares: NDArray[np.float64]
    deletion: NDArray[np.float64]
    insertion: NDArray[np.float64]
    randomised: float | None
    gap: float | None = None
    steps: int | None = None


@dataclass(frozen=True, eq=False)
class Neighbour:
    """A training example close to the explained one in the network's feature space."""

    name: str
    label: str
    distance: float
    example: Any = field(repr=False)


@dataclass(frozen=True, eq=False)
class Explanation:
    """One example explained.

    Attributes
    ----------
    name : str
    example : ndarray of uint8, shape (height, width, channels), or mapping of str to str
        The picture; or a row's values by column, as text.
    label : str
        The true label; empty if unknown.
    prediction : str
        The predicted class, or the number as text.
    probabilities : ndarray, shape (classes,)
        Empty for regression.
    target : str
        The class whose score is explained; empty for regression.
    baseline : str
    maps : tuple of Map
        The default method first.
    compared : mapping of str to Areas
        ``random`` and, for pictures, ``edges``: the maps that any method has to beat.
    neighbours : tuple of Neighbour
    counterfactual : Counterfactual or None
    """

    name: str
    example: Any = field(repr=False)
    label: str
    prediction: str
    probabilities: NDArray[np.float32]
    target: str
    baseline: str
    maps: tuple[Map, ...]
    compared: Mapping[str, Areas]
    neighbours: tuple[Neighbour, ...] = ()
    counterfactual: Counterfactual | None = None


@dataclass(frozen=True, eq=False)
class ExplanationSet:
    """Explanations of a run's predictions.

    Attributes
    ----------
    run : str
        Its folder.
    class_names : tuple of str
    columns : tuple of str
        For tables: what the values of a map belong to.
    explanations : tuple of Explanation
    importance : tuple of Importance
        For tables, if the run's own data can be loaded.
    notes : tuple of str
        What is missing, and why.
    """

    run: str
    class_names: tuple[str, ...]
    columns: tuple[str, ...]
    explanations: tuple[Explanation, ...]
    importance: tuple[Importance, ...] = ()
    notes: tuple[str, ...] = ()

    def _repr_html_(self) -> str:
        from html import escape

        from danqing.explanation.explanation_page import page_of

        page = escape(page_of(self), quote=True)
        return f'<iframe srcdoc="{page}" style="width:100%;height:40em;border:0"></iframe>'

    def to_json(self) -> dict[str, Any]:
        """Convert to plain JSON values, arrays to lists."""
        plain: dict[str, Any] = {
            "format": 2,
            "run": self.run,
            "class_names": list(self.class_names),
            "explanations": [_plain(one, self) for one in self.explanations],
            "notes": list(self.notes),
        }
        if self.columns:
            plain["columns"] = list(self.columns)
            plain["permutation_importance"] = [vars(one) for one in self.importance]
        return plain


def _plain(one: Explanation, whole: ExplanationSet) -> dict[str, Any]:
    tabular = not isinstance(one.example, np.ndarray)
    plain: dict[str, Any] = {
        "name": one.name,
        "example": dict(one.example) if tabular else one.example.tolist(),
        "label": one.label or None,
        "prediction": one.prediction,
        "probabilities": dict(
            zip(whole.class_names, _rounded(one.probabilities), strict=bool(whole.class_names))
        ),
        "target": one.target or None,
        "baseline": one.baseline,
        "maps": {found.method: _plain_map(found) for found in one.maps},
        "compared": {name: vars(areas) for name, areas in one.compared.items()},
        "nearest": [
            {"name": near.name, "label": near.label, "distance": near.distance}
            for near in one.neighbours
        ],
    }
    if one.counterfactual is not None:
        change = one.counterfactual
        plain["counterfactual"] = {
            "target": whole.class_names[change.target],
            "found": change.found,
            "probability": change.probability,
            "changed_pixels": change.changed,
            "distance": change.distance,
            "picture": change.picture.tolist(),
        }
    return plain


def _plain_map(found: Map) -> dict[str, Any]:
    checks: dict[str, Any] = {
        **vars(found.areas),
        "randomised_rank_correlation": found.randomised,
        "shares": _rounded(found.shares),
        "deletion_curve": _rounded(found.deletion),
        "insertion_curve": _rounded(found.insertion),
    }
    if found.gap is not None:
        checks |= {"completeness_gap": found.gap, "steps": found.steps}
    return {"values": _rounded(found.values), "checks": checks}


def _rounded(values: NDArray[Any]) -> Any:
    """Convert to lists of float32 values with as few digits as distinguish them."""
    short = np.array([float(f"{v:.7g}") for v in np.asarray(values, np.float64).ravel()])
    return short.reshape(np.shape(values)).tolist()
