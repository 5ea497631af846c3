"""Conditional modes, shrinkage and variance shares against R and against the papers' equations."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.special import polygamma

import glmmlab as gl
from conftest import reference
from r_models import fit


def test_standard_deviations_as_glmmtmb_and_lme4():
    """Variances of subject 308 in sleepstudy (REML): glmmTMB 1.1.5 and lme4 1.1-31."""
    f = fit("sleep_corr_reml")
    joint = f.random_effects_table().head(2)
    assert_allclose(joint["sd"] ** 2, [192.1987, 7.744241], rtol=2e-6)
    conditional = f.random_effects_table(uncertainty="conditional").head(2)
    assert_allclose(conditional["sd"] ** 2, [145.7056, 5.312283], rtol=1e-5)
    assert list(joint["effect"]) == ["Intercept", "Days"]


def test_one_way_layout_in_closed_form():
    """b | y has variance (1 / sd^2 + n / sigma^2)^-1 with the parameters known."""
    f = fit("dyestuff_ml")
    sd2 = f.random_covariance["Batch"].iloc[0, 0]
    table = f.random_effects_table(level=0.9, uncertainty="conditional")
    assert_allclose(table["sd"] ** 2, 1 / (1 / sd2 + 5 / f.dispersion), rtol=1e-9)
    assert_allclose(table["upper"] - table["mode"], 1.6448536269514722 * table["sd"])
    assert_allclose(table["mode"], f.random_effects["Batch"]["Intercept"])


@pytest.mark.parametrize("case", ["penicillin_ml", "pastes_nested_reml", "sal_nbinom2"])
def test_joint_uncertainty_is_the_larger_one(case):
    f = fit(case)
    joint, known = (f.random_effects_table(uncertainty=u) for u in ("joint", "conditional"))
    assert (joint["sd"] >= known["sd"] * (1 - 1e-9)).all()
    assert len(joint) == sum(len(t.levels) * len(t.names) for t in f.estimate.design.random)
    assert list(dict.fromkeys(joint["group"])) == list(f.random_effects)


def test_a_zero_variance_has_modes_at_zero_without_spread():
    table = fit("dyestuff2_ml").random_effects_table()
    assert (table[["mode", "sd"]] == 0).all(axis=None)


def test_shrinkage_of_a_balanced_layout():
    """Conditional means are drawn by the factor sd^2 / (sd^2 + sigma^2 / n)."""
    from glmmlab.inference.random_effects import shrinkage

    f = fit("dyestuff_ml")
    sd2 = f.random_covariance["Batch"].iloc[0, 0]
    frame = shrinkage(f.estimate)
    factor = sd2 / (sd2 + f.dispersion / 5)
    drawn = frame["population"] + factor * (frame["observed"] - frame["population"])
    assert_allclose(frame["conditional"], drawn, rtol=1e-10)
    data = f.estimate.design.data
    assert_allclose(frame["observed"], data.groupby("Batch", observed=True)["Yield"].mean())


def test_shrinkage_of_proportions_weighs_the_trials():
    from glmmlab.inference.random_effects import shrinkage

    data = fit("cbpp_binom").estimate.design.data
    sums = data.groupby("herd", observed=True)[["incidence", "size"]].sum()
    frame = shrinkage(fit("cbpp_binom").estimate, "herd")
    assert_allclose(frame["observed"], sums["incidence"] / sums["size"])


def test_figures_and_names():
    f = fit("sleep_corr_reml")
    panels = f.plot_random_effects()
    assert [ax.get_xlabel() for ax in panels] == [
        "Intercept (scale of Reaction)",
        "Days (scale of Reaction)",
    ]
    log = fit("cbpp_binom").plot_random_effects()
    assert log.get_xlabel() == "Intercept (link scale)"
    lowest = f.random_effects["Subject"]["Intercept"].idxmin()
    assert panels[0].get_yticklabels()[0].get_text() == lowest
    assert f.plot_random_effects(effect="Days").get_ylabel() == "Subject"
    assert f.plot_shrinkage().get_ylabel() == "Subject"
    with pytest.raises(gl.errors.UnknownNameError, match="Subject"):
        f.plot_random_effects("plate")
    with pytest.raises(gl.errors.UnknownNameError, match="no effect 'Hours'"):
        f.plot_random_effects(effect="Hours")
    with pytest.raises(gl.errors.UnknownNameError, match="no random effects"):
        fit("seeds_binom").plot_shrinkage()
    with pytest.raises(gl.errors.UnknownNameError, match="'joint'"):
        f.random_effects_table(uncertainty="posterior")
    with pytest.raises(gl.errors.UnknownNameError, match=r"table\['group'\] == 'Subject'"):
        f.random_effects_table("Subject")
    with pytest.raises(gl.errors.UnknownColumnError, match=r"fit.plot_random_effects\('Subject'\)"):
        f.emmeans("Subject")


# ------------------------------------------------------------------ variance decomposition


def of_r(case: str) -> tuple[float, float]:
    """Variance of X beta and of the (one) random intercept from R's numbers."""
    r = reference(case)
    f = fit(case)
    X = f.estimate.design.conditional.X
    beta = np.array([*r["fixef"].values()])
    return float(np.var(X @ beta, ddof=1)), float(r["varcorr"][0]["var"][0])


def test_linear_mixed_model():
    """sleepstudy: R2 0.279 and 0.799, ICC 0.722 (the values that R's packages print)."""
    shares = fit("sleep_corr_reml").variance_decomposition()
    assert shares.r2_marginal == pytest.approx(0.279, abs=5e-4)
    assert shares.r2_conditional == pytest.approx(0.799, abs=5e-4)
    assert shares.icc == pytest.approx(0.722, abs=5e-4)
    assert shares.frame["variance"]["observation"] == pytest.approx(654.94, rel=1e-4)


def test_icc_of_a_one_way_layout():
    f = fit("dyestuff_ml")
    sd2 = f.random_covariance["Batch"].iloc[0, 0]
    assert f.variance_decomposition().icc == pytest.approx(sd2 / (sd2 + f.dispersion))
    assert f.variance_decomposition().r2_marginal == 0.0


@pytest.mark.parametrize(
    ("case", "latent"), [("cbpp_binom", np.pi**2 / 3), ("seeds_probit_plate", 1)]
)
def test_binomial_by_the_latent_variance(case, latent):
    fixed, random = of_r(case)
    shares = fit(case).variance_decomposition()
    total = fixed + random + latent
    assert shares.r2_marginal == pytest.approx(fixed / total, rel=1e-4)
    assert shares.r2_conditional == pytest.approx((fixed + random) / total, rel=1e-4)
    assert shares.icc == pytest.approx(random / (random + latent), rel=1e-4)


@pytest.mark.parametrize("case", ["sal_poisson", "sal_nbinom2", "sal_nbinom1"])
def test_log_link_counts_by_the_three_approximations(case):
    """Table 1 of Nakagawa, Johnson and Schielzeth 2017, lambda the mean of the counts."""
    f = fit(case)
    lam = f.predict(random_effects="marginal").mean()
    phi = f.dispersion
    c = {
        "sal_poisson": 1 / lam,
        "sal_nbinom2": 1 / lam + 1 / phi,
        "sal_nbinom1": (1 + phi) / lam,
    }[case]
    expected = {"lognormal": np.log1p(c), "trigamma": polygamma(1, 1 / c), "delta": c}
    fixed, random = of_r(case)
    for method, variance in expected.items():
        shares = f.variance_decomposition(method)
        assert shares.frame["variance"]["observation"] == pytest.approx(variance, rel=1e-6)
        assert shares.r2_marginal == pytest.approx(fixed / (fixed + random + variance), rel=1e-3)
    assert f.variance_decomposition().method == "lognormal"


def test_gamma_and_beta():
    gamma = fit("fung_gamma_pct")
    observed = gamma.variance_decomposition("trigamma").frame["variance"]["observation"]
    assert observed == pytest.approx(float(polygamma(1, 1 / gamma.dispersion)), rel=1e-9)
    beta = fit("fung_beta")
    mu = beta.predict(random_effects="marginal").mean()
    observed = beta.variance_decomposition().frame["variance"]["observation"]
    assert observed == pytest.approx(1 / (mu * (1 - mu) * (1 + beta.dispersion)), rel=1e-9)
    assert (beta.variance_decomposition().icc, beta.is_singular) == (0.0, True)


def test_an_effect_a_row_belongs_to_the_observation():
    data = fit("sal_poisson").estimate.design.data
    data = data.assign(row=[f"r{i}" for i in range(len(data))])
    f = gl.glmm("count ~ mined + (1 | site) + (1 | row)", data=data, family="poisson")
    shares = f.variance_decomposition()
    assert list(shares.frame.index) == ["fixed", "(1 | site)", "observation"]
    assert "one level a row" in str(shares)
    assert f.random_covariance["row"].iloc[0, 0] < shares.frame["variance"]["observation"]


def test_what_a_family_does_not_have():
    with pytest.raises(gl.errors.UnknownNameError, match="lognormal, trigamma, delta"):
        fit("sal_poisson").variance_decomposition("theoretical")
    assert "Zero inflation is left out" in str(fit("sal_zip").variance_decomposition())
    assert pd.isna(fit("sal_zip").variance_decomposition().frame).sum().sum() == 0
