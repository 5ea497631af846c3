"""Likelihood-ratio tables: R's log-likelihoods, the boundary, and what may not be compared."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2

import glmmlab as gl
from conftest import case_data, reference
from r_models import call, fit


def glmm(*args, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gl.GlmmlabWarning)
        return gl.glmm(*args, **kwargs)


def test_nested_fixed_effects_against_rs_likelihoods():
    small, large = reference("sal_nbinom2"), reference("sal_nbinom2_inter")
    table = fit("sal_nbinom2_inter").compare(fit("sal_nbinom2"))
    assert list(table.frame.index) == ["model 2", "model 1"]  # smallest first
    assert list(table.frame["npar"]) == [small["npar"], large["npar"]]
    row = table.frame.iloc[1]
    chisq = 2 * (large["logLik"] - small["logLik"])
    assert row["chisq"] == pytest.approx(chisq, abs=1e-5)
    assert row["df"] == large["npar"] - small["npar"] == 6
    assert row["p"] == pytest.approx(chi2.sf(chisq, 6), rel=1e-4)
    assert table.frame["aic"].tolist() == pytest.approx([small["AIC"], large["AIC"]], abs=1e-5)
    assert table.frame["bic"].tolist() == pytest.approx([small["BIC"], large["BIC"]], abs=1e-5)
    assert table.notes == ()


def test_one_variance_halves_the_p_value():
    """Self and Liang 1987: half a point mass at 0, half chi-square(1)."""
    data = case_data("cbpp_binom")
    without = glmm("cbind(incidence, size - incidence) ~ period", data, "binomial")
    plain = without.compare(fit("cbpp_binom"))
    assert "(1 | herd)" in plain.notes[0] and "boundary=True" in plain.notes[0]
    mixed = without.compare(fit("cbpp_binom"), boundary=True)
    p = mixed.frame["p"].iloc[1]
    assert p == pytest.approx(plain.frame["p"].iloc[1] / 2, rel=1e-12)
    assert p == pytest.approx(chi2.sf(mixed.frame["chisq"].iloc[1], 1) / 2, rel=1e-10)


def test_a_slope_that_joins_an_intercept():
    """Stram and Lee 1994: half chi-square(1), half chi-square(2)."""
    table = fit("sleep_int_ml").compare(fit("sleep_corr_ml"), boundary=True)
    row = table.frame.iloc[1]
    x = 2 * (reference("sleep_corr_ml")["logLik"] - reference("sleep_int_ml")["logLik"])
    assert row["df"] == 2
    assert row["p"] == pytest.approx((chi2.sf(x, 1) + chi2.sf(x, 2)) / 2, rel=1e-4)


def test_a_variance_estimated_as_zero_gives_p_one():
    table = fit("fung_beta_noRE").compare(fit("fung_beta"), boundary=True)
    assert table.frame["chisq"].iloc[1] == pytest.approx(0, abs=1e-8)
    assert 0.49 <= table.frame["p"].iloc[1] <= 1


def test_three_models_are_tested_in_a_chain():
    table = fit("sal_nbinom2").compare(fit("sal_poisson"), fit("sal_nbinom2_inter"))
    assert list(table.frame["npar"]) == sorted(table.frame["npar"])
    assert np.isnan(table.frame["chisq"].iloc[0])
    assert (table.frame["p"].iloc[1:] < 1e-2).any()
    assert "dispersion" in table.notes[0]  # Poisson is nbinom2 at its limit


def test_models_that_are_not_nested_get_no_test():
    data = case_data("sal_poisson")
    other = glmm("count ~ cover + DOY + (1 | site)", data, "poisson")
    table = fit("sal_poisson").compare(other)
    assert np.isnan(table.frame["p"]).all()
    assert "not nested" in table.notes[0]
    same_size = fit("sal_nbinom1").compare(fit("sal_nbinom2"))
    assert "equally many" in same_size.notes[0]


def test_parametrisation_does_not_matter_for_nesting():
    """Without an intercept the same column space."""
    data = case_data("sal_poisson")
    cells = glmm("count ~ 0 + mined:spp + (1 | site)", data, "nbinom2")
    table = fit("sal_nbinom2").compare(cells)
    assert table.frame["df"].iloc[1] == 6


def test_refused_different_rows():
    data = call("sal_poisson")["data"]
    part = glmm("count ~ mined + spp + (1 | site)", data.iloc[:-1], "poisson")
    with pytest.raises(gl.ComparisonError, match="different rows"):
        fit("sal_poisson").compare(part)


def test_refused_different_responses():
    data = call("fung_beta")["data"]
    logged = glmm("log(severity) ~ fungicide", data)
    plain = glmm("severity ~ fungicide", data)
    with pytest.raises(gl.ComparisonError, match="responses differ"):
        plain.compare(logged)
    with pytest.raises(gl.ComparisonError, match="responses differ"):
        fit("fung_beta").compare(fit("fung_gamma_pct"))


def test_refused_counts_against_continuous():
    data = call("sal_poisson")["data"]
    with pytest.raises(gl.ComparisonError, match="different kinds"):
        fit("sal_poisson").compare(glmm("count ~ mined + (1 | site)", data))


def test_refused_reml():
    with pytest.raises(gl.ComparisonError, match="method='ML'"):
        fit("sleep_int_reml").compare(fit("sleep_int_ml"))
    data = call("sleep_int_reml")["data"]
    other = glmm("Reaction ~ 1 + (1 | Subject)", data, method="REML")
    with pytest.raises(gl.ComparisonError, match="REML"):
        fit("sleep_int_reml").compare(other)
    assert fit("sleep_int_reml").compare(fit("sleep_corr_reml")).frame["df"].iloc[1] == 2


def test_refused_weights_and_single_fits():
    with pytest.raises(gl.ComparisonError, match="two fits"):
        fit("sal_poisson").compare()
    data = call("sal_poisson")["data"].assign(w=2.0)
    weighted = glmm("count ~ mined + spp + (1 | site)", data, "poisson", weights="w")
    with pytest.raises(gl.ComparisonError, match="weights"):
        fit("sal_poisson").compare(weighted)


def test_the_table_shows_its_frame():
    table = fit("sal_poisson").compare(fit("sal_nbinom2"))
    aic = f"{reference('sal_nbinom2')['AIC']:.2f}"
    for text in (str(table), table._repr_html_()):
        for word in ("model 1", "model 2", "Chisq", "nbinom2 (log)", aic):
            assert word in text


def test_reml_likelihoods_of_another_coding():
    """Mathematics: log|X'V^-1 X| / 2 in the restricted likelihood moves with the units of X."""
    data = call("sleep_int_reml")["data"]
    own = glmm("Reaction ~ Days + (1 | Subject)", data, method="REML")
    hours = glmm("Reaction ~ I(Days * 24) + (Days | Subject)", data, method="REML")
    with pytest.raises(gl.ComparisonError, match="other units or another coding"):
        own.compare(hours)
    with pytest.raises(gl.ComparisonError, match="other units or another coding"):
        own.compare(hours, bootstrap=5, seed=1)


def slopes():
    data = pd.DataFrame({"f": list("abc") * 40, "g": np.repeat(range(10), 12)})
    rng = np.random.default_rng(2)
    own = rng.normal(size=10)[data["g"]]
    return data.assign(y=own + rng.normal(size=120))


def test_an_intercept_is_no_uncorrelated_effect_of_the_levels():
    """The intercept is the sum of the three indicators, whose effects then correlate fully."""
    data = slopes()
    table = glmm("y ~ 1 + (1 | g)", data).compare(glmm("y ~ 1 + (0 + f || g)", data))
    assert np.isnan(table.frame["p"]).all() and "not nested" in table.notes[0]
    table = glmm("y ~ 1 + (1 | g)", data).compare(glmm("y ~ 1 + (0 + f | g)", data))
    assert table.frame["df"].iloc[1] == 5
    table = glmm("y ~ 1 + (1 | g)", data).compare(glmm("y ~ 1 + (1 + f || g)", data))
    assert table.frame["df"].iloc[1] == 2


def test_a_bootstrap_of_models_that_are_not_nested_is_refused():
    data = slopes().assign(x=np.linspace(0, 1, 120))
    with pytest.raises(gl.ComparisonError, match=r"not nested .* AIC and BIC"):
        glmm("y ~ x", data).compare(glmm("y ~ f", data), bootstrap=5, seed=1)


@pytest.mark.parametrize(
    ("small", "large", "edge"),
    [
        ("truncated_poisson", "truncated_nbinom2", True),
        ("truncated_poisson", "truncated_nbinom1", True),
        ("gamma", "tweedie", True),
        ("poisson", "genpois", False),
    ],
)
def test_families_that_hold_a_simpler_one(small, large, edge):
    """A limit of a parameter, which makes the p conservative, or (genpois, phi = 1) a value."""
    y = 1 + np.random.default_rng(3).negative_binomial(2, 0.3, 120)
    data = slopes().assign(y=y)
    link = gl.families.get(small, link="log")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gl.BoundaryWarning)
        table = glmm("y ~ f", data, link).compare(glmm("y ~ f", data, large))
    assert table.frame["df"].iloc[1] == 1 and table.frame["p"].notna().iloc[1]
    assert any("edge of its range" in note for note in table.notes) == edge


def test_zero_inflation_is_not_nested_in_dispersion():
    y = np.random.default_rng(3).negative_binomial(2, 0.3, 120)
    data = slopes().assign(y=y)
    inflated = glmm("y ~ f", data, "poisson", zero_inflation="~ 1")
    table = inflated.compare(glmm("y ~ f", data, "nbinom2", dispersion="~ f"))
    assert "not nested (their families differ)" in table.notes[0]


def test_the_same_groups_under_other_names():
    """Plots numbered through: those of (1 | plot) are those of (1 | f / plot)."""
    data = slopes().assign(plot=lambda d: d["f"] + d["g"].astype(str))
    one = glmm("y ~ 1 + (1 | plot)", data)
    table = one.compare(glmm("y ~ 1 + (1 | f / plot)", data))
    assert table.frame["df"].iloc[1] == 1 and "(1 | f)" in table.notes[0]
    table = one.compare(glmm("y ~ 1 + (1 | f:g) + (1 | g)", data))
    assert table.frame["df"].iloc[1] == 1 and "(1 | g)" in table.notes[0]


def test_several_parameters_at_their_edges():
    y = np.random.default_rng(3).negative_binomial(2, 0.3, 120)
    data = slopes().assign(y=y)
    table = glmm("y ~ f", data, "poisson").compare(
        glmm("y ~ f", data, "nbinom2", zero_inflation="~ 1")
    )
    assert "some of these parameters are at the edge" in table.notes[0]
    plain = glmm("y ~ 1", data, "poisson").compare(glmm("y ~ f", data, "poisson"))
    assert plain.notes == ()
