"""Which modules a job passes through, in the order of their first call, and how often it returns.

A return is a step into a folder that was left before. docs/architecture.md describes these paths.

Usage: python -m benchmarks.path train iris --epochs 1 --out /tmp/run
"""

from __future__ import annotations

import runpy
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import danqing

_ROOT = f"{Path(danqing.__file__).parent}/"
_FUNCTION = 0x1  # CO_OPTIMIZED: set for functions, not for the bodies of modules and classes


def folder_of(module: str) -> str:
    """Give a module's folder; of `errors.py` and the like, the module."""
    return module.rpartition("/")[0] or module


def returns_of(modules: list[str]) -> list[str]:
    """Give the modules by which a path comes back to a folder that it had left.

    Examples
    --------
    >>> returns_of(["data/sources.py", "runs/create.py", "data/split.py"])
    ['data/split.py']
    """
    left: set[str] = set()
    found, here = [], ""
    for module in modules:
        folder = folder_of(module)
        if folder != here:
            if folder in left:
                found.append(module)
            left.add(here)
            here = folder
    return found


def trace(words: list[str]) -> list[str]:
    """Run a command of Danqing's; list the modules whose functions it calls."""
    met: dict[str, None] = {}

    def note(frame: FrameType, event: str, argument: Any) -> None:
        code = frame.f_code
        if event != "call" or not code.co_flags & _FUNCTION:
            return
        if not code.co_filename.startswith(_ROOT):
            return
        module = code.co_filename.removeprefix(_ROOT)
        if module not in met and not _importing(frame):
            met[module] = None

    sys.argv = ["danqing", *words]
    sys.setprofile(note)
    threading.setprofile(note)
    try:
        runpy.run_module("danqing", run_name="__main__", alter_sys=True)
    except SystemExit:
        pass
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return list(met)


def _importing(frame: FrameType) -> bool:
    """Whether a call is part of a module's import, such as a decorator's."""
    above = frame.f_back
    while above is not None:
        code = above.f_code
        if code.co_filename.startswith(_ROOT) and code.co_name == "<module>":
            return not code.co_filename.endswith("__main__.py")
        above = above.f_back
    return False


def main() -> None:
    modules = trace(sys.argv[1:])
    back = returns_of(modules)
    for module in modules:
        print(f"{'  back to ' if module in back else ''}{module}", file=sys.stderr)
    folders = len({folder_of(module) for module in modules})
    print(f"{len(modules)} modules, {folders} folders, {len(back)} returns", file=sys.stderr)


if __name__ == "__main__":
    main()
