"""Slopes against emtrends (emmeans 1.8.4, R 4.2.2) on ``lm`` and ``glm`` fits to the seeds data."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import glmmlab as gl
from conftest import reference_data
from glmmlab.errors import (
    DataError,
    FormulaError,
    RankDeficientWarning,
    UnknownColumnError,
    UnknownNameError,
)
from glmmlab.inference.trends import emtrends
from inference.r_estimates import least_squares

SEEDS = reference_data("seeds")


def test_straight_lines() -> None:
    slopes = emtrends(least_squares("prop ~ extract * n", SEEDS), "extract", "n")
    assert_allclose(slopes.frame["estimate"], [0.00231696514661, 0.00166814896934], rtol=1e-9)
    assert_allclose(slopes.frame["se"], [0.00249230879326, 0.00187745526683], rtol=1e-9)
    assert_allclose(slopes.frame["upper"], [0.00757527706339, 0.00562923333799], rtol=1e-8)
    pairs = slopes.pairs().frame
    assert_allclose(pairs["estimate"], 0.000648816177263, rtol=1e-8)
    assert_allclose(pairs["p"], 0.8378, atol=5e-5)


def test_curves() -> None:
    estimate = least_squares("prop ~ extract * poly(n, 2)", SEEDS)
    first = emtrends(estimate, "extract", "n").frame
    assert_allclose(first["estimate"], [0.00317607665259, 0.00150046465648], rtol=1e-8)
    assert_allclose(first["se"], [0.00243839928593, 0.00182616969860], rtol=1e-8)
    second = emtrends(estimate, "extract", "n", degree=2).frame
    assert_allclose(second["estimate"], [-0.00016194221726, 0.00005211140384], rtol=1e-6)
    assert_allclose(second["se"], [0.000090835667713, 0.000094603334731], rtol=1e-6)


def test_functions_of_the_predictor() -> None:
    estimate = least_squares("prop ~ extract * np.log(n)", SEEDS)
    by_n = emtrends(estimate, "extract", "n").frame
    assert_allclose(by_n["estimate"], [0.002757083783210, 0.000796223789069], rtol=1e-9)
    by_log = emtrends(estimate, "extract", "np.log(n)").frame
    assert_allclose(by_log["estimate"], [0.109207857327, 0.031538357480], rtol=1e-9)
    assert_allclose(by_log["se"], [0.0618961621643, 0.0516564065024], rtol=1e-9)


# emtrends(lm(prop ~ extract * n), ~ extract, var = <key>): slopes, SE
ARITHMETIC = {
    "n + 1": ([0.002316965147, 0.001668148969], [0.002492308793, 0.001877455267]),
    "n^2": ([2.924727752e-05, 2.105720749e-05], [3.146065751e-05, 2.369930134e-05]),
    "n**2": ([2.924727752e-05, 2.105720749e-05], [3.146065751e-05, 2.369930134e-05]),
    "n*n": ([2.924727752e-05, 2.105720749e-05], [3.146065751e-05, 2.369930134e-05]),
    "n^3": ([4.922548354e-07, 3.544094729e-07], [5.29507773e-07, 3.988780042e-07]),
    "log(n)^2": ([0.01247252188, 0.008979860813], [0.01341641932, 0.01010658358]),
    "-n": ([-0.002316965147, -0.001668148969], [0.002492308793, 0.001877455267]),
    "n/10": ([0.02316965147, 0.01668148969], [0.02492308793, 0.01877455267]),
    "2*n": ([0.001158482573, 0.0008340744847], [0.001246154397, 0.0009387276334]),
    "1/n": ([-3.635190787, -2.617233917], [3.910295318, 2.945623977]),
}


@pytest.mark.parametrize("var", ARITHMETIC)
def test_arithmetic_is_arithmetic(var: str) -> None:
    frame = emtrends(least_squares("prop ~ extract * n", SEEDS), "extract", var).frame
    slopes, se = ARITHMETIC[var]
    assert_allclose(frame["estimate"], slopes, rtol=1e-8)
    assert_allclose(frame["se"], se, rtol=1e-8)


def test_each_place_has_its_own_change_of_a_function() -> None:
    """R: emtrends(m, ~ extract, var = "n^2", at = list(n = c(10, 60)))."""
    estimate = least_squares("prop ~ extract * n", SEEDS)
    frame = emtrends(estimate, "extract", "n^2", at={"n": [10, 60]}).frame
    assert_allclose(frame["estimate"], [6.734980681e-05, 4.848994426e-05], rtol=1e-8)
    assert_allclose(frame["se"], [7.24467159e-05, 5.457408356e-05], rtol=1e-8)


@pytest.mark.parametrize(
    ("var", "kind", "words"),
    [
        ("poly(n, 2)", DataError, "not one number a row"),
        ("factor(n)", DataError, "not one number a row"),
        ("floor(n)", DataError, "has no slope at n = "),
        ("n +", FormulaError, "no arithmetic with a predictor"),
        ("n:extract", FormulaError, "no arithmetic with a predictor"),
        ("n * germ", UnknownColumnError, "one predictor"),
    ],
)
def test_what_has_no_slope(var: str, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        emtrends(least_squares("prop ~ extract * n", SEEDS), "extract", var)


def test_no_slope_between_the_levels_of_a_factor() -> None:
    rows = SEEDS.assign(dose=np.resize([1, 2, 3], len(SEEDS)))
    with pytest.warns(RankDeficientWarning):
        estimate = least_squares("prop ~ extract + dose + factor(dose)", rows)
    with pytest.raises(DataError, match="no slope between them"):
        emtrends(estimate, "extract", "dose")


def test_slopes_of_the_response() -> None:
    """R: emtrends(..., regrid = "response"); within the step, also the analytic derivative."""
    fit = gl.glmm("germ ~ extract * n", data=SEEDS, family="poisson")
    frame = emtrends(fit.estimate, "extract", "n", type="response").frame
    assert_allclose(frame["estimate"], [0.293085961362, 0.559199799983], rtol=1e-6)
    assert_allclose(frame["se"], [0.0459140329528, 0.0389834582445], rtol=1e-5)
    means = fit.emmeans("extract", type="response").frame["estimate"]
    slopes = emtrends(fit.estimate, "extract", "n").frame["estimate"]
    assert_allclose(frame["estimate"], means * slopes, rtol=5e-3)


def test_wrong_variables() -> None:
    estimate = least_squares("prop ~ extract * n", SEEDS)
    with pytest.raises(UnknownColumnError, match="'dose'"):
        emtrends(estimate, "extract", "dose")
    with pytest.raises(DataError, match="is a factor"):
        emtrends(estimate, "extract", "extract")
    with pytest.raises(UnknownNameError, match="degree 1 or 2"):
        emtrends(estimate, "extract", "n", degree=3)
    assert "Slopes of n" in str(emtrends(estimate, "extract", "n"))
    assert np.isfinite(emtrends(estimate, "extract", "n", at={"n": 10}).frame["estimate"]).all()


def test_the_overall_slope_is_the_average_of_the_slopes() -> None:
    """R: emtrends(m, ~ 1, var = "n")."""
    estimate = least_squares("prop ~ extract * n", SEEDS)
    overall = emtrends(estimate, "1", "n").frame
    assert overall["1"].tolist() == ["overall"]
    assert_allclose(overall["estimate"], 0.0019925571, rtol=1e-7)
    assert_allclose(overall["se"], 0.0015601636, rtol=1e-7)


def test_second_degree_is_that_of_the_point_itself() -> None:
    """emmeans 1.8.4, lm(y ~ poly(x, 3)): emtrends(m, ~ degree, "x", max.degree = 2, at = 3).

    The cubic's f''/2 there is 0.1089826840 by its coefficients too.
    """
    data = {"x": np.arange(1.0, 9.0), "y": [1.2, 1.9, 3.4, 3.1, 5.2, 7.7, 8.1, 11.0]}
    fit = gl.glmm("y ~ poly(x, 3)", data, method="REML")
    second = fit.emtrends("1", "x", degree=2, at={"x": [3.0]}).frame
    assert_allclose(second["estimate"], 0.1089826840, rtol=1e-6)
    assert_allclose(second["se"], 0.1461961790, rtol=1e-6)
    # REML without random effects is least squares: 8 rows less 4 coefficients
    assert second["df"].tolist() == [4.0]
