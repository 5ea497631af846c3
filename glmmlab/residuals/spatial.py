"""Residuals of rows that are near each other, in space or on a tree: more alike than by chance?

===========  ======================================================================
letter       meaning, shape
===========  ======================================================================
z            residuals minus their mean, (sets, nobs): the data, and simulated sets
d            distances between rows, (nobs, nobs), a block of rows at a time
w            1 / d with zero diagonal, every row divided by its sum
===========  ======================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from glmmlab._types import FloatArray, IntArray
from glmmlab.errors import DataError
from glmmlab.residuals.autocorrelation import AutocorrelationTest
from glmmlab.residuals.checks import option, some_rows, symmetric
from glmmlab.residuals.pit import row_blocks
from glmmlab.residuals.result import (
    ALTERNATIVES,
    exchangeable_p,
    normal_p,
    paragraph,
    resolution,
    significant_digits,
)

Blocks = Callable[[], Iterator[tuple[slice, FloatArray]]]
"""Gives the rows of the distance matrix in blocks, as often as it is asked."""

SPATIAL_ROWS = 5_000
"""With more rows than this, coordinates are those of a random subset of this size."""


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class SpatialTest(AutocorrelationTest):
    """Moran's I of the residuals, with inverse distances as weights.

    Attributes
    ----------
    statistic : float
        Moran's I.
    expected, sd : float
        Its mean and standard deviation under random arrangement of the residuals, or over
        simulated data sets where these are the reference.
    reference : {"arrangement", "simulations"}
        Where the p-value comes from.
    rows_used : int
        Rows the test was computed from (a random subset when there are very many).
    """

    sd: float

    title = "Spatial autocorrelation"
    statistic_name = "Moran's I"
    near = "rows near each other"
    alike = (
        "Near rows are alike: the field has a gradient or patches that the model does not know, "
        "and standard errors are usually too small. Try blocks, coordinates or a smooth surface "
        "as predictors, or a spatial random effect."
    )
    unlike = (
        "Near rows are unlike, as when plots compete with their neighbours: high residuals lie "
        "beside low ones. Look at the map, and ask what neighbours take from each other."
    )

    def facts(self) -> list[tuple[str, str]]:
        """Label and value of every line of the printed result."""
        facts = super().facts()
        facts.insert(3, ("standard deviation", significant_digits(self.sd)))
        return facts

    def _compared(self) -> str:
        against = (
            "simulated data sets" if self.reference == "simulations" else "randomly arranged ones"
        )
        return (
            f"Residuals of {self.near} were compared with {against}: "
            f"Moran's I is {self.statistic:.3g}, where {self.expected:.3g} is expected."
        )

    def _limits(self) -> str:
        pairs = (
            "Every pair counts, weighted by 1 / distance: likeness that ends after a short "
            "distance can drown among the many far pairs."
        )
        return paragraph(super()._limits(), pairs)

    def _direction(self) -> str:
        return self.alike if self.statistic > self.expected else self.unlike


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class PhylogeneticTest(SpatialTest):
    """Moran's I of the residuals of taxa, with inverse cophenetic distances as weights.

    The attributes are those of :class:`SpatialTest`.
    """

    title = "Phylogenetic autocorrelation"
    near = "closely related taxa"
    alike = (
        "Related taxa are alike: they share traits that the model does not know, and standard "
        "errors are usually too small. Try these traits as predictors, random effects of genus "
        "and family, or a model with phylogenetic covariance."
    )
    unlike = (
        "Related taxa are unlike, as when close relatives avoid each other's niche. Look for "
        "traits in which they differ."
    )


def matrix_blocks(distances: FloatArray) -> Blocks:
    """Blocks of a distance matrix that is there already."""

    def blocks() -> Iterator[tuple[slice, FloatArray]]:
        for rows in row_blocks(len(distances), len(distances)):
            yield rows, distances[rows]

    return blocks


def euclidean_blocks(x: FloatArray, y: FloatArray) -> Blocks:
    """Blocks of Euclidean distances, computed when they are needed.

    Examples
    --------
    >>> [d.tolist() for _, d in euclidean_blocks(np.array([0.0, 3.0]), np.array([0.0, 4.0]))()]
    [[[0.0, 5.0], [5.0, 0.0]]]
    """

    def blocks() -> Iterator[tuple[slice, FloatArray]]:
        for rows in row_blocks(len(x), len(x)):
            squares = (x[rows, None] - x[None, :]) ** 2
            squares += (y[rows, None] - y[None, :]) ** 2
            yield rows, np.sqrt(squares, out=squares)

    return blocks


def _closeness(blocks: Blocks) -> Iterator[tuple[slice, FloatArray]]:
    """1 / distance with a zero diagonal, a block of rows at a time.

    Raises
    ------
    DataError
        Zero distances between different rows: aggregate them first.
    """
    for rows, d in blocks():
        own = (np.arange(len(d)), np.arange(rows.start, rows.stop))
        touching = d <= 0
        touching[own] = False
        at_zero = touching.any(axis=1)
        if at_zero.any():
            where = some_rows(np.r_[np.zeros(rows.start, dtype=bool), at_zero])
            raise DataError(
                f"Several rows lie at the same place ({where}); aggregate them first with "
                "res.recalculate(group=place)."
            )
        near = 1 / np.where(d > 0, d, 1.0)
        near[own] = 0.0
        yield rows, near


def moran(r: FloatArray, blocks: Blocks) -> tuple[FloatArray, float, float]:
    """Moran's I, its expectation and standard deviation under randomisation (Cliff & Ord 1981).

    Parameters
    ----------
    r : ndarray, shape (nobs,) or (sets, nobs)
        With several sets, the standard deviation is that of the first.
    blocks : callable
        Distances.

    Returns
    -------
    i : ndarray, shape (sets,)
    expected, sd : float
    """
    z = np.atleast_2d(r) - np.atleast_2d(r).mean(axis=1, keepdims=True)
    n = z.shape[1]
    row_sums = np.concatenate([near.sum(axis=1) for _, near in _closeness(blocks)])
    products, column_sums, s1 = np.zeros(len(z)), np.zeros(n), 0.0
    for rows, near in _closeness(blocks):
        weights = near / row_sums[rows, None]
        products += np.einsum("si,si->s", z[:, rows], z @ weights.T)
        column_sums += weights.sum(axis=0)
        s1 += 0.5 * float(np.sum((weights + near / row_sums[None, :]) ** 2))
    squares = np.sum(z**2, axis=1)
    s = float(n)  # every row of weights sums to one
    s2 = float(np.sum((1 + column_sums) ** 2))
    expected = -1 / (n - 1)
    kurtosis = n * float(np.sum(z[0] ** 4)) / float(squares[0]) ** 2
    first = n * ((n**2 - 3 * n + 3) * s1 - n * s2 + 3 * s**2)
    second = kurtosis * (n * (n - 1) * s1 - 2 * n * s2 + 6 * s**2)
    variance = (first - second) / ((n - 1) * (n - 2) * (n - 3) * s**2) - expected**2
    return products / squares, expected, float(np.sqrt(variance))


def neighbour_means(r: FloatArray, blocks: Blocks) -> FloatArray:
    """Mean of the other rows' residuals, weighted by 1 / distance.

    The slope of these on ``r`` is Moran's I (Anselin 1996).

    Examples
    --------
    >>> x = np.array([0.0, 1.0, 3.0])
    >>> neighbour_means(np.array([0.3, 0.6, 0.9]), euclidean_blocks(x, 0 * x)).round(2).tolist()
    [0.68, 0.5, 0.48]
    """
    return np.concatenate([near @ r / near.sum(axis=1) for _, near in _closeness(blocks)])


def spatial_test(
    r: FloatArray,
    blocks: Blocks,
    alternative: str = "two-sided",
    reference: FloatArray | None = None,
    nobs: int | None = None,
    kind: type[SpatialTest] = SpatialTest,
) -> SpatialTest:
    """Moran's I of the residuals with inverse-distance weights, normal p-value.

    Parameters
    ----------
    r : ndarray, shape (nobs,)
    blocks : callable
        Distances: :func:`matrix_blocks` or :func:`euclidean_blocks`.
    alternative : {"two-sided", "greater", "less"}
        "greater": near rows alike.
    reference : ndarray, shape (nsim, nobs), optional
        Residuals of simulated data sets; p is then the rank among their values of I, which holds
        for rows that share random effects drawn anew.
    nobs : int, optional
        Rows there are, if ``r`` are some of them.
    kind : type
        Of the result.

    Examples
    --------
    >>> xy = np.array([(0, 0), (1, 0), (2, 1), (0, 2), (1, 2)], dtype=float)
    >>> r = np.array([0.1, 0.5, 0.9, 0.3, 0.7])
    >>> round(spatial_test(r, euclidean_blocks(*xy.T)).p, 7)
    0.5557051
    """
    option(alternative, ALTERNATIVES, "alternative")
    if len(r) < 4:
        raise DataError("A test of spatial autocorrelation needs at least 4 rows.")
    if np.ptp(r) == 0:
        raise DataError("All residuals are equal; there is no variation to test.")
    sets = r[None, :] if reference is None else np.vstack([r[None, :], reference])
    values, expected, sd = moran(sets, blocks)
    i, simulated = float(values[0]), values[1:]
    if reference is None:
        p = normal_p((i - expected) / sd, alternative)
        method = "Moran's I, inverse distances as weights, randomisation variance"
    else:
        p = exchangeable_p(i, simulated, alternative)
        expected, sd = float(simulated.mean()), float(simulated.std(ddof=1))
        method = "Moran's I, inverse distances as weights, p from simulated data sets"
    return kind(
        statistic=i,
        p=p,
        null_hypothesis="near rows are no more alike than "
        + ("chance makes them" if reference is None else "the fitted model makes them"),
        method=method,
        alternative=alternative,
        nobs=len(r) if nobs is None else nobs,
        nsim=len(simulated),
        expected=expected,
        sd=sd,
        reference="arrangement" if reference is None else "simulations",
        rows_used=len(r),
        smallest_p=resolution(reference),
    )


def subset(nobs: int, rng: np.random.Generator) -> IntArray:
    """Rows of the test from coordinates: all, or a random subset when there are very many."""
    if nobs <= SPATIAL_ROWS:
        return np.arange(nobs)
    return np.sort(rng.choice(nobs, SPATIAL_ROWS, replace=False))


def checked_matrix(values: ArrayLike, nobs: int) -> FloatArray:
    """A user's distance matrix: square, finite, symmetric, nowhere below zero."""
    out = symmetric(values, "distances", nobs)
    below = (out < 0).any(axis=1)
    if below.any():
        raise DataError(f"distances are negative in {some_rows(below)}; give lengths of paths.")
    return out
