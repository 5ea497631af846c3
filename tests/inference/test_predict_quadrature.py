"""Standard errors of predictions where the likelihood is integrated by adaptive quadrature."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import brentq
from scipy.special import expit

import glmmlab as gl


@pytest.fixture(scope="module")
def plates():
    seeds = gl.datasets.load("seed_germination")
    formula = "cbind(germ, n - germ) ~ extract * gen + (1 | plate)"
    return seeds, gl.glmm(formula, seeds, "binomial", quadrature=9)


def test_population_predictions_are_those_of_lme4(plates):
    """R 4.2.2, lme4 1.1-31: glmer(..., nAGQ = 9), X b and sqrt(diag(X V X'))."""
    seeds, fit = plates
    new = seeds[["extract", "gen"]].drop_duplicates().sort_values(["extract", "gen"])
    found = fit.predict(new, scale="link", random_effects="population", se=True)
    se = np.array([0.2223629368, 0.1665936104, 0.2110796413, 0.1687304394])
    means = [-0.45143372521, -0.54843304084, 0.07512908199, 0.78860343132]
    assert_allclose((found["estimate"] - means) / se, 0, atol=1e-4)
    assert_allclose(found["se"], se, rtol=1e-5)


def test_modes_given_the_parameters_are_those_of_lme4(plates):
    """R 4.2.2, lme4 1.1-31: ranef(condVar = TRUE), the first plate."""
    row = plates[1].random_effects_table(uncertainty="conditional").iloc[0]
    assert row["mode"] == pytest.approx(-0.16003866928, abs=2e-6)
    assert row["sd"] == pytest.approx(0.1941115172, rel=1e-5)


def test_conditional_predictions_follow_the_delta_method(plates):
    """The mode solved again at shifted parameters, against their covariance by quadrature."""
    seeds, fit = plates
    estimate = fit.estimate
    X, beta, theta = estimate.design.conditional.X, fit.params.to_numpy(), estimate.theta[0]
    germ, n = seeds["germ"].to_numpy(float), seeds["n"].to_numpy(float)

    def predictor(i: int, psi: np.ndarray) -> float:
        def slope(u: float) -> float:
            return psi[-1] * (germ[i] - n[i] * expit(X[i] @ psi[:-1] + psi[-1] * u)) - u

        return X[i] @ psi[:-1] + psi[-1] * brentq(slope, -9, 9, xtol=1e-14)

    psi, h = np.append(beta, theta), 1e-5
    expected = []
    for i in range(len(seeds)):
        moves = h * np.eye(len(psi))
        g = [(predictor(i, psi + m) - predictor(i, psi - m)) / (2 * h) for m in moves]
        p = expit(predictor(i, psi))
        inner = theta**2 / (1 + theta**2 * n[i] * p * (1 - p))
        expected.append(np.sqrt(inner + g @ estimate.cov_full @ g))
    assert_allclose(fit.predict(scale="link", se=True)["se"], expected, rtol=1e-6)
