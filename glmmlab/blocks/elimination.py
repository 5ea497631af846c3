"""The factor of H = [A11 A12; A12' A22] by elimination of the block-diagonal part A11.

With A11 = L L' (small blocks) and Y = L^-1 A12, the Schur complement is S = A22 - Y'Y and

    log|H| = log|A11| + log|S|
    H^-1   = [ L^-T (I + Y S^-1 Y') L^-1    -L^-T Y S^-1 ]
             [ .                             S^-1        ]

The dense part holds the other random terms (sparse columns, q of them) and, where the fixed
coefficients are integrated too, the p columns of X (full columns).  H^-1 is only ever needed on
the pattern of the rows of M: own blocks, cross blocks of pairs (level, column) that occur.
"""

from __future__ import annotations

import numpy as np
from scipy import linalg, sparse

from glmmlab._types import FloatArray
from glmmlab.blocks import small
from glmmlab.blocks.structure import Pattern

CHUNK_ENTRIES = 20_000_000
"""Entries of Y S^-1 held at once (160 MB)."""


class Factor:
    """Factorised H for given rows and weights.

    Parameters
    ----------
    pattern : Pattern
    R : ndarray, shape (k, ..., n)
        Rows of the eliminated part of M.
    V : ndarray, shape (m, n)
        Rows of the other random terms (no batch axes when there are any).
    X : ndarray, shape (p, n), or None
        Full columns, present when the fixed coefficients are integrated.
    W : ndarray, shape (..., n)
        Weights, -d2 (any sign).

    Attributes
    ----------
    positive : bool
        Whether H is positive definite in every batch entry; nothing else is usable if not.
    """

    def __init__(
        self, pattern: Pattern, R: FloatArray, V: FloatArray, X: FloatArray | None, W: FloatArray
    ) -> None:
        self.pattern, self.R, self.V, self.X = pattern, R, V, X
        k, self.p = R.shape[0], 0 if X is None else X.shape[0]
        self.dense = pattern.q + self.p
        A = np.empty((k, k, *W.shape[:-1], len(pattern.counts)))
        for a in range(k):
            weighted = W * R[a]
            for b in range(a + 1):
                A[a, b] = pattern.sums(weighted * R[b])
            A[a, a] += 1.0
        self.lower, positive = small.cholesky(A)
        self.block_positive = positive
        self.positive = bool(positive.all())
        if self.dense and self.positive:
            self._eliminate(W)

    # -- the dense part ------------------------------------------------------------------

    def _eliminate(self, W: FloatArray) -> None:
        pattern, R, V, X, q = self.pattern, self.R, self.V, self.X, self.pattern.q
        k, levels = R.shape[0], len(pattern.counts)
        S = np.empty((self.dense, self.dense))
        self.Y: list[sparse.csr_matrix] = []
        if q:
            level, column, starts, index = pattern.pairs
            A12 = np.empty((k, len(level)))
            for a in range(k):
                A12[a] = np.bincount(index.ravel(), (W * R[a] * V).ravel(), len(level))
            values = small.forward(self.lower[..., level], A12)
            self.Y = [
                sparse.csr_matrix((values[a], column.astype(np.int32), starts), shape=(levels, q))
                for a in range(k)
            ]
            S[:q, :q] = self._sparse_block(W) - self._gram()
        if X is not None:
            WX = X * W
            self.Yx = np.empty((k, self.p, levels))
            for a in range(k):
                self.Yx[a] = pattern.sums(WX * R[a])
            for j in range(self.p if k else 0):
                self.Yx[:, j] = small.forward(self.lower, self.Yx[:, j])
            flat = self.Yx.transpose(1, 0, 2).reshape(self.p, -1)
            S[q:, q:] = WX @ X.T - flat @ flat.T
            if q:
                cross = np.zeros((q, self.p))
                for j in range(self.p):
                    cross[:, j] = np.bincount(
                        pattern.columns.ravel(), (V * WX[j]).ravel(), q
                    ) - sum(y.T @ self.Yx[a, j] for a, y in enumerate(self.Y))
                S[:q, q:] = cross
                S[q:, :q] = cross.T
        self.S_lower, info = linalg.lapack.dpotrf(S, lower=1, clean=1, overwrite_a=0)
        self.positive = info == 0

    def _sparse_block(self, W: FloatArray) -> FloatArray:
        """Z2'WZ2 + I on the scaled columns, as a dense q x q array."""
        columns, V, q = self.pattern.columns, self.V, self.pattern.q
        block = np.zeros(q * q)
        for e in range(len(V)):
            weighted = W * V[e]
            for f in range(e + 1):
                both = np.bincount(columns[e] * q + columns[f], weighted * V[f], q * q)
                block += both
                if f != e:
                    block += both.reshape(q, q).T.ravel()
        square = block.reshape(q, q)
        square[np.diag_indices(q)] += 1.0
        return square

    def _gram(self) -> FloatArray:
        """Y'Y: by BLAS where Y is full enough, else by the sparse product."""
        q = self.pattern.q
        total = np.zeros((q, q))
        for y in self.Y:
            per_row = np.diff(y.indptr).astype(float)
            if y.shape[0] * q * q < 60.0 * float(per_row @ per_row):
                full = y.toarray()
                total += full.T @ full
            else:
                total += (y.T @ y).toarray()
        return total

    # -- what the Laplace approximation asks for --------------------------------------------

    def log_determinant(self) -> FloatArray:
        """log|H|, shape (...)."""
        value = small.log_determinant(self.lower) if self.R.shape[0] else np.zeros(())
        if self.dense:
            value = value + 2.0 * np.log(np.diag(self.S_lower)).sum()
        return value

    def solve(self, r1: FloatArray, r2: FloatArray) -> tuple[FloatArray, FloatArray]:
        """H^-1 r for r1 (k, ..., G) and r2 (dense,)."""
        z1 = small.forward(self.lower, r1)
        if not self.dense:
            return small.backward(self.lower, z1), r2
        x2 = linalg.cho_solve((self.S_lower, True), r2 - self._Yt(z1), check_finite=False)
        return small.backward(self.lower, z1 - self._Y(x2)), x2

    def _Yt(self, z1: FloatArray) -> FloatArray:
        q = self.pattern.q
        out = np.zeros(self.dense)
        for a, y in enumerate(self.Y):
            out[:q] += y.T @ z1[a]
        if self.p:
            out[q:] = np.einsum("ajg,ag->j", self.Yx, z1)
        return out

    def _Y(self, x2: FloatArray) -> FloatArray:
        q = self.pattern.q
        out = np.zeros((self.R.shape[0], len(self.pattern.counts)))
        for a, y in enumerate(self.Y):
            out[a] = y @ x2[:q]
        if self.p:
            out += np.einsum("ajg,j->ag", self.Yx, x2[q:])
        return out

    def dense_inverse(self) -> FloatArray:
        """S^-1, the dense block of H^-1, shape (dense, dense)."""
        inverse, _ = linalg.lapack.dpotri(self.S_lower, lower=1)
        return np.tril(inverse) + np.tril(inverse, -1).T

    def row_products(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """H^-1 m_i on the entries of row i, and the leverages m_i' H^-1 m_i.

        Returns
        -------
        big : ndarray, shape (k, ..., n)
        rest : ndarray, shape (m, n)
        leverage : ndarray, shape (..., n)
        """
        pattern, R, V = self.pattern, self.R, self.V
        k = R.shape[0]
        own = small.inverse(self.lower)
        if not self.dense:
            spread = pattern.spread(own)
            big = np.empty(np.broadcast_shapes(R.shape, spread.shape[1:]))
            for a in range(k):
                big[a] = sum_products(spread[a], R)
            return big, V, sum_products(big, R)
        C = self.dense_inverse()
        q = pattern.q
        pair_values, x_values, gram = self._cross(C)
        own = own + gram
        spread = pattern.spread(own)
        big = np.empty_like(R)
        for a in range(k):
            big[a] = sum_products(spread[a], R)
        rest = np.zeros_like(V)
        leverage_x = np.zeros(R.shape[-1])
        if q:
            index = pattern.pairs[3]
            for e in range(len(V)):
                for a in range(k):
                    at_pair = pair_values[a][index[e]]
                    big[a] += at_pair * V[e]
                    rest[e] += at_pair * R[a]
                for f in range(len(V)):
                    rest[e] += C[pattern.columns[e], pattern.columns[f]] * V[f]
        if self.X is not None:
            X = self.X
            x_rows = C[q:, q:] @ X
            for a in range(k):
                at_level = pattern.spread(x_values[a])  # (p, n)
                big[a] += np.einsum("jn,jn->n", at_level, X)
                x_rows += at_level * R[a]
            for e in range(len(V)):
                at_column = C[q:, pattern.columns[e]]  # (p, n)
                x_rows += at_column * V[e]
                rest[e] += np.einsum("jn,jn->n", at_column, X)
            leverage_x = np.einsum("jn,jn->n", x_rows, X)
        return big, rest, sum_products(big, R) + sum_products(rest, V) + leverage_x

    def _cross(self, C: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """-L^-T Y S^-1 at the pairs and on the full columns, and L^-T Y S^-1 Y' L^-1."""
        pattern, q, k = self.pattern, self.pattern.q, self.R.shape[0]
        levels = len(pattern.counts)
        pair_values = np.zeros((k, len(pattern.pairs[0]) if q else 0))
        x_values = np.zeros((k, self.p, levels))
        gram = np.zeros((k, k, levels))
        step = max(1, CHUNK_ENTRIES // max(1, k * self.dense))
        for g0 in range(0, levels, step):
            g = slice(g0, min(g0 + step, levels))
            B = np.zeros((k, g.stop - g.start, self.dense))
            for a in range(k):
                if q:
                    B[a] += self.Y[a][g] @ C[:q]
                if self.p:
                    B[a] += self.Yx[a, :, g].T @ C[q:]
            inside = np.zeros((k, k, g.stop - g.start))
            if q:
                level, column, starts, _ = pattern.pairs
                pairs = slice(int(starts[g.start]), int(starts[g.stop]))
                rows = level[pairs] - g0
                at_pairs = B[:, rows, column[pairs]]
                for a in range(k):
                    for b in range(k):
                        inside[a, b] += np.bincount(
                            rows, at_pairs[a] * self.Y[b].data[pairs], g.stop - g0
                        )
                pair_values[:, pairs] = -small.backward(self.lower[..., level[pairs]], at_pairs)
            if self.p:
                inside += np.einsum("agj,bjg->abg", B[:, :, q:], self.Yx[:, :, g])
                for j in range(self.p):
                    x_values[:, j, g] = -small.backward(self.lower[..., g], B[:, :, q + j])
            for b in range(k):
                inside[:, b] = small.backward(self.lower[..., g], inside[:, b])
            for a in range(k):
                gram[a, :, g] = small.backward(self.lower[..., g], inside[a])
        return pair_values, x_values, gram


def sum_products(x: FloatArray, y: FloatArray) -> FloatArray:
    """Sum over the first axis of x * y."""
    if x.shape[0] == 1:
        return np.asarray(x[0] * y[0])
    if x.shape[0] == 0:
        return np.zeros(y.shape[1:])
    return np.asarray((x * y).sum(axis=0))
