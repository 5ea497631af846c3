"""Every page of the built book in a real browser: `make site-check`.

    python tests/site/check_site.py _build/html [--shots FOLDER] [--only WORD]

Needs Playwright and axe-core (the extra `site`) and a Chromium; `make test` needs none of them.
At two widths, light and dark, with everything folded opened: the console stays silent, nothing is
asked of a network, pictures are there and say what they show, formulas are set, nothing sticks out
of the page, and axe-core finds nothing serious. Links are followed in the files themselves.
Pages are opened from disk, so a check that passes also shows that the offline copy works.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import links
import sliders

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
from browser import CHECKS, SERVED, address_of, browser, built_pages

WIDTHS = (1440, 390)
THEMES = ("light", "dark")
AXE_AT = tuple(zip(WIDTHS, THEMES, strict=True))  # colours do not depend on the width
SEARCH, SOUGHT = "search.html", "residuals"
PAPER_WIDTH = 690  # A4 with margins of 14 mm, in a style sheet's pixels
GRAVE = ("serious", "critical")


def axe_faults(page: Any, axe: Any) -> list[str]:
    """Serious and critical findings of axe-core, each with the first place that has it."""
    page.evaluate("checks.oneWordOfEachColour()")
    # preload would fetch the style sheets once more, which a page opened from disk may not.
    found = axe.run(page, options={"preload": False, "resultTypes": ["violations"]}).response[
        "violations"
    ]
    lines = []
    for finding in found:
        if finding["impact"] in GRAVE:
            first = finding["nodes"][0]
            reason = (first.get("failureSummary") or "").replace("\n", " ")[:200]
            lines.append(
                f"axe {finding['id']} ({finding['impact']}, {len(finding['nodes'])} places): "
                f"{first['html'][:140]} | {reason}"
            )
    return lines


def open_page(running: Any, path: Path, width: int, theme: str, heard: list[str]) -> Any:
    """The page, settled; what it says on the console or asks of a network goes to ``heard``."""
    context = running.new_context(viewport={"width": width, "height": 1000}, color_scheme=theme)
    context.add_init_script(
        f"localStorage.setItem('mode', '{theme}'); localStorage.setItem('theme', '{theme}');"
    )
    context.add_init_script(path=CHECKS)
    page = context.new_page()
    page.on(
        "console",
        lambda m: (
            heard.append(f"console {m.type}: {m.text}") if m.type in ("error", "warning") else None
        ),
    )
    page.on("pageerror", lambda error: heard.append(f"script: {error}"))
    page.on(
        "request",
        lambda asked: (
            heard.append(f"asks for {asked.url[:80]}")
            if not asked.url.startswith(("file:", "data:", "blob:", SERVED))
            else None
        ),
    )
    page.on("requestfailed", lambda asked: heard.append(f"not found: {asked.url[-80:]}"))
    page.goto(address_of(path, context) + (f"?q={SOUGHT}" if path.name == SEARCH else ""))
    page.evaluate("checks.settled()")
    return page


def check_page(
    running: Any, axe: Any, path: Path, name: str, width: int, theme: str, shots: Path | None
) -> list[str]:
    found: list[str] = []
    page = open_page(running, path, width, theme, found)
    page.evaluate("checks.openAll()")
    if path.name == SEARCH:
        page.wait_for_timeout(1000)
        if not page.locator("#search-results li").count():
            found.append(f"a search for {SOUGHT!r} finds nothing")
    if shots:
        target = shots / f"{name.removesuffix('.html').replace('/', '-')}-{width}-{theme}.png"
        page.screenshot(path=target, full_page=True)
    found += page.evaluate("checks.layout()")
    if theme == THEMES[0]:
        found += sliders.faults(page)
    if (width, theme) == (WIDTHS[0], THEMES[0]):
        page.emulate_media(media="print")
        page.set_viewport_size({"width": PAPER_WIDTH, "height": 1000})
        found += [f"on paper: {fault}" for fault in page.evaluate("checks.layout()")]
        page.emulate_media(media="screen")
        page.set_viewport_size({"width": width, "height": 1000})
        page.wait_for_timeout(1000)  # the page's own scripts answer to the change of layout
    if (width, theme) in AXE_AT:
        found += axe_faults(page, axe)
    page.context.close()
    return [f"{name} at {width} px, {theme}: {fault}" for fault in dict.fromkeys(found)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("site", type=Path)
    parser.add_argument("--shots", type=Path, help="write a picture of every page here")
    parser.add_argument("--only", default="", help="pages whose name holds this word")
    options = parser.parse_args()
    site = options.site
    pages = [page for page in built_pages(site) if options.only in str(page.relative_to(site))]
    if not pages:
        raise SystemExit(f"no page of {site} has {options.only!r} in its name")
    if options.shots:
        options.shots.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    found: list[str] = []
    for path in [*pages, site / "index.html"]:
        found += [f"{path.relative_to(site)}: {fault}" for fault in links.faults(path)]
    with browser() as running:
        from axe_playwright_python.sync_playwright import Axe

        axe = Axe()
        for path in pages:
            name = path.relative_to(site).as_posix()
            print(f"  {name}", flush=True)
            for width in WIDTHS:
                for theme in THEMES:
                    found += check_page(running, axe, path, name, width, theme, options.shots)
    for fault in found:
        print(fault, file=sys.stderr)
    if found:
        raise SystemExit(f"{len(found)} faults on {len(pages)} pages")
    print(
        f"{len(pages)} pages, at {' and '.join(map(str, WIDTHS))} px, {' and '.join(THEMES)}: "
        f"no fault ({time.monotonic() - began:.0f} s)"
    )


if __name__ == "__main__":
    main()
