"""H, U, E and S at a relative theta: by level for one grouping factor, by elimination otherwise.

The letters are those of :mod:`glmmlab.gaussian`; lists have one entry a random term.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import linalg

from glmmlab._types import FloatArray
from glmmlab.blocks import Factor, RandomStructure, small


@dataclass
class Solved:
    """What is known at one relative theta."""

    log_determinant: float
    S: FloatArray
    U: list[FloatArray]
    E: list[FloatArray]
    slope: Callable[[], FloatArray]
    """Computes d(log|H|/2)/dtheta."""
    best: tuple[FloatArray, float, FloatArray] | None = None
    """Coefficients, their rss and the factor of S_XX, once asked for."""

    @cached_property
    def log_determinant_slope(self) -> FloatArray:
        """d(log|H|/2)/dtheta, when it is first asked for."""
        value = self.slope()
        del self.slope  # and the factor that it held
        return value


@dataclass(frozen=True)
class Data:
    """Rows of one model, sorted by the eliminated factor: [X y] as rows, and weights."""

    structure: RandomStructure
    full: FloatArray
    w: FloatArray

    @cached_property
    def total(self) -> FloatArray:
        """[X y]'W[X y]."""
        return np.asarray((self.full * self.w) @ self.full.T)

    def through_Z(self, x: FloatArray) -> list[FloatArray]:
        """Z'Wx of every term, (size, c, levels), for x of shape (c, n)."""
        weighted, structure = self.w * x, self.structure
        return [
            np.stack([structure.level_sums(structure.pattern, s, row) for row in weighted], axis=1)
            for s in structure.slots
        ]

    @cached_property
    def C(self) -> list[FloatArray]:
        """Z'WZ of every term by itself, (size, size, levels)."""
        pattern = self.structure.pattern
        return [
            self.through_Z(self.structure.covariates(pattern, s))[i]
            for i, s in enumerate(self.structure.slots)
        ]

    def information(self, theta: FloatArray) -> FloatArray:
        """Fisher's information on theta where each random term is alone in the model.

        With K = C - C L H^-1 L'C, which is Z'V^-1Z, and N = K L, entries (r, c) and (s, d) of L
        have the information  sum N_sc N_rd + (L'N)_cd K_rs  over the levels.
        """
        information = np.zeros((len(theta), len(theta)))
        lowers = self.structure.factors(theta)
        for s, L, C in zip(self.structure.slots, lowers, self.C, strict=True):
            CL = np.einsum("acg,cb->abg", C, L)
            H = np.einsum("ca,cbg->abg", L, CL)
            H[np.arange(s.size), np.arange(s.size)] += 1.0
            lower, _ = small.cholesky(H)
            half = small.forward(lower[:, :, None], CL.transpose(1, 0, 2))
            K = C - np.einsum("cag,cbg->abg", half, half)
            N = np.einsum("acg,cb->abg", K, L)
            LN = np.einsum("ca,cbg->abg", L, N)
            r, c = s.rows, s.cols
            both = N[r[None, :], c[:, None]] * N[r[:, None], c[None, :]]
            both += LN[c[:, None], c[None, :]] * K[r[:, None], r[None, :]]
            information[s.theta, s.theta] = both.sum(axis=-1)
        return information


class OneFactor:
    """One grouping factor: cross-products by level, computed once."""

    def __init__(self, data: Data) -> None:
        self.data, self.structure = data, data.structure
        pattern = self.structure.pattern
        k, levels = len(pattern.Z1), len(pattern.counts)
        self.C = np.empty((k, k, levels))
        for a in range(k):
            weighted = data.w * pattern.Z1[a]
            for b in range(k):
                self.C[a, b] = pattern.sums(weighted * pattern.Z1[b])
        self.D = np.concatenate(data.through_Z(data.full))

    def solve(self, theta: FloatArray) -> Solved:
        """Everything at theta."""
        L = np.zeros(self.C.shape[:2])
        for s in self.structure.slots:
            L[s.entries.start + s.rows, s.entries.start + s.cols] = theta[s.theta]
        H = np.einsum("ca,cdg,db->abg", L, self.C, L)
        diagonal = np.arange(len(L))
        H[diagonal, diagonal] += 1.0
        lower, _ = small.cholesky(H)
        LD = np.einsum("ca,cjg->ajg", L, self.D)
        U = small.backward(lower[:, :, None], small.forward(lower[:, :, None], LD))
        E = self.D - np.einsum("acg,cb,bjg->ajg", self.C, L, U)

        def slope() -> FloatArray:
            G = np.einsum("acg,cd,dbg->ab", self.C, L, small.inverse(lower))
            return np.concatenate(
                [G[s.entries.start + s.rows, s.entries.start + s.cols] for s in slots]
            )

        slots = self.structure.slots
        return Solved(
            float(small.log_determinant(lower)),
            self.data.total - np.einsum("ajg,alg->jl", LD, U),
            [U[s.entries] for s in slots],
            [E[s.entries] for s in slots],
            slope,
        )


class Crossed:
    """Several grouping factors: block elimination."""

    def __init__(self, data: Data) -> None:
        self.data, self.structure = data, data.structure
        self.D = data.through_Z(data.full)

    def solve(self, theta: FloatArray) -> Solved:
        """Everything at theta.

        Raises
        ------
        LinAlgError
            Where H is not finite.
        """
        structure, data = self.structure, self.data
        pattern, slots = structure.pattern, structure.slots
        R, V = structure.scale(pattern, theta)
        factor = Factor(pattern, R, V, None, data.w)
        if not factor.positive:
            raise linalg.LinAlgError("H is not positive definite")
        LD = [
            np.einsum("ca,cjg->ajg", L, D)
            for L, D in zip(structure.factors(theta), self.D, strict=True)
        ]
        big = np.concatenate([x for s, x in zip(slots, LD, strict=True) if s.eliminated])
        columns = len(data.full)
        dense = np.concatenate(
            [
                x.transpose(2, 0, 1).reshape(-1, columns)
                for s, x in zip(slots, LD, strict=True)
                if not s.eliminated
            ]
        )
        u_big, u_dense = factor.solve_columns(big, dense)
        left = data.full.copy()
        for a in range(len(R)):
            left -= R[a] * pattern.spread(u_big[a])
        for e in range(len(V)):
            left -= V[e] * u_dense.T[:, pattern.columns[e]]

        def slope() -> FloatArray:
            hm_big, hm_rest, _ = factor.row_products()
            return structure.pull_back(pattern, data.w * hm_big, data.w * hm_rest)

        return Solved(
            float(factor.log_determinant()),
            data.total - np.einsum("ajg,alg->jl", big, u_big) - dense.T @ u_dense,
            [
                u_big[s.entries]
                if s.eliminated
                else u_dense[structure.dense_slice(s)]
                .reshape(-1, s.size, columns)
                .transpose(1, 2, 0)
                for s in slots
            ],
            data.through_Z(left),
            slope,
        )
