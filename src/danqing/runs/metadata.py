"""What a run records before its first step, and whether that is the same training as another.

Knows no network and no data: only what is said about them.
"""

from __future__ import annotations

import json
import logging
from typing import Any, NamedTuple

from danqing.errors import RunError
from danqing.recipe.recipe import Recipe
from danqing.runs.run_folder import FORMAT, RunFolder

__all__ = ["Metadata", "refuse_differences"]

_log = logging.getLogger("danqing")


class Metadata(NamedTuple):
    """The contents of `config.json`, `data.json` and `network.json`."""

    config: dict[str, Any]
    data: dict[str, Any]
    network: dict[str, Any]


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
    # The temperature is known only when training ends.
    known = {**run.network, "temperature": now.network["temperature"]}
    if not differences and known != {"format": FORMAT, **now.network}:
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
    elif then.get("transfer") != now.config.get("transfer"):
        found.append("another danqing planned its transfer")
    if then.get("teacher") != now.config["teacher"]:
        found.append("it has another teacher (--teacher)")
    if run.data.get("fingerprint") != now.data["fingerprint"]:
        found.append(
            f"its data differ ({run.data.get('source') or run.data.get('name')!r} then, "
            f"{now.data['source'] or now.data['name']!r} now)"
        )
    if run.data.get("unlabelled") != now.data.get("unlabelled"):
        found.append("its unlabelled pictures differ (--unlabelled)")
    return found
