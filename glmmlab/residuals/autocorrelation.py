"""Residuals next to each other in time or space: more alike than chance makes them?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from glmmlab._types import FloatArray
from glmmlab.errors import DataError
from glmmlab.residuals.checks import option, some_rows
from glmmlab.residuals.result import (
    ALTERNATIVES,
    ResidualTest,
    p_sentence,
    paragraph,
    significant_digits,
)

EXACT_BELOW = 100
"""Below this number of rows the Durbin-Watson p-value is exact for normal residuals."""


@dataclass(frozen=True, eq=False, repr=False)
class TemporalTest(ResidualTest):
    """Durbin-Watson test of the residuals in the order of time.

    Attributes
    ----------
    statistic : float
        About 2 without autocorrelation; smaller when neighbours are alike.
    """

    title = "Temporal autocorrelation"
    statistic_name = "Durbin-Watson"

    def explain(self) -> str:
        """One paragraph: what was compared, what this deviation usually means, what to try."""
        direction = (
            "It is below 2: residuals that follow each other are alike. A trend or season is "
            "missing from the predictors, or the errors are correlated in time; standard errors "
            "are then too small. Try the time trend, a random effect for the period or subject, "
            "or an autoregressive term."
            if self.statistic < 2
            else "It is above 2: high residuals are followed by low ones, as when every second "
            "measurement was made by another device or when a process corrects itself."
        )
        return paragraph(
            f"Differences between residuals that follow each other in time were compared with the "
            f"residuals' spread: the Durbin-Watson statistic is {self.statistic:.3f}, about 2 "
            "without autocorrelation.",
            p_sentence(self),
            direction if self.significant else "",
            "Random effects drawn anew make rows of a group alike; for this test simulate "
            "conditionally or rotate the residuals.",
        )


@dataclass(frozen=True, eq=False, repr=False)
class SpatialTest(ResidualTest):
    """Moran's I of the residuals, with inverse distances as weights.

    Attributes
    ----------
    statistic : float
        Moran's I.
    expected, sd : float
        Its mean and standard deviation under random arrangement of the residuals.
    """

    expected: float
    sd: float

    title = "Spatial autocorrelation"
    statistic_name = "Moran's I"

    def facts(self) -> list[tuple[str, str]]:
        """Label and value of every line of the printed result."""
        facts = super().facts()
        facts.insert(2, ("expected", significant_digits(self.expected)))
        facts.insert(3, ("standard deviation", significant_digits(self.sd)))
        return facts

    def explain(self) -> str:
        """One paragraph: what was compared, what this deviation usually means, what to try."""
        direction = (
            "Near rows are alike: the field has a gradient or patches that the model does not "
            "know, and standard errors are too small. Try blocks, coordinates or a smooth surface "
            "as predictors, or a spatial random effect."
            if self.statistic > self.expected
            else "Near rows are unlike, as when plots compete with their neighbours."
        )
        return paragraph(
            "Residuals of rows near each other (weight 1 / distance) were compared with randomly "
            f"arranged ones: Moran's I is {self.statistic:.3f}, where {self.expected:.3f} is "
            "expected.",
            p_sentence(self),
            direction if self.significant else "",
        )


def _normal_p(z: float, alternative: str) -> float:
    """p of a standard normal z; "greater" is the upper tail."""
    if alternative == "two-sided":
        return float(2 * special.ndtr(-abs(z)))
    return float(special.ndtr(-z if alternative == "greater" else z))


def durbin_watson(r: FloatArray) -> float:
    """sum (e_t - e_(t-1))^2 / sum e_t^2 with e = r - mean(r)."""
    e = r - r.mean()
    return float(np.sum(np.diff(e) ** 2) / np.sum(e**2))


def durbin_watson_cdf(d: float, n: int) -> float:
    """P(DW < d) of n independent normal values with estimated mean, exactly.

    DW < d where sum_j (lambda_j - d) z_j^2 < 0 with lambda_j = 2 (1 - cos(pi j / n)),
    j = 1 ... n - 1; the probability by Imhof's (1961, Biometrika 48:419) integral.

    Examples
    --------
    >>> round(durbin_watson_cdf(2.0, 20), 10)
    0.5
    """
    from scipy.integrate import quad

    weights = 2 * (1 - np.cos(np.pi * np.arange(1, n) / n)) - d
    weights = weights / np.abs(weights).max()
    if weights.min() >= 0 or weights.max() <= 0:
        return 0.0 if weights.min() >= 0 else 1.0

    def integrand(u: float) -> float:
        angle = 0.5 * np.sum(np.arctan(weights * u))
        decay = np.exp(0.25 * np.sum(np.log1p((weights * u) ** 2)))
        return float(np.sin(angle) / (u * decay))

    # u = v / (1 - v) maps the half line to (0, 1); the integrand is smooth and decays fast
    def mapped(v: float) -> float:
        return integrand(v / (1 - v)) / (1 - v) ** 2

    value, _ = quad(mapped, 0, 1, limit=500, epsabs=1e-11, epsrel=1e-10)
    return float(np.clip(0.5 - value / np.pi, 0.0, 1.0))


def temporal_test(r: FloatArray, time: FloatArray, alternative: str = "two-sided") -> TemporalTest:
    """Durbin-Watson test of the residuals in the order of ``time``.

    Parameters
    ----------
    r, time : ndarray, shape (nobs,)
    alternative : {"two-sided", "greater", "less"}
        "greater": positive autocorrelation (DW below 2).

    Raises
    ------
    DataError
        Times that are not unique: aggregate the residuals first (``recalculate``).
    """
    option(alternative, ALTERNATIVES, "alternative")
    n = len(r)
    if n < 3:
        raise DataError("A test of temporal autocorrelation needs at least 3 rows.")
    if len(np.unique(time)) < n:
        raise DataError(
            "time has repeated values; aggregate rows of the same time first, for example "
            "res.recalculate(group=time).test_temporal(times)."
        )
    ordered = r[np.argsort(time)]
    if np.ptp(ordered) == 0:
        raise DataError("All residuals are equal; there is no variation to test.")
    dw = durbin_watson(ordered)
    if n < EXACT_BELOW:
        # the distribution is symmetric about 2: lambda_(n-j) = 4 - lambda_j
        below, above = durbin_watson_cdf(dw, n), durbin_watson_cdf(4 - dw, n)
        p = {"greater": below, "less": above, "two-sided": min(1.0, 2 * min(below, above))}
        value, method = p[alternative], "Durbin-Watson test, exact distribution"
    else:
        z = (2 - dw) / np.sqrt(4 * (n - 2) / (n**2 - 1))
        value, method = _normal_p(z, alternative), "Durbin-Watson test, normal approximation"
    return TemporalTest(
        statistic=dw,
        p=float(value),
        null_hypothesis="no correlation between residuals that follow each other in time",
        method=method,
        alternative=alternative,
        nobs=n,
        nsim=0,
    )


def inverse_distance_weights(distances: FloatArray) -> FloatArray:
    """1 / distance, zero diagonal, rows divided by their sums.

    Raises
    ------
    DataError
        Zero distances between different rows: aggregate them first.
    """
    off = ~np.eye(len(distances), dtype=bool)
    at_zero = np.any((distances <= 0) & off, axis=1)
    if at_zero.any():
        raise DataError(
            f"Several rows lie at the same place ({some_rows(at_zero)}); aggregate them first "
            "with res.recalculate(group=place)."
        )
    weights = np.zeros_like(distances)
    weights[off] = 1 / distances[off]
    return weights / weights.sum(axis=1, keepdims=True)


def moran(r: FloatArray, weights: FloatArray) -> tuple[float, float, float]:
    """Moran's I, its expectation and standard deviation under randomisation (Cliff & Ord 1981)."""
    n = len(r)
    z = r - r.mean()
    s = weights.sum()
    squares = np.sum(z**2)
    i = n / s * (z @ weights @ z) / squares
    expected = -1 / (n - 1)
    kurtosis = n * np.sum(z**4) / squares**2
    s1 = 0.5 * np.sum((weights + weights.T) ** 2)
    s2 = np.sum((weights.sum(axis=1) + weights.sum(axis=0)) ** 2)
    first = n * ((n**2 - 3 * n + 3) * s1 - n * s2 + 3 * s**2)
    second = kurtosis * (n * (n - 1) * s1 - 2 * n * s2 + 6 * s**2)
    variance = (first - second) / ((n - 1) * (n - 2) * (n - 3) * s**2) - expected**2
    return float(i), expected, float(np.sqrt(variance))


def spatial_test(
    r: FloatArray, distances: FloatArray, alternative: str = "two-sided"
) -> SpatialTest:
    """Moran's I of the residuals with inverse-distance weights, normal p-value.

    Parameters
    ----------
    r : ndarray, shape (nobs,)
    distances : ndarray, shape (nobs, nobs)
    alternative : {"two-sided", "greater", "less"}
        "greater": near rows alike.

    Examples
    --------
    >>> xy = np.array([(0, 0), (1, 0), (2, 1), (0, 2), (1, 2)], dtype=float)
    >>> d = np.hypot(*(xy[:, None] - xy[None]).T)
    >>> round(spatial_test(np.array([0.1, 0.5, 0.9, 0.3, 0.7]), d).p, 7)
    0.5557051
    """
    option(alternative, ALTERNATIVES, "alternative")
    if len(r) < 4:
        raise DataError("A test of spatial autocorrelation needs at least 4 rows.")
    if np.ptp(r) == 0:
        raise DataError("All residuals are equal; there is no variation to test.")
    i, expected, sd = moran(r, inverse_distance_weights(distances))
    return SpatialTest(
        statistic=i,
        p=_normal_p((i - expected) / sd, alternative),
        null_hypothesis="the residuals are arranged at random in space",
        method="Moran's I, inverse distances as weights, randomisation variance",
        alternative=alternative,
        nobs=len(r),
        nsim=0,
        expected=expected,
        sd=sd,
    )
