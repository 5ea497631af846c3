"""The scaled cross part Y = L^-1 A12: one row for each random effect of the eliminated factor.

Y is non-zero only at the *pairs* (level, column) that occur in the data.  Kept full where most
pairs occur, so that BLAS does the work; otherwise as its values at the pairs, and the products
Y'Y and Y C are sums over *pairs of pairs*, listed once a fit.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from glmmlab._types import FloatArray
from glmmlab.blocks.structure import Pattern

MAX_ENTRIES = 20_000_000
"""Entries of an array held at once (160 MB)."""


def cross_part(pattern: Pattern, values: FloatArray) -> FullCross | SparseCross | WideCross:
    """Y from its values at the pairs, shape (k, pairs)."""
    levels, q = len(pattern.counts), pattern.q
    small = len(values) * levels * q <= MAX_ENTRIES
    if small and levels * q * q < 60.0 * pattern.n_products:
        return FullCross(pattern, values)
    return (SparseCross if pattern.n_products <= MAX_ENTRIES else WideCross)(pattern, values)


class FullCross:
    """Y with its zeros, shape (k, G, q)."""

    def __init__(self, pattern: Pattern, values: FloatArray) -> None:
        self.pattern, self.values = pattern, values
        shape = (len(values), len(pattern.counts), pattern.q)
        if pattern.complete:
            self.Y = values.reshape(shape)
        else:
            level, column, *_ = pattern.pairs
            self.Y = np.zeros(shape)
            self.Y[:, level, column] = values

    def gram(self) -> FloatArray:
        """Y'Y, shape (q, q); at least its lower triangle."""
        flat = self.Y.reshape(-1, self.Y.shape[-1])
        return np.asarray(flat.T @ flat)

    def times(self, x: FloatArray) -> FloatArray:
        """Y x: (q,) to (k, G), or (q, c) to (k, G, c)."""
        return np.asarray(self.Y @ x)

    def transposed(self, z: FloatArray) -> FloatArray:
        """Y'z: (k, G) to (q,), or (k, G, c) to (q, c)."""
        flat = self.Y.reshape(-1, self.Y.shape[-1])
        return np.asarray(flat.T @ z.reshape(len(flat), *z.shape[2:]))

    def at_pairs(self, C: FloatArray) -> FloatArray:
        """Y C at the pairs, shape (k, pairs), for a symmetric C of shape (q, q)."""
        YC = np.asarray(self.Y @ C)
        if self.pattern.complete:
            return YC.reshape(len(YC), -1)
        level, column, *_ = self.pattern.pairs
        return YC[:, level, column]


class SparseCross:
    """Y by its values at the pairs."""

    def __init__(self, pattern: Pattern, values: FloatArray) -> None:
        self.pattern, self.values = pattern, values
        _, column, starts, _ = pattern.pairs
        shape = (len(pattern.counts), pattern.q)
        self.Y = [sparse.csr_matrix((v, column.astype(np.int32), starts), shape) for v in values]

    def gram(self) -> FloatArray:
        """Y'Y, shape (q, q); at least its lower triangle."""
        left, right, target = self.pattern.products
        q = self.pattern.q
        total = (self.values[:, left] * self.values[:, right]).sum(axis=0)
        return np.asarray(np.bincount(target, total, q * q), dtype=float).reshape(q, q)

    def times(self, x: FloatArray) -> FloatArray:
        """Y x: (q,) to (k, G), or (q, c) to (k, G, c)."""
        return np.stack([y @ x for y in self.Y])

    def transposed(self, z: FloatArray) -> FloatArray:
        """Y'z: (k, G) to (q,), or (k, G, c) to (q, c)."""
        return np.asarray(sum(y.T @ za for y, za in zip(self.Y, z, strict=True)))

    def at_pairs(self, C: FloatArray) -> FloatArray:
        """Y C at the pairs, shape (k, pairs), for a symmetric C of shape (q, q)."""
        left, right, target = self.pattern.products
        c = C.ravel()[target]
        n = self.values.shape[1]
        diagonal = C.diagonal()[self.pattern.pairs[1]]
        return np.stack(
            [
                # the pairs of a pair with itself are in both sums, but count once
                np.bincount(right, c * v[left], n)
                + np.bincount(left, c * v[right], n)
                - diagonal * v
                for v in self.values
            ]
        )


class WideCross(SparseCross):
    """A sparse Y with too many pairs of pairs to list."""

    def gram(self) -> FloatArray:
        """Y'Y, shape (q, q)."""
        return np.asarray(sum((y.T @ y).toarray() for y in self.Y))

    def at_pairs(self, C: FloatArray) -> FloatArray:
        """Y C at the pairs, some levels at a time."""
        level, column, starts, _ = self.pattern.pairs
        result = np.empty_like(self.values)
        step = max(1, MAX_ENTRIES // self.pattern.q)
        for g0 in range(0, len(self.pattern.counts), step):
            g1 = min(g0 + step, len(self.pattern.counts))
            pairs = slice(int(starts[g0]), int(starts[g1]))
            for a, y in enumerate(self.Y):
                result[a, pairs] = (y[g0:g1] @ C)[level[pairs] - g0, column[pairs]]
        return result
