"""`danqing evaluate`: parse, call, print."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from danqing.apps.cli.progress import say, say_warnings

__all__ = ["evaluate"]


def evaluate(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    source: Annotated[
        str | None,
        typer.Argument(help="Other data to evaluate it on. If not given, its own test set."),
    ] = None,
    against: Annotated[
        Path | None, typer.Option(metavar="RUN2", help="Another run to compare with.")
    ] = None,
    risk: Annotated[
        float | None,
        typer.Option(
            metavar="R",
            help="Highest acceptable error rate; predictions with a confidence below the threshold "
            "chosen for it are unsure.  [default: 0.01]",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.html", help="New file for the report.  [default: RUN/report.html]"
        ),
    ] = None,
) -> None:
    """Evaluate a run on its test set, or on other data.

    Prints metrics, overall and per class, and the confusion matrix. For the run's own data it also
    writes report.html, card.md and calibration.json into its folder; for other data, a report if
    --out is given.
    """
    from danqing.api.other_data import load_for
    from danqing.evaluation.examination import examine, notes_on
    from danqing.evaluation.report.write_report import check_place, write_report
    from danqing.runs.trained_run import load_trained_run

    say_warnings()
    opened = load_trained_run(run)
    other = load_trained_run(against) if against else None
    if out or not source:
        check_place(opened, out)
    dataset = load_for(opened, source) if source else None
    found = examine(opened, dataset, risk=risk, against=other)
    for note in notes_on(found):
        say(f"danqing: {note}")
    for subset in ("validation", "test"):
        if subset in found.metrics:
            print(_line(subset, found.metrics[subset]))
    if opened.task == "classification":
        _print_means(found.metrics["test"])
        _print_classes(found.metrics["test"]["per_class"])
        _print_confusion(found.metrics["test"]["confusion_matrix"], opened.class_names)
        _print_confidence(found.calibration)
    elif found.calibration:
        _print_margins(found.calibration["margins"])
    if found.comparison:
        _print_comparison(found.comparison)
    report = write_report(found, out)
    if report:
        print(f"\nreport: {report}")


def _line(subset: str, figures: dict[str, Any]) -> str:
    start = f"{subset:<10}  {figures['n']:>6,} examples  "
    if "mae" in figures:
        explained = "undefined" if figures["r2"] is None else f"{figures['r2']:.4f}"
        return f"{start}R2 {explained}  mean absolute error {figures['mae']:.5g}"
    low, high = figures["accuracy_ci95"]
    return (
        f"{start}accuracy {figures['accuracy']:.2%} (95 %: {low:.2%} to {high:.2%})  "
        f"loss {figures['loss']:.4f}"
    )


def _print_classes(per_class: list[dict[str, Any]]) -> None:
    width = max(5, *(len(row["class"]) for row in per_class))
    print(f"\n{'class':>{width}}       n  precision   recall       f1")
    for row in per_class:
        figures = "  ".join(f"{_share(row[name]):>7}" for name in ("precision", "recall", "f1"))
        print(f"{row['class']:>{width}}  {row['n']:>6,}    {figures}")


def _print_means(figures: dict[str, Any]) -> None:
    print(
        f"\nbalanced accuracy {_share(figures['balanced_accuracy'])}  macro F1 "
        f"{_share(figures['macro_f1'])}  ROC AUC {_number(figures['roc_auc'])}  average precision "
        f"{_number(figures['average_precision'])}"
    )


def _share(share: float | None) -> str:
    """Write a share in percent; a class without examples has none."""
    return "–" if share is None else f"{share:.2%}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _print_confusion(matrix: list[list[int]], names: list[str]) -> None:
    width = max(5, *(len(name) for name in names))
    print("\nconfusion matrix (rows: true class, columns: predicted class)")
    print(" " * width + "".join(f" {name:>{width}}" for name in names))
    for name, counts in zip(names, matrix, strict=True):
        cells = "".join(f" {count or '.':>{width}}" for count in counts)
        print(f"{name:>{width}}{cells}")


def _print_confidence(known: dict[str, Any] | None) -> None:
    if known is None:
        return
    before = f"{known['before']['test']['ece']:.2%}"
    line = f"\ncalibration error on test {before}"
    if known["after"]:
        after = known["after"]["test"]["ece"]
        line = f"\ncalibration error on test {after:.2%}, at temperature {known['temperature']:.3f}"
        line += f" ({before} at 1)"
    print(line)
    chosen = known["selection"]
    if chosen is None:
        return
    if chosen["unsure_below"] is None:
        print(
            f"no confidence threshold guarantees an error rate of at most {chosen['risk']:.2%}: "
            f"{chosen['n']:,} validation rows could guarantee {chosen['least']:.2%} at best"
        )
        return
    test = chosen["test"]
    wrong = "none" if test["risk"] is None else f"{test['risk']:.2%}"
    print(
        f'"unsure" below a confidence of {chosen["unsure_below"]:.4f}, for at most '
        f"{chosen['risk']:.2%} errors: covers {test['coverage']:.1%} of the test set, {wrong} of "
        "it wrong"
    )


def _print_margins(margins: list[dict[str, Any]]) -> None:
    for line in margins:
        if line["level"] == 0.9 and line["margin"] is not None:
            print(
                f"90 % of predictions are expected within {line['margin']:.4g} of the target; on "
                f"test, {line['covered']:.1%} are"
            )


def _print_comparison(other: dict[str, Any]) -> None:
    print(f"\nagainst {other['against']}, on the same {other['n']:,} test rows")
    if "p_value" in other:
        low, high = other["difference_ci95"]
        print(
            f"accuracy {other['accuracy'][0]:.2%} and {other['accuracy'][1]:.2%}: "
            f"{other['difference'] * 100:+.2f} points (95 %: {low * 100:+.2f} to "
            f"{high * 100:+.2f}), McNemar's exact p {other['p_value']:.2g}; only this run is right "
            f"on {other['only_first']:,}, only the other on {other['only_second']:,}"
        )
        return
    for name, title in (("mae", "mean absolute error"), ("mse", "mean squared error")):
        one = other[name]
        ends = one["difference_ci95"]
        within = f" (95 %: {ends[0]:+.4g} to {ends[1]:+.4g})" if ends else ""
        print(
            f"{title} {one['figures'][0]:.5g} and {one['figures'][1]:.5g}: "
            f"{one['difference']:+.4g}{within}"
        )
