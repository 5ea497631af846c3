"""Where a search starts: standard deviations by moments, curvature by expectation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import glmmlab as gl
from glmmlab.design import build_design
from glmmlab.estimate.curvature import finite_difference_hessian
from glmmlab.estimate.fit import objective, starting_values
from glmmlab.estimate.optimise import newton_step, positive_definite
from glmmlab.estimate.search_curvature import expected_curvature, fresh_curvature
from glmmlab.laplace import Laplace


def counts(sd: float, levels: int = 200, rows: int = 20) -> pd.DataFrame:
    rng = np.random.default_rng(7)
    g = np.repeat(np.arange(levels), rows)
    y = rng.poisson(np.exp(1.0 + rng.normal(0, sd, levels)[g]))
    return pd.DataFrame({"y": y, "g": g.astype(str), "x": np.tile([-1.0, 1.0], len(g) // 2)})


@pytest.mark.parametrize("sd", [0.2, 0.5])
def test_standard_deviations_by_moments_are_near(sd: float) -> None:
    """Of a small variance the moments are unbiased; of a larger one they see e^(sd^2) more."""
    design = build_design("y ~ 1 + (1 | g)", counts(sd), family := gl.families.get("poisson"))
    laplace = objective(design, family)
    start = starting_values(laplace, design, family)
    assert sd * 0.8 < start.psi[laplace.n_beta] < sd * 1.6


@pytest.mark.parametrize("random", ["(1 | g)", "(1 | g) + (1 | h)"])
def test_starts_stay_in_bounds_without_spread_between_groups(random: str) -> None:
    """Means of groups that agree better than chance would give a negative variance.

    One variance alone then starts at zero, where f curves upwards in it.
    """
    data = counts(0.0)
    data["y"] = np.tile([2, 4], len(data) // 2)
    data["h"] = np.repeat(np.arange(20), len(data) // 20).astype(str)
    design = build_design("y ~ 1 + " + random, data, family := gl.families.get("poisson"))
    laplace = objective(design, family)
    start = starting_values(laplace, design, family)
    theta, scale = start.psi[laplace.n_beta :], start.scale[laplace.n_beta :]
    if len(theta) > 1:
        assert theta == pytest.approx(0.1 * scale)
        return
    assert theta == 0.0
    at = laplace.evaluate(start.psi)
    h = np.full(laplace.size, 1e-3)
    assert finite_difference_hessian(laplace, at, h)[-1, -1] > 0.0


@pytest.mark.parametrize(
    ("family", "data", "formula"),
    [
        ("beta", "disease_severity", "severity ~ fungicide"),
        ("nbinom2", "salamanders", "count ~ mined + spp"),
    ],
)
def test_coefficients_and_dispersion_start_at_their_optimum_together(
    family: str, data: str, formula: str
) -> None:
    """Without random effects, where it is known: a search for variances has little else to do."""
    frame, distribution = gl.datasets.load(data), gl.families.get(family)
    design = build_design(formula, frame, distribution)
    laplace = objective(design, distribution)
    start = starting_values(laplace, design, distribution)
    best = -gl.glmm(formula, frame, family).llf
    assert best < float(laplace.evaluate(start.psi).f) < best + 0.1


def test_expected_curvature_is_fishers_information() -> None:
    """In a Gaussian model with orthogonal effects that of the least-squares form, found otherwise.

    theta = sigma t, so information on theta is that on t over sigma^2.
    """
    data = counts(0.5, levels=8, rows=6)
    data["y"] = np.log(data["y"] + 1.0)
    family = gl.families.get("gaussian")
    design = build_design("y ~ x + (x | g)", data, family)
    general, gaussian = Laplace(design, family), objective(design, family)
    start = starting_values(general, design, family)
    at = general.evaluate(start.psi, general.start_modes(start.beta))
    sigma, theta = np.exp(start.psi[-1]), slice(2, 5)
    found = np.diag(expected_curvature(general, at, start.scale))[theta]
    information = gaussian.profile.data.information(start.psi[theta] / sigma)
    assert_allclose(found, np.diag(information) / sigma**2, rtol=1e-10)


def test_fresh_curvature_is_the_hessian_of_theta_and_gamma() -> None:
    data = counts(0.5, levels=20, rows=6)
    data["y"] = np.random.default_rng(3).negative_binomial(3, 3 / (3 + data["y"] + 0.5))
    family = gl.families.get("nbinom2")
    design = build_design("y ~ x + (1 | g)", data, family)
    laplace = objective(design, family)
    fit = gl.glmm("y ~ x + (1 | g)", data, family)
    at = laplace.evaluate(fit.optimization.end)
    steps = np.ones(laplace.size)
    found = fresh_curvature(laplace, at, steps)
    exact = np.linalg.inv(fit.estimate.cov_full[2:, 2:])  # beta profiled out
    schur = found[2:, 2:] - found[2:, :2] @ np.linalg.solve(found[:2, :2], found[:2, 2:])
    assert_allclose(schur, exact, rtol=0.02)


def test_a_usable_curvature_is_left_alone_and_another_is_made_usable() -> None:
    rng = np.random.default_rng(1)
    for size in (1, 3, 8):
        A = rng.normal(size=(size, size))
        good = A @ A.T + np.eye(size)
        assert_allclose(positive_definite(good), good, rtol=1e-12)
        bad = A + A.T - 3.0 * np.eye(size)
        values = np.linalg.eigvalsh(positive_definite(bad))
        assert values.min() > 0.0
        step = newton_step(bad, np.ones(size))
        assert step.sum() < 0.0  # downhill, whatever the matrix
    assert_allclose(newton_step(good, np.ones(8)), -np.linalg.solve(good, np.ones(8)))
