"""The slider figures of a page: they move, with a mouse and with the keyboard, and start again."""

from __future__ import annotations

from typing import Any


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


def faults(page: Any) -> list[str]:
    """What is wrong with the slider figures of the page that is open; leaves it as it was."""
    found: list[str] = []
    figures = page.locator(".sliders-live")
    if figures.count() != page.locator("div.sliders").count():
        found.append("a place for a slider figure stayed empty")
    for i, figure in enumerate(figures.all()):
        found += check_figure(page, figure)
        wider = figure.evaluate("node => node.scrollWidth - node.clientWidth")
        if wider > 1:
            found.append(f"slider figure {i} is {wider} px too wide")
    page.emulate_media(media="print")
    if any(figure.is_visible() for figure in figures.all()):
        found.append("sliders are printed")
    if not all(text.is_visible() for text in page.locator(".sliders-fallback").all()):
        found.append("the text for print is not printed")
    page.emulate_media(media="screen")
    if figures.count():
        # The page's own scripts answer to a change of layout, which a change of medium is not told.
        page.evaluate("window.dispatchEvent(new Event('resize'))")
        page.wait_for_timeout(1000)
    return found
