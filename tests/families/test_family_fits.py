"""Whole fits of the families beyond the reference files, against glmmTMB 1.1.5.

In R, with the reference data ``o = read.csv("Owls.csv")`` (strings as factors):
``glmmTMB(y ~ FoodTreatment + (1 | Nest), data, family, ziformula)``; y is SiblingNegotiation (its
positive counts for truncated families), ``share = pmin(NegPerChick / 8, 1)`` for ordbeta (with
``start = list(psi = c(-1, 1))``) and NegPerChick for ziGamma(link = "log").
"""

from __future__ import annotations

import numpy as np
import pytest

import glmmlab as gl
from conftest import reference_data

COUNT = "SiblingNegotiation"
# family, response, zero inflation, positive rows only, logLik, coefficients, standard errors
FITS = [
    (
        "truncated_poisson",
        COUNT,
        None,
        True,
        -1691.888518165,
        (2.18891209, -0.19545281),
        (0.05480522, 0.03679818),
    ),
    (
        "truncated_nbinom1",
        COUNT,
        None,
        True,
        -1363.048041546,
        (2.21936758, -0.24047279),
        (0.06032248, 0.07958721),
    ),
    (
        "truncated_nbinom2",
        COUNT,
        None,
        True,
        -1365.880157949,
        (2.20277642, -0.18165422),
        (0.06057399, 0.07907916),
    ),
    (
        "truncated_nbinom2",
        COUNT,
        "~ 1",
        False,
        -1709.41290996,
        (2.20277627, -0.18165438),
        (0.06057396, 0.07907913),
    ),
    (
        "genpois",
        COUNT,
        None,
        False,
        -1723.302224948,
        (2.09425175, -0.86993921),
        (0.11583057, 0.08731917),
    ),
    (
        "tweedie",
        COUNT,
        None,
        False,
        -1678.557883007,
        (2.03313545, -0.59019761),
        (0.09582804, 0.08646853),
    ),
    (
        "ordbeta",
        "share",
        None,
        False,
        -140.741483753,
        (-0.88259629, -0.50340012),
        (0.07851238, 0.08406035),
    ),
    (
        "gamma",
        "NegPerChick",
        "~ 1",
        False,
        -1067.957254098,
        (0.83515721, -0.19888094),
        (0.07159751, 0.07775191),
    ),
]


@pytest.mark.parametrize(
    ("name", "response", "inflation", "positive", "llf", "params", "bse"),
    FITS,
    ids=[f[0] + ("_hurdle" if f[2] else "") for f in FITS],
)
def test_fits_agree_with_glmmtmb(name, response, inflation, positive, llf, params, bse) -> None:
    data = reference_data("Owls")
    data["share"] = np.minimum(data["NegPerChick"] / 8, 1)
    if positive:
        data = data[data[COUNT] > 0]
    fit = gl.glmm(
        f"{response} ~ FoodTreatment + (1 | Nest)",
        data=data,
        family=name,
        zero_inflation=inflation,
    )
    assert fit.llf == pytest.approx(llf, abs=1e-6)
    # R's gradient at its genpois optimum is 3e-4: it stops 4e-5 standard errors short
    assert (np.abs(fit.params - np.array(params)) < 1e-4 * np.array(bse)).all()
    np.testing.assert_allclose(fit.bse, bse, rtol=1e-4)


def ordered_beta():
    data = reference_data("Owls")
    data["share"] = np.minimum(data["NegPerChick"] / 8, 1)
    return gl.glmm("share ~ FoodTreatment + (1 | Nest)", data, "ordbeta")


def test_cut_points_of_ordered_beta():
    """R: the fit above, m$fit$par and sqrt(diag(vcov(m, full = TRUE)))."""
    fit = ordered_beta()
    cuts, se = np.array([-2.2078774799, 3.9505317051]), np.array([0.10552453571, 0.50356025973])
    limits = fit.conf_int(parameters="shape")
    assert limits.index.tolist() == ["lower_cut", "upper_cut"]
    np.testing.assert_allclose(limits.mean(axis=1), cuts, rtol=1e-5)
    np.testing.assert_allclose((limits["upper"] - limits["lower"]) / 2 / 1.959964, se, rtol=1e-4)
    assert "(logit scale): lower -2.21 (SE 0.106), upper 3.95 (SE 0.504)" in str(fit.summary())
    profile = fit.profile("shape").conf_int()
    assert profile.index.tolist() == ["lower_cut", "upper_cut"]
    np.testing.assert_allclose(profile["estimate"], cuts, rtol=1e-5)
    assert (profile["lower"] < cuts - se).all() and (profile["upper"] > cuts + se).all()
    assert "E(y), zeros and ones included." in str(
        fit.emmeans("FoodTreatment", component="response")
    )


def test_cut_points_without_responses_beyond_them():
    """Without zeros P(0) = expit(c0 - eta) should be 0, and the rest is what it is otherwise."""
    data = reference_data("Owls")
    data["share"] = np.clip(data["NegPerChick"] / 8, 0.01, 1)
    fit = gl.glmm("share ~ FoodTreatment", data, "ordbeta")
    assert fit.warnings == ()  # cover without a single 0, or a single 1, is ordinary
    assert "lower -> -inf, upper 3." in str(fit.summary())
    assert "No response is 0: the lower cut point runs to -inf" in str(fit.diagnose())
    data["share"] = data["share"].clip(upper=0.99)
    with pytest.warns(gl.BoundaryWarning, match="the beta family. Use family='beta'"):
        fit = gl.glmm("share ~ FoodTreatment", data, "ordbeta")
    beta = gl.glmm("share ~ FoodTreatment", data, "beta")
    assert fit.llf == pytest.approx(beta.llf, abs=1e-6)
    np.testing.assert_allclose(fit.params, beta.params, atol=1e-4)
    assert "lower -> -inf, upper -> inf" in str(fit.summary())
