"""Examples that occur more than once: duplicates, leakage into the test set, conflicting labels.

What training does about them is decided in `danqing.data.split`. Knows exact duplicates only;
pictures that merely look alike are for `near_duplicates`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from danqing.inspection.all_rows import AllRows
from danqing.inspection.finding import Finding, count_of

__all__ = ["find_duplicates"]


def find_duplicates(rows: AllRows) -> list[Finding]:
    """Find exact duplicates, leakage between the subsets, and conflicting labels.

    Examples
    --------
    >>> from danqing import load_data
    >>> find_duplicates(AllRows(load_data("mnist")))
    []
    """
    if rows.duplicates.coarse:
        return [_coarse(rows)]
    found = [_duplicates(rows), _leakage(rows), _conflicts(rows)]
    return [finding for finding in found if finding]


def _unresolved(rows: AllRows) -> NDArray[np.bool_]:
    """Mark rows with conflicting labels: they are reported as that and nothing else."""
    if not rows.dataset.class_names:
        return np.zeros(len(rows), dtype=bool)
    return np.isin(rows.group, rows.duplicates.conflicting)


def _duplicates(rows: AllRows) -> Finding | None:
    """Count rows that equal an earlier one of their own subset."""
    _, first, group = np.unique(
        rows.group * 3 + rows.subset, return_index=True, return_inverse=True
    )
    earlier = first[group]
    found = np.flatnonzero((earlier != np.arange(len(rows))) & ~_unresolved(rows))
    if not len(found):
        return None
    share = len(found) / len(rows)
    are = count_of(len(found), rows.noun, "is an exact duplicate", "are exact duplicates")
    return Finding(
        "duplicates",
        "warning" if share > 0.01 else "note",
        len(found),
        message=f"{are} of another one ({share:.1%} of all).",
        meaning="A duplicate counts twice in training. With one copy in the training set and one "
        "in the test set, test metrics would be too good.",
        action="Training keeps duplicates, always on the same side of the split.",
        examples=tuple(f"{rows.name(row)} = {rows.name(earlier[row])}" for row in found[:5]),
    )


def _leakage(rows: AllRows) -> Finding | None:
    held_out = [rows.group[rows.subset == subset] for subset in (1, 2)]
    leaking = (rows.subset < 2) & np.isin(rows.group, held_out[1])
    leaking |= (rows.subset < 1) & np.isin(rows.group, held_out[0])
    leaking &= ~_unresolved(rows)
    if not leaking.any():
        return None
    found = np.flatnonzero(leaking)
    # The last row of a group is in the latest subset.
    last = dict(zip(rows.group.tolist(), range(len(rows)), strict=True))
    are = count_of(len(found), f"training or validation {rows.noun}", "is", "are")
    return Finding(
        "leakage",
        "error",
        len(found),
        message=f"{are} also in the test or validation set.",
        meaning="A network tested on what it was trained on looks better than it is. Metrics that "
        "other programs have measured on this split can't be trusted.",
        action="Training leaves them out; the test set stays as it is.",
        examples=tuple(
            f"{rows.name(row)} = {rows.name(last[int(rows.group[row])])}" for row in found[:5]
        ),
    )


def _conflicts(rows: AllRows) -> Finding | None:
    conflicting = np.isin(rows.group, rows.duplicates.conflicting)
    if not conflicting.any():
        return None
    count = int(conflicting.sum())
    examples = _conflicting_examples(rows, conflicting)
    if not rows.dataset.class_names:
        content = "columns" if rows.dataset.tabular else "pixels"
        return Finding(
            "conflicting-targets",
            "note",
            count,
            message=f"{count_of(count, rows.noun)} have the same {content} as another one, but a "
            "different target.",
            meaning=f"The {content} can't tell them apart: no model predicts all of them exactly.",
            action="Training keeps them; a network learns roughly their mean.",
            examples=examples,
        )
    return Finding(
        "conflicting-labels",
        "warning",
        count,
        message=f"{count_of(count, rows.noun)} occur more than once, with different labels.",
        meaning="At most one of the labels is right, and the data don't say which.",
        action="Training leaves them out of the training and validation sets. Correct the labels, "
        "or delete the wrong copies.",
        examples=examples,
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
    best, label = "", "target"
    if rows.dataset.class_names:
        pairs = rows.group * len(rows.dataset.class_names) + rows.labels
        pair, counts = np.unique(pairs, return_counts=True)
        most = np.zeros(int(rows.group.max()) + 1, dtype=np.int64)
        np.maximum.at(most, pair // len(rows.dataset.class_names), counts)
        best = f" No model can predict more than about {most.sum() / len(rows):.1%} of them."
        label = "label"
    return Finding(
        "coarse-columns",
        "note",
        int(conflicting.sum()),
        message=f"{share:.0%} of the rows have the same columns as others with a different "
        f"{label}.",
        meaning=f"The columns are few or coarse, so equal rows are different cases.{best}",
        action="Every row counts as a case of its own: equal rows stay, and may be on both sides "
        "of the split. More columns, or finer ones, would help.",
        examples=_conflicting_examples(rows, conflicting),
    )
