"""f as a function of the relative theta alone, beta and sigma at their best.

N = sum of the weights, N - p under REML:

    f = N/2 (1 + log(2 pi rss / N)) + log|H|/2  ( + log|S_XX|/2 under REML )
"""

from __future__ import annotations

import numpy as np
from scipy import linalg
from scipy.linalg import lapack

from glmmlab._types import FloatArray
from glmmlab.blocks import RandomStructure
from glmmlab.design import Design
from glmmlab.gaussian.solvers import Crossed, Data, OneFactor, Solved
from glmmlab.laplace import Evaluation, Modes

ROUNDING = 1e-13
"""Residuals below this share of the response are rounding errors."""
NO_MODES = Modes((), np.empty(0))
SAME = 4.0 * np.finfo(float).eps
"""Relative thetas this near are one: they went to the absolute scale and back."""


class ProfiledGaussian:
    """f and its gradient as functions of the relative theta.

    Parameters
    ----------
    design : Design
    columns : ndarray, shape (p, n)
        The fixed part's columns, sorted as the structure's rows.
    structure : RandomStructure
    reml : bool
    """

    def __init__(
        self, design: Design, columns: FloatArray, structure: RandomStructure, reml: bool
    ) -> None:
        self.structure, self.reml, self.p = structure, reml, len(columns)
        order = structure.order
        response = (design.y - design.offset)[order]
        full = np.vstack([columns, response])
        w = np.ones(len(response)) if design.weights is None else design.weights[order]
        # sums of squares keep their digits when the least-squares fit is out of the response
        root = np.sqrt(w)
        self.shift = np.asarray(linalg.lstsq((full[:-1] * root).T, response * root)[0])
        self.lowest = ROUNDING**2 * float(w @ (response * response))
        full[-1] -= self.shift @ full[:-1]
        self.n = float(w.sum()) - (self.p if reml else 0)
        self.data = Data(structure, full, w)
        self.solver = Crossed(self.data) if structure.pattern.q else OneFactor(self.data)
        self.known: list[tuple[FloatArray, Solved]] = []

    def solve(self, theta: FloatArray) -> Solved:
        """Everything at theta; the last two are remembered.

        Raises
        ------
        LinAlgError
        """
        for place, solved in self.known:
            if (np.abs(place - theta) <= SAME * np.abs(theta)).all():
                return solved
        self.known = [*self.known[-1:], (theta, self.solver.solve(theta))]
        return self.known[-1][1]

    def best(self, solved: Solved) -> tuple[FloatArray, float, FloatArray]:
        """Coefficients (of the shifted response), their rss, the factor of S_XX.

        Raises
        ------
        LinAlgError
        """
        if solved.best is None:
            S, p = solved.S, self.p
            root, info = lapack.dpotrf(S[:p, :p], lower=1) if p else (S[:0, :0], 0)
            if info != 0 or not np.isfinite(S).all():
                raise linalg.LinAlgError("X'V^-1X is not positive definite")
            beta = lapack.dpotrs(root, S[:p, p], lower=1)[0] if p else np.empty(0)
            solved.best = beta, float(S[p, p] - S[:p, p] @ beta), root
        return solved.best

    def explained(self, solved: Solved, B: FloatArray) -> FloatArray:
        """Sum over levels and columns of (E B)_a (U B)_b at the entries (a, b) of theta."""
        parts = []
        for s, E, U in zip(self.structure.slots, solved.E, solved.U, strict=True):
            e, u = (B.T @ E)[s.rows], (B.T @ U)[s.cols]
            parts.append(np.einsum("tjg,tjg->t", e, u))
        return np.concatenate(parts)

    def restricted(self, solved: Solved, root: FloatArray) -> FloatArray:
        """d(log|S_XX|/2)/dtheta."""
        inverse = linalg.solve_triangular(root, np.eye(self.p), lower=True).T
        return -self.explained(solved, np.vstack([inverse, np.zeros(self.p)]))

    def evaluate(self, theta: FloatArray, modes: Modes | None = None) -> Evaluation:
        """f and df/dtheta; inf where the sums of squares lose all their digits."""
        try:
            solved = self.solve(theta)
            beta, rss, root = self.best(solved)
        except linalg.LinAlgError:
            rss = -1.0
        if not rss > self.lowest:
            bad = np.full(theta.shape, np.nan)
            return Evaluation(theta, np.array(np.inf), bad, NO_MODES, 0)
        f = 0.5 * self.n * (1.0 + np.log(2.0 * np.pi * rss / self.n)) + 0.5 * solved.log_determinant
        remove = np.append(-beta, 1.0)[:, None]  # y - X beta in the columns [X y]
        gradient = solved.log_determinant_slope - (self.n / rss) * self.explained(solved, remove)
        if self.reml:
            f += float(np.log(np.diag(root)).sum())
            gradient += self.restricted(solved, root)
        return Evaluation(theta, np.array(f), gradient, NO_MODES, 0)

    def expand(self, theta: FloatArray) -> tuple[FloatArray, FloatArray, float]:
        """beta, the absolute theta and log sigma at a relative theta."""
        beta, rss, _ = self.best(self.solve(theta))
        sigma = np.sqrt(rss / self.n)
        return self.shift + beta, sigma * theta, float(np.log(sigma))
