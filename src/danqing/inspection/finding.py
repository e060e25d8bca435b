"""Finding: one thing that is wrong with a data set, or worth knowing.

Knows nothing of how it was found.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

__all__ = ["Finding", "Severity", "count_of", "worst_first"]

Severity = Literal["error", "warning", "note"]
_WORST: tuple[Severity, ...] = ("error", "warning", "note")


@dataclass(frozen=True)
class Finding:
    """What was found, what it means for the user, and what training does about it.

    Attributes
    ----------
    kind : str
        A fixed identifier for scripts, such as ``duplicates``.
    severity : {"error", "warning", "note"}
        An error makes metrics wrong or loses a class, a warning is worth a look, a note is good
        to know.
    count : int
        How many pictures, rows, columns or classes are affected.
    message, meaning, action : str
        Sentences.
    examples : tuple of str
        A few of those affected.

    Examples
    --------
    >>> found = Finding("blank", "note", 1, "1 picture is blank.", "It shows nothing.", "None.")
    >>> found.to_json()["count"]
    1
    """

    kind: str
    severity: Severity
    count: int
    message: str
    meaning: str
    action: str
    examples: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Convert to plain JSON values."""
        return {**asdict(self), "examples": list(self.examples)}


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sort by severity; findings of the same severity keep their order.

    Examples
    --------
    >>> made = [Finding(kind, kind, 1, "", "", "") for kind in ("note", "error")]
    >>> [finding.kind for finding in worst_first(made)]
    ['error', 'note']
    """
    return tuple(sorted(findings, key=lambda finding: _WORST.index(finding.severity)))


def count_of(count: int, noun: str, singular: str = "", plural: str = "") -> str:
    """Write a number, its noun and, if given, the verb that agrees with it.

    Examples
    --------
    >>> count_of(1, "row"), count_of(1200, "class")
    ('1 row', '1,200 classes')
    >>> count_of(1, "row", "is", "are"), count_of(2, "row", "is", "are")
    ('1 row is', '2 rows are')
    """
    if count != 1:
        noun += "es" if noun.endswith("s") else "s"
    return f"{count:,} {noun} {singular if count == 1 else plural}".rstrip()
