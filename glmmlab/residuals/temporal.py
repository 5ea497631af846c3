"""Residuals that follow each other in time: more alike than chance makes them?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from glmmlab._types import FloatArray
from glmmlab.errors import DataError
from glmmlab.residuals.autocorrelation import AutocorrelationTest
from glmmlab.residuals.checks import option, some_rows
from glmmlab.residuals.result import (
    ALTERNATIVES,
    exchangeable_p,
    normal_p,
    paragraph,
    resolution,
)

EXACT_BELOW = 100
"""Below this number of rows the Durbin-Watson p-value is exact for normal residuals."""


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class TemporalTest(AutocorrelationTest):
    """Durbin-Watson test of the residuals in the order of time.

    Attributes
    ----------
    statistic : float
        About 2 without autocorrelation; smaller when neighbours are alike.
    expected : float
        2, or the mean over simulated data sets where these are the reference.
    reference : {"exact", "normal", "simulations"}
        Where the p-value comes from.
    rows_used : int
        Rows the test was computed from (a run of them when there are very many and the reference
        is simulated).
    """

    title = "Temporal autocorrelation"
    statistic_name = "Durbin-Watson"
    sample = "{:,} that follow each other"

    def _compared(self) -> str:
        return (
            "Differences between residuals that follow each other in time were compared with the "
            f"residuals' spread: the Durbin-Watson statistic is {self.statistic:.3f}, where "
            f"{self.expected:.3g} is expected."
        )

    def _direction(self) -> str:
        if self.statistic < self.expected:
            return (
                "It is below what is expected: residuals that follow each other are alike. A "
                "trend or season is missing from the predictors, or the errors are correlated in "
                "time; standard errors are then usually too small. Try time or season as a "
                "predictor, a random effect of the period, or a model with autoregressive errors."
            )
        return (
            "It is above what is expected: high residuals are followed by low ones, as when every "
            "second measurement was made by another device, or when a process corrects itself. "
            "Look for what alternates, and make it a predictor."
        )

    def _limits(self) -> str:
        neighbours = (
            "The statistic compares direct neighbours only; look at the autocorrelation function "
            "for seasons and longer lags."
        )
        return paragraph(super()._limits(), neighbours)


def durbin_watson(r: FloatArray) -> FloatArray:
    """sum (e_t - e_(t-1))^2 / sum e_t^2 with e = r - mean(r), along the last axis.

    Examples
    --------
    >>> float(durbin_watson(np.array([1.0, -1.0, 1.0, -1.0])))
    3.0
    """
    e = r - r.mean(axis=-1, keepdims=True)
    return np.asarray(np.sum(np.diff(e) ** 2, axis=-1) / np.sum(e**2, axis=-1))


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


def temporal_test(
    r: FloatArray,
    time: FloatArray,
    alternative: str = "two-sided",
    reference: FloatArray | None = None,
    nobs: int | None = None,
) -> TemporalTest:
    """Durbin-Watson test of the residuals in the order of ``time``.

    Parameters
    ----------
    r, time : ndarray, shape (nobs,)
    alternative : {"two-sided", "greater", "less"}
        "greater": positive autocorrelation (DW below its expectation).
    reference : ndarray, shape (nsim, nobs), optional
        Residuals of simulated data sets; p is then the rank among their Durbin-Watson statistics,
        which holds for rows that share random effects drawn anew.
    nobs : int, optional
        Rows there are, if ``r`` are some of them.

    Raises
    ------
    DataError
        Times that are not unique: aggregate the residuals first (``recalculate``); residuals
        that are all equal.
    """
    option(alternative, ALTERNATIVES, "alternative")
    n = len(r)
    check_times(time)
    ordered = r[np.argsort(time)]
    if np.ptp(ordered) == 0:
        raise DataError("All residuals are equal; there is no variation to test.")
    dw, expected, source = float(durbin_watson(ordered)), 2.0, "normal"
    if reference is not None:
        simulated = durbin_watson(reference[:, np.argsort(time)])
        expected, source = float(simulated.mean()), "simulations"
        value = exchangeable_p(-dw, -simulated, alternative)
        method = "Durbin-Watson statistic, p from residuals of simulated data sets"
    elif n < EXACT_BELOW:
        source = "exact"
        # the distribution is symmetric about 2: lambda_(n-j) = 4 - lambda_j
        below, above = durbin_watson_cdf(dw, n), durbin_watson_cdf(4 - dw, n)
        p = {"greater": below, "less": above, "two-sided": min(1.0, 2 * min(below, above))}
        value, method = p[alternative], "Durbin-Watson test, exact distribution"
    else:
        z = (2 - dw) / np.sqrt(4 * (n - 2) / (n**2 - 1))
        value, method = normal_p(z, alternative), "Durbin-Watson test, normal approximation"
    return TemporalTest(
        statistic=dw,
        p=float(value),
        null_hypothesis="no correlation between residuals that follow each other in time",
        method=method,
        alternative=alternative,
        nobs=n if nobs is None else nobs,
        nsim=0 if reference is None else len(reference),
        expected=expected,
        reference=source,
        rows_used=n,
        smallest_p=resolution(reference),
    )


def check_times(time: FloatArray, name: str = "time") -> None:
    """Refuse fewer than three times, and repeated ones."""
    if len(time) < 3:
        raise DataError("A test of temporal autocorrelation needs at least 3 rows.")
    _, which, counts = np.unique(time, return_inverse=True, return_counts=True)
    repeated = counts[which] > 1
    if repeated.any():
        again = "np.unique(time)" if name == "time" else name
        raise DataError(
            f"{name} has repeated values ({some_rows(repeated)}); aggregate rows of the same time "
            f"first, for example res.recalculate({name}).test_temporal({again})."
        )
