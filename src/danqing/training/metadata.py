"""What a run folder records before the first step: all that decides a training, and its origin.

Also compares that with what is recorded already, for resuming. Knows no weights.
"""

from __future__ import annotations

import json
import logging
import platform
from importlib.metadata import version
from typing import Any, NamedTuple

from danqing import __version__
from danqing.data.stratify import SPLIT_SEED
from danqing.errors import RunError
from danqing.recipe.recipe import Recipe
from danqing.runs.run_folder import FORMAT, RunFolder
from danqing.training.training_plan import TrainingPlan

__all__ = ["Metadata", "metadata_of", "refuse_differences"]

_log = logging.getLogger("danqing")


class Metadata(NamedTuple):
    """The contents of `config.json`, `data.json` and `network.json`."""

    config: dict[str, Any]
    data: dict[str, Any]
    network: dict[str, Any]


def metadata_of(plan: TrainingPlan) -> Metadata:
    """Describe a training: its settings, its data and its network."""
    network = {**plan.architecture.to_json(), "preparation": plan.preparation.to_json()}
    return Metadata(_config(plan), _data(plan), network)


def _config(plan: TrainingPlan) -> dict[str, Any]:
    return {
        **plan.recipe.model_dump(),
        "spec": plan.recipe.spec,
        "from": _identity(plan.base),
        "teacher": _identity(plan.teacher),
        "versions": {
            "danqing": __version__,
            "keras": version("keras"),
            "numpy": version("numpy"),
            "tensorflow": _tensorflow_version(),
            "python": platform.python_version(),
        },
    }


def _data(plan: TrainingPlan) -> dict[str, Any]:
    dataset, splits = plan.dataset, plan.splits
    counts = {name: len(getattr(splits, name)) for name in ("train", "validation", "test")}
    if plan.unlabelled_rows:
        counts["unlabelled"] = plan.unlabelled_rows
    return {
        "name": dataset.name,
        "source": dataset.source,
        "task": dataset.task,
        "target": dataset.target,
        "fingerprint": dataset.fingerprint,
        "class_names": list(dataset.class_names),
        "input_shape": list(dataset.input_shape),
        "counts": counts,
        **({"unlabelled": plan.unlabelled.to_json()} if plan.unlabelled else {}),
        "removed": {**dataset.removed, **splits.removed},
        "split": {"seed": SPLIT_SEED, "validation_share": plan.recipe.validation_share},
    }


def refuse_differences(run: RunFolder, metadata: Metadata) -> None:
    """Refuse to resume a run by another training than was started in its folder.

    Raises
    ------
    RunError
        Names what differs.
    """
    # As it would be read back: tuples become lists.
    now = Metadata(*json.loads(json.dumps(metadata)))
    differences = _differences(run, now)
    then = run.config
    if not differences and run.network != {"format": FORMAT, **now.network}:
        differences = [f"danqing {then['versions'].get('danqing')} prepared the data differently"]
    if differences:
        raise RunError(
            f"run {run.folder}: belongs to another training: {'; '.join(differences)}. Repeat the "
            "settings it was started with, or choose another --out"
        )
    changed = [
        f"{name} {old} (now {now.config['versions'].get(name)})"
        for name, old in then.get("versions", {}).items()
        if old != now.config["versions"].get(name)
    ]
    if changed:
        _log.warning(
            "the run was started with %s: weights may differ in their last digits",
            ", ".join(changed),
        )


def _differences(run: RunFolder, now: Metadata) -> list[str]:
    then = run.config
    found = [
        f"{name} was {then[name]!r} and is now {now.config[name]!r}"
        for name in Recipe.model_fields
        if name in then and then[name] != now.config[name]
    ]
    if then.get("from") != now.config["from"]:
        found.append("it fine-tunes another run (--from)")
    if then.get("teacher") != now.config["teacher"]:
        found.append("it has another teacher (--teacher)")
    if run.data.get("fingerprint") != now.data["fingerprint"]:
        found.append(
            f"its data differ ({run.data.get('source') or run.data.get('name')!r} then, "
            f"{now.data['source'] or now.data['name']!r} now)"
        )
    if run.data.get("unlabelled") != now.data.get("unlabelled"):
        found.append("its pictures without labels differ (--unlabelled)")
    return found


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
