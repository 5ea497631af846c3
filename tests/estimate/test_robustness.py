"""A seeded tenth of the robustness study: default fits reach what random starts reach."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from scipy import special, stats

import glmmlab as gl

ROOT = Path(__file__).resolve().parents[2]
SPEC = importlib.util.spec_from_file_location(
    "robustness", ROOT / "benchmarks" / "studies" / "robustness.py"
)
robustness = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(robustness)


@pytest.mark.parametrize("kind", list(robustness.FAMILIES))
def test_default_fits_reach_the_best_optimum(kind):
    rows = [robustness.one(kind, number, starts=1) for number in range(20)]
    fitted = [row for row in rows if "llf" in row]
    assert len(fitted) >= 18
    for row in fitted:
        assert row["shortfall"] <= 1e-4 and "ConvergenceWarning" not in row["warnings"], row


@pytest.mark.parametrize(
    ("kind", "number", "cause"),
    [
        ("t", 75, "one of two nested variances is zero in the lower valley"),
        ("nbinom1", 182, "random effects explain what the dispersion explains elsewhere"),
        ("nbinom1", 198, "the model without random effects fits better"),
        ("nbinom2", 36, "the dispersion at its Poisson limit"),
    ],
)
def test_f_with_two_valleys(kind, number, cause):
    """Sets on which the first descent ends in the higher of two minima."""
    row = robustness.one(kind, number)
    assert row["shortfall"] <= 1e-4, cause


def test_a_spread_that_laplace_cannot_be_trusted_with_is_diagnosed():
    """Set 182: quadrature finds a standard deviation of 1.56 where Laplace has its peak at 7.2."""
    rng = np.random.default_rng([robustness.SEED, list(robustness.FAMILIES).index("nbinom1"), 182])
    formula, data = robustness.draw("nbinom1", rng)
    fit = gl.glmm(formula, data, "nbinom1")
    assert any("levels of g" in s and "quadrature" in s for s in fit.diagnose().sentences)
    better = gl.glmm(formula, data, "nbinom1", quadrature=25)
    assert not any("levels of g" in s for s in better.diagnose().sentences)
    assert better.random_covariance["g"].iloc[0, 0] < 9.0


FEW_ROWS = [1, 0, 0, 1, 8, 1, 2, 1, 6, 2, 7, 4, 5, 1, 9, 3, 0, 0, 0, 8, 1]
"""Counts on the 21 plates of the seeds, one row a group: drawn from a zero-inflated model."""


def test_where_the_laplace_approximation_breaks_down_the_search_stops_and_says_so():
    """Zeros of a mixture curve upwards: the curvature at a mode can vanish, f with it fall."""
    data = gl.datasets.load("seed_germination").assign(y=FEW_ROWS)
    formula = "y ~ extract + gen + (1 | plate)"
    with pytest.warns(gl.ConvergenceWarning) as caught:
        fit = gl.glmm(formula, data, "poisson", zero_inflation="~ 1")
    assert any("quadrature=9" in str(warning.message) for warning in caught)
    assert not fit.converged
    assert fit.llf < -44.0  # it had fallen to 34 below zero, and went on


def test_quadrature_finds_the_maximum_where_laplace_breaks_down():
    """Against the likelihood integrated directly, by 80 nodes that do not adapt."""
    data = gl.datasets.load("seed_germination").assign(y=FEW_ROWS)
    formula = "y ~ extract + gen + (1 | plate)"
    fit = gl.glmm(formula, data, "poisson", zero_inflation="~ 1", quadrature=25)
    z, weights = np.polynomial.hermite_e.hermegauss(80)
    sd = float(np.sqrt(fit.random_covariance["plate"].iloc[0, 0]))
    inflated = special.expit(fit.params_zero_inflation.iloc[0])
    y = data["y"].to_numpy()[:, None]
    X = np.column_stack([np.ones(21), data["extract"].cat.codes, data["gen"].cat.codes])
    mu = np.exp((X @ fit.params.to_numpy())[:, None] + sd * z)
    density = (1 - inflated) * stats.poisson.pmf(y, mu) + inflated * (y == 0)
    exact = np.log(density @ (weights / weights.sum())).sum()
    assert fit.converged
    assert fit.llf == pytest.approx(exact, abs=1e-6)
