"""From a design and a family to an Estimate."""

from __future__ import annotations

import warnings as python_warnings
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from glmmlab._types import FloatArray
from glmmlab.design import Design
from glmmlab.errors import BoundaryWarning, ConvergenceError, ConvergenceWarning
from glmmlab.estimate import frames, verdict
from glmmlab.estimate.boundary import boundary_sentences
from glmmlab.estimate.curvature import gradients
from glmmlab.estimate.optimise import Path, minimise
from glmmlab.estimate.result import Estimate
from glmmlab.estimate.separation import separated_coefficients
from glmmlab.estimate.settle import Optimum, escape, second_valley, settle
from glmmlab.estimate.start import (
    Start,
    cheap_batch,
    profiled_start,
    starting_curvature,
    starting_values,
)
from glmmlab.families.base import Family
from glmmlab.laplace import Evaluation, Laplace
from glmmlab.quadrature import Quadrature
from glmmlab.threads import single_blas_thread


@dataclass(frozen=True)
class Coordinates:
    """The orthonormalised design X~ = X A, with X~'X~ = n I and beta = A beta~."""

    X: FloatArray
    A: FloatArray
    log_determinant: float

    @classmethod
    def of(cls, X: FloatArray) -> Coordinates:
        n, p = X.shape
        if p == 0:
            return cls(X, np.empty((0, 0)), 0.0)
        q, r = np.linalg.qr(X)
        root = np.sqrt(n)
        A = linalg.solve_triangular(r, np.eye(p)) * root
        return cls(q * root, A, float(-np.log(np.abs(np.diag(A))).sum()))


def fit_design(design: Design, family: Family, method: str = "ML", quadrature: int = 1) -> Estimate:
    """Maximise the likelihood, approximated by Laplace's method or by quadrature.

    Parameters
    ----------
    design : Design
    family : Family
    method : {"ML", "REML"}
        Under REML the fixed coefficients are integrated with the random effects.
    quadrature : int
        Nodes of adaptive Gauss-Hermite quadrature; 1 is Laplace.

    Raises
    ------
    ConvergenceError
        When no starting point with a finite likelihood is found.
    """
    with single_blas_thread():
        coordinates = Coordinates.of(design.conditional.X)
        laplace = objective(design, family, coordinates.X, method, quadrature)
        start = starting_values(laplace, design, family, coordinates.X)
        start = profiled_start(laplace, design, start, coordinates.X)
        path, optimum = _optimise(laplace, start)
        return _estimate(design, family, method, coordinates, laplace, path, optimum)


def objective(
    design: Design, family: Family, X: FloatArray, method: str = "ML", quadrature: int = 1
) -> Laplace:
    """What is minimised: f(psi) for a design with fixed part ``X``."""
    if quadrature > 1:
        return Quadrature(design, family, X, quadrature)
    return Laplace(design, family, X, integrate_beta=method == "REML")


def _caps(laplace: Laplace, scale: FloatArray, psi: FloatArray) -> FloatArray:
    """Largest step of each parameter: engine design, section 6."""
    p, t = laplace.n_beta, laplace.n_theta
    caps = 5.0 * scale
    caps[p : p + t] = 1.5 * np.maximum(np.abs(psi[p : p + t]), 0.1 * scale[p : p + t])
    caps[p + t :] = 2.0
    return caps


def _optimise(laplace: Laplace, start: Start) -> tuple[Path, Optimum]:
    zero = laplace.start_modes(start.beta)
    first = laplace.evaluate(start.psi, zero)
    for shrink in (0.5, 0.1, 0.01):
        if first.finite and np.isfinite(first.gradient).all():
            break
        psi = start.psi.copy()
        psi[laplace.n_beta : laplace.n_beta + laplace.n_theta] *= shrink
        first = laplace.evaluate(psi, zero)
    else:
        raise ConvergenceError(
            "no starting point with a finite likelihood was found. Check the response and the "
            "link: an inverse or square-root link needs positive linear predictors."
        )
    path = _run(laplace, start, first)
    path.iterates[:0] = [psi for psi, _ in start.path]
    path.values[:0] = [value for _, value in start.path]
    path.evaluations += len(start.path)
    optimum = settle(laplace, path, start.scale)
    for elsewhere in _other_starts(laplace, start, optimum):
        path, optimum = _better(laplace, start, elsewhere, path, optimum)
    if optimum.boundary_is_true:
        other = second_valley(laplace, optimum, start.scale)
    else:
        other = escape(laplace, optimum, start.scale)
    if other is not None:
        path, optimum = _better(laplace, start, other, path, optimum)
    return path, optimum


def _other_starts(laplace: Laplace, start: Start, optimum: Optimum) -> list[FloatArray]:
    """Smaller and larger random effects, where f may have several minima.

    Log-densities that are not concave (Student t, zero inflation, ...) make f bumpy in the
    variances; on data where a descent costs milliseconds two more are worth it.
    """
    if not (cheap_batch(laplace) and laplace.n_theta):
        return []
    piece, point = laplace.at_mode(optimum.at)
    if not piece.may_have_other_modes(point):
        return []
    theta = slice(laplace.n_beta, laplace.n_beta + laplace.n_theta)
    small, large = start.psi.copy(), optimum.at.psi.copy()
    small[theta] *= 0.2
    large[theta] = 3.0 * start.psi[theta]
    return [small, large]


def _better(
    laplace: Laplace, start: Start, psi: FloatArray, path: Path, optimum: Optimum
) -> tuple[Path, Optimum]:
    """The lower of an optimum and the one reached from psi."""
    first = laplace.evaluate(psi, laplace.start_modes(start.beta))
    if not first.finite or not np.isfinite(first.gradient).all():
        return path, optimum
    second = _run(laplace, start, first)
    if not float(second.best.f) < float(optimum.at.f) - 1e-9:
        return path, optimum
    second.evaluations += path.evaluations
    return second, settle(laplace, second, start.scale)


def _run(laplace: Laplace, start: Start, first: Evaluation) -> Path:
    def curvature(at: Evaluation) -> FloatArray:
        return starting_curvature(laplace, at, start.scale)

    return minimise(
        laplace.evaluate,
        first,
        curvature(first),
        lambda psi: _caps(laplace, start.scale, psi),
        refresh=curvature if cheap_batch(laplace) else None,
    )


def _estimate(
    design: Design,
    family: Family,
    method: str,
    coordinates: Coordinates,
    laplace: Laplace,
    path: Path,
    optimum: Optimum,
) -> Estimate:
    at = optimum.at
    _, theta, gammas = laplace.split(at.psi)
    beta, cov, llf = _on_the_formula_scale(method, coordinates, laplace, optimum)
    p = len(beta)
    auxiliary, first = {}, p + laplace.n_theta
    for name, gamma in zip(family.auxiliary, gammas, strict=True):
        block = slice(first, first + len(gamma))
        auxiliary[name] = frames.part_estimate(design.auxiliary[name], gamma, cov[block, block])
        first += len(gamma)
    theta_names = frames.theta_names(laplace)
    eta, aux = frames.predictors(design, laplace, at, gammas)
    separated = separated_coefficients(design, family, eta)
    raised = verdict.convergence_warnings(laplace, path, optimum, separated)
    raised += [
        BoundaryWarning(said) for said in boundary_sentences(family, auxiliary, design.auxiliary)
    ]
    for warning in raised:
        python_warnings.warn(warning, stacklevel=4)
    return Estimate(
        family=family,
        design=design,
        method=method,
        quadrature=len(laplace.nodes) if isinstance(laplace, Quadrature) else 1,
        conditional=frames.part_estimate(design.conditional, beta, cov[:p, :p]),
        auxiliary=auxiliary,
        theta=theta,
        theta_names=theta_names,
        cov_full=cov,
        full_names=(
            *design.conditional.names,
            *theta_names,
            *frames.gamma_names(design, family),
        ),
        random_covariance=frames.random_covariance(laplace, theta),
        modes=frames.modes(laplace, at, theta),
        llf=llf,
        npar=len(cov),
        eta=eta,
        aux=aux,
        singular=verdict.singular_terms(laplace, optimum),
        separated=separated,
        converged=not any(isinstance(w, ConvergenceWarning) for w in raised),
        optimization=verdict.record(laplace, path, optimum),
        warnings=tuple(raised),
    )


def _on_the_formula_scale(
    method: str, coordinates: Coordinates, laplace: Laplace, optimum: Optimum
) -> tuple[FloatArray, FloatArray, float]:
    """Coefficients of X itself, the covariance of (beta, theta, gamma), the log-likelihood."""
    at, A, p = optimum.at, coordinates.A, laplace.p
    cov_psi = _covariance(optimum)
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
    return A @ at.modes.dense[q:], cov, -float(at.f) - coordinates.log_determinant


# -- covariance ------------------------------------------------------------------------------


def _covariance(optimum: Optimum) -> FloatArray:
    """Inverse Hessian of the free parameters; NaN for parameters on the boundary."""
    free = optimum.free
    cov = np.full(optimum.hessian.shape, np.nan)
    h = optimum.hessian[np.ix_(free, free)]
    if not len(h) or not np.isfinite(h).all():
        return cov
    d = np.sqrt(np.maximum(np.abs(np.diag(h)), 1e-300))
    try:
        factor = linalg.cho_factor(h / np.outer(d, d), lower=True)
    except linalg.LinAlgError:
        return cov
    cov[np.ix_(free, free)] = linalg.cho_solve(factor, np.eye(len(h))) / np.outer(d, d)
    return cov


def _reml_covariance(
    laplace: Laplace, optimum: Optimum, cov_psi: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """(H~^-1)_XX + J V_psi J' and J = d beta_hat / d psi, by central differences."""
    at, free = optimum.at, np.flatnonzero(optimum.free)
    q = laplace.structure.pattern.q
    piece, point = laplace.at_mode(at)
    inside = piece.factor(point).dense_inverse()[q:, q:]
    J = np.zeros((len(inside), laplace.size))
    if not len(free) or not np.isfinite(cov_psi[np.ix_(free, free)]).all():
        return inside, J
    h = np.zeros(laplace.size)
    h[free] = 1e-3 * np.sqrt(np.diag(cov_psi)[free])
    _, dense = gradients(laplace, at, h, free, both_ways=True)
    up, down = dense[: len(free)], dense[len(free) :]
    J[:, free] = ((up - down)[:, q:] / (2.0 * h[free])[:, None]).T
    return inside + J @ np.nan_to_num(cov_psi) @ J.T, J
