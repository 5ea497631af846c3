"""Check values of the residuals' specification (computed in R from the formulas)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import glmmlab.residuals as residuals
from glmmlab.residuals.outliers import binomial_outlier_test
from glmmlab.residuals.spatial import matrix_blocks, spatial_test
from glmmlab.residuals.temporal import durbin_watson, temporal_test
from glmmlab.residuals.uniformity import uniformity_test

PIT = [0.65, 0.35, 0, 0.30, 0.60, 1, 0.75, 0.45, 0, 0.15, 0.50, 0.85]
TRADITIONAL = [
    *(0.6550877993, 0.3484253417, 0, 0.2938863882, 0.5984665082, 1),
    *(0.7563184184, 0.4474029192, 0, 0.1488314743, 0.5007943788, 0.8131562119),
]


def test_pit(golden):
    np.testing.assert_allclose(golden.scaled, PIT, atol=1e-12)


def test_traditional(sine):
    res = residuals.from_simulations(*sine, integer=False, method="traditional")
    np.testing.assert_allclose(res.scaled, TRADITIONAL, atol=1e-10)


def test_uniformity(golden):
    test = golden.test_uniformity()
    assert test.statistic == pytest.approx(0.1666666667, abs=1e-10)
    assert test.p == pytest.approx(0.8927783373, abs=1e-9)
    assert test.reference == "asymptotic"  # the tie at 0 forces it, as in R


@pytest.mark.parametrize(
    ("alternative", "p"), [("two-sided", 0.10), ("greater", 0.05), ("less", 0.95)]
)
def test_dispersion(golden, alternative, p):
    test = golden.test_dispersion(alternative)
    assert test.statistic == pytest.approx(1.201588341, abs=1e-9)
    assert test.p == pytest.approx(p, abs=1e-12)


def test_binomial_outliers(golden):
    test = golden.test_outliers(type="binomial")
    assert (test.statistic, test.nobs) == (3, 12)
    assert test.expected == pytest.approx(0.09523809524, abs=1e-10)
    assert test.p == pytest.approx(0.09898885, abs=1e-8)
    np.testing.assert_allclose(test.interval, (0.0548606, 0.5718586), atol=1e-7)


def test_zero_inflation_without_zeros(golden):
    assert golden.test_zero_inflation().p == 1


def test_recalculate(golden):
    groups = golden.recalculate(np.repeat(np.arange(4), 3))
    np.testing.assert_allclose(groups.scaled, [0.15, 0.75, 0.35, 0.60], atol=1e-12)
    assert groups.nobs == 4  # R keeps 12 here, which its outlier test then uses
    assert groups.test_outliers().nobs == 4


def test_categorical(golden):
    test = golden.test_categorical(np.tile(["a", "b"], 6))
    # R stops Kolmogorov's series at 1e-6
    np.testing.assert_allclose(test.frame["p"], [0.5175508430, 0.8885210494], atol=1e-6)
    np.testing.assert_allclose(test.frame["p_adjusted"], [1, 1])
    assert test.levene_statistic == pytest.approx(0, abs=1e-12)
    assert test.levene_p == pytest.approx(1)


def test_exact_and_asymptotic_kolmogorov():
    r = np.array([0.05, 0.2, 0.33, 0.5, 0.61, 0.9])
    assert uniformity_test(r).p == pytest.approx(0.8678, abs=5e-5)
    assert uniformity_test(r).reference == "exact"
    assert uniformity_test(np.tile(r, 30)).p == pytest.approx(3.183e-08, rel=5e-4)


def test_binomial_p_of_four_outliers_among_200():
    r = np.r_[np.zeros(2), np.ones(2), np.full(196, 0.4)]
    assert binomial_outlier_test(r, 250).p == pytest.approx(0.07716487891, abs=1e-10)


def test_moran():
    xy = np.array([(0, 0), (1, 0), (2, 1), (0, 2), (1, 2)], dtype=float)
    distances = np.hypot(*(xy[:, None] - xy[None]).T)
    test = spatial_test(np.array([0.1, 0.5, 0.9, 0.3, 0.7]), matrix_blocks(distances))
    assert test.statistic == pytest.approx(-0.1807166, abs=1e-7)
    assert test.expected == pytest.approx(-0.25)
    assert test.sd == pytest.approx(0.1175823, abs=1e-7)
    assert test.p == pytest.approx(0.5557051, abs=1e-7)


def test_durbin_watson_normal_variance():
    # n = 150: variance 0.02631228 (the intercept-only formula, verified in the specification)
    r = np.random.default_rng(1).random(150)
    test = temporal_test(r, np.arange(150.0), "greater")
    from scipy.stats import norm

    expected = norm.cdf((durbin_watson(r) - 2) / np.sqrt(0.02631228))
    assert test.p == pytest.approx(expected, abs=1e-7)


def test_groups_follow_the_order_of_levels(golden):
    names = pd.Categorical(np.repeat(list("dcba"), 3), categories=list("dcba"))
    groups = golden.recalculate(names)
    np.testing.assert_allclose(groups.scaled, [0.15, 0.75, 0.35, 0.60], atol=1e-12)
    assert groups.data is not None and list(groups.data["predictor"]) == list("dcba")
