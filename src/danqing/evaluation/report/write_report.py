"""Write an evaluation's results: report.html, card.md and calibration.json.

They are derived from a run and its data, so they replace earlier ones of the same run; nothing else
is ever overwritten. Knows no figures.
"""

from __future__ import annotations

from pathlib import Path

from danqing.errors import RunError
from danqing.evaluation.examination import Examination
from danqing.evaluation.report.card import card_of
from danqing.evaluation.report.report_page import page_of
from danqing.runs.files import write_file

__all__ = ["check_out", "write_report"]


def check_out(out: Path) -> None:
    """Check a report's path before anything slow is done.

    Raises
    ------
    RunError
        If the file exists, or its folder doesn't.
    """
    if out.exists():
        raise RunError(f"{out}: exists already, and nothing is overwritten; choose another --out")
    if not out.parent.is_dir():
        raise RunError(f"{out}: there is no folder {out.parent}; make it, or choose another --out")


def write_report(found: Examination, out: Path | None = None) -> Path | None:
    """Write the results.

    On the run's own data, calibration.json and card.md are written to its folder, and report.html
    as well, unless `out` is given. On other data, only the report is written, and only to `out`.

    Parameters
    ----------
    found : Examination
        From `danqing.evaluation.examination.examine`.
    out : Path, optional
        A file that doesn't exist yet.

    Returns
    -------
    Path or None
        The report's path.

    Raises
    ------
    RunError
        If `out` exists, or a file can't be written.
    """
    run = found.run
    if out is not None:
        check_out(out)
    elif not found.own:
        return None
    page = page_of(found)
    if found.own:
        run.write_calibration(found.calibration or {})
        run.write_page("card.md", card_of(found))
    if out is None:
        return run.write_page("report.html", page)
    write_file(out, page.encode(errors="replace"))
    return out
