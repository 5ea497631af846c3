"""The Hessian of f by differences of its gradient: mathematics, no reference needed."""

from __future__ import annotations

import numpy as np
import pytest

import glmmlab as gl
from glmmlab.design import build_design
from glmmlab.estimate import curvature
from glmmlab.estimate.fit import objective

MODELS = {
    "one intercept": "count ~ mined + cover + (1 | site)",
    "correlated slope": "count ~ mined + cover + (cover | site)",
    "crossed": "count ~ mined + cover + (1 | site) + (1 | spp)",
}


@pytest.mark.parametrize("random", list(MODELS.values()), ids=list(MODELS))
@pytest.mark.parametrize("name", ["poisson", "nbinom2"])
def test_differences_both_ways_need_no_exact_modes(monkeypatch, name, random):
    """Modes moved along are off by h^2 on both sides alike, as much as central differences are.

    So the Hessian is as near to that of differences four times finer as it was, not O(h) away.
    """
    data = gl.datasets.load("salamanders")
    design = build_design(random, data, family := gl.families.get(name))
    laplace = objective(design, family)
    fit = gl.glmm(random, data, family)
    end = laplace.evaluate(fit.optimization.end, decrement=curvature.PRECISE)
    steps = np.full(laplace.size, 2e-3)
    led = curvature.finite_difference_hessian(laplace, end, steps)
    fine = curvature.finite_difference_hessian(laplace, end, 0.25 * steps)
    monkeypatch.setattr(curvature, "LED", curvature.PRECISE)
    exact = curvature.finite_difference_hessian(laplace, end, steps)
    size = np.sqrt(np.diag(exact))
    assert np.abs((led - exact) / np.outer(size, size)).max() < 1e-5
    off = np.abs((led - fine) / np.outer(size, size)).max()
    assert off < 3.0 * np.abs((exact - fine) / np.outer(size, size)).max() + 1e-7
