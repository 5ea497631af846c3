"""What the book needs of Sphinx beyond _config.yml."""

from __future__ import annotations

import os
import re
from typing import Any

from docutils.nodes import Node, container
from sphinx.application import Sphinx
from sphinx.config import Config


def without_thebe(app: Sphinx) -> None:
    """Take sphinx-thebe's scripts off the pages.

    Jupyter Book always loads sphinx-thebe, which writes the same ``const`` twice into every page
    (an error in the reader's console) and names a script on the network. The book runs no code
    in the browser. Without its scripts its style sheet is never copied, so that goes too.
    """
    styles = app.registry.css_files
    styles[:] = [entry for entry in styles if entry[0] != "sphinx-thebe.css"]
    for listeners in app.events.listeners.values():
        for listener in list(listeners):
            if getattr(listener.handler, "__module__", None) == "sphinx_thebe":
                app.events.disconnect(listener.id)


def choose_execution(app: Sphinx, config: Config) -> None:
    """Keep the notebooks' stored outputs where the caller says that they were just checked.

    The pages of ``book/`` store no outputs; each asks for its execution in its own header.
    """
    if os.environ.get("BOOK_NOTEBOOKS") == "stored":
        config.nb_execution_mode = "off"


def load_sliders(
    app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: Node | None
) -> None:
    """The scripts of the slider figures, on the pages that have any."""
    if doctree is None:
        return
    if not any("sliders" in box["classes"] for box in doctree.findall(container)):
        return
    app.add_css_file("sliders.css")
    for part in ("sliders_maths", "sliders", "sliders_figures", "sliders_models"):
        app.add_js_file(f"{part}.js")


def plain_citation_list(
    app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: Node | None
) -> None:
    """A list of works is no ``role="list"``: its entries are no ``listitem``."""
    if body := context.get("body"):
        context["body"] = body.replace(
            '<div role="list" class="citation-list">', '<div class="citation-list">'
        )


EXERCISE = re.compile(r'(<p class="admonition-title">Exercise) \((.*?)\)</p>')
SOLUTION = re.compile(r"Solution to(<a [^>]*>) Exercise \((.*?)\)</a></p>")


def exercises_without_brackets(
    app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: Node | None
) -> None:
    """An exercise's number is a part of its title, which sphinx-exercise puts in brackets."""
    if body := context.get("body"):
        body = EXERCISE.sub(r"\1 \2</p>", body)
        context["body"] = SOLUTION.sub(r"Solution to \1exercise \2</a></p>", body)


FORMULA = re.compile(
    r'(\(?<span class="math notranslate nohighlight">\\\([^<]*\\\)</span>[,.;:)?]+)'
)


def tie_punctuation(
    app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: Node | None
) -> None:
    """A formula keeps the comma behind it: MathJax's box would let it start the next line."""
    if body := context.get("body"):
        context["body"] = FORMULA.sub(r'<span class="tied">\1</span>', body)


def tell_progress(app: Sphinx, docname: str, source: list[str]) -> None:
    """One line a page, on a build that is otherwise silent until it is done."""
    print(f"  {docname}", flush=True)


def types_in_words(app: Sphinx, env: Any, node: Node, content: Node) -> Node | None:
    """Docstrings name types in words ("DataFrame", "array of shape (n,)"): these lead nowhere."""
    in_words = node.get("refdomain") == "py" and node["reftype"] == "class"
    return content if in_words and "." not in node["reftarget"] else None


def setup(app: Sphinx) -> dict[str, Any]:
    without_thebe(app)
    app.connect("config-inited", choose_execution, priority=100)
    app.connect("source-read", tell_progress)
    app.connect("missing-reference", types_in_words)
    app.connect("html-page-context", load_sliders)
    app.connect("html-page-context", plain_citation_list)
    app.connect("html-page-context", exercises_without_brackets)
    app.connect("html-page-context", tie_punctuation)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
