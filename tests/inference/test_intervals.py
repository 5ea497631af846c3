"""Wald intervals against R's estimates and standard errors on their internal (log) scales."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import glmmlab as gl
from conftest import reference, reference_cases
from r_models import fit, series

Z = 1.959963984540054  # qnorm(0.975)
INTERCEPT_ONLY = ["cbpp_binom", "sal_poisson", "sal_nbinom2", "sleep_int_ml", "seeds_binom_plate"]


@pytest.mark.parametrize("case", reference_cases())
def test_coefficients(case):
    r = reference(case)
    estimate, se = series(case, r["fixef"]), series(case, r.get("se_exact") or r["se"])
    ours = fit(case).conf_int().loc[estimate.index]
    assert list(ours.columns) == ["lower", "upper"]
    assert (abs(ours["lower"] - (estimate - Z * se)) < 3e-4 * se).all()
    assert (abs(ours["upper"] - (estimate + Z * se)) < 3e-4 * se).all()


@pytest.mark.parametrize("case", INTERCEPT_ONLY)
def test_a_standard_deviation_alone_in_its_term(case):
    """exp(log sd -+ z se), theta and its standard error from R."""
    r = reference(case)
    log_sd, se = internal(r, "theta")
    row = fit(case).conf_int(parameters="variance").iloc[0]
    assert row["estimate"] == pytest.approx(np.exp(log_sd[0]), rel=2e-5)
    assert row["lower"] == pytest.approx(np.exp(log_sd[0] - Z * se[0]), rel=5e-4)
    assert row["upper"] == pytest.approx(np.exp(log_sd[0] + Z * se[0]), rel=5e-4)


def internal(r: dict, name: str) -> tuple[np.ndarray, np.ndarray]:
    names = np.array(r["par_se_exact"]["names"])
    values, se = np.array(r["theta_internal"]["values"]), np.array(r["par_se_exact"]["se"])
    return values[names == name], se[names == name]


def test_correlated_slopes():
    """R has log sd twice and t with rho = t / sqrt(1 + t^2): d atanh(rho) = dt / sqrt(1 + t^2)."""
    theta, se = internal(reference("sleep_corr_ml"), "theta")
    ours = fit("sleep_corr_ml").conf_int(parameters="variance")
    assert list(ours.index) == [
        "sd(Intercept | Subject)",
        "sd(Days | Subject)",
        "cor(Intercept, Days | Subject)",
        "dispersion",
    ]
    for i in (0, 1):
        limits = np.exp([theta[i], theta[i] - Z * se[i], theta[i] + Z * se[i]])
        assert_allclose(ours.iloc[i], limits, rtol=5e-4)
    t = theta[2]
    half = Z * se[2] / np.sqrt(1 + t * t)
    limits = np.tanh(np.arcsinh(t) + np.array([0.0, -half, half]))
    assert_allclose(ours.iloc[2], limits, atol=2e-4)


def test_uncorrelated_slopes_have_no_correlation():
    index = fit("sleep_uncorr_ml").conf_int(parameters="variance").index
    assert not [name for name in index if name.startswith("cor(")]


def test_dispersion():
    """Beta: exp(log phi -+ z se) with R's betad."""
    value, se = internal(reference("fung_beta_noRE"), "betad")
    row = fit("fung_beta_noRE").conf_int(parameters="variance").loc["dispersion"]
    assert_allclose(row, np.exp(value[0] + np.array([0, -Z, Z]) * se[0]), rtol=2e-4)


def test_a_variance_on_the_boundary_has_no_limits():
    row = fit("fung_beta").conf_int(parameters="variance").loc["sd(Intercept | block)"]
    assert row["estimate"] == 0.0
    assert np.isnan(row["lower"]) and np.isnan(row["upper"])


def test_auxiliary_parts_and_levels():
    m = fit("sal_nbinom2_dispDOY")
    narrow, wide = (m.conf_int(level, parameters="dispersion") for level in (0.5, 0.99))
    assert list(wide.index) == ["Intercept", "DOY"]
    assert (wide["lower"] < narrow["lower"]).all() and (narrow["upper"] < wide["upper"]).all()
    assert fit("fung_beta").conf_int(parameters="zero_inflation").empty
    with pytest.raises(gl.UnknownNameError):
        m.conf_int(parameters="everything")
    with pytest.raises(gl.UnknownNameError):
        m.conf_int(level=1.0)
