"""Step-down tests: a hypothesis is compared with the maximum over those that may still be true.

The statistics are taken from the largest to the smallest.  At step i the first i - 1 hypotheses
are rejected, and p_i is the largest P(max_{j in S} |T_j| >= |t_i|) over the sets S of hypotheses,
i among them, that can all be true:

free      S is everything not yet rejected (Westfall & Young 1993; multcomp's "free").
westfall  S may not imply a rejected hypothesis.  If the means a = b and b = c, then a = c: where
          a differs from c at most one of the two others is true (Westfall 1997, Journal of the
          American Statistical Association 92:299-306).
shaffer   The same sets, by Bonferroni's inequality: the size of the largest S times the raw p
          (Shaffer 1986, Journal of the American Statistical Association 81:826-831).

Only free serves one-sided tests too: that a <= b and b <= c says nothing of a > c.

P-values are made monotone in the order of the steps.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from glmmlab._types import BoolArray, FloatArray, Seed
from glmmlab.errors import InferenceError
from glmmlab.inference.multivariate_t import (
    REPLICATES,
    MaxProbability,
    condensed,
    correlation_factor,
    radial_sf,
    scrambled_samples,
    three_standard_errors,
)

_DIRECTIONS = 1 << 13
_BLOCKS = 2
_IN_SPAN = 1e-7
"""Length of a unit row outside a span, below which it belongs to it."""
MAX_SETS = 50_000
"""Sets of hypotheses looked at in all: the pairs of eight means need fewer, those of ten more."""


def free_p(
    statistic: ArrayLike,
    covariance: ArrayLike,
    df: float = np.inf,
    *,
    one_sided: bool = False,
    seed: Seed = 0,
) -> MaxProbability:
    """Step-down p-values without logical constraints.

    Parameters
    ----------
    statistic : array_like, shape (m,)
        t or z statistics.
    covariance : array_like, shape (m, m)
        Of the m estimates.
    df : float
    one_sided : bool
        Tests against larger values: the maximum of T_j instead of that of its absolute value.
    seed : int, Generator or None

    Examples
    --------
    >>> import numpy as np
    >>> from glmmlab.inference.step_down import free_p
    >>> free_p([3.0, 2.0, 1.0], np.eye(3)).p.round(3)
    array([0.008, 0.089, 0.317])
    """
    values, order, factor = _ordered(statistic, covariance, one_sided)
    rank = factor.shape[1]
    tails = np.zeros((REPLICATES, values.size))
    for row, sample in zip(tails, scrambled_samples(factor, one_sided, seed), strict=True):
        for _ in range(_BLOCKS):
            projections = sample.directions(_DIRECTIONS) @ factor.T
            if not one_sided:
                np.abs(projections, out=projections)
            extents = np.maximum.accumulate(projections[:, ::-1], axis=1)[:, ::-1]
            row += radial_sf(values, extents, rank, df).mean(axis=0) / _BLOCKS
    return MaxProbability(
        _monotone(tails.mean(axis=0), order),
        three_standard_errors(tails),
        rank,
        REPLICATES * _BLOCKS * _DIRECTIONS,
    )


def westfall_p(
    statistic: ArrayLike,
    raw: ArrayLike,
    covariance: ArrayLike,
    df: float = np.inf,
    *,
    seed: Seed = 0,
) -> MaxProbability:
    """Step-down p-values over the sets of hypotheses that can be true together.

    Parameters
    ----------
    statistic, raw : array_like, shape (m,)
        t or z statistics and their unadjusted two-sided p-values.
    covariance : array_like, shape (m, m)
        Of the m estimates; hypotheses that follow from others show in its rank.
    df : float
    seed : int, Generator or None

    Raises
    ------
    InferenceError
        With more than MAX_SETS sets to look at.

    Examples
    --------
    >>> import numpy as np
    >>> from glmmlab.inference.step_down import westfall_p
    >>> pairs = np.array([[-1.0, 1, 0], [-1, 0, 1], [0, -1, 1]])
    >>> found = westfall_p([1.0, 3.0, 2.0], [0.3173, 0.0027, 0.0455], pairs @ pairs.T)
    >>> found.p.round(4)   # once a pair differs, at most one of the two others is true
    array([0.3173, 0.0076, 0.0455])
    """
    values, order, factor = _ordered(statistic, covariance)
    plain = np.asarray(raw, float)[order]
    rank = factor.shape[1]
    projections = [
        np.abs(sample.directions(_DIRECTIONS) @ factor.T)
        for sample in scrambled_samples(factor, False, seed)
    ]
    steps, error = np.empty(values.size), 0.0
    for i, sets in enumerate(_sets_of_all_steps(factor)):
        best = steps[i - 1] if i else 0.0
        for chosen in sorted(sets, key=len, reverse=True):
            if len(chosen) * plain[i] <= best:  # Bonferroni: none of the others is larger
                break
            if len(chosen) == 1:
                best = max(best, float(plain[i]))
                continue
            extents = (condensed(sample[:, chosen].max(axis=1)) for sample in projections)
            tails = np.array([[radial_sf(values[i], one, rank, df).mean()] for one in extents])
            # the inequality is closer than any sample of directions in the far tail
            found = min(float(tails.mean()), len(chosen) * float(plain[i]))
            if found > best:
                best, error = found, max(error, three_standard_errors(tails))
        steps[i] = best
    return MaxProbability(_monotone(steps, order), error, rank, REPLICATES * _DIRECTIONS)


def shaffer_p(statistic: ArrayLike, raw: ArrayLike, covariance: ArrayLike) -> FloatArray:
    """Raw p-values times the number of hypotheses that can be true together at each step.

    Parameters and errors are those of :func:`westfall_p`.

    Examples
    --------
    >>> import numpy as np
    >>> from glmmlab.inference.step_down import shaffer_p
    >>> pairs = np.array([[-1.0, 1, 0], [-1, 0, 1], [0, -1, 1]])
    >>> shaffer_p([1.0, 3.0, 2.0], [0.3173, 0.0027, 0.0455], pairs @ pairs.T)
    array([0.3173, 0.0081, 0.0455])
    """
    _, order, factor = _ordered(statistic, covariance)
    sizes = [max(map(len, sets), default=0) for sets in _sets_of_all_steps(factor)]
    return np.minimum(_monotone(np.asarray(raw, float)[order] * sizes, order), 1.0)


def _ordered(
    statistic: ArrayLike, covariance: ArrayLike, one_sided: bool = False
) -> tuple[FloatArray, np.ndarray, FloatArray]:
    """|t| (one-sided: t) from the largest to the smallest, their places and rows of the factor."""
    values = np.atleast_1d(np.asarray(statistic, float))
    values = values if one_sided else np.abs(values)
    order = np.argsort(-values, kind="stable")
    return values[order], order, correlation_factor(covariance)[order]


def _monotone(steps: FloatArray, order: np.ndarray) -> FloatArray:
    result = np.empty(steps.size)
    result[order] = np.maximum.accumulate(steps)
    return result


# ------------------------------------------------------------- hypotheses that can all be true


def _sets_of_all_steps(factor: FloatArray) -> Iterator[list[list[int]]]:
    """For each step the largest sets with it that imply none of the steps before."""
    looked_at = 0
    for step in range(len(factor)):
        sets, visited = _largest_sets(factor, step, MAX_SETS - looked_at)
        looked_at += visited
        yield sets


def _largest_sets(factor: FloatArray, step: int, limit: int) -> tuple[list[list[int]], int]:
    """Maximal sets S of rows with row `step` whose span holds none of the rows before it.

    Rows are taken in or left out one by one; a set is complete when nothing can be taken in any
    more, and maximal when nothing left out could be taken in either.
    """
    found: list[list[int]] = []
    visited = 0
    nothing = np.zeros(len(factor), dtype=bool)
    outside, inside = _taken_in(factor, nothing, step)
    if not _allowed(inside, step):  # it is a rejected hypothesis in other words
        return [], 1
    stack = [(outside, inside, nothing)]
    while stack:
        outside, inside, left_out = stack.pop()
        visited += 1
        if visited > limit:
            raise InferenceError(
                f"these {len(factor)} hypotheses can be true together in too many ways (more "
                f"than {MAX_SETS} sets to look at). Use adjust='free', its step-down without "
                "logical constraints, or fewer comparisons."
            )
        candidate = next(
            (int(j) for j in np.flatnonzero(~inside) if j > step and not left_out[j]), None
        )
        if candidate is None:
            could_be = np.flatnonzero(left_out & ~inside)
            if not any(_allowed(_taken_in(outside, inside, int(j))[1], step) for j in could_be):
                found.append([int(j) for j in np.flatnonzero(inside)])
            continue
        without = left_out.copy()
        without[candidate] = True
        stack.append((outside, inside, without))
        more, taken = _taken_in(outside, inside, candidate)
        if _allowed(taken, step) and not (taken & left_out).any():
            stack.append((more, taken, left_out))
    return found, visited


def _allowed(inside: BoolArray, step: int) -> bool:
    """Whether no rejected hypothesis follows."""
    return not inside[:step].any()


def _taken_in(outside: FloatArray, inside: BoolArray, row: int) -> tuple[FloatArray, BoolArray]:
    """The rows' parts outside the span with one row more, and which rows have none left."""
    length = np.linalg.norm(outside[row])
    if length < _IN_SPAN:
        return outside, inside
    direction = outside[row] / length
    rest = outside - np.outer(outside @ direction, direction)
    taken = inside | (np.linalg.norm(rest, axis=1) < _IN_SPAN)
    taken[row] = True
    return rest, taken
