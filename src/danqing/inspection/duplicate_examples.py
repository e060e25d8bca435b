"""Examples that occur more than once: copies, leaks into the test, one content under two labels.

What these findings say that training does is what `danqing.data.split` does. Knows equal
contents only; pictures that merely look alike are for `near_copies`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from danqing.inspection.all_rows import AllRows
from danqing.inspection.finding import Finding

__all__ = ["count_of", "find_duplicates"]


def find_duplicates(rows: AllRows) -> list[Finding]:
    """Find exact copies, leaks between the subsets and contradictory labels.

    Examples
    --------
    >>> from danqing import load_data
    >>> find_duplicates(AllRows(load_data("mnist")))
    []
    """
    if rows.duplicates.coarse:
        return [_coarse(rows)]
    found = [_copies(rows), _leaks(rows), _conflicts(rows)]
    return [finding for finding in found if finding]


def count_of(count: int, thing: str) -> str:
    """Put a number and a noun together.

    Examples
    --------
    >>> count_of(1, "row"), count_of(1200, "class")
    ('1 row', '1,200 classes')
    """
    plural = f"{thing}es" if thing.endswith("s") else f"{thing}s"
    return f"{count:,} {thing if count == 1 else plural}"


def _unresolved(rows: AllRows) -> NDArray[np.bool_]:
    """Tell which rows have their class in doubt: they are counted as that and nothing else."""
    if not rows.dataset.class_names:
        return np.zeros(len(rows), dtype=bool)
    return np.isin(rows.group, rows.duplicates.conflicting)


def _copies(rows: AllRows) -> Finding | None:
    """Count rows that have an earlier one of the same content in their own subset."""
    _, first, group = np.unique(
        rows.group * 3 + rows.subset, return_index=True, return_inverse=True
    )
    earlier = first[group]
    copies = np.flatnonzero((earlier != np.arange(len(rows))) & ~_unresolved(rows))
    if not len(copies):
        return None
    pairs = [f"{rows.name(row)} = {rows.name(earlier[row])}" for row in copies[:5]]
    share = len(copies) / len(rows)
    verb = "is an exact copy" if len(copies) == 1 else "are exact copies"
    return Finding(
        "duplicates",
        "warning" if share > 0.01 else "note",
        len(copies),
        f"{count_of(len(copies), rows.thing)} {verb} of another one ({share:.1%} of all).",
        "A copy weighs twice in learning. If one were learned from and the other tested on, the "
        "test would look better than it is.",
        "Copies stay, but always on the same side of the split.",
        tuple(pairs),
    )


def _leaks(rows: AllRows) -> Finding | None:
    held_out = [rows.group[rows.subset == subset] for subset in (1, 2)]
    leaking = (rows.subset < 2) & np.isin(rows.group, held_out[1])
    leaking |= (rows.subset < 1) & np.isin(rows.group, held_out[0])
    leaking &= ~_unresolved(rows)
    if not leaking.any():
        return None
    found = np.flatnonzero(leaking)
    # The last row of the same content is the one of the latest subset.
    last = dict(zip(rows.group.tolist(), range(len(rows)), strict=True))
    verb = "is" if len(found) == 1 else "are"
    return Finding(
        "leakage",
        "error",
        len(found),
        f"{count_of(len(found), rows.thing)} to learn from {verb} also in the test set "
        "or validation.",
        "A network that has seen the questions of its exam gets a better mark than it deserves: "
        "figures measured on this split by other programs can't be trusted.",
        "Training leaves them out of what is learned from; the test set stays whole.",
        tuple(f"{rows.name(row)} = {rows.name(last[int(rows.group[row])])}" for row in found[:5]),
    )


def _conflicts(rows: AllRows) -> Finding | None:
    conflicting = np.isin(rows.group, rows.duplicates.conflicting)
    if not conflicting.any():
        return None
    count = int(conflicting.sum())
    examples = _conflicting_examples(rows, conflicting)
    if not rows.dataset.class_names:
        return Finding(
            "same-content-different-answers",
            "note",
            count,
            f"{count_of(count, rows.thing)} share their columns with others that have a different "
            "answer.",
            "The columns don't tell these apart: no model can be exact on all of them.",
            "They stay; a network learns about their mean.",
            examples,
        )
    return Finding(
        "same-content-two-labels",
        "warning",
        count,
        f"{count_of(count, rows.thing)} come more than once, under different labels.",
        "At most one of the labels can be right, and nothing in the data says which.",
        "Training leaves them out of training and validation. Give each the right label, or "
        "delete the wrong copies.",
        examples,
    )


def _conflicting_examples(rows: AllRows, conflicting: NDArray[np.bool_]) -> tuple[str, ...]:
    examples = []
    for group in rows.duplicates.conflicting[:5]:
        members = np.flatnonzero(conflicting & (rows.group == group))
        other = members[rows.labels[members] != rows.labels[members[0]]][0]
        examples.append(
            " = ".join(f"{rows.name(row)} ({rows.label(row)})" for row in (members[0], other))
        )
    return tuple(examples)


def _coarse(rows: AllRows) -> Finding:
    conflicting = np.isin(rows.group, rows.duplicates.conflicting)
    share = float(conflicting.mean())
    best = ""
    if rows.dataset.class_names:
        pairs = rows.group * len(rows.dataset.class_names) + rows.labels
        pair, counts = np.unique(pairs, return_counts=True)
        most = np.zeros(int(rows.group.max()) + 1, dtype=np.int64)
        np.maximum.at(most, pair // len(rows.dataset.class_names), counts)
        best = f" At best about {most.sum() / len(rows):.1%} of these rows can be told."
    return Finding(
        "coarse-columns",
        "note",
        int(conflicting.sum()),
        f"{share:.0%} of the rows have the same columns as others with a different answer.",
        f"The columns are few or coarse, so equal rows are different cases.{best}",
        "Each row counts for itself: equal rows stay, and may be on both sides of the split. More "
        "columns, or finer ones, would help.",
        _conflicting_examples(rows, conflicting),
    )
