"""`danqing export`: parse, call, print."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = ["export"]


def export(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="danqing (a bundle, for `danqing predict`), onnx, keras or litert.  [default: by "
            "the name of --out, or danqing]",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="File to write.  [default: the run's name, here]", show_default=False),
    ] = None,
    quantise: Annotated[
        bool,
        typer.Option(
            "--quantise",
            help="Compute in int8. What it costs is measured; refused above half a point.",
        ),
    ] = False,
    half: Annotated[
        bool,
        typer.Option("--half", help="Store weights in half precision, measured in the same way."),
    ] = False,
    without_examples: Annotated[
        bool,
        typer.Option("--without-examples", help="Leave out the mean training picture, too."),
    ] = False,
    samples: Annotated[
        str | None,
        typer.Option(
            metavar="SOURCE",
            help="Data to compare on, from raw examples to predictions.  [default: the run's own]",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Export a network as one file that predicts as it did, everywhere, without TensorFlow.

    It is compared with the trained network on raw examples, resizing and encoding included; a
    network that disagrees is not written. The comparison is part of a bundle, and beside any other
    file, as NAME.certificate.json. The last line printed is the file.
    """
    from danqing.errors import RecipeError
    from danqing.runs.run_folder import load_run
    from danqing.shipping.export_run import export as export_run

    if quantise and half:
        raise RecipeError("--quantise and --half: choose one of them")
    smaller = "int8" if quantise else "float16" if half else None
    opened = load_run(run)
    exported = export_run(
        opened, out, form=form, smaller=smaller, examples=not without_examples, samples=samples
    )
    for line in _lines(exported.certificate):
        print(f"danqing: {line}", file=sys.stderr)
    print(exported.path)


def _lines(certificate: dict[str, Any]) -> list[str]:
    """Say what a certificate says."""
    difference = f"largest difference {certificate['largest_difference']:.2g}"
    agreement = certificate.get("label_agreement")
    labels = "" if agreement is None else f", {100 * agreement:.4g} % of labels agree"
    lines = [
        f"{certificate['samples']:,} samples of the {certificate['of']} ({certificate['read']}): "
        f"{difference}{labels}"
    ]
    if smaller := certificate.get("smaller"):
        name = "accuracy" if "accuracy" in smaller else "r2"
        scores = smaller[name]
        lines.append(
            f"weights in {smaller['weights']}: {name} {scores['after']:.4f} after, "
            f"{scores['before']:.4f} before, on {smaller['n']:,} examples"
        )
    return lines
