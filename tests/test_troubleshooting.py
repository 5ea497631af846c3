"""The troubleshooting page has one complete entry for every error and warning of the package."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import glmmlab as gl
from glmmlab import errors

PAGE = Path(__file__).resolve().parents[1] / "book" / "troubleshooting.md"
TEXT = PAGE.read_text(encoding="utf-8")
CLASSES = [name for name, item in inspect.getmembers(errors, inspect.isclass)]
PARTS = ("**Symptom.**", "**Cause.**", "**Do.**", "**Do not**")


def entries() -> list[tuple[str, str]]:
    """Title and body of each entry of the page."""
    found = re.split(r"^### (\w+)$", TEXT, flags=re.MULTILINE)[1:]
    return [
        (title, body.split("\n## ")[0]) for title, body in zip(found[::2], found[1::2], strict=True)
    ]


def test_there_is_one_entry_for_each_class_and_no_other():
    assert sorted(title for title, _ in entries()) == sorted(CLASSES)


@pytest.mark.parametrize("name", CLASSES)
def test_an_entry_says_what_it_is_why_and_what_to_do_and_not_to_do(name):
    body = dict(entries())[name]
    places = [body.find(part) for part in PARTS]
    assert min(places) >= 0, f"one of {PARTS} is missing"
    assert places == sorted(places)


@pytest.mark.parametrize("name", CLASSES)
def test_an_entry_shows_its_own_message(name):
    """A message that the page makes is of the entry's class (the page's build runs the cells)."""
    shown = re.findall(r"show\(gl\.(\w+)", dict(entries())[name])
    assert set(shown) <= {name}


@pytest.mark.parametrize("name", CLASSES)
def test_the_package_exports_every_class(name):
    assert getattr(gl, name) is getattr(errors, name)
    assert name in gl.__all__
