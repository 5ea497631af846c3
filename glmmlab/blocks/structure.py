"""Where the random effects sit: the pattern of M = Z Lambda(theta), fixed during a fit.

========  =============================================  ======================
name      meaning                                        shape
========  =============================================  ======================
Z1        covariates of the eliminated factor            (k, n)
Z2        covariates of all other random terms           (m, n)
columns   their columns in the dense part                (m, n) integers
R, V      the rows of M: Z1 Lambda, Z2 Lambda            (k, ..., n), (m, n)
theta     free entries of the Cholesky factors, by term  (t,)
========  =============================================  ======================

Rows are sorted by the level of the eliminated factor, so that sums over a level are
``np.add.reduceat``, and within levels by the first other column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from glmmlab._types import FloatArray, IntArray
from glmmlab.design.objects import theta_positions

if TYPE_CHECKING:
    from glmmlab.design import RandomTerm

MAX_DENSE_COLUMNS = 10_000


@dataclass(frozen=True)
class Slot:
    """One random term: its covariates, its place in the pattern, its entries of theta."""

    term: int
    eliminated: bool
    entries: slice
    theta: slice
    rows: IntArray
    cols: IntArray
    size: int

    @cached_property
    def places(self) -> tuple[tuple[int, int, int], ...]:
        """For each entry of theta its index, and the covariates that it multiplies and makes."""
        first, index = self.entries.start, range(self.theta.start, self.theta.stop)
        return tuple(
            (t, first + int(a), first + int(b))
            for t, a, b in zip(index, self.rows, self.cols, strict=True)
        )


@dataclass(frozen=True)
class Pattern:
    """The rows of some whole levels of the eliminated factor (or of the whole model)."""

    Z1: FloatArray
    counts: IntArray
    Z2: FloatArray
    columns: IntArray
    q: int

    @property
    def n(self) -> int:
        """Rows."""
        return int(self.counts.sum()) if len(self.counts) else self.Z2.shape[1]

    @cached_property
    def starts(self) -> IntArray:
        """First row of each level."""
        return np.concatenate(([0], np.cumsum(self.counts)[:-1])).astype(np.intp)

    @cached_property
    def codes(self) -> IntArray:
        """Level of each row."""
        return np.repeat(np.arange(len(self.counts), dtype=np.intp), self.counts)

    def sums(self, x: FloatArray) -> FloatArray:
        """Sums of x over each level, last axis."""
        return np.add.reduceat(x, self.starts, axis=-1)

    def spread(self, u: FloatArray) -> FloatArray:
        """Values of each level, repeated over its rows."""
        return u.repeat(self.counts, axis=-1)

    @cached_property
    def pairs(self) -> tuple[IntArray, IntArray, IntArray, IntArray]:
        """Non-zero blocks of the cross part: level, column, row start, and (m, n) pair index."""
        key = self.codes * max(self.q, 1) + self.columns
        unique, index = np.unique(key, return_inverse=True)
        level, column = np.divmod(unique, max(self.q, 1))
        starts = np.searchsorted(level, np.arange(len(self.counts) + 1))
        return level, column, starts.astype(np.int32), index.reshape(self.columns.shape)

    @cached_property
    def one_row_a_pair(self) -> bool:
        """Whether the pairs are the rows, in their order."""
        index = self.pairs[3]
        return len(index) == 1 and bool((index[0] == np.arange(index.shape[1])).all())

    @cached_property
    def complete(self) -> bool:
        """Whether every level meets every column: the pairs are a (G, q) table, by rows."""
        return len(self.pairs[0]) == len(self.counts) * self.q

    @cached_property
    def pairs_a_level(self) -> IntArray:
        """How many."""
        return np.diff(self.pairs[2])

    def pair_sums(self, x: FloatArray) -> FloatArray:
        """Sums over each pair of x, shape (m, n)."""
        if self.one_row_a_pair:
            return x[0]
        level, _, _, index = self.pairs
        return np.asarray(np.bincount(index.ravel(), x.ravel(), len(level)), dtype=float)

    def column_sums(self, x: FloatArray) -> FloatArray:
        """Sums over each other column of x, shape (m, n)."""
        if self.complete and self.one_row_a_pair:
            return np.asarray(x.reshape(-1, self.q).sum(axis=0))
        return np.asarray(np.bincount(self.columns.ravel(), x.ravel(), self.q), dtype=float)

    def sums_over_pairs(self, x: FloatArray) -> FloatArray:
        """Sums of values of the pairs over each level, last axis."""
        return np.add.reduceat(x, self.pairs[2][:-1], axis=-1)

    def spread_over_pairs(self, u: FloatArray) -> FloatArray:
        """Values of each level, repeated over its pairs."""
        return u.repeat(self.pairs_a_level, axis=-1)

    def spread_pairs(self, values: FloatArray, e: int) -> FloatArray:
        """Values of the pairs on the rows, those of the e-th other column."""
        return values if self.one_row_a_pair else values[self.pairs[3][e]]

    @cached_property
    def n_products(self) -> int:
        """How many pairs of pairs there are within levels, each counted once."""
        per_level = self.pairs_a_level.astype(np.int64)
        return int((per_level * (per_level + 1) // 2).sum())

    @cached_property
    def products(self) -> tuple[IntArray, IntArray, IntArray]:
        """Pairs of pairs within levels: two places among the pairs, one in the (q, q) array.

        Columns increase within a level, so the places are in the lower triangle.
        """
        level, column, starts, _ = self.pairs
        after = starts[level + 1] - np.arange(len(level))  # this pair and those after it
        left = np.repeat(np.arange(len(level)), after)
        first = np.cumsum(after) - after
        right = left + np.arange(len(left)) - first[left]
        return left, right, column[right] * self.q + column[left]


def _sorted(codes: IntArray) -> IntArray:
    """The order of the codes, equal ones as they came."""
    # the smallest type that holds them: short integers are sorted by radix
    short = codes.astype(np.min_scalar_type(int(codes.max(initial=0))))
    return np.argsort(short, kind="stable")


class RandomStructure:
    """The random part of a model: the sorted pattern and the map from theta to Lambda.

    Parameters
    ----------
    terms : sequence of RandomTerm
    nobs : int

    Raises
    ------
    DataError
        When the dense part would have more than 10,000 columns.
    """

    def __init__(self, terms: Sequence[RandomTerm], nobs: int) -> None:
        self.terms = tuple(terms)
        by_group: dict[str, list[int]] = {}
        for i, term in enumerate(self.terms):
            by_group.setdefault(term.group, []).append(i)
        sizes = {
            g: sum(self.terms[i].Z.shape[1] for i in members) * len(self.terms[members[0]].levels)
            for g, members in by_group.items()
        }
        self.eliminated = max(sizes, key=lambda g: sizes[g]) if sizes else None
        self._check_size(sizes)
        self.slots = self._make_slots()
        self.order, self.pattern = self._make_pattern(nobs)
        self.n_theta = sum(s.theta.stop - s.theta.start for s in self.slots)

    def _check_size(self, sizes: dict[str, int]) -> None:
        dense = {g: s for g, s in sizes.items() if g != self.eliminated}
        if sum(dense.values()) > MAX_DENSE_COLUMNS:
            from glmmlab.errors import DataError

            listing = ", ".join(f"{g} ({s:,})" for g, s in dense.items())
            raise DataError(
                f"the crossed random terms beside {self.eliminated!r} have "
                f"{sum(dense.values()):,} random effects: {listing}. More than "
                f"{MAX_DENSE_COLUMNS:,} are not supported, since their covariance is dense. "
                "Fit the largest of them as a fixed effect, or aggregate its levels."
            )

    def _make_slots(self) -> tuple[Slot, ...]:
        slots = []
        theta = first = rest = 0
        for i, term in enumerate(self.terms):
            k = term.Z.shape[1]
            rows, cols = np.array(theta_positions(term), dtype=np.intp).T
            big = term.group == self.eliminated
            begin = first if big else rest
            slots.append(
                Slot(
                    term=i,
                    eliminated=big,
                    entries=slice(begin, begin + k),
                    theta=slice(theta, theta + len(rows)),
                    rows=rows,
                    cols=cols,
                    size=k,
                )
            )
            theta += len(rows)
            if big:
                first += k
            else:
                rest += k
        return tuple(slots)

    def _make_pattern(self, nobs: int) -> tuple[IntArray, Pattern]:
        big = [self.terms[s.term] for s in self.slots if s.eliminated]
        rest = [self.terms[s.term] for s in self.slots if not s.eliminated]
        if not big:
            empty = np.empty((0, nobs))
            none = np.empty(0, dtype=np.intp)
            order = np.arange(nobs, dtype=np.intp)
            return order, Pattern(empty, none, empty, empty.astype(np.intp), 0)
        codes = big[0].codes
        counts = np.bincount(codes, minlength=len(big[0].levels))
        if rest:  # within levels by column
            inner = _sorted(rest[0].codes)
            order = inner[_sorted(codes[inner])]
        else:
            order = _sorted(codes)
        z1 = np.ascontiguousarray(np.concatenate([t.Z for t in big], axis=1)[order].T)
        columns, values, offset = [], [], 0
        for term in rest:
            k = term.Z.shape[1]
            for j in range(k):
                columns.append(offset + term.codes[order] * k + j)
                values.append(term.Z[order, j])
            offset += len(term.levels) * k
        shape = (0, nobs)
        z2 = np.stack(values) if values else np.empty(shape)
        cols = np.stack(columns) if columns else np.empty(shape, dtype=np.intp)
        return order, Pattern(z1, counts, z2, cols, offset)

    def dense_slice(self, slot: Slot) -> slice:
        """Where a term that is not eliminated sits in the dense part."""
        start = 0
        for s in self.slots:
            term = self.terms[s.term]
            width = len(term.levels) * s.size
            if s is slot:
                return slice(start, start + width)
            if not s.eliminated:
                start += width
        raise KeyError(slot.term)

    def covariates(self, pattern: Pattern, slot: Slot) -> FloatArray:
        """A term's columns of Z as rows, in the order of the pattern, shape (size, n)."""
        return (pattern.Z1 if slot.eliminated else pattern.Z2)[slot.entries]

    def level_sums(self, pattern: Pattern, slot: Slot, x: FloatArray) -> FloatArray:
        """Sums of z x over each level of a term, shape (size, levels).

        Parameters
        ----------
        pattern : Pattern
            That of the model, or of a chunk; then its levels only.
        slot : Slot
        x : ndarray, shape (n,) or (size, n)
            In the order of the pattern.
        """
        products = self.covariates(pattern, slot) * x
        if slot.eliminated:
            return pattern.sums(products)
        levels, first = len(self.terms[slot.term].levels), self.dense_slice(slot).start
        level = (pattern.columns[slot.entries.start] - first) // slot.size
        return np.array([np.bincount(level, row, levels) for row in products])

    def factors(self, theta: FloatArray) -> list[FloatArray]:
        """Cholesky factor of each term's covariance, shape (size, size, ...)."""
        result = []
        for s in self.slots:
            lower = np.zeros((s.size, s.size, *theta.shape[:-1]))
            lower[s.rows, s.cols] = np.moveaxis(theta[..., s.theta], -1, 0)
            result.append(lower)
        return result

    def scale(self, pattern: Pattern, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Rows of M = Z Lambda(theta): R (k, ..., n) and V (m, ..., n)."""
        batch = theta.shape[:-1]
        n = pattern.Z1.shape[1]
        R = np.zeros((pattern.Z1.shape[0], *batch, n))
        V = np.zeros((pattern.Z2.shape[0], *batch, n))
        for s in self.slots:
            Z, M = (pattern.Z1, R) if s.eliminated else (pattern.Z2, V)
            for t, a, b in s.places:
                if s.size == 1:
                    np.multiply(theta[..., t, None], Z[a], out=M[b])
                else:
                    M[b] += theta[..., t, None] * Z[a]
        return R, V

    def pull_back(self, pattern: Pattern, q1: FloatArray, q2: FloatArray) -> FloatArray:
        """Gradient in theta from row weights on the columns of M: shape (..., n_theta)."""
        batch = q1.shape[1:-1]
        gradient = np.empty((*batch, self.n_theta))
        for s in self.slots:
            Z, Q = (pattern.Z1, q1) if s.eliminated else (pattern.Z2, q2)
            for t, a, b in s.places:
                gradient[..., t] = Q[b] @ Z[a]
        return gradient

    def chunks(self, rows: int) -> list[tuple[slice, Pattern]]:
        """The pattern cut at level borders into pieces of about ``rows`` rows.

        Only a single grouping factor can be cut: its levels are independent given the outer
        parameters.  Otherwise the whole pattern is the one piece.
        """
        p = self.pattern
        n = p.Z1.shape[1]
        if p.q or n <= 2 * rows or not len(p.counts):
            return [(slice(0, n), p)]
        ends = np.cumsum(p.counts)
        cuts = np.unique(np.searchsorted(ends, np.arange(rows, n, rows)) + 1)
        borders = [0, *[int(c) for c in cuts if c < len(ends)], len(ends)]
        pieces = []
        for g0, g1 in pairwise(borders):
            r = slice(int(ends[g0 - 1]) if g0 else 0, int(ends[g1 - 1]))
            pieces.append(
                (
                    r,
                    Pattern(
                        np.ascontiguousarray(p.Z1[:, r]),
                        p.counts[g0:g1],
                        p.Z2[:, r],
                        p.columns[:, r],
                        0,
                    ),
                )
            )
        return pieces
