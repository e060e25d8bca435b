"""The command line: one command a file; here they meet, and errors become one plain line.

Only the command that is called is imported: the others would take longer than many a prediction.
"""

from __future__ import annotations

import errno
import os
import sys
from importlib import import_module
from typing import Annotated, Any

import typer
import typer.core

from danqing.apps.cli.console import note_on_escapes, prepare_console, printable
from danqing.errors import DanqingError

__all__ = ["create_app", "main"]

# Each is a function, or an app of further commands, in the module of its name.
_COMMANDS = ("train", "evaluate", "explain", "textbook", "export", "predict", "runs", "data")

# Help is plain text; if Rich is installed, Typer would write "\\[required]" all the same.
typer.core.HAS_RICH = False

_NAME = "Danqing (丹青)"
_PURPOSE = "from labelled pictures or a table to a network you can trust, on a CPU."


def create_app(*names: str) -> typer.Typer:
    """Make the app with some commands, or with all of them if none is named.

    Examples
    --------
    >>> [command.callback.__name__ for command in create_app("runs").registered_commands]
    ['runs']
    """
    created = typer.Typer(
        name="danqing",
        help=f"{_NAME if printable(_NAME) else 'Danqing'}: {_PURPOSE}",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        callback=_options,
    )
    for name in names or _COMMANDS:
        command = getattr(import_module(f"danqing.apps.cli.{name}"), name)
        if isinstance(command, typer.Typer):
            created.add_typer(command)
        else:
            created.command()(command)
    return created


def __getattr__(name: str) -> Any:
    if name == "app":  # with all commands
        return create_app()
    raise AttributeError(name)


def _print_version(wanted: bool) -> None:
    if wanted:
        from danqing import __version__

        typer.echo(f"danqing {__version__}")
        raise typer.Exit


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
    called = sys.argv[1] if len(sys.argv) > 1 else ""
    try:
        create_app(*[called] if called in _COMMANDS else [])()
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
