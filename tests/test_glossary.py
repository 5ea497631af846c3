"""The glossary: every term once, in order, each told from what it is taken for."""

from __future__ import annotations

import re
from pathlib import Path

TEXT = (Path(__file__).resolve().parents[1] / "book" / "glossary.md").read_text(encoding="utf-8")
BODY = re.search(r"^```\{glossary\}\n(.*?)^```$", TEXT, re.M | re.S)
assert BODY is not None
ENTRIES = [entry.split("\n", 1) for entry in BODY[1].strip().split("\n\n")]


def test_terms_are_many_unique_and_in_order() -> None:
    terms = [term for term, _ in ENTRIES]
    assert len(terms) >= 60
    assert terms == sorted(set(terms), key=str.lower)


def test_every_term_is_defined_and_told_from_another() -> None:
    for term, text in ENTRIES:
        meaning, separator, other = text.strip().partition(" *Not:* ")
        assert separator, term
        assert meaning.endswith("."), term
        assert other.endswith("."), term
