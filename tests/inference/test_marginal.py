"""Means over the random effects and intervals of new observations, against mathematics."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import quad
from scipy.special import expit, ndtr
from scipy.stats import binom, norm, poisson

import glmmlab as gl
from r_models import fit


def test_log_link_multiplies_by_half_the_variance():
    f = fit("sal_poisson")
    v = f.random_covariance["site"].iloc[0, 0]
    marginal = f.predict(random_effects="marginal")
    assert_allclose(marginal, f.predict(random_effects="population") * np.exp(v / 2), rtol=1e-12)


def test_logit_link_by_adaptive_quadrature():
    f = fit("cbpp_binom")
    sd = np.sqrt(f.random_covariance["herd"].iloc[0, 0])
    eta = f.predict(scale="link", random_effects="population").iloc[0]
    exact = quad(lambda b: expit(eta + b) * norm.pdf(b, scale=sd), -10 * sd, 10 * sd, epsabs=1e-13)
    ours = f.predict(random_effects="marginal").iloc[0]
    assert ours == pytest.approx(exact[0], abs=1e-12)
    assert f.predict(random_effects="population").iloc[0] < ours < 0.5


def test_large_variances_and_other_links_by_adaptive_quadrature():
    from glmmlab.inference.marginal import averaged

    eta, v = np.array([-4.0, 0.5, 3.0]), 16.0
    for name in ("logit", "cloglog", "probit"):
        family = gl.families.get("binomial", link=name)
        ours = averaged(family, lambda e, aux, f=family: f.link.inverse(e), v, "response")(eta, ())
        for e, value in zip(eta, ours, strict=True):
            exact = quad(
                lambda b, e=e, f=family: float(f.link.inverse(e + b)) * norm.pdf(b, scale=4),
                -40, 40, epsabs=1e-13, limit=500, points=[-e],
            )  # fmt: skip
            assert value == pytest.approx(exact[0], abs=1e-11)


def test_probit_in_closed_form():
    f = fit("seeds_probit_plate")
    v = f.random_covariance["plate"].iloc[0, 0]
    eta = f.predict(scale="link", random_effects="population")
    assert_allclose(f.predict(random_effects="marginal"), ndtr(eta / np.sqrt(1 + v)), rtol=1e-12)


def test_random_slopes_use_their_own_variance_at_every_row():
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"g": np.repeat(np.arange(20), 6), "x": np.tile(np.arange(6.0), 20)})
    b = rng.normal(size=(20, 2)) * [0.5, 0.2]
    rate = np.exp(1 + b[data.g, 0] + (0.1 + b[data.g, 1]) * data.x)
    data = data.assign(y=rng.poisson(rate), g=data.g.astype(str))
    f = gl.glmm("y ~ x + (x | g)", data=data, family="poisson")
    new = {"x": [0.0, 2.0, 5.0]}
    S = f.random_covariance["g"].to_numpy()
    z = np.column_stack([np.ones(3), new["x"]])
    v = np.einsum("ij,jk,ik->i", z, S, z)
    ratio = f.predict(new, random_effects="marginal") / f.predict(new, random_effects="population")
    assert_allclose(ratio, np.exp(v / 2), rtol=1e-10)
    simulated = f.simulate(4000, seed=2).mean(axis=0)
    ours = f.predict(random_effects="marginal").to_numpy()
    assert_allclose(np.median(simulated / ours), 1.0, atol=0.02)


def test_standard_errors_by_refitting_the_delta_method():
    """Numerical derivatives of the closed form in (beta, sd) with R's covariance of the fit."""
    f = fit("sal_poisson").estimate
    X, theta = f.design.conditional.X[:5], float(f.theta[0])
    frame = fit("sal_poisson").predict(random_effects="marginal", se=True).iloc[:5]
    mean = frame["estimate"].to_numpy()
    G = np.column_stack([mean[:, None] * X, mean * theta])  # exp(eta + theta^2 / 2)
    expected = np.sqrt(np.einsum("ij,jk,ik->i", G, f.cov_full, G))
    assert_allclose(frame["se"], expected, rtol=1e-6)
    half = 1.959963984540054 * frame["se"] / mean
    assert_allclose(frame["lower"], mean * np.exp(-half), rtol=1e-8)


def test_without_random_effects_marginal_is_population():
    f = fit("seeds_binom")
    a, b = (f.predict(random_effects=r, se=True) for r in ("marginal", "population"))
    assert_allclose(a[["estimate", "se"]], b[["estimate", "se"]], rtol=1e-7)


def test_zero_inflation_and_truncation_are_averaged_too():
    f = fit("sal_zip_simple")
    zero = f.predict(scale="zero_inflation", random_effects="population")
    conditional = f.predict(scale="conditional", random_effects="marginal")
    assert_allclose(f.predict(random_effects="marginal"), conditional * (1 - zero), rtol=1e-12)


def test_what_has_no_marginal_mean():
    data = fit("dyestuff_ml").estimate.design.data
    f = gl.glmm("Yield ~ 1 + (1 | Batch)", data=data, family=gl.families.Gamma(link="inverse"))
    with pytest.raises(gl.errors.UnknownNameError, match="inverse link"):
        f.predict(random_effects="marginal")
    alone = gl.glmm("Yield ~ 1", data=data, family=gl.families.Gamma(link="inverse"))
    assert_allclose(alone.predict(random_effects="marginal"), data["Yield"].mean(), rtol=1e-6)
    with pytest.raises(gl.errors.UnknownNameError, match="averages means"):
        fit("cbpp_binom").predict(scale="link", random_effects="marginal")


# ---------------------------------------------------------------------- new observations


def test_gaussian_prediction_interval_in_closed_form():
    f = fit("sleep_int_ml")
    new = {"Days": [3.0], "Subject": ["nobody"]}
    mean = f.predict(new, se=True).iloc[0]
    total = np.sqrt(mean["se"] ** 2 + f.dispersion)  # the se of a new level holds its variance
    out = f.predict(new, interval="prediction", seed=1).iloc[0]
    assert list(out.index) == ["estimate", "lower", "upper"]
    exact = mean["estimate"] + total * norm.ppf([0.025, 0.975])
    # 4 standard errors of a 2.5% quantile of 10,000 draws, the uncertain sigma a little besides
    noise = 4 * total * np.sqrt(0.025 * 0.975 / 10_000) / norm.pdf(1.96)
    assert_allclose(out[["lower", "upper"]], exact, atol=noise + 0.01 * total)


def test_marginal_interval_of_a_new_group_equals_that_of_an_unseen_level():
    f = fit("sleep_int_ml")
    new = {"Days": [3.0], "Subject": ["nobody"]}
    unseen = f.predict(new, interval="prediction", seed=1)
    marginal = f.predict(new, interval="prediction", random_effects="marginal", seed=1)
    width = float((unseen["upper"] - unseen["lower"]).iloc[0])
    assert_allclose(marginal, unseen, atol=0.03 * width)
    typical = f.predict(new, interval="prediction", random_effects="population", seed=1)
    assert float((typical["upper"] - typical["lower"]).iloc[0]) < 0.8 * width


def test_many_rows_leave_only_the_distribution():
    """20,000 Poisson counts: the rate is known, the limits are Poisson quantiles."""
    data = pd.DataFrame({"y": np.random.default_rng(3).poisson(7.0, 20_000)})
    f = gl.glmm("y ~ 1", data=data, family="poisson")
    out = f.predict({"other": [1.0]}, interval="prediction", seed=1, level=0.9).iloc[0]
    exact = poisson.ppf([0.05, 0.95], f.predict().iloc[0])
    assert_allclose(out[["lower", "upper"]], exact)


def test_binomial_limits_are_proportions_of_the_trials():
    f = fit("seeds_binom")
    new = {"extract": ["bean"], "gen": ["O73"]}
    with pytest.raises(gl.errors.DataError, match="trials="):
        f.predict(new, interval="prediction")
    out = f.predict(new, interval="prediction", trials=50, seed=1).iloc[0]
    assert (out["lower"] * 50) % 1 == pytest.approx(0.0, abs=1e-9)
    known = binom.ppf([0.025, 0.975], 50, out["estimate"]) / 50
    assert out["lower"] <= known[0] and out["upper"] >= known[1]  # the mean is uncertain too
    for impossible in (0, 2.5, np.nan):
        with pytest.raises(gl.errors.DataError, match="positive whole number"):
            f.predict(new, interval="prediction", trials=impossible)
    own = f.predict(interval="prediction", seed=1)
    assert len(own) == f.nobs and own["upper"].max() <= 1.0
    with pytest.raises(gl.errors.DataError, match="poisson"):
        fit("sal_poisson").predict(interval="prediction", trials=3)


def test_same_seed_same_limits():
    f = fit("sal_nbinom2")
    new = f.estimate.design.data.head(3)
    one, two = (f.predict(new, interval="prediction", seed=9) for _ in range(2))
    pd.testing.assert_frame_equal(one, two)
    with pytest.raises(gl.errors.UnknownNameError, match="'prediction'"):
        f.predict(interval="tolerance")
