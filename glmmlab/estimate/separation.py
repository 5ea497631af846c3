"""Coefficients without a finite maximum-likelihood estimate.

A direction d separates the data when moving along it never makes any row less likely:

    binomial kinds   x'd >= 0 where all trials succeeded, <= 0 where none did, = 0 elsewhere
    ordered beta     x'd >= 0 where y = 1, <= 0 where y = 0, = 0 elsewhere
    log links        x'd <= 0 where y = 0 (or less; y = 1 of counts from 1), = 0 elsewhere
    zero inflation   z'd >= 0 where y = 0, <= 0 elsewhere

and x'd is not zero everywhere.  Such directions form a cone; a linear programme finds one in
its interior (Konis 2007, "Linear programming algorithms for detecting separated data in binary
logistic regression models", thesis, Oxford).  Random effects do not change the cone: the
likelihood rises along d whatever their values are.

Zeros of a hurdle model tell nothing of its other part, so coefficients that only such rows have
are not determined at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.optimize import linprog

from glmmlab._types import BoolArray, FloatArray
from glmmlab.design import Design, LinearPart
from glmmlab.estimate.optimise import newton_step
from glmmlab.estimate.result import full_name
from glmmlab.families.base import Family
from glmmlab.links import expit_pair

SUSPICIOUS_ETA = 10.0
"""A linear predictor beyond this makes the programme worth running."""

_AT_ONCE = 20
"""So many violated rows join a programme in one go."""

_STEPS = 25
"""Each step of a separated logistic regression takes its predictor about 1 further."""


def separated_coefficients(design: Design, family: Family, eta: FloatArray) -> tuple[str, ...]:
    """Names of the coefficients whose estimates run to infinity, or that no row determines.

    Those of the zero inflation come after the conditional ones, as ``zero_inflation: x``.

    Parameters
    ----------
    design : Design
    family : Family
    eta : ndarray, shape (n,)
        Linear predictor at the fit; the search is skipped where all of it is moderate.
    """
    part = design.conditional
    found = _undetermined(design, family)
    if len(eta) and np.abs(eta).max() >= SUSPICIOUS_ETA:
        sign, rows = family.endless(design.y, design.trials), _informative(design, family)
        if sign is not None:
            found = found | (np.abs(separating_direction(part.X[rows], sign[rows])) > 1e-7)
    return (*_named(part, found), *_separated_inflation(design))


def undetermined_coefficients(design: Design, family: Family) -> tuple[str, ...]:
    """Names of the coefficients that only zeros of a hurdle model have."""
    return _named(design.conditional, _undetermined(design, family))


def open_directions(design: Design, family: Family, component: str = "conditional") -> FloatArray:
    """Basis (p, q) of the directions in which a part's estimates are not determined.

    Rows that a separating direction moves are predicted perfectly in the limit; the others
    determine what they determine in any data, and leave open the null space of their design.
    """
    X, sign = _signed_rows(design, family, component)
    while sign is not None and len(X):
        moved = np.abs(X @ separating_direction(X, sign))
        still = moved <= 1e-7 * max(1.0, float(moved.max()))
        if still.all():
            break
        X, sign = X[still], sign[still]  # a vertex of the cone need not move all that others do
    basis, size = _null_space(X)
    basis = basis / size[:, None]
    return np.asarray(basis / np.maximum(np.linalg.norm(basis, axis=0), 1e-300))


def endless_signs(design: Design, family: Family, component: str = "conditional") -> FloatArray:
    """Which infinity each coefficient of a part runs to, shape (p,): +1 or -1.

    0 for those that stay, and for those that one separating direction raises and another one
    lowers: of an interaction whose cells are all empty of successes the data say nothing.
    """
    basis = open_directions(design, family, component)
    X, sign = _signed_rows(design, family, component)
    ways = np.zeros(len(basis))
    if sign is None or not basis.shape[1]:
        return ways
    size = np.maximum(np.abs(X).max(axis=0), 1e-300)
    basis = basis * size[:, None]  # of coefficients times the sizes of their columns
    basis = basis / np.maximum(np.linalg.norm(basis, axis=0), 1e-300)
    moves = (X / size) @ basis
    far = np.linalg.norm(moves, axis=1)
    moved = far > 1e-9 * max(1.0, float(far.max(initial=0.0)))
    cone = np.unique((moves[moved] / far[moved, None] * sign[moved, None]).round(9), axis=0)
    for j, row in enumerate(basis):
        rises, falls = (way * row @ _furthest(way * row, cone) > 1e-5 for way in (1.0, -1.0))
        if rises != falls:
            ways[j] = 1.0 if rises else -1.0
    return ways


def has_undetermined_signs(design: Design, family: Family, separated: Sequence[str]) -> bool:
    """Whether a separated coefficient of the conditional part might run to either infinity."""
    named = np.isin(design.conditional.names, separated)
    return bool(named.any()) and bool((endless_signs(design, family)[named] == 0).any())


def _furthest(goal: FloatArray, cone: FloatArray) -> FloatArray:
    """The c in the unit cube with ``cone @ c >= 0`` and the largest ``goal @ c``.

    Most rows of a large cone do not bind: those that a solution violates join the programme.
    """
    active = cone[:0]
    while True:
        found: FloatArray = linprog(
            -goal,
            A_ub=-active if len(active) else None,
            b_ub=np.zeros(len(active)) if len(active) else None,
            bounds=[(-1.0, 1.0)] * len(goal),
            method="highs",
        ).x
        values = cone @ found
        worst = np.argsort(values)[:_AT_ONCE]
        worst = worst[values[worst] < -1e-6]
        if not worst.size:
            return found
        active = np.vstack([active, cone[worst]])


def _signed_rows(
    design: Design, family: Family, component: str
) -> tuple[FloatArray, FloatArray | None]:
    """Rows of a part that tell something of it, and which way each would go without end."""
    if component == "zero_inflation":
        return design.auxiliary[component].X, np.where(design.y == 0, 1.0, -1.0)
    rows, sign = _informative(design, family), family.endless(design.y, design.trials)
    return design.conditional.X[rows], None if sign is None else sign[rows]


def _null_space(X: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Orthonormal basis of {c: (X / size) c = 0}, and the sizes of the columns.

    >>> basis, size = _null_space(np.array([[1.0, 0.0], [2.0, 0.0]]))
    >>> np.abs(basis).T.tolist(), size.tolist()
    ([[0.0, 1.0]], [2.0, 1.0])
    """
    size = np.abs(X).max(axis=0, initial=0.0)
    size[size == 0] = 1.0
    _, values, vectors = np.linalg.svd(np.linalg.qr(X / size, mode="r"), full_matrices=True)
    rank = int((values > 1e-10 * max(1.0, values.max(initial=0.0))).sum())
    return np.asarray(vectors[rank:].T), size


def _named(part: LinearPart, found: BoolArray) -> tuple[str, ...]:
    return tuple(name for name, yes in zip(part.names, found, strict=True) if yes)


def _informative(design: Design, family: Family) -> BoolArray:
    """Rows that tell something of the conditional part: all but the zeros of a hurdle."""
    return np.asarray(design.y > 0) if family.is_hurdle else np.ones(design.nobs, dtype=bool)


def _undetermined(design: Design, family: Family) -> BoolArray:
    """Coefficients that the informative rows leave open, though all rows determine them."""
    X = design.conditional.X
    if not family.is_hurdle:
        return np.zeros(X.shape[1], dtype=bool)
    basis, _ = _null_space(X[_informative(design, family)])
    return np.asarray((np.abs(basis) > 1e-7).any(axis=1))


def _separated_inflation(design: Design) -> Iterator[str]:
    """Coefficients of the zero inflation; one that is 0 or 1 everywhere is a boundary instead."""
    part = design.auxiliary.get("zero_inflation")
    zero = np.asarray(design.y == 0)
    if part is None or part.X.shape[1] == 1 or zero.all() or not zero.any():
        return
    if _largest_predictor(part.X, zero) < SUSPICIOUS_ETA:
        return
    direction = separating_direction(part.X, np.where(zero, 1.0, -1.0))
    for name in _named(part, np.abs(direction) > 1e-7):
        yield full_name("zero_inflation", name)


def _largest_predictor(X: FloatArray, zero: BoolArray) -> float:
    """How far the logistic regression of zero or not goes: its cone is that of the inflation."""
    Q = np.linalg.qr(X)[0]
    eta = np.zeros(len(X))
    for _ in range(_STEPS):
        p, q = expit_pair(eta)
        step = Q @ newton_step(Q.T @ ((p * q)[:, None] * Q), Q.T @ (p - zero))
        eta = eta + step
        largest = float(np.abs(eta).max())
        if largest >= SUSPICIOUS_ETA or float(np.abs(step).max()) < 1e-3:
            break
    return largest


def separating_direction(X: FloatArray, sign: FloatArray) -> FloatArray:
    """A direction that separates as many rows as possible; zero when none does.

    Parameters
    ----------
    X : ndarray, shape (n, p)
    sign : ndarray, shape (n,)
        +1 or -1 where x'd may only move that way, 0 where it may not move.
    """
    size = np.maximum(np.abs(X).max(axis=0), 1e-300)
    rows = np.unique(np.column_stack([X / size, sign]), axis=0)
    free = rows[:, -1] != 0.0
    signed = rows[free, :-1] * rows[free, -1:]
    fixed = rows[~free, :-1]
    p = X.shape[1]
    if not len(signed) or (len(fixed) and np.linalg.matrix_rank(fixed) == p):
        return np.zeros(p)
    found = linprog(
        -signed.sum(axis=0),
        A_ub=-signed,
        b_ub=np.zeros(len(signed)),
        A_eq=fixed if len(fixed) else None,
        b_eq=np.zeros(len(fixed)) if len(fixed) else None,
        bounds=[(-1.0, 1.0)] * p,
        method="highs",
    )
    if found.x is None or -found.fun < 1e-6:
        return np.zeros(p)
    return np.asarray(found.x / size * size.max())
