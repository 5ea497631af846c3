"""A small dense quasi-Newton method with step caps and no bounds.

The parameters are few and the gradient exact.  Variances are not bounded: f is even in every
column of every Cholesky factor, and a bound would turn zero into a trap where the projected
gradient vanishes.  The caps keep a first, badly scaled step from jumping over the valley.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from scipy import linalg

from glmmlab._types import FloatArray
from glmmlab.laplace import Evaluation, Modes

ARMIJO = 1e-4
MAX_ITERATIONS = 500
MAX_EVALUATIONS = 3000
MAX_HALVINGS = 30
MAX_STALLED = 3
"""Steps in a row that gain nothing but rounding."""
NEAR = 0.1
"""Predicted decrease of f below which the optimum is near and fresh curvature pays."""

Objective = Callable[[FloatArray, Modes | None], Evaluation]
Caps = Callable[[FloatArray], FloatArray]
Refresh = Callable[[Evaluation], tuple[Evaluation, FloatArray]]


@dataclass
class Path:
    """Where the optimiser went."""

    best: Evaluation
    hessian: FloatArray
    predicted_decrease: float
    converged: bool
    message: str
    evaluations: int
    degenerate: bool = False
    walled: bool = False
    """Whether the search ended beside points at which f is not to be had."""
    iterates: list[FloatArray] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def reach(self, at: Evaluation) -> Evaluation:
        """Note the next point, the best so far."""
        self.best = at
        self.iterates.append(at.psi)
        self.values.append(float(at.f))
        return at


def positive_definite(matrix: FloatArray, floor: float = 1e-6) -> FloatArray:
    """The nearest usable curvature: eigenvalues by absolute value, small ones raised.

    The matrix is scaled to a unit diagonal first, so that the floor is free of units.
    """
    matrix = 0.5 * (matrix + matrix.T)
    if not np.isfinite(matrix).all():
        # a difference that failed: keep what is known of the diagonal
        known = matrix.diagonal()
        matrix = np.diag(np.where(np.isfinite(known), known, 1.0))
    # the scaled matrix's eigenvalues are at most its size: above the floor if this can be taken
    lowered = matrix.copy()
    lowered.flat[:: len(matrix) + 1] *= 1.0 - floor * max(1, len(matrix))
    if linalg.lapack.dpotrf(lowered, lower=1)[1] == 0:
        return matrix
    d = np.sqrt(np.maximum(np.abs(matrix.diagonal()), 1e-12))
    scaled = matrix / d / d[:, None]
    values, vectors = linalg.eigh(scaled)
    values = np.maximum(np.abs(values), floor * max(1.0, float(np.abs(values).max())))
    return np.asarray((vectors * values) @ vectors.T * np.outer(d, d))


def minimise(
    objective: Objective,
    start: Evaluation,
    hessian: FloatArray,
    caps: Caps,
    refresh: Refresh | None = None,
    degenerate: Callable[[Evaluation], bool] | None = None,
    tolerance: float = 1e-9,
    max_iterations: int = MAX_ITERATIONS,
) -> Path:
    """Damped BFGS with Armijo backtracking by quadratic interpolation.

    Parameters
    ----------
    objective : callable
        ``objective(psi, modes)`` evaluates f and its gradient, warm-started at ``modes``.
    start : Evaluation
        The finite starting point.
    hessian : ndarray, shape (d, d)
        Starting curvature, positive definite.
    caps : callable
        Largest allowed |step| of each parameter at a point.
    refresh : callable, optional
        The point itself or another close by where f is no higher, and the true curvature there;
        asked for once, near the optimum.
    degenerate : callable, optional
        Whether f falls without bound from a point on, so that the search must stop there.
    tolerance : float
        Stop when the quadratic model predicts a smaller decrease of f.
    """
    path = Path(start, hessian.copy(), np.inf, False, "", 1)
    current, stalled = path.reach(start), 0
    for _ in range(max_iterations):
        if degenerate is not None and degenerate(current):
            path.degenerate, path.message = True, "f falls without bound"
            break
        direction = newton_step(path.hessian, current.gradient)
        slope = float(current.gradient @ direction)
        path.predicted_decrease = -0.5 * slope
        if refresh is not None and tolerance < path.predicted_decrease < NEAR:
            at, path.hessian = refresh(current)
            refresh = None
            if at is not current:
                current = path.reach(at)
                path.evaluations += 1
            direction = newton_step(path.hessian, current.gradient)
            slope = float(current.gradient @ direction)
            path.predicted_decrease = -0.5 * slope
        if path.predicted_decrease < tolerance:
            path.converged, path.message = True, "predicted decrease below the tolerance"
            break
        longest = float(np.max(np.abs(direction) / caps(current.psi), initial=0.0))
        if longest > 1.0:
            direction, slope = direction / longest, slope / longest
        if path.evaluations >= MAX_EVALUATIONS:
            path.message = f"evaluation limit ({MAX_EVALUATIONS}) reached"
            break
        new = _search(objective, current, direction, slope, path)
        gain = 0.0 if new is None else float(current.f) - float(new.f)
        stalled = stalled + 1 if gain < 1e-12 * (1.0 + abs(float(current.f))) else 0
        if new is None or stalled == MAX_STALLED:
            path.message = "no lower point along the search direction"
            if path.walled:
                path.message = (
                    "the approximation of the likelihood breaks down beside the last point (the "
                    "groups are too small for this model: try a simpler one, or quadrature=9 and "
                    "more)"
                )
            break
        _update(path, new.psi - current.psi, new.gradient - current.gradient)
        current = path.reach(new)
    else:
        path.message = f"iteration limit ({max_iterations}) reached"
    return path


def newton_step(hessian: FloatArray, gradient: FloatArray) -> FloatArray:
    """-H^-1 g for a positive definite H; :func:`positive_definite` makes it one otherwise.

    >>> newton_step(np.diag([2.0, 4.0]), np.array([1.0, -1.0]))
    array([-0.5 ,  0.25])
    """
    step = solve_positive_definite(hessian, gradient)
    if step is not None:
        return -step
    factor, _ = linalg.lapack.dpotrf(positive_definite(hessian), lower=1)
    return -np.asarray(linalg.lapack.dpotrs(factor, gradient, lower=1)[0])


def solve_positive_definite(H: FloatArray, b: FloatArray) -> FloatArray | None:
    """H^-1 b; None where H is not positive definite, or not finite."""
    factor, info = linalg.lapack.dpotrf(H, lower=1)
    return None if info != 0 else np.asarray(linalg.lapack.dpotrs(factor, b, lower=1)[0])


def _search(
    objective: Objective,
    current: Evaluation,
    direction: FloatArray,
    slope: float,
    path: Path,
) -> Evaluation | None:
    """The first point along the direction with a sufficient decrease."""
    f0 = float(current.f)
    slack = 1e-12 * (1.0 + abs(f0))
    t = 1.0
    path.walled = False
    for _ in range(MAX_HALVINGS):
        new = objective(current.psi + t * direction, current.modes)
        path.evaluations += 1
        f1 = float(new.f)
        if np.isfinite(f1) and np.isfinite(new.gradient).all():
            if f1 <= f0 + ARMIJO * t * slope + slack:
                return new
            curvature = f1 - f0 - slope * t
            best = -0.5 * slope * t * t / curvature if curvature > 0 else 0.5 * t
            t = float(np.clip(best, 0.1 * t, 0.6 * t))
        else:
            path.walled = True
            t *= 0.25
    return None


def _update(path: Path, s: FloatArray, y: FloatArray) -> None:
    """Powell's damped BFGS update of the Hessian."""
    B = path.hessian
    Bs = B @ s
    sBs, sy = float(s @ Bs), float(s @ y)
    if sBs <= 0.0:
        return
    if sy < 0.2 * sBs:
        weight = 0.8 * sBs / (sBs - sy)
        y = weight * y + (1.0 - weight) * Bs
        sy = float(s @ y)
    path.hessian = B - np.outer(Bs, Bs) / sBs + np.outer(y, y) / sy
