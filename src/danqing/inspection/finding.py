"""Finding: one thing that is wrong, or worth knowing, about a source of data.

Knows nothing of how it was found.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

__all__ = ["Finding", "Severity", "worst_first"]

Severity = Literal["error", "warning", "note"]
_WORST: tuple[Severity, ...] = ("error", "warning", "note")


@dataclass(frozen=True)
class Finding:
    """What was found, what it means for the user, and what training does about it.

    Attributes
    ----------
    kind : str
        A fixed word for scripts, such as ``duplicates``.
    severity : {"error", "warning", "note"}
        An error makes results wrong or loses a class, a warning is worth a look, a note is good
        to know.
    count : int
        How many pictures, rows, columns or classes it is about.
    message, meaning, action : str
        Sentences.
    examples : tuple of str
        A few of those that it is about.

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
        """Give plain JSON values."""
        return {**asdict(self), "examples": list(self.examples)}


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sort by severity; those of the same severity keep their order.

    Examples
    --------
    >>> made = [Finding(kind, kind, 1, "", "", "") for kind in ("note", "error")]
    >>> [finding.kind for finding in worst_first(made)]
    ['error', 'note']
    """
    return tuple(sorted(findings, key=lambda finding: _WORST.index(finding.severity)))
