"""The model card: intended use, data, evaluation and limitations of a network, in plain words.

After M. Mitchell et al. 2019, "Model cards for model reporting", FAT*. Markdown, English first,
then Chinese. Knows the results, not how they were computed.
"""

from __future__ import annotations

import datetime
import re
from typing import Any

import numpy as np

from danqing.evaluation.examination import Examination
from danqing.evaluation.report.report_words import said
from danqing.pages.number_format import coverage_text, interval, number, percent
from danqing.recipe.recipe import AUGMENTATIONS

__all__ = ["card_of"]

_MOST_NAMES = 30
_MEANS = ("balanced_accuracy", "macro_f1", "roc_auc", "average_precision")
_SETTINGS = (
    "epochs", "batch_size", "optimizer", "learning_rate", "schedule", "loss", "weight_decay",
    "label_smoothing", *AUGMENTATIONS, "ema_decay",
    "class_weight", "patience", "scaling", "seed",
)  # fmt: skip


def card_of(found: Examination) -> str:
    """Return the card as Markdown."""
    return "\n".join(_Card(found, language).text() for language in ("en", "zh"))


class _Card:
    """The card in one language."""

    def __init__(self, found: Examination, language: str) -> None:
        self.found, self.language = found, language
        self.classes = found.run.task == "classification"
        self.figures = found.metrics["test"]
        self.between = {"en": ", ", "zh": "、"}[language]

    def text(self) -> str:
        parts = [
            self._title(),
            self._part("what", [self._what(), self._origin()]),
            self._part("for", [self._say("card-for"), self._say("card-not-for")]),
            self._part("data", self._data()),
            self._part("training", self._training()),
            self._part("figures", [self._say("card-figures"), self._table()]),
            self._part("limits", [f"- {line}" for line in self._limits()], "\n"),
        ]
        return "\n".join(parts)

    def _say(self, key: str, **values: Any) -> str:
        return said(key, self.language, **values)

    def _aside(self, text: str) -> str:
        return f" ({text})" if self.language == "en" else f"（{text}）"

    def _part(self, key: str, lines: list[str], between: str = "\n\n") -> str:
        return f"## {self._say(f'card-part-{key}')}\n\n{between.join(lines)}\n"

    def _title(self) -> str:
        name = _plain(self.found.dataset.name)
        today = datetime.datetime.now(datetime.UTC).date().isoformat()
        return (
            f"# {self._say('card-title', name=name)}\n\n{self._say('card-written', date=today)}\n"
        )

    def _what(self) -> str:
        run = self.found.run
        shape = run.input_shape
        takes = (
            self._say("card-takes-rows", n=len(self.found.dataset.x_train.columns))
            if self.found.dataset.tabular
            else self._say("card-takes-pictures", height=shape[0], width=shape[1])
        )
        predicts = (
            self._say("card-predicts-target", target=_plain(self.found.dataset.target))
            if self.found.dataset.target
            else self._say("card-predicts-number")
        )
        if self.classes:
            names = self.between.join(_plain(name) for name in run.class_names[:_MOST_NAMES])
            more = " …" if len(run.class_names) > _MOST_NAMES else ""
            predicts = self._say(
                "card-predicts-classes", n=len(run.class_names), names=names + more
            )
        what = self._say(
            "card-what",
            takes=takes,
            predicts=predicts,
            parameters=f"{run.parameters:,}",
            spec=run.network["spec"],
        )
        if run.members > 1:
            what += self._say("card-ensemble", n=run.members)
        return what + (self._say("card-views", n=run.tta_views) if run.tta_views > 1 else "")

    def _origin(self) -> str:
        run = self.found.run
        versions = run.config.get("versions") or {}
        written = run.config.get("date")
        if not written:
            written = run.begun_on.isoformat()
        listed = self.between.join(f"{name} {version}" for name, version in versions.items())
        return self._say("card-origin", date=str(written)[:10], versions=listed)

    def _data(self) -> list[str]:
        data = self.found.run.data
        counts = {name: f"{count:,}" for name, count in data.get("counts", {}).items()}
        removed = data.get("removed") or {}
        left_out = "; ".join(f"{_plain(reason)}: {count:,}" for reason, count in removed.items())
        lines = [
            self._say(
                "card-data",
                name=_plain(data.get("name", "")),
                train=counts.get("train", "?"),
                validation=counts.get("validation", "?"),
                test=counts.get("test", "?"),
            ),
            self._say("card-removed", removed=left_out) if left_out else self._say("card-whole"),
            self._say("card-fingerprint", fingerprint=str(data.get("fingerprint", ""))[:16]),
        ]
        if few := self.found.run.config.get("labels_per_class"):
            lines.insert(1, self._say("card-few", n=few))
        if "unlabelled" in counts:
            lines.insert(1, self._say("card-unlabelled", n=counts["unlabelled"]))
        return lines

    def _training(self) -> list[str]:
        run = self.found.run
        settings = self.between.join(
            f"{name} {run.config[name]}" for name in _SETTINGS if run.config.get(name) is not None
        )
        lines = [self._say("card-settings", settings=_plain(settings))]
        if run.finished:
            seconds = run.metrics.get("seconds") or {}
            spent = number(seconds.get("fit", 0) + seconds.get("compile", 0), 3)
            lines.append(self._say("card-seconds", epochs=len(run.history), seconds=spent))
        else:
            epochs = run.config.get("epochs", "?")
            lines.append(self._say("card-unfinished", epochs=len(run.history), planned=epochs))
        return lines

    def _table(self) -> str:
        head = [self._say("card-figure"), self._say("test"), self._say("validation")]
        rows = [head, ["---"] * 3]
        validation = self.found.metrics.get("validation", {})
        written: list[tuple[str, Any, Any]] = (
            [
                ("accuracy", percent, self.figures["accuracy_ci95"]),
                ("loss", number, self.found.intervals["loss"]),
            ]
            if self.classes
            else [(name, number, self.found.intervals[name]) for name in ("mae", "mse", "r2")]
        )
        for name, write, ends in written:
            value = write(self.figures[name]) + self._aside(interval(ends, write))
            other = write(validation[name]) if validation else "–"
            rows.append([self._say(f"tile-{name}"), value, other])
        for name in _MEANS if self.classes else ():
            cells = [number(subset.get(name)) for subset in (self.figures, validation)]
            rows.append([self._say(f"tile-{name}"), *cells])
        known = self.found.calibration
        if self.classes and known:
            for when in ("before", "after") if known["after"] else ("before",):
                cells = [percent(known[when][subset]["ece"]) for subset in ("test", "validation")]
                name = self._say("tile-ece") + self._aside(self._say(f"legend-{when}"))
                rows.append([name, *cells])
        return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)

    def _limits(self) -> list[str]:
        lines = [self._say("card-limit-same")]
        if self.classes:
            lines += [*self._weak_classes(), *self._confidence(), self._say("card-limit-always")]
            n = sum(map(len, self.found.label_issues.values()))
            if n:
                lines.append(self._say("card-limit-label-issues", n=f"{n:,}"))
        lines += self._conditions()
        lines.append(self._say("card-limit-unknown"))
        return lines

    def _weak_classes(self) -> list[str]:
        measured = [row for row in self.figures["per_class"] if row["n"]]
        weak = sorted(measured, key=lambda row: row["recall"])[:3]
        named = self.between.join(
            _plain(row["class"]) + self._aside(percent(row["recall"])) for row in weak
        )
        return [self._say("card-limit-classes", named=named)]

    def _confidence(self) -> list[str]:
        known = self.found.calibration
        if known is None or not known["selection"]:
            return []
        chosen = known["selection"]
        risk = percent(chosen["risk"], 1)
        if chosen["unsure_below"] is None:
            return [self._say("unsure-impossible", risk=risk)]
        at = f"{chosen['unsure_below']:.4f}"
        coverage = coverage_text(chosen["test"]["coverage"])
        return [self._say("card-limit-unsure", at=at, risk=risk, coverage=coverage)]

    def _conditions(self) -> list[str]:
        lines = []
        measured = self.found.robustness
        if measured is not None:
            write = percent if self.classes else number
            middle = {kind: line[2]["figure"] for kind, line in measured.corrupted.items()}
            worst = sorted(middle, key=lambda kind: middle[kind] * (1 if self.classes else -1))[:3]
            named = self.between.join(
                self._say(f"corruption-{kind}") + self._aside(write(middle[kind])) for kind in worst
            )
            lines.append(self._say("card-limit-robustness", named=named))
        outstanding = [one for one in self.found.slices if one.stands_out][:3]
        if outstanding:
            named = self.between.join(
                _plain(
                    f"{one.column}: {one.value or (f'{one.low} – {one.high}' if one.low else '?')}"
                )
                for one in outstanding
            )
            lines.append(self._say("card-limit-slices", named=named))
        known = self.found.calibration
        if not self.classes and known:
            nine = next(line for line in known["margins"] if line["level"] == 0.9)
            if nine["margin"] is not None:
                lines.append(self._say("card-limit-margin", margin=number(nine["margin"])))
        if not self.classes and np.ptp(self.found.test.labels) > 0:
            low, high = (number(float(end(self.found.test.labels))) for end in (np.min, np.max))
            lines.append(self._say("card-limit-range", low=low, high=high))
        return lines


def _plain(text: Any) -> str:
    """Escape text from data, so that it isn't read as Markdown."""
    line = " ".join(str(text).split())
    return re.sub(r"([\\`*_{}\[\]()#+!|~])", r"\\\1", line)
