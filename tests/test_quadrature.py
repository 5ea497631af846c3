"""Adaptive Gauss-Hermite quadrature against numerical integration and against Laplace."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import integrate

import glmmlab as gl
from conftest import reference_data
from glmmlab.design import build_design
from glmmlab.laplace import Laplace
from glmmlab.quadrature import Quadrature

MODELS = {
    "binomial": ("cbind(incidence, size - incidence) ~ period + (1 | herd)", "cbpp"),
    "nbinom2": ("count ~ mined + (1 | site)", "Salamanders"),
    "slope": ("count ~ mined + (0 + DOY | site)", "Salamanders"),
}


def build(name, nodes, family=None):
    formula, data = MODELS[name]
    family = gl.families.get(family or ("binomial" if name == "binomial" else "nbinom2"))
    design = build_design(formula, reference_data(data), family)
    if nodes is None:
        return Laplace(design, family, orthonormal=False), design
    return Quadrature(design, family, nodes, orthonormal=False), design


@pytest.mark.parametrize("name", list(MODELS))
def test_one_node_is_laplace(name):
    one, _ = build(name, 1)
    laplace, _ = build(name, None)
    psi = 0.3 * np.random.default_rng(1).normal(size=one.size)
    a, b = one.evaluate(psi), laplace.evaluate(psi)
    assert_allclose(a.f, b.f, rtol=1e-12)
    assert_allclose(a.gradient, b.gradient, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("nodes", [2, 5, 11])
@pytest.mark.parametrize("name", list(MODELS))
def test_gradient_is_exact(name, nodes):
    quadrature, _ = build(name, nodes)
    psi = 0.3 * np.random.default_rng(2).normal(size=quadrature.size)
    at = quadrature.evaluate(psi, decrement=1e-18)
    for j in range(quadrature.size):
        values = []
        for step in (2, 1, -1, -2):
            moved = psi.copy()
            moved[j] += step * 3e-4
            values.append(float(quadrature.evaluate(moved, at.modes, decrement=1e-18).f))
        slope = (-values[0] + 8 * values[1] - 8 * values[2] + values[3]) / (12 * 3e-4)
        assert slope == pytest.approx(at.gradient[j], rel=2e-6, abs=2e-6)


@pytest.mark.parametrize("name", ["binomial", "nbinom2"])
def test_many_nodes_are_the_integral(name):
    """Each level's integral by scipy's adaptive quadrature (mathematics)."""
    quadrature, design = build(name, 25)
    family = quadrature.family
    psi = 0.3 * np.random.default_rng(3).normal(size=quadrature.size)
    psi[quadrature.n_beta] = 0.8
    beta, theta, gammas = quadrature.split(psi)
    aux = tuple(np.array(g[0]) for g in gammas)
    fixed = design.conditional.X @ beta + design.offset
    total = 0.0
    for level in range(len(design.random[0].levels)):
        rows = design.random[0].codes == level
        obs = family.prepare(design.y[rows], None if design.trials is None else design.trials[rows])

        def h(u, rows=rows, obs=obs):
            eta = fixed[rows] + theta[0] * u
            value = family.eta_part(obs, aux, eta)[0] + family.normaliser(obs, aux)
            return np.sum(value) - 0.5 * u * u - 0.5 * np.log(2 * np.pi)

        grid = np.linspace(-6, 6, 401)
        top = max(h(u) for u in grid)
        mode = grid[np.argmax([h(u) for u in grid])]
        area, _ = integrate.quad(
            lambda u, h=h, top=top: np.exp(h(u) - top), mode - 4, mode + 4, epsabs=1e-13
        )
        total += np.log(area) + top
    assert float(quadrature.evaluate(psi).f) == pytest.approx(-total, abs=1e-7)


def test_fit_by_quadrature():
    """cbpp: R's Laplace log-likelihood is beaten by at most the approximation's error."""
    formula, data = MODELS["binomial"]
    frame = reference_data(data)
    laplace = gl.glmm(formula, frame, "binomial")
    fine = gl.glmm(formula, frame, "binomial", quadrature=15)
    finer = gl.glmm(formula, frame, "binomial", quadrature=25)
    assert fine.llf == pytest.approx(finer.llf, abs=1e-7)
    assert fine.llf != pytest.approx(laplace.llf, abs=1e-3)
    assert_allclose(fine.params, laplace.params, atol=0.05)
    assert "quadrature" in str(fine.summary())


def test_quadrature_refuses_other_models():
    with pytest.raises(gl.errors.DataError, match="one random term"):
        gl.glmm("Reaction ~ Days + (Days | Subject)", reference_data("sleepstudy"), quadrature=5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(gl.errors.GlmmlabError, match="quadrature"):
            gl.glmm("Reaction ~ Days + (1 | Subject)", reference_data("sleepstudy"), quadrature=0)
    with pytest.raises(gl.errors.GlmmlabError, match="REML"):
        gl.glmm(
            "Reaction ~ Days + (1 | Subject)",
            reference_data("sleepstudy"),
            quadrature=5,
            method="REML",
        )


def test_fits_by_different_approximations_are_not_compared():
    formula, data = MODELS["binomial"]
    frame = reference_data(data)
    smaller = gl.glmm("cbind(incidence, size - incidence) ~ 1 + (1 | herd)", frame, "binomial")
    fine = gl.glmm(formula, frame, "binomial", quadrature=9)
    with pytest.raises(gl.ComparisonError, match="quadrature"):
        fine.compare(smaller)
    without = gl.glmm("cbind(incidence, size - incidence) ~ period", frame, "binomial")
    assert fine.compare(without).frame["df"].notna().any()
