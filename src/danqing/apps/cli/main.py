"""The command line: one command a file; here they meet, and errors become one plain line."""

from __future__ import annotations

import errno
import os
import sys
from typing import Annotated

import typer
import typer.core

from danqing.apps.cli.console import note_on_escapes, prepare_console, printable
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

_NAME = "Danqing (丹青)"
_PURPOSE = "from labelled pictures or a table to a network you can trust, on a CPU."

app = typer.Typer(
    name="danqing",
    help=f"{_NAME}: {_PURPOSE}",
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
    prepare_console()
    if not printable(_NAME):
        app.info.help = f"Danqing: {_PURPOSE}"
    try:
        app()
    except DanqingError as error:
        print(f"danqing: {error}", file=sys.stderr)
        sys.exit(error.exit_status)
    except KeyboardInterrupt:
        print("danqing: stopped", file=sys.stderr)
        sys.exit(130)
    except OSError as error:
        if not _reader_has_gone(error):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    finally:
        note_on_escapes()


def _reader_has_gone(error: OSError) -> bool:
    """Whether the output was closed by its reader, as in `danqing runs | head`: no failure."""
    # Windows says "invalid argument" in place of "broken pipe".
    return isinstance(error, BrokenPipeError) or (
        os.name == "nt" and error.errno == errno.EINVAL and error.filename is None
    )
