"""One chunk of rows where the random part is one random intercept, the commonest of all.

With M = s Z, s a number and Z the levels' indicators, all that M and H touch is the same on every
row of a level, so that it is worked out once a level from sums over its rows:

    H_g = 1 + s^2 sum(W)     lev_g = s^2 / H_g     c_g = -lev_g sum(d3) / 2
    v_g = s c_g / H_g        e_g = s v_g

where :class:`~glmmlab.laplace.piece.Piece` needs two or three operations on the rows for each.
"""

from __future__ import annotations

import numpy as np

from glmmlab._types import FloatArray
from glmmlab.blocks import Factor, Pattern
from glmmlab.laplace.piece import Piece, Point, expand


def is_one_intercept(pattern: Pattern) -> bool:
    """Whether the random part is an intercept of one grouping factor."""
    return len(pattern.Z1) == 1 and not pattern.q and bool((pattern.Z1 == 1.0).all())


class InterceptPiece(Piece):
    """One chunk of rows at one psi; X is not integrated."""

    def _set_random_part(self) -> None:
        self.s = self.theta  # its only entry, against levels or rows: shape (..., 1)
        self.k, self.q, self.n_dense = 1, 0, 0

    def push(self, u: FloatArray, dense: FloatArray) -> FloatArray:
        return self.pattern.spread(self.s * u[0])

    def pull(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        return (self.s * self.pattern.sums(x))[None], np.empty(0)

    def sums(self, point: Point, order: int) -> FloatArray:
        """Sums over the levels of the log-densities' derivatives of an order."""
        if order not in point.sums:
            point.sums[order] = self.pattern.sums(point.parts[1 + order])
        return point.sums[order]

    def pulled_score(self, point: Point) -> tuple[FloatArray, FloatArray]:
        return (self.s * self.sums(point, 1))[None], np.empty(0)

    def factor(self, point: Point, clip: bool = False) -> Factor:
        if clip:
            return self._factor(self.pattern.sums(np.minimum(point.parts[3], 0.0)))
        return self._factor(self.sums(point, 2))

    def _factor(self, curvature: FloatArray) -> Factor:
        H = 1.0 - self.s * self.s * curvature
        return Factor.of_blocks(self.pattern, H[None, None])

    def gradient(self, point: Point, factor: Factor) -> FloatArray:
        _, _, d1, d2, d3 = point.parts
        pattern, s = self.pattern, self.s
        over = 1.0 / factor.lower[0, 0] ** 2
        leverage = s * s * over
        sums1, sums2 = self.sums(point, 1), self.sums(point, 2)
        share = -0.5 * leverage
        c = share * self.sums(point, 3)
        v = s * c * over
        e = s * v
        share_on_rows, e_on_rows = pattern.spread(share), pattern.spread(e)
        r = share_on_rows * d3
        r -= d1
        r += d2 * e_on_rows
        theta = point.u[0] * (c - sums1 + e * sums2) - sums2 * (s * over) + sums1 * v
        parts = [r @ self.rows.X.T, theta.sum(axis=-1)[..., None]]
        return np.concatenate(
            [*parts, *self._aux_gradient(point, share_on_rows, e_on_rows)], axis=-1
        )

    def moved(
        self, point: Point, factor: Factor, step: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        beta, ds, gammas = self.owner.split(step)
        x = self._score_change(point, beta @ self.rows.X, gammas)
        u = expand(point.u, step)
        change = self.pattern.sums(x) + ds * u[0] * self.sums(point, 2)
        du, dense = factor.solve((self.s * change + ds * self.sums(point, 1))[None], np.empty(0))
        return u + du, dense

    def information(self, W: FloatArray) -> FloatArray:
        WX = self.rows.X * W
        cross = self.s * self.pattern.sums(WX) / self._factor(-self.pattern.sums(W)).lower[0]
        return WX @ self.rows.X.T - cross @ cross.T
