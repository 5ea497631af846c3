"""What a published book needs beside its pages: who made it and when, a map, a page for the lost.

SITE_URL, if set, is the address that the book will have (https://someone.github.io/glmmlab/).
Without it the book is complete except for what must name an address: the sitemap, the canonical
links and the preview picture of a shared link.

SOURCE_DATE_EPOCH, if set, is the time of the build, so that one source gives one book.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from html import escape
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit
from xml.sax.saxutils import escape as escape_xml

import yaml
from docutils.nodes import Element, Node, container, paragraph
from sphinx.application import Sphinx
from sphinx.config import Config

CARD = "_static/social_card.png"
CARD_SIZE = (1200, 630)
LONGEST_DESCRIPTION = 200  # longer ones are cut by those who show them


def built() -> datetime:
    """When this book was built, or is said to be."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    return datetime.fromtimestamp(int(epoch), UTC) if epoch else datetime.now(UTC)


def long_date(day: datetime) -> str:
    return f"{day.day} {day:%B %Y}"


def citation(app: Sphinx) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load(
        (Path(app.srcdir) / "CITATION.cff").read_text(encoding="utf-8")
    )
    return read


def authors(cited: dict[str, Any]) -> list[str]:
    """Names as CITATION.cff has them: people in two parts, groups in one."""
    return [
        who.get("name") or f"{who['given-names']} {who['family-names']}" for who in cited["authors"]
    ]


def set_address(app: Sphinx, config: Config) -> None:
    """The address, the version and the date, for every page."""
    address = os.environ.get("SITE_URL", "").strip()
    if address:
        if urlsplit(address).scheme not in ("http", "https"):
            raise ValueError(f"SITE_URL must start with https://; it is {address!r}")
        config.html_baseurl = address.rstrip("/") + "/"
    config.version = config.release = version("glmmlab")
    stamp = f"<p>glmmlab {config.release}, built on {long_date(built())}.</p>"
    options = config.html_theme_options
    options["extra_footer"] = options.get("extra_footer", "") + stamp


def summary(doctree: Element | None) -> str:
    """What a page is about, in a line: its question, else its first paragraph."""
    if doctree is None:
        return ""
    questions = (box for box in doctree.findall(container) if "question" in box["classes"])
    first = next(questions, None) or next(iter(doctree.findall(paragraph)), None)
    text = " ".join(first.astext().split()) if first is not None else ""
    if len(text) <= LONGEST_DESCRIPTION:
        return text
    return text[: text.rfind(" ", 0, LONGEST_DESCRIPTION)] + " ..."


def meta_tags(app: Sphinx, pagename: str, title: str, about: str) -> Iterator[str]:
    """Tags for those who cite a page, search for it or show a link to it."""
    cited = citation(app)
    today = built()
    book = app.config.html_title or app.config.project

    def named(name: str, content: str) -> str:
        return f'<meta name="{name}" content="{escape(content)}" />'

    def graph(name: str, content: str) -> str:
        return f'<meta property="og:{name}" content="{escape(content)}" />'

    if about:
        yield named("description", about)
        yield graph("description", about)
    yield graph("title", title)
    yield graph("type", "article")
    yield graph("site_name", book)
    yield named("citation_title", title)
    yield named("citation_inbook_title", book)
    for author in authors(cited):
        yield named("citation_author", author)
    yield named("citation_publication_date", f"{today:%Y/%m/%d}")
    yield named("citation_language", "en")
    data = {
        "@context": "https://schema.org",
        "@type": "LearningResource",
        "name": title,
        "description": about,
        "isPartOf": {"@type": "Book", "name": book},
        "author": [{"@type": "Organization", "name": author} for author in authors(cited)],
        "dateModified": f"{today:%Y-%m-%d}",
        "version": app.config.release,
        "license": "https://creativecommons.org/licenses/by/4.0/",
        "inLanguage": "en",
    }
    if base := app.config.html_baseurl:
        address = urljoin(base, f"{pagename}.html")
        data["url"] = address
        yield graph("url", address)
        yield named("citation_public_url", address)
        yield graph("image", urljoin(base, CARD))
        yield graph("image:width", str(CARD_SIZE[0]))
        yield graph("image:height", str(CARD_SIZE[1]))
        yield graph("image:alt", "The course's title beside a figure: means with intervals")
        yield named("twitter:card", "summary_large_image")
    # "<" may not stand in a script: the text of a page could hold "</script>".
    encoded = json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")
    yield f'<script type="application/ld+json">{encoded}</script>'


def describe_page(
    app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: Node | None
) -> None:
    if app.builder.format != "html" or pagename in ("404", "search", "genindex"):
        return
    title = re.sub(r"<[^>]+>", "", context.get("title", ""))
    about = summary(doctree if isinstance(doctree, Element) else None)
    tags = meta_tags(app, pagename, title or app.config.project, about)
    context["metatags"] = context.get("metatags", "") + "\n" + "\n".join(tags)


LOST = """<h1>This page does not exist</h1>
<p>The address may have a typing error, or the page has moved.</p>
<ul>
<li>Start again at the <a href="{root}">first page</a>; the chapters are listed there.</li>
<li><a href="search.html">Search</a> the course.</li>
</ul>"""


def page_for_the_lost(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """404.html. A server shows it under whatever address was asked for, so it needs a base."""
    body = LOST.format(root=app.builder.get_target_uri(app.config.root_doc))
    context: dict[str, Any] = {"title": "Not found", "body": body}
    if base := app.config.html_baseurl:
        context["metatags"] = f'<base href="{escape(urlsplit(base).path or "/")}" />'
    yield "404", context, "page.html"


FRONT_DOOR = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8" />
<title>{title}</title>
<meta http-equiv="refresh" content="0; url={first}" />
{tags}
</head>
<body><p><a href="{first}">{title}</a></p></body>
</html>
"""


def write_front_door(app: Sphinx, exception: Exception | None) -> None:
    """index.html: it forwards to the first page, and says what a shared link to the book shows."""
    first = app.builder.get_target_uri(app.config.root_doc)
    if exception is not None or app.builder.format != "html" or first == "index.html":
        return
    title = app.config.html_title or app.config.project
    about = summary(app.env.get_doctree(app.config.root_doc))
    tags = "\n".join(meta_tags(app, app.config.root_doc, title, about))
    text = FRONT_DOOR.format(title=escape(title), first=escape(first), tags=tags)
    (Path(app.outdir) / "index.html").write_text(text, encoding="utf-8")


def write_sitemap(app: Sphinx, exception: Exception | None) -> None:
    """sitemap.xml and robots.txt: both must name full addresses, so both need SITE_URL."""
    base = app.config.html_baseurl
    if exception is not None or app.builder.format != "html" or not base:
        return
    day = f"{built():%Y-%m-%d}"
    places = [
        f"<url><loc>{escape_xml(urljoin(base, app.builder.get_target_uri(name)))}</loc>"
        f"<lastmod>{day}</lastmod></url>"
        for name in sorted(app.env.found_docs)
    ]
    out = Path(app.outdir)
    (out / "sitemap.xml").write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
        + "\n".join(places)
        + "\n</urlset>\n",
        encoding="utf-8",
    )
    (out / "robots.txt").write_text(
        f"User-agent: *\nAllow: /\nSitemap: {urljoin(base, 'sitemap.xml')}\n", encoding="utf-8"
    )


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("config-inited", set_address, priority=100)
    app.connect("html-page-context", describe_page)
    app.connect("html-collect-pages", page_for_the_lost)
    app.connect("build-finished", write_sitemap)
    # Before the table of contents' own extension writes one that says nothing.
    app.connect("build-finished", write_front_door, priority=100)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
