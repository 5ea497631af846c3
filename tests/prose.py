"""The prose of the project, as its readers see it: for tests of its numbers and its spelling."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import yaml
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PAGES = sorted((ROOT / "book").glob("*.md"))
EXECUTED = [path for path in PAGES if "{code-cell}" in path.read_text(encoding="utf-8")]

CODE_CELL = re.compile(r"^(`{3,})\{code-cell\}[^\n]*\n(.*?)^\1$", re.M | re.S)
# Blocks of code, code in a line, and roles with what they say.
CODE = re.compile(r"^(`{3,})[a-z]*\n.*?^\1$|(?:\{[a-z:-]+\})?`[^`\n]*`", re.M | re.S)


def of_figure(settings: dict[str, dict[str, str]]) -> Iterator[str]:
    """Caption and alternative text in the settings of a code cell."""
    yield str(settings.get("figure", {}).get("caption", ""))
    yield str(settings.get("image", {}).get("alt", ""))


def printed(source: str) -> Iterator[str]:
    """What a code cell prints as prose, without what it computes for it."""
    for node in ast.walk(ast.parse(re.sub(r"^[%!].*$", "", source, flags=re.M))):
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "Markdown":
            for inner in ast.walk(node):
                if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
                    yield inner.value


def of_notebook(cells: list[NotebookNode]) -> Iterator[str]:
    for cell in cells:
        if cell.cell_type == "markdown":
            yield cell.source
        else:
            yield from printed(cell.source)
            yield from of_figure(cell.metadata.get("mystnb", {}))


def of_page(text: str) -> Iterator[str]:
    for _, inside in CODE_CELL.findall(text):
        header, source = "", inside
        if inside.startswith("---\n"):
            _, header, source = inside.split("---\n", 2)
        else:
            source = re.sub(r"^:[a-z-]+:.*$", "", inside, flags=re.M)
        yield from printed(source)
        yield from of_figure((yaml.safe_load(header) or {}).get("mystnb", {}))
    yield CODE_CELL.sub("", re.sub(r"\A---\n.*?^---$", "", text, flags=re.M | re.S))


def pieces(path: Path) -> list[str]:
    """The prose of a page or a notebook, piece by piece; code in it is still there."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        return list(of_notebook(nbformat.reads(text, as_version=4).cells))
    return list(of_page(text))


def without_code(text: str) -> str:
    return CODE.sub("", text)
