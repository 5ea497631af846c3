r"""The joint uncertainty of coefficients and conditional modes, for predictions and intervals.

=================  ==========================================================  =================
letter             meaning                                                     shape
=================  ==========================================================  =================
:math:`\Lambda`    Cholesky factors of the random terms, b = Lambda u          per term (k, k)
:math:`M`          Z Lambda, one column a spherical random effect u            (n, q)
:math:`A`          M under ML, [M X] under REML (beta is integrated there)     (n, q or q + p)
:math:`H`          A' W A + diag(1 .. 1, 0 .. 0), W = -d2, at the mode         square
:math:`\psi`       the outer parameters: (beta,) theta, gamma                  V_psi = their cov
:math:`J`          d mode / d psi                                              (rows of H, psi)
=================  ==========================================================  =================

For a function h of the linear predictor and the auxiliary predictors the generalised delta
method (Kass and Steffey 1989, JASA 84, 717-726, which TMB uses too) gives

.. math:: Var(h) = (h_\eta a)' H^{-1} (h_\eta a) + g' V_\psi g

with a the row of A and g the total derivative of h in psi, the modes moving along with psi.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glmmlab._types import FloatArray, IntArray
from glmmlab.design.objects import theta_positions

if TYPE_CHECKING:
    from glmmlab.estimate.result import Estimate

CHUNK = 512  # right-hand sides solved at a time: bounds memory, not results


def cholesky_factors(estimate: Estimate) -> tuple[FloatArray, ...]:
    """The lower-triangular factor of every random term, in the design's order."""
    factors, start = [], 0
    for term in estimate.design.random:
        k, positions = len(term.names), theta_positions(term)
        factor = np.zeros((k, k))
        for (i, j), value in zip(positions, estimate.theta[start:], strict=False):
            factor[i, j] = value
        factors.append(factor)
        start += len(positions)
    return tuple(factors)


@dataclass(frozen=True)
class Rows:
    """The rows a prediction is for: fixed part, random terms, auxiliary parts.

    ``random`` holds ``(codes, Z)`` for each random term, or None for population predictions;
    a code of -1 is a level the fit has not seen.
    """

    X: FloatArray
    random: tuple[tuple[IntArray, FloatArray], ...] | None
    auxiliary: tuple[FloatArray, ...]

    def take(self, which: IntArray) -> Rows:
        """The rows at some positions."""
        random = self.random
        if random is not None:
            random = tuple((codes[which], Z[which]) for codes, Z in random)
        return Rows(self.X[which], random, tuple(X[which] for X in self.auxiliary))


class JointUncertainty:
    """Covariance of (modes, coefficients, auxiliary parameters) of one fit, ready for rows."""

    def __init__(self, estimate: Estimate) -> None:
        design = estimate.design
        self._design = design
        self._factors = cholesky_factors(estimate)
        self._reml = estimate.method == "REML"
        self._outer_cov = _outer_covariance(estimate, self._reml)
        d1, d2, crossed = score_and_curvature(estimate)
        own = tuple((t.codes, t.Z) for t in design.random)
        A = self._inner_rows(design.conditional.X, own)
        self._solver = factorised(A, d2, self._n_modes)
        modes = sparse_modes(own, self._factors, design).T @ d1  # u = M'd1 at the mode
        self._u = self._by_term(np.asarray(modes).ravel())
        self._jacobian = self._solve(self._mode_gradients(A, d1, d2, crossed))

    @property
    def _n_modes(self) -> int:
        return sum(len(t.levels) * len(t.names) for t in self._design.random)

    def _by_term(self, u: FloatArray) -> tuple[FloatArray, ...]:
        parts, start = [], 0
        for term in self._design.random:
            shape = (len(term.levels), len(term.names))
            parts.append(u[start : start + shape[0] * shape[1]].reshape(shape))
            start += shape[0] * shape[1]
        return tuple(parts)

    def _inner_rows(
        self, X: FloatArray, random: Sequence[tuple[IntArray, FloatArray]] | None
    ) -> Any:
        from scipy import sparse

        if not random:
            M = sparse.csr_matrix((len(X), self._n_modes))
        else:
            M = sparse_modes(random, self._factors, self._design)
        return sparse.hstack([M, X], format="csr") if self._reml else M

    def _theta_columns(self, random: Sequence[tuple[IntArray, FloatArray]]) -> Iterator[FloatArray]:
        """Z L_k u, one column an entry of theta; zero at levels not seen."""
        for term, (codes, Z), u in zip(self._design.random, random, self._u, strict=True):
            seen = codes >= 0
            for i, j in theta_positions(term):
                yield np.where(seen, Z[:, i] * u[codes, j], 0.0)

    def _mode_gradients(
        self, A: Any, d1: FloatArray, d2: FloatArray, crossed: Sequence[FloatArray]
    ) -> FloatArray:
        """Right-hand sides of the implicit function theorem, one column an outer parameter."""
        design = self._design
        columns = []
        if not self._reml:
            columns += [A.T @ (d2 * x) for x in design.conditional.X.T]
        own = tuple((t.codes, t.Z) for t in design.random)
        moved = zip(self._theta_columns(own), self._theta_scores(d1), strict=True)
        columns += [A.T @ (d2 * zu) + score for zu, score in moved]
        for part, d1_a in zip(design.auxiliary.values(), crossed, strict=True):
            columns += [A.T @ (d1_a * x) for x in part.X.T]
        return np.column_stack(columns) if columns else np.zeros((A.shape[1], 0))

    def _theta_scores(self, d1: FloatArray) -> Iterator[FloatArray]:
        """(Z L_k)'d1, padded with zeros for beta under REML."""
        size = self._n_modes + (self._design.conditional.X.shape[1] if self._reml else 0)
        start = 0
        for term in self._design.random:
            levels, k = len(term.levels), len(term.names)
            for i, j in theta_positions(term):
                score = np.zeros(size)
                sums = np.bincount(term.codes, weights=term.Z[:, i] * d1, minlength=levels)
                score[start + j : start + levels * k : k] = sums
                yield score
            start += levels * k

    def _solve(self, right: FloatArray) -> FloatArray:
        return self._solver.solve(np.ascontiguousarray(right)) if right.size else right

    def standard_errors(
        self, rows: Rows, d_eta: FloatArray, d_auxiliary: Sequence[FloatArray]
    ) -> FloatArray:
        """Standard error of h at every row.

        Parameters
        ----------
        rows : Rows
            What the prediction is for.
        d_eta : ndarray, shape (n,)
            Derivative of h in the linear predictor.
        d_auxiliary : sequence of ndarray, shape (n,)
            Derivatives of h in the auxiliary predictors, in the family's order.
        """
        A = self._inner_rows(rows.X, rows.random)
        distinct, back = self._distinct(rows)
        inner = self._quadratic(A[distinct])[back]
        if rows.random:
            inner += self._unseen_variance(rows.random)
        G = self._outer_rows(rows, A) * d_eta[:, None]
        width = G.shape[1]
        for d_a, X in zip(reversed(d_auxiliary), reversed(rows.auxiliary), strict=True):
            width -= X.shape[1]
            G[:, width : width + X.shape[1]] += d_a[:, None] * X
        return np.sqrt(d_eta**2 * inner + np.einsum("ij,jk,ik->i", G, self._outer_cov, G))

    def _distinct(self, rows: Rows) -> tuple[IntArray, IntArray]:
        """First positions of the different rows of A, and for every row which one it equals."""
        parts = [v for codes, Z in rows.random or () for v in (codes[:, None], Z)]
        if self._reml:
            parts.append(rows.X)
        if not parts:
            return np.zeros(1, dtype=np.intp), np.zeros(len(rows.X), dtype=np.intp)
        _, first, back = np.unique(
            np.column_stack(parts), axis=0, return_index=True, return_inverse=True
        )
        return first, back.ravel()

    def _quadratic(self, A: Any) -> FloatArray:
        """a' H^-1 a for every row a of A."""
        out = np.zeros(A.shape[0])
        for start in range(0, A.shape[0], CHUNK):
            block = A[start : start + CHUNK].toarray()
            out[start : start + CHUNK] = np.einsum("ij,ji->i", block, self._solve(block.T))
        return out

    def _outer_rows(self, rows: Rows, A: Any) -> FloatArray:
        """Total derivative of the linear predictor in psi."""
        direct = [] if self._reml else list(rows.X.T)
        if rows.random is None:
            direct += [np.zeros(len(rows.X))] * sum(
                len(theta_positions(t)) for t in self._design.random
            )
        else:
            direct += list(self._theta_columns(rows.random))
        direct += [np.zeros(len(rows.X))] * sum(X.shape[1] for X in rows.auxiliary)
        total = np.column_stack(direct) if direct else np.zeros((len(rows.X), 0))
        return total + np.asarray(A @ self._jacobian)

    def _unseen_variance(self, random: Sequence[tuple[IntArray, FloatArray]]) -> FloatArray:
        """Prior variance z' Sigma z of the terms whose level the fit has not seen."""
        parts = [
            np.where(codes < 0, ((Z @ factor) ** 2).sum(axis=1), 0.0)
            for (codes, Z), factor in zip(random, self._factors, strict=True)
        ]
        return np.sum(parts, axis=0) if parts else np.zeros(0)


def sparse_modes(
    random: Sequence[tuple[IntArray, FloatArray]],
    factors: Sequence[FloatArray],
    design: Any,
) -> Any:
    """Z Lambda as a sparse matrix, levels not seen as rows of zeros."""
    from scipy import sparse

    n = len(design.y) if not random else len(random[0][0])
    blocks = []
    for term, (codes, Z), factor in zip(design.random, random, factors, strict=True):
        k = len(term.names)
        values = np.where(codes[:, None] >= 0, Z @ factor, 0.0)
        columns = np.maximum(codes, 0)[:, None] * k + np.arange(k)
        indices = np.repeat(np.arange(n), k), columns.ravel()
        blocks.append(sparse.csr_matrix((values.ravel(), indices), shape=(n, len(term.levels) * k)))
    return sparse.hstack(blocks, format="csr") if blocks else sparse.csr_matrix((n, 0))


def factorised(A: Any, d2: FloatArray, n_modes: int) -> Any:
    """H, factorised; None without columns."""
    from scipy import sparse
    from scipy.sparse.linalg import splu

    if A.shape[1] == 0:
        return None
    prior = np.zeros(A.shape[1])
    prior[:n_modes] = 1.0
    H = A.T @ A.multiply(-d2[:, None]) + sparse.diags(prior)
    return splu(H.tocsc(), permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True})


def score_and_curvature(
    estimate: Estimate,
) -> tuple[FloatArray, FloatArray, tuple[FloatArray, ...]]:
    """d1, d2 and the cross derivatives d1_a at the mode, prior weights included."""
    design, family = estimate.design, estimate.family
    obs = family.prepare(design.y, design.trials)
    weights = 1.0 if design.weights is None else design.weights
    _, d1, d2 = family.eta_part(obs, estimate.aux, estimate.eta)[:3]
    crossed = [part[1] for part in family.aux_part(obs, estimate.aux, estimate.eta)]
    n = len(design.y)
    full = [np.broadcast_to(np.asarray(v) * weights, (n,)) for v in (d1, d2, *crossed)]
    return full[0], full[1], tuple(full[2:])


def _outer_covariance(estimate: Estimate, reml: bool) -> FloatArray:
    """V_psi: of (beta, theta, gamma) under ML, of (theta, gamma) under REML.

    Parameters on the boundary are held where they are and contribute nothing; without any
    covariance (a Hessian that is not positive definite) everything is missing.
    """
    start = estimate.design.conditional.X.shape[1] if reml else 0
    covariance = estimate.cov_full[start:, start:]
    if np.isnan(covariance).all():
        return covariance
    return np.nan_to_num(covariance, nan=0.0)
