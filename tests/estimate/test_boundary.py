"""Parts that run to the end of their range are named; well determined extremes are not."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import glmmlab as gl
from conftest import reference_cases
from r_models import call


def boundary_warnings(**arguments) -> list[str]:
    """The messages, each of which must also stand in ``fit.warnings``."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit = gl.glmm(**arguments)
    said = [str(w.message) for w in caught if w.category is gl.BoundaryWarning]
    assert said == [str(w) for w in fit.warnings if isinstance(w, gl.BoundaryWarning)]
    return said


@pytest.fixture(scope="module")
def counts() -> pd.DataFrame:
    """Exactly Poisson-like and less: every mean's spread stays below its Poisson variance."""
    y = np.array([3, 5, 4, 6, 2, 7, 5, 4, 0, 1, 0, 2, 1, 0, 1, 1])
    return pd.DataFrame({"y": y, "group": np.repeat(["a", "b"], 8), "n": 10})


@pytest.mark.parametrize("case", reference_cases())
def test_only_the_fit_without_zero_inflation_is_at_its_boundary(case):
    """R's own zero-inflation intercept of that case is beyond -21: a probability of 1e-9."""
    said = boundary_warnings(**call(case))
    assert len(said) == (case == "sal_zinb2_const")


@pytest.mark.parametrize(
    ("family", "response", "word"),
    [
        ("nbinom1", "y", "the poisson family"),
        ("nbinom2", "y", "the poisson family"),
        ("betabinomial", "cbind(y, n - y)", "the binomial family"),
    ],
)
def test_a_dispersion_at_its_limit(counts, family, response, word):
    (said,) = boundary_warnings(formula=f"{response} ~ group", data=counts, family=family)
    assert word in said


def test_at_the_limit_the_estimates_are_those_of_the_simpler_family(counts):
    with pytest.warns(gl.BoundaryWarning):
        fit = gl.glmm("y ~ group", data=counts, family="nbinom2")
    simple = gl.glmm("y ~ group", data=counts, family="poisson")
    assert_allclose(fit.params, simple.params, atol=1e-5)
    assert_allclose(fit.bse, simple.bse, rtol=1e-4)
    assert fit.converged


def test_zero_inflation_of_some_rows(counts):
    """Group a has no zeros at all; group b has about as many as its mean explains, or more."""
    data = counts.assign(y=np.where(np.arange(16) % 8 < 5, counts["y"], 0))
    data.loc[data["group"] == "a", "y"] = counts["y"]
    (said,) = boundary_warnings(
        formula="y ~ group", data=data, family="poisson", zero_inflation="~ group"
    )
    assert "in 8 of 16 rows" in said


def test_an_extreme_that_the_data_determine_is_no_boundary():
    """A beta response with tiny spread has a huge phi, and a probability may be small."""
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"y": rng.beta(0.3e6, 0.7e6, 40), "x": np.arange(40.0)})
    assert not boundary_warnings(formula="y ~ x", data=data, family="beta")


def test_diagnose_says_the_same(counts):
    with pytest.warns(gl.BoundaryWarning) as caught:
        fit = gl.glmm("y ~ group", data=counts, family="nbinom2")
    (sentence,) = fit.diagnose().sentences
    assert sentence.lower() == str(caught[0].message).lower()


def test_the_direction_of_a_precision_is_said():
    disease = gl.datasets.load("disease_severity")
    text = str(gl.glmm("severity ~ fungicide", data=disease, family="beta").summary())
    assert "beta family: 24.4 (larger phi = less spread)" in text
    counts = str(gl.glmm("dead ~ 1", data={"dead": [1, 4, 0, 9, 2]}, family="nbinom2").summary())
    assert "spread" not in counts


@pytest.mark.parametrize("family", ["nbinom1", "nbinom2"])
def test_counts_no_wider_than_poisson_keep_their_standard_errors(family):
    """A dispersion at its limit is left out of the Hessian: the rest is the Poisson fit."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=80)
    data = pd.DataFrame({"y": np.floor(np.exp(1.5 + 0.3 * x)), "x": x})
    with pytest.warns(gl.errors.BoundaryWarning):
        fit = gl.glmm("y ~ x", data, family)
    poisson = gl.glmm("y ~ x", data, "poisson")
    assert fit.converged
    assert_allclose(fit.params, poisson.params, rtol=1e-7)
    assert_allclose(fit.bse, poisson.bse, rtol=1e-7)


def test_zero_inflation_with_a_predictor_that_nothing_needs():
    """Its coefficients have no standard errors; the counts keep theirs, those of Poisson."""
    rng = np.random.default_rng(9)
    data = pd.DataFrame({"x": rng.normal(size=80), "y": rng.poisson(4, 80) + 1})
    with pytest.warns(gl.BoundaryWarning):
        fit = gl.glmm("y ~ x", data, "poisson", zero_inflation="~ x")
    plain = gl.glmm("y ~ x", data, "poisson")
    assert fit.converged
    assert_allclose(fit.bse, plain.bse, rtol=1e-5)
