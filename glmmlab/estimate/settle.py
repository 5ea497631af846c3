"""After the optimiser: canonical Cholesky factors, variances at zero, the polished optimum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from glmmlab._types import BoolArray, FloatArray
from glmmlab.blocks import RandomStructure
from glmmlab.blocks.structure import Slot
from glmmlab.estimate.curvature import PRECISE, finite_difference_hessian
from glmmlab.estimate.optimise import Path, positive_definite
from glmmlab.laplace import Evaluation, Laplace, Modes

NEAR_ZERO = 0.05
"""Columns of Lambda below this share of their natural size are tried at exactly zero."""
FAR_OUT, FLAT = 8.0, 1e-4
"""On a log or logit scale: how far out, and how little information, means no information."""
WORTH_A_LOOK = 0.3
"""How far above the minimum a point may lie to be descended from again."""


@dataclass(frozen=True)
class Optimum:
    """The final point and its curvature."""

    at: Evaluation
    hessian: FloatArray
    free: BoolArray
    boundary_is_true: bool

    @property
    def smallest_eigenvalue(self) -> float:
        """Of the Hessian of the free parameters, scaled to a unit diagonal."""
        h = self.hessian[np.ix_(self.free, self.free)]
        if not len(h):
            return np.inf
        if not np.isfinite(h).all():
            return np.nan
        d = np.sqrt(np.maximum(np.abs(np.diag(h)), 1e-300))
        return float(np.linalg.eigvalsh(h / np.outer(d, d)).min())


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
    at, zero = _zeros(laplace, path.best, scale)
    if not zero[laplace.n_beta : laplace.n_beta + laplace.n_theta].all():
        at, zero = _zeros(laplace, _canonical_point(laplace, path.best), scale)
    free = ~zero
    at, _ = _polish(laplace, at, path.hessian, free)
    hessian = _hessian(laplace, at, path.hessian, scale, zero)
    at, decrease = _polish(laplace, at, hessian, free, enough=1e-20)
    if decrease > 1e-12:  # the point moved: so did its curvature
        hessian = _hessian(laplace, at, hessian, scale, zero)
    free &= ~_flat(laplace, at, hessian)
    return Optimum(at, hessian, free, _true_boundary(hessian, zero))


def _flat(laplace: Laplace, at: Evaluation, hessian: FloatArray) -> BoolArray:
    """Auxiliary coefficients far out where f no longer depends on them.

    A dispersion or a zero inflation at the end of its range has no standard error; left among
    the free parameters its rounding errors would cost all others theirs.
    """
    gamma = np.arange(laplace.size) >= laplace.n_beta + laplace.n_theta
    return gamma & (np.abs(at.psi) > FAR_OUT) & ~(np.diag(hessian) > FLAT)


def _polish(
    laplace: Laplace,
    at: Evaluation,
    hessian: FloatArray,
    free: BoolArray,
    steps: int = 3,
    enough: float = 1e-15,
) -> tuple[Evaluation, float]:
    """Newton steps with a fixed Hessian; also the decrease that the first one promised."""
    curvature = positive_definite(hessian[np.ix_(free, free)])
    promised = 0.0
    for i in range(steps):
        gradient = at.gradient[free]
        step = -np.linalg.solve(curvature, gradient)
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
    """The final point on canonical factors, its mode found afresh."""
    p, t = laplace.n_beta, laplace.n_theta
    psi = best.psi.copy()
    psi[p : p + t] = canonical(laplace.structure, psi[p : p + t])
    beta = best.modes.dense[laplace.structure.pattern.q :]
    fresh = laplace.evaluate(psi, laplace.start_modes(beta), decrement=PRECISE)
    if fresh.finite and float(fresh.f) <= float(best.f) + 1e-9 * (1.0 + abs(float(best.f))):
        return fresh
    warm = laplace.evaluate(best.psi, best.modes, decrement=PRECISE)
    return warm if warm.finite else best


def _zeros(laplace: Laplace, at: Evaluation, scale: FloatArray) -> tuple[Evaluation, BoolArray]:
    """Set columns of Lambda to exactly zero where f is not lower beside it."""
    p = laplace.n_beta
    zero = np.zeros(laplace.size, dtype=bool)
    for group in columns_of(laplace.structure):
        index = np.array(group) + p
        if np.all(np.abs(at.psi[index]) < NEAR_ZERO * scale[index]):
            psi = at.psi.copy()
            psi[index] = 0.0
            trial = laplace.evaluate(psi, at.modes, decrement=PRECISE)
            if trial.finite and float(trial.f) <= float(at.f) + 1e-8:
                at = trial
                zero[index] = True
    return at, zero


def _hessian(
    laplace: Laplace, at: Evaluation, guess: FloatArray, scale: FloatArray, zero: BoolArray
) -> FloatArray:
    curvature = np.diag(guess)
    steps = 1e-3 / np.sqrt(np.maximum(curvature, 1e-300))
    steps = np.where(zero, 1e-3 * scale, np.minimum(steps, 0.05 * scale + 0.05 * np.abs(at.psi)))
    hessian = finite_difference_hessian(laplace, at, steps)
    for shrink in (0.1, 0.01):
        if np.isfinite(hessian).all():
            break
        hessian = finite_difference_hessian(laplace, at, shrink * steps)
    return 0.5 * (hessian + hessian.T)


def _true_boundary(hessian: FloatArray, zero: BoolArray) -> bool:
    """Whether f curves upwards in every direction that leaves a zero variance."""
    if not zero.any():
        return True
    block = hessian[np.ix_(zero, zero)]
    if not np.isfinite(block).all():
        return True
    return bool(np.linalg.eigvalsh(block).min() > -1e-6 * max(1.0, float(np.abs(block).max())))


def escape(laplace: Laplace, optimum: Optimum, scale: FloatArray) -> FloatArray:
    """A start away from a false zero: along the direction in which f falls fastest."""
    theta = np.arange(laplace.size) < laplace.n_beta + laplace.n_theta
    zero = ~optimum.free & theta
    block = optimum.hessian[np.ix_(zero, zero)]
    _, vectors = np.linalg.eigh(block)
    psi = optimum.at.psi.copy()
    psi[zero] = 0.5 * scale[zero] * vectors[:, 0] / max(np.abs(vectors[:, 0]).max(), 1e-12)
    return psi


def second_valley(laplace: Laplace, optimum: Optimum, scale: FloatArray) -> FloatArray | None:
    """A start for another minimum of f, if one is likely: variances at zero and away from it.

    f may have a minimum with a variance at zero and another with it away from zero.  From a
    positive one, f is looked at with that column of Lambda at zero, from a zero one with it at
    its natural size, the other parameters fixed; a value hardly above the minimum is worth a
    second descent, and so is one below a smaller step's.  Beside a zero in correlated effects
    the other entries move along, so those are always descended from a second time.
    """
    lowest = float(optimum.at.f) + WORTH_A_LOOK
    found: FloatArray | None = None
    for group in columns_of(laplace.structure):
        index = np.array(group) + laplace.n_beta
        if optimum.free[index[0]]:
            trials = [(index, np.zeros(len(index)))]
        elif _has_correlations(laplace, group[0]):
            return _fresh_term(laplace, optimum, scale, group[0])
        else:
            trials = [(index[:1], share * scale[index[:1]]) for share in (0.3, 1.0, 2.0)]
        points = np.tile(optimum.at.psi, (len(trials), 1))
        for psi, (where, values) in zip(points, trials, strict=True):
            psi[where] = values
        last = np.inf
        for i, f in enumerate(_values(laplace, points, optimum.at.modes)):
            small_step = len(trials) > 1 and i == 0
            if (f < lowest and not small_step) or f < last < np.inf:
                found, lowest = points[i], min(f, lowest)
            last = f
    return found


def _values(laplace: Laplace, points: FloatArray, modes: Modes) -> list[float]:
    """f at several points, in one batch where the model allows it."""
    if laplace.batchable:
        found = laplace.evaluate(points, modes, gradient=False).f
        if np.isfinite(found).all():  # one impossible point spoils a batch
            return [float(f) for f in found]
    return [float(laplace.evaluate(psi, modes, gradient=False).f) for psi in points]


def _slot_of(laplace: Laplace, entry: int) -> Slot:
    return next(s for s in laplace.structure.slots if s.theta.start <= entry < s.theta.stop)


def _has_correlations(laplace: Laplace, entry: int) -> bool:
    slot = _slot_of(laplace, entry)
    return len(slot.rows) > slot.size


def _fresh_term(laplace: Laplace, optimum: Optimum, scale: FloatArray, entry: int) -> FloatArray:
    """The optimum with one term's factor set to its natural size, without correlations."""
    slot = _slot_of(laplace, entry)
    index = np.arange(slot.theta.start, slot.theta.stop) + laplace.n_beta
    psi = optimum.at.psi.copy()
    psi[index] = np.where(slot.rows == slot.cols, scale[index], 0.0)
    return psi
