"""Exponentials and their kin where the obvious formula overflows or cancels."""

from __future__ import annotations

import numpy as np

from glmmlab._types import FloatArray

LARGEST = 700.0
"""exp(700) is about 1e304: beyond, doubles overflow."""


def expit_pair(t: FloatArray) -> tuple[FloatArray, FloatArray]:
    """``expit(t)`` and ``expit(-t)``, each to full relative accuracy, from two exponentials.

    Examples
    --------
    >>> import numpy as np
    >>> p, q = expit_pair(np.array([-800.0, 0.0, 40.0]))
    >>> p.round(3).tolist(), float(f"{q[2]:.4g}")
    ([0.0, 0.5, 1.0], 4.248e-18)
    """
    low = np.exp(np.minimum(t, 0.0))
    high = np.exp(-np.maximum(t, 0.0))  # one of the two is 1, their product is exp(-|t|)
    larger = 1.0 / (1.0 + low * high)
    return low * larger, high * larger


def softplus(t: FloatArray) -> FloatArray:
    """``log(1 + exp(t))`` without overflow.

    Examples
    --------
    >>> import numpy as np
    >>> softplus(np.array([-50.0, 0.0, 1000.0])).round(4).tolist()
    [0.0, 0.6931, 1000.0]
    """
    return np.log1p(np.exp(-np.abs(t))) + np.maximum(t, 0.0)


def exponential_parts(s: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """``s/(1 - exp(-s))``, ``c = s/(exp(s) - 1)`` and ``1 - c``, for ``s > 0``.

    The last by Bernoulli numbers where the difference would cancel.  These are the derivatives
    of log(1 - exp(-s)), the logarithm of the probability that a Poisson count is positive.

    Examples
    --------
    >>> import numpy as np
    >>> [v.round(4).tolist() for v in exponential_parts(np.array([1e-6, 1.0]))]
    [[1.0, 1.582], [1.0, 0.582], [0.0, 0.418]]
    """
    first = s / -np.expm1(-s)
    c = first * np.exp(-s)
    small = np.minimum(s, 0.5)
    square = small * small
    tail = 1 / 30240 - square * (1 / 1209600 - square / 47900160)
    series = 0.5 * small - square * (1 / 12 - square * (1 / 720 - square * tail))
    return first, c, np.where(s < 0.5, series, 1.0 - c)
