"""Complete states of a running loop, kept on disk and taken up again. Knows no data.

A state is complete between two stretches: parameters, statistics, the optimizer's memory, the
average, the best weights so far, and the position. All randomness is a function of the seed and
the position, so a loop that goes on from there reaches the very weights it would have reached.
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

_FORMAT = 1
_PAUSE = 5.0  # seconds between two states, at least
_SHARE = 0.02  # of the time that keeping them may take
_SPEED = 1e8  # bytes a second, until it is known

_log = logging.getLogger("danqing")


class CheckpointManager:
    """Keeps a loop's newest states: at most one in 5 seconds, and at 2 % of the time.

    Parameters
    ----------
    checkpoints : Checkpoints
    identity : str
        From `identity_of`; a state of another training is not taken up.
    clock : Clock
        Of the job. Its time goes on where it was, too.

    Attributes
    ----------
    seconds : float
        What keeping took so far, in this process.
    """

    def __init__(self, checkpoints: Checkpoints, identity: str, clock: Clock) -> None:
        self.checkpoints, self.identity, self.clock = checkpoints, identity, clock
        self.seconds = 0.0
        self._due = math.inf
        self._failed = False

    def restore(self, loop: Loop) -> bool:
        """Bring a new loop to the newest state that is whole; False if there is none."""
        found = self.checkpoints.newest()
        if found is None:
            return False
        tensors, facts = found
        if facts.get("training") != self.identity:
            _log.warning(
                "%s: holds states of another training; starting over", self.checkpoints.folder
            )
            return False
        loop.state, loop.best = _unpacked(tensors, loop.state)
        loop.position = Position.from_json(facts["position"])
        self.clock.before = facts["spent"]
        return True

    def keep(self, loop: Loop, *, now: bool = False) -> None:
        """Write the loop's state if it is time to, or `now`.

        A full disk harms nothing: it is said once, earlier states stay, and training goes on.
        """
        began = time.perf_counter()
        if self._due == math.inf:
            size = sum(tensor.nbytes for tensor in _packed(loop).values())
            self._due = began + _pause(size / _SPEED)
        if not (now or began >= self._due):
            return
        facts = {
            "training": self.identity,
            "spent": self.clock(),
            "position": loop.position.to_json(),
        }
        try:
            self.checkpoints.save(loop.position.steps, _packed(loop), facts)
            self._failed = False
        except RunError as error:
            if not self._failed:
                _log.warning("%s. Training goes on; it will be tried again", error)
            self._failed = True
        ended = time.perf_counter()
        self.seconds += ended - began
        self._due = ended + _pause(ended - began)


def identity_of(config: dict[str, Any], data: dict[str, Any]) -> str:
    """Give a digest of what decides a training: its settings and its data."""
    decisive = {name: value for name, value in config.items() if name != "versions"}
    pictures = [data[name] for name in ("fingerprint", "unlabelled") if name in data]
    text = json.dumps([_FORMAT, decisive, *pictures], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _pause(seconds: float) -> float:
    return max(_PAUSE, seconds / _SHARE)


def _packed(loop: Loop) -> dict[str, NDArray[Any]]:
    """Give every tensor of a loop a name."""
    tensors: dict[str, NDArray[Any]] = {}
    for start, state in (("", loop.state), ("best/", loop.best)):
        if state is not None:
            lists = {
                "parameters": state.parameters,
                "statistics": state.statistics,
                "average": state.average,
                **{f"memory/{number}": part for number, part in enumerate(state.slots)},
            }
            for name, values in lists.items():
                for number, value in enumerate(values):
                    tensors[f"{start}{name}/{number}"] = np.asarray(value)
    return tensors


def _unpacked(tensors: dict[str, NDArray[Any]], like: State) -> tuple[State, State | None]:
    """Give state and best state; the shapes are those of `like`."""

    def take(name: str, likes: list[Any]) -> list[Any]:
        # Arrays without a dimension come back with one.
        return [
            tf.constant(tensors[f"{name}/{number}"].reshape(tensor.shape))
            for number, tensor in enumerate(likes)
        ]

    state = State(
        take("parameters", like.parameters),
        take("statistics", like.statistics),
        [take(f"memory/{number}", part) for number, part in enumerate(like.slots)],
        take("average", like.average),
    )
    if "best/parameters/0" not in tensors:
        return state, None
    best = State(
        take("best/parameters", like.parameters), take("best/statistics", like.statistics), [], []
    )
    return state, best
