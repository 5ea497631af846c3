"""Coefficients without a finite maximum-likelihood estimate.

A direction d separates the data when moving along it never makes any row less likely:

    binomial kinds   x'd >= 0 where all trials succeeded, <= 0 where none did, = 0 elsewhere
    counts           x'd <= 0 where y = 0, = 0 elsewhere
    counts from 1    x'd <= 0 where y = 1, = 0 elsewhere; zeros of a hurdle tell nothing of it

and x'd is not zero everywhere.  Such directions form a cone; a linear programme finds one in
its interior (Konis 2007, "Linear programming algorithms for detecting separated data in binary
logistic regression models", thesis, Oxford).  Random effects do not change the cone: the
likelihood rises along d whatever their values are.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import linprog

from glmmlab._types import BoolArray, FloatArray
from glmmlab.design import Design
from glmmlab.families.base import Family

SUSPICIOUS_ETA = 10.0
"""A linear predictor beyond this makes the programme worth running."""


def separated_coefficients(design: Design, family: Family, eta: FloatArray) -> tuple[str, ...]:
    """Names of the coefficients whose estimates run to infinity.

    Parameters
    ----------
    design : Design
    family : Family
    eta : ndarray, shape (n,)
        Linear predictor at the fit; the search is skipped where all of it is moderate.
    """
    if not family.integer or not len(eta) or np.abs(eta).max() < SUSPICIOUS_ETA:
        return ()
    X, rows = design.conditional.X, np.ones(design.nobs, dtype=bool)
    if family.is_binomial and design.trials is not None:
        sign = np.where(design.y <= 0, -1.0, np.where(design.y >= design.trials, 1.0, 0.0))
    elif family.link.name != "log":
        return ()
    elif "truncated" in family.name:
        sign, rows = np.where(design.y <= 1, -1.0, 0.0), design.y > 0
    else:
        sign = np.where(design.y <= 0, -1.0, 0.0)
    direction = separating_direction(X[rows], sign[rows])
    found = np.abs(direction) > 1e-7
    if not rows.all():  # coefficients that only the other part's rows have
        found |= _unseen(X[rows], X)
    return tuple(name for name, d in zip(design.conditional.names, found, strict=True) if d)


def _unseen(X: FloatArray, whole: FloatArray) -> BoolArray:
    """Coefficients that some rows leave open, though all rows together determine them."""
    size = np.maximum(np.abs(whole).max(axis=0), 1e-300)
    _, values, vectors = np.linalg.svd(X / size, full_matrices=True)
    rank = int((values > 1e-10 * max(1.0, values.max(initial=0.0))).sum())
    return np.asarray((np.abs(vectors[rank:]) > 1e-7).any(axis=0))


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
