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
from scipy.special import betainc, chdtr, chdtrc, fdtr, fdtrc, ndtri

from glmmlab._types import FloatArray, Seed

_REPLICATES = 8
_FIRST_LOG2 = 12
_LAST_LOG2 = 17
_BINS = 2048
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


def _directions(rank: int, log2_points: int, rng: np.random.Generator) -> FloatArray:
    """Points on the unit sphere from one scrambled Sobol sequence."""
    from scipy.stats import qmc

    sobol = qmc.Sobol(rank, scramble=True, rng=rng)
    uniform = np.clip(sobol.random_base2(log2_points), 1e-300, 1 - 1e-16)
    normal = ndtri(uniform)
    return normal / np.linalg.norm(normal, axis=1, keepdims=True)


def _radial_sf(t: FloatArray, extent: FloatArray, rank: int, df: float) -> FloatArray:
    """P(rho / s * extent > t), shapes broadcast; extent and t may be negative (one-sided)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        square = np.where(extent != 0, (t / extent) ** 2, np.inf)
    if np.isinf(df):
        upper, lower = chdtrc(rank, square), chdtr(rank, square)
    else:
        upper, lower = fdtrc(rank, df, square / rank), fdtr(rank, df, square / rank)
    return np.where(t >= 0, np.where(extent > 0, upper, 0.0), np.where(extent >= 0, 1.0, lower))


def _condense(extents: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Means of equal-count bins of one replicate: the radial tail is then a short sum."""
    ordered = np.sort(extents)
    if ordered.size <= _BINS:
        return ordered, np.full(ordered.size, 1 / ordered.size)
    bins = ordered.reshape(_BINS, -1)
    return bins.mean(axis=1), np.full(_BINS, 1 / _BINS)


def _extents(factor: FloatArray, points: FloatArray, one_sided: bool) -> FloatArray:
    projections = points @ factor.T
    return (projections if one_sided else np.abs(projections)).max(axis=1)


def _replicate_tails(
    statistic: FloatArray, factor: FloatArray, df: FloatArray, log2: int, rng, one_sided: bool
) -> FloatArray:
    """(replicates, m) estimates of P(max > t)."""
    rank = factor.shape[1]
    tails = np.empty((_REPLICATES, statistic.size))
    for replicate in range(_REPLICATES):
        extent, weight = _condense(_extents(factor, _directions(rank, log2, rng), one_sided))
        for value in np.unique(df):
            rows = df == value
            tail = _radial_sf(statistic[rows, None], extent, rank, float(value))
            tails[replicate, rows] = tail @ weight
    return tails


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
        Three standard errors to reach; points are doubled until then, or to 2**17 a scrambling.
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
    rng = np.random.default_rng(seed)
    for log2 in range(_FIRST_LOG2, _LAST_LOG2 + 1):
        tails = _replicate_tails(values, factor, df, log2, rng, one_sided)
        error = float(3 * (tails.std(axis=0, ddof=1) / np.sqrt(_REPLICATES)).max())
        if error < tolerance:
            break
    return MaxProbability(tails.mean(axis=0), error, rank, _REPLICATES << log2)


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
    rank = factor.shape[1]
    rng = np.random.default_rng(seed)
    parts = [
        _condense(_extents(factor, _directions(rank, 15, rng), one_sided))[0]
        for _ in range(_REPLICATES)
    ]
    extent = np.concatenate(parts)

    def excess(c: float) -> float:
        return float(_radial_sf(np.array(c), extent, rank, df).mean()) - (1 - level)

    upper = 8.0
    while excess(upper) > 0:
        upper *= 2
    return float(brentq(excess, -8.0 if one_sided else 1e-8, upper, xtol=1e-10))


def step_down_p(
    statistic: ArrayLike, covariance: ArrayLike, df: float = np.inf, *, seed: Seed = 0
) -> MaxProbability:
    """Free step-down adjusted p-values: maxima over the hypotheses not yet rejected.

    The largest statistic is compared with the maximum over all, the next with the maximum over
    the rest, and so on; p-values are made monotone (Westfall & Young 1993; multcomp's "free").
    """
    values = np.abs(np.atleast_1d(np.asarray(statistic, float)))
    order = np.argsort(-values, kind="stable")
    factor = correlation_factor(covariance)[order]
    rank = factor.shape[1]
    rng = np.random.default_rng(seed)
    tails = np.empty((_REPLICATES, values.size))
    for replicate in range(_REPLICATES):
        projections = np.abs(_directions(rank, 13, rng) @ factor.T)
        extents = np.maximum.accumulate(projections[:, ::-1], axis=1)[:, ::-1]
        tails[replicate] = _radial_sf(values[order], extents, rank, df).mean(axis=0)
    error = float(3 * (tails.std(axis=0, ddof=1) / np.sqrt(_REPLICATES)).max())
    adjusted = np.empty(values.size)
    adjusted[order] = np.maximum.accumulate(tails.mean(axis=0))
    return MaxProbability(adjusted, error, rank, _REPLICATES << 13)
