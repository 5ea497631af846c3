"""Fits without a residual: one named warning, no numbers of rounding error."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.special import expit
from test_bad_input import good

import glmmlab as gl

N = 24
RNG = np.random.default_rng(8)
DATA = pd.DataFrame(
    {
        "x": RNG.normal(size=N),
        "noise": RNG.normal(size=N),
        "f": np.tile(list("abc"), N // 3),
        "g": np.repeat(["g1", "g2", "g3", "g4"], N // 4),
        "w": RNG.uniform(1, 2, N),
    }
)
LEVEL = DATA["g"].map({"g1": 0.3, "g2": -1.0, "g3": 0.8, "g4": 0.1})


def perfect(**arguments):
    """The fit and its one warning; a RuntimeWarning or another class fails the test."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit = gl.glmm(**arguments)
        summary = str(fit.summary())
    assert [w.category for w in caught] == [gl.PerfectFitWarning]
    assert "perfect" in str(caught[0].message)
    assert summary
    return fit


@pytest.mark.parametrize(
    ("formula", "family", "arguments"),
    [
        ("y ~ x", "gaussian", {}),
        ("y ~ x + (1 | g)", "gaussian", {}),
        ("z ~ x + (1 | g)", "gaussian", {}),
        ("z ~ x + (1 | g)", "gaussian", {"method": "REML"}),
        ("z ~ x + (1 | g) + (1 | f)", "gaussian", {}),
        ("z ~ x + (1 | g)", "gaussian", {"weights": "w"}),
        ("y ~ x", "t", {}),
        ("e ~ x", "lognormal", {}),
        ("e ~ x", "gamma", {}),
        ("ez ~ x + (1 | g)", "gamma", {}),
        ("e ~ x", "inverse_gaussian", {}),
        ("e ~ x", "tweedie", {}),
        ("p ~ x", "beta", {}),
        ("pz ~ x + (1 | g)", "beta", {}),
    ],
)
def test_responses_that_the_model_reproduces(formula, family, arguments):
    y = 2.0 + 3.0 * DATA["x"]
    z = y + LEVEL
    data = DATA.assign(y=y, z=z, e=np.exp(y), ez=np.exp(z), p=expit(y), pz=expit(z))
    fit = perfect(formula=formula, data=data, family=family, **arguments)
    assert not fit.converged
    assert fit.params["x"] == pytest.approx(3.0, abs=1e-4)
    assert fit.bse.isna().all()
    assert f"{N} of the {N} responses" in str(fit.warnings[0])


def test_random_terms_that_saturate():
    """Six fixed and eight random effects for twelve rows."""
    fit = perfect(formula="y ~ x * f + (x | g)", data=good(), weights="w")
    assert fit.optimization.evaluations < 1000


def test_rows_that_a_dispersion_formula_sets_apart():
    y = np.where(DATA["f"] == "a", 3.0 + 2.0 * DATA["x"], DATA["noise"])
    fit = perfect(formula="y ~ x * f", data=DATA.assign(y=y), dispersion="~ f")
    assert "in 8 of 24 rows" in str(fit.warnings[0])


@pytest.mark.parametrize("formula", ["y ~ 1", "y ~ x", "y ~ 1 + (1 | g)"])
def test_tied_responses_of_a_t_model(formula):
    """Two thirds of the rows tie: the tails leave room for the others, f falls without bound."""
    y = np.where(np.arange(N) % 3 < 2, 1.0, DATA["noise"])
    fit = perfect(formula=formula, data=DATA.assign(y=y), family="t")
    assert "StudentT(df=4)" in str(fit.warnings[0])
    fixed = gl.glmm("y ~ 1", DATA.assign(y=y), gl.families.StudentT(df=4))
    assert fixed.converged and np.isfinite(fixed.bse).all()


def test_diagnose_says_the_same():
    fit = perfect(formula="y ~ x", data=DATA.assign(y=2.0 + 3.0 * DATA["x"]))
    (sentence,) = fit.diagnose().sentences
    assert sentence.lower() == str(fit.warnings[0]).lower()


def test_a_small_but_real_residual_is_none_of_this():
    """Least squares gives the answer, however small the residual is beside the trend."""
    data = DATA.assign(y=2.0 + 3.0 * DATA["x"] + 1e-6 * DATA["noise"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit = gl.glmm("y ~ x", data)
    X = np.column_stack([np.ones(N), data["x"]])
    rss = np.linalg.lstsq(X, data["y"], rcond=None)[1][0]
    assert_allclose(fit.dispersion, rss / N, rtol=1e-6)


@pytest.mark.parametrize("wild", [1e4, 1e9])
def test_one_wild_response_is_what_a_t_model_is_for(wild):
    """No perfect fit beside it, and coefficients that it hardly moves."""
    rng = np.random.default_rng(4)
    data = pd.DataFrame({"x": rng.normal(size=60), "g": np.tile(list("abcdef"), 10)})
    y = 1.0 + 2.0 * data["x"] + rng.normal(size=60)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        warnings.simplefilter("ignore", gl.GlmmlabWarning)
        fit = gl.glmm("y ~ x + (1 | g)", data.assign(y=y.where(data.index != 3, wild)), "t")
        without = gl.glmm("y ~ x + (1 | g)", data.assign(y=y).drop(index=3), "t")
    assert not any(isinstance(w, gl.PerfectFitWarning) for w in fit.warnings)
    assert_allclose(fit.params, without.params, atol=3.0 * without.bse.max())
