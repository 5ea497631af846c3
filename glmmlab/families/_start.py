"""Moments that starting values are made of, safe for every legal response."""

from __future__ import annotations

import numpy as np

from glmmlab._types import FloatArray


def weighted_mean(y: FloatArray, weights: FloatArray | None) -> float:
    """Mean of y; the plain one where all weights are zero."""
    if weights is None or not np.sum(weights) > 0:
        return float(np.mean(y))
    return float(np.average(y, weights=weights))


def weighted_variance(y: FloatArray, weights: FloatArray | None) -> float:
    """Variance of y around its mean."""
    center = weighted_mean(y, weights)
    return weighted_mean((y - center) ** 2, weights)


def positive_mean(y: FloatArray, weights: FloatArray | None) -> FloatArray:
    """Means halfway between every response and the overall mean, never zero."""
    overall = weighted_mean(y, weights)
    return 0.5 * (y + overall) + (0.0 if overall > 0 else 1.0 / (len(y) + 1.0))


def clipped_log(value: float, low: float, high: float) -> float:
    """log(value), its value kept within [low, high] (and low where it is not a number)."""
    return float(np.log(min(max(value, low), high))) if value == value else float(np.log(low))
