"""Arrows at the means that overlap exactly where a comparison is not significant.

The arrow of mean i to the right, r_i, and that of a larger mean j to the left, l_j, shall reach
over the difference d_ij together if and only if the comparison of i and j is not significant:
r_i + l_j < d_ij exactly when d_ij > c_ij, the critical difference.  The lengths closest to
r_i + l_j = c_ij, weighted towards pairs near their critical difference, are a linear programme.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from glmmlab._arguments import significance_level
from glmmlab._types import BoolArray, FloatArray, Seed
from glmmlab._warnings import warn
from glmmlab.errors import InferenceWarning
from glmmlab.inference.drawn import drawn_frame
from glmmlab.inference.linear import interval_rows, panels

if TYPE_CHECKING:
    from glmmlab.inference.emmeans import EMMeans

_MISFIT = 1e3
"""Cost of showing a comparison wrong, against 1 for missing a critical difference."""
_UNEVEN = 0.02
"""Cost of a difference in length."""


def comparison_arrows(
    table: EMMeans, adjust: str = "tukey", alpha: float = 0.05, seed: Seed = 0
) -> pd.DataFrame:
    """The table's frame with the ends of the arrows, ``left`` and ``right``, on its scale.

    Predictors of these names keep them (:mod:`glmmlab.inference.own_columns`).

    The smallest mean of a by-group has no arrow to the left and the largest none to the right:
    their ends are the estimates.

    Warns
    -----
    InferenceWarning
        No lengths show all comparisons right; the pairs that are shown wrong are named.
    """
    alpha = significance_level(alpha)
    comparisons = table.pairs(adjust=adjust, seed=seed)
    p = comparisons.frame[comparisons._own("p")].to_numpy()
    lower, upper, _ = interval_rows(
        comparisons.linear, comparisons.grouping, 1 - alpha, comparisons.adjust, seed=seed
    )
    finite = table.linear.testable & ~table.linear.separated
    eta = np.where(finite, table.linear.estimate, np.nan)
    left, right = eta.copy(), eta.copy()
    names = comparisons.linear.labels[comparisons.factors[0]].tolist()
    wrong: list[str] = []
    start = 0
    for _, index in panels(table.linear.labels, table.by):
        k = len(index)
        pairs = np.triu_indices(k, 1)
        rows = np.arange(start, start + len(pairs[0]))
        start += len(rows)
        critical, significant = np.zeros((k, k)), np.zeros((k, k), bool)
        critical[pairs] = (upper[rows] - lower[rows]) / 2
        with np.errstate(invalid="ignore"):
            significant[pairs] = p[rows] < alpha
        to_left, to_right, missed = arrow_lengths(
            eta[index], critical + critical.T, significant | significant.T
        )
        left[index] -= to_left
        right[index] += to_right
        wrong += [names[r] for r, i, j in zip(rows, *pairs, strict=True) if missed[i, j]]
    if wrong:
        warn(
            InferenceWarning(
                f"No comparison arrows show every decision; wrong are: {', '.join(wrong)}. Look at "
                "pairs() for these."
            )
        )
    if table._on_response():
        left, right = table.transformation.limits(left, right)  # type: ignore[union-attr]
    return drawn_frame(table).assign(**{table._own("left"): left, table._own("right"): right})


def arrow_lengths(
    means: FloatArray, critical: FloatArray, significant: BoolArray
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Lengths of the arrows to the left and to the right.

    Parameters
    ----------
    means : ndarray, shape (k,)
        NaN for means that cannot be estimated: they get no arrows.
    critical : ndarray, shape (k, k)
        Critical differences, symmetric.
    significant : ndarray of bool, shape (k, k)
        Decisions, symmetric.

    Returns
    -------
    left, right : ndarray, shape (k,)
    missed : ndarray of bool, shape (k, k)
        Pairs that the arrows show wrong.

    Examples
    --------
    >>> critical = np.full((3, 3), 1.0)
    >>> apart = np.array([[False, False, True], [False, False, True], [True, True, False]])
    >>> left, right, missed = arrow_lengths(np.array([0.0, 0.5, 2.0]), critical, apart)
    >>> bool(right[0] + left[1] > 0.5), bool(right[1] + left[2] < 1.5), bool(missed.any())
    (True, True, False)
    """
    from scipy.optimize import linprog

    k = len(means)
    left, right, missed = np.zeros(k), np.zeros(k), np.zeros((k, k), bool)
    order = [int(i) for i in np.argsort(means, kind="stable") if np.isfinite(means[i])]
    pairs = [(i, j) for a, i in enumerate(order) for j in order[a + 1 :]]
    if not pairs:
        return left, right, missed
    m = len(pairs)
    low, high = np.array(pairs).T
    d, c = means[high] - means[low], critical[low, high]
    sign = np.where(significant[low, high], 1.0, -1.0)  # 1: the arrows must not meet
    margin = 0.25 * np.abs(d - c)
    reach = np.zeros((m, 2 * k))  # r_low + l_high of each pair, variables (l, r)
    reach[np.arange(m), high] = 1.0
    reach[np.arange(m), k + low] = 1.0
    uneven = np.zeros((m, 2 * k))  # r_low - l_high: arrows of one length, if all is equal
    uneven[np.arange(m), k + low] = 1.0
    uneven[np.arange(m), high] = -1.0
    unit, none = np.eye(m), np.zeros((m, m))
    constraints = np.vstack([
        np.hstack([reach, -unit, none, none]),  # |reach - c| <= e
        np.hstack([-reach, -unit, none, none]),
        np.hstack([uneven, none, -unit, none]),
        np.hstack([-uneven, none, -unit, none]),
        np.hstack([sign[:, None] * reach, none, none, -unit]),  # the decision, or a violation
    ])  # fmt: skip
    bounds = np.concatenate([c, -c, np.zeros(2 * m), sign * d - margin])
    scale = max(float(np.mean(c)), 1e-300)
    closeness = 1.0 / (0.05 + np.abs(d - c) / scale)
    cost = np.concatenate(
        [np.zeros(2 * k), closeness, _UNEVEN * closeness, np.full(m, _MISFIT * closeness.max())]
    )
    solution = linprog(cost, A_ub=constraints, b_ub=bounds, bounds=(0, None), method="highs").x
    left[order], right[order] = solution[:k][order], solution[k : 2 * k][order]
    left[order[0]] = right[order[-1]] = 0.0
    wrong = sign * (right[low] + left[high] - d) > 0
    missed[low, high] = missed[high, low] = wrong
    return left, right, missed
