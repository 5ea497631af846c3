r"""The marginal covariance of a Gaussian mixed model, and how the tests hang on its parameters.

=================  ============================================================  ===============
letter             meaning                                                       shape
=================  ============================================================  ===============
:math:`V`          sum_i s_i G_i = Z Sigma Z' + sigma^2 W^{-1}, W prior weights  (n, n)
:math:`s`          variances and covariances of the random terms, then sigma^2   (k,)
:math:`\Phi`       (X' V^{-1} X)^{-1}, covariance of beta at known s             (p, p)
:math:`P`          V^{-1} - V^{-1} X Phi X' V^{-1}                               (n, n)
:math:`P_i`        - X' V^{-1} G_i V^{-1} X                                      (p, p)
:math:`Q_{ij}`     X' V^{-1} G_i V^{-1} G_j V^{-1} X                             (p, p)
=================  ============================================================  ===============

V is linear in s, so second derivatives of V are zero.  Two reductions keep the matrices small
and change no number:

* [Z X y] = Q R: the rows of R take the place of the n rows.  In the remaining directions X, Z
  and y are zero and V is sigma^2 I: each of them only adds to the information on sigma^2.
* A prior weight w multiplies the log-density of a row: the row counts as w equal observations.
  Times sqrt(w) it has variance sigma^2, and the w - 1 contrasts inside it are of the empty kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg

from glmmlab._types import FloatArray
from glmmlab.errors import InferenceError
from glmmlab.inference.modes import cholesky_factors, theta_positions

if TYPE_CHECKING:
    from glmmlab.design import Design
    from glmmlab.estimate.result import Estimate

LARGEST = 3000
"""Rows of R (random and fixed effects together) up to which dense algebra is reasonable."""
_CHUNK = 2048


@dataclass(frozen=True)
class Component:
    """One entry of s: element (a, b) of the covariance matrix of a random term.

    ``pairs`` are the columns of Z that make G = sum Z_l Z_m'; none for sigma^2, where G = I.
    """

    term: int
    a: int
    b: int
    pairs: tuple[tuple[slice, slice], ...]


class MarginalModel:
    """y ~ N(X beta, V) at the estimated variances of a fit, reduced to few rows.

    Parameters
    ----------
    estimate : Estimate
        Gaussian, identity link, one dispersion.

    Attributes
    ----------
    components : tuple of Component
        The k entries of s, sigma^2 last.
    kept : ndarray of int, shape (p,)
        Places of the estimated coefficients among all of them.
    phi : ndarray, shape (p, p)
    p_i : ndarray, shape (k, p, p)

    Raises
    ------
    InferenceError
        More than 3000 rows and as many random effects.
    """

    def __init__(self, estimate: Estimate) -> None:
        design = estimate.design
        self.reml = estimate.method == "REML"
        self.kept = np.array(design.conditional.kept, dtype=np.intp)
        self.factors = cholesky_factors(estimate)
        self.positions = [theta_positions(term) for term in design.random]
        dispersion = estimate.auxiliary["dispersion"].params[0]
        self.sigma2 = float(estimate.family.dispersion(dispersion))
        weights = np.ones(design.nobs) if design.weights is None else design.weights
        reduced = _reduced(design, np.sqrt(weights))
        self.empty = float(weights.sum()) - len(reduced)
        random = reduced.shape[1] - 1 - self.kept.size
        self.Z, self.X, self.y = reduced[:, :random], reduced[:, random:-1], reduced[:, -1]
        self.components = _components(design, self.positions)
        self._solve([len(term.levels) for term in design.random])

    def _solve(self, levels: list[int]) -> None:
        """V^{-1}, Phi and P from the Cholesky factor of V."""
        V = self.sigma2 * np.eye(len(self.y))
        start = 0
        for factor, count in zip(self.factors, levels, strict=True):
            stop = start + len(factor) * count
            block = self.Z[:, start:stop].reshape(len(V), len(factor), count)
            scaled = np.einsum("rkj,kl->rlj", block, factor).reshape(len(V), -1)
            V += scaled @ scaled.T
            start = stop
        lower = linalg.cholesky(V, lower=True)
        white = linalg.solve_triangular(lower, self.X, lower=True)
        # unit columns: covariates on wild scales do not spoil the factorisation
        norms = np.linalg.norm(white, axis=0)
        q, r = np.linalg.qr(white / norms)
        half = linalg.solve_triangular(r, np.eye(norms.size)) / norms[:, None]
        self.phi: FloatArray = half @ half.T
        self.inverse: FloatArray = linalg.cho_solve((lower, True), np.eye(len(V)))
        self.vx: FloatArray = linalg.solve_triangular(lower, white, lower=True, trans="T")
        across = linalg.solve_triangular(lower, q, lower=True, trans="T")
        self.projection: FloatArray = self.inverse - across @ across.T

    def _times(self, component: Component, right: FloatArray) -> FloatArray:
        """G_i times some columns."""
        if not component.pairs:
            return right
        total = np.zeros_like(right)
        for rows, columns in component.pairs:
            total += self.Z[:, rows] @ (self.Z[:, columns].T @ right)
        return total

    @cached_property
    def _g_vx(self) -> list[FloatArray]:
        """G_i V^{-1} X of every component."""
        return [self._times(c, self.vx) for c in self.components]

    @cached_property
    def p_i(self) -> FloatArray:
        """P_i = d(X' V^{-1} X) / d s_i, shape (k, p, p)."""
        return np.array([-self.vx.T @ g for g in self._g_vx])

    @cached_property
    def q_ij(self) -> FloatArray:
        """Q_ij, shape (k, k, p, p)."""
        solved = [self.inverse @ g for g in self._g_vx]
        return np.array([[g.T @ s for s in solved] for g in self._g_vx])

    # ------------------------------------------------------------------ information on s

    def _traces(self, K: FloatArray) -> tuple[FloatArray, FloatArray]:
        """tr(K G_i), shape (k,), and tr(K G_i K G_j), shape (k, k), empty directions included."""
        T = K @ self.Z
        C, squared = self.Z.T @ T, T.T @ T
        k = len(self.components)
        single, double = np.zeros(k), np.zeros((k, k))
        for i, one in enumerate(self.components[:-1]):
            single[i] = sum(np.trace(C[m, left]) for left, m in one.pairs)
            double[i, -1] = double[-1, i] = sum(np.trace(squared[m, left]) for left, m in one.pairs)
            for j, other in enumerate(self.components[:-1]):
                double[i, j] = sum(
                    np.vdot(C[a, d], C[b, c]) for a, b in one.pairs for c, d in other.pairs
                )
        single[-1] = np.trace(K) + self.empty / self.sigma2
        double[-1, -1] = np.vdot(K, K) + self.empty / self.sigma2**2
        return single, double

    @cached_property
    def expected_information(self) -> FloatArray:
        """Expected REML information on s: tr(P G_i P G_j) / 2, shape (k, k)."""
        return self._traces(self.projection)[1] / 2

    @cached_property
    def _observed(self) -> tuple[FloatArray, FloatArray]:
        """Gradient and Hessian in s of minus the (restricted) log-likelihood."""
        single, double = self._traces(self.projection if self.reml else self.inverse)
        residual = self.projection @ self.y
        moved = np.array([self._times(c, residual[:, None])[:, 0] for c in self.components])
        gradient = (single - moved @ residual) / 2
        return gradient, moved @ self.projection @ moved.T - double / 2

    def cholesky_covariance(self) -> tuple[FloatArray, FloatArray]:
        """Covariance of (theta, sigma^2), theta the Cholesky factors, and d s / d(theta, sigma^2).

        The inverse of the observed information of the (restricted) likelihood as fitted.  In
        theta a variance estimated as zero is an interior point of no influence, d s = 0, so that
        degrees of freedom are then those of the model without it.

        Returns
        -------
        covariance : ndarray, shape (k, k)
        jacobian : ndarray, shape (k, k)
            Rows s, columns (theta, sigma^2).
        """
        gradient, hessian = self._observed
        k = len(self.components)
        names = [(t, r, c) for t, ps in enumerate(self.positions) for r, c in ps]
        jacobian, curvature = np.zeros((k, k)), np.zeros((k, k))
        jacobian[-1, -1] = 1.0
        for i, s in enumerate(self.components[:-1]):
            for u, (term, r, c) in enumerate(names):
                if term != s.term:
                    continue
                # Sigma_ab = sum_m L_am L_bm
                L = self.factors[term]
                jacobian[i, u] = (r == s.a) * L[s.b, c] + (r == s.b) * L[s.a, c]
                for v, (other, r2, c2) in enumerate(names):
                    if other == term and c2 == c:
                        both = (r == s.a) * (r2 == s.b) + (r == s.b) * (r2 == s.a)
                        curvature[u, v] += gradient[i] * both
        return positive_inverse(jacobian.T @ hessian @ jacobian + curvature), jacobian


def positive_inverse(matrix: FloatArray) -> FloatArray:
    """Inverse of an information matrix on the directions where it is positive.

    Standardised first, so that "positive" does not depend on the units; flat directions (a
    parameter without influence) get 0.

    >>> positive_inverse(np.diag([4.0, 0.0, 1e-8])).diagonal()
    array([2.5e-01, 0.0e+00, 1.0e+08])
    """
    diagonal = np.diag(matrix)
    scale = np.where(diagonal > 0, 1 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0)), 0.0)
    values, vectors = np.linalg.eigh(scale[:, None] * matrix * scale)
    positive = values > 1e-10
    vectors = scale[:, None] * vectors[:, positive]
    return np.asarray((vectors / values[positive]) @ vectors.T)


def _components(
    design: Design, positions: list[tuple[tuple[int, int], ...]]
) -> tuple[Component, ...]:
    """The entries of s; columns of Z run over the effects of a term, levels within."""
    components, start = [], 0
    for t, (term, entries) in enumerate(zip(design.random, positions, strict=True)):
        count = len(term.levels)
        columns = [
            slice(start + a * count, start + (a + 1) * count) for a in range(len(term.names))
        ]
        start += count * len(term.names)
        for a, b in entries:
            pairs = ((columns[a], columns[b]), (columns[b], columns[a]))
            components.append(Component(t, a, b, pairs[: 1 if a == b else 2]))
    return (*components, Component(-1, 0, 0, ()))


def _reduced(design: Design, scale: FloatArray) -> FloatArray:
    """R of the QR factorisation of scale * [Z X y], chunk by chunk of the rows."""
    used = np.flatnonzero(scale > 0)
    width = sum(len(t.levels) * len(t.names) for t in design.random)
    width += design.conditional.X.shape[1] + 1
    if min(width, used.size) > LARGEST:
        raise InferenceError(
            f"Small-sample degrees of freedom are computed for up to {LARGEST} random and fixed "
            f"effects; this model has {width - 1} and {used.size} rows. With so many, z tests "
            "(df=None) differ little, unless the factor of interest varies among few groups: "
            "then give their number of degrees of freedom, df=..., yourself."
        )
    reduced = np.zeros((0, width))
    for start in range(0, used.size, max(width, _CHUNK)):
        rows = used[start : start + max(width, _CHUNK)]
        reduced = np.vstack([reduced, scale[rows, None] * _columns(design, rows, width)])
        if len(reduced) > width:
            reduced = linalg.qr(reduced, mode="r", overwrite_a=True)[0][:width]
    return reduced


def _columns(design: Design, rows: np.ndarray, width: int) -> FloatArray:
    """Some rows of [Z X y - offset], Z with a column for every effect of every level."""
    result = np.zeros((rows.size, width))
    start = 0
    for term in design.random:
        for a in range(len(term.names)):
            result[np.arange(rows.size), start + term.codes[rows]] = term.Z[rows, a]
            start += len(term.levels)
    result[:, start:-1] = design.conditional.X[rows]
    result[:, -1] = (design.y - design.offset)[rows]
    return result
