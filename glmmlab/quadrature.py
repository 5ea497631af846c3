"""Adaptive Gauss-Hermite quadrature for models with one scalar random effect a level.

For a level with h(u) = sum l_i(u) - u^2/2, mode u0 and curvature H = -h''(u0), s = H^(-1/2):

    int exp(h(u)) / sqrt(2 pi) du  ~  s sum_k w_k exp( h(u0 + s z_k) + z_k^2 / 2 )

with nodes z_k and weights w_k of the standard normal density (Liu and Pierce 1994, Biometrika
81, 624-629).  One node is the Laplace approximation.  Constants are kept, so log-likelihoods
are comparable whatever the number of nodes.

The gradient is exact.  With q_k the share of node k, A = sum q_k h'(u_k),
B = 1 + s sum q_k z_k h'(u_k), and H_u = dH/du, the nodes move with the mode and the curvature:

    df = - sum_k q_k (dh at fixed u_k) - A du0 + B (dH + H_u du0) / (2 H)

which is the Laplace gradient with leverages times B, and v = (B H_u / (2 H) - A) / H.
"""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp

from glmmlab._types import FloatArray
from glmmlab.blocks import Factor
from glmmlab.design import Design
from glmmlab.errors import DataError
from glmmlab.families.base import Family
from glmmlab.laplace import Laplace, Piece, Point


class Quadrature(Laplace):
    """f(psi) by ``nodes`` points a level instead of one.

    Raises
    ------
    DataError
        When the model has anything but one random term with one column.
    """

    flattest = 0.0  # the nodes see the integrand itself

    def __init__(
        self, design: Design, family: Family, nodes: int, orthonormal: bool = True
    ) -> None:
        if len(design.random) != 1 or design.random[0].Z.shape[1] != 1:
            terms = ", ".join(t.text for t in design.random) or "none"
            raise DataError(
                "quadrature needs exactly one random term with one effect a level, such as "
                f"(1 | g); this model has: {terms}. Leave quadrature out (the Laplace "
                "approximation), or simplify the random part."
            )
        super().__init__(design, family, orthonormal=orthonormal)
        z, w = np.polynomial.hermite_e.hermegauss(nodes)
        self.nodes: FloatArray = z
        self.log_weights: FloatArray = np.log(w) - 0.5 * np.log(2.0 * np.pi)
        self.piece = QuadraturePiece


class QuadraturePiece(Piece):
    """One chunk of rows: values and gradients averaged over the nodes."""

    owner: Quadrature

    def _nodes(
        self, point: Point, factor: Factor
    ) -> tuple[list[FloatArray], list[Point], FloatArray, FloatArray]:
        """Node positions, the state there, their shares q and log sums, shape (..., G)."""
        s = 1.0 / factor.lower[0]
        where = [point.u + s * z for z in self.owner.nodes]
        states = [self.at(u, point.dense, third=False) for u in where]
        terms = np.stack(
            [
                state.objective + w + 0.5 * z * z
                for state, w, z in zip(
                    states, self.owner.log_weights, self.owner.nodes, strict=True
                )
            ]
        )
        total = logsumexp(terms, axis=0)
        return where, states, np.exp(terms - total), total

    def value(self, point: Point, factor: Factor) -> FloatArray:
        """f: minus the log of the integral, constants kept."""
        *_, total = self._nodes(point, factor)
        return np.asarray(
            0.5 * factor.log_determinant()
            - total.sum(axis=-1)
            - self.rows.constant(self.family, self.aux)
        )

    def gradient(self, point: Point, factor: Factor) -> FloatArray:
        """df/dpsi, shape (..., d)."""
        where, states, shares, _ = self._nodes(point, factor)
        z, spread, R = self.owner.nodes, self.pattern.spread, self.R[0]
        _, _, d1, d2, d3 = point.parts
        H = factor.lower[0, 0] ** 2
        slopes = np.stack(
            [self.pull(state.parts[2])[0][0] - u[0] for state, u in zip(states, where, strict=True)]
        )
        A = (shares * slopes).sum(axis=0)
        B = 1.0 + np.einsum("k,k...->...", z, shares * slopes) / np.sqrt(H)
        H_u = -self.pattern.sums(d3 * R**3)
        v = (0.5 * B * H_u / H - A) / H
        hm = spread(B / H) * R
        leverage = hm * R
        e = R * spread(v)
        c = -0.5 * leverage * d3 + d2 * e

        weights = [spread(q) for q in shares]
        mean_d1 = sum(w * s.parts[2] for w, s in zip(weights, states, strict=True))
        mean_d1_u = sum(
            w * s.parts[2] * spread(u[0]) for w, s, u in zip(weights, states, where, strict=True)
        )
        q1 = -mean_d1_u + c * spread(point.u[0]) - d2 * hm + d1 * spread(v)
        theta = self.owner.structure.pull_back(self.pattern, q1[None], np.empty((0, 0)))
        return np.concatenate(
            [
                (-mean_d1 + c) @ self.rows.X.T,
                theta,
                *self._aux_nodes(point, leverage, e, states, weights),
            ],
            axis=-1,
        )

    def _aux_nodes(
        self,
        point: Point,
        leverage: FloatArray,
        e: FloatArray,
        states: list[Point],
        weights: list[FloatArray],
    ) -> list[FloatArray]:
        """Gradient in gamma: l_a averaged over the nodes, the rest at the mode."""
        family, obs = self.family, self.rows.obs
        if not family.auxiliary:
            return []
        at_mode = family.aux_part(obs, self.aux, point.parts[0])
        row_weights = 1.0 if self.rows.weights is None else self.rows.weights
        point.aux_d1 = tuple(row_weights * d1_a for _, d1_a, _ in at_mode)
        at_nodes = [family.aux_part(obs, self.aux, s.parts[0]) for s in states]
        parts = []
        for j, x in enumerate(self.rows.aux):
            _, d1_a, d2_a = at_mode[j]
            mean = sum(w * node[j][0] for w, node in zip(weights, at_nodes, strict=True))
            row = row_weights * (-mean - 0.5 * leverage * d2_a + e * d1_a)
            parts.append(row.sum(axis=-1)[..., None] if x is None else row @ x.T)
        return parts
