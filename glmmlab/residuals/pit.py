"""From simulations to scaled residuals: where does each observation fall among its simulations?

=========  ==========================================================================
letter     meaning, shape
=========  ==========================================================================
y          observed responses, (nobs,)
s          simulated responses, (nsim, nobs): column i holds the simulations of row i
r          scaled residuals, (nobs,), uniform on (0, 1) when the model is right
=========  ==========================================================================

Everything works on blocks of rows of at most ``BLOCK`` entries, so the temporary memory does not
grow with the number of rows.  The randomness is drawn once for all rows before the loop: the
result does not depend on the size of a block.

References: Dunn & Smyth (1996) J. Comput. Graph. Stat. 5:236; Smith (1985) J. Forecasting 4:283.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from glmmlab._types import AnyArray, BoolArray, FloatArray, IntArray
from glmmlab._warnings import warn
from glmmlab.errors import InferenceWarning

BLOCK = 2_000_000
"""Entries of the simulation matrix that are held in temporary arrays at one time."""


def row_blocks(nobs: int, nsim: int, block: int | None = None) -> Iterator[slice]:
    """Slices over the rows such that a block has at most ``block`` entries."""
    size = max(1, (BLOCK if block is None else block) // max(nsim, 1))
    for start in range(0, nobs, size):
        yield slice(start, min(start + size, nobs))


def pit_bounds(
    observed: FloatArray, simulated: FloatArray, block: int | None = None
) -> tuple[FloatArray, FloatArray]:
    """Shares of simulations below, and at or below, each observation.

    Parameters
    ----------
    observed : ndarray, shape (nobs,)
    simulated : ndarray, shape (nsim, nobs)
    block : int, optional
        Entries handled at once.

    Returns
    -------
    low, high : ndarray, shape (nobs,)
        ``low == high`` unless a simulation ties with the observation.

    Examples
    --------
    >>> low, high = pit_bounds(np.array([2.0]), np.array([[1.0], [2.0], [2.0], [5.0]]))
    >>> low.tolist(), high.tolist()
    ([0.25], [0.75])
    """
    nsim, nobs = simulated.shape
    low, high = np.empty(nobs), np.empty(nobs)
    for rows in row_blocks(nobs, nsim, block):
        below = np.count_nonzero(simulated[:, rows] < observed[rows], axis=0)
        equal = np.count_nonzero(simulated[:, rows] == observed[rows], axis=0)
        low[rows] = below / nsim
        high[rows] = (below + equal) / nsim
    return low, high


def pit(
    observed: FloatArray,
    simulated: FloatArray,
    rng: np.random.Generator,
    block: int | None = None,
) -> FloatArray:
    """Randomised probability integral transform of the observations.

    The share of simulations below the observation; where simulations tie with it, a uniform draw
    between the share below and the share at or below.  Ties trigger the draw, not the family.
    The residual is exactly 0 below, and exactly 1 above, all simulations.

    Examples
    --------
    >>> pit(np.array([2.5]), np.array([[1.0], [2.0], [2.0], [5.0]]), np.random.default_rng(1))
    array([0.75])
    """
    low, high = pit_bounds(observed, simulated, block)
    return randomise(low, high, rng)


def randomise(low: FloatArray, high: FloatArray, rng: np.random.Generator) -> FloatArray:
    """A uniform draw between ``low`` and ``high``; exactly ``low`` where the two agree.

    One number is drawn for each row, ties or not, so that a tie in one row does not change the
    draws of the others.
    """
    share = rng.random(low.shape)
    return np.where(low == high, low, low + share * (high - low))


def pooled_rank(
    observed: FloatArray,
    simulated: FloatArray,
    rng: np.random.Generator,
    block: int | None = None,
) -> FloatArray:
    """Randomised rank of the observations among simulations *and* themselves, over nsim + 1.

    (number below + U (number equal + 1)) / (nsim + 1) with U uniform: under a right model exactly
    uniform on (0, 1), with or without ties, whereas :func:`pit` is so only as nsim grows.
    """
    nsim = len(simulated)
    low, high = pit_bounds(observed, simulated, block)
    return (low * nsim + rng.random(len(low)) * ((high - low) * nsim + 1)) / (nsim + 1)


def traditional(
    observed: FloatArray,
    simulated: FloatArray,
    integer: bool,
    rng: np.random.Generator,
    block: int | None = None,
) -> FloatArray:
    """Position of the observations on interpolated empirical distribution functions.

    Counts (``integer``) are first jittered by uniform noise on (-1/2, 1/2), data and simulations
    alike.  The distribution function has knots at the distinct simulated values with ordinates
    (cumulative count) / (nsim + 1), is linear between them, 0 left of the smallest and 1 right of
    the largest.

    Warns
    -----
    InferenceWarning
        A response called continuous whose simulations repeat values.  If all are whole numbers
        the response is treated as counts.
    """
    nsim, nobs = simulated.shape
    if not integer:
        integer = _repeated_values(simulated, block)
    y_noise = np.zeros(nobs)
    if integer:
        y_noise += rng.uniform(-0.5, 0.5, nobs)
    noise = np.random.default_rng(int(rng.integers(2**63)))
    out = np.empty(nobs)
    for rows in row_blocks(nobs, nsim, block):
        # (rows, nsim): one stream read in the order of the rows, whatever the size of a block
        values = np.array(simulated[:, rows].T, dtype=float)
        if integer:
            values += noise.random(values.shape) - 0.5
        out[rows] = _interpolated_ecdf(observed[rows] + y_noise[rows], np.sort(values, axis=1))
    return out


def _interpolated_ecdf(y: FloatArray, ordered: FloatArray) -> FloatArray:
    """Interpolated distribution function of each sorted row of ``ordered`` at ``y``."""
    nsim = ordered.shape[1]
    at_or_below = np.count_nonzero(ordered <= y[:, None], axis=1)
    inside = (at_or_below > 0) & (at_or_below < nsim)
    index = np.arange(len(y))
    left = ordered[index, np.maximum(at_or_below - 1, 0)]
    right = ordered[index, np.minimum(at_or_below, nsim - 1)]
    count_right = np.count_nonzero(ordered <= right[:, None], axis=1)
    width = np.where(inside, right - left, 1.0)
    rise = np.where(inside, (count_right - at_or_below) * (y - left) / width, 0.0)
    r = (at_or_below + rise) / (nsim + 1)
    return np.where(y > ordered[:, -1], 1.0, r)


def _repeated_values(simulated: FloatArray, block: int | None) -> bool:
    """Whether repeated whole numbers show that a "continuous" response is one of counts."""
    nsim, nobs = simulated.shape
    repeated, whole = False, True
    for rows in row_blocks(nobs, nsim, block):
        ordered = np.sort(simulated[:, rows], axis=0)
        repeated = repeated or bool(np.any(ordered[1:] == ordered[:-1]))
        whole = whole and bool(np.all(ordered == np.rint(ordered)))
    if not repeated:
        return False
    if whole:
        text = "treated as counts (integer=True)"
    else:
        text = "left as they are; residuals of tied values are not randomised by this method"
    warn(
        InferenceWarning(
            "integer=False, but simulated values of a row repeat: they are " + text + "."
        )
    )
    return whole


def leave_one_out_pit(
    observed: FloatArray,
    simulated: FloatArray,
    rng: np.random.Generator,
    block: int | None = None,
) -> FloatArray:
    """Scaled residuals of every simulated data set, each against the others and the data.

    Under a right model the observations and the simulations of a row are exchangeable, so these
    are what the residuals of the data *could have been*: the reference distribution of any
    statistic of them is exact, also where rows are dependent (random effects drawn anew) or
    discrete.

    Parameters
    ----------
    observed : ndarray, shape (nobs,)
    simulated : ndarray, shape (nsim, nobs)
    rng : numpy.random.Generator
        Breaks ties.

    Returns
    -------
    ndarray, shape (nsim, nobs)
        Row j: the residuals that simulation j would have had as data.
    """
    nsim, nobs = simulated.shape
    out = np.empty((nsim, nobs))
    for rows in row_blocks(nobs, nsim, block):
        pooled = np.vstack([observed[rows][None, :], simulated[:, rows]])
        low, high = ranks_among_others(pooled)
        share = rng.random((pooled.shape[1], nsim)).T
        r = share * (high[1:] - low[1:])
        r += low[1:]
        r /= nsim
        out[:, rows] = r
    return out


def ranks_among_others(pooled: FloatArray) -> tuple[AnyArray, AnyArray]:
    """Numbers of other entries below, and at or below, each entry of each column of ``pooled``.

    Examples
    --------
    >>> low, high = ranks_among_others(np.array([[5.5], [2.0], [5.5], [7.0]]))
    >>> low[:, 0].tolist(), high[:, 0].tolist()
    ([1.0, 0.0, 1.0, 3.0], [2.0, 0.0, 2.0, 3.0])
    """
    smallest, largest = pooled.min(), pooled.max()
    # counts in a small range: a table of how often each value occurs beats sorting
    if largest - smallest < len(pooled) and np.all(pooled == np.rint(pooled)):
        return _ranks_by_counting(pooled, smallest, int(largest - smallest) + 1)
    return _ranks_by_sorting(pooled)


def _ranks_by_counting(
    pooled: FloatArray, smallest: float, values: int
) -> tuple[IntArray, IntArray]:
    """Ranks of whole numbers from the frequencies of the ``values`` possible ones."""
    columns = pooled.shape[1]
    cell = (pooled - smallest).astype(np.int32)
    cell += np.arange(columns, dtype=np.int32) * np.int32(values)
    equal = np.bincount(cell.ravel(), minlength=columns * values).astype(np.int32)
    below = np.cumsum(equal.reshape(columns, values), axis=1, dtype=np.int32).ravel() - equal
    low = below[cell]
    return low, low + equal[cell] - 1  # itself is left out


def _ranks_by_sorting(pooled: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Ranks of any values; runs of equal ones share the positions of the whole run."""
    rows = np.ascontiguousarray(pooled.T)
    nrow, m = rows.shape
    order = np.argsort(rows, axis=1)
    ordered = np.take_along_axis(rows, order, axis=1)
    position = np.arange(m)
    new = np.ones((nrow, m), dtype=bool)
    new[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    low = np.empty((nrow, m))
    if new.all():
        np.put_along_axis(low, order, position.astype(float), axis=1)
        return low.T, low.T
    # first and last position of the run of equal values that each entry belongs to
    first = np.maximum.accumulate(np.where(new, position, 0), axis=1)
    ends: BoolArray = np.ones((nrow, m), dtype=bool)
    ends[:, :-1] = new[:, 1:]
    last = np.minimum.accumulate(np.where(ends, position, m)[:, ::-1], axis=1)[:, ::-1]
    high = np.empty((nrow, m))
    np.put_along_axis(low, order, first.astype(float), axis=1)
    np.put_along_axis(high, order, last.astype(float), axis=1)  # last - 1 others, + itself left out
    return low.T, high.T


def rotate(
    observed: FloatArray, simulated: FloatArray, covariance: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Data and simulations multiplied by the inverse lower Cholesky factor of ``covariance``.

    Parameters
    ----------
    covariance : ndarray, shape (nobs, nobs)
        Positive definite covariance of the responses under the model.
    """
    from scipy.linalg import cholesky, solve_triangular

    lower = cholesky(covariance, lower=True)
    y = solve_triangular(lower, observed, lower=True)
    s = solve_triangular(lower, simulated.T, lower=True).T
    return y, np.ascontiguousarray(s)


def estimated_covariance(simulated: FloatArray) -> FloatArray:
    """Covariance of the rows over the simulations, its eigenvalues raised to be positive.

    With fewer simulations than rows the covariance has rank below nobs; eigenvalues under 1e-6 of
    the largest are set there and the diagonal is restored, which is the first step of Higham's
    (2002) alternating projections.
    """
    covariance = np.atleast_2d(np.cov(simulated, rowvar=False))
    values, vectors = np.linalg.eigh(covariance)
    floor = 1e-6 * values[-1]
    if values[0] >= floor:
        return covariance
    repaired = (vectors * np.maximum(values, floor)) @ vectors.T
    scale = np.sqrt(np.diag(covariance) / np.diag(repaired))
    return repaired * np.outer(scale, scale)
