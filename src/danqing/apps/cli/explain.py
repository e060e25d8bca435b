"""`danqing explain`: parse, call, write, print."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from danqing.apps.cli.options import DataOption
from danqing.apps.cli.progress import say, say_warnings

if TYPE_CHECKING:
    from danqing.explanation.results import Explanation, ExplanationSet
    from danqing.runs.run_folder import RunFolder

__all__ = ["explain"]

_MOST = 6  # examples on a page
_COLUMNS = 6  # of which the terminal shows the evidence
_KINDS = (".png", ".json", ".html")


def explain(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    file: Annotated[
        str | None,
        typer.Argument(
            help="Picture, folder of pictures, or file of rows; FILE:3 is its third row. "
            "If not given, a few examples of the run's test set."
        ),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Attribution method: integrated-gradients, gradient, smoothgrad, grad-cam or "
            "occlusion. If not given, all that suit the network.",
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(
            metavar="CLASS",
            help="Class to explain, which is also the counterfactual's. If not given, the "
            "prediction is explained and the counterfactual is of the runner-up.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="New .png, .json or .html file to write.  [default: explanation-NAME.png]",
        ),
    ] = None,
    data: DataOption = None,
    textbook: Annotated[bool, typer.Option("--textbook", hidden=True)] = False,
) -> None:
    """Explain predictions.

    Writes attribution maps with their sanity checks, the nearest training examples and a
    counterfactual. Prints each prediction, for rows of a table with the columns that count most for
    it (+) or against it (-), and last the file that was written.
    """
    from danqing.errors import RecipeError
    from danqing.runs.trained_run import load_trained_run

    say_warnings()
    if textbook:
        raise RecipeError(
            f"--textbook is now a command of its own (since 0.2.0): danqing textbook {run}"
        )
    opened = load_trained_run(run)
    place = _place(opened, file, out)
    examples, names, left_out = _read(opened, file) if file else (None, [], 0)

    from danqing.explanation.explain import explain as explain_run

    found = explain_run(opened, examples, names=names, method=method, target=target, dataset=data)
    _write(found, place)
    for note in found.notes:
        say(f"danqing: {note}")
    if left_out:
        say(
            f"danqing: {file}: explaining the first {_MOST} examples; {left_out} more are left out",
        )
    for line in _lines(found):
        print(line)
    print(place)


def _place(run: RunFolder, file: str | None, out: Path | None) -> Path:
    """Choose the file to write; refuse now what couldn't be written later."""
    from danqing.errors import RecipeError
    from danqing.evaluation.report.write_report import check_out
    from danqing.runs.files import check_writable
    from danqing.runs.portable_name import portable_name

    if out is None:
        name = portable_name(Path(file).stem if file else run.folder.resolve().name)
        places = (
            Path(f"explanation-{name}{n}.png") for n in ("", *(f"-{i}" for i in range(2, 999)))
        )
        check_writable(Path(), "name a file elsewhere with --out FILE.png")
        return next(place for place in places if not place.exists())
    if out.suffix.lower() not in _KINDS:
        raise RecipeError(f"--out {out}: expected a name that ends in .png, .json or .html")
    check_out(out)
    return out


def _read(run: RunFolder, file: str) -> tuple[Any, list[str], int]:
    """Read a few examples; give them, their names, and how many more there are."""
    from danqing.errors import PictureError, SourceError
    from danqing.prediction.inputs import read_inputs

    path, _, row = file.rpartition(":")
    one = int(row) if path and row.isdecimal() and not Path(file).exists() else 0
    shown = Path(path if one else file)
    for found in read_inputs(shown, run.preparation, run.input_shape):
        for line in (*found.notes, *(f"danqing: {error}" for error in found.errors)):
            say(line)
        if not found.names:
            continue
        count = len(found.names)
        wanted = f"{shown}:{one}"
        if one and wanted not in found.names:
            ends = [name.rpartition(":")[2] for name in (found.names[0], found.names[-1])]
            raise SourceError(
                f"{file}: there is no such row; expected one from {' to '.join(ends)}"
            )
        rows = [found.names.index(wanted)] if one else list(range(min(count, _MOST)))
        left_out = 0 if one else count - len(rows)
        return found.examples[rows], [found.names[r] for r in rows], left_out
    raise PictureError(f"{file}: holds nothing that can be explained")


def _write(found: ExplanationSet, place: Path) -> None:
    import io

    from danqing.runs.files import write_file, write_json

    match place.suffix.lower():
        case ".json":
            write_json(place, found.to_json())
        case ".html":
            from danqing.explanation.explanation_page import page_of

            write_file(place, page_of(found).encode())
        case _:
            from danqing.explanation.sheet import draw_sheet

            content = io.BytesIO()
            draw_sheet(found).save(content, "PNG", optimize=True)
            write_file(place, content.getvalue())


def _lines(found: ExplanationSet) -> list[str]:
    """Describe each prediction and the sanity checks of its first map."""
    lines = []
    for one in found.explanations:
        confidence = f" ({one.probabilities.max():.2%})" if len(one.probabilities) else ""
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
        lines.append(
            f"{one.name}\t{one.prediction}{confidence}\t{first.method}: {'  '.join(checks)}"
        )
        if found.columns:
            lines += _evidence(one, found.columns)
    return lines


def _evidence(one: Explanation, columns: tuple[str, ...]) -> list[str]:
    """Name the columns that count most for or against the prediction, with the row's values."""
    values = one.maps[0].values.tolist()
    order = sorted(range(len(values)), key=lambda column: -abs(values[column]))
    shown = [(f"{values[column]:+.3g}", columns[column]) for column in order[:_COLUMNS]]
    width = max(len(number) for number, _ in shown)
    lines = [f"  {number:>{width}}  {name} = {one.example.get(name, '')}" for number, name in shown]
    rest = len(order) - len(shown)
    return [*lines, f"  {rest:,} more columns count less"] if rest else lines
