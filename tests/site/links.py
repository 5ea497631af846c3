"""Where the links of a built book lead; no browser needed."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup

ADDRESSES = {
    "a": "href",
    "img": "src",
    "script": "src",
    "link": "href",
    "source": "src",
    "iframe": "src",
    "object": "data",
}


@cache
def parsed(page: Path) -> BeautifulSoup:
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")


@cache
def anchors(page: Path) -> frozenset[str]:
    """Every place in a page that a link can name."""
    named = (tag.get("id") or tag.get("name") for tag in parsed(page).find_all(True))
    return frozenset(name for name in named if name)


def addresses(page: Path) -> Iterator[tuple[str, str]]:
    for tag in parsed(page).find_all(list(ADDRESSES)):
        # A canonical address is the page's name in the world; nothing is loaded from it.
        if tag.name == "link" and "canonical" in tag.get("rel", []):
            continue
        if address := tag.get(ADDRESSES[tag.name]):
            yield tag.name, address


def faults(page: Path) -> list[str]:
    """Links that lead nowhere, and files that a reader without a network would miss."""
    found = []
    for tag, address in addresses(page):
        parts = urlsplit(address)
        if parts.scheme in ("http", "https") or address.startswith("//"):
            if tag != "a":
                found.append(f"<{tag}> asks the network for {address}")
            continue
        if parts.scheme:  # data:, mailto:, javascript:
            continue
        target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
        if target.is_dir():
            target /= "index.html"
        if not target.exists():
            found.append(f"{address} leads to no file")
        elif (
            target.suffix == ".html"
            and (place := unquote(parts.fragment)) not in ("", "top")
            and place not in anchors(target)
        ):
            found.append(f"{address} names no place in {target.name}")
    return sorted(set(found))
