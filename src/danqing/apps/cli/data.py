"""`danqing data`: parse, call, print. Must not load TensorFlow."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from danqing.apps.cli.console import is_terminal, json_text
from danqing.apps.cli.options import ColumnOption, TargetOption, TaskOption, column_types
from danqing.apps.cli.progress import say_warnings

if TYPE_CHECKING:
    from danqing.data.dataset import Dataset
    from danqing.data.images.load_images import ImageFiles

__all__ = ["data"]

data = typer.Typer(
    name="data",
    help="Inspect data, and manage the cache of decoded pictures.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@data.command()
def inspect(
    source: Annotated[
        str, typer.Argument(help="Data set, folder or file, as for train.")
    ] = "mnist",
    target: TargetOption = None,
    column: ColumnOption = None,
    task: TaskOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    sheet: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.png",
            help="New file for the contact sheet of sample pictures.  "
            "[default: inspections/<time>-NAME.png]",
        ),
    ] = None,
) -> None:
    """Report what is wrong with a data set.

    Also reports what it holds, and what training will do about each finding.
    """
    from danqing.data.sources import load_data
    from danqing.inspection.inspect import inspect as inspect_data

    say_warnings()
    _check_sheet(sheet)
    columns = column_types(column)
    dataset = load_data(source, target=target, task=task, columns=columns, progress=_Counter())
    inspection = inspect_data(dataset, index=_index(source, dataset), progress=_say)
    drawn = None if dataset.tabular else _draw(dataset, sheet)
    if as_json:
        plain = {**inspection.to_json(), "sheet": str(drawn) if drawn else None}
        print(json_text(plain, indent=1, allow_nan=False))
        return
    from danqing.inspection.text_report import report_lines

    for line in report_lines(inspection):
        print(line)
    if drawn:
        print(f"\nSample pictures: {drawn}")
    elif sheet:
        _say(f"{sheet}: not written, a table has no pictures")


@data.command()
def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Remove the cached pictures.")] = False,
) -> None:
    """Show where decoded pictures are cached, and their size."""
    from danqing.data.cache.index import cache_folder, cache_size, clear_cache

    if clear:
        print(f"{cache_folder()}: {_bytes(clear_cache())} removed")
    else:
        print(f"{cache_folder()}: {_bytes(cache_size())}")


def _index(source: str, dataset: Dataset) -> ImageFiles | None:
    """Find the files of a folder or archive of pictures; other sources have none."""
    from danqing.data.images.load_images import index_images

    in_folders = "size" in dataset.pictures_as and not dataset.target
    return index_images(Path(source).expanduser()) if in_folders else None


def _check_sheet(sheet: Path | None) -> None:
    """Refuse now what couldn't be written later."""
    from danqing.errors import RecipeError

    if sheet is None:
        return
    if sheet.suffix.lower() != ".png":
        raise RecipeError(f"--sheet {sheet}: expected a name that ends in .png")
    if sheet.exists():
        raise RecipeError(f"--sheet {sheet}: exists already; name a new file")
    above = next(folder for folder in sheet.absolute().parents if folder.exists())
    if not above.is_dir():
        raise RecipeError(f"--sheet {sheet}: {above} is a file, not a folder; name another file")


def _draw(dataset: Dataset, sheet: Path | None) -> Path:
    """Draw the contact sheet into a new file."""
    from io import BytesIO

    from danqing.errors import RunError
    from danqing.inspection.contact_sheet import draw_contact_sheet
    from danqing.runs.files import write_file
    from danqing.runs.portable_name import portable_name

    if sheet is None:
        when = time.strftime("%Y%m%d-%H%M%S")
        name = portable_name(dataset.name)
        names = (f"{when}-{name}{more}.png" for more in ("", *(f"-{n}" for n in range(2, 100))))
        sheet = next(path for path in map(Path("inspections").joinpath, names) if not path.exists())
    content = BytesIO()
    draw_contact_sheet(dataset).save(content, "PNG")
    try:
        sheet.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(
            f"{sheet.parent}: can't be made ({error.strerror}); name a file with --sheet"
        ) from None
    write_file(sheet, content.getvalue())
    return sheet


class _Counter:
    """Progress of reading, on standard error if it is a terminal."""

    def __call__(self, done: int, total: int) -> None:
        if is_terminal(sys.stderr):
            end = "\n" if done >= total else ""
            print(f"\rreading {done:,} of {total:,}\x1b[K", end=end, file=sys.stderr, flush=True)


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def _bytes(count: float) -> str:
    if count < 1000:
        return f"{count:.0f} bytes"
    for unit in ("kB", "MB", "GB"):
        count /= 1000
        if count < 1000 or unit == "GB":
            break
    return f"{count:,.1f} {unit}"
