"""The covariance of the estimates: of the search's parameters, and of those of the formula."""

from __future__ import annotations

import numpy as np

from glmmlab._types import FloatArray
from glmmlab.estimate.curvature import modes_beside
from glmmlab.estimate.optimise import solve_positive_definite
from glmmlab.estimate.settle import Optimum, unit_diagonal
from glmmlab.laplace import Laplace

FLATTEST = 1e-10
"""Of a scaled Hessian's eigenvalues: a variance so large that nobody takes it for a finite one."""


def on_the_formula_scale(
    method: str, laplace: Laplace, optimum: Optimum, separated: bool
) -> tuple[FloatArray, FloatArray, float]:
    """Coefficients of X itself, the covariance of (beta, theta, gamma), the log-likelihood."""
    at, A, p = optimum.at, laplace.coordinates.A, laplace.p
    cov_psi = _covariance(optimum, separated)
    if method == "ML":
        cov = cov_psi.copy()
        cov[:p, :p] = A @ cov_psi[:p, :p] @ A.T
        cov[:p, p:] = A @ cov_psi[:p, p:]
        cov[p:, :p] = cov[:p, p:].T
        return A @ at.psi[:p], cov, -float(at.f)
    q = laplace.structure.pattern.q
    cov_beta, jacobian = _reml_covariance(laplace, optimum, cov_psi)
    cov = np.full((p + laplace.size, p + laplace.size), np.nan)
    cov[:p, :p] = A @ cov_beta @ A.T
    cov[:p, p:] = A @ jacobian @ np.nan_to_num(cov_psi)
    cov[:p, p:][:, ~optimum.free] = np.nan
    cov[p:, :p] = cov[:p, p:].T
    cov[p:, p:] = cov_psi
    return A @ at.modes.dense[q:], cov, -float(at.f) - laplace.coordinates.log_determinant


def _covariance(optimum: Optimum, separated: bool) -> FloatArray:
    """Inverse Hessian of the free parameters; NaN for parameters on the boundary.

    Where data are `separated` f may be flat: eigenvalues of the scaled Hessian (nearly) zero count
    as FLATTEST, and what does not involve their directions has the variance it has without them.
    """
    free = optimum.free
    cov = np.full(optimum.hessian.shape, np.nan)
    h = optimum.hessian[np.ix_(free, free)]
    if not len(h) or not np.isfinite(h).all():
        return cov
    scaled, d = unit_diagonal(h)
    inverse = solve_positive_definite(scaled, np.eye(len(h)))
    if separated:
        values, vectors = np.linalg.eigh(scaled)
        if values[0] > -1e-6:
            inverse = (vectors / np.maximum(values, FLATTEST)) @ vectors.T
    if inverse is not None:
        cov[np.ix_(free, free)] = inverse / np.outer(d, d)
    return cov


def _reml_covariance(
    laplace: Laplace, optimum: Optimum, cov_psi: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """(H~^-1)_XX + J V_psi J' and J = d beta_hat / d psi, by central differences."""
    at, free = optimum.at, np.flatnonzero(optimum.free)
    q = laplace.structure.pattern.q
    piece, point = laplace.at_mode(at)
    inside = piece.factor(point).dense_inverse()[q:, q:]
    if not np.isfinite(optimum.hessian).all():
        inside = np.full(inside.shape, np.nan)
    J = np.zeros((len(inside), laplace.size))
    if not len(free) or not np.isfinite(cov_psi[np.ix_(free, free)]).all():
        return inside, J
    h = np.zeros(laplace.size)
    h[free] = 1e-3 * np.sqrt(np.diag(cov_psi)[free])
    for j in map(int, free):
        up, down = (modes_beside(laplace, at, sign * h[j], j).dense[q:] for sign in (1.0, -1.0))
        J[:, j] = (up - down) / (2.0 * h[j])
    return inside + J @ np.nan_to_num(cov_psi) @ J.T, J
