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
from scipy import linalg

from glmmlab._types import FloatArray
from glmmlab.blocks import small
from glmmlab.blocks.cross import cross_part
from glmmlab.blocks.structure import Pattern


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
        self._decompose(A)
        if self.dense and self.positive:
            self._eliminate(W)

    @classmethod
    def of_blocks(cls, pattern: Pattern, A: FloatArray) -> Factor:
        """From the blocks of a block-diagonal H, shape (k, k, ..., G).

        It knows no rows, so that `row_products` is not to be had of it.
        """
        factor = cls.__new__(cls)
        factor.pattern, factor.dense = pattern, 0
        factor._decompose(A)
        return factor

    def _decompose(self, A: FloatArray) -> None:
        self.lower, self.block_positive = small.cholesky(A)
        self.positive = bool(self.block_positive.all())

    # -- the dense part ------------------------------------------------------------------

    def _eliminate(self, W: FloatArray) -> None:
        pattern, R, V, X, q = self.pattern, self.R, self.V, self.X, self.pattern.q
        k = R.shape[0]
        S = np.zeros((self.dense, self.dense))  # its lower triangle
        if q:
            A12 = np.empty((k, len(pattern.pairs[0])))
            for a in range(k):
                A12[a] = pattern.pair_sums((W * R[a]) * V)
            lower = pattern.spread_over_pairs(self.lower)
            self.cross = cross_part(pattern, small.forward(lower, A12))
            S[:q, :q] = self._sparse_block(W) - self.cross.gram()
        if X is not None:
            WX = X * W
            self.Yx = np.empty((k, self.p, len(pattern.counts)))
            for a in range(k):
                self.Yx[a] = pattern.sums(WX * R[a])
            if k:
                self.Yx = small.forward(self.lower[:, :, None], self.Yx)
            flat = self.Yx.transpose(1, 0, 2).reshape(self.p, -1)
            S[q:, q:] = WX @ X.T - flat @ flat.T
            if q:
                for j in range(self.p):
                    S[q + j, :q] = pattern.column_sums(V * WX[j])
                S[q:, :q] -= self.cross.transposed(self.Yx.transpose(0, 2, 1)).T
        # LAPACK reads columns first: the lower triangle is its upper one, and nothing is copied
        self.S_upper, info = linalg.lapack.dpotrf(S.T, lower=0, clean=1, overwrite_a=1)
        self.positive = info == 0

    @property
    def flattest(self) -> float:
        """The smallest pivot of the random effects: 1 or more where log-densities are concave."""
        blocks = [self.lower[a, a] for a in range(len(self.lower))]
        q = self.pattern.q
        pivots = [*blocks, np.diag(self.S_upper)[:q]] if q else blocks
        return min((float(p.min()) ** 2 for p in pivots if p.size), default=1.0)

    @property
    def S_lower(self) -> FloatArray:
        """The Cholesky factor of S."""
        return self.S_upper.T

    def _sparse_block(self, W: FloatArray) -> FloatArray:
        """The lower triangle of Z2'WZ2 + I on the scaled columns, in a dense q x q array."""
        columns, V, q = self.pattern.columns, self.V, self.pattern.q
        square = np.zeros((q, q))
        for e in range(1, len(V)):
            weighted = W * V[e]
            for f in range(e):
                place = np.maximum(columns[e], columns[f]) * q
                place += np.minimum(columns[e], columns[f])
                square += np.bincount(place, weighted * V[f], q * q).reshape(q, q)
        square.flat[:: q + 1] = 1.0 + self.pattern.column_sums(W * (V * V))
        return square

    # -- what the Laplace approximation asks for --------------------------------------------

    def log_determinant(self) -> FloatArray:
        """log|H|, shape (...)."""
        value = small.log_determinant(self.lower) if len(self.lower) else np.zeros(())
        if self.dense:
            value = value + 2.0 * np.log(np.diag(self.S_upper)).sum()
        return value

    def solve(self, r1: FloatArray, r2: FloatArray) -> tuple[FloatArray, FloatArray]:
        """H^-1 r for r1 (k, ..., G) and r2 (dense,)."""
        z1 = small.forward(self.lower, r1)
        if not self.dense:
            return small.backward(self.lower, z1), r2
        x2, _ = linalg.lapack.dpotrs(self.S_upper, r2 - self._Yt(z1), lower=0)
        return small.backward(self.lower, z1 - self._Y(x2)), x2

    def solve_columns(self, r1: FloatArray, r2: FloatArray) -> tuple[FloatArray, FloatArray]:
        """H^-1 r for c columns, r1 (k, c, G) and r2 (q, c), with other terms and without X."""
        lower = self.lower[:, :, None]
        z1 = small.forward(lower, r1)
        rhs = r2 - self.cross.transposed(z1.transpose(0, 2, 1))
        x2, _ = linalg.lapack.dpotrs(self.S_upper, rhs, lower=0)
        return small.backward(lower, z1 - self.cross.times(x2).transpose(0, 2, 1)), x2

    def _Yt(self, z1: FloatArray) -> FloatArray:
        q = self.pattern.q
        out = np.zeros(self.dense)
        if q:
            out[:q] = self.cross.transposed(z1)
        if self.p:
            out[q:] = np.einsum("ajg,ag->j", self.Yx, z1)
        return out

    def _Y(self, x2: FloatArray) -> FloatArray:
        q = self.pattern.q
        out = self.cross.times(x2[:q]) if q else 0.0
        if self.p:
            out = out + np.einsum("ajg,j->ag", self.Yx, x2[q:])
        return np.asarray(out)

    def dense_inverse(self) -> FloatArray:
        """S^-1, the dense block of H^-1, shape (dense, dense)."""
        inverse, _ = linalg.lapack.dpotri(self.S_upper, lower=0)
        lower = np.asarray(inverse).T
        np.copyto(lower, inverse, where=~np.tri(self.dense, dtype=bool))
        return lower

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
            for e in range(len(V)):
                for a in range(k):
                    at_pair = pattern.spread_pairs(pair_values[a], e)
                    big[a] += at_pair * V[e]
                    rest[e] += at_pair * R[a]
                for f in range(len(V)):
                    i, j = pattern.columns[e], pattern.columns[f]
                    rest[e] += (C[i, j] if e != f else C.diagonal()[i]) * V[f]
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
        inside = np.zeros((k, k, levels))
        pair_values, x_values = np.empty((k, 0)), np.zeros((k, self.p, levels))
        if self.p:
            x_values += np.einsum("aig,ij->ajg", self.Yx, C[q:, q:])
        if q:
            level, column, _, _ = pattern.pairs
            pair_values = self.cross.at_pairs(C[:q, :q])
            for j in range(self.p):
                pair_values += self.Yx[:, j, level] * C[q + j, column]
            for a in range(k):
                for b in range(k):
                    inside[a, b] = pattern.sums_over_pairs(pair_values[a] * self.cross.values[b])
            if self.p:
                x_values += self.cross.times(C[:q, q:]).transpose(0, 2, 1)
            pair_values = -small.backward(pattern.spread_over_pairs(self.lower), pair_values)
        if self.p:
            inside += np.einsum("ajg,bjg->abg", x_values, self.Yx)
            x_values = -small.backward(self.lower[:, :, None], x_values)
        for b in range(k):
            inside[:, b] = small.backward(self.lower, inside[:, b])
        gram = np.empty_like(inside)
        for a in range(k):
            gram[a] = small.backward(self.lower, inside[a])
        return pair_values, x_values, gram


def sum_products(x: FloatArray, y: FloatArray) -> FloatArray:
    """Sum over the first axis of x * y."""
    if x.shape[0] == 1:
        return np.asarray(x[0] * y[0])
    if x.shape[0] == 0:
        return np.zeros(x.shape[1:])
    return np.asarray((x * y).sum(axis=0))
