"""Natural cubic splines of a rank-transformed predictor, for the quantile test and its curves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from glmmlab._types import FloatArray

SAME = 1e-9
"""Values this near, as a share of their range, are ties, which rounding alone tells apart."""


def rank_transform(x: FloatArray) -> FloatArray:
    """Average ranks divided by the largest rank.

    Examples
    --------
    >>> rank_transform(np.array([0.3, 0.1 + 0.2, 0.1, 5.0])).tolist()
    [0.625, 0.625, 0.25, 1.0]
    """
    from scipy.stats import rankdata

    spread = float(np.ptp(x))
    ranks = rankdata(np.round(x / (SAME * spread)) if spread > 0 else x)
    return ranks / ranks.max()


def basis_size(x: FloatArray) -> int:
    """Columns of the spline basis: n^(1/3) rounded, between 4 and 10, at most the distinct x."""
    return int(min(len(np.unique(x)), np.clip(np.rint(len(x) ** (1 / 3)), 4, 10)))


def natural_spline(x: FloatArray, knots: FloatArray) -> FloatArray:
    """Natural cubic spline basis (constant, linear, ...) with one column a knot.

    Truncated powers, Hastie, Tibshirani & Friedman (2009), equations 5.4 and 5.5.  With one knot
    the basis is the constant, with two a straight line.

    Examples
    --------
    >>> natural_spline(np.array([0.0, 0.5, 1.0]), np.array([0.0, 0.5, 1.0])).round(3).tolist()
    [[1.0, 0.0, 0.0], [1.0, 0.5, 0.125], [1.0, 1.0, 0.75]]
    """
    columns = [np.ones_like(x), x][: len(knots)]
    last = knots[-1]

    def truncated(k: int) -> FloatArray:
        cubes = np.maximum(x - knots[k], 0) ** 3 - np.maximum(x - last, 0) ** 3
        return cubes / (last - knots[k])

    if len(knots) > 2:
        end = truncated(len(knots) - 2)
        columns += [truncated(k) - end for k in range(len(knots) - 2)]
    return np.column_stack(columns)


def roughness(knots: FloatArray) -> FloatArray:
    """Integrals of products of second derivatives of the basis of :func:`natural_spline`."""
    points = np.sort(np.r_[knots, (knots[1:] + knots[:-1]) / 2])
    last = knots[-1]

    def bend(k: int) -> FloatArray:
        return (
            6
            * (np.maximum(points - knots[k], 0) - np.maximum(points - last, 0))
            / (last - knots[k])
        )

    size = len(knots)
    second = np.zeros((len(points), size))
    for k in range(size - 2):
        second[:, k + 2] = bend(k) - bend(size - 2)
    # between knots second derivatives are straight lines: Simpson's rule is exact for products
    weights = np.zeros(len(points))
    for i, width in enumerate(np.diff(knots)):
        weights[2 * i : 2 * i + 3] += width / 6 * np.array([1.0, 4.0, 1.0])
    return (second * weights[:, None]).T @ second


@dataclass(frozen=True)
class SplineBasis:
    """Spline in a rank-transformed predictor, orthonormal over the rows it was built from.

    The columns are a constant, a straight line, and then ever rougher curves (Demmler & Reinsch
    1975, Numer. Math. 24:375), so that the first few of them hold the simple patterns.
    """

    knots: FloatArray
    transform: FloatArray

    @classmethod
    def build(cls, x: FloatArray) -> SplineBasis:
        """Knots at equally spaced positions among the distinct values of ``x``."""
        distinct = np.unique(x)
        size = basis_size(x)
        # at most 10 distinct values: knots at the values; else at quantiles of the rows, which
        # for ranks are equally spaced; ties can make them coincide
        if len(distinct) <= size:
            knots = distinct
        else:
            knots = np.unique(np.quantile(x, np.linspace(0, 1, size)))
        triangle = np.linalg.qr(natural_spline(x, knots), mode="r")
        transform = np.linalg.inv(triangle)
        if len(knots) > 3:
            curved = transform[:, 2:]
            _, order = np.linalg.eigh(curved.T @ roughness(knots) @ curved)
            transform[:, 2:] = curved @ order
        return cls(knots, transform)

    def __call__(self, x: FloatArray) -> FloatArray:
        """Basis at ``x``: (len(x), k); the first column is constant."""
        return natural_spline(x, self.knots) @ self.transform
