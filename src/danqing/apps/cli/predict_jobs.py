"""Jobs -> their lines of text, in this process and in helpers beside it, in order.

Each process opens the network once. Must load neither TensorFlow nor scikit-learn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

from danqing.apps.cli.prediction_lines import Form, flags_of, line_writer
from danqing.apps.cli.progress import say_warnings
from danqing.errors import DanqingError
from danqing.prediction.jobs import Job, read_job
from danqing.prediction.predictor import Predictor
from danqing.prediction.which_network import open_network

__all__ = ["Done", "Settings", "predict_jobs"]

_A_BATCH = 4 << 20  # bytes that make a batch of a job alone


class Settings(NamedTuple):
    """What a process must know beside the job."""

    network: str
    form: Form
    risk: float
    encoding: str = "utf-8"


class Done(NamedTuple):
    """A job's result.

    Attributes
    ----------
    text : str
        Its lines.
    notes, errors, flagged : list of str
        For standard error.
    """

    text: str
    notes: list[str]
    errors: list[str]
    flagged: list[str]


def predict_jobs(
    jobs: Sequence[Job], settings: Settings, predictor: Predictor, workers: int
) -> Iterator[Done]:
    """Do jobs in order; only a few are under way, so that memory stays flat.

    Parameters
    ----------
    jobs : sequence of Job
    settings : Settings
    predictor : Predictor
        This process's own.
    workers : int
        How many processes work, this one among them.
    """
    if workers == 1 or len(jobs) < 2:
        for job in jobs:
            yield _do(job, settings, predictor)
        return
    from danqing.data.cache.helper_processes import HelperProcesses

    helpers = HelperProcesses(workers - 1)
    try:
        yield from helpers.map(
            partial(_do_in_helper, settings),
            ((_A_BATCH, job) for job in jobs),
            lambda some: [_do(job, settings, predictor) for job in some],
        )
    finally:
        helpers.close()


def _do_in_helper(settings: Settings, jobs: list[Job]) -> list[Done]:
    say_warnings()
    predictor = _predictor(settings.network)
    return [_do(job, settings, predictor) for job in jobs]


@lru_cache(maxsize=1)
def _predictor(network: str) -> Predictor:
    return Predictor(open_network(Path(network)), threads=1)


def _do(job: Job, settings: Settings, predictor: Predictor) -> Done:
    write = line_writer(settings.form, settings.encoding)
    lines: list[str] = []
    notes: list[str] = []
    errors: list[str] = []
    flagged: list[str] = []
    try:
        for inputs in read_job(job, predictor.network):
            notes += inputs.notes
            errors += inputs.errors
            if not inputs.names:
                continue
            for prediction in predictor.describe(inputs.names, inputs.examples, settings.risk):
                lines.append(write(prediction))
                if flags := flags_of(settings.form, prediction):
                    flagged.append(flags)
    except DanqingError as error:
        errors.append(str(error))
    return Done("".join(lines), notes, errors, flagged)
