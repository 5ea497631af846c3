"""The printed handouts: `make site-check`.

    python tests/site/check_handouts.py _build/html _build/handouts

Of every chapter there are four: two copies on two papers. Each has the right paper, embedded fonts,
its title and a number on every page, and no page that is all but empty. An answer of the chapter
is in the instructor's copy and not in the learner's.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup
from pypdf import PdfReader

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
from handouts import COPIES, PAPER, Chapter, chapters

POINTS = 72 / 25.4  # a PDF's, in a millimetre
FEWEST, MOST = 3, 60
LEAST_ON_A_PAGE = 60  # letters beside the foot, unless there is a picture
SAME = 45  # so many letters make an answer's beginning its own


def letters(text: str) -> str:
    """Letters and digits alone: a PDF breaks lines and ties letters as it likes."""
    return re.sub(r"[^0-9a-z]", "", unicodedata.normalize("NFKC", text).lower())


def answers(chapter: Chapter) -> list[str]:
    """How the answers of a chapter's checkpoint begin, where they begin with enough plain words."""
    html = BeautifulSoup(chapter.page.read_text(encoding="utf-8"), "html.parser")
    found = []
    for answer in html.select("details.answer .sd-summary-content > p"):
        first = answer.contents[0] if answer.contents else ""
        start = letters(first) if isinstance(first, str) else ""
        if len(start) >= SAME:
            found.append(start[:SAME])
    return found


def fonts_not_embedded(page: Any) -> list[str]:
    found = []
    for font in (page.get("/Resources", {}).get("/Font") or {}).values():
        described = font.get_object()
        if "/DescendantFonts" in described:
            described = described["/DescendantFonts"][0].get_object()
        # A Type 3 font is drawn in the file itself.
        described_by = described.get("/FontDescriptor")
        inside = described_by.get_object() if described_by else {}
        if described.get("/Subtype") != "/Type3" and not any(
            key in inside for key in ("/FontFile", "/FontFile2", "/FontFile3")
        ):
            found.append(str(described.get("/BaseFont")))
    return found


def check(path: Path, chapter: Chapter, copy: str, paper: str) -> list[str]:
    if not path.exists():
        return ["is missing: run `make handouts`"]
    found: list[str] = []
    reader = PdfReader(path)
    count = len(reader.pages)
    if not FEWEST <= count <= MOST:
        found.append(f"has {count} pages")
    if chapter.title not in (reader.metadata.title or ""):
        found.append(f"is called {reader.metadata.title!r}")
    whole = ""
    for number, page in enumerate(reader.pages, start=1):
        size = (float(page.mediabox.width) / POINTS, float(page.mediabox.height) / POINTS)
        if any(abs(is_ - should) > 1 for is_, should in zip(size, PAPER[paper], strict=True)):
            found.append(f"page {number} is {size[0]:.0f} x {size[1]:.0f} mm")
        text = page.extract_text()
        if not re.search(rf"{number}\s*/\s*{count}", text) or letters(chapter.title) not in letters(
            text
        ):
            found.append(f"page {number} has no foot")
        if len(letters(text)) < LEAST_ON_A_PAGE and not page.images:
            found.append(f"page {number} is all but empty")
        found += [f"font {font} is not embedded" for font in fonts_not_embedded(page)]
        whole += letters(text)
    for answer in answers(chapter):
        if (answer in whole) != (copy == "instructor"):
            where = "shows" if copy == "learner" else "lacks"
            found.append(f"{where} the answer that begins with {answer!r}")
    return list(dict.fromkeys(found))


def main() -> None:
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    site, folder = Path(sys.argv[1]), Path(sys.argv[2])
    found, checked = [], 0
    for chapter in chapters(site):
        for copy in COPIES:
            for paper in PAPER:
                name = chapter.file(copy, paper)
                found += [f"{name} {fault}" for fault in check(folder / name, chapter, copy, paper)]
                checked += 1
    if not checked:
        raise SystemExit(f"{site} has no chapter")
    if found:
        raise SystemExit("\n".join(found))
    print(f"{checked} handouts: no fault")


if __name__ == "__main__":
    main()
