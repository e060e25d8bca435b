"""The verdict of each sanity check of a map: its value, and whether it passed. Knows no drawing."""

from __future__ import annotations

from dataclasses import dataclass

from danqing.explanation.results import Explanation, Map
from danqing.pages.number_format import minus

__all__ = ["Verdict", "verdicts"]

_COMPLETE = 0.01
# One picture's correlation scatters around its mean over pictures, which is held to 0.1.
_UNLIKE = 0.3


@dataclass(frozen=True)
class Verdict:
    """One check of one map.

    Attributes
    ----------
    check : {"deletion", "insertion", "untrained", "gap"}
    value : str
    passed : bool
    """

    check: str
    value: str
    passed: bool


def verdicts(one: Explanation, shown: Map) -> list[Verdict]:
    """Judge a map by its checks.

    Deletion and insertion pass if they are better than those of all baseline maps; the
    completeness gap if it is at most 1 %; the rank correlation with the untrained network's map
    if it is at most 0.3.
    """
    deletion, insertion = shown.areas.deletion, shown.areas.insertion
    others = one.compared.values()
    least = all(deletion < other.deletion for other in others)
    most = all(insertion > other.insertion for other in others)
    found = [
        Verdict("deletion", minus(f"{deletion:.2f}"), least),
        Verdict("insertion", minus(f"{insertion:.2f}"), most),
    ]
    if shown.randomised is not None:
        unlike = shown.randomised <= _UNLIKE
        found.append(Verdict("untrained", minus(f"{shown.randomised:+.2f}"), unlike))
    if shown.gap is not None:
        found.append(Verdict("gap", f"{shown.gap:.2%} ({shown.steps})", shown.gap <= _COMPLETE))
    return found
