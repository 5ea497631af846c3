"""Gamma functions and their derivatives, several at once and differences without lost digits.

scipy's polygamma is slow (150 ns an element, and it would dominate a beta fit), and the
log-densities of overdispersed counts need differences such as ``digamma(x + k) - digamma(x)``
at ``x = 1e10``, which subtraction destroys.  Both are had from the recurrences, which shift the
argument to ``z >= 7``, and the asymptotic (Stirling) series there (Abramowitz & Stegun 6.1, 6.3
and 6.4).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from glmmlab._types import FloatArray

__all__ = [
    "HALF_LOG_TWO_PI",
    "GammaSet",
    "log1pmx",
    "log_minus_digamma",
    "log_plus_one_gammas",
    "rising",
    "stirling_remainder",
]

HALF_LOG_TWO_PI = 0.5 * math.log(2.0 * math.pi)
# Elements at a time: temporaries beyond 128 KiB are mapped and unmapped by the system each time,
# which costs more than the arithmetic.
_BLOCK = 2048
_RISING_BLOCK = 1200

_BERNOULLI = np.array(
    [
        1 / 6,
        -1 / 30,
        1 / 42,
        -1 / 30,
        5 / 66,
        -691 / 2730,
        7 / 6,
        -3617 / 510,
        43867 / 798,
        -174611 / 330,
    ]
)
_TWICE = 2.0 * np.arange(1, 11)
# Coefficients of y^j, y = 1/z^2, j = 1..10, in the four series of z:
#   [log Gamma(z) - (z - 1/2) log z + z - log(2 pi)/2] / z,   log z - 1/(2z) - digamma(z),
#   z trigamma(z) - 1 - 1/(2z),                               -z^2 tetragamma(z) - 1 - 1/z
_SERIES = np.vstack(
    [
        _BERNOULLI / (_TWICE * (_TWICE - 1.0)),
        _BERNOULLI / _TWICE,
        _BERNOULLI,
        _BERNOULLI * (_TWICE + 1.0),
    ]
)
_SHIFT = 7
_STEPS = np.arange(float(_SHIFT))[:, None]
_ONES = np.ones(_SHIFT)  # a product with it is the fastest sum over the steps
# (x+1)...(x+9) in pairs: with w = x(x+10) the factors are w+9, w+16, w+21, w+24, sqrt(w+25)
_PAIRS = np.array([9.0, 16.0, 21.0, 24.0, 25.0])[:, None]
_PAIR_WEIGHTS = np.array([1.0, 1.0, 1.0, 1.0, 0.5])


class GammaSet(NamedTuple):
    """log Gamma, digamma, trigamma and tetragamma (or their differences) at one argument."""

    log: FloatArray
    first: FloatArray
    second: FloatArray
    third: FloatArray


def log_plus_one_gammas(x: FloatArray) -> GammaSet:
    """``log Gamma(1+x)`` and the first three derivatives, for ``x >= 0`` of any shape.

    Absolute error of the logarithm about 1e-15 (1 + |value|), relative error of the derivatives
    about 1e-14.

    Examples
    --------
    >>> import numpy as np
    >>> value = log_plus_one_gammas(np.array([0.0, 4.0]))
    >>> value.log.round(6).tolist(), value.second.round(6).tolist()
    ([0.0, 3.178054], [1.644934, 0.221323])
    """
    x = np.asarray(x, dtype=float)
    flat = x.reshape(-1)
    if flat.size <= _BLOCK:
        out = _plus_one_block(flat)
    else:
        out = np.empty((4, flat.size))
        for begin in range(0, flat.size, _BLOCK):
            at = slice(begin, begin + _BLOCK)
            out[:, at] = _plus_one_block(flat[at])
    return GammaSet(*out.reshape(4, *x.shape))


def _plus_one_block(x: FloatArray) -> FloatArray:
    z = x + 10.0
    inverse = 1.0 / z
    series = _series(inverse * inverse)
    bounded = np.minimum(x, 1e150)  # its square must not overflow; the sums are 0 there anyway
    factors = bounded * (bounded + 10.0) + _PAIRS
    r = 1.0 / factors
    square = r * r
    s = _PAIR_WEIGHTS @ r
    q = _PAIR_WEIGHTS @ square
    c = _PAIR_WEIGHTS @ (square * r)
    u = bounded + 5.0
    twice, four_square = 2.0 * u, 4.0 * (u * u)
    out = np.empty((4, x.size))
    log_z = np.log(z)
    out[0] = (z - 0.5) * log_z - z + (HALF_LOG_TWO_PI + z * series[0])
    out[0] -= _PAIR_WEIGHTS @ np.log(factors)
    out[1] = log_z - 0.5 * inverse - series[1] - twice * s
    out[2] = inverse * (1.0 + 0.5 * inverse + series[2]) + four_square * q - 2.0 * s
    out[3] = -inverse * inverse * (1.0 + inverse + series[3])
    out[3] -= twice * (2.0 * four_square * c - 6.0 * q)
    return out


def _series(y: FloatArray) -> FloatArray:
    """The four Stirling series at ``y = 1/z^2``, shape (4, n), from one matrix product."""
    powers = np.empty((10, y.size))
    powers[0] = y
    np.multiply(y, y, out=powers[1])
    np.multiply(powers[:2], powers[1], out=powers[2:4])
    np.multiply(powers[:4], powers[3], out=powers[4:8])
    np.multiply(powers[:2], powers[7], out=powers[8:])
    return _SERIES @ powers


def rising(x: FloatArray, k: FloatArray) -> GammaSet:
    """Differences ``f(x + k) - f(x)`` of log Gamma and its first three derivatives.

    Every step of the recurrence and of the series is differenced algebraically, so that nothing
    is lost when ``x`` is huge: ``log`` is log x(x+1)...(x+k-1) for whole k.

    Parameters
    ----------
    x : ndarray
        Positive arguments.
    k : ndarray
        Non-negative increments, broadcastable against ``x``; differences are exactly 0 at k = 0.

    Examples
    --------
    >>> import numpy as np
    >>> d = rising(np.array([1e12]), np.array([3.0]))
    >>> float(d.first[0]), float(d.log[0].round(9))
    (2.999999999997e-12, 82.893063348)
    """
    x, k = np.broadcast_arrays(np.asarray(x, dtype=float), np.asarray(k, dtype=float))
    shape = x.shape
    x, k = x.reshape(-1), k.reshape(-1)
    if x.size <= _RISING_BLOCK:
        out = _rising_block(x, k)
    else:
        out = np.empty((4, x.size))
        for begin in range(0, x.size, _RISING_BLOCK):
            at = slice(begin, begin + _RISING_BLOCK)
            out[:, at] = _rising_block(x[at], k[at])
    return GammaSet(*out.reshape(4, *shape))


def _rising_block(x: FloatArray, k: FloatArray) -> FloatArray:
    r = x + _STEPS
    s = r + k
    np.divide(1.0, r, out=r)
    np.divide(1.0, s, out=s)
    gap = k * r
    growths = 1.0 + gap
    gap *= s  # r - s
    both = r + s
    z = x + float(_SHIFT)
    top = z + k
    a, b = 1.0 / z, 1.0 / top
    low, high = _series(a * a), _series(b * b)
    delta = k * a * b
    growth = np.log1p(k * a)
    out = np.empty((4, x.size))
    out[0] = (z - 0.5) * growth + (k * np.log(top) - k) + (top * high[0] - z * low[0])
    out[0] -= np.log(np.multiply.reduce(growths))
    out[1] = growth + 0.5 * delta - (high[1] - low[1]) + _ONES @ gap
    out[2] = -delta * (1.0 + 0.5 * (a + b)) + (b * high[2] - a * low[2])
    out[2] -= _ONES @ (gap * both)
    cube = a * a + a * b + b * b
    out[3] = delta * (a + b + cube) - (b * b * high[3] - a * a * low[3])
    r *= both
    s *= s
    r += s
    r *= gap
    out[3] += 2.0 * (_ONES @ r)
    return out


def log_minus_digamma(x: FloatArray) -> FloatArray:
    """``log x - digamma(x)``, about 1/(2x) for large x, without cancellation.

    Examples
    --------
    >>> import numpy as np
    >>> float(log_minus_digamma(np.array([1e9]))[0].round(19))
    5.000000001e-10
    """
    x = np.maximum(x, 1e-300)  # 1/x must not overflow
    z = x + float(_SHIFT)
    shifted = 1.0 / x
    for step in range(1, _SHIFT):
        shifted = shifted + 1.0 / (x + float(step))
    a = 1.0 / z
    return shifted - np.log1p(_SHIFT / x) + 0.5 * a + _one_series(1, a * a)


def stirling_remainder(x: FloatArray) -> FloatArray:
    """``log Gamma(x) - (x - 1/2) log x + x - log(2 pi)/2``, about 1/(12x) for large x.

    Examples
    --------
    >>> import numpy as np
    >>> float(stirling_remainder(np.array([1e3]))[0].round(13))
    8.33333306e-05
    """
    x = np.maximum(x, 1e-30)  # the product must not overflow; nobody asks below
    z = x + float(_SHIFT)
    a = 1.0 / x
    shifted = 1.0 + a
    for step in range(2, _SHIFT):
        shifted = shifted * (1.0 + step * a)
    rest = z * _one_series(0, 1.0 / (z * z)) - np.log(shifted)
    return (x + (_SHIFT - 0.5)) * np.log1p(_SHIFT * a) - _SHIFT + rest


def _one_series(row: int, y: FloatArray) -> FloatArray:
    """One of the four Stirling series, by Horner's rule."""
    total = _SERIES[row, -1] * y
    for coefficient in _SERIES[row, -2::-1]:
        total = (total + coefficient) * y
    return total


def log1pmx(d: FloatArray) -> FloatArray:
    """``log(1 + d) - d`` for ``d > -1``, relative accuracy kept near 0.

    By ``log(1 + d) = 2 atanh(r)``, ``r = d/(2 + d)``, whose first term meets d exactly.

    Examples
    --------
    >>> import numpy as np
    >>> float(log1pmx(np.array([1e-8]))[0]) / 1e-16
    -0.4999999966666667
    """
    near = np.clip(d, -0.25, 0.25)
    r = near / (2.0 + near)
    square = r * r
    tail = np.full_like(r, 1.0 / 19.0)
    for odd in range(17, 1, -2):
        tail = 1.0 / odd + square * tail
    inner = r * (2.0 * square * tail - near)
    return np.where(near == d, inner, np.log1p(d) - d)
