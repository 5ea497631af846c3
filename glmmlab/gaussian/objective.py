"""f(psi) of a Gaussian model, from what is solved at the relative theta.

The Laplace approximation is exact here.  With t = theta / sigma, s = log sigma, and the sums of
squares of :mod:`glmmlab.gaussian`,

    F(beta, t, s) = N (s + log(2 pi)/2) + rss(beta)/(2 sigma^2) + log|H|/2

and log|S_XX|/2 more under REML, where beta is the best one and N counts p less.  Only t needs
work that grows with the data, so the Hessian takes differences of the gradient in t alone.
"""

from __future__ import annotations

import numpy as np
from scipy import linalg

from glmmlab._types import FloatArray
from glmmlab.design import Design
from glmmlab.families.base import Family
from glmmlab.gaussian.profiled import ProfiledGaussian
from glmmlab.gaussian.solvers import Solved
from glmmlab.laplace import Evaluation, Laplace, Modes

DIGITS_LOST = 1e-5
"""A share of the response's sum of squares; residuals below it are summed row by row."""


class GaussianObjective(Laplace):
    """f(psi) for a Gaussian model with identity link, constant sigma and random effects."""

    def __init__(
        self,
        design: Design,
        family: Family,
        integrate_beta: bool = False,
        orthonormal: bool = True,
    ) -> None:
        super().__init__(design, family, integrate_beta, orthonormal)
        self.batchable = False
        self.profile = ProfiledGaussian(design, self.columns, self.structure, integrate_beta)

    def evaluate(
        self,
        psi: FloatArray,
        start: Modes | None = None,
        gradient: bool = True,
        decrement: float = 0.0,
        explore: bool = True,
        led: bool = False,
    ) -> Evaluation:
        """f and its gradient at psi; there is one mode, and it is found exactly."""
        theta, s = self._relative(psi)
        try:
            solved = self.profile.solve(theta)
            beta, root = self._beta(psi, solved)
        except (linalg.LinAlgError, ValueError):  # numbers beyond the range of floating point
            return super().evaluate(psi, start, gradient)
        remove = np.append(-beta, 1.0)
        rss = float(remove @ solved.S @ remove)
        if not rss > DIGITS_LOST * self.profile.data.total[-1, -1]:
            return super().evaluate(psi, start, gradient)
        precision = np.exp(-2.0 * s)
        f = self.profile.n * (s + 0.5 * np.log(2.0 * np.pi)) + 0.5 * rss * precision
        f += 0.5 * solved.log_determinant
        if self.integrate_beta:
            f += float(np.log(np.diag(root)).sum())
        grad = np.zeros(psi.shape)
        if gradient:
            F_beta, F_t, F_s = self._slopes(solved, beta, root, precision)
            grad = np.concatenate([F_beta, F_t * np.exp(-s), [F_s - theta @ F_t]])
        modes = self._modes(solved, remove * np.exp(-s), beta)
        return Evaluation(psi, np.array(f), grad, modes, 1)

    def _relative(self, psi: FloatArray) -> tuple[FloatArray, float]:
        """The relative theta and log sigma."""
        _, theta, (gamma,) = self.split(psi)
        s = float(gamma[0])
        return theta * np.exp(-s), s

    def _beta(self, psi: FloatArray, solved: Solved) -> tuple[FloatArray, FloatArray]:
        """Coefficients of the shifted response, given (ML) or best (REML); factor of S_XX."""
        if self.integrate_beta:
            beta, _, root = self.profile.best(solved)
            return beta, root
        return psi[: self.p] - self.profile.shift, np.empty((0, 0))

    def _slopes(
        self, solved: Solved, beta: FloatArray, root: FloatArray, precision: float
    ) -> tuple[FloatArray, FloatArray, float]:
        """Gradient of F in beta (none under REML), t and s."""
        remove = np.append(-beta, 1.0)
        left = solved.S @ remove
        explained = self.profile.explained(solved, remove[:, None])
        F_t = solved.log_determinant_slope - precision * explained
        if self.integrate_beta:
            F_t = F_t + self.profile.restricted(solved, root)
        F_beta = -precision * left[: self.n_beta]
        return F_beta, F_t, self.profile.n - precision * float(remove @ left)

    def _modes(self, solved: Solved, remove: FloatArray, beta: FloatArray) -> Modes:
        """The spherical random effects, at the scale of psi."""
        u = [np.einsum("ajg,j->ag", U, remove) for U in solved.U]
        slots = self.structure.slots
        big = np.concatenate([x for s, x in zip(slots, u, strict=True) if s.eliminated])
        dense = [x.T.ravel() for s, x in zip(slots, u, strict=True) if not s.eliminated]
        if self.integrate_beta:
            dense.append(self.profile.shift + beta)
        ends = np.cumsum([len(rows.pattern.counts) for rows in self.rows])[:-1]
        return Modes(tuple(np.split(big, ends, axis=-1)), np.concatenate([np.empty(0), *dense]))

    # -- curvature ---------------------------------------------------------------------------

    def hessian(self, at: Evaluation, steps: FloatArray) -> FloatArray | None:
        """Hessian of f: central differences of F's gradient in t, all else exact."""
        p, n_t = self.n_beta, self.n_theta
        theta, s = self._relative(at.psi)
        precision = np.exp(-2.0 * s)
        try:
            solved = self.profile.solve(theta)
            beta, root = self._beta(at.psi, solved)
            F = np.zeros((self.size, self.size))
            for i, h in enumerate(steps[p : p + n_t] * np.exp(-s)):
                ends = []
                for move in (h, -h):
                    moved = theta.copy()
                    moved[i] += move
                    there = self.profile.solver.solve(moved)
                    slopes = self._slopes(there, *self._beta(at.psi, there), precision)
                    ends.append(np.hstack(slopes))
                F[p + i] = (ends[0] - ends[1]) / (2.0 * h)
        except (linalg.LinAlgError, ValueError):
            return None
        remove = np.append(-beta, 1.0)
        rss = float(remove @ solved.S @ remove)
        if not rss > DIGITS_LOST * self.profile.data.total[-1, -1]:
            return None
        t = slice(p, p + n_t)
        F[t, t] = 0.5 * (F[t, t] + F[t, t].T)
        F[:p, t] = F[t, :p].T
        F[-1, t] = F[t, -1]
        F_beta, F_t, _ = self._slopes(solved, beta, root, precision)
        F[:p, :p] = precision * solved.S[:p, :p]
        F[:p, -1] = F[-1, :p] = -2.0 * F_beta
        F[-1, -1] = 2.0 * precision * rss
        return self._in_psi(F, F_t, theta, s)

    def _in_psi(self, F: FloatArray, F_t: FloatArray, theta: FloatArray, s: float) -> FloatArray:
        """A Hessian in (beta, t, s) as one in psi, t = theta exp(-s)."""
        t = slice(self.n_beta, self.n_beta + self.n_theta)
        J = np.eye(self.size)
        J[t, t] *= np.exp(-s)
        J[t, -1] = -theta
        H = np.asarray(J.T @ F @ J)
        H[t, -1] -= np.exp(-s) * F_t
        H[-1, t] -= np.exp(-s) * F_t
        H[-1, -1] += F_t @ theta
        return H

    def hessian_from_profile(self, theta: FloatArray, curvature: FloatArray) -> FloatArray:
        """Nearly the Hessian of f at the optimum, from that of the profiled form.

        Only the covariances of beta with theta, zero in expectation, are left out.
        """
        p, n_t = self.n_beta, self.n_theta
        t = slice(p, p + n_t)
        solved = self.profile.solve(theta)
        beta, rss, _ = self.profile.best(solved)
        precision = self.profile.n / rss
        explained = self.profile.explained(solved, np.append(-beta, 1.0)[:, None])
        F = np.zeros((self.size, self.size))
        F[:p, :p] = precision * solved.S[:p, :p]
        F[-1, -1] = 2.0 * self.profile.n
        F[t, -1] = F[-1, t] = 2.0 * precision * explained
        F[t, t] = curvature + np.outer(F[t, -1], F[t, -1]) / F[-1, -1]
        return self._in_psi(F, np.zeros(n_t), theta, -0.5 * float(np.log(precision)))
