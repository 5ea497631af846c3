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
:math:`t_i`        G_i V^{-1} (y - X beta)                                       (n,)
=================  ============================================================  ===============

V is linear in s, so second derivatives of V are zero.  Three reductions keep the matrices small
and change no number:

* Rows that share no level of any grouping factor, directly or through others, are independent:
  everything is a sum over such blocks (one subject, one field block; all rows if crossed).
* In a block [Z X y] = Q R: the rows of R take the place of the rows.  In the remaining directions
  X, Z and y are zero and V is sigma^2 I: each of them only adds to the information on sigma^2.
* A prior weight w multiplies the log-density of a row: the row counts as w equal observations.
  Times sqrt(w) it has variance sigma^2, and the w - 1 contrasts inside it are of the empty kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg, sparse
from scipy.sparse import csgraph

from glmmlab._types import FloatArray, IntArray
from glmmlab.design.objects import theta_positions
from glmmlab.errors import InferenceError
from glmmlab.inference.modes import cholesky_factors

if TYPE_CHECKING:
    from glmmlab.design import Design, RandomTerm
    from glmmlab.estimate.result import Estimate

LARGEST = 3000
"""Rows of R up to which a block's dense algebra is reasonable (a minute, a gigabyte)."""
_CHUNK = 2048


@dataclass(frozen=True)
class Component:
    """One entry of s: element (a, b) of the covariance of a random term; term -1 for sigma^2."""

    term: int
    a: int
    b: int


class _Block:
    """Independent rows: [Z X y], reduced and scaled, with V = L L'.

    Columns of Z run over the terms, the effects of a term, and the levels of the block.
    """

    def __init__(self, design: Design, rows: IntArray, scale: FloatArray) -> None:
        self.terms = []
        start = 0
        for term in design.random:
            _, codes = np.unique(term.codes[rows], return_inverse=True)
            count = int(codes.max()) + 1
            self.terms.append((codes, [start + a * count for a in range(len(term.names))], count))
            start += count * len(term.names)
        reduced = self._reduced(design, rows, scale[rows], start)
        self.Z, self.X, self.y = reduced[:, :start], reduced[:, start:-1], reduced[:, -1]

    def _reduced(
        self, design: Design, rows: IntArray, scale: FloatArray, random: int
    ) -> FloatArray:
        """R of the QR factorisation of scale * [Z X y - offset], chunk by chunk of the rows."""
        width = random + design.conditional.X.shape[1] + 1
        if min(width, rows.size) > LARGEST:
            raise InferenceError(_TOO_LARGE.format(LARGEST, width - 1, rows.size))
        reduced = np.zeros((0, width))
        for start in range(0, rows.size, max(width, _CHUNK)):
            part = slice(start, start + max(width, _CHUNK))
            chunk = rows[part]
            new = np.zeros((chunk.size, width))
            for term, (codes, columns, _) in zip(design.random, self.terms, strict=True):
                for a, column in enumerate(columns):
                    new[np.arange(chunk.size), column + codes[part]] = term.Z[chunk, a]
            new[:, random:-1] = design.conditional.X[chunk]
            new[:, -1] = (design.y - design.offset)[chunk]
            reduced = np.vstack([reduced, scale[part, None] * new])
            if len(reduced) > width:
                reduced = linalg.qr(reduced, mode="r", overwrite_a=True)[0][:width]
        return reduced

    def factorise(self, factors: Sequence[FloatArray], sigma2: float) -> FloatArray:
        """Find L and return L^{-1} [X y]."""
        V = sigma2 * np.eye(len(self.y))
        for factor, (_, columns, count) in zip(factors, self.terms, strict=True):
            stop = columns[-1] + count
            effects = self.Z[:, columns[0] : stop].reshape(len(V), len(factor), count)
            scaled = np.einsum("rkj,kl->rlj", effects, factor).reshape(len(V), -1)
            V += scaled @ scaled.T
        self.lower = linalg.cholesky(V, lower=True)
        both = np.column_stack([self.X, self.y])
        return np.asarray(linalg.solve_triangular(self.lower, both, lower=True))

    def solve(self, right: FloatArray) -> FloatArray:
        """V^{-1} times some columns."""
        return np.asarray(linalg.cho_solve((self.lower, True), right))

    def pairs(self, component: Component) -> tuple[tuple[slice, slice], ...]:
        """Columns of Z that make G = sum Z_l Z_m'."""
        _, columns, count = self.terms[component.term]
        a, b = (slice(columns[e], columns[e] + count) for e in (component.a, component.b))
        return ((a, b),) if component.a == component.b else ((a, b), (b, a))

    def times(self, component: Component, right: FloatArray) -> FloatArray:
        """G_i times some columns."""
        if component.term < 0:
            return right
        return sum(
            (
                self.Z[:, row] @ (self.Z[:, column].T @ right)
                for row, column in self.pairs(component)
            ),
            np.zeros_like(right),
        )

    def traces(self, components: Sequence[Component]) -> tuple[FloatArray, FloatArray]:
        """tr(V^{-1} G_i), shape (k,), and tr(V^{-1} G_i V^{-1} G_j), shape (k, k)."""
        inverse = self.solve(np.eye(len(self.y)))
        T = inverse @ self.Z
        C, squared = self.Z.T @ T, T.T @ T
        k = len(components)
        single, double = np.zeros(k), np.zeros((k, k))
        pairs = [self.pairs(c) for c in components[:-1]]
        for i, one in enumerate(pairs):
            single[i] = sum(np.trace(C[m, row]) for row, m in one)
            double[i, -1] = double[-1, i] = sum(np.trace(squared[m, row]) for row, m in one)
            for j, other in enumerate(pairs[: i + 1]):
                double[i, j] = double[j, i] = sum(
                    np.vdot(C[a, d], C[b, c]) for a, b in one for c, d in other
                )
        single[-1], double[-1, -1] = np.trace(inverse), np.vdot(inverse, inverse)
        return single, double


class MarginalModel:
    """y ~ N(X beta, V) at the estimated variances of a fit.

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
    q_ij : ndarray, shape (k, k, p, p)

    Raises
    ------
    InferenceError
        A block of more than 3000 rows and as many effects.
    """

    def __init__(self, estimate: Estimate) -> None:
        design = estimate.design
        self.reml = estimate.method == "REML"
        self.kept = np.array(design.conditional.kept, dtype=np.intp)
        self.factors = cholesky_factors(estimate)
        self.positions = [theta_positions(term) for term in design.random]
        entries = [Component(t, a, b) for t, ps in enumerate(self.positions) for a, b in ps]
        self.components = (*entries, Component(-1, 0, 0))
        dispersion = estimate.auxiliary["dispersion"].params[0]
        self.sigma2 = float(estimate.family.dispersion(dispersion))
        weights = np.ones(design.nobs) if design.weights is None else design.weights
        scale = np.sqrt(weights)
        used = np.flatnonzero(scale > 0)
        self._blocks = [_Block(design, rows, scale) for rows in _independent(design, used)]
        self._empty = float(weights.sum()) - sum(len(block.y) for block in self._blocks)
        self._solve()
        self._sum()

    def _solve(self) -> None:
        """Phi and beta from the whitened [X y] of all blocks."""
        white = np.vstack([block.factorise(self.factors, self.sigma2) for block in self._blocks])
        X, y = white[:, :-1], white[:, -1]
        # unit columns: covariates on wild scales do not spoil the factorisation
        norms = np.linalg.norm(X, axis=0)
        q, r = np.linalg.qr(X / norms)
        half = linalg.solve_triangular(r, np.eye(norms.size)) / norms[:, None]
        self.phi: FloatArray = half @ half.T
        self._beta = half @ (q.T @ y)

    def _sum(self) -> None:
        """All that is a sum over blocks: P_i, Q_ij, traces, and the forms in t."""
        k, p = len(self.components), self.kept.size
        self.p_i: FloatArray = np.zeros((k, p, p))
        self.q_ij: FloatArray = np.zeros((k, k, p, p))
        self._single, self._double = np.zeros(k), np.zeros((k, k))
        self._score, self._tt, self._tx = np.zeros(k), np.zeros((k, k)), np.zeros((k, p))
        for block in self._blocks:
            vx, residual = block.solve(block.X), block.solve(block.y - block.X @ self._beta)
            right = np.column_stack([vx, residual])
            moved = [block.times(c, right) for c in self.components]
            solved = [block.solve(m) for m in moved]
            for i, one in enumerate(moved):
                self.p_i[i] -= vx.T @ one[:, :-1]
                self._score[i] += residual @ one[:, -1]
                self._tx[i] += vx.T @ one[:, -1]
                for j, other in enumerate(solved):
                    product = one.T @ other
                    self.q_ij[i, j] += product[:-1, :-1]
                    self._tt[i, j] += product[-1, -1]
            single, double = block.traces(self.components)
            self._single += single
            self._double += double
        self._single[-1] += self._empty / self.sigma2
        self._double[-1, -1] += self._empty / self.sigma2**2

    # ------------------------------------------------------------------ information on s

    @cached_property
    def expected_information(self) -> FloatArray:
        """Expected REML information on s: tr(P G_i P G_j) / 2, shape (k, k)."""
        return self._restricted_traces[1] / 2

    @cached_property
    def _restricted_traces(self) -> tuple[FloatArray, FloatArray]:
        """tr(P G_i) and tr(P G_i P G_j), empty directions included."""
        phi_p = self.phi @ self.p_i
        single = self._single + np.trace(phi_p, axis1=1, axis2=2)
        double = self._double - 2 * np.einsum("pq,ijqp->ij", self.phi, self.q_ij)
        return single, double + np.einsum("ipq,jqp->ij", phi_p, phi_p)

    @cached_property
    def _observed(self) -> tuple[FloatArray, FloatArray]:
        """Gradient and Hessian in s of minus the (restricted) log-likelihood."""
        single, double = self._restricted_traces if self.reml else (self._single, self._double)
        return (single - self._score) / 2, self._tt - self._tx @ self.phi @ self._tx.T - double / 2

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


def _independent(design: Design, used: IntArray) -> list[IntArray]:
    """The rows in use, split where no grouping factor joins them; without terms one block."""
    if not design.random:
        return [used]
    joined = sparse.hstack([_incidence(term, used) for term in design.random], format="csr")
    rows = used.size
    graph = sparse.bmat([[None, joined], [joined.T, None]], format="csr")
    _, labels = csgraph.connected_components(graph, directed=False)
    order = np.argsort(labels[:rows], kind="stable")
    cuts = np.flatnonzero(np.diff(labels[:rows][order])) + 1
    return [used[part] for part in np.split(order, cuts)]


def _incidence(term: RandomTerm, used: IntArray) -> sparse.csr_matrix:
    """Rows by levels, 1 where a row has the level."""
    entries = (np.ones(used.size), (np.arange(used.size), term.codes[used]))
    return sparse.csr_matrix(entries, shape=(used.size, len(term.levels)))


_TOO_LARGE = (
    "Small-sample degrees of freedom are computed for up to {} random and fixed effects that hang "
    "together; here {} do, in {} rows. With so many, z tests (df=None) differ little, unless the "
    "factor of interest varies among few groups: then give the degrees of freedom as a number."
)
