"""Transformed responses: what is undone, and what is left and said to be left.

Numbers are those of emmeans 1.8.4 on ``lm(<response> ~ extract, seeds)``.
"""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import glmmlab as gl
from conftest import reference_data
from glmmlab.formula.expressions import expression
from glmmlab.inference.emmeans import emmeans
from glmmlab.inference.left_side import left_side
from glmmlab.inference.transformation import from_response
from inference.r_estimates import least_squares

SEEDS = reference_data("seeds")

# emmeans(m, "extract", type = "response"): estimates, SE of the first
MEANS = {
    "sqrt(germ + 3/8)": ([13.0576960307, 20.9542543218], 4.218428451),
    "log(germ + 1/6)": ([9.39937042335, 16.3413402841], 3.929717656),
    "log10(germ + 1/2)": ([10.4135840214, 16.5753606362], 3.843346152),
    "2*sqrt(n)": ([35.978840425, 34.1734857051], 8.496315649),
}
# The same, of responses that R undoes in part: multiples of the column, or R's log10, inverse
SAME = {
    "sqrt(germ + 0.375)": "sqrt(germ + 3/8)",
    "sqrt(3/8 + I(germ)) / 2 - 1": "sqrt(germ + 3/8)",
    "log(germ + (1/6))": "log(germ + 1/6)",
    "log(germ + 1 - 5/6)": "log(germ + 1/6)",
    "-log(6*germ + 1)": "log(germ + 1/6)",
    "log(germ + 0.25 + 0.25, 10)": "log10(germ + 1/2)",
    "log(germ + 1/2, base=10)": "log10(germ + 1/2)",
    "np.log2(germ + 1/2)": "log10(germ + 1/2)",
    "n^0.5": "2*sqrt(n)",
    "np.sqrt(n)": "2*sqrt(n)",
}


@pytest.mark.parametrize("response", [*MEANS, *SAME])
def test_constants_are_undone(response: str) -> None:
    expected, se = MEANS[SAME.get(response, response)]
    table = emmeans(least_squares(f"{response} ~ extract", SEEDS), "extract", type="response")
    assert_allclose(table.frame["estimate"], expected, rtol=1e-9)
    assert_allclose(table.frame["se"][0], se, rtol=1e-8)


def test_the_arcsine_of_a_proportion() -> None:
    """R leaves the division by 100: its 0.1292598735 and 0.2207429773 are of germ / 100."""
    estimate = least_squares("asin(sqrt(germ/100)) ~ extract", SEEDS)
    table = emmeans(estimate, "extract", type="response")
    assert_allclose(table.frame["estimate"], [12.9259873503, 22.0742977335], rtol=1e-9)
    assert_allclose(table.frame["se"], [4.509130359, 5.31501037], rtol=1e-8)
    assert_allclose(table.frame["lower"], [5.069578301, 12.08128457], rtol=1e-8)
    assert "back-transformed from asin(sqrt(germ / 100)) to germ, " in str(table)
    assert table.axis_label() == "germ (response scale)"
    several = least_squares("asin(sqrt(germ/n)) ~ extract", SEEDS)
    assert "to germ / n, " in str(emmeans(several, "extract", type="response"))


def test_the_inverse() -> None:
    """R does not undo 1/n: its means, 0.050313444696 and 0.0551618285037, and limits inverted."""
    table = emmeans(least_squares("1/n ~ extract", SEEDS), "extract", type="response").frame
    assert_allclose(table["estimate"], 1 / np.array([0.050313444696, 0.0551618285037]), rtol=1e-9)
    assert_allclose(table["lower"], 1 / np.array([0.0923584067, 0.09525012684]), rtol=1e-8)
    assert_allclose(table["upper"], 1 / np.array([0.008268482693, 0.01507353017]), rtol=1e-8)


@pytest.mark.parametrize(
    ("response", "ratio", "of"),
    [
        ("log(germ + 1/6)", 0.579478620196, "germ + 1 / 6"),
        ("log10(germ + 1/2)", 0.639142226853, "germ + 1 / 2"),
        ("log(n, 10)", 1.11641025764, "n"),
        ("log(3*n)/2 + 1", 1.11641025764, "n"),
    ],
)
def test_ratios(response: str, ratio: float, of: str) -> None:
    """R's of the same logarithm without multiples: it takes log(n, 10) for a natural one."""
    means = emmeans(least_squares(f"{response} ~ extract", SEEDS), "extract", type="response")
    pairs = means.pairs()
    assert pairs["contrast"][0] == "bean / cucumber"
    assert_allclose(pairs["estimate"], ratio, rtol=1e-9)
    assert f"Ratios of {of} (response scale)" in str(pairs).replace("\n", " ")


def test_no_ratios_of_what_is_turned_round() -> None:
    means = emmeans(least_squares("-log(n) ~ extract", SEEDS), "extract", type="response")
    assert means.pairs()["contrast"][0] == "bean - cucumber"
    assert "stay on the link scale" in str(means.pairs())


def test_bias_adjustment_and_regrid() -> None:
    """R: bias.adjust = TRUE with sigma = 2 and 0.5; pairs(regrid(emmeans(m, "extract"))).

    R's second derivatives are difference quotients, exact for squares.
    """
    root = least_squares("sqrt(germ + 3/8) ~ extract", SEEDS)
    frame = emmeans(root, "extract", type="response", bias_sigma=2.0).frame
    assert_allclose(frame["estimate"], [17.0576960307, 24.9542543218], rtol=1e-9)
    assert_allclose(frame["lower"], [9.67928757971, 15.66518972714], rtol=1e-9)
    difference = emmeans(root, "extract").regrid().pairs().frame
    assert_allclose(difference["estimate"], -7.89655829115, rtol=1e-9)
    assert_allclose(difference["se"], 6.59413370426, rtol=1e-8)
    logs = least_squares("log10(germ + 1/2) ~ extract", SEEDS)
    frame = emmeans(logs, "extract", type="response", bias_sigma=0.5).frame
    assert_allclose(frame["estimate"], [17.6464244319, 27.8918409228], rtol=1e-6)
    assert_allclose(frame["se"], [6.39047599063, 9.53321424984], rtol=1e-5)


UNDONE = [
    "log(y - 0.01)", "log(y/(40 - y))", "log(y/40/(1 - y/40))", "log1p(y)", "np.log(y + 1)",
    "y^(1/3)", "cbrt(y)", "square(y)", "y^2", "y^-0.5", "-1/sqrt(y)", "3 - sqrt(y)", "exp(y/20)",
    "expm1(y/10)", "sqrt(exp(y/30))", "log(log(y + 1) + 1)", "log(1 - y/50)", "log(y, 0.5)",
    "asin(sqrt(y/40))*2", "arcsin(y/10)", "10*log10(y)", "log(`leaf area`*2 + np.pi)", "log(1/y)",
    "log(y/n)", "asin(sqrt((y + 3/8)/(n + 3/4)))",
]  # fmt: skip


@pytest.mark.parametrize("text", UNDONE)
def test_the_inverse_gives_back_the_column(text: str) -> None:
    """And its derivatives are those of difference quotients."""
    values, inverse, h = np.array([0.3, 1.7, 9.0]), from_response(text), 1e-6
    columns = {name: (1 + i) * values for i, name in enumerate(expression(text).columns)}
    eta = expression(text).evaluate(columns)
    assert inverse is not None
    before = expression(inverse.target).evaluate(columns)
    assert_allclose(inverse.apply(eta, eta)[0], before, rtol=1e-12)
    numeric = (inverse.inverse(eta + h) - inverse.inverse(eta - h)) / (2 * h)
    assert_allclose(inverse.slope(eta), numeric, rtol=1e-6)
    numeric = (inverse.slope(eta + h) - inverse.slope(eta - h)) / (2 * h)
    assert_allclose(inverse.curvature(eta), numeric, rtol=1e-6, atol=1e-6)
    again = pickle.loads(pickle.dumps(inverse))
    assert_allclose(again.inverse(eta), inverse.inverse(eta))


@pytest.mark.parametrize(
    "text",
    ["sin(y)", "y*y", "y/(y + 1)", "round(y)", "log(round(y))", "sqrt(y + sqrt(y))", "2**y",
     "log(y)*y", "log(y) - log(n)", "abs(y)", "log(y, n)", "clip(y, 0, 1)", "y^n"],
)  # fmt: skip
def test_what_is_not_undone(text: str) -> None:
    assert from_response(text) is None
    assert not left_side(text).plain


@pytest.mark.parametrize("text", ["y", "y/10", "I(100*y)", "-y", "germ/n", "n - germ"])
def test_nothing_to_undo(text: str) -> None:
    assert from_response(text) is None
    assert left_side(text).plain


def test_what_is_not_undone_says_so() -> None:
    rows = SEEDS.assign(centred=SEEDS["germ"] - 20.0)
    for response in ("sin(n)", "centred^2"):  # of a square of both signs no root is right
        table = emmeans(least_squares(f"{response} ~ extract", rows), "extract", type="response")
        assert f"Scale of {response}; not back-transformed." in str(table)
        assert f"Scale of {response}; not back-transformed." in str(table.pairs())
        assert "Response scale" not in str(table)
        assert table.axis_label() == response
    plain = emmeans(least_squares("germ ~ extract", rows), "extract", type="response")
    assert "Response scale." in str(plain)
    positive = emmeans(least_squares("n^2 ~ extract", rows), "extract", type="response")
    means = rows.assign(square=rows["n"] ** 2.0).groupby("extract")["square"].mean()
    assert_allclose(positive.frame["estimate"], np.sqrt(means), rtol=1e-10)


def test_intervals_end_where_the_response_does() -> None:
    """The square root is never negative: what the interval has there is cut off."""
    root = from_response("sqrt(y)")
    lower, upper = root.limits(np.array([-1.0, -np.inf, 1.0]), np.array([2.0, 2.0, np.inf]))
    assert_allclose(lower, [0.0, 0.0, 1.0], atol=1e-20)
    assert_allclose(upper, [4.0, 4.0, np.inf])
    share = from_response("asin(sqrt(y/40))")
    lower, upper = share.limits(np.array([-0.1, 1.0]), np.array([0.5, 2.0]))
    assert_allclose(lower, [0.0, 40 * np.sin(1.0) ** 2], atol=1e-20)
    assert_allclose(upper, [40 * np.sin(0.5) ** 2, 40.0])
    assert np.isnan(root.apply(np.array([-0.1]), np.array([1.0]))[0]).all()


def test_the_mean_of_a_link_is_undone_too() -> None:
    data = pd.DataFrame({"f": list("ab") * 6, "y": np.linspace(1.0, 8.0, 12)})
    fit = gl.glmm("sqrt(y + 1) ~ f", data, "gamma")
    table = fit.emmeans("f", type="response")
    roots = np.sqrt(data["y"] + 1).groupby(data["f"]).mean()  # the gamma fit of two groups
    assert_allclose(table.frame["estimate"], roots**2 - 1, rtol=1e-6)
    assert "back-transformed from log of sqrt(y + 1) to y, " in str(table)
