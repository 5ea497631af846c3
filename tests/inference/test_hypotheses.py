"""Linear hypotheses by text and matrix against multcomp's glht."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import glmmlab as gl
from conftest import reference, reference_data
from glmmlab.errors import FormulaError, GlmmlabError
from glmmlab.inference.hypotheses import linear_hypotheses, parse_hypothesis
from inference.r_estimates import r_estimate

NAMES = ["Intercept", "extract[T.cucumber]", "gen[T.O75]", "extract[T.cucumber]:gen[T.O75]"]


@pytest.fixture(scope="module")
def counts():
    data = reference_data("seeds")
    return gl.glmm("germ ~ extract * gen", data=data, family="poisson").estimate


TEXTS = [
    "extract[T.cucumber] - gen[T.O75] = 0.1",
    "2*extract[T.cucumber] + gen[T.O75] = 0",
]


def test_single_step(counts) -> None:
    """R: summary(glht(glm, ...), adjusted("single-step")), confint, Chisqtest."""
    tested = linear_hypotheses(counts, TEXTS)
    frame = tested.frame
    assert_allclose(frame["estimate"], [-0.277631736598, 1.554635182875], rtol=1e-6)
    assert_allclose(frame["se"], [0.153082783762, 0.497099267203], rtol=1e-5)
    assert_allclose(frame["statistic"], [-2.46684654745, 3.12741395018], rtol=1e-5)
    assert_allclose(frame["p"], [0.02685907203225, 0.00351405432647], atol=2e-5)
    assert frame["null"].tolist() == [0.1, 0.0]
    limits = tested.confint().frame
    assert_allclose(limits["lower"], [-0.619365444154, 0.444937727487], atol=2e-4)
    assert_allclose(limits["upper"], [0.0641019709575, 2.6643326382624], atol=2e-4)
    joint = tested.joint_test()
    assert_allclose(joint.chisq, 20.1813181, rtol=1e-5)
    assert joint.df == 2


def test_matrix_is_the_same_as_text(counts) -> None:
    K = pd.DataFrame(
        [[1.0, -1.0], [2.0, 1.0]], columns=["extract[T.cucumber]", "gen[T.O75]"], index=["a", "b"]
    )
    by_frame = linear_hypotheses(counts, K, rhs=[0.1, 0]).frame
    by_array = linear_hypotheses(counts, [[0, 1, -1, 0], [0, 2, 1, 0]], rhs=[0.1, 0]).frame
    by_text = linear_hypotheses(counts, dict(zip("ab", TEXTS, strict=True))).frame
    assert by_frame["contrast"].tolist() == by_text["contrast"].tolist() == ["a", "b"]
    for frame in (by_frame, by_array):
        assert_allclose(frame[["estimate", "null", "p"]], by_text[["estimate", "null", "p"]])


@pytest.mark.parametrize("case", ["cbpp_binom", "sal_poisson"])
def test_glht_of_the_reference(case: str) -> None:
    """Dunnett comparisons are coefficients: single-step and free p-values."""
    entry, factor = reference(case)["glht"]["glht_dunnett"], reference(case)["glht"]["factor"]
    texts = [f"{factor}[T.{name.split(' - ')[0]}] = 0" for name in entry["names"]]
    tested = linear_hypotheses(r_estimate(case), texts)
    assert_allclose(tested.frame["p"], entry["p_single_step"], atol=1e-4)
    free = linear_hypotheses(r_estimate(case), texts, adjust="free").frame
    assert_allclose(free["p"], entry["p_free"], atol=1e-3)
    limits = tested.confint().frame
    assert_allclose(limits["lower"], entry["ci_lwr"], atol=1e-3)


def test_parser() -> None:
    row, value = parse_hypothesis("0.5 * (extract[T.cucumber] + gen[T.O75]) / 2 - 3 == 1", NAMES)
    assert_allclose(row, [0, 0.25, 0.25, 0])
    assert value == 4
    row, value = parse_hypothesis("-extract[T.cucumber]:gen[T.O75]", NAMES)
    assert_allclose(row, [0, 0, 0, -1])
    row, _ = parse_hypothesis("Intercept = gen[T.O75]", NAMES)
    assert_allclose(row, [1, 0, -1, 0])
    row, value = parse_hypothesis("I(x == 2) + 1 = 2", ["I(x == 2)"])
    assert (row.tolist(), value) == ([1.0], 1.0)


@given(st.lists(st.floats(-50, 50).map(lambda v: round(v, 3)), min_size=5, max_size=5))
def test_parser_reads_what_is_written(values: list[float]) -> None:
    *row, constant = values
    text = " + ".join(f"({v}) * {name}" for v, name in zip(row, NAMES, strict=True))
    if any(row):
        parsed, value = parse_hypothesis(f"{text} = {constant}", NAMES)
        assert_allclose(parsed, row)
        assert_allclose(value, constant)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("extract - gen[T.O75]", "a coefficient's name or a number"),
        ("gen[T.O75] * gen[T.O75]", "not linear"),
        ("1 / gen[T.O75]", "only division by a number"),
        ("(gen[T.O75]", "closing parenthesis"),
        ("gen[T.O75] gen[T.O75]", "operator"),
        ("1 = 2", "names no coefficient"),
    ],
)
def test_unreadable_text(text: str, why: str) -> None:
    with pytest.raises(FormulaError, match=why):
        parse_hypothesis(text, NAMES)


def test_wrong_matrices(counts) -> None:
    with pytest.raises(GlmmlabError, match="3 columns for 4 coefficients"):
        linear_hypotheses(counts, np.eye(3))
    with pytest.raises(FormulaError, match="'dose' is not a coefficient"):
        linear_hypotheses(counts, pd.DataFrame({"dose": [1.0]}))


def test_sides_are_said_at_the_test(counts) -> None:
    with pytest.raises(FormulaError, match=r"one-sided: write it with '='.*side='greater'"):
        linear_hypotheses(counts, "gen[T.O75] <= 0.5")
    tested = linear_hypotheses(counts, "gen[T.O75] = 0.5")
    two, one = tested.frame["p"][0], tested.test(side="greater").frame["p"][0]
    assert one == pytest.approx(two / 2 if tested.frame["statistic"][0] > 0 else 1 - two / 2)


def test_the_joint_test_says_what_it_tests(counts) -> None:
    text = str(linear_hypotheses(counts, ["gen[T.O75] = 0.5", TEXTS[0]]).joint_test())
    assert "all 2 linear hypotheses hold" in text and "= 0" not in text
