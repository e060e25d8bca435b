from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from danqing.data.cache.helper_processes import HelperProcesses
from danqing.data.cache.reading import Item, Seen, look_at


def test_helpers_start_without_numpy() -> None:
    names = "danqing.data.cache.helper_processes, danqing.data.cache.reading"
    code = f"import {names}, sys; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


Sized = list[tuple[int, Item]]


def not_here(batch: list[Item]) -> list[Seen]:
    raise AssertionError("no helper did it")


def looked_at(helpers: HelperProcesses, items: Sized, local: Any = None) -> list[Seen]:
    return list(helpers.map(look_at, items, local))


@pytest.fixture
def items(tmp_path: Path) -> Sized:
    names = [str(tmp_path / f"{number}.png") for number in range(20)]
    for number, name in enumerate(names):
        Image.new("L", (4, 4), number).save(name)
    return [(100, (name, name, "")) for name in names]


@pytest.fixture
def large_items(tmp_path: Path) -> Sized:
    """Make requests and results of 128 files larger than a pipe."""
    noise = np.random.default_rng(0).integers(0, 255, (96, 96, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "large.png")
    place = str(tmp_path / "large.png")
    return [(100, (30_000 * "n" + str(number), place, "")) for number in range(600)]


@pytest.fixture
def helpers() -> Iterator[HelperProcesses]:
    helpers = HelperProcesses(1)
    yield helpers
    helpers.close()


def test_batches_are_shared_with_helpers_and_come_in_order(
    items: Sized, helpers: HelperProcesses
) -> None:
    looked_at(helpers, items)  # it has started
    items = items * 500
    expected = looked_at(HelperProcesses(0), items)
    done_here: list[Item] = []

    def here(batch: list[Item]) -> list[Seen]:
        done_here.extend(batch)
        return look_at(batch)

    assert looked_at(helpers, items, here) == expected
    assert 0 < len(done_here) < len(items)


def test_a_helper_that_dies_leaves_its_work(items: Sized, helpers: HelperProcesses) -> None:
    expected = looked_at(HelperProcesses(0), items)
    assert looked_at(helpers, items, not_here) == expected
    working = helpers.map(look_at, items * 100)
    first = next(working)
    helpers._helpers[0]._process.kill()
    names = [name for _, (name, _, _) in items * 100]
    assert [first.name, *(seen.name for seen in working)] == names
    assert [looked_at(helpers, items) for _ in range(3)] == [expected] * 3


@pytest.mark.parametrize("started", [False, True])
@pytest.mark.parametrize("results", [1, 150, 300, 450])
def test_a_helper_may_die_at_any_moment(
    large_items: Sized, helpers: HelperProcesses, started: bool, results: int
) -> None:
    if started:
        looked_at(helpers, large_items[:1], not_here)
    working = helpers.map(look_at, large_items)
    found = [next(working) for _ in range(results)]
    helper = helpers._helpers[0]
    if started and helper._submitted:
        assert helper._pipe.poll(60)  # it is writing a result that the pipe can't hold
    helper._process.kill()
    found += working
    assert [seen.name for seen in found] == [name for _, (name, _, _) in large_items]


def test_requests_and_results_may_be_larger_than_a_pipe(
    large_items: Sized, helpers: HelperProcesses
) -> None:
    found = looked_at(helpers, large_items)
    assert [seen.name for seen in found] == [name for _, (name, _, _) in large_items]


def test_ctrl_c_leaves_helpers_silent(items: Sized, capfd: pytest.CaptureFixture[str]) -> None:
    if not hasattr(signal, "pthread_sigmask"):
        pytest.skip("signals can't be blocked here")
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    for _ in range(3):
        helpers = HelperProcesses(1)
        pid = helpers._helpers[0]._process.pid
        assert pid
        for _ in range(20):  # while it starts, and after
            os.kill(pid, signal.SIGINT)
            time.sleep(0.02)
        assert len(looked_at(helpers, items, not_here)) == len(items)
        helpers.close()
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before
    assert capfd.readouterr().err == ""


def test_starting_helpers_leaves_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    main = sys.modules["__main__"]
    for value in ("", "1", None):
        if value is None:
            monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
        else:
            monkeypatch.setenv("PYTHONSAFEPATH", value)
        HelperProcesses(1).close()
        assert os.environ.get("PYTHONSAFEPATH") == value
        assert sys.modules["__main__"] is main


def test_helpers_end_when_their_parent_is_killed() -> None:
    code = """
import time
from danqing.data.cache.helper_processes import HelperProcesses

helpers = HelperProcesses(1)
print("started", flush=True)
time.sleep(60)
"""
    for wait in (0.0, 0.5):
        parent = subprocess.Popen(
            [sys.executable, "-c", code],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert parent.stdout
        assert parent.stdout.readline() == "started\n"
        time.sleep(wait)
        parent.kill()
        # The helper has the other end of this pipe too: it has ended when that is closed.
        assert parent.communicate(timeout=60)[0] == ""


@pytest.mark.parametrize("error", [AssertionError, ImportError, OSError, RuntimeError])
def test_helpers_that_cannot_be_started_are_done_without(
    error: type[Exception], items: Sized, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: object) -> None:
        raise error

    monkeypatch.setattr(SpawnProcess, "start", fail)
    helpers = HelperProcesses(2)
    assert looked_at(helpers, items) == look_at([item for _, item in items])
    helpers.close()
