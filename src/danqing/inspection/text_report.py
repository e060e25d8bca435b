"""An Inspection as text for a terminal. Knows nothing but the Inspection."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

from danqing.inspection.finding import Finding, count_of
from danqing.inspection.inspect import Inspection
from danqing.pages.charts import text_bar

__all__ = ["report_lines"]

_MOST_CLASSES = 20
_PLACE = re.compile(r"\b(train|validation|test)\[\d+\]")
_MOST_COLUMNS = 60
_BAR = 24
_LONGEST = 28  # characters of a name in a table


def report_lines(inspection: Inspection, width: int = 96) -> list[str]:
    """Write the report: what is in the data, then the findings, worst first.

    Examples
    --------
    >>> from danqing import load_data
    >>> from danqing.inspection.inspect import inspect
    >>> lines = report_lines(inspect(load_data("wine")))
    >>> lines[0]
    'wine: a table of 178 rows and 13 columns; target: one of 3 classes'
    >>> lines[-1]
    'No problems found.'
    """
    summary = inspection.summary
    lines = [_title(summary), "", *_splits(summary, width)]
    if "pictures" in summary:
        lines += _pictures(summary["pictures"], width)
    if "classes" in summary:
        lines += ["", *_classes(summary)]
    if "target" in summary:
        lines += ["", *_target(summary)]
    if "columns" in summary:
        lines += ["", *_columns(summary["columns"])]
    if "labels" in summary:
        lines += ["", *textwrap.wrap(_labels(summary["labels"]), width, subsequent_indent="  ")]
    return [*lines, "", *_findings(inspection.findings, width)]


def _title(summary: dict[str, Any]) -> str:
    total = sum(summary["counts"].values())
    name = _printable(summary["name"])
    target = f"one of {len(summary['classes']):,} classes" if "classes" in summary else "a number"
    if summary["kind"] == "table":
        columns = count_of(len(summary["columns"]), "column")
        if summary["target_column"]:
            target = f"{_printable(summary['target_column'])}, {target}"
        return f"{name}: a table of {count_of(total, 'row')} and {columns}; target: {target}"
    return f"{name}: {count_of(total, 'picture')}; target: {target}"


def _splits(summary: dict[str, Any], width: int) -> list[str]:
    counts = summary["counts"]
    names = {"train": "training", "validation": "validation", "test": "test"}
    line = ", ".join(f"{counts[key]:,} {name}" for key, name in names.items() if counts[key]) + "."
    if not counts["test"]:
        line += " There is no test set: training will hold out 20 %, always the same rows."
    return textwrap.wrap("Split: " + line, width, subsequent_indent="  ")


def _pictures(pictures: dict[str, Any], width: int) -> list[str]:
    line = f"Pictures: {pictures['width']}x{pictures['height']} pixels, {pictures['mode']}."
    files = pictures.get("files")
    if files:
        most = f"{files['most_common'][1]}x{files['most_common'][0]}"
        line += (
            f" The files have {most}."
            if files["different_sizes"] == 1
            else f" The files have {files['different_sizes']:,} sizes, most often {most}; all are "
            "resized."
        )
    return textwrap.wrap(line, width, subsequent_indent="  ")


def _classes(summary: dict[str, Any]) -> Iterator[str]:
    classes = summary["classes"]
    subsets = [subset for subset, count in summary["counts"].items() if count]
    most = max(max(row["train"] for row in classes), 1)
    shown = (
        sorted(classes, key=lambda row: -row["train"]) if len(classes) > _MOST_CLASSES else classes
    )
    half = _MOST_CLASSES // 2
    left_out = len(classes) - _MOST_CLASSES
    rows = [
        [
            _printable(row["name"]),
            *(f"{row[subset]:,}" for subset in subsets),
            text_bar(row["train"] / most, _BAR),
        ]
        for row in (shown if left_out <= 0 else [*shown[:half], *shown[-half:]])
    ]
    lines = _table([["class", *subsets, ""], *rows], left={0, len(subsets) + 1})
    if left_out > 0:
        lines.insert(1 + half, f"... {left_out:,} classes between them ...")
    yield from lines


def _labels(labels: dict[str, Any] | None) -> str:
    if labels is None:
        return (
            "Labels: not checked for errors; that takes at least 50 examples, and 2 to 100 classes "
            "with at least 5 each."
        )
    share = f"{labels['agreement']:.0%} of {labels['examined']:,} held-out labels"
    if labels["reliable"]:
        return f"Labels: simple models predict {share} correctly."
    return f"Labels: not checked for errors; simple models predict only {share}, too few to judge."


def _target(summary: dict[str, Any]) -> Iterator[str]:
    target = summary["target"]
    yield (
        f"Target: from {target['min']:.6g} to {target['max']:.6g}, median {target['median']:.6g}."
    )


def _columns(columns: list[dict[str, Any]]) -> Iterator[str]:
    rows = [["column", "kind", "missing", "distinct", "values"]]
    for column in columns[:_MOST_COLUMNS]:
        if column["kind"] == "category":
            values = ", ".join(f"{_printable(v)} ({n:,})" for v, n in column["most_common"].items())
            values += ", ..." if column["distinct"] > len(column["most_common"]) else ""
        elif column["min"] is None:
            values = ""
        else:
            low, median, high = (_value(column[key]) for key in ("min", "median", "max"))
            values = f"{low} to {high}, median {median}"
        missing = f"{column['missing']:,}" if column["missing"] else "-"
        rows.append(
            [_printable(column["name"]), column["kind"], missing, f"{column['distinct']:,}", values]
        )
    yield from _table(rows, left={0, 1, 4})
    if len(columns) > _MOST_COLUMNS:
        yield f"... and {len(columns) - _MOST_COLUMNS:,} more columns (all are in --json)"


def _value(value: Any) -> str:
    return value.removesuffix("T00:00:00") if isinstance(value, str) else f"{value:.6g}"


def _findings(findings: Sequence[Finding], width: int) -> Iterator[str]:
    if not findings:
        yield "No problems found."
        return
    counts = [
        count_of(number, severity)
        for severity in ("error", "warning", "note")
        if (number := sum(finding.severity == severity for finding in findings))
    ]
    yield f"Found: {', '.join(counts)}"
    for finding in findings:
        yield ""
        head = f"{finding.severity.upper():<8} {_printable(finding.message)}"
        yield from textwrap.wrap(head, width, subsequent_indent=" " * 9)
        yield from _indented("means", finding.meaning, width)
        yield from _indented("action", finding.action, width)
        for place, example in enumerate(finding.examples):
            yield from _indented("such as" if place == 0 else "", example, width)
    if any(_PLACE.search(example) for finding in findings for example in finding.examples):
        yield ""
        yield "train[7] is row 7 of the training set, counted from 0."


def _indented(label: str, text: str, width: int) -> list[str]:
    # Long paths stay whole, to be copied.
    return textwrap.wrap(
        _printable(text),
        width,
        initial_indent=f"{label:>8} ".ljust(10),
        subsequent_indent=" " * 10,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _printable(text: str) -> str:
    """Keep a user's text on one line, and control characters from the terminal."""
    return "".join(character if character.isprintable() else " " for character in text)


def _table(rows: list[list[str]], left: set[int]) -> list[str]:
    cells = [[_shorten(cell) if at == 0 else cell for at, cell in enumerate(row)] for row in rows]
    widths = [max(_width(row[at]) for row in cells) for at in range(len(cells[0]))]
    lines = []
    for row in cells:
        padded = [
            cell + " " * (wide - _width(cell)) if at in left else " " * (wide - _width(cell)) + cell
            for at, (cell, wide) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(padded).rstrip())
    return lines


def _width(text: str) -> int:
    """Count terminal cells: a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _shorten(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
