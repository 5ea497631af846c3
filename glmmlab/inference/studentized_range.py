"""The studentized range distribution with a tail that does not cancel.

scipy's ``studentized_range.sf`` is one minus a cdf, so nothing below about 1e-12 is left of it,
and each value is an adaptive double integral.  Here the survival function itself is integrated,
by a fixed Gauss-Legendre rule, for all requested values at once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln, ndtr

from glmmlab._types import FloatArray

_HALF_WIDTH = 9.0
_PANELS = 16
_OUTER_NODES = 48
_LOG_NEGLIGIBLE = 40.0  # exp(-40): what is left out of the outer integral, relative to its peak


def _composite_legendre(panels: int, order: int) -> tuple[FloatArray, FloatArray]:
    """Nodes and weights on [-1, 1]."""
    nodes, weights = np.polynomial.legendre.leggauss(order)
    edges = np.linspace(-1.0, 1.0, panels + 1)
    centres, half = (edges[1:] + edges[:-1]) / 2, 1.0 / panels
    return (centres[:, None] + half * nodes).ravel(), np.tile(half * weights, panels)


_NODES, _WEIGHTS = _composite_legendre(_PANELS, 12)


def _sf_normal(q: FloatArray, k: float) -> FloatArray:
    r"""Survival of the range of k standard normals.

    With z the largest of them, 1 = k int phi(z) Phi(z)^(k-1) dz, so

        P(range > q) = k int phi(z) Phi(z)^(k-1) {1 - [1 - Phi(z-q)/Phi(z)]^(k-1)} dz,

    a positive integrand that peaks at about q/2 when q is large: no cancellation.
    """
    centre = np.maximum(q / 2, 0.5 * np.sqrt(2 * np.log(k)))[..., None]
    z = centre + _HALF_WIDTH * _NODES
    below = ndtr(z)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        ratio = np.where(below > 0, np.minimum(ndtr(z - q[..., None]) / below, 1.0), 0.0)
        missing = -np.expm1((k - 1) * np.log1p(-ratio))
        density = np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi) * below ** (k - 1)
    total = k * _HALF_WIDTH * np.einsum("...i,i->...", density * missing, _WEIGHTS)
    return np.where(q <= 0, 1.0, np.minimum(total, 1.0))


def _reach(df: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Where df (t - (exp(2t) - 1)/2) has fallen by exp(-40), left and right of its peak at 0."""
    bound = _LOG_NEGLIGIBLE / df
    left = -np.sqrt(bound) - bound
    right = np.sqrt(bound)
    for _ in range(60):
        left = left - (-left + np.expm1(2 * left) / 2 - bound) / np.expm1(2 * left)
        right = right - (-right + np.expm1(2 * right) / 2 - bound) / np.expm1(2 * right)
    return left, right


def studentized_range_sf(q: ArrayLike, k: float, df: ArrayLike = np.inf) -> FloatArray:
    r"""Survival function of the studentized range.

    Parameters
    ----------
    q : array_like
        Range divided by the independent standard deviation estimate.
    k : float
        Number of means; need not be an integer (ragged families use ``(1 + sqrt(1 + 8m)) / 2``).
    df : array_like
        Degrees of freedom of the standard deviation, broadcast against `q`; ``inf``: known.

    Returns
    -------
    ndarray
        ``P(Q > q)``, accurate relative to itself, not to one.

    Notes
    -----
    For finite df the normal result is averaged over x = log s, s^2 ~ chi2(df)/df, by the
    trapezoidal rule.  Its integrand behaves as exp(df x - (df + q^2/2) exp(2x)), whose peak
    x* = log(df / (df + q^2/2)) / 2 and width do not lose the far tail.

    Examples
    --------
    >>> from glmmlab.inference.studentized_range import studentized_range_sf
    >>> print(f"{studentized_range_sf(2.391 * 2**0.5, k=6, df=40):.10f}")
    0.1838454553
    """
    q, df = np.broadcast_arrays(np.asarray(q, float), np.asarray(df, float))
    result = np.full(q.shape, np.nan)
    known = np.isfinite(q) & np.isinf(df)
    result[known] = _sf_normal(q[known], k)
    finite = np.isfinite(q) & np.isfinite(df) & (df > 0)
    result[finite] = _sf_student(q[finite], k, df[finite])
    result[np.isposinf(q)] = 0.0
    return result


def _sf_student(q: FloatArray, k: float, df: FloatArray) -> FloatArray:
    if q.size == 0:
        return q
    left, right = _reach(df)
    peak = 0.5 * np.log(df / (df + q * q / 2))
    # from left of the peak with the tail (x = peak) to right of that of the density alone (x = 0)
    start, stop = peak + left, right
    x = start[:, None] + (stop - start)[:, None] * np.linspace(0.0, 1.0, _nodes(start, stop, df))
    step = (x[:, 1] - x[:, 0])[:, None]
    log_density = _log_peak(df)[:, None] - df[:, None] * (np.expm1(2 * x) / 2 - x)
    values = np.exp(log_density) * _sf_normal(q[:, None] * np.exp(x), k)
    return np.minimum((values * step).sum(axis=1), 1.0)


def _log_peak(df: FloatArray) -> FloatArray:
    """log density of x = log s at 0; Stirling's series where the exact terms would cancel."""
    half = df / 2
    with np.errstate(over="ignore"):
        exact = half * np.log(half) - half - gammaln(half) + np.log(2.0)
    series = 0.5 * np.log(half / (2 * np.pi)) - 1 / (12 * half) + 1 / (360 * half**3) + np.log(2.0)
    return np.where(df > 100, series, exact)


def _nodes(start: FloatArray, stop: FloatArray, df: FloatArray) -> int:
    """Two and a half nodes in one standard deviation 1/sqrt(2 df), and steps of at most 0.2."""
    widths = (stop - start) * np.maximum(2.5 * np.sqrt(2 * df), 5.0)
    return int(max(_OUTER_NODES, np.ceil(widths.max())))


def studentized_range_quantile(level: float, k: float, df: float = np.inf) -> float:
    """Quantile: the q with ``P(Q <= q) = level``.

    Examples
    --------
    >>> from glmmlab.inference.studentized_range import studentized_range_quantile
    >>> print(f"{studentized_range_quantile(0.95, k=6, df=40) / 2**0.5:.9f}")
    2.992224051
    """
    from scipy.optimize import brentq

    def excess(log_q: float) -> float:
        return float(np.log(studentized_range_sf(np.exp(log_q), k, df)) - np.log1p(-level))

    lower, upper = np.log(1e-4), np.log(10.0)
    while excess(upper) > 0:
        upper += 1.0
    return float(np.exp(brentq(excess, lower, upper, xtol=1e-13, rtol=1e-13)))
