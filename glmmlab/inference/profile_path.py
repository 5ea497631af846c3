r"""The likelihood along one parameter, the others optimised at each of its values.

Every reported parameter fixes a linear subspace of the outer parameters psi:

=====================  ==================================================================
coefficient beta_j     (A beta~)_j = v, A the map from the orthonormalised design
auxiliary coefficient  gamma_j = v
standard deviation     theta_11 = v, the Cholesky factor with this effect in its first row
correlation            (theta_21, theta_22) = s (v, sqrt(1 - v^2)), the pair in rows 1 and 2
=====================  ==================================================================

so psi = origin(v) + N(v) phi with orthonormal columns of N, and the optimiser of the fit works
on phi.  The order of the effects of one term is free: its Cholesky factor follows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from glmmlab._types import BoolArray, FloatArray
from glmmlab.design.objects import theta_positions
from glmmlab.estimate.fit import objective
from glmmlab.estimate.optimise import minimise
from glmmlab.estimate.search_curvature import fresh_curvature
from glmmlab.estimate.start import starting_values
from glmmlab.inference.modes import cholesky_factors
from glmmlab.laplace import Evaluation, Modes

if TYPE_CHECKING:
    from glmmlab.design import Design
    from glmmlab.estimate.result import Estimate
    from glmmlab.inference.parameters import Parameter

TOLERANCE = 1e-10
"""Decrease of f left to the optimiser at each point: zeta is right to about 1e-5."""


@dataclass
class Point:
    """The optimum with the parameter fixed at a value."""

    value: float
    zeta: float
    psi: FloatArray
    modes: Modes


class Surface:
    """The objective of a fit ready to be walked on: f, its optimum, its curvature there.

    Parameters
    ----------
    estimate : Estimate
    order : (term, permutation), optional
        The effects of one random term in another order.
    """

    def __init__(
        self, estimate: Estimate, order: tuple[int, tuple[int, ...]] | None = None
    ) -> None:
        design = estimate.design if order is None else _reordered(estimate.design, *order)
        self.laplace = objective(design, estimate.family, estimate.method, estimate.quadrature)
        self.A = self.laplace.coordinates.A
        kept = estimate.conditional.estimable
        beta = np.asarray(np.linalg.solve(self.A, estimate.conditional.params[kept]), dtype=float)
        gammas = [part.params[part.estimable] for part in estimate.auxiliary.values()]
        psi = np.concatenate([beta[: self.laplace.n_beta], _theta(estimate, order), *gammas])
        self.start = self.laplace.start_modes(beta)
        self.best = self.laplace.evaluate(psi, self.start)
        self.scale = starting_values(self.laplace, design, estimate.family).scale
        self.hessian = fresh_curvature(self.laplace, self.best, self.scale)


def _reordered(design: Design, term: int, order: tuple[int, ...]) -> Design:
    random = list(design.random)
    old = random[term]
    names = tuple(old.names[i] for i in order)
    random[term] = replace(old, names=names, Z=np.ascontiguousarray(old.Z[:, list(order)]))
    return replace(design, random=tuple(random))


def _theta(estimate: Estimate, order: tuple[int, tuple[int, ...]] | None) -> FloatArray:
    """The entries of the Cholesky factors, those of one term for another order of its effects."""
    values: list[float] = []
    for t, (term, factor) in enumerate(
        zip(estimate.design.random, cholesky_factors(estimate), strict=True)
    ):
        if order is not None and order[0] == t:
            factor = factor[list(order[1])]
            if not term.diagonal:
                upper = np.asarray(np.linalg.qr(factor.T, mode="r"))
                factor = (upper * np.where(np.diag(upper) < 0, -1.0, 1.0)[:, None]).T
            else:
                factor = factor[:, list(order[1])]
        values += [float(factor[i, j]) for i, j in theta_positions(term)]
    return np.array(values)


class Track:
    """The path of optima along one parameter of a model."""

    def __init__(self, estimate: Estimate, parameter: Parameter) -> None:
        self.parameter = parameter
        self.surface = Surface(estimate, _order(estimate, parameter))
        self.direction = self._direction(estimate)
        self.first = float(parameter.value)
        if parameter.reported:
            part = list(estimate.auxiliary.values())[parameter.place[0]]
            self.first = float(part.params[0])
        self.improved = 0.0
        self._curvature: FloatArray | None = None
        self.tested = self._tested_at_zero()

    @property
    def origin_point(self) -> Point:
        """The estimate itself."""
        best = self.surface.best
        return Point(self.first, 0.0, best.psi, best.modes)

    def _direction(self, estimate: Estimate) -> FloatArray:
        """The a of a'psi = v (of a correlation: of theta_21, the first of its two entries)."""
        laplace, place = self.surface.laplace, self.parameter.place
        a = np.zeros(laplace.size)
        if self.parameter.kind == "coefficient":
            a[: laplace.n_beta] = self.surface.A[place[0]]
        elif self.parameter.kind == "auxiliary":
            start = laplace.n_beta + laplace.n_theta + sum(laplace.aux_sizes[: place[0]])
            a[start + place[1]] = 1.0
        else:
            before = sum(len(theta_positions(t)) for t in estimate.design.random[: place[0]])
            first = 1 if self.parameter.kind == "correlation" else 0
            a[laplace.n_beta + before + first] = 1.0
        return a

    def _subspace(self, value: float) -> tuple[FloatArray, FloatArray]:
        """Origin and orthonormal directions of the psi with the parameter at a value."""
        a = self.direction
        if self.parameter.kind == "correlation":
            at = int(np.flatnonzero(a)[0])
            N = np.delete(np.eye(len(a)), at + 1, axis=1)
            N[[at, at + 1], at] = value, np.sqrt(max(0.0, 1.0 - value * value))
            return np.zeros(len(a)), N
        origin = a / float(a @ a) * value
        if np.count_nonzero(a) == 1:
            return origin, np.delete(np.eye(len(a)), int(np.flatnonzero(a)[0]), axis=1)
        q = np.linalg.qr(np.column_stack([a, np.eye(len(a))]))[0]
        return origin, q[:, 1 : len(a)]

    def _tested_at_zero(self) -> BoolArray:
        """Diagonal entries of Lambda that stand at zero, where the gradient is zero too."""
        laplace = self.surface.laplace
        zero = np.zeros(laplace.size, dtype=bool)
        for s in laplace.structure.slots:
            zero[laplace.n_beta + s.theta.start + np.flatnonzero(s.rows == s.cols)] = True
        return zero

    def restart(self) -> None:
        """Forget the curvature learnt on the way: the next walk begins at the estimate."""
        self._curvature = None

    def typical_step(self) -> float:
        """About one standard error."""
        if self.parameter.kind == "correlation":
            levels = len(self.surface.laplace.structure.terms[self.parameter.place[0]].levels)
            return max(1.0 - self.first**2, 0.1) / np.sqrt(max(levels, 4))
        a = self.direction
        return float(np.sqrt(a @ np.linalg.solve(self.surface.hessian, a)))

    def solve(self, value: float, last: Point, before: Point | None = None) -> Point:
        """The optimum with the parameter at `value`, started from the points already known."""
        surface = self.surface
        psi = last.psi.copy()
        if before is not None and before.value != last.value:
            psi = psi + (last.psi - before.psi) * (value - last.value) / (last.value - before.value)
        stuck = self.tested & (np.abs(psi) < 1e-4 * surface.scale)
        psi = np.where(stuck, 0.05 * surface.scale, psi)
        origin, N = self._subspace(value)
        start = self._evaluate(origin, N, N.T @ (psi - origin), last.modes)
        if not start.finite and before is not None:
            start = self._evaluate(origin, N, N.T @ (last.psi - origin), last.modes)
        if not start.finite:
            return Point(value, np.nan, psi, last.modes)
        best = self._descend(origin, N, start)
        gain = float(best.f) - float(surface.best.f)
        self.improved = min(self.improved, gain)
        return Point(value, float(np.sqrt(max(0.0, 2.0 * gain))), origin + N @ best.psi, best.modes)

    def _evaluate(
        self, origin: FloatArray, N: FloatArray, phi: FloatArray, modes: Modes | None
    ) -> Evaluation:
        whole = self.surface.laplace.evaluate(origin + N @ phi, modes)
        return Evaluation(phi, whole.f, N.T @ whole.gradient, whole.modes, whole.newton_steps)

    def _descend(self, origin: FloatArray, N: FloatArray, start: Evaluation) -> Evaluation:
        if not N.shape[1]:
            return start
        if self._curvature is None or self.parameter.kind == "correlation":
            self._curvature = N.T @ self.surface.hessian @ N
        caps = 5.0 / np.sqrt(np.maximum(np.diag(self._curvature), 1e-12))
        path = minimise(
            lambda phi, modes: self._evaluate(origin, N, phi, modes),
            start,
            self._curvature,
            lambda phi: caps,
            tolerance=TOLERANCE,
            max_iterations=200,
        )
        self._curvature = path.hessian
        return path.best


def _order(estimate: Estimate, parameter: Parameter) -> tuple[int, tuple[int, ...]] | None:
    """The order of a term's effects that brings the parameter's own to the front."""
    if parameter.kind not in ("sd", "correlation"):
        return None
    term, *front = parameter.place
    k = len(estimate.design.random[term].names)
    order = (*front, *(i for i in range(k) if i not in front))
    return None if order == tuple(range(k)) else (term, order)
