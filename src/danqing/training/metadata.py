"""What a run folder says of a training before its first step and after each epoch.

And whether what it says is the same training as another.

Knows no network's weights.
"""

from __future__ import annotations

import json
import logging
import platform
import time
from importlib.metadata import version
from typing import Any, NamedTuple

from danqing import __version__
from danqing.data.stratify import SPLIT_SEED
from danqing.errors import RunError
from danqing.recipe.recipe import Recipe
from danqing.runs.run_folder import FORMAT, RunFolder
from danqing.training.trainer import Trainer

__all__ = ["HistoryWriter", "Metadata", "metadata_of", "refuse_differences"]

_log = logging.getLogger("danqing")

_HISTORY_PAUSE = 1.0  # seconds: epochs may be shorter than writing a line takes


class Metadata(NamedTuple):
    """The contents of `config.json`, `data.json` and `network.json`."""

    config: dict[str, Any]
    data: dict[str, Any]
    network: dict[str, Any]


def metadata_of(trainer: Trainer) -> Metadata:
    """Tell all that decides a training, and where it came from."""
    dataset, splits, recipe = trainer.dataset, trainer.splits, trainer.recipe
    unlabelled = trainer.unlabelled_rows if recipe.unlabelled_weight else 0
    versions = {"danqing": __version__, "keras": version("keras"), "numpy": version("numpy")}
    return Metadata(
        {
            **recipe.model_dump(),
            "spec": recipe.spec,
            "from": _identity(trainer.base),
            "teacher": _identity(trainer.teacher),
            "versions": {
                **versions,
                "tensorflow": _tensorflow_version(),
                "python": platform.python_version(),
            },
        },
        {
            "name": dataset.name,
            "source": dataset.source,
            "task": dataset.task,
            "target": dataset.target,
            "fingerprint": dataset.fingerprint,
            "class_names": list(dataset.class_names),
            "input_shape": list(dataset.input_shape),
            "counts": {
                **{name: len(getattr(splits, name)) for name in ("train", "validation", "test")},
                **({"unlabelled": unlabelled} if unlabelled else {}),
            },
            **({"unlabelled": trainer.unlabelled.to_json()} if trainer.unlabelled else {}),
            "removed": {**dataset.removed, **splits.removed},
            "split": {"seed": SPLIT_SEED, "validation_share": recipe.validation_share},
        },
        {**trainer.architecture.to_json(), "preparation": trainer.preparation.to_json()},
    )


def refuse_differences(run: RunFolder, record: Metadata) -> None:
    """Refuse to go on in a run's folder with another training than was begun there.

    Raises
    ------
    RunError
        Names what differs.
    """
    now = json.loads(json.dumps(record.config))
    then = run.config
    differences = [
        f"{name} is {then[name]!r} there and {now[name]!r} now"
        for name in Recipe.model_fields
        if name in then and then[name] != now[name]
    ]
    if then.get("from") != now["from"]:
        differences.append("it trains on from another run (--from)")
    if then.get("teacher") != now["teacher"]:
        differences.append("it has another teacher (--teacher)")
    if run.data.get("fingerprint") != record.data["fingerprint"]:
        differences.append(
            f"its data are others ({run.data.get('source') or run.data.get('name')!r} then, "
            f"{record.data['source'] or record.data['name']!r} now)"
        )
    if run.data.get("unlabelled") != record.data.get("unlabelled"):
        differences.append("its pictures without labels are others (--unlabelled)")
    if not differences and run.network != {
        "format": FORMAT,
        **json.loads(json.dumps(record.network)),
    }:
        differences.append(f"danqing {then['versions'].get('danqing')} prepared the data otherwise")
    if differences:
        raise RunError(
            f"run {run.folder}: is another training: {'; '.join(differences)}. Give the same words "
            "as at its start, or another --out"
        )
    versions = then.get("versions", {})
    if versions != now["versions"]:
        changed = [
            f"{name} {old} (now {now['versions'].get(name)})"
            for name, old in versions.items()
            if old != now["versions"].get(name)
        ]
        _log.warning(
            "it was begun with %s: the weights may differ in their last digits", ", ".join(changed)
        )


class HistoryWriter:
    """Writes what each epoch gave: `history.csv` and, if wanted, TensorBoard's logs.

    Parameters
    ----------
    run : Run
    trainer : Trainer
    tensorboard : bool
    """

    def __init__(self, run: RunFolder, trainer: Trainer, tensorboard: bool) -> None:
        self._run, self._trainer = run, trainer
        self._written, self._failed = 0.0, False
        self._log = None
        if tensorboard:
            from danqing.training.tensorboard import EventLog

            self._log = EventLog(run.event_logs)

    def write(self, *, last: bool = False) -> None:
        """Write after an epoch; the `last` time for certain.

        Raises
        ------
        RunError
            If it is the last time and the disk is full.
        """
        history, task = self._trainer.history, self._trainer.dataset.task
        if self._log and not last:
            self._log.write(history[-1].line(task))
        now = time.perf_counter()
        if last or now - self._written >= _HISTORY_PAUSE:
            self._written = now
            try:
                self._run.write_history(report.line(task) for report in history)
            except RunError as error:
                # A full disk may have room again before the end; states are kept apart from this.
                if last:
                    raise
                if not self._failed:
                    _log.warning("%s. Training goes on", error)
                self._failed = True


def _identity(run: RunFolder | None) -> dict[str, str] | None:
    if run is None:
        return None
    return {"run": str(run.folder), "weights": run.weights_digest}


def _tensorflow_version() -> str:
    for name in ("tensorflow-cpu", "tensorflow"):
        try:
            return version(name)
        except ModuleNotFoundError:
            continue
    return "unknown"
