"""The profiled form of Gaussian models against the general path."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import glmmlab as gl
from conftest import reference_data
from glmmlab.design import build_design
from glmmlab.estimate import fit as fitting
from glmmlab.estimate.curvature import finite_difference_hessian
from glmmlab.estimate.optimise import minimise
from glmmlab.gaussian import GaussianObjective, ProfiledGaussian
from glmmlab.laplace import Laplace

MODELS = {
    "intercept": "Reaction ~ Days + (1 | Subject)",
    "correlated": "Reaction ~ Days + (Days | Subject)",
    "uncorrelated": "Reaction ~ Days + (Days || Subject)",
    "two terms": "Reaction ~ Days + (1 | Subject) + (0 + Days | Subject)",
}


def setting(name, reml, weights=False):
    data = reference_data("sleepstudy")
    data["w"] = np.resize([0.5, 1.0, 2.0], len(data))
    family = gl.families.get("gaussian")
    design = build_design(MODELS[name], data, family, weights="w" if weights else None)
    general = Laplace(design, family, integrate_beta=reml)
    return general, ProfiledGaussian(design, general.columns, general.structure, reml)


@pytest.mark.parametrize("weights", [False, True], ids=["", "weights"])
@pytest.mark.parametrize("reml", [False, True], ids=["ML", "REML"])
@pytest.mark.parametrize("name", list(MODELS))
def test_profile_is_the_general_objective_at_its_best_beta_and_sigma(name, reml, weights):
    general, profile = setting(name, reml, weights)
    relative = 0.5 + np.random.default_rng(1).random(general.n_theta)
    beta, theta, log_sigma = profile.expand(relative)
    psi = np.concatenate([beta[: general.n_beta], theta, [log_sigma]])
    at = general.evaluate(psi, general.start_modes(beta), decrement=1e-18)
    profiled = profile.evaluate(relative)
    assert_allclose(profiled.f, at.f, rtol=1e-11)
    # beta and sigma are optimal given the relative theta
    assert_allclose(at.gradient[: general.n_beta], 0.0, atol=1e-6)
    along = at.gradient[general.n_beta :] @ np.append(theta, 1.0)
    assert along == pytest.approx(0.0, abs=1e-6)
    # the chain rule: d psi / d relative theta = sigma
    sigma = np.exp(log_sigma)
    assert_allclose(
        profiled.gradient, sigma * at.gradient[general.n_beta : -1], rtol=1e-6, atol=1e-7
    )


@pytest.mark.parametrize("reml", [False, True], ids=["ML", "REML"])
@pytest.mark.parametrize("name", list(MODELS))
def test_both_paths_find_the_same_optimum(name, reml, monkeypatch):
    data = reference_data("sleepstudy")
    method = "REML" if reml else "ML"
    profiled = gl.glmm(MODELS[name], data, method=method)
    monkeypatch.setattr(fitting, "GaussianObjective", Laplace)
    general = gl.glmm(MODELS[name], data, method=method)
    assert profiled.llf == pytest.approx(general.llf, abs=1e-9)
    assert_allclose(profiled.params, general.params, rtol=1e-7)
    assert_allclose(profiled.bse, general.bse, rtol=1e-6)
    assert_allclose(profiled.estimate.theta, general.estimate.theta, rtol=1e-5, atol=1e-5)


def test_the_record_tells_the_profiled_path():
    fit = gl.glmm(MODELS["correlated"], reference_data("sleepstudy"))
    record = fit.optimization
    assert len(record.values) == len(record.iterates) > 3
    assert np.all(np.diff(record.values) < 1e-9)
    assert_allclose(record.start, record.iterates[0])


# -- crossed factors -------------------------------------------------------------------------

CROSSED = {
    "crossed": "y ~ x + (1 | g) + (1 | h)",
    "nested": "y ~ x + (1 | h / g)",
    "slopes": "y ~ x + (x | g) + (x || h)",
    "three factors": "y ~ 1 + (1 | g) + (0 + x | h) + (1 | k)",
}
both_methods = pytest.mark.parametrize("reml", [False, True], ids=["ML", "REML"])
all_crossed = pytest.mark.parametrize("name", list(CROSSED))


def crossed_data(spread=1.0):
    rng = np.random.default_rng(5)
    n = 150
    codes = {name: rng.integers(0, k, n) for name, k in (("g", 12), ("h", 7), ("k", 3))}
    x = rng.normal(size=n)
    slope = 0.5 + rng.normal(0, 0.8, 12)[codes["g"]] + rng.normal(0, 0.8, 7)[codes["h"]]
    level = sum(rng.normal(0, 1.2, k)[codes[f]] for f, k in (("g", 12), ("h", 7), ("k", 3)))
    y = 40 + slope * x + level + rng.normal(0, spread, n)
    labels = {name: [f"{name}{c}" for c in code] for name, code in codes.items()}
    return pd.DataFrame({"y": y, "x": x, "w": np.resize([0.5, 1.0, 2.0], n), **labels})


def crossed_setting(name, reml, spread=1.0, weights="w"):
    family = gl.families.get("gaussian")
    design = build_design(CROSSED[name], crossed_data(spread), family, weights=weights)
    fast = fitting.objective(design, family, "REML" if reml else "ML")
    assert isinstance(fast, GaussianObjective)
    general = Laplace(design, family, integrate_beta=reml)
    X, y = fast.columns.T, design.y[fast.structure.order]
    rng = np.random.default_rng(6)
    beta = np.linalg.lstsq(X, y, rcond=None)[0] + 0.1 * rng.normal(size=X.shape[1])
    psi = np.concatenate(
        [beta[: fast.n_beta], rng.normal(size=fast.n_theta), [np.log(spread) + 0.1]]
    )
    return fast, general, psi, general.start_modes(beta)


@both_methods
@all_crossed
def test_least_squares_and_the_general_path_are_one_function(name, reml):
    fast, general, psi, start = crossed_setting(name, reml)
    ours, theirs = fast.evaluate(psi, start), general.evaluate(psi, start, decrement=1e-18)
    assert_allclose(ours.f, theirs.f, rtol=1e-12)
    assert_allclose(ours.gradient, theirs.gradient, rtol=1e-8, atol=1e-7)
    assert_allclose(ours.modes.u[0], theirs.modes.u[0], rtol=1e-8, atol=1e-9)
    assert_allclose(ours.modes.dense, theirs.modes.dense, rtol=1e-8, atol=1e-9)
    psi[fast.n_beta] = 0.0  # a singular factor
    ours, theirs = fast.evaluate(psi, start), general.evaluate(psi, start, decrement=1e-18)
    assert_allclose(ours.f, theirs.f, rtol=1e-12)
    assert_allclose(ours.gradient, theirs.gradient, rtol=1e-8, atol=1e-7)


@both_methods
@all_crossed
def test_the_hessian_is_that_of_the_general_path(name, reml):
    fast, general, psi, start = crossed_setting(name, reml)
    steps = np.full(len(psi), 1e-4)
    ours = finite_difference_hessian(fast, fast.evaluate(psi), steps)
    at = general.evaluate(psi, start, decrement=1e-18)
    theirs = finite_difference_hessian(general, at, steps)
    assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5 * np.abs(theirs).max())


@both_methods
@all_crossed
def test_the_profile_tells_the_hessian_at_its_optimum(name, reml):
    """All but the covariances of beta and theta, zero in expectation."""
    fast, _, psi, _ = crossed_setting(name, reml)
    p, t = fast.n_beta, fast.n_theta
    profile = fast.profile
    start = profile.evaluate(np.full(t, 0.7))
    path = minimise(
        profile.evaluate,
        start,
        profile.data.information(start.psi) + 0.1 * np.eye(t),
        lambda theta: np.full(t, 0.5),
        tolerance=1e-17,
    )
    relative = path.best.psi
    assert (np.abs(relative[profile.structure.slots[0].theta]) > 0.01).all()
    curvature = np.array(
        [
            (profile.evaluate(relative + h).gradient - profile.evaluate(relative - h).gradient)
            / 2e-4
            for h in np.diag(np.full(t, 1e-4))
        ]
    )
    beta, theta, log_sigma = profile.expand(relative)
    psi = np.concatenate([beta[:p], theta, [log_sigma]])
    exact = fast.hessian(fast.evaluate(psi), np.full(len(psi), 1e-4))
    nearly = fast.hessian_from_profile(relative, curvature)
    # eliminating beta from the exact one leaves the profile's curvature of theta and sigma
    rest = exact[p:, p:] - exact[p:, :p] @ np.linalg.solve(exact[:p, :p], exact[:p, p:])
    assert_allclose(nearly[p:, p:], rest, rtol=1e-4, atol=1e-4 * np.abs(rest).max())
    assert_allclose(nearly[:p, :p], exact[:p, :p], rtol=1e-8, atol=1e-8 * np.abs(exact).max())


@both_methods
def test_residuals_far_smaller_than_the_random_effects_keep_their_digits(reml):
    fast, general, psi, start = crossed_setting("crossed", reml, spread=1e-4)
    psi[fast.n_beta : -1] = 1.0
    ours, theirs = fast.evaluate(psi, start), general.evaluate(psi, start, decrement=1e-18)
    assert_allclose(ours.f, theirs.f, rtol=1e-9)
    assert_allclose(ours.gradient, theirs.gradient, rtol=1e-6, atol=1e-4)


def test_information_of_one_term_is_the_textbooks():
    """tr(V^-1 dV_a V^-1 dV_b) / 2, from dense matrices."""
    fast, *_ = crossed_setting("slopes", False, weights=None)
    relative = 0.5 + np.random.default_rng(7).random(fast.n_theta)
    found = fast.profile.data.information(relative)
    for s, L in zip(fast.structure.slots, fast.structure.factors(relative), strict=True):
        term = fast.structure.terms[s.term]
        Z = np.zeros((len(term.Z), len(term.levels), s.size))
        Z[np.arange(len(Z)), term.codes] = term.Z
        V = np.eye(len(Z)) + np.einsum("iga,ac,bc,jgb->ij", Z, L, L, Z)
        slopes = []
        for a, b in zip(s.rows, s.cols, strict=True):
            dL = np.zeros((s.size, s.size))
            dL[a, b] = 1.0
            dV = np.einsum("iga,ac,bc,jgb->ij", Z, dL, L, Z)
            slopes.append(np.linalg.solve(V, dV + dV.T))
        expected = [[0.5 * np.trace(A @ B) for B in slopes] for A in slopes]
        assert_allclose(found[s.theta, s.theta], expected, rtol=1e-9, atol=1e-9)


@both_methods
@all_crossed
def test_crossed_models_reach_the_general_optimum(name, reml, monkeypatch):
    method = "REML" if reml else "ML"
    ours = gl.glmm(CROSSED[name], crossed_data(), method=method)
    monkeypatch.setattr(fitting, "GaussianObjective", Laplace)
    general = gl.glmm(CROSSED[name], crossed_data(), method=method)
    assert ours.llf == pytest.approx(general.llf, abs=1e-8)
    assert_allclose(ours.params, general.params, rtol=1e-6)
    assert_allclose(ours.bse, general.bse, rtol=1e-5)
    assert_allclose(ours.estimate.cov_full, general.estimate.cov_full, rtol=1e-3, atol=1e-6)
