"""Gaussian models with one grouping factor, profiled: only the relative theta is left.

With y | u ~ N(X beta + Z Lambda u, sigma^2), u ~ N(0, sigma^2 I), the coefficients and sigma are
least squares given Lambda (Bates et al. 2015, Journal of Statistical Software 67(1), section 3):

========  ==========================================================  ===============
letter    meaning                                                     shape
========  ==========================================================  ===============
C         Z'WZ, one block a level                                     (k, k, G)
D         Z'W[X y]                                                    (k, p + 1, G)
H         Lambda'C Lambda + I                                         (k, k, G)
U         H^-1 Lambda'D: what the random effects explain of [X y]     (k, p + 1, G)
E         D - C Lambda U: what is left, seen through Z                (k, p + 1, G)
S         [X y]'W[X y] - sum D'Lambda U                               (p + 1, p + 1)
========  ==========================================================  ===============

S holds X'V^-1X and, beta eliminated, the penalised residual sum of squares rss.  N = sum of the
weights, N - p under REML:

    f = N/2 (1 + log(2 pi rss / N)) + log|H|/2  ( + log|S_XX|/2 under REML )

The cross-products are computed once, so an evaluation does not touch the rows.  The result is
the start of the general path, which finds nothing left to do and computes the standard errors.
"""

from __future__ import annotations

import numpy as np
from scipy import linalg

from glmmlab._types import FloatArray
from glmmlab.blocks import RandomStructure, small
from glmmlab.design import Design
from glmmlab.laplace import Evaluation, Modes

NO_MODES = Modes((), np.empty(0))


class ProfiledGaussian:
    """f and its gradient as functions of the relative theta.

    Parameters
    ----------
    design : Design
        One grouping factor; any number of terms on it.
    X : ndarray, shape (n, p)
        The orthonormalised fixed part.
    structure : RandomStructure
    reml : bool
    """

    def __init__(
        self, design: Design, X: FloatArray, structure: RandomStructure, reml: bool
    ) -> None:
        self.structure, self.reml, self.p = structure, reml, X.shape[1]
        order, pattern = structure.order, structure.pattern
        response = (design.y - design.offset)[order]
        full = np.column_stack([X[order], response]).T
        w = np.ones(len(response)) if design.weights is None else design.weights[order]
        self.n = float(w.sum()) - (self.p if reml else 0)
        Z = pattern.Z1
        k, levels = len(Z), len(pattern.counts)
        self.C = np.empty((k, k, levels))
        self.D = np.empty((k, self.p + 1, levels))
        for a in range(k):
            weighted = w * Z[a]
            for b in range(k):
                self.C[a, b] = pattern.sums(weighted * Z[b])
            for j in range(self.p + 1):
                self.D[a, j] = pattern.sums(weighted * full[j])
        self.total = (full * w) @ full.T

    def _lambda(self, theta: FloatArray) -> FloatArray:
        """Lambda of one level, all terms, shape (k, k)."""
        return np.asarray(linalg.block_diag(*self.structure.factors(theta)))

    def solve(
        self, theta: FloatArray
    ) -> tuple[FloatArray, float, FloatArray, tuple[FloatArray, ...]]:
        """Coefficients, rss, the factor of S_XX, and the pieces (lower, U, E, Lambda)."""
        L = self._lambda(theta)
        H = np.einsum("ca,cdg,db->abg", L, self.C, L)
        diagonal = np.arange(len(L))
        H[diagonal, diagonal] += 1.0
        lower, _ = small.cholesky(H)
        LD = np.einsum("ca,cjg->ajg", L, self.D)
        U = np.empty_like(LD)
        for j in range(self.p + 1):
            U[:, j] = small.backward(lower, small.forward(lower, LD[:, j]))
        E = self.D - np.einsum("acg,cb,bjg->ajg", self.C, L, U)
        S = self.total - np.einsum("ajg,alg->jl", LD, U)
        root = linalg.cholesky(S[: self.p, : self.p], lower=True)
        half = linalg.solve_triangular(root, S[: self.p, self.p], lower=True)
        beta = linalg.solve_triangular(root, half, lower=True, trans="T")
        rss = float(S[self.p, self.p] - half @ half)
        return beta, rss, root, (lower, U, E, L)

    def evaluate(self, theta: FloatArray, modes: Modes | None = None) -> Evaluation:
        """f and df/dtheta; inf where the sums of squares lose all their digits."""
        try:
            beta, rss, root, (lower, U, E, L) = self.solve(theta)
        except linalg.LinAlgError:
            rss = -1.0
        if not rss > 0.0:
            bad = np.full(theta.shape, np.nan)
            return Evaluation(theta, np.array(np.inf), bad, NO_MODES, 0)
        f = 0.5 * self.n * (1.0 + np.log(2.0 * np.pi * rss / self.n))
        f += 0.5 * float(small.log_determinant(lower))
        remove = np.append(-beta, 1.0)  # y - X beta in the columns [X y]
        u, e = np.einsum("ajg,j->ag", U, remove), np.einsum("ajg,j->ag", E, remove)
        own = small.inverse(lower)
        G = np.einsum("acg,cd,dbg->ab", self.C, L, own) - (self.n / rss) * (e @ u.T)
        if self.reml:
            f += float(np.log(np.diag(root)).sum())
            inverse = linalg.cho_solve((root, True), np.eye(self.p))
            G -= np.einsum("ajg,jl,blg->ab", E[:, : self.p], inverse, U[:, : self.p])
        gradient = np.concatenate(
            [G[s.entries.start + s.rows, s.entries.start + s.cols] for s in self.structure.slots]
        )
        return Evaluation(theta, np.array(f), gradient, NO_MODES, 0)

    def expand(self, theta: FloatArray) -> tuple[FloatArray, FloatArray, float]:
        """beta, the absolute theta and log sigma at a relative theta."""
        beta, rss, *_ = self.solve(theta)
        sigma = np.sqrt(rss / self.n)
        return beta, sigma * theta, float(np.log(sigma))
