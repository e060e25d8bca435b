"""Pictures of a run's pages, chapter by chapter, as a reader sees them. Needs Chromium.

    danqing evaluate runs/fast && danqing textbook runs/fast
    python -m benchmarks.screenshots --run runs/fast [--out DIR] [--every]

Half of them in English, half in Chinese, at desktop width; `--every` makes all in both languages,
at desktop and phone width, light and dark, to be looked at.
"""

from __future__ import annotations

import argparse
import html
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

DESKTOP, PHONE = 1160, 390
_TALLEST = 6000  # of one picture that Chromium takes
_KEPT = 2600  # a longer chapter is shown so far
_PARTS = ".opening, main > section"
_FRAME = """<!DOCTYPE html><body style="margin:0"><div style="overflow:hidden;height:{shown}px">
<iframe id="page" src="{address}" width="{width}" height="{height}"
 style="border:0;display:block;margin-top:-{top}px"></iframe></div>
<script>{script}</script>"""
_MEASURE = """setTimeout(() => {
  const page = document.getElementById("page").contentDocument;
  const parts = [...page.querySelectorAll("PARTS")].map((part) => {
    const box = part.getBoundingClientRect();
    return { name: part.id || "opening", left: box.left, top: box.top, right: box.right,
      bottom: box.bottom };
  });
  const wide = page.documentElement.scrollWidth;
  document.body.textContent = JSON.stringify({ parts, wide });
}, 15000);""".replace("PARTS", _PARTS)


class View(NamedTuple):
    """A page as it is looked at."""

    page: Path
    language: str
    theme: str
    width: int

    @property
    def name(self) -> str:
        """The pictures' names, with a place for the part."""
        phone = "-phone" if self.width == PHONE else ""
        dark = "-dark" if self.theme == "dark" else ""
        return f"{self.page.stem}-{{part}}-{self.language}{phone}{dark}"


def browse(frame: Path, *options: str) -> str:
    """Open a page in Chromium, without a window and without a network."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        raise SystemExit("No Chromium found: install chromium to take screenshots.")
    command = [
        browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
        "--allow-file-access-from-files", "--host-resolver-rules=MAP * ~NOTFOUND",
        "--virtual-time-budget=25000", f"--user-data-dir={frame.parent / 'browser'}", *options,
        f"file://{frame}",
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=True).stdout


def framed(folder: Path, view: View, height: int, *, top: int = 0, shown: int = 900,
           script: str = "") -> Path:  # fmt: skip
    """Write a page that shows rows `top` to `top + shown` of another, `height` rows high."""
    address = f"file://{view.page.resolve()}?lang={view.language}&theme={view.theme}"
    frame = folder / "frame.html"
    frame.write_text(
        _FRAME.format(
            address=html.escape(address),
            width=view.width,
            height=height,
            top=top,
            shown=shown,
            script=script,
        )
    )
    return frame


def measured(folder: Path, view: View) -> list[dict[str, Any]]:
    """Tell where the page's parts lie; nothing may be wider than its window."""
    document = browse(framed(folder, view, 900, script=_MEASURE), "--dump-dom")
    found = re.search(r"<body[^>]*>(.*)</body>", document, re.DOTALL)
    plain: Any = json.loads(html.unescape(found[1])) if found else {"parts": [], "wide": 0}
    if plain["wide"] > view.width:
        print(f"{view}: {plain['wide']} pixels wide")
    parts: list[dict[str, Any]] = plain["parts"]
    return parts


def pictures(folder: Path, view: View) -> Iterator[tuple[str, Any]]:
    """Give (part, picture) for every part of a page."""
    from PIL import Image

    parts = measured(folder, view)
    height = int(max(part["bottom"] for part in parts)) + 400
    while parts:
        # As many parts as fit into one picture.
        top = max(0, int(parts[0]["top"]) - 12)
        group = [p for p in parts if p["bottom"] - top < _TALLEST] or parts[:1]
        parts = parts[len(group) :]
        shown = min(int(group[-1]["bottom"]) - top + 12, 4 * _TALLEST)
        target = folder / "picture.png"
        frame = framed(folder, view, height, top=top, shown=shown)
        size = f"--window-size={max(view.width, 500)},{shown}"
        browse(frame, size, f"--screenshot={target}")
        with Image.open(target) as whole:
            for part in group:
                # A section ends where the next one's rule begins.
                margin = 14 if part["name"] == "opening" else -2
                left, right = max(0, part["left"] - 16), min(view.width, part["right"] + 16)
                above, below = part["top"] - top - 4, part["bottom"] - top + margin
                box = (int(left), int(above), int(right), int(below))
                yield part["name"], whole.convert("RGB").crop(box)


def write(picture: Any, path: Path, kept: int | None) -> None:
    """Write a PNG of few colours: pages have few."""
    if kept and picture.height > kept:
        picture = picture.crop((0, 0, picture.width, kept))
    picture.quantize(192, method=2, dither=0).save(path, optimize=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("docs/pictures"))
    parser.add_argument("--every", action="store_true")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    pages = [options.run / "textbook.html", options.run / "report.html"]
    if options.every:
        views = [View(page, language, "light", width) for page in pages
                 for language in ("en", "zh") for width in (DESKTOP, PHONE)]  # fmt: skip
        views += [View(page, "en", "dark", DESKTOP) for page in pages]
    else:
        views = [View(page, language, "light", DESKTOP) for page in pages
                 for language in ("en", "zh")]  # fmt: skip
    for view in views:
        with tempfile.TemporaryDirectory() as folder:
            for number, (part, picture) in enumerate(pictures(Path(folder), view)):
                # By turns: every part once, in one of the languages.
                if options.every or (number % 2 == 0) == (view.language == "en"):
                    path = options.out / f"{view.name.format(part=part)}.png"
                    write(picture, path, None if options.every else _KEPT)
                    print(f"{path}  {path.stat().st_size // 1000} kB", flush=True)


if __name__ == "__main__":
    main()
