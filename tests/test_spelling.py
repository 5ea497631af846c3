"""Spelling of the prose, by a dictionary and by the project's own words in tests/words.txt."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from spellchecker import SpellChecker

from prose import NOTEBOOKS, PAGES, ROOT, pieces, without_code

WORDS = ROOT / "tests" / "words.txt"
READ = [*NOTEBOOKS, *PAGES, ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "data" / "README.md"]

# What is no prose: mathematics, addresses, tags, options, names of directives and of files.
NO_PROSE = re.compile(
    r"\$\$.*?\$\$|\$[^$]*\$|\\+[A-Za-z]+|\]\([^)]*\)|https?://\S+|doi:\S+|<[^>]+>"
    r"|^:[\w-]+:[^\n]*$|\{[a-z-]+\}|[\w./-]+\.(?:txt|md|py|csv|json|yml|ipynb|html|cff|pdf)\b",
    re.M | re.S,
)
WORD = re.compile(r"[A-Za-zÀ-ɏ](?:[A-Za-zÀ-ɏ]|'(?=[A-Za-z]))+")
# Names of code (glmmTMB, DataError) and abbreviations (AIC, GLMMs) are no words of a language.
NAME = re.compile(r".*[a-z].*[A-Z]|.*[A-Z]{2}")


def words(text: str) -> Iterator[str]:
    prose = NO_PROSE.sub(" ", without_code(text))
    for word in WORD.findall(prose.replace("’", "'")):
        if not NAME.match(word):
            yield word.removesuffix("'s")


def own_words() -> list[str]:
    lines = WORDS.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def dictionary() -> SpellChecker:
    return SpellChecker(language="en")


@pytest.fixture(scope="module")
def known() -> SpellChecker:
    checker = dictionary()
    checker.word_frequency.load_words(own_words())
    return checker


@pytest.mark.parametrize("path", READ, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_word_is_in_the_dictionary_or_in_the_projects_list(
    path: Path, known: SpellChecker
) -> None:
    unknown = known.unknown({word for piece in pieces(path) for word in words(piece)})
    assert not unknown, f"misspelt, or to be added to tests/words.txt: {sorted(unknown)}"


def test_the_projects_list_is_in_order_and_holds_only_what_the_dictionary_lacks() -> None:
    listed = own_words()
    assert listed == sorted(set(listed), key=str.lower)
    assert not dictionary().known(listed)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The fungicde's mean isn’t $\\mu$.", ["The", "fungicde", "mean", "isn't"]),
        ("see {cite:p}`warton2005` and `glmmm` or [this](wrnog.md)", ["see", "and", "or", "this"]),
        ("its list, tests/wrods.txt.", ["its", "list"]),
        ("AICs of glmmTMB: a DataError", ["of"]),
        ("```{exercise} 8.1 Owls\n:label: ex-8-1\n\nFit it.\n```", ["Owls", "Fit", "it"]),
        ("Café crème", ["Café", "crème"]),
    ],
)
def test_words_are_those_that_a_reader_reads(text: str, found: list[str]) -> None:
    assert list(words(text)) == found


def test_the_check_is_not_blind(known: SpellChecker) -> None:
    slips = {"recieve", "seperate", "dispertion", "varience", "resduals", "overdispersoin"}
    assert known.unknown(slips) == slips
