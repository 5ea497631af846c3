"""What the families of counts share: a bound against overflow, and Poisson draws."""

from __future__ import annotations

import numpy as np

from glmmlab._types import FloatArray

LARGEST_LOG = 700.0
"""Of a mean or a dispersion: its exponential, and products with it, are finite."""

_LARGEST_DRAW = 9.0e18  # numpy draws Poisson counts as 64-bit integers


def poisson_counts(rng: np.random.Generator, mean: FloatArray) -> FloatArray:
    """One Poisson draw for each mean.

    >>> (poisson_counts(np.random.default_rng(1), np.array([0.0, np.inf])) > 1e18).tolist()
    [False, True]
    """
    return np.asarray(rng.poisson(np.minimum(mean, _LARGEST_DRAW)), dtype=float)
