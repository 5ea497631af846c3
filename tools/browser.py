"""Debian's chromium, driven by Playwright: what every check and print of the built book needs."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

SERVED = "http://book.test"  # answered by the browser itself
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHECKS = Path(__file__).with_name("checks.js")  # what is asked of a page from inside it
MISSING = """No Chromium was found. Install one, then run this again:
    Debian, Ubuntu:  sudo apt-get install chromium
    macOS:           brew install --cask chromium
(looked for {names} on PATH)"""


def chromium() -> str:
    """Where the browser is, or the one command that brings it."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    raise SystemExit(MISSING.format(names=", ".join(NAMES)))


@contextmanager
def browser() -> Iterator[Any]:
    """A headless browser without a network: what a page asks for must be in the book."""
    path = chromium()
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise SystemExit(
            'Playwright is missing: pip install -c constraints.txt -e ".[site]"'
        ) from None
    with sync_playwright() as play:
        running = play.chromium.launch(
            executable_path=path,
            # A container's root has no sandbox to step into; the pages are the project's own.
            args=["--no-sandbox", "--disable-dev-shm-usage"],
        )
        try:
            yield running
        finally:
            running.close()


def address_of(page: Path, context: Any) -> str:
    """Where the browser finds a page: on disk, as the reader of an offline copy does.

    A page with a ``<base>`` (the one for addresses that do not exist) needs a server; the
    context plays one, and is asked for something deep inside it.
    """
    based = re.search(r'<base href="([^"]+)"', page.read_text(encoding="utf-8"))
    if based is None:
        return page.resolve().as_uri()
    root = SERVED + based[1]

    def answer(route: Any) -> None:
        wanted = page.parent / urlsplit(route.request.url[len(root) :]).path
        route.fulfill(path=wanted if wanted.is_file() else page)

    context.route(f"{root}**", answer)
    return f"{root}no/such/page.html"


def built_pages(site: Path) -> list[Path]:
    """Every page of a built book that a reader can come to."""
    if not (site / "index.html").exists():
        raise SystemExit(f"{site} holds no book: run `make book` first")
    pages = [page for page in sorted(site.rglob("*.html")) if "_static" not in page.parts]
    return [page for page in pages if page != site / "index.html"]  # it only forwards
