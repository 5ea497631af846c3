"""Residuals that follow each other in time: more alike than chance makes them?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from glmmlab._types import FloatArray, IntArray
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
    group : str
        What each series belongs to, if there are several; empty for one series.
    expected : float
        2, or the mean over simulated data sets where these are the reference.
    reference : {"exact", "normal", "simulations"}
        Where the p-value comes from.
    rows_used : int
        Rows the test was computed from (a run of them when there are very many and the reference
        is simulated).
    """

    group: str = ""

    title = "Temporal autocorrelation"
    statistic_name = "Durbin-Watson"
    sample = "{:,} that follow each other"

    def facts(self) -> list[tuple[str, str]]:
        """Label and value of every line of the printed result."""
        facts = super().facts()
        return [*facts, ("within", self.group)] if self.group else facts

    def _compared(self) -> str:
        within = f" within {self.group}" if self.group else ""
        spread = f"spread within {self.group}" if self.group else "residuals' spread"
        return (
            f"Differences between residuals that follow each other in time{within} were compared "
            f"with the {spread}: the Durbin-Watson statistic is {self.statistic:.3f}, where "
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


def centred(r: FloatArray, sizes: Sequence[int]) -> FloatArray:
    """Residuals minus the mean of their series; series of ``sizes`` rows follow each other.

    Examples
    --------
    >>> centred(np.array([1.0, 3.0, 5.0, 5.0, 8.0]), [2, 3]).tolist()
    [-1.0, 1.0, -1.0, -1.0, 2.0]
    """
    starts = np.cumsum([0, *sizes[:-1]])
    means = np.add.reduceat(r, starts, axis=-1) / np.asarray(sizes)
    return r - np.repeat(means, sizes, axis=-1)


def durbin_watson(r: FloatArray, sizes: Sequence[int] | None = None) -> FloatArray:
    """sum (e_t - e_(t-1))^2 / sum e_t^2 with e = r - mean(r), along the last axis.

    With several series (``sizes``) e is the difference from the mean of the own series, and no
    difference is taken from one series to the next: Bhargava, Franzini & Narendranathan (1982,
    Review of Economic Studies 49:533).  What a series has in common, such as a random intercept,
    leaves the statistic near 2.

    Examples
    --------
    >>> float(durbin_watson(np.array([1.0, -1.0, 1.0, -1.0])))
    3.0
    >>> float(durbin_watson(np.array([1.0, 0.0, -1.0, 9.0, 8.0, 7.0]), [3, 3]))
    1.0
    """
    sizes = [r.shape[-1]] if sizes is None else sizes
    e = centred(r, sizes)
    steps = np.delete(np.diff(e), np.cumsum(sizes[:-1]).astype(int) - 1, axis=-1)
    return np.asarray(np.sum(steps**2, axis=-1) / np.sum(e**2, axis=-1))


def eigenvalues(sizes: Sequence[int]) -> FloatArray:
    """lambda_j = 2 (1 - cos(pi j / n)), j = 1 ... n - 1, of series of n = ``sizes`` rows.

    The statistic of normal values is sum lambda_j z_j^2 / sum z_j^2, z_j independent and standard
    normal; it is symmetric about 2, because lambda_(n-j) = 4 - lambda_j.
    """
    return np.concatenate([2 * (1 - np.cos(np.pi * np.arange(1, n) / n)) for n in sizes])


def durbin_watson_cdf(d: float, sizes: Sequence[int]) -> float:
    """P(DW < d) of independent normal values in series with estimated means, exactly.

    DW < d where sum_j (lambda_j - d) z_j^2 < 0 with the :func:`eigenvalues` lambda_j; the
    probability by Imhof's (1961, Biometrika 48:419) integral.

    Examples
    --------
    >>> round(durbin_watson_cdf(2.0, [20]), 10)
    0.5
    """
    from scipy.integrate import quad

    weights = eigenvalues(sizes) - d
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
    codes: IntArray | None = None,
    group: str = "",
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
    codes : ndarray, shape (nobs,), optional
        Series of every row, from 0; one series by default.
    group : str
        What each series belongs to.

    Raises
    ------
    DataError
        Times that are not unique (within a series): aggregate the residuals first
        (``recalculate``); residuals that are all equal.
    """
    option(alternative, ALTERNATIVES, "alternative")
    n = len(r)
    codes = np.zeros(n, dtype=int) if codes is None else codes
    check_times(time, "time", codes, group)
    order, sizes = series_order(time, codes)
    ordered = r[order]
    if np.ptp(centred(ordered, sizes)) < 1e-12:
        raise DataError("All residuals are equal; there is no variation to test.")
    dw, expected, source = float(durbin_watson(ordered, sizes)), 2.0, "normal"
    if reference is not None:
        simulated = durbin_watson(reference[:, order], sizes)
        expected, source = float(simulated.mean()), "simulations"
        value = exchangeable_p(-dw, -simulated, alternative)
        method = "Durbin-Watson statistic, p from residuals of simulated data sets"
    elif n < EXACT_BELOW:
        source = "exact"
        # the distribution is symmetric about 2
        below, above = durbin_watson_cdf(dw, sizes), durbin_watson_cdf(4 - dw, sizes)
        p = {"greater": below, "less": above, "two-sided": min(1.0, 2 * min(below, above))}
        value, method = p[alternative], "Durbin-Watson test, exact distribution"
    else:
        away = eigenvalues(sizes) - 2
        z = (2 - dw) / np.sqrt(2 * float(np.mean(away**2)) / (len(away) + 2))
        value, method = normal_p(z, alternative), "Durbin-Watson test, normal approximation"
    return TemporalTest(
        statistic=dw,
        p=float(value),
        null_hypothesis="no correlation between residuals that follow each other in time"
        + (f" within {group}" if group else ""),
        method=method,
        alternative=alternative,
        nobs=n if nobs is None else nobs,
        nsim=0 if reference is None else len(reference),
        expected=expected,
        reference=source,
        rows_used=n,
        smallest_p=resolution(reference),
        group=group,
    )


def series_order(time: FloatArray, codes: IntArray) -> tuple[IntArray, list[int]]:
    """Rows in the order of time, one series after the other; and how many rows each has.

    Examples
    --------
    >>> order, sizes = series_order(np.array([2.0, 1.0, 3.0]), np.array([1, 1, 0]))
    >>> order.tolist(), sizes
    ([2, 1, 0], [1, 2])
    """
    counts = np.bincount(codes)
    return np.lexsort((time, codes)), counts[counts > 0].tolist()


def check_times(
    time: FloatArray, name: str, codes: IntArray, group: str = "", hint: str = ""
) -> None:
    """Refuse times that cannot be tested: repeated within a series, or series that are too short.

    Parameters
    ----------
    time : ndarray, shape (nobs,)
    name : str
        What the user calls it, in quotation marks where it is a column.
    codes : ndarray, shape (nobs,)
        Series of every row, from 0.
    group : str
        What each series belongs to; empty for one series.
    hint : str
        What to write for ``group=``, where that is known.
    """
    named = f", group={hint}" if hint else " with group="
    if len(time) < 3:
        raise DataError("A test of temporal autocorrelation needs at least 3 rows.")
    _, which, counts = np.unique(
        np.column_stack([codes, time]), axis=0, return_inverse=True, return_counts=True
    )
    repeated = counts[which.reshape(-1)] > 1
    if repeated.any() and group:
        raise DataError(
            f"{name} has repeated values within {group} ({some_rows(repeated)}): name all "
            f"columns that tell the series apart{named}."
        )
    if repeated.any():
        again = "np.unique(time)" if name == "time" else name
        raise DataError(
            f"{name} has repeated values ({some_rows(repeated)}). If several units were measured "
            f"over time, name them{named}, so that neighbours in time are rows of the same unit. "
            "Whether the sums over all rows of a time follow a course is another question: "
            f"res.recalculate({name}).test_temporal({again})."
        )
    if group and np.bincount(codes).max() < 3:
        raise DataError(
            f"No series within {group} has 3 rows, which autocorrelation needs: two rows alone "
            "do not tell a likeness in time from what their series has in common."
        )
