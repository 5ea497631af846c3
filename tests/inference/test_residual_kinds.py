"""Residuals against R's residuals(); our Pearson residuals carry the dispersion throughout."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import glmmlab as gl
from conftest import reference, reference_cases
from r_models import call, fit

CASES = reference_cases()
SAME = ("poisson", "binomial", "nbinom1", "nbinom2")


@pytest.mark.parametrize("case", CASES)
def test_response_residuals(case):
    r, m = reference(case), fit(case)
    scale = np.abs(m.fittedvalues).max()
    ours = m.residuals().to_numpy()[:10]
    assert_allclose(ours, r["response_residual_first10"], atol=2e-5 * scale)


def test_rows_of_no_trials_have_no_residual():
    """0 / 0 successes are no proportion: missing, without a word from numpy."""
    data = call("cbpp_binom")["data"].copy()
    data["incidence"] = data["incidence"].astype(int)
    data.loc[data.index[3], ["incidence", "size"]] = 0
    m = gl.glmm("cbind(incidence, size - incidence) ~ period + (1 | herd)", data, "binomial")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for kind in ("response", "pearson", "deviance"):
            missing = m.residuals(kind).isna().to_numpy()
            assert missing[3] and missing.sum() == 1


def factor(case: str) -> np.ndarray | float:
    """Our Pearson residuals over those of glmmTMB 1.1.5, which leaves some families unscaled.

    Its variance functions: gaussian 1, Gamma mu^2, beta mu(1 - mu),
    t its squared scale's root, beta-binomial mu(1 - mu) / n.
    """
    r, m = reference(case), fit(case)
    phi = m.dispersion
    if r["family"] in ("gaussian", "Gamma"):
        return 1 / np.sqrt(phi)
    if r["family"] == "beta":
        return np.sqrt(1 + phi)
    if r["family"] == "betabinomial":
        n = m.estimate.design.trials[:10]
        return np.sqrt((1 + phi) / (n + phi))
    return 1.0


@pytest.mark.parametrize("case", [c for c in CASES if reference(c)["family"] != "t"])
def test_pearson_residuals(case):
    expected = np.array(reference(case)["pearson_first10"], dtype=float)
    ours = fit(case).residuals("pearson").to_numpy()[:10]
    assert_allclose(ours, expected * factor(case), rtol=5e-4, atol=5e-5)


def test_pearson_residuals_of_student_t_have_its_variance():
    """Var(y) = scale^2 nu / (nu - 2)."""
    r, m = reference("sleep_student_t"), fit("sleep_student_t")
    nu = r["family_params"]["Student-t df"]
    expected = m.residuals() / (r["sigma"] * np.sqrt(nu / (nu - 2)))
    assert_allclose(m.residuals("pearson"), expected, rtol=1e-3)


@pytest.mark.parametrize(
    "case", ["fung_beta_noRE", "fung_gamma_pct", "fung_gauss_lm", "sal_nbinom2"]
)
def test_mean_squares_are_about_one(case):
    """What the scaling is for: a right model has Pearson residuals of variance 1."""
    m = fit(case)
    draws = m.simulate(400, seed=1, random_effects="conditional")
    variance = ((draws - m.fittedvalues.to_numpy()) ** 2).mean(axis=0)
    ours = (m.residuals() / m.residuals("pearson")) ** 2
    assert np.nanmedian(variance / ours) == pytest.approx(1, abs=0.1)


def test_deviance_residuals_sum_to_the_deviance():
    """Deviance of stats::glm for the seeds."""
    values = fit("seeds_binom").residuals("deviance")
    deviance = reference("seeds_binom")["glm"]["deviance"]
    assert (values**2).sum() == pytest.approx(deviance, rel=1e-8)
    assert (np.sign(values) == np.sign(fit("seeds_binom").residuals())).all()


@pytest.mark.parametrize("case", ["sal_poisson", "fung_gauss_lm", "fung_gamma_pct"])
def test_deviance_residuals_have_the_sign_of_the_response_residual(case):
    m = fit(case)
    values = m.residuals("deviance")
    assert np.isfinite(values).all()
    assert (np.sign(values) == np.sign(m.residuals())).all()


def test_unknown_and_undefined_kinds():
    with pytest.raises(gl.UnknownNameError, match="pearson"):
        fit("fung_beta").residuals("studentized")
    with pytest.raises(gl.EstimabilityError, match="simulate_residuals"):
        fit("sal_zip").residuals("deviance")


def test_a_distribution_without_variance_has_no_pearson_residuals():
    """Student t with 2 degrees of freedom or fewer: a Cauchy sample, fitted."""
    y = np.random.default_rng(2).standard_cauchy(200)
    data = pd.DataFrame({"y": y, "g": np.repeat(range(20), 10)})
    fit = gl.glmm("y ~ 1 + (1 | g)", data, "t")
    with pytest.raises(gl.EstimabilityError, match="no finite variance"):
        fit.residuals("pearson")
    res = fit.simulate_residuals(50, seed=1)
    assert res.pearson is None and res.test_dispersion().p > 0.01
    with pytest.raises(gl.DataError, match="No Pearson residuals"):
        res.test_dispersion(type="pearson")
    assert "account for" not in fit.report(checks=False).results
