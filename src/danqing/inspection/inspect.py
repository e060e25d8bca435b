"""Inspect a Dataset: what is in it, and what is wrong with it.

Collects what the other modules of this folder find, and changes nothing. Knows no printing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from danqing.data.dataset import Dataset
from danqing.data.subset_names import SUBSETS
from danqing.inspection.all_rows import AllRows
from danqing.inspection.class_findings import find_class_problems
from danqing.inspection.column_findings import (
    find_column_problems,
    summarise_columns,
    value_range,
)
from danqing.inspection.duplicate_examples import find_duplicates
from danqing.inspection.finding import Finding, count_of, worst_first
from danqing.inspection.label_issues import estimate_label_issues, find_label_issues
from danqing.inspection.picture_findings import find_picture_problems, summarise_pictures
from danqing.inspection.target_leakage import find_target_leakage

if TYPE_CHECKING:
    from danqing.data.images.load_images import ImageFiles

__all__ = ["Inspection", "inspect"]

_UNREADABLE = "unreadable files"


@dataclass(frozen=True)
class Inspection:
    """What was found.

    Attributes
    ----------
    summary : dict
        Name, task, number of rows by subset, classes or the target's range, and a description of
        the pictures or columns.
    findings : tuple of Finding
        Worst first.
    """

    summary: dict[str, Any]
    findings: tuple[Finding, ...]

    def to_json(self) -> dict[str, Any]:
        """Convert to plain JSON values."""
        return {**self.summary, "findings": [finding.to_json() for finding in self.findings]}


def inspect(
    dataset: Dataset,
    *,
    index: ImageFiles | None = None,
    progress: Callable[[str], None] | None = None,
) -> Inspection:
    """Find what is wrong with labelled pictures or rows.

    Parameters
    ----------
    dataset : Dataset
    index : ImageFiles, optional
        The files that the rows come from, for findings to name.
    progress : callable, optional
        Called with what is being done, as text.

    Examples
    --------
    >>> from danqing import load_data
    >>> found = inspect(load_data("wine"))
    >>> found.summary["counts"], [finding.kind for finding in found.findings]
    ({'train': 178, 'validation': 0, 'test': 0}, [])
    """
    say = progress or (lambda text: None)
    say("looking for duplicates")
    rows = AllRows(dataset, index)
    summary = _summarise(rows)
    findings = [*_left_out(rows), *find_duplicates(rows), *find_class_problems(rows)]
    if dataset.tabular:
        say("examining the columns")
        summary["columns"] = summarise_columns(dataset.x_train)
        findings += find_column_problems(dataset.x_train, summary["columns"])
        say("looking for target leakage")
        findings += find_target_leakage(dataset)
    else:
        say("looking for near-duplicates")
        summary["pictures"] = summarise_pictures(rows)
        findings += find_picture_problems(rows, summary["pictures"])
    if dataset.class_names:
        say("looking for label issues")
        issues = estimate_label_issues(dataset)
        summary["labels"] = issues and {
            "examined": issues.examined,
            "issues": len(issues.rows),
            "agreement": issues.agreement,
            "reliable": issues.reliable,
        }
        findings += find_label_issues(rows, issues)
    return Inspection(summary, worst_first(findings))


def _summarise(rows: AllRows) -> dict[str, Any]:
    dataset = rows.dataset
    summary: dict[str, Any] = {
        "name": dataset.name,
        "task": dataset.task,
        "kind": "table" if dataset.tabular else "pictures",
        "counts": dict(zip(SUBSETS, rows.counts, strict=True)),
        "left_out": dict(dataset.removed),
    }
    if dataset.class_names:
        counts = [
            np.bincount(rows.labels[rows.subset == subset], minlength=len(dataset.class_names))
            for subset in range(3)
        ]
        summary["classes"] = [
            {"name": name, **{subset: int(counts[i][at]) for i, subset in enumerate(SUBSETS)}}
            for at, name in enumerate(dataset.class_names)
        ]
    elif len(rows):
        summary["target"] = value_range(rows.labels)
    if dataset.tabular:
        summary["target_column"] = dataset.target
    return summary


def _left_out(rows: AllRows) -> list[Finding]:
    """Report what was left out in reading."""
    removed, index = dict(rows.dataset.removed), rows.index
    bad = list(index.unreadable) if index is not None else []
    unreadable = max(removed.pop(_UNREADABLE, 0), len(bad))
    found = []
    if unreadable:
        found.append(
            Finding(
                "unreadable",
                "warning",
                unreadable,
                message=f"{count_of(unreadable, 'file')} can't be read.",
                meaning="They are damaged, truncated, too large, or not pictures despite their "
                "names.",
                action="Training leaves them out; the files stay as they are.",
                examples=tuple(f"{path}: {reason}" for path, reason in bad[:5]),
            )
        )
    for reason, count in removed.items():
        harmless = reason.startswith("other files")
        found.append(
            Finding(
                "left-out",
                "note" if harmless else "warning",
                count,
                message=f"Left out in reading: {reason} ({count:,}).",
                meaning="They are not pictures." if harmless else "They can't be trained on.",
                action="Training goes without them; the files stay as they are.",
            )
        )
    return found
