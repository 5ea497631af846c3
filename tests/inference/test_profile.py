"""Profile likelihoods against lme4's and glmmTMB's, and against mathematics."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.special import xlogy

import glmmlab as gl
from conftest import REFERENCE
from r_models import fit, series

R = json.loads((REFERENCE / "profile.json").read_text())
LME4 = {
    "sleep": "sleep_corr_ml",
    "dyestuff": "dyestuff_ml",
    "dyestuff2": "dyestuff2_ml",
    "penicillin": "penicillin_ml",
}
TMB = {"seeds": "seeds_binom_plate", "cbpp": "cbpp_binom", "fungicide": "fung_beta"}
OURS = {"(Intercept)": "Intercept", "sigma": "dispersion"}


def our_label(r: str) -> str:
    """``sd_Days|Subject`` -> ``sd(Days | Subject)``; ``cor_Days.(Intercept)|Subject``."""
    if r.startswith(("sd_", "cor_")):
        kind, rest = r.split("_", 1)
        effects, group = rest.split("|")
        names = [OURS.get(e, e) for e in effects.split(".")]
        return f"{kind}({', '.join(reversed(names))} | {group})"
    return OURS.get(r, r)


@pytest.mark.parametrize("level", [0.95, 0.8])
@pytest.mark.parametrize("case", LME4)
def test_linear_mixed_models_as_lme4(case, level):
    """lme4 interpolates its profile: equal to 1e-4 of the interval's length."""
    ours = fit(LME4[case]).profile(level=0.95).conf_int(level)
    for name, limits in R[case][f"limits{level * 100:.0f}"].items():
        if None in limits:  # lme4's profile of sigma fails beside a zero variance
            continue
        row = ours.loc[our_label(name), ["lower", "upper"]].to_numpy(float)
        expected = np.square(limits) if name == "sigma" else np.array(limits)
        assert_allclose(row, expected, atol=1e-4 * (expected[1] - expected[0]), err_msg=name)


@pytest.mark.parametrize("case", TMB)
def test_coefficients_as_glmmtmb_s_root_finding(case):
    ours = fit(TMB[case]).conf_int(method="profile")
    root = R[case]["limits95"]
    for side, column in enumerate(["lower", "upper"]):
        theirs = series(TMB[case], {name: pair[side] for name, pair in root.items()})
        width = ours["upper"] - ours["lower"]
        assert (abs(ours[column] - theirs[ours.index]) < 1e-4 * width).all()


def test_a_standard_deviation_as_glmmtmb_s_log_sd():
    ours = fit("cbpp_binom").conf_int(method="profile", parameters="variance").iloc[0]
    assert_allclose(
        ours[["lower", "upper"]], np.exp(R["cbpp"]["theta95"]["theta_1|herd.1"]), rtol=1e-4
    )


def test_zero_variance_is_the_limit_when_it_is_inside():
    ours = fit("seeds_binom_plate").profile("variance")
    assert ours.conf_int().loc["sd(Intercept | plate)", "lower"] == 0.0
    drop = 2 * (fit("seeds_binom_plate").llf - fit("seeds_binom").llf)
    assert ours.frame["zeta"].iloc[0] == pytest.approx(-np.sqrt(drop), abs=1e-5)


def test_one_proportion_in_closed_form():
    """y ~ Binomial(40, p): 2 (l_max - l) by hand, on the logit scale."""
    data = pd.DataFrame({"y": [13.0], "n": [27.0]})
    one = gl.glmm("cbind(y, n) ~ 1", data=pd.concat([data, data]), family="binomial")
    limits = one.conf_int(method="profile", level=0.9).loc["Intercept"]
    for eta in limits:
        p = 1 / (1 + np.exp(-eta))
        fall = xlogy(26, 26 / 80 / p) + xlogy(54, 54 / 80 / (1 - p))
        assert 2 * fall == pytest.approx(2.705543454, abs=1e-3)  # qchisq(0.9, 1)


def test_separation_leaves_one_finite_limit():
    """0 of 8: the likelihood ratio limit solves -16 log(1 - p) = qchisq(0.95, 1)."""
    data = pd.DataFrame({"y": [0] * 8 + [0, 1] * 4, "g": ["a"] * 8 + ["b"] * 8})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gl.GlmmlabWarning)
        limits = gl.glmm("y ~ 0 + g", data=data, family="binomial").conf_int(method="profile")
    p = -np.expm1(-3.841458820694124 / 16)
    assert limits.loc["g[a]", "lower"] == -np.inf
    assert limits.loc["g[a]", "upper"] == pytest.approx(np.log(p / (1 - p)), abs=1e-3)


def test_scaling_a_predictor_scales_its_limits():
    sleep = fit("sleep_int_ml").estimate.design.data
    hours = sleep.assign(Days=sleep["Days"] * 24.0)
    scaled = gl.glmm("Reaction ~ Days + (1 | Subject)", data=hours)
    expected = fit("sleep_int_ml").conf_int(method="profile", parameters=["Days"])
    assert_allclose(
        scaled.conf_int(method="profile", parameters=["Days"]), expected / 24, rtol=1e-5
    )


def test_restricted_likelihood_has_no_profile_of_coefficients():
    reml = fit("sleep_corr_reml")
    limits = reml.profile().conf_int()
    assert "Days" not in limits.index
    assert (limits["lower"] < limits["estimate"]).all()
    assert (limits["estimate"] < limits["upper"]).all()
    with pytest.raises(gl.errors.UnknownNameError, match="restricted likelihood"):
        reml.conf_int(method="profile")


def test_auxiliary_parts_by_their_own_names():
    zero = fit("sal_zip_simple").conf_int(method="profile", parameters="zero_inflation")
    wald = fit("sal_zip_simple").conf_int(parameters="zero_inflation")
    assert list(zero.columns) == ["lower", "upper"]
    assert list(zero.index) == list(wald.index)
    assert_allclose(zero, wald, atol=0.5)


def test_asking_for_more_than_was_profiled():
    short = fit("dyestuff_ml").profile("Intercept", level=0.8)
    with pytest.raises(gl.errors.UnknownNameError, match=r"level=0\.95"):
        short.conf_int(0.95)
    with pytest.raises(gl.errors.UnknownNameError, match=r"sd\(Intercept \| Batch\)"):
        fit("dyestuff_ml").profile("sd(Intercept | Batc)")


def test_workers_and_plot():
    one = fit("dyestuff_ml").profile()
    two = fit("dyestuff_ml").profile(workers=2)
    pd.testing.assert_frame_equal(one.frame, two.frame)
    assert one.plot("dispersion").get_xlabel() == "dispersion"
    assert sum(ax.get_visible() for ax in one.plot().flat) == 3
    assert "dispersion" in str(one) and "<table" in one._repr_html_()


def test_fits_by_quadrature_are_profiled_and_refitted_by_quadrature():
    data = fit("cbpp_binom").estimate.design.data
    by_nodes = gl.glmm(fit("cbpp_binom").formula, data=data, family="binomial", quadrature=9)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a profile that rises above the fit warns
        limits = by_nodes.profile("variance").conf_int().iloc[0]
    laplace = fit("cbpp_binom").profile("variance").conf_int().iloc[0]
    assert limits["estimate"] == pytest.approx(by_nodes.random_covariance["herd"].iloc[0, 0] ** 0.5)
    assert 1e-3 < abs(limits["upper"] - laplace["upper"]) < 0.1
    one, other = (f.bootstrap(3, seed=1).frame for f in (by_nodes, fit("cbpp_binom")))
    assert not np.allclose(one, other, rtol=1e-4)


def three_effects(order: str) -> gl.Fit:
    rng = np.random.default_rng(2)
    groups, size = 14, 6
    data = pd.DataFrame({"g": np.repeat([f"g{i}" for i in range(groups)], size)})
    data["x"], data["w"] = rng.normal(size=(2, len(data)))
    S = np.array([[1, 0.3, 0.2], [0.3, 0.5, 0.1], [0.2, 0.1, 0.4]])
    b = rng.multivariate_normal(np.zeros(3), S, size=groups)[np.repeat(range(groups), size)]
    data["y"] = b[:, 0] + b[:, 1] * data["x"] + b[:, 2] * data["w"] + rng.normal(size=len(data))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gl.SingularFitWarning)
        return gl.glmm(f"y ~ x + ({order} | g)", data=data)


def test_the_order_of_the_effects_of_a_term_does_not_matter():
    one = three_effects("x + w").conf_int(method="profile", parameters="variance")
    two = three_effects("w + x").conf_int(method="profile", parameters="variance")
    two.index = [name.replace("cor(w, x", "cor(x, w") for name in two.index]
    assert_allclose(one, two.loc[one.index], atol=1e-3)


def test_a_correlation_at_one_has_a_limit_inside():
    sleep = fit("sleep_corr_ml").estimate.design.data
    slopes = sleep["Subject"].cat.codes.to_numpy() % 6 * (5.0 + sleep["Days"])
    noise = np.random.default_rng(1).normal(size=len(sleep))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gl.SingularFitWarning)
        one = gl.glmm("y ~ Days + (Days | Subject)", data=sleep.assign(y=slopes + 9 * noise))
    assert one.is_singular
    row = one.profile("cor(Intercept, Days | Subject)").conf_int().iloc[0]
    assert row["estimate"] == row["upper"] == pytest.approx(1.0)
    assert 0.0 < row["lower"] < 1.0


def test_parameters_without_a_finite_estimate_end_at_infinity():
    """No zeros beyond the family's: the zero-inflation logit may be -inf; theta of no use: inf."""
    zero = fit("sal_zinb2_const").conf_int(method="profile", parameters="zero_inflation")
    assert zero["lower"].iloc[0] == -np.inf and np.isfinite(zero["upper"].iloc[0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        phi = fit("seeds_betabinom").profile("dispersion").conf_int().iloc[0]
    assert phi["upper"] == np.inf and 0 < phi["lower"] < phi["estimate"]
