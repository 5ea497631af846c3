"""The API reference names everything public, and nothing that is not there."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

import pytest
import yaml

import glmmlab as gl

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted((ROOT / "book" / "api").glob("*.md"))
ROOMS = ("families", "links", "residuals", "datasets", "plots", "errors")
DIRECTIVE = re.compile(r"^\.\. (currentmodule|auto[a-z]+):: (\S+)$", re.M)


def documented() -> dict[str, str]:
    """Full name of everything that a page documents -> the kind of its directive."""
    found: dict[str, str] = {}
    for page in PAGES:
        module = ""
        for kind, name in DIRECTIVE.findall(page.read_text(encoding="utf-8")):
            if kind == "currentmodule":
                module = name
            else:
                found[name if name.startswith("glmmlab") else f"{module}.{name}"] = kind
    return found


NAMES = documented()


def resolve(name: str) -> object:
    """What a dotted name stands for."""
    parts = name.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:cut]))
        except ImportError:
            continue
        for part in parts[cut:]:
            found = getattr(found, part)
        return found
    raise LookupError(name)


DOCUMENTED = [resolve(name) for name in NAMES]


def public(room: str) -> list[object]:
    """Functions and classes of a public module."""
    module = importlib.import_module(f"glmmlab.{room}")
    listed = getattr(module, "__all__", None)
    found = []
    for name in listed or dir(module):
        item = getattr(module, name)
        own = getattr(item, "__module__", "").startswith(f"glmmlab.{room}")
        if not name.startswith("_") and own and (inspect.isclass(item) or inspect.isroutine(item)):
            found.append(item)
    return found


def test_every_public_name_is_documented() -> None:
    items = [getattr(gl, name) for name in gl.__all__]
    items = [item for item in items if not inspect.ismodule(item)]
    for room in ROOMS:
        if room != "links":
            items += public(room)
    assert not [item for item in items if item not in DOCUMENTED]


def test_every_link_is_documented() -> None:
    """The module's other functions are the families' tools."""
    classes = [
        item
        for item in public("links")
        if inspect.isclass(item) and issubclass(item, gl.links.Link)
    ]
    assert len(classes) >= len(gl.links.names())
    assert not [item for item in [*classes, gl.links.get, gl.links.names] if item not in DOCUMENTED]


def test_every_member_of_a_fit_is_documented_once() -> None:
    members = {f"glmmlab.Fit.{name}" for name in dir(gl.Fit) if not name.startswith("_")}
    assert members == {name for name in NAMES if name.startswith("glmmlab.Fit.")}
    text = (ROOT / "book" / "api" / "fit.md").read_text(encoding="utf-8")
    assert len(re.findall(r":: Fit\.", text)) == len(members)


def test_what_a_fit_gives_back_is_documented() -> None:
    """The classes of this package in the annotations of its methods, the parents' too."""
    given = set()
    for name, method in inspect.getmembers(gl.Fit, inspect.isfunction):
        if not name.startswith("_"):
            given |= set(re.findall(r"[A-Z]\w+", str(method.__annotations__.get("return", ""))))
    classes = {item.__name__ for item in DOCUMENTED if inspect.isclass(item)}
    others = {"Any", "Axes", "DataFrame", "Series", "Figure", "FloatArray", "ContrastSet", "None"}
    assert given - classes - others == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_page_is_in_the_table_of_contents(page: Path) -> None:
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    assert f"book/api/{page.stem}" in str(toc)
