"""`danqing textbook`: parse, call, print."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from danqing.apps.cli.options import DataOption
from danqing.apps.cli.progress import say_warnings

__all__ = ["textbook"]


def textbook(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE.html", help="New file to write.  [default: RUN/textbook.html]"),
    ] = None,
    data: DataOption = None,
) -> None:
    """Write an interactive textbook about a run's network.

    Each formula is shown with the network's own numbers, from the weighted sum of one neuron to
    the update of one weight. Prints the file that was written.
    """
    from danqing.errors import RecipeError
    from danqing.runs.trained_run import load_trained_run

    if out and out.suffix.lower() != ".html":
        raise RecipeError(f"--out {out}: expected a name that ends in .html")
    say_warnings()
    opened = load_trained_run(run)

    from danqing.explanation.textbook.write_textbook import write_textbook

    print(write_textbook(opened, data, out))
