"""The profiled form of Gaussian models against the general path."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import glmmlab as gl
from conftest import reference_data
from glmmlab.design import build_design
from glmmlab.estimate import fit as fitting
from glmmlab.gaussian import ProfiledGaussian
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
    X = fitting.Coordinates.of(design.conditional.X).X
    general = Laplace(design, family, X, integrate_beta=reml)
    return design, X, general, ProfiledGaussian(design, X, general.structure, reml)


@pytest.mark.parametrize("weights", [False, True], ids=["", "weights"])
@pytest.mark.parametrize("reml", [False, True], ids=["ML", "REML"])
@pytest.mark.parametrize("name", list(MODELS))
def test_profile_is_the_general_objective_at_its_best_beta_and_sigma(name, reml, weights):
    _, _, general, profile = setting(name, reml, weights)
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
    monkeypatch.setattr(fitting, "profiled_start", lambda laplace, design, start, X: start)
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
