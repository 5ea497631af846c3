r"""The largest of several correlated t statistics.

T = Y / s with Y ~ N(0, R) of rank r and s^2 ~ chi2(df)/df.  Write Y = A Z with A (m, r) and
Z = rho U, U uniform on the sphere in r dimensions and rho^2 ~ chi2(r), independent of U.  Then

    max_j |T_j| = (rho / s) M(U),   M(U) = max_j |a_j' U|,   (rho / s)^2 / r ~ F(r, df),

so P(max_j |T_j| > t) = E_U[ P(F(r, df) > t^2 / (r M(U)^2)) ].  The radial part is exact, the
directions are few (11 for the 66 contrasts of twelve means), and one sample of M serves all
statistics and all quantiles.  Directions come from a scrambled Sobol sequence; independent
scramblings give the error (Deak 1980, Numer. Math. 35:249; Genz & Bretz 2009, Computation of
Multivariate Normal and t Probabilities, section 4.1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtr, chdtrc, fdtr, fdtrc, ndtri

from glmmlab._random import generator
from glmmlab._types import FloatArray, Seed

REPLICATES = 8
_STAGES = (12, 14, 16, 18)  # log2 of the directions of one scrambling
_BINS = 1024
_RANK_TOLERANCE = 1e-10


@dataclass(frozen=True)
class MaxProbability:
    """Tail probabilities of a maximum and how far the integration may be off.

    Attributes
    ----------
    p : ndarray
        ``P(max >= t)`` for each t.
    error : float
        Three standard errors over the independent scramblings, the largest of all entries.
    rank : int
        Dimension of the integral.
    points : int
        Directions used in all.
    """

    p: FloatArray
    error: float
    rank: int
    points: int


def correlation_factor(covariance: ArrayLike) -> FloatArray:
    """A (m, r) with A A' the correlation matrix of `covariance`, r its rank.

    Rows with zero variance become rows of zeros.
    """
    covariance = np.asarray(covariance, float)
    scale = np.sqrt(np.clip(np.diag(covariance), 0, None))
    inverse = np.divide(1.0, scale, out=np.zeros_like(scale), where=scale > 0)
    values, vectors = np.linalg.eigh(covariance * np.outer(inverse, inverse))
    keep = values > _RANK_TOLERANCE * max(values[-1], 1.0)
    factor = vectors[:, keep] * np.sqrt(values[keep])
    norms = np.linalg.norm(factor, axis=1, keepdims=True)
    return np.divide(factor, norms, out=np.zeros_like(factor), where=norms > 0)


class Extents:
    """M(U) of a growing sample of directions from one scrambled Sobol sequence."""

    def __init__(self, factor: FloatArray, one_sided: bool, rng: np.random.Generator) -> None:
        from scipy.stats import qmc

        self.factor = factor
        self.one_sided = one_sided
        self.sobol = qmc.Sobol(factor.shape[1], scramble=True, rng=rng)
        self.values = np.empty(0)

    def directions(self, n: int) -> FloatArray:
        """The next n points on the unit sphere."""
        normal = ndtri(np.clip(self.sobol.random(n), 1e-300, 1 - 1e-16))
        return normal / np.linalg.norm(normal, axis=1, keepdims=True)

    def grow(self, size: int) -> None:
        """Draw until there are `size` directions (a power of two, as Sobol's points want)."""
        pieces = [self.values]
        missing = size - self.values.size
        while missing > 0:
            n = min(missing, 1 << 14)
            projections = self.directions(n) @ self.factor.T
            if not self.one_sided:
                np.abs(projections, out=projections)
            pieces.append(projections.max(axis=1))
            missing -= n
        self.values = np.concatenate(pieces)


def condensed(extents: FloatArray) -> FloatArray:
    """Means of bins of equal count: the radial tail is then a short sum."""
    ordered = np.sort(extents)
    return ordered if ordered.size <= _BINS else ordered.reshape(_BINS, -1).mean(axis=1)


def scrambled_samples(factor: FloatArray, one_sided: bool, seed: Seed) -> list[Extents]:
    """Independent scramblings, REPLICATES of them."""
    rng = generator(seed)
    return [Extents(factor, one_sided, rng) for _ in range(REPLICATES)]


def radial_sf(t: FloatArray, extent: FloatArray, rank: int, df: float) -> FloatArray:
    """P(rho / s * extent > t), shapes broadcast; extent and t may be negative (one-sided)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        square = np.where(extent != 0, (t / extent) ** 2, np.inf)
    if np.isinf(df):
        upper, lower = chdtrc(rank, square), chdtr(rank, square)
    else:
        upper, lower = fdtrc(rank, df, square / rank), fdtr(rank, df, square / rank)
    return np.where(t >= 0, np.where(extent > 0, upper, 0.0), np.where(extent >= 0, 1.0, lower))


def _tails(samples: list[Extents], statistic: FloatArray, df: FloatArray, rank: int) -> FloatArray:
    """(replicates, k) estimates of P(max > t)."""
    tails = np.empty((len(samples), statistic.size))
    for row, sample in zip(tails, samples, strict=True):
        extent = condensed(sample.values)
        for value in np.unique(df):
            chosen = df == value
            tail = radial_sf(statistic[chosen, None], extent, rank, float(value))
            row[chosen] = tail.mean(axis=1)
    return tails


def three_standard_errors(tails: FloatArray) -> float:
    """Three standard errors of the mean over scramblings, the largest of all entries."""
    return float(3 * (tails.std(axis=0, ddof=1) / np.sqrt(len(tails))).max())


def max_t_sf(
    statistic: ArrayLike,
    covariance: ArrayLike,
    df: ArrayLike = np.inf,
    *,
    one_sided: bool = False,
    tolerance: float = 5e-5,
    seed: Seed = 0,
) -> MaxProbability:
    r"""P(max_j \|T_j\| >= t), or of the largest signed T_j, for several t at once.

    Parameters
    ----------
    statistic : array_like, shape (k,)
        Values of t.  Two-sided: their absolute values are used.
    covariance : array_like, shape (m, m)
        Covariance (or correlation) of the m estimates; may be singular.
    df : array_like
        Degrees of freedom, broadcast against `statistic`; ``inf`` is the normal case.
    one_sided : bool
        The maximum of T_j instead of that of its absolute value.
    tolerance : float
        Three standard errors to reach; points are doubled until then, or to 2**18 a scrambling.
    seed : int, Generator or None
        Scrambling of the Sobol points; the default repeats the same digits, None draws fresh.

    Returns
    -------
    MaxProbability

    Examples
    --------
    >>> import numpy as np
    >>> from glmmlab.inference.multivariate_t import max_t_sf
    >>> result = max_t_sf([2.5], 0.5 * np.eye(3) + 0.5, df=20)
    >>> round(float(result.p[0]), 4), result.rank
    (0.0543, 3)
    """
    factor = correlation_factor(covariance)
    values = np.atleast_1d(np.asarray(statistic, float))
    values = values if one_sided else np.abs(values)
    df = np.broadcast_to(np.asarray(df, float), values.shape)
    rank = factor.shape[1]
    if rank == 0:
        return MaxProbability(np.where(values > 0, 0.0, 1.0), 0.0, 0, 0)
    samples = scrambled_samples(factor, one_sided, seed)
    for log2 in _STAGES:
        for sample in samples:
            sample.grow(1 << log2)
        tails = _tails(samples, values, df, rank)
        error = three_standard_errors(tails)
        if error < tolerance:
            break
    return MaxProbability(tails.mean(axis=0), error, rank, REPLICATES << log2)


def max_t_quantile(
    level: float,
    covariance: ArrayLike,
    df: float = np.inf,
    *,
    one_sided: bool = False,
    seed: Seed = 0,
) -> float:
    """The c with ``P(max |T_j| <= c) = level``: the half width of simultaneous intervals.

    Examples
    --------
    >>> import numpy as np
    >>> from glmmlab.inference.multivariate_t import max_t_quantile
    >>> round(max_t_quantile(0.95, np.eye(1)), 4)   # one estimate: the normal quantile
    1.96
    """
    from scipy.optimize import brentq

    factor = correlation_factor(covariance)
    samples = scrambled_samples(factor, one_sided, seed)
    for sample in samples:
        sample.grow(1 << 16)
    extent = np.concatenate([condensed(sample.values) for sample in samples])

    def excess(c: float) -> float:
        return float(radial_sf(np.array(c), extent, factor.shape[1], df).mean()) - (1 - level)

    upper = 8.0
    while excess(upper) > 0:
        upper *= 2
    return float(brentq(excess, -8.0 if one_sided else 1e-8, upper, xtol=1e-10))
