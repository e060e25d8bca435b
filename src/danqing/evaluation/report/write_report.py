"""Write an evaluation's results: report.html, card.md and calibration.json.

They are derived from a run and its data, so they replace earlier ones of the same run; nothing else
is ever overwritten. Knows no figures.
"""

from __future__ import annotations

import logging
from pathlib import Path

from danqing.errors import RunError
from danqing.evaluation.examination import Examination
from danqing.evaluation.report.card import card_of
from danqing.evaluation.report.report_page import page_of
from danqing.runs.files import check_writable, write_file
from danqing.runs.run_folder import RunFolder

__all__ = ["check_out", "check_place", "write_report"]

_log = logging.getLogger("danqing")


def check_out(out: Path) -> None:
    """Check a report's path before anything slow is done.

    Raises
    ------
    RunError
        If the file exists, its folder doesn't, or no file can be made there.
    """
    if out.exists():
        raise RunError(f"{out}: exists already, and nothing is overwritten; choose another --out")
    if not out.parent.is_dir():
        raise RunError(f"{out}: there is no folder {out.parent}; make it, or choose another --out")
    check_writable(out.parent, "choose another --out")


def check_place(run: RunFolder, out: Path | None) -> None:
    """Check before anything slow is done that a page can be written: to `out`, or the run's folder.

    Raises
    ------
    RunError
        If it can't; it names the way out.
    """
    if out is None and run.in_memory:
        raise RunError(f"{run.name}: has no folder for a page; name a file by out=, or save it")
    if out is None:
        check_writable(run.folder, "name a file elsewhere with --out FILE.html")
    else:
        check_out(out)


def write_report(found: Examination, out: Path | None = None) -> Path | None:
    """Write the results.

    On the run's own data, calibration.json and card.md are written to its folder, and report.html
    as well, unless `out` is given; then the folder need not be writable. On other data, only the
    report is written, and only to `out`.

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
    if out is not None:
        write_file(out, page.encode(errors="replace"))
    if found.own:
        try:
            run.write_calibration(found.calibration or {})
            run.write_page("card.md", card_of(found))
        except RunError as error:
            if out is None:
                raise
            _log.warning("%s: calibration.json and card.md aren't updated", error)
    return run.write_page("report.html", page) if out is None else out
