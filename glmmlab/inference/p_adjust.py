"""Adjustments that need the p-values of a family and nothing else."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from glmmlab._types import FloatArray


def _stepwise(
    p: FloatArray, factor: Callable[[FloatArray, int], FloatArray], up: bool
) -> FloatArray:
    """Multiply sorted p-values by a factor of their rank, then make them monotone.

    ``up``: from the largest p downwards (step-up: running minimum); else running maximum.
    """
    m = p.size
    order = np.argsort(-p if up else p, kind="stable")
    ranks = np.arange(m, 0, -1) if up else np.arange(1, m + 1)
    scaled = factor(ranks.astype(float), m) * p[order]
    running = np.minimum.accumulate(scaled) if up else np.maximum.accumulate(scaled)
    result = np.empty(m)
    result[order] = np.minimum(running, 1.0)
    return result


def _hommel(p: FloatArray) -> FloatArray:
    """Hommel (1988, Biometrika 75:383), by Wright's (1992) algorithm."""
    m = p.size
    order = np.argsort(p, kind="stable")
    ordered = p[order]
    ranks = np.arange(1, m + 1)
    smallest = (m * ordered / ranks).min()
    q = np.full(m, smallest)
    adjusted = q.copy()
    for size in range(m - 1, 1, -1):
        head, tail = slice(0, m - size + 1), slice(m - size + 1, m)
        bound = (size * ordered[tail] / np.arange(2, size + 1)).min()
        q[head] = np.minimum(size * ordered[head], bound)
        q[tail] = q[m - size]
        adjusted = np.maximum(adjusted, q)
    result = np.empty(m)
    result[order] = np.minimum(np.maximum(adjusted, ordered), 1.0)
    return result


FROM_P: dict[str, Callable[[FloatArray], FloatArray]] = {
    "none": lambda p: p,
    "sidak": lambda p: -np.expm1(p.size * np.log1p(-np.minimum(p, 1 - 1e-16))),
    "bonferroni": lambda p: np.minimum(p.size * p, 1.0),
    "holm": lambda p: _stepwise(p, lambda rank, m: m - rank + 1, up=False),
    "hochberg": lambda p: _stepwise(p, lambda rank, m: m - rank + 1, up=True),
    "hommel": lambda p: _hommel(p) if p.size > 1 else p,
    "BH": lambda p: _stepwise(p, lambda rank, m: m / rank, up=True),
    "BY": lambda p: _stepwise(p, lambda rank, m: (1 / np.arange(1, m + 1)).sum() * m / rank, True),
}
