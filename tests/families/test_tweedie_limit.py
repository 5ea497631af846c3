"""Tweedie with a power near 2: the gamma distribution is its limit, in every part."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import special, stats

import glmmlab as gl
from glmmlab.families.tweedie import _sum_in_steps, _sum_of_each

FAMILY = gl.families.get("tweedie")
PHI = 0.4


@pytest.mark.parametrize("tau", [13.0, 30.0, 500.0])
def test_moments_and_distribution_of_draws(tau):
    aux = (np.log(PHI), np.array(tau))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        y = FAMILY.simulate(np.random.default_rng(1), np.full(20_000, 3.0), aux)
        grid = np.array([0.2, 1.0, 3.0, 8.0])
        cdf = FAMILY.cdf(grid, 3.0, aux)
    assert_allclose(cdf, stats.gamma.cdf(grid, 1 / PHI, scale=3.0 * PHI), atol=2e-5)
    # the law of draws: Kolmogorov-Smirnov against scipy's gamma distribution
    assert stats.kstest(y, stats.gamma(1 / PHI, scale=3.0 * PHI).cdf).pvalue > 0.01


def test_sums_in_steps_are_the_sums_of_each():
    """Both are the same sum where the first is still affordable."""
    for number, shape in [(450.0, 0.01), (800.0, 0.5), (600.0, 1.0), (500.0, 7.0)]:
        centre = number * shape
        at = centre + np.sqrt(number * shape * (1 + shape)) * np.array([-3.0, -1.0, 0.0, 1.0, 4.0])
        both = [f(at, np.full(5, number), np.full(5, shape)) for f in (_sum_of_each, _sum_in_steps)]
        assert_allclose(both[1], both[0], rtol=1e-6, atol=1e-9)


def test_sums_of_each_by_definition():
    at, number, shape = np.array([2.5]), np.array([3.0]), np.array([0.7])
    terms = [stats.poisson.pmf(k, 3.0) * special.gammainc(0.7 * k, 2.5) for k in range(1, 80)]
    assert_allclose(_sum_of_each(at, number, shape), np.exp(-3.0) + sum(terms), rtol=1e-12)


@pytest.fixture(scope="module")
def heavier_than_gamma():
    """Inverse Gaussian responses: variance mu^3 / 2, a power that Tweedie cannot have."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=150)
    group = np.repeat(np.arange(10), 15).astype(str)
    return pd.DataFrame({"x": x, "g": group, "y": rng.wald(np.exp(0.5 + x), 2.0)})


@pytest.mark.filterwarnings("ignore::glmmlab.errors.SingularFitWarning")
def test_a_power_that_runs_to_two(heavier_than_gamma):
    with pytest.warns(gl.BoundaryWarning, match="the gamma family"):
        fit = gl.glmm("y ~ x + (1 | g)", heavier_than_gamma, "tweedie")
    gamma = gl.glmm("y ~ x + (1 | g)", heavier_than_gamma, "gamma")
    assert fit.converged
    assert fit.optimization.evaluations < 100
    assert fit.llf == pytest.approx(gamma.llf, abs=1e-3)
    assert_allclose(fit.params, gamma.params, atol=1e-4)
    assert_allclose(fit.bse, gamma.bse, rtol=1e-3)
    limits = [f.predict(interval="prediction", seed=1) for f in (fit, gamma)]
    # simulated quantiles of 10,000 draws from the same law
    assert_allclose(limits[0]["upper"], limits[1]["upper"], rtol=0.15)
    assert np.isfinite(limits[0]).all(axis=None)
    assert np.isfinite(fit.simulate(5, seed=2)).all()


def test_no_standard_errors_no_prediction_interval():
    data = pd.DataFrame({"x": np.arange(10.0), "y": 2.0 + 3.0 * np.arange(10.0)})
    with pytest.warns(gl.PerfectFitWarning):
        fit = gl.glmm("y ~ x", data)
    with pytest.raises(gl.InferenceError, match="diagnose"):
        fit.predict(interval="prediction", seed=1)
