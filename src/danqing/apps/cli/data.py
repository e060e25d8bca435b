"""`danqing data`: parse, call, print. Must not load TensorFlow."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from danqing.data.dataset import Dataset
    from danqing.inspection.all_rows import FileIndex

__all__ = ["data"]

data = typer.Typer(
    name="data", help="Look at data before it costs anything.", no_args_is_help=True,
    rich_markup_mode=None,
)  # fmt: skip


@data.command()
def inspect(
    source: Annotated[str, typer.Argument(help="Data: a name, a folder or a file.")] = "mnist",
    target: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The column of a table to predict.")
    ] = None,
    task: Annotated[
        str | None, typer.Option(help="classification or regression; else seen from the target.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for machines.")] = False,
    sheet: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Where to draw sample pictures.")
    ] = None,
) -> None:
    """Tell what is in data, what is wrong with it, and what training will do about that."""
    from danqing.data.sources import load_data
    from danqing.inspection.inspect import inspect as inspect_data

    _check_sheet(sheet)
    dataset = load_data(source, target=target, task=task, progress=_Counter())
    inspection = inspect_data(dataset, index=_index(source, dataset), progress=_say)
    drawn = None if dataset.tabular else _draw(dataset, sheet)
    if as_json:
        plain = {**inspection.to_json(), "sheet": str(drawn) if drawn else None}
        print(json.dumps(plain, ensure_ascii=False, indent=1, allow_nan=False))
        return
    from danqing.inspection.text_report import report_lines

    for line in report_lines(inspection):
        print(line)
    if drawn:
        print(f"\nSample pictures: {drawn}")
    elif sheet:
        _say(f"no {sheet}: a table has no pictures to draw")


@data.command()
def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Remove what it holds.")] = False,
) -> None:
    """Show where decoded pictures are kept, and how large that is."""
    from danqing.data.cache.index import cache_folder, cache_size, clear_cache

    if clear:
        print(f"{cache_folder()}: {_bytes(clear_cache())} removed")
    else:
        print(f"{cache_folder()}: {_bytes(cache_size())}")


def _index(source: str, dataset: Dataset) -> FileIndex | None:
    """Find the files of a folder or archive of pictures; other sources have none to name."""
    from danqing.data.images.archive import index_archive
    from danqing.data.images.folder import index_folder

    if not dataset.pictures_as:
        return None
    path = Path(source).expanduser()
    return index_folder(path) if path.is_dir() else index_archive(path)


def _check_sheet(sheet: Path | None) -> None:
    """Refuse before the work what could not be written after it."""
    from danqing.errors import RecipeError

    if sheet is None:
        return
    if sheet.suffix.lower() != ".png":
        raise RecipeError(f"--sheet {sheet}: expected a name that ends in .png")
    if sheet.exists():
        raise RecipeError(f"--sheet {sheet}: exists already; name a new file")
    above = next(folder for folder in sheet.absolute().parents if folder.exists())
    if not above.is_dir():
        raise RecipeError(f"--sheet {sheet}: {above} is a file, no folder; name another place")


def _draw(dataset: Dataset, sheet: Path | None) -> Path:
    """Draw sample pictures into a new file."""
    from io import BytesIO

    from danqing.errors import RunError
    from danqing.inspection.contact_sheet import draw_contact_sheet
    from danqing.runs.files import write_file

    if sheet is None:
        when = time.strftime("%Y%m%d-%H%M%S")
        name = "".join(c if c.isalnum() or c in "-_." else "_" for c in dataset.name)[:60]
        names = (f"{when}-{name}{more}.png" for more in ("", *(f"-{n}" for n in range(2, 100))))
        sheet = next(path for path in map(Path("inspections").joinpath, names) if not path.exists())
    content = BytesIO()
    draw_contact_sheet(dataset).save(content, "PNG")
    try:
        sheet.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(
            f"{sheet.parent}: can't be made ({error.strerror}); name a place with --sheet"
        ) from None
    write_file(sheet, content.getvalue())
    return sheet


class _Counter:
    """Progress of reading, on standard error where that is a terminal."""

    def __call__(self, done: int, total: int) -> None:
        if sys.stderr.isatty():
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
