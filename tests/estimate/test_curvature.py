"""The Hessian of f by differences of its gradient: mathematics, no reference needed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import glmmlab as gl
from glmmlab.design import build_design
from glmmlab.estimate import curvature, settle
from glmmlab.estimate.fit import objective

MODELS = {
    "one intercept": "count ~ mined + cover + (1 | site)",
    "correlated slope": "count ~ mined + cover + (cover | site)",
    "crossed": "count ~ mined + cover + (1 | site) + (1 | spp)",
}


@pytest.mark.parametrize("formula", list(MODELS.values()), ids=list(MODELS))
@pytest.mark.parametrize("name", ["poisson", "nbinom2"])
def test_differences_both_ways_need_no_exact_modes(monkeypatch, name, formula):
    """Modes moved along are off by h^2 on both sides alike: so is the Hessian, and not by h."""
    data = gl.datasets.load("salamanders")
    design = build_design(formula, data, family := gl.families.get(name))
    laplace = objective(design, family)
    psi = np.zeros(laplace.size)
    psi[laplace.n_beta : laplace.n_beta + laplace.n_theta] = [0.7, 0.2, 0.4][: laplace.n_theta]
    at = laplace.evaluate(psi, decrement=curvature.PRECISE)
    evaluate, led_modes = laplace.evaluate, []

    def spied(*args, led=False, **options):
        led_modes.append(led)
        found = evaluate(*args, led=led, **options)
        assert found.newton_steps == 0  # the modes were taken as they came
        return found

    def exactly(*args, led=False, **options):
        return evaluate(*args, **options)

    def hessian(way, h):
        monkeypatch.setattr(laplace, "evaluate", way)
        return curvature.finite_difference_hessian(laplace, at, np.full(laplace.size, h))

    size = np.sqrt(np.abs(np.diag(hessian(exactly, 1e-3))))
    off = [
        np.abs((hessian(spied, h) - hessian(exactly, h)) / np.outer(size, size)).max()
        for h in (2e-3, 5e-4)
    ]
    assert all(led_modes)
    assert 0.0 < off[0] < 1e-3
    assert off[1] < off[0] / 12.0  # 16 for errors of h^2, 4 for errors of h


def test_standard_errors_of_large_data_do_not_depend_on_a_last_polish(monkeypatch):
    """The Hessian where the search ended and the one where a further step leads."""
    rng = np.random.default_rng(11)
    g, x = rng.integers(0, 600, 12_000), rng.normal(size=(12_000, 2))
    eta = -0.5 + x @ [0.5, -0.3] + rng.normal(0, 0.8, 600)[g]
    data = pd.DataFrame({"y": rng.poisson(np.exp(eta)), "x": x[:, 0], "z": x[:, 1], "g": g})
    data = data.astype({"g": "category"})
    fit = gl.glmm("y ~ x + z + (1 | g)", data, "poisson")
    monkeypatch.setattr(settle, "is_small", lambda laplace: True)
    polished = gl.glmm("y ~ x + z + (1 | g)", data, "poisson")
    assert_allclose(fit.params, polished.params, rtol=1e-9)
    assert_allclose(fit.bse, polished.bse, rtol=1e-6)


@pytest.mark.parametrize("random", ["", " + (1 | site)", " + (cover | site) + (1 | spp)"])
def test_without_random_effects_the_curvature_in_beta_is_known(random):
    """X'WX is what differences of the gradient find too, with weights, an offset, a gamma."""
    data = gl.datasets.load("salamanders")
    family, options = gl.families.get("nbinom2"), {"weights": "w", "offset": "cover"}
    data["w"] = 1.0 + np.arange(len(data)) % 3
    design = build_design(
        "count ~ mined + DOP" + random, data, family, dispersion="~ DOY", **options
    )
    laplace = objective(design, family)
    psi = np.zeros(laplace.size)
    psi[: laplace.n_beta] = 0.1
    at = laplace.evaluate(psi)
    steps = np.full(laplace.size, 1e-3)
    expected = curvature.finite_difference_hessian(laplace, at, steps)
    found = settle._without_random(laplace, at, steps)
    assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


def test_a_variance_that_runs_to_zero_is_set_there_during_the_search():
    """The rest of the search is in the other parameters, and it is counted like any other."""
    data = gl.datasets.load("salamanders")
    with pytest.warns(gl.SingularFitWarning):
        fit = gl.glmm("count ~ mined + (DOP || site)", data, "nbinom2")
    record, p = fit.optimization, len(fit.params)
    assert len(record.iterates) == len(record.values) <= record.evaluations
    theta = record.iterates[:, p : p + 2]
    assert theta[0].all()
    snapped = int(np.flatnonzero((theta == 0.0).any(axis=1))[0])
    assert 0 < snapped < len(theta) - 1
    zero = theta[snapped] == 0.0
    assert_allclose(record.iterates[snapped, :p], record.iterates[snapped - 1, :p])
    assert np.abs(theta[snapped:, zero]).max() < 1e-10
    assert (np.diff(record.values) < 1e-8).all()
