"""The command line called from tests: as its users do, in a process; or here, which takes less."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

from danqing.apps.cli.main import main

Done = subprocess.CompletedProcess[str]


def danqing(*words: object, cwd: Path, **variables: str) -> Done:
    """Call it in a process of its own."""
    command = [sys.executable, "-m", "danqing", *map(str, words)]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=300,
        env={**os.environ, **variables},
    )


def danqing_interrupted(*words: object, cwd: Path) -> Done:
    """Call it in a process of its own, and press Ctrl-C after an epoch; it then has 30 seconds."""
    command = [sys.executable, "-u", "-m", "danqing", *map(str, words)]
    with subprocess.Popen(
        command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        try:
            next((line for line in process.stderr if line.startswith("epoch")), None)
            process.send_signal(signal.SIGINT)
            output, errors = process.communicate(timeout=30)
        finally:
            process.kill()
    return subprocess.CompletedProcess(command, process.returncode, output, errors)


def danqing_here(*words: object, cwd: Path, **variables: str) -> Done:
    """Call it in this process, which has TensorFlow loaded: for what needs no process of its own.

    Not for a training: that chooses the threads of its whole process.
    """
    command = ["danqing", *map(str, words)]
    logger = logging.getLogger("danqing")
    handlers, propagate, status = logger.handlers[:], logger.propagate, 0
    with (
        patch.object(sys, "argv", command),
        patch.dict(os.environ, variables),
        contextlib.chdir(cwd),
        contextlib.redirect_stdout(io.StringIO()) as output,
        contextlib.redirect_stderr(io.StringIO()) as errors,
    ):
        try:
            main()
        except SystemExit as end:
            status = int(end.code or 0)
        finally:
            logger.handlers[:], logger.propagate = handlers, propagate
    return subprocess.CompletedProcess(command, status, output.getvalue(), errors.getvalue())
