"""One chunk of rows at one psi: Newton's method for the mode, f and its gradient there.

The letters are those of :mod:`glmmlab.laplace`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from glmmlab._types import FloatArray
from glmmlab.blocks import Factor, Pattern
from glmmlab.blocks.elimination import sum_products
from glmmlab.families.base import AuxValues, Family

if TYPE_CHECKING:
    from glmmlab.laplace.objective import Laplace

MAX_NEWTON = 100
CHORDS, EXACT = 2, 1e-18
"""Steps with the curvature of a neighbouring point, and the Newton decrement they aim at."""


@dataclass
class Rows:
    """The data of one chunk, sorted by the eliminated factor."""

    pattern: Pattern
    obs: Any
    X: FloatArray
    offset: FloatArray | None
    weights: FloatArray | None
    aux: tuple[FloatArray | None, ...]
    fixed_constant: FloatArray | None = None
    """What :meth:`constant` is at every psi, where there are no auxiliary predictors."""

    @property
    def n(self) -> int:
        """How many."""
        return self.X.shape[1]

    def fixed(self, beta: FloatArray) -> FloatArray:
        """The linear predictors without random effects, shape (..., n)."""
        eta = beta @ self.X
        return eta if self.offset is None else eta + self.offset

    def constant(self, family: Family, aux: AuxValues) -> FloatArray:
        """The part of the log-likelihood that does not involve eta, shape (...)."""
        if self.fixed_constant is not None:
            return self.fixed_constant
        each = np.asarray(family.normaliser(self.obs, aux))
        if self.weights is not None:
            each = self.weights * each
        if not each.ndim or each.shape[-1] != self.n:
            each = np.broadcast_to(each, np.broadcast_shapes(each.shape, (self.n,)))
        total = np.asarray(each.sum(axis=-1))
        if not family.auxiliary:
            self.fixed_constant = total
        return total


@dataclass
class Point:
    """Everything known at one value of u."""

    u: FloatArray
    dense: FloatArray
    parts: tuple[FloatArray, ...]
    objective: FloatArray
    aux_d1: tuple[FloatArray, ...] = ()
    """d1_a of every auxiliary predictor, once the gradient has needed them."""
    decrement: float = 0.0
    """Newton's, once it is known."""
    sums: dict[int, FloatArray] = field(default_factory=dict)
    """Of derivatives over the levels, where they have been needed."""


@dataclass
class Begin:
    """Where Newton's method starts: values of u, and the factor of H close by if there is one."""

    u: FloatArray
    dense: FloatArray
    factor: Factor | None = None


def expand(u: FloatArray, psi: FloatArray) -> FloatArray:
    """Values of u, shape (k, G), with an axis for the batch of psi."""
    return u[:, None] if psi.ndim > 1 and u.ndim == 2 else u


class Piece:
    """One chunk of rows at one psi."""

    def __init__(
        self,
        owner: Laplace,
        rows: Rows,
        beta: FloatArray,
        theta: FloatArray,
        aux: tuple[FloatArray, ...],
    ) -> None:
        self.owner, self.rows, self.aux, self.theta = owner, rows, aux, theta
        self.family, self.pattern = owner.family, rows.pattern
        self.full = rows.X if owner.integrate_beta else None
        self.eta0 = rows.fixed(np.zeros(len(rows.X)) if owner.integrate_beta else beta)
        self.batch = theta.shape[:-1]
        self._set_random_part()

    def _set_random_part(self) -> None:
        """M, and how many effects there are: k a level, q and X's columns in the dense part."""
        self.R, self.V = self.owner.structure.scale(self.pattern, self.theta)
        self.k, self.q = self.R.shape[0], self.pattern.q
        self.n_dense = self.q + (0 if self.full is None else self.full.shape[0])

    # -- rows --------------------------------------------------------------------------

    def push(self, u: FloatArray, dense: FloatArray) -> FloatArray:
        """M u on the rows."""
        total = sum_products(self.R, self.pattern.spread(u))
        if self.q:
            total = total + sum_products(self.V, dense[self.pattern.columns])
        if self.full is not None:
            total = total + dense[self.q :] @ self.full
        return total

    def pull(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """M'x on the random effects."""
        levels = len(self.pattern.counts)
        big = np.empty((self.k, *self.batch, levels))
        for a in range(self.k):
            big[a] = self.pattern.sums(x * self.R[a])
        dense = np.zeros(self.n_dense)
        if self.q:
            dense[: self.q] = self.pattern.column_sums(self.V * x)
        if self.full is not None:
            dense[self.q :] = self.full @ x
        return big, dense

    def pulled_score(self, point: Point) -> tuple[FloatArray, FloatArray]:
        """M'd1 on the random effects."""
        return self.pull(point.parts[2])

    def at(self, u: FloatArray, dense: FloatArray, third: bool) -> Point:
        """Log-density derivatives (weighted) and the penalised objective at u."""
        eta = self.eta0 + self.push(u, dense) if self.k or self.n_dense else self.eta0
        parts = self.family.eta_part(self.rows.obs, self.aux, eta, third=third)
        if self.rows.weights is not None:
            parts = tuple(self.rows.weights * x for x in parts)
        prior = dense[: self.q]
        if self.n_dense:
            objective = parts[0].sum() - 0.5 * ((u * u).sum() + prior @ prior)
        elif self.k:
            objective = self.pattern.sums(parts[0]) - 0.5 * sum_products(u, u)
        else:
            objective = parts[0].sum(axis=-1)[..., None]
        return Point(u, dense, (eta, *parts), np.asarray(objective))

    def factor(self, point: Point, clip: bool = False) -> Factor:
        """Factor of H at a point; ``clip`` takes max(W, 0) for a safe Newton step."""
        W = -point.parts[3]
        if clip:
            W = np.maximum(W, 0.0)
        return Factor(self.pattern, self.R, self.V, self.full, W)

    # -- Newton's method ---------------------------------------------------------------------------

    def _zero(self) -> Begin:
        levels = len(self.pattern.counts)
        return Begin(np.zeros((self.k, *self.batch, levels)), np.zeros(self.n_dense))

    def _first(self, start: Begin, accept: float, led: bool) -> tuple[Point, bool]:
        """The point to start from, moved by steps with the curvature close by.

        Also whether it will do: that curvature finds nothing left to gain, or nobody asked.
        """
        point = self.at(start.u, start.dense, third=start.factor is not None)
        if start.factor is None or not np.isfinite(point.objective).all():
            return point, False
        if led:
            return point, True
        for _ in range(CHORDS):
            delta, decrement = self._direction(point, start.factor)
            point.decrement = float(decrement.max())
            if point.decrement <= EXACT:
                return point, True
            if not point.decrement < np.sqrt(accept):
                break
            point = self._advance(point, delta, third=True)[0]
        return point, False

    def mode(
        self, start: Begin | None, accept: float, led: bool = False
    ) -> tuple[Point, Factor | None, int]:
        """The mode from a start (or zero); the factor is None where there is none.

        ``accept`` is Newton's decrement there.  If ``led``, a start with a factor close by is
        taken for the mode.
        """
        if not self.k and not self.n_dense:
            start = self._zero()
            point = self.at(start.u, start.dense, third=True)
            ok = bool(np.isfinite(point.objective).all())
            return point, (self.factor(point) if ok else None), 0
        point, settled = self._first(start or self._zero(), accept, led)
        if not np.isfinite(point.objective).all():
            point, settled = self._first(self._zero(), accept, led)
            if not np.isfinite(point.objective).all():
                return point, None, 0
        factor: Factor | None = None
        weights, last = np.empty(0), np.inf
        if settled:
            factor, weights = self.factor(point), point.parts[3]
            if factor.positive:
                return point, factor, 0
        for step in range(MAX_NEWTON):
            # weights that did not change (Gaussian, identity link) keep their factor
            if factor is None or not np.array_equal(weights, point.parts[3]):
                factor, weights = self.factor(point), point.parts[3]
            observed = factor.positive
            if not observed:
                factor, weights = self.factor(point, clip=True), np.empty(0)
                if not factor.positive:
                    return point, None, step
            delta, decrement = self._direction(point, factor)
            largest = float(decrement.max())
            if not np.isfinite(largest):
                return point, None, step
            exhausted = largest > 0.5 * last and largest < 1e-9  # rounding: no more to gain
            if (largest < accept or exhausted) and observed and len(point.parts) == 5:
                point.decrement = largest
                return point, factor, step
            last = largest
            point, moved = self._advance(point, delta, third=largest < np.sqrt(accept))
            if not moved:
                return self._stuck(point, step)
        return self._stuck(point, MAX_NEWTON)

    def may_have_other_modes(self, point: Point) -> bool:
        """Whether some row's log-density curves upwards at the mode."""
        return bool(self.k or self.n_dense) and bool((point.parts[3] > 0.0).any())

    def higher_mode(
        self, point: Point, factor: Factor | None, accept: float
    ) -> tuple[Point, Factor | None, int]:
        """The higher of a mode and the one reached from zero, level by level."""
        dense = np.zeros(self.n_dense)
        dense[self.q :] = point.dense[self.q :]
        other, other_factor, steps = self.mode(Begin(self._zero().u, dense), accept)
        if other_factor is None:
            return point, factor, steps
        if factor is None:
            return other, other_factor, steps
        higher = other.objective > point.objective + 1e-8
        if not higher.any():
            return point, factor, steps
        if higher.ndim == 0 or higher.all():
            return other, other_factor, steps
        return self.mode(Begin(np.where(higher, other.u, point.u), point.dense), accept)

    def _stuck(self, point: Point, step: int) -> tuple[Point, Factor | None, int]:
        """No ascent left: a mode, if the decrement is small; otherwise a failure."""
        point = self.at(point.u, point.dense, third=True)
        factor = self.factor(point)
        if not factor.positive:
            return point, None, step
        _, decrement = self._direction(point, factor)
        point.decrement = float(decrement.max())
        scale = 1.0 + float(np.abs(point.objective).max())
        return point, (factor if point.decrement < 1e-7 * scale else None), step

    def _direction(
        self, point: Point, factor: Factor
    ) -> tuple[tuple[FloatArray, FloatArray], FloatArray]:
        """Newton step and its decrement (per level where levels are independent)."""
        big, dense = self.pulled_score(point)
        big = big - point.u
        dense[: self.q] -= point.dense[: self.q]
        d1, d2 = factor.solve(big, dense)
        if self.n_dense:
            decrement = np.asarray((big * d1).sum() + dense @ d2)
        else:
            decrement = sum_products(big, d1)
        return (d1, d2), decrement

    def _advance(
        self, point: Point, delta: tuple[FloatArray, FloatArray], third: bool
    ) -> tuple[Point, bool]:
        """A step along delta, halved (level by level) until the objective does not fall."""
        slack = 1e-12 * (1.0 + np.abs(point.objective))
        big, rest = delta
        scale: FloatArray = np.ones(())
        for _ in range(40):
            u = point.u + big if self.k else point.u
            dense = point.dense + rest if self.n_dense else point.dense
            new = self.at(u, dense, third)
            better = new.objective >= point.objective - slack
            if better.all():
                return new, True
            scale = np.where(better, scale, 0.5 * scale)
            big, rest = scale * delta[0], (scale * delta[1] if self.n_dense else rest)
        return point, False

    # -- value and gradient ------------------------------------------------------------

    def value(self, point: Point, factor: Factor) -> FloatArray:
        """f at the mode, constants kept."""
        f = -point.objective.sum(axis=-1) if point.objective.ndim else -point.objective
        f = f - self.rows.constant(self.family, self.aux) + 0.5 * factor.log_determinant()
        if self.full is not None:
            f = f - 0.5 * self.full.shape[0] * np.log(2.0 * np.pi)
        return np.asarray(f)

    def gradient(self, point: Point, factor: Factor) -> FloatArray:
        """df/dpsi, shape (..., d)."""
        _, _, d1, d2, d3 = point.parts
        owner = self.owner
        if self.k or self.n_dense:
            hm_big, hm_rest, leverage = factor.row_products()
            share = -0.5 * leverage
            c = share * d3
            v_big, v_dense = factor.solve(*self.pull(c))
            e = self.push(v_big, v_dense)
            r = -d1 + c + d2 * e
        else:
            share = e = np.zeros_like(d1)
            r = -d1
        parts = []
        if not owner.integrate_beta:
            parts.append(r @ self.rows.X.T)
        if owner.n_theta:
            columns = self.pattern.columns
            q1 = r * self.pattern.spread(point.u) - d2 * hm_big
            q1 += d1 * self.pattern.spread(v_big)
            q2 = np.zeros_like(self.V)
            if self.q:
                q2 = r * point.dense[columns] - d2 * hm_rest + d1 * v_dense[columns]
            parts.append(owner.structure.pull_back(self.pattern, q1, q2))
        parts += self._aux_gradient(point, share, e)
        if not parts:  # everything is integrated: a restricted likelihood without variances
            return np.zeros((*r.shape[:-1], 0))
        return np.concatenate(parts, axis=-1)

    def _aux_gradient(self, point: Point, share: FloatArray, e: FloatArray) -> list[FloatArray]:
        """df/dgamma of every auxiliary predictor; ``share`` is -lev/2."""
        parts = []
        derivatives = self.family.aux_part(self.rows.obs, self.aux, point.parts[0])
        weights = 1.0 if self.rows.weights is None else self.rows.weights
        point.aux_d1 = tuple(weights * d1_a for _, d1_a, _ in derivatives)
        for (l_a, d1_a, d2_a), x in zip(derivatives, self.rows.aux, strict=True):
            row = weights * (share * d2_a - l_a + e * d1_a)
            parts.append(row.sum(axis=-1)[..., None] if x is None else row @ x.T)
        return parts

    def moved(
        self, point: Point, factor: Factor, step: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """The mode at psi + step to first order: du = H^-1 [ dM'd1 + M'(d2 deta + d1_a da) ].

        ``step`` may be a batch, shape (B, d), of steps from one psi.
        """
        if not self.k and not self.n_dense:
            return point.u, point.dense
        owner, pattern = self.owner, self.pattern
        beta, theta, gammas = owner.split(step)
        d1 = point.parts[2]
        dR, dV = owner.structure.scale(pattern, theta)
        u = pattern.spread(point.u)
        deta = sum_products(dR, expand(u, step))
        if self.q:
            deta = deta + sum_products(dV, point.dense[pattern.columns])
        if self.full is None:
            deta = deta + beta @ self.rows.X
        x = self._score_change(point, deta, gammas)
        big = np.empty((self.k, *step.shape[:-1], len(pattern.counts)))
        for a in range(self.k):
            big[a] = pattern.sums(x * self.R[a] + d1 * dR[a])
        dense = np.zeros(self.n_dense)
        if self.q:
            dense[: self.q] = pattern.column_sums(self.V * x + dV * d1)
        if self.full is not None:
            dense[self.q :] = self.full @ x
        du, d_dense = factor.solve(big, dense)
        return expand(point.u, step) + du, point.dense + d_dense

    def _score_change(self, point: Point, deta: FloatArray, gammas: list[FloatArray]) -> FloatArray:
        """d2 deta + d1_a da on the rows, in the memory of deta, for steps of the gammas."""
        deta *= point.parts[3]
        for d1_a, da in zip(point.aux_d1, self.owner.aux_values(self.rows, gammas), strict=True):
            deta += d1_a * da
        return deta

    def information(self, W: FloatArray) -> FloatArray:
        """The curvature in beta with the random effects profiled out, for weights W >= 0."""
        X = self.rows.X
        if self.k:
            factor = Factor(self.pattern, self.R, self.V, X, W)
            if factor.positive:
                corner = factor.S_lower[self.q :, self.q :]
                return np.asarray(corner @ corner.T)
        return np.asarray((X * W) @ X.T)
