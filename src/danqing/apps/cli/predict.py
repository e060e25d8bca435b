"""`danqing predict`: parse, call, print. Must not load TensorFlow or scikit-learn."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from danqing.apps.cli.progress import say_warnings

if TYPE_CHECKING:
    from danqing.apps.cli.predict_jobs import Settings
    from danqing.apps.cli.prediction_lines import Form
    from danqing.prediction.jobs import Job
    from danqing.runs.trained_network import TrainedNetwork

__all__ = ["predict"]

_FLAGGED = 20  # predictions whose flags the plain form says; the other forms have all
_MOST_WORKERS = 256


def predict(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="[RUN|BUNDLE] FILE...",
            help="A run folder or a bundle, NAME.danqing; if every word is a picture, the digit "
            "network that comes with Danqing. Then pictures, folders of pictures, lists of "
            "pictures (.txt), files of rows, or - for standard input: a picture, or CSV rows.",
            show_default=False,
        ),
    ],
    risk: Annotated[
        float | None,
        typer.Option(
            metavar="R",
            help="Highest acceptable error rate of the predictions that aren't marked as unsure.  "
            "[default: 0.01]",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object per line.")
    ] = False,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Print CSV with a header and all probabilities.")
    ] = False,
    workers: Annotated[
        int,
        typer.Option(
            metavar="N", min=1, max=_MOST_WORKERS, help="Processes for many files; order is kept."
        ),
    ] = 1,
    out: Annotated[Path | None, typer.Option(help="New file to write instead of printing.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue --out where it was interrupted.")
    ] = False,
) -> None:
    """Make predictions for pictures or rows of a table.

    Prints one line per example: name, label, confidence and, where the confidence doesn't guarantee
    the risk, "unsure"; for regression name, value, and the ends of a 90 % interval.
    """
    from danqing.apps.cli.predict_jobs import Settings
    from danqing.errors import RecipeError
    from danqing.prediction.jobs import plan_jobs
    from danqing.prediction.unsure import RISK, check_risk, unsure_below
    from danqing.prediction.unsure import why_all_are_unsure as why
    from danqing.prediction.which_network import choose_network

    if as_json and as_csv:
        raise RecipeError("--json and --csv: choose one of them")
    if resume and out is None:
        raise RecipeError("--resume: needs the file to continue; name it by --out")
    say_warnings()
    network, files, bundled = choose_network(words)
    if not files:
        raise RecipeError(f"{network.name}: name what to predict after it, such as a picture")
    if risk is not None:
        check_risk(network, risk)
    form: Form = "json" if as_json else "csv" if as_csv else "plain"
    encoding = "utf-8" if out else getattr(sys.stdout, "encoding", None) or "utf-8"
    settings = Settings(network.name, form, RISK if risk is None else risk, encoding)
    if bundled:
        print("danqing: no run named: predicting digits, by the network that comes with Danqing",
              file=sys.stderr)  # fmt: skip
    preface = ""
    if network.class_names and unsure_below(network.calibration, settings.risk) is None:
        preface = why(network, settings.risk)
    jobs = list(plan_jobs(files, tabular=network.preparation.encoding is not None))
    if out is None:
        failed = _print(network, jobs, settings, workers, _StandardError(preface))
    else:
        failed = _write(
            network, jobs, settings, workers, _StandardError(preface), out, resume=resume
        )
    if failed:
        raise typer.Exit(1)


def _print(
    network: TrainedNetwork,
    jobs: list[Job],
    settings: Settings,
    workers: int,
    errors: _StandardError,
) -> bool:
    """Print the predictions; say whether any job failed."""
    from danqing.apps.cli.predict_jobs import predict_jobs
    from danqing.apps.cli.prediction_lines import header
    from danqing.prediction.predictor import Predictor

    predictor = Predictor(network, threads=1 if workers > 1 else None)
    sys.stdout.write(header(settings.form, network.class_names))
    for done in predict_jobs(jobs, settings, predictor, workers):
        errors.say(done.notes, done.errors, done.flagged, predicted=bool(done.text))
        sys.stdout.write(done.text)
        if workers > 1:
            sys.stdout.flush()
    errors.say_rest()
    return errors.failed


def _write(
    network: TrainedNetwork,
    jobs: list[Job],
    settings: Settings,
    workers: int,
    errors: _StandardError,
    out: Path,
    *,
    resume: bool,
) -> bool:
    """Write the predictions to a file; say whether any job failed."""
    from danqing.apps.cli.predict_jobs import predict_jobs
    from danqing.apps.cli.prediction_lines import header
    from danqing.apps.cli.resumable_output import ResumableOutput
    from danqing.prediction.predictor import Predictor

    file = ResumableOutput(out, _identity(network, jobs, settings), resume=resume)
    if file.finished:
        print(f"danqing: {out}: is complete; there is nothing to do", file=sys.stderr)
        return False
    if file.jobs:
        print(f"danqing: {out}: continues after {file.jobs:,} of {len(jobs):,} parts",
              file=sys.stderr)  # fmt: skip
    try:
        if not file.jobs:
            file.write(header(settings.form, network.class_names))
        predictor = Predictor(network, threads=1 if workers > 1 else None)
        for done in predict_jobs(jobs[file.jobs :], settings, predictor, workers):
            errors.say(done.notes, done.errors, done.flagged, predicted=bool(done.text))
            file.write(done.text)
            file.done(failed=bool(done.errors))
    except KeyboardInterrupt:
        file.leave()
        print(f"danqing: {out}: is incomplete; the same call with --resume continues it",
              file=sys.stderr)  # fmt: skip
        raise
    file.close()
    errors.say_rest()
    print(out)
    return file.failed


def _identity(network: TrainedNetwork, jobs: Sequence[Job], settings: Settings) -> str:
    """Give a digest of all that decides the output."""
    import hashlib
    import json

    from danqing import __version__

    digest = hashlib.sha256(network.onnx_model)
    known = [network.class_names, dict(network.calibration), settings.form, settings.risk]
    digest.update(json.dumps([__version__, *known, network.network["preparation"]]).encode())
    for job in jobs:
        digest.update("\0".join([*job.paths, job.error, ""]).encode(errors="surrogatepass"))
    return digest.hexdigest()


class _StandardError:
    """Says on standard error what was noteworthy, of flags the first few.

    What concerns all predictions comes before the first, and not if there is none.
    """

    def __init__(self, preface: str) -> None:
        self.failed = False
        self._preface = preface
        self._flagged = 0

    def say(
        self, notes: list[str], errors: list[str], flagged: list[str], *, predicted: bool
    ) -> None:
        """Print what a job had to say."""
        if predicted and self._preface:
            print(f"danqing: {self._preface}", file=sys.stderr)
            self._preface = ""
        few = flagged[: max(0, _FLAGGED - self._flagged)]
        self._flagged += len(flagged)
        self.failed = self.failed or bool(errors)
        for line in (*notes, *(f"danqing: {line}" for line in (*errors, *few))):
            print(line, file=sys.stderr)

    def say_rest(self) -> None:
        """Say how many more examples are unusual."""
        rest = self._flagged - _FLAGGED
        if rest > 0:
            print(
                f"danqing: {rest:,} more rows have values far from the training data; --csv or "
                "--json names them",
                file=sys.stderr,
            )
