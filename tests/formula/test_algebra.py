"""Term algebra against R's ``terms()``; which levels are coded against formulaic."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from formulaic import Formula
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from glmmlab.formula import FixedPart
from glmmlab.formula.algebra import terms

# attr(terms(f), "intercept") and attr(terms(f), "term.labels") of R 4.2.2.
R_TERMS = {
    "0 + (a + 1)": (1, ["a"]),
    "a * b - a": (1, ["b", "a:b"]),
    "a + b + b:a": (1, ["a", "b", "a:b"]),
    "b:a + a": (1, ["a", "b:a"]),
    "a + b %in% a": (1, ["a", "a:b"]),
    "a:b %in% c": (1, ["a:b:c"]),
    "a * b/c": (1, ["a", "b", "a:b", "a:b:c"]),
    "(a + b)/c:d": (1, ["a", "b", "a:b:c:d"]),
    "a - 0": (1, ["a"]),
    "a - 1": (0, ["a"]),
    "(a + b + c)^2 - a:b": (1, ["a", "b", "c", "a:c", "b:c"]),
    "a/(b + c)": (1, ["a", "a:b", "a:c"]),
    "a:(b + c) * d": (1, ["d", "a:b", "a:c", "a:b:d", "a:c:d"]),
}


@pytest.mark.parametrize(("text", "expected"), R_TERMS.items(), ids=R_TERMS)
def test_terms_are_those_of_r(text, expected):
    found = terms(text)
    labels = [":".join(f.name for f in term) for term in found if term]
    assert (int(() in found), labels) == expected


@pytest.fixture(scope="module")
def frame():
    return make_frame()


def make_frame() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    n = 60
    return pd.DataFrame(
        {
            "x": rng.normal(3, 1, n),
            "z": rng.gamma(2.0, 1.0, n),
            "f": pd.Categorical(rng.choice(list("abc"), n), categories=list("cab")),
            "g": rng.choice(["u", "v"], n),
            "h": rng.choice(["r", "s", "t"], n),
            "f c": rng.choice(["k", "l"], n),
        }
    )


SAME_AS_FORMULAIC = [
    "f", "0 + f", "f + x:g", "f * g * x", "0 + f:g", "f:g", "f + g + f:g + f:x", "f/g", "f/x",
    "(f + g + x)^2", "(f + g + x)**2", "bs(x, df=4) + scale(z)", "poly(x, 2) * f", "C(f) * x",
    "f * x - x", "-1 + x", "x - 1", "1", "0", "C(f, Sum) * x", "C(f, Treatment('a')):g",
    "C(f, contr.sum) + x", "C(f, Helmert)", "log(z) + np.sqrt(z)", "`f c` * x", "center(x) * f",
    "poly(log(z + 1), 2)", "I(center(x) ** 2)", "0 + x:f + f:g", "x:z", "I(x / z):f",
    "0 + cr(x, df=3)", "0 + cc(x, df=3)", "cs(x, df=3, constraints='center') * f",
    "f:g:h", "f + f:g:h", "x + x:f:z + g", "standardize(x)", "{x + z}", "f:h + g",
]  # fmt: skip


@pytest.mark.parametrize("text", SAME_AS_FORMULAIC)
def test_columns_are_those_of_formulaic(text, frame):
    """Formulaic is an independent implementation: same names, same numbers, same spans."""
    expected = Formula(text).get_model_matrix(frame, output="numpy", na_action="ignore")
    part = FixedPart.learn(text, frame)
    assert list(part.names) == list(expected.model_spec.column_names)
    X = part.matrix(frame)
    assert_allclose(X, np.asarray(expected, dtype=float).reshape(X.shape), rtol=1e-14, atol=1e-14)
    assert X.flags.c_contiguous and X.dtype == np.float64


@pytest.mark.parametrize("text", SAME_AS_FORMULAIC)
def test_learned_coding_is_kept_for_new_data(text, frame):
    """Rows of new data are coded as in the fit, whatever else the new data hold."""
    part = FixedPart.learn(text, frame)
    some = frame.iloc[[7, 3, 40]]
    assert_allclose(part.matrix(some), part.matrix(frame)[[7, 3, 40]], rtol=1e-12, atol=1e-12)


FACTOR = st.sampled_from(["x", "z", "f", "g", "h"])
OPERATOR = st.sampled_from([" + ", " * ", ":", " / ", " + ", " - "])


@st.composite
def formulas(draw: st.DrawFn) -> str:
    text = draw(FACTOR)
    for _ in range(draw(st.integers(0, 4))):
        operator, factor = draw(OPERATOR), draw(FACTOR)
        if draw(st.booleans()):
            factor = f"({factor} + {draw(FACTOR)})"
        text += operator + factor
    return draw(st.sampled_from(["", "0 + ", "1 + "])) + text


@settings(max_examples=300)
@given(formulas())
def test_any_formula_spans_what_formulaic_spans(text):
    """The columns agree one by one once factors inside a term stand in the same order.

    We order them as R does, by first appearance; formulaic by appearance in the term.
    """
    frame = make_frame()
    expected = Formula(text).get_model_matrix(frame, output="numpy", na_action="ignore")
    theirs = dict(
        zip(
            (frozenset(n.split(":")) for n in expected.model_spec.column_names),
            np.asarray(expected, dtype=float).reshape(len(frame), -1).T,
            strict=True,
        )
    )
    part = FixedPart.learn(text, frame)
    ours = dict(
        zip((frozenset(n.split(":")) for n in part.names), part.matrix(frame).T, strict=True)
    )
    assert len(ours) == len(part.names)
    if theirs.keys() == ours.keys():
        for key in theirs:
            assert_array_equal(ours[key], theirs[key])
    else:  # another of the equivalent codings: the same space all the same
        A, B = np.array(list(ours.values())).T, np.array(list(theirs.values())).T
        rank = np.linalg.matrix_rank
        assert rank(A) == rank(B) == rank(np.hstack([A, B]))
