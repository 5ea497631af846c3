"""Formulas for fuzzing: well-formed ones, slightly broken ones, and noise; and the rule they keep.

The rule: a formula on a data frame gives a design or an error of the package, soon, and leaves the
data alone; an error of syntax says where it is.
"""

from __future__ import annotations

import time
import warnings

import numpy as np
import pandas as pd
from hypothesis import strategies as st

import glmmlab as gl
from glmmlab.design import build_design
from glmmlab.formula.bars import parse

SECONDS = 10.0
"""More than any formula may take, on a busy machine; most take milliseconds."""

# Mistakes of the whole formula, which have no one place.
WITHOUT_PLACE = ("the formula has no '~'", "the formula is longer than")


def data() -> pd.DataFrame:
    """Sixteen rows with columns of every kind, zeros and negative numbers among them."""
    n = np.arange(16)
    return pd.DataFrame(
        {
            "y": 1.0 + (n * 7 % 5) / 3.0,
            "x": np.linspace(-1.0, 2.0, 16),
            "z": (n * 5 % 16).astype(np.int64),
            "zero": np.zeros(16),
            "f": pd.Categorical(np.array(["a", "b"])[n // 2 % 2]),
            "g": pd.Categorical(np.array(["p", "q", "r", "s"])[n % 4]),
            "s": np.array(["u", "v"])[n // 8],
            "t": pd.array(n % 3 == 0, dtype="boolean"),
            "my col": n / 7.0,
            "k": n % 3,
        }
    )


ORIGINAL = data()
NAMES = ("y", "x", "z", "zero", "f", "g", "s", "t", "`my col`", 'Q("my col")', "k")
NUMBERS = ("0", "1", "2", "-1", "0.5", "1e3", "1e400", "10", "007")
CALLS = (
    "log({})", "np.log({})", "sqrt({})", "exp({})", "I({})", "I({}^2)", "I({} / 2)", "C({})",
    "factor({})", "C({}, contr.sum)", "C({}, Treatment('b'))", "poly({}, 2)", "poly({}, 9)",
    "bs({}, df=4)", "bs({}, df=1)", "scale({})", "center({})", "offset({})", "abs({})",
    "np.linalg({})", "open({})", "__import__('os')", "log({}, {})", "ifelse({} > 1, {}, 2)",
    "cbind({}, {})", "ar1({} | g)", "s({})", "log()", "poly({})", "power({}, {})", "1 / {}",
)  # fmt: skip
NOISE = ("~", "+", "-", "*", "/", ":", "^", "**", "|", "||", "%in%", "(", ")", "[", "]", "{", "}",
         ",", ".", "'", '"', "`", "=", "==", "<", ">=", "!", "$", "@", "\\", "\n", "\t", "\0", "é",
         "х", "1", "x", "9x", "x.", "λ", "None", "True", "lambda", "if", "_", "__")  # fmt: skip


def _fill(call: str, inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    holes = call.count("{}")
    return st.lists(inner, min_size=holes, max_size=holes).map(lambda parts: call.format(*parts))


atoms = st.sampled_from(NAMES) | st.sampled_from(NUMBERS)
expressions = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.sampled_from(CALLS).flatmap(lambda call: _fill(call, inner)),
        st.tuples(inner, st.sampled_from([" + ", " - ", "*", "/", ":", "^", " %in% "]), inner).map(
            "".join
        ),
        inner.map("({})".format),
    ),
    max_leaves=6,
)
bars = st.tuples(
    st.sampled_from(["1", "0", "x", "0 + x", "f", "1 + x + z", "x:f", "poly(x, 2)", ""]) | atoms,
    st.sampled_from([" | ", " || "]),
    st.sampled_from(["g", "f", "g / f", "g:f", "f + g", "t", "1", "g*f", "(g)", "x", "log(x)", ""]),
).map(lambda parts: f"({''.join(parts)})")
terms = st.lists(
    st.tuples(st.sampled_from([" + ", " + ", " - ", " * ", ":"]), expressions | bars), max_size=4
).map(lambda parts: "".join(sign + term for sign, term in parts))
responses = (
    st.sampled_from(["y", "log(y)", "cbind(k, z)", "k / z", "f", "t", "k", "1", ""]) | expressions
)
well_formed = st.builds("{} ~ {}{}".format, responses, expressions | bars, terms)


@st.composite
def broken(draw: st.DrawFn) -> str:
    """A formula with one to three pieces cut out, put in or doubled."""
    text = draw(well_formed)
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        stop = draw(st.integers(start, min(len(text), start + 4)))
        piece = draw(st.sampled_from(NOISE) | st.just("") | st.just(text[start:stop] * 2))
        text = text[:start] + piece + text[stop:]
    return text


noise = st.lists(st.sampled_from(NOISE) | atoms, max_size=20).map("".join) | st.text(max_size=30)
formulas = well_formed | broken() | noise


def keeps_the_rule(text: str, frame: pd.DataFrame) -> str:
    """What became of a formula of ``data()``: ``"design"`` or the error's class, or a failure."""
    started = time.monotonic()
    outcome = _position_of_a_mistake(text) or _designed(text, frame)
    assert time.monotonic() - started < SECONDS, f"{text!r} takes too long"
    assert frame.equals(ORIGINAL), f"{text!r} changed the data"
    return outcome


def _position_of_a_mistake(text: str) -> str:
    try:
        parse(text)
    except gl.FormulaError as error:
        if error.position is None:
            assert str(error).startswith(WITHOUT_PLACE), f"{text!r}: no place in {error}"
        else:
            assert 0 <= error.position <= len(text), f"{text!r}: {error}"
            assert f"(character {error.position + 1})" in str(error)
        return type(error).__name__
    return ""


def _designed(text: str, frame: pd.DataFrame) -> str:
    family = gl.families.get("gaussian")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a raw warning of a library is a fault as well
        warnings.simplefilter("ignore", gl.GlmmlabWarning)
        try:
            design = build_design(text, frame, family)
        except gl.GlmmlabError as error:
            assert str(error).strip(), f"{text!r}: an error without words"
            return type(error).__name__
    assert np.isfinite(design.conditional.X).all(), text
    assert np.isfinite(design.y).all() and np.isfinite(design.offset).all(), text
    assert design.conditional.X.shape == (len(design.y), len(design.conditional.names)), text
    return "design"
