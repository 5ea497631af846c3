"""The slider figures of a built book, in a real browser.

    python tests/site/check_sliders.py _build/html [--shots FOLDER]

Needs Playwright and Debian's chromium; `make test` needs neither. On every page that has slider
figures, at two widths: each control changes the picture or its sentence, arrow keys work, the
reset button brings the first picture back, nothing overflows, and the console stays silent.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any

WIDTHS = (1440, 390)


def state(figure: Any) -> str:
    """What a reader sees and hears of a figure: its drawings and its sentence."""
    return str(figure.locator(".sliders-pictures").inner_html()) + str(
        figure.locator(".sliders-says").inner_text()
    )


def check_figure(page: Any, figure: Any) -> list[str]:
    faults = []
    name = figure.get_attribute("aria-label")
    first = state(figure)
    if "NaN" in first or "undefined" in figure.locator(".sliders-pictures").inner_html():
        faults.append(f"{name}: NaN in the drawing")
    for control in figure.locator("input[type=range]").all():
        if not control.is_visible():
            continue
        before = state(figure)
        control.focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        if state(figure) == before:
            faults.append(f"{name}: a slider moves nothing")
        for key in ("Home", "End"):
            page.keyboard.press(key)
            drawn = figure.locator(".sliders-pictures").inner_html()
            if "NaN" in drawn or "Infinity" in drawn:
                faults.append(f"{name}: no picture at {key}")
    for option in figure.locator("input[type=radio]:not(:checked)").all():
        before = state(figure)
        option.check()
        if state(figure) == before:
            faults.append(f"{name}: a choice changes nothing")
    for button in figure.locator("button").all()[:-1]:
        button.click()
    figure.locator("button").last.click()
    if state(figure) != first:
        faults.append(f"{name}: starting again does not")
    return faults


def check_page(page: Any, path: Path, width: int, shots: Path | None) -> list[str]:
    faults: list[str] = []
    page.set_viewport_size({"width": width, "height": 1000})
    page.goto(path.resolve().as_uri())
    figures = page.locator(".sliders-live")
    if figures.count() != page.locator("div.sliders").count():
        faults.append("a place for a slider figure stayed empty")
    for i, figure in enumerate(figures.all()):
        if shots:
            figure.screenshot(path=shots / f"{path.stem}-{i}-{width}.png")
        faults += check_figure(page, figure)
        wider = figure.evaluate("node => node.scrollWidth - node.clientWidth")
        if wider > 1:
            faults.append(f"figure {i} is {wider} px too wide")
    if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
        faults.append("the page scrolls sideways")
    page.emulate_media(media="print")
    if any(figure.is_visible() for figure in figures.all()):
        faults.append("sliders are printed")
    if not all(text.is_visible() for text in page.locator(".sliders-fallback").all()):
        faults.append("the text for print is not printed")
    page.emulate_media(media="screen")
    return [f"{path.name} at {width} px: {fault}" for fault in faults]


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("site", type=Path)
    parser.add_argument("--shots", type=Path, help="write a picture of every figure here")
    options = parser.parse_args()
    browser_path = shutil.which("chromium")
    if browser_path is None:
        raise SystemExit("chromium is missing: apt-get install chromium")
    pages = [
        path
        for path in sorted(options.site.rglob("*.html"))
        if 'class="sliders ' in path.read_text(encoding="utf-8")
    ]
    if not pages:
        raise SystemExit(f"no page below {options.site} has sliders")
    if options.shots:
        options.shots.mkdir(parents=True, exist_ok=True)
    faults: list[str] = []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        page = browser.new_page()
        page.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(f"script: {error}"))
        for path in pages:
            for width in WIDTHS:
                faults += check_page(page, path, width, options.shots)
        browser.close()
    if faults:
        raise SystemExit("\n".join(faults))
    print(f"{len(pages)} pages with sliders, at {' and '.join(map(str, WIDTHS))} px: no fault")


if __name__ == "__main__":
    main()
