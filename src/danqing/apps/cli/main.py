"""The command line: one command a file; here they meet, and errors become one plain line."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer
import typer.core

from danqing.apps.cli.data import data
from danqing.apps.cli.evaluate import evaluate
from danqing.apps.cli.explain import explain
from danqing.apps.cli.predict import predict
from danqing.apps.cli.runs import runs
from danqing.apps.cli.textbook import textbook
from danqing.apps.cli.train import train
from danqing.errors import DanqingError

__all__ = ["app", "main"]

# Help is plain text; if Rich is installed, Typer would write "\\[required]" all the same.
typer.core.HAS_RICH = False

app = typer.Typer(
    name="danqing",
    help="Danqing (丹青): from labelled pictures or a table to a network you can trust, on a CPU.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for _command in (train, evaluate, explain, textbook, predict, runs):
    app.command()(_command)
app.add_typer(data)


def _print_version(wanted: bool) -> None:
    if wanted:
        from danqing import __version__

        typer.echo(f"danqing {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run a command; exit with 0, 1 (it failed), 2 (the call is wrong) or 130 (Ctrl-C)."""
    try:
        app()
    except DanqingError as error:
        print(f"danqing: {error}", file=sys.stderr)
        sys.exit(error.exit_status)
    except KeyboardInterrupt:
        print("danqing: stopped", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        # Whoever reads the output has closed it, as in `danqing runs | head`: no failure.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
