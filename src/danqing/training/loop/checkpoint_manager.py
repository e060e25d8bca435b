"""Saves and restores the complete state of a running loop. Knows no data.

Between two chunks a state is complete: parameters, statistics, the optimizer's slots, the moving
average, the best weights so far, and the position. All randomness is a function of the seed and
the position, so a loop that is resumed reaches the very weights that it would have reached.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.errors import RunError
from danqing.networks.backend import tf
from danqing.runs.checkpoints import Checkpoints
from danqing.training.budget import Clock
from danqing.training.loop.loop import Loop
from danqing.training.loop.progress import Position
from danqing.training.loop.step import State

__all__ = ["CheckpointManager", "identity_of"]

_FORMAT = 2
_INTERVAL = 5.0  # seconds between two checkpoints, at least
_SHARE = 0.02  # of the time that saving may take
_SPEED = 1e8  # bytes per second, until it is known

_log = logging.getLogger("danqing")


class CheckpointManager:
    """Saves a loop's checkpoints: at most one every 5 seconds, and in at most 2 % of the time.

    Parameters
    ----------
    checkpoints : Checkpoints
    identity : str
        From `identity_of`; a checkpoint of another training is not restored.
    clock : Clock
        Of the job; its time is restored, too.

    Attributes
    ----------
    seconds : float
        What saving took so far, in this process.
    """

    def __init__(self, checkpoints: Checkpoints, identity: str, clock: Clock) -> None:
        self.checkpoints, self.identity, self.clock = checkpoints, identity, clock
        self.seconds = 0.0
        self._due = math.inf
        self._failed = False

    def restore(self, loop: Loop) -> bool:
        """Restore a new loop from the newest intact checkpoint; False if there is none."""
        found = self.checkpoints.newest()
        if found is None:
            return False
        tensors, facts = found
        if facts.get("training") != self.identity:
            _log.warning(
                "%s: holds checkpoints of another training; starting over", self.checkpoints.folder
            )
            return False
        loop.state, loop.best = _unpack(tensors, loop.state)
        loop.position = Position.from_json(facts["position"])
        self.clock.before = facts["spent"]
        return True

    def save(self, loop: Loop, *, now: bool = False) -> None:
        """Save the loop's state if a checkpoint is due, or `now`.

        A full disk does no harm: there is one warning, earlier checkpoints stay, and training
        continues.
        """
        began = time.perf_counter()
        if self._due == math.inf:
            size = sum(tensor.nbytes for tensor in _pack(loop).values())
            self._due = began + _interval(size / _SPEED)
        if not (now or began >= self._due):
            return
        facts = {
            "training": self.identity,
            "spent": self.clock(),
            "position": loop.position.to_json(),
        }
        try:
            self.checkpoints.save(loop.position.steps, _pack(loop), facts)
            self._failed = False
        except RunError as error:
            if not self._failed:
                _log.warning("%s. Training continues; saving will be retried", error)
            self._failed = True
        ended = time.perf_counter()
        self.seconds += ended - began
        self._due = ended + _interval(ended - began)


def identity_of(config: dict[str, Any], data: dict[str, Any]) -> str:
    """Compute a digest of what decides a training: its settings and its data."""
    decisive = {name: value for name, value in config.items() if name != "versions"}
    pictures = [data[name] for name in ("fingerprint", "unlabelled") if name in data]
    text = json.dumps([_FORMAT, decisive, *pictures], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _interval(seconds: float) -> float:
    """How long to wait after saving took so many seconds."""
    return max(_INTERVAL, seconds / _SHARE)


def _pack(loop: Loop) -> dict[str, NDArray[Any]]:
    """Name every tensor of a loop."""
    tensors: dict[str, NDArray[Any]] = {}
    for prefix, state in (("", loop.state), ("best/", loop.best)):
        if state is not None:
            lists = {
                "parameters": state.parameters,
                "non_trainable": state.non_trainable,
                "ema": state.ema,
                **{f"slots/{number}": slot for number, slot in enumerate(state.slots)},
            }
            for name, values in lists.items():
                for number, value in enumerate(values):
                    tensors[f"{prefix}{name}/{number}"] = np.asarray(value)
    return tensors


def _unpack(tensors: dict[str, NDArray[Any]], like: State) -> tuple[State, State | None]:
    """Rebuild state and best state, in the shapes of `like`."""

    def take(name: str, likes: list[Any]) -> list[Any]:
        # Scalars come back with one dimension.
        return [
            tf.constant(tensors[f"{name}/{number}"].reshape(tensor.shape))
            for number, tensor in enumerate(likes)
        ]

    state = State(
        take("parameters", like.parameters),
        take("non_trainable", like.non_trainable),
        [take(f"slots/{number}", slot) for number, slot in enumerate(like.slots)],
        take("ema", like.ema),
    )
    if "best/parameters/0" not in tensors:
        return state, None
    parameters = take("best/parameters", like.parameters)
    return state, State(parameters, take("best/non_trainable", like.non_trainable), [], [])
