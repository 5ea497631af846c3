"""Where the answer is known exactly: normal models, and models without random terms.

Normal models against the dense multivariate normal density; the others against statsmodels,
whose estimation shares nothing with ours.
"""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.stats import multivariate_normal
from statsmodels.discrete import count_model, truncated_model
from statsmodels.othermod.betareg import BetaModel
from statsmodels.tools.numdiff import approx_hess

import glmmlab as gl
from test_invariance import draw, fit

seeds = st.integers(0, 10_000)
few = settings(max_examples=10)

# statsmodels warns of links that leave a family's domain, and of its optimisers.
pytestmark = pytest.mark.filterwarnings("ignore")

RANDOM = (
    "(1 | g)",
    "(x | g)",
    "(x || g)",
    "(0 + x | g)",
    "(1 | g) + (1 | h)",
    "(1 | h / g)",
    "(b | g)",
    "(x | g) + (1 | h)",
)


@settings(max_examples=30)
@given(seeds, st.sampled_from(RANDOM), st.sampled_from(["ML", "REML"]), st.booleans())
def test_a_normal_model_has_the_dense_normal_likelihood(seed, random, method, offset):
    """V = sum of Z Sigma Z' over terms + sigma^2 I; REML adds what the coefficients cost."""
    data = draw(seed, n=66)
    data["h"] = np.array(list("klmn"))[np.random.default_rng(seed + 1).integers(0, 4, len(data))]
    data["o"] = np.linspace(-1, 1, len(data))
    formula = f"y ~ a + x + {random}" + (" + offset(o)" if offset else "")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gl.GlmmlabWarning)
        model = gl.glmm(formula, data, method=method)
    design, y = model.estimate.design, model.estimate.design.y
    X, n = design.conditional.X, len(data)
    V = model.dispersion * np.eye(n)
    for term in design.random:
        wide = np.zeros((n, len(term.levels) * len(term.names)))
        for j in range(len(term.names)):
            wide[np.arange(n), term.codes * len(term.names) + j] = term.Z[:, j]
        sigma = model.random_covariance[term.group].loc[list(term.names), list(term.names)]
        V += wide @ np.kron(np.eye(len(term.levels)), sigma) @ wide.T
    mean = X @ model.params.to_numpy() + design.offset
    expected = multivariate_normal(mean, V).logpdf(y)
    information = X.T @ np.linalg.solve(V, X)
    if method == "REML":
        expected += 0.5 * X.shape[1] * np.log(2 * np.pi)
        expected -= 0.5 * np.linalg.slogdet(information)[1]
    assert model.llf == pytest.approx(expected, abs=1e-7)
    # the coefficients are those of generalised least squares
    best = np.linalg.solve(information, X.T @ np.linalg.solve(V, y - design.offset))
    assert_allclose(model.params, best, atol=1e-5 * model.bse.min())


GLMS = {
    "gaussian-identity": (sm.families.Gaussian, sm.families.links.Identity),
    "gaussian-log": (sm.families.Gaussian, sm.families.links.Log),
    "poisson-log": (sm.families.Poisson, sm.families.links.Log),
    "poisson-sqrt": (sm.families.Poisson, sm.families.links.Sqrt),
    "gamma-log": (sm.families.Gamma, sm.families.links.Log),
    "gamma-inverse": (sm.families.Gamma, sm.families.links.InversePower),
    "inverse_gaussian-log": (sm.families.InverseGaussian, sm.families.links.Log),
    "binomial-logit": (sm.families.Binomial, sm.families.links.Logit),
    "binomial-probit": (sm.families.Binomial, sm.families.links.Probit),
    "binomial-cloglog": (sm.families.Binomial, sm.families.links.CLogLog),
}


@pytest.mark.parametrize("model", GLMS)
@settings(max_examples=6)
@given(seed=seeds)
def test_glms_agree_with_statsmodels(model, seed):
    name, link = model.split("-")
    drawn = {"inverse_gaussian": "gamma", "binomial": "gaussian"}.get(name, name)
    data = draw(seed, drawn, 120)
    if name == "binomial":
        data["y"] = (data["y"] > data["y"].median()).astype(float)
    elif model == "gaussian-log":
        data["y"] = np.abs(data["y"]) + 3.0
    ours = fit(data, "y ~ a + b + x", family=gl.families.get(name, link=link))
    X, y = ours.estimate.design.conditional.X, data["y"].to_numpy(float)
    family, their_link = GLMS[model]
    theirs = sm.GLM(y, X, family(their_link()))
    # their scoring is local where the link is not canonical: it starts at ours
    other = theirs.fit(start_params=ours.params.to_numpy(), tol=1e-12, maxiter=200)
    assert_allclose(ours.params, other.params, atol=1e-4 * ours.bse.min())
    if name in ("poisson", "binomial"):
        assert ours.llf == pytest.approx(other.llf, abs=1e-6)
    hessian = theirs.hessian(other.params, scale=ours.dispersion, observed=True)
    assert_allclose(ours.bse, np.sqrt(np.diag(np.linalg.inv(-hessian))), rtol=2e-3)


LIKELIHOODS = {
    "nbinom2": lambda y, X: sm.NegativeBinomial(y, X, loglike_method="nb2"),
    "nbinom1": lambda y, X: sm.NegativeBinomial(y, X, loglike_method="nb1"),
    "beta": BetaModel,
    "truncated_poisson": truncated_model.TruncatedLFPoisson,
    "truncated_nbinom2": truncated_model.TruncatedLFNegativeBinomialP,
}


@pytest.mark.parametrize("name", LIKELIHOODS)
@settings(max_examples=5)
@given(seed=seeds)
def test_other_families_have_the_maximum_of_statsmodels(name, seed):
    """Their optimiser, started at our estimates, finds the same maximum and nothing better."""
    data = draw(seed, name.removeprefix("truncated_"), 120)
    if name.startswith("truncated"):
        data = data[data["y"] > 0]
    ours = fit(data, "y ~ a + b + x", family=name)
    if "nbinom" in name and not 0.02 < ours.dispersion < 50:
        return  # the dispersion runs to the end of its range: this is a Poisson model
    X, y = ours.estimate.design.conditional.X, data["y"].to_numpy(float)
    extra = {
        "nbinom2": [1.0 / ours.dispersion],
        "nbinom1": [ours.dispersion],
        "beta": [np.log(ours.dispersion)],
        "truncated_nbinom2": [1.0 / ours.dispersion],
    }.get(name, [])
    other = LIKELIHOODS[name](y, X).fit(start_params=np.r_[ours.params, extra], disp=0, maxiter=500)
    assert other.llf == pytest.approx(ours.llf, abs=1e-5)
    assert other.llf <= ours.llf + 1e-7
    assert_allclose(ours.params, other.params[: len(ours.params)], atol=2e-2 * ours.bse.min())


@few
@given(seeds)
def test_zero_inflated_poisson_agrees_with_statsmodels(seed):
    """Value, slope and curvature of their log-likelihood at our estimates."""
    data = draw(seed, "poisson", 150)
    data.loc[np.random.default_rng(seed).random(len(data)) < 0.3, "y"] = 0
    ours = fit(data, "y ~ a + x", family="poisson", zero_inflation="~ 1")
    X = ours.estimate.design.conditional.X
    model = count_model.ZeroInflatedPoisson(data["y"].to_numpy(float), X)
    zeta = float(ours.params_zero_inflation.iloc[0])
    if abs(zeta) > 5:
        return  # no zero inflation is left: its logit runs to minus infinity
    at = np.r_[zeta, ours.params]
    assert model.loglike(at) == pytest.approx(ours.llf, abs=1e-6)
    se = np.r_[ours.bse_zero_inflation, ours.bse]
    assert np.abs(model.score(at) * se).max() < 1e-3
    curvature = approx_hess(at, model.loglike)
    assert_allclose(se, np.sqrt(np.diag(np.linalg.inv(-curvature))), rtol=2e-3)
