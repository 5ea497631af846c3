"""After the optimiser: canonical Cholesky factors, variances at zero, the polished optimum."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from glmmlab._types import BoolArray, FloatArray
from glmmlab.blocks import RandomStructure
from glmmlab.estimate.curvature import PRECISE, finite_difference_hessian
from glmmlab.estimate.optimise import Path, newton_step, positive_definite
from glmmlab.estimate.search_curvature import cheap_batch, is_small
from glmmlab.laplace import Evaluation, Laplace

NEAR_ZERO = 0.05
"""Columns of Lambda below this share of their natural size are tried at exactly zero."""
NEARBY = 1e-9
"""Decreases of f on large data, where f is nearly a parabola, over which its curvature is one."""
FINE = 0.03
"""Steps of one-sided differences, half the work of central ones, as a share of theirs."""
ASYMMETRY = 1e-4
"""In units of the standard errors; beyond it central differences are taken."""
FAR_OUT, FLAT = 8.0, 1e-4
"""On a log or logit scale: how far out, and how little information, means no information."""


@dataclass(frozen=True)
class Optimum:
    """The final point and its curvature."""

    at: Evaluation
    hessian: FloatArray
    free: BoolArray
    boundary_is_true: bool

    @cached_property
    def smallest_eigenvalue(self) -> float:
        """Of the Hessian of the free parameters, scaled to a unit diagonal."""
        h = self.hessian[np.ix_(self.free, self.free)]
        if not len(h):
            return np.inf
        if not np.isfinite(h).all():
            return np.nan
        return float(np.linalg.eigvalsh(unit_diagonal(h)[0]).min())


def unit_diagonal(h: FloatArray) -> tuple[FloatArray, FloatArray]:
    """D^-1 h D^-1 and d, D = diag(d) the roots of the sizes on h's diagonal.

    Sizes below the rounding error of the largest entry count as that error, so a matrix far from
    positive definite stays finite.
    """
    largest = np.abs(h).max()
    floor = max(np.finfo(float).eps ** 2 * largest, np.finfo(float).tiny)
    d = np.sqrt(np.maximum(np.abs(np.diag(h)), floor))
    return h / d[:, None] / d, d


def canonical(structure: RandomStructure, theta: FloatArray) -> FloatArray:
    """The same covariances with non-negative diagonals; rank lost in the last columns.

    L L' = R'R for the triangular factor R of L', which exists for singular covariances too.
    """
    theta = theta.copy()
    for s, lower in zip(structure.slots, structure.factors(theta), strict=True):
        if len(s.rows) == s.size:
            theta[s.theta] = np.abs(theta[s.theta])
            continue
        upper = np.asarray(np.linalg.qr(lower.T, mode="r"))
        signs = np.where(np.diag(upper) < 0, -1.0, 1.0)
        theta[s.theta] = (upper * signs[:, None]).T[s.rows, s.cols]
    return theta


def columns_of(structure: RandomStructure) -> list[list[int]]:
    """Indices of theta, grouped by column of the Cholesky factors (of each term)."""
    groups = []
    for s in structure.slots:
        for b in range(s.size):
            groups.append([s.theta.start + int(i) for i in np.flatnonzero(s.cols == b)])
    return groups


def settle(laplace: Laplace, path: Path, scale: FloatArray) -> Optimum:
    """Flip signs, test zeros, finish with Newton steps, compute the Hessian where they end."""
    # signs and the inner mode do not matter where every variance is zero, a common end
    at, zero = at_zero(laplace, path.best, scale)
    if not zero[laplace.n_beta : laplace.n_beta + laplace.n_theta].all():
        at, zero = at_zero(laplace, _canonical_point(laplace, path.best), scale)
    free = ~zero
    small = is_small(laplace)
    if small:
        at, _ = _polish(laplace, at, path.hessian, free, enough=1e-13)
    hessian = _hessian(laplace, at, path.hessian, scale, zero)
    at, decrease = _polish(laplace, at, hessian, free, enough=1e-20)
    if decrease > (1e-12 if small else NEARBY):  # the point moved: so did its curvature
        hessian = _hessian(laplace, at, hessian, scale, zero)
    free &= ~_flat(laplace, at, hessian)
    return Optimum(at, hessian, free, _true_boundary(hessian, zero))


def _flat(laplace: Laplace, at: Evaluation, hessian: FloatArray) -> BoolArray:
    """Auxiliary coefficients far out where f no longer depends on them.

    A dispersion or a zero inflation at the end of its range has no standard error; left among
    the free parameters its rounding errors would cost all others theirs.  A coefficient counts
    as far out when it is itself, or when its predictor is in all rows.
    """
    first = laplace.n_beta + laplace.n_theta
    flat = np.zeros(laplace.size, dtype=bool)
    for part, gamma in enumerate(laplace.split(at.psi)[2]):
        columns = [rows.aux[part] for rows in laplace.rows]
        X = (
            np.ones((1, 1))
            if columns[0] is None
            else np.hstack([c for c in columns if c is not None])
        )
        size = np.sqrt(np.mean(X * X, axis=1))
        far = (np.abs(gamma) * size > FAR_OUT) | bool((np.abs(gamma @ X) > FAR_OUT).all())
        index = first + np.arange(len(gamma))
        flat[index] = far & ~(np.diag(hessian)[index] > FLAT * size * size)
        first += len(gamma)
    return flat


def _polish(
    laplace: Laplace,
    at: Evaluation,
    hessian: FloatArray,
    free: BoolArray,
    enough: float,
    steps: int = 3,
) -> tuple[Evaluation, float]:
    """Newton steps with a fixed Hessian until one promises no more than `enough`.

    Also the decrease that the first one promised.
    """
    curvature = positive_definite(hessian[np.ix_(free, free)])
    promised = 0.0
    for i in range(steps):
        gradient = at.gradient[free]
        step = newton_step(curvature, gradient)
        decrease = -0.5 * float(gradient @ step)
        promised = decrease if i == 0 else promised
        if not enough < decrease < 1e-3:
            break
        psi = at.psi.copy()
        psi[free] += step
        new = laplace.evaluate(psi, at.modes, decrement=PRECISE)
        if not new.finite or float(new.f) > float(at.f) + 1e-11 * (1.0 + abs(float(at.f))):
            break
        at = new
    return at, promised


def _canonical_point(laplace: Laplace, best: Evaluation) -> Evaluation:
    """The final point on canonical factors; where that moves it, its mode is found afresh."""
    p, t = laplace.n_beta, laplace.n_theta
    psi = best.psi.copy()
    psi[p : p + t] = canonical(laplace.structure, psi[p : p + t])
    if np.array_equal(psi, best.psi):  # evaluate looks for higher modes where there may be any
        if best.concave and best.decrement <= PRECISE:
            return best
        start = best.modes
    else:
        start = laplace.start_modes(best.modes.dense[laplace.structure.pattern.q :])
    fresh = laplace.evaluate(psi, start, decrement=PRECISE)
    if fresh.finite and float(fresh.f) <= float(best.f) + 1e-9 * (1.0 + abs(float(best.f))):
        return fresh
    warm = laplace.evaluate(best.psi, best.modes, decrement=PRECISE)
    return warm if warm.finite else best


def at_zero(laplace: Laplace, at: Evaluation, scale: FloatArray) -> tuple[Evaluation, BoolArray]:
    """Set columns of Lambda to exactly zero where f is not lower beside it."""
    zero = np.zeros(laplace.size, dtype=bool)
    near = np.abs(at.psi) < NEAR_ZERO * scale
    p, t = laplace.n_beta, laplace.n_theta
    for group in columns_of(laplace.structure) if near[p : p + t].any() else []:
        index = np.array(group) + p
        if near[index].all():
            psi = at.psi.copy()
            psi[index] = 0.0
            there = at.decrement <= PRECISE and not at.psi[index].any()
            trial = at if there else laplace.evaluate(psi, at.modes, decrement=PRECISE)
            if trial.finite and float(trial.f) <= float(at.f) + 1e-8:
                at = trial
                zero[index] = True
    return at, zero


def _hessian(
    laplace: Laplace, at: Evaluation, guess: FloatArray, scale: FloatArray, zero: BoolArray
) -> FloatArray:
    curvature = np.diag(guess)
    steps = 5e-4 / np.sqrt(np.maximum(curvature, 1e-300))
    steps = np.where(zero, 5e-4 * scale, np.minimum(steps, 0.05 * scale + 0.05 * np.abs(at.psi)))
    hessian = laplace.hessian(at, steps)
    if hessian is None and laplace.n_beta and not laplace.split(at.psi)[1].any():
        hessian = _without_random(laplace, at, steps)
    if hessian is None and not cheap_batch(laplace):
        hessian = _economical(laplace, at, steps)
    if hessian is None:
        hessian = finite_difference_hessian(laplace, at, steps)
    for shrink in (0.1, 0.01):
        if np.isfinite(hessian).all():
            break
        hessian = finite_difference_hessian(laplace, at, shrink * steps)
    return 0.5 * (hessian + hessian.T)


def _without_random(laplace: Laplace, at: Evaluation, steps: FloatArray) -> FloatArray:
    """Where theta is zero or there is none: X'WX in beta, differences in the others."""
    p = laplace.n_beta
    others = np.arange(p, laplace.size)
    hessian = np.zeros((laplace.size, laplace.size))
    hessian[:, others] = finite_difference_hessian(laplace, at, steps, others)
    hessian[others, :p] = hessian[:p, others].T
    for i, rows in enumerate(laplace.rows):
        _, point = laplace.at_mode(at, i)
        hessian[:p, :p] -= (rows.X * point.parts[3]) @ rows.X.T
    return hessian


def _economical(laplace: Laplace, at: Evaluation, steps: FloatArray) -> FloatArray | None:
    """One-sided differences in beta, where f is nearly a parabola; None if it is not.

    Errors of one-sided differences are not symmetric, so that the matrix itself shows them.
    """
    p = laplace.n_beta
    beta, others = np.arange(p), np.arange(p, laplace.size)
    hessian = np.empty((laplace.size, laplace.size))
    hessian[:, beta] = finite_difference_hessian(laplace, at, FINE * steps, beta, central=False)
    hessian[:, others] = finite_difference_hessian(laplace, at, steps, others)
    if not np.isfinite(hessian).all():
        return None
    scaled, _ = unit_diagonal(hessian)
    if p and not np.abs(scaled - scaled.T).max() < ASYMMETRY:
        return None
    hessian[others, :p] = hessian[:p, others].T
    return 0.5 * (hessian + hessian.T)


def _true_boundary(hessian: FloatArray, zero: BoolArray) -> bool:
    """Whether f curves upwards in every direction that leaves a zero variance."""
    if not zero.any():
        return True
    block = hessian[np.ix_(zero, zero)]
    if not np.isfinite(block).all():
        return True
    return bool(np.linalg.eigvalsh(block).min() > -1e-6 * max(1.0, float(np.abs(block).max())))
