"""Print every chapter of the built book for learners and for instructors: `make handouts`.

    python tools/handouts.py _build/html _build/handouts [--only WORD]

A chapter is a page that opens with its question and has exercises. Each is printed four times: the
learner's copy (answers, table columns and three arguments blank) and the instructor's (all given,
with timing and what to listen for), on A4 and on Letter. What a handout has beside its chapter
stands in book/handouts.yml. Needs the extra `site` and a Chromium.
"""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import yaml
from browser import CHECKS, browser, built_pages
from bs4 import BeautifulSoup

ROOT = Path(__file__).resolve().parents[1]
NOTES = ROOT / "book" / "handouts.yml"
COPIES = ("learner", "instructor")
PAPER = {"A4": (210.0, 297.0), "Letter": (215.9, 279.4)}  # millimetres
MARGIN = {"top": 17.0, "bottom": 19.0, "left": 18.0, "right": 18.0}
PIXELS = 96 / 25.4  # a style sheet's, in a millimetre
BOOK = "GLMMs for agronomists"

FOOTER = """<div style="width: 100%; margin: 0 18mm; padding-top: 1.5mm; display: flex;
  justify-content: space-between; border-top: 0.5pt solid #9aa5ae; font: 7.5pt sans-serif;
  color: #3d464d"><span>{title}</span><span>{copy}</span>
  <span><span class="pageNumber"></span> / <span class="totalPages"></span></span></div>"""


@dataclass(frozen=True)
class Chapter:
    page: Path
    name: str
    """Its place in the book, without ending: ``notebooks/counts``."""
    title: str
    number: int

    def file(self, copy: str, paper: str) -> str:
        return f"{self.number:02d}-{Path(self.name).name}-{copy}-{paper}.pdf".lower()


def chapters(site: Path) -> list[Chapter]:
    """The chapters of a built book, in order; the first exercise tells a chapter's number."""
    found = []
    for page in built_pages(site):
        html = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
        exercise = html.select_one(".exercise .admonition-title")
        heading = html.select_one("h1")
        if exercise is None or heading is None or html.select_one(".question") is None:
            continue
        number = re.search(r"(\d+)\.\d+", exercise.get_text())
        if number is None:
            continue
        for link in heading.select(".headerlink"):
            link.decompose()
        name = page.relative_to(site).with_suffix("").as_posix()
        title = " ".join(heading.get_text().split())
        found.append(Chapter(page, name, title, int(number[1])))
    return sorted(found, key=lambda chapter: chapter.number)


def print_chapter(
    running: Any, chapter: Chapter, notes: dict[str, Any], copy: str, paper: str, folder: Path
) -> list[str]:
    """Write one PDF; returns what a reader would miss on it."""
    wide, high = PAPER[paper]
    width = (wide - MARGIN["left"] - MARGIN["right"]) * PIXELS
    height = (high - MARGIN["top"] - MARGIN["bottom"]) * PIXELS
    page = running.new_page(viewport={"width": int(width), "height": int(height)})
    page.add_init_script(path=CHECKS)
    page.goto(chapter.page.resolve().as_uri())
    page.evaluate("checks.settled()")
    page.add_style_tag(path=ROOT / "tools" / "handouts.css")
    page.add_script_tag(path=ROOT / "tools" / "handouts.js")
    page.emulate_media(media="print")
    heading = f"{chapter.number}  {chapter.title}"
    words = f"{copy.capitalize()}\u2019s copy"
    told = page.evaluate(
        "settings => handout(settings)",
        {
            "copy": copy,
            "head": {"left": f"{BOOK} \u00b7 chapter {chapter.number}", "right": words},
            "notes": notes,
            "pageHeight": height,
        },
    )
    page.evaluate("title => { document.title = title; }", f"{heading} ({words})")
    page.pdf(
        path=folder / chapter.file(copy, paper),
        format=paper,
        margin={side: f"{size}mm" for side, size in MARGIN.items()},
        print_background=True,
        display_header_footer=True,
        header_template="<span></span>",
        footer_template=FOOTER.format(title=escape(heading), copy=escape(words)),
        outline=True,
        tagged=True,
    )
    page.close()
    where = f"{chapter.file(copy, paper)}: "
    return [f"{where}wider than the paper: {part}" for part in told["cut"]] + [
        f"{where}no table has a column {heading!r} (book/handouts.yml)"
        for heading in told["missing"]
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("site", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="", help="chapters whose name holds this word")
    options = parser.parse_args()
    notes = yaml.safe_load(NOTES.read_text(encoding="utf-8"))
    printed = [chapter for chapter in chapters(options.site) if options.only in chapter.name]
    if not printed:
        raise SystemExit(f"no chapter of {options.site} has {options.only!r} in its name")
    options.folder.mkdir(parents=True, exist_ok=True)
    faults: list[str] = []
    with browser() as running:
        for chapter in printed:
            print(f"  {chapter.number}  {chapter.title}", flush=True)
            for copy in COPIES:
                for paper in PAPER:
                    faults += print_chapter(
                        running, chapter, notes.get(chapter.name, {}), copy, paper, options.folder
                    )
    if faults:
        raise SystemExit("\n".join(faults))
    print(f"{len(printed) * len(COPIES) * len(PAPER)} handouts in {options.folder}")


if __name__ == "__main__":
    main()
