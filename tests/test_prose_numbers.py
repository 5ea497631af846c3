"""Numbers in the prose of executed chapters come from code; typed decimals are definitions."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from prose import EXECUTED, NOTEBOOKS, of_page, pieces, printed, without_code

STUDY = Path(__file__).resolve().parents[1] / "benchmarks/studies/results/inference.csv"
CHAPTERS = {path.stem: path for path in [*NOTEBOOKS, *EXECUTED]}

# What may be typed, page by page, and why it is no result. An entry that is not needed is a fault.
DEFINITIONS: dict[str, dict[str, str]] = {
    "disease_severity": {"0.001": "a bound below which p is reported as p < 0.001"},
    "distributions": {
        "0.05": "a setting of a figure: dispersion of a gamma",
        "0.25": "a setting of a figure: dispersion of a gamma",
        "0.5": "a setting of figures: mean of a beta, theta of a negative binomial",
        "0.2": "a setting of a figure: mean of a beta",
        "0.75": "a setting of a figure: mean of a beta",
        "24.4": "a setting of a figure: precision of a beta",
        "0.3": "a setting of a figure: probability of a binomial",
        "1.5": "a setting of a figure: degrees of freedom of a t",
    },
    "from_r_to_python": {"0.4": "a version of DHARMa", "0.5": "a version of DHARMa"},
    "residual_tests": {"0.5": "a version of DHARMa"},
    "how_far_to_trust": {
        "0.01": "a p-value that a reader may meet",
        "0.05": "the level of the tests",
        "0.3": "a setting: standard deviation of blocks",
    },
    "wrap_up": {
        "0.001": "part of a sentence to be mended",
        "3.1": "part of a paragraph to be mended",
    },
    "capstones": {
        "0.001": "a bound below which p is reported as p < 0.001",
        "0.05": "the level of the tests",
        "0.4": "a truth of simulated data: standard deviation of blocks",
        "0.5": "a truth of simulated data: standard deviation of farms",
        "0.6": "a truth of simulated data: standard deviation of plates",
        "1.2": "a truth of simulated data: slope",
        "1.5": "a truth of simulated data: log2 of a dose",
        "1.6": "a truth of simulated data: ratio of rates",
        "1.8": "a truth of simulated data: intercept",
    },
    "index": {"3.11": "the oldest Python"},
    "from_lmm_to_glmm": {
        "0.346": "a constant of the logit approximation, (16 sqrt(3) / (15 pi))^2",
        "0.5": "a setting: half of a variance of one, and the standard deviation of blocks",
        "0.8": "a setting: probability of a typical block",
        "0.95": "a setting: mean of an example",
        "1.5": "a setting: standard deviation of blocks",
    },
}

# Shares of the stored study that a notebook types, since it is read without the study beside it:
# notebook, words, and the row of benchmarks/studies/results/inference.csv behind them.
COUNTED = [
    ("disease_severity", "overall test rejects 22 %", "disease beta null", "Anova II, Wald z"),
    ("disease_severity", "the chance is 19 %", "disease beta null", "any pair, Tukey, Wald z"),
    ("disease_severity", "different in 19 %", "disease beta null", "any pair, Tukey, Wald z"),
    ("disease_severity", "13 % with", "disease beta null", "any pair, Tukey, Wald t, design df"),
    ("seed_germination", "reject 7 to 10 %", "germination binomial", "Anova II, Wald z"),
]

DECIMAL = re.compile(r"(?<![\w.])[−-]?(\d+\.\d+)(?!\w*\.\d)")
# "exercise 7.4", "exercises 7.4 and 7.5", "{exercise} 7.4 Title": the number of an exercise
EXERCISE = re.compile(r"(exercises?|\{exercise(?:-start)?\})\s(\d+\.\d+)((,| and) \d+\.\d+)*", re.I)


def typed(text: str) -> list[str]:
    """Decimals of a piece of prose: not those in code, and no numbers of exercises."""
    return DECIMAL.findall(EXERCISE.sub("", without_code(text)))


@cache
def decimals(path: Path) -> dict[str, str]:
    """Every typed decimal of a chapter, and where it stands first."""
    found: dict[str, str] = {}
    for piece in pieces(path):
        for number in typed(piece):
            at = piece.index(number)
            found.setdefault(number, " ".join(piece[max(0, at - 60) : at + 40].split()))
    return found


@pytest.mark.parametrize("path", CHAPTERS.values(), ids=CHAPTERS.keys())
def test_a_typed_decimal_is_a_definition(path: Path) -> None:
    results = {n: c for n, c in decimals(path).items() if n not in DEFINITIONS.get(path.stem, {})}
    assert not results, (
        f"compute these numbers in a cell (glue, or printed Markdown), or say in DEFINITIONS why "
        f"they are no results: {results}"
    )


@pytest.mark.parametrize(("name", "words", "cell", "method"), COUNTED)
def test_a_typed_share_is_that_of_the_stored_study(
    name: str, words: str, cell: str, method: str
) -> None:
    prose = " ".join(" ".join(pieces(CHAPTERS[name])).replace("> ", " ").split())
    assert words in prose
    table = pd.read_csv(STUDY)
    rows = (table["cell"] == cell) & (table["method"] == method) & (table["measure"] == "rejection")
    share = table.loc[rows & table["target"].isin(["factor", "interaction"]), "value"].item()
    assert f"{100 * share:.0f} %" in words


def test_every_definition_is_needed() -> None:
    assert set(DEFINITIONS) <= set(CHAPTERS)
    for name, reasons in DEFINITIONS.items():
        assert set(reasons) == set(reasons) & set(decimals(CHAPTERS[name])), name


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The mean is 0.75, not −1.2.", ["0.75", "1.2"]),
        ("$\\sigma_u = 1.5$ and 95 %", ["1.5"]),
        ("see exercises 7.4 and 7.5, or Exercise 8.1", []),
        ("```{exercise} 8.1 By hand: 2.5 of them\n```", ["2.5"]),
        ("run `f(0.5)` of version 1.2.3", []),
        ("```python\nx = 0.5\n```\nthen 0.6", ["0.6"]),
        ("it is {glue:text}`icc:.2f`.", []),
    ],
)
def test_decimals_are_found_in_prose_only(text: str, found: list[str]) -> None:
    assert typed(text) == found


def test_text_that_a_cell_prints_is_prose_and_what_it_computes_is_not() -> None:
    source = '%config x = 0.1\nlimit = 0.25\nMarkdown(f"It is {limit:.2f}, not 0.3: {2 * 0.4:.1f}")'
    numbers = [number for piece in printed(source) for number in typed(piece)]
    assert numbers == ["0.3"]


def test_captions_and_alternative_texts_are_prose() -> None:
    header = 'mystnb:\n  image: {alt: "Up to 0.7"}\n  figure: {caption: "Mean 0.8."}\n'
    page = f"---\nv: 0.1\n---\n# T\n```{{code-cell}} ipython3\n---\n{header}---\nx = 0.2\n```\n0.9."
    assert sorted(n for piece in of_page(page) for n in typed(piece)) == ["0.7", "0.8", "0.9"]
