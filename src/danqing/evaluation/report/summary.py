"""The report's first part: how good the run is, in brief; and how it compares with another run.

Knows the results, not how they were computed.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

from danqing.evaluation.examination import Examination
from danqing.evaluation.report.report_words import say, table
from danqing.pages.number_format import interval, number, percent, points

__all__ = ["comparison", "heading", "verdict"]

Tile = tuple[str, str, str]

_MEANS = ("balanced_accuracy", "macro_f1", "roc_auc", "average_precision")
_MOST_NAMES = 10


def heading(found: Examination) -> str:
    """Return the title, and what was evaluated."""
    run = found.run
    config = run.config
    versions = config.get("versions") or {}
    several = f"{run.members} × " * (run.members > 1)
    views = f" × {say('tta-views', n=run.tta_views)}" if run.tta_views > 1 else ""
    facts = [
        ("fact-run", f"<code>{escape(run.folder.resolve().name)}</code>"),
        (
            "fact-network",
            f"{several}<code>{escape(str(run.network.get('spec', '')))}</code>{views}",
        ),
        ("fact-data", _data(found)),
        ("fact-version", escape(f"danqing {versions.get('danqing', '?')}")),
    ]
    lines = "".join(f"<div><dt>{say(key)}</dt><dd>{value}</dd></div>" for key, value in facts)
    return f'<h1>{say("title", name=found.dataset.name)}</h1><dl class="facts">{lines}</dl>'


def verdict(found: Examination) -> str:
    """Return the verdict in sentences, and the main figures."""
    figures = found.metrics["test"]
    n = f"{figures['n']:,}"
    thing = _thing(found) + _known(found)
    if found.run.task == "regression":
        sentences, tiles = _verdict_on_numbers(found, figures)
    else:
        low, high = figures["accuracy_ci95"]
        right = round(figures["accuracy"] * figures["n"])
        sentences = say(
            f"verdict-{thing}", n=n, right=f"{right:,}", accuracy=percent(figures["accuracy"])
        ) + say("verdict-expect", low=percent(low, 1), high=percent(high, 1))
        tiles = [
            ("tile-accuracy", percent(figures["accuracy"]), interval((low, high))),
            ("tile-loss", number(figures["loss"]), interval(found.intervals["loss"], number)),
            *((f"tile-{name}", _written(name, figures[name]), "") for name in _MEANS),
            *_confidence_tiles(found),
        ]
    if not found.own:
        sentences += say("verdict-other-data") + _on_other_data(figures)
    tiles.append(("tile-parameters", f"{found.run.parameters:,}", ""))
    lines = "".join(_tile(*one) for one in tiles)
    return f'<p class="verdict sentences">{sentences}</p><dl class="tiles">{lines}</dl>'


def _known(found: Examination) -> str:
    """Whether the network may have learned from some of the rows, so that they aren't unseen."""
    return "" if found.own or found.metrics["test"].get("training_rows") == 0 else "-known"


def _on_other_data(figures: dict[str, Any]) -> str:
    """Say what of other data was not measured, and what of them the network has learned from."""
    text = ""
    if unknown := figures.get("unknown_classes"):
        text += say(
            "verdict-unknown-classes", named=_listed(f"{k} ({n:,})" for k, n in unknown.items())
        )
    absent = [row["class"] for row in figures.get("per_class", ()) if not row["n"]]
    if absent:
        text += say("verdict-absent-classes", named=_listed(absent))
    if seen := figures.get("training_rows"):
        text += say("verdict-training-rows", seen=f"{seen:,}", n=f"{figures['n']:,}")
    return text


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    more = " …" if len(every) > _MOST_NAMES else ""
    return ", ".join(every[:_MOST_NAMES]) + more


def _written(name: str, value: float | None) -> str:
    share = name in ("balanced_accuracy", "macro_f1")
    return percent(value) if share and value is not None else number(value)


def comparison(found: Examination) -> str:
    """Say which of two runs is better, if one is."""
    other = found.comparison
    if other is None:
        return ""
    name = other["against"].rstrip("/").rpartition("/")[2]
    lines = _compared_classes(other) if "p_value" in other else _compared_numbers(other)
    return (
        f"<p>{say('comparison-what', name=name)}</p><p><code>{escape(other['network'])}</code></p>"
        f'{lines}<p class="hint sentences">{say("comparison-how")}'
        f"{say('comparison-p') if 'p_value' in other else ''}</p>"
    )


def _compared_classes(other: dict[str, Any]) -> str:
    low, high = other["difference_ci95"]
    better = "first" if low > 0 else "second" if high < 0 else "neither"
    sentence = say(
        f"comparison-{better}",
        first=percent(other["accuracy"][0]),
        second=percent(other["accuracy"][1]),
        difference=points(other["difference"]),
        low=points(low),
        high=points(high),
        p="< 0.0001" if other["p_value"] < 1e-4 else f"= {number(other['p_value'], 2)}",
    )
    cells = [("both", "only_first"), ("only_second", "neither")]
    rows = "".join(
        f"<tr><th scope=row>{say(f'comparison-row-{place}')}</th>"
        + "".join(f"<td>{other[cell]:,}</td>" for cell in line)
        + "</tr>"
        for place, line in enumerate(cells)
    )
    heads = ("", say("comparison-column-0"), say("comparison-column-1"))
    return f"<p>{sentence}</p>{table(heads, rows)}"


def _compared_numbers(other: dict[str, Any]) -> str:
    rows = ""
    for name in ("mae", "mse"):
        one = other[name]
        ends = one["difference_ci95"]
        better = "neither"
        if ends is not None:
            better = "first" if ends[1] < 0 else "second" if ends[0] > 0 else "neither"
        rows += (
            f"<tr><th scope=row>{say(f'tile-{name}')}</th><td>{number(one['figures'][0])}</td>"
            f"<td>{number(one['figures'][1])}</td><td>{number(one['difference'])}</td>"
            f"<td>{interval(ends, number)}</td><td>{say(f'better-{better}')}</td></tr>"
        )
    named = ("this", "other", "difference", "interval", "verdict")
    return table(("", *(say(f"comparison-{key}") for key in named)), rows)


def _tile(key: str, value: str, below: str) -> str:
    """Return one large figure, with its interval below."""
    small = f"<dd class=small>{below}</dd>" if below else ""
    return f"<div><dt>{say(key)}</dt><dd>{value}</dd>{small}</div>"


def _verdict_on_numbers(found: Examination, figures: dict[str, Any]) -> tuple[str, list[Tile]]:
    thing = _thing(found) + _known(found)
    sentences = say(f"verdict-numbers-{thing}", n=f"{figures['n']:,}", mae=number(figures["mae"]))
    if figures["r2"] is not None:
        sentences += say("verdict-explained", share=percent(max(figures["r2"], 0.0), 0))
    tiles = [
        (f"tile-{name}", number(figures[name]), interval(found.intervals[name], number))
        for name in ("mae", "mse", "r2")
    ]
    return sentences, tiles


def _confidence_tiles(found: Examination) -> list[Tile]:
    calibration = found.calibration
    if calibration is None:
        return []
    error = before = percent(calibration["before"]["test"]["ece"])
    below = ""
    if calibration["after"]:
        error = percent(calibration["after"]["test"]["ece"])
        below = say("tile-ece-before", before=before)
    tiles = [("tile-ece", error, below)]
    selection = calibration["selection"]
    if selection is not None:
        at = selection["unsure_below"]
        key = "tile-unsure-none" if at is None else "tile-unsure-risk"
        risk = say(key, risk=percent(selection["risk"], 1))
        tiles.append(("tile-unsure", "–" if at is None else f"{at:.3f}", risk))
    return tiles


def _data(found: Examination) -> str:
    counts = found.run.data.get("counts") or {}
    name = escape(found.dataset.name)
    if not found.own:
        return f"{name} ({say('rows', n=f'{len(found.test):,}')})"
    subsets = " ".join(
        f'<span class="subset">{say(f"count-{subset}", n=f"{counts.get(subset, 0):,}")}</span>'
        for subset in ("train", "unlabelled", "validation", "test")
        if subset in counts or subset != "unlabelled"
    )
    return f"{name}: {subsets}"


def _thing(found: Examination) -> str:
    return "rows" if len(found.run.input_shape) == 1 else "pictures"
