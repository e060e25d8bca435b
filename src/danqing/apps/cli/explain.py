"""`danqing explain`: parse, call, write, print."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from danqing.explanation.results import ExplanationSet
    from danqing.runs.run_folder import RunFolder

__all__ = ["explain"]

_MOST = 6  # examples on a page
_KINDS = (".png", ".json", ".html")


def explain(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    file: Annotated[
        str | None,
        typer.Argument(
            help="A picture, a folder of them, or a file of rows; FILE:3 is its third row. "
            "Without it: a few examples of the run's own test data."
        ),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(
            help="integrated-gradients, gradient, smoothgrad, grad-cam or occlusion; else all."
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(help="The class to explain, and to reach; else the answer and the runner-up."),
    ] = None,
    textbook: Annotated[
        bool,
        typer.Option("--textbook", help="Write RUN/textbook.html: how this very network works."),
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="A .png, .json or .html; explanation-NAME.png if not given.")
    ] = None,
) -> None:
    """Tell why the network answers so: maps with their checks, nearest examples, a counterfactual.

    The last line is the file that was written; none is ever overwritten.
    """
    from danqing.errors import RecipeError
    from danqing.runs.run_folder import load_run

    opened = load_run(run)
    if textbook:
        from danqing.explanation.textbook.write import write_textbook

        if file or method or target or out:
            raise RecipeError("--textbook is about the whole run: leave the other words out")
        typer.echo(write_textbook(opened))
        return
    place = _place(opened, file, out)
    examples, names, left_out = _read(opened, file) if file else (None, [], 0)

    from danqing.explanation.explain import explain as explain_run

    found = explain_run(opened, examples, names=names, method=method, target=target)
    _write(found, place)
    for note in found.notes:
        typer.echo(f"danqing: {note}", err=True)
    if left_out:
        typer.echo(
            f"danqing: {file}: the first {_MOST} examples, {left_out} more are there", err=True
        )
    for line in _lines(found):
        typer.echo(line)
    typer.echo(place)


def _place(run: RunFolder, file: str | None, out: Path | None) -> Path:
    """Choose the file to write, and refuse early what can't be."""
    from danqing.errors import RecipeError, RunError

    if out is None:
        name = Path(file).stem if file else run.folder.resolve().name
        name = "".join(c if c.isalnum() or c in "-_. " else "-" for c in name)
        places = (
            Path(f"explanation-{name}{n}.png") for n in ("", *(f"-{i}" for i in range(2, 999)))
        )
        return next(place for place in places if not place.exists())
    if out.suffix.lower() not in _KINDS:
        raise RecipeError(f"--out {out}: expected a name that ends in .png, .json or .html")
    if out.exists():
        raise RunError(f"{out}: exists already, and nothing is overwritten; choose another --out")
    if not out.parent.is_dir():
        raise RunError(f"{out}: there is no folder {out.parent}; make it, or choose another --out")
    return out


def _read(run: RunFolder, file: str) -> tuple[Any, list[str], int]:
    """Read some examples: those, their names, and how many more there are."""
    from danqing.errors import PictureError, SourceError
    from danqing.prediction.inputs import read_inputs

    path, _, row = file.rpartition(":")
    one = int(row) if path and row.isdecimal() and not Path(file).exists() else 0
    shown = Path(path if one else file)
    for found in read_inputs(shown, run.preparation, run.input_shape):
        for line in (*found.notes, *(f"danqing: {bad}" for bad in found.complaints)):
            typer.echo(line, err=True)
        if not found.names:
            continue
        count = len(found.names)
        if one > count:
            raise SourceError(f"{file}: there are {count} rows; expected one from 1 to {count}")
        rows = [one - 1] if one else list(range(min(count, _MOST)))
        left_out = 0 if one else count - len(rows)
        return found.examples[rows], [found.names[r] for r in rows], left_out
    raise PictureError(f"{file}: holds nothing that could be explained")


def _write(found: ExplanationSet, place: Path) -> None:
    import io

    from danqing.runs.files import write_file, write_json

    match place.suffix.lower():
        case ".json":
            write_json(place, found.to_json())
        case ".html":
            from danqing.explanation.page import page_of

            write_file(place, page_of(found).encode())
        case _:
            from danqing.explanation.sheet import draw_sheet

            content = io.BytesIO()
            draw_sheet(found).save(content, "PNG", optimize=True)
            write_file(place, content.getvalue())


def _lines(found: ExplanationSet) -> list[str]:
    """Tell each answer, and the checks of the first map."""
    lines = []
    for one in found.explanations:
        sure = f" ({one.probabilities.max():.2%})" if len(one.probabilities) else ""
        first = one.maps[0]
        checks = [f"deletion {first.areas.deletion:.3f}", f"insertion {first.areas.insertion:.3f}"]
        checks += [
            f"({name}: {areas.deletion:.3f}, {areas.insertion:.3f})"
            for name, areas in one.compared.items()
        ]
        if first.gap is not None:
            checks.append(f"completeness gap {first.gap:.2%}")
        if first.randomised is not None:
            checks.append(f"untrained {first.randomised:+.2f}")
        lines.append(f"{one.name}\t{one.answer}{sure}\t{first.method}: {'  '.join(checks)}")
    return lines
