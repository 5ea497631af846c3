"""Links from a chapter to its exercise notebook on machines that lend themselves: Binder, Colab.

REPO_URL, if set, is the repository's address (https://github.com/someone/glmmlab). Without it the
book has no such links. Binder builds .binder/ from the branch main; Colab opens the copies that the
workflow keeps on the branch exercises.
"""

from __future__ import annotations

import os
import re
from typing import Any
from urllib.parse import quote, urlencode

from docutils.nodes import Node
from sphinx.application import Sphinx
from sphinx.config import Config

REPOSITORY = re.compile(r"https://github\.com/([\w.-]+/[\w.-]+?)(?:\.git)?/?")
CHAPTERS = "notebooks/"


def set_repository(app: Sphinx, config: Config) -> None:
    """Owner and name of the repository, or nothing."""
    address = os.environ.get("REPO_URL", "").strip()
    match = REPOSITORY.fullmatch(address)
    if address and match is None:
        raise ValueError(
            f"REPO_URL must be like https://github.com/someone/glmmlab; it is {address!r}"
        )
    config.launch_repository = match[1] if match else ""


def binder(repository: str, notebook: str) -> str:
    path = urlencode({"urlpath": f"lab/tree/lab/{notebook}"}, quote_via=quote, safe="")
    return f"https://mybinder.org/v2/gh/{repository}/main?{path}"


def colab(repository: str, notebook: str) -> str:
    return f"https://colab.research.google.com/github/{repository}/blob/exercises/{notebook}"


def links(repository: str, notebook: str) -> str:
    return (
        '<p class="launch">Work through this chapter without installing anything: '
        f'<a href="{binder(repository, notebook)}">on Binder</a> or '
        f'<a href="{colab(repository, notebook)}">in Colab</a>. Save your work at home.</p>'
    )


def add_links(
    app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: Node | None
) -> None:
    """Under the title of every chapter that is a notebook."""
    repository = app.config.launch_repository
    if not repository or doctree is None or not pagename.startswith(CHAPTERS):
        return
    notebook = pagename.removeprefix(CHAPTERS) + ".ipynb"
    before, end_of_title, after = context["body"].partition("</h1>")
    context["body"] = before + end_of_title + links(repository, notebook) + after


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_config_value("launch_repository", "", "html", str)
    app.connect("config-inited", set_repository, priority=100)
    app.connect("html-page-context", add_links)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
