"""Do the quartiles of the scaled residuals stay flat along a predictor?

Two things are separate here.  The *curves* that the figure draws are regression quantiles
(statsmodels' QuantReg) on a natural cubic spline.  The *p-values* are those of score tests of the
same regressions at the values that a right model prescribes, with a Monte Carlo reference: nothing
is estimated under the null hypothesis, so they hold at n = 30 as at n = 10,000, where the Wald
tests of a fitted regression quantile need a density estimate that small samples cannot give.

===========  =========================================================================
letter       meaning, shape
===========  =========================================================================
tau          0.25, 0.5, 0.75
x            predictor, average ranks over the largest rank, (nobs,)
B            [1/sqrt(n), Q]: orthonormal spline basis, constant first, (nobs, k)
psi          tau - 1(r < tau) (half an indicator where r == tau), (nobs,)
z            B' psi: the score of tau's regression quantile at "flat at tau", (k,)
===========  =========================================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from glmmlab._types import FloatArray
from glmmlab.errors import UnknownNameError
from glmmlab.residuals.result import LEVEL, SampledTest, paragraph, resolution
from glmmlab.residuals.splines import SplineBasis, rank_transform

QUANTILES = (0.25, 0.5, 0.75)
ROWS_A_COLUMN = 15
"""Rows that a column of the curves' spline needs at the least."""
FITTED = "fitted values"
"""Name of the default predictor."""


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class QuantileTest(SampledTest):
    """Flatness of residual quantiles along a predictor.

    Attributes
    ----------
    statistic : float
        Smallest of the per-quantile p-values (the Simes statistic is built from them).
    frame : DataFrame
        One row a quantile: ``quantile, intercept_p, smooth_p, p`` (``p`` is the quantile's own,
        min Benjamini-Hochberg of the two), ``slope`` of the curve over the range of x, and
        ``shift``: how far the residuals' quantile lies above its place.
    predictor : str
        Name of the predictor.
    basis : int
        Columns of the spline basis, constant included.
    """

    frame: pd.DataFrame
    predictor: str
    basis: int

    title = "Quantiles of the residuals along a predictor"
    statistic_name = "smallest p of a quantile"

    def facts(self) -> list[tuple[str, str]]:
        """Label and value of every line of the printed result."""
        facts = super().facts()
        each = ", ".join(f"{q:g}: {p:.3g}" for q, p in zip(*self._columns(), strict=True))
        facts.insert(2, ("p by quantile", each))
        facts.insert(1, ("predictor", f"{self.predictor}, rank transformed"))
        return facts

    def _columns(self) -> tuple[list[float], list[float]]:
        return self.frame["quantile"].tolist(), self.frame["p"].tolist()

    def _compared(self) -> str:
        quantiles = self.frame["quantile"].tolist()
        name = "quartiles" if quantiles == list(QUANTILES) else "quantiles"
        return (
            f"The {name} of the scaled residuals were followed along {self._along} (by rank) and "
            f"compared with the flat lines of a right model, at {listed(quantiles)}."
        )

    def _limits(self) -> str:
        return (
            "The test sees departures along this one predictor only; a flat picture here says "
            "nothing about another predictor."
        )

    @property
    def _along(self) -> str:
        return "the fitted values" if self.predictor == FITTED else self.predictor

    @property
    def _values(self) -> str:
        return FITTED if self.predictor == FITTED else f"values of {self.predictor}"

    @property
    def _missing(self) -> str:
        return (
            "a missing predictor"
            if self.predictor == FITTED
            else f"{self.predictor} itself if it is missing"
        )

    @property
    def _with_predictor(self) -> str:
        return "" if self.predictor == FITTED else f" with {self.predictor}"

    def _direction(self) -> str:
        names = {0.25: "lower quartile", 0.5: "median", 0.75: "upper quartile"}
        bad = self.frame.loc[self.frame["p"] < LEVEL, "quantile"]
        which = ", ".join(names.get(q, f"{q:g} quantile") for q in bad)
        return paragraph(f"Not flat, or not in place: {which}." if which else "", self._pattern())

    def _pattern(self) -> str:
        """What the quartiles do along the predictor, what it means, what to try."""
        frame = self.frame.set_index("quantile")
        if not {0.25, 0.75} <= set(frame.index):
            return ""
        low, high = frame["slope"][0.25], frame["slope"][0.75]
        if low * high < 0 and min(abs(low), abs(high)) > 0.05:
            where = "large" if high > low else "small"
            return (
                f"The quartiles move apart towards {where} {self._values}: the spread "
                "of the data changes in another way than the variance function says. Try another "
                f"family, or a dispersion formula{self._with_predictor}."
            )
        if low * high > 0 and min(abs(low), abs(high)) > 0.05:
            trend = "rise" if low > 0 else "fall"
            return (
                f"The quartiles {trend} together with {self._along}: the mean curve is wrong "
                f"there. Try {self._missing}, a quadratic or spline term, an "
                "interaction, or another link."
            )
        if (frame["smooth_p"] < 0.05).any():
            return (
                "They bend rather than rise or fall: the mean or the spread is wrong in the middle "
                "or at the ends. Try a quadratic or spline term."
            )
        return self._out_of_place(frame["shift"][0.25], frame["shift"][0.75])

    def _out_of_place(self, low: float, high: float) -> str:
        """What flat quartiles in the wrong place mean."""
        if min(abs(low), abs(high)) > 0.05 and low * high > 0:
            where, wrong = ("high", "low") if low > 0 else ("low", "high")
            return (
                f"The quartiles lie too {where} all along: the predictions are too {wrong}. An "
                "offset or intercept is missing, or the family's skewness is wrong."
            )
        if min(abs(low), abs(high)) > 0.05:
            apart, more = ("close together", "less") if low > 0 else ("far apart", "more")
            return (
                f"The quartiles lie too {apart} all along: the data are {more} spread out than the "
                "model says; read the dispersion test."
            )
        return (
            "They are flat but out of place: compare with the tests of uniformity and dispersion."
        )


def listed(values: Sequence[float]) -> str:
    """Numbers as a list in a sentence.

    Examples
    --------
    >>> listed([0.25, 0.5, 0.75])
    '0.25, 0.5 and 0.75'
    """
    *first, last = (f"{value:g}" for value in values)
    return f"{', '.join(first)} and {last}" if first else last


def scores(r: FloatArray, basis: FloatArray, tau: float) -> FloatArray:
    """Scores of the flat line at ``tau`` for one or many sets of residuals.

    Parameters
    ----------
    r : ndarray, shape (..., nobs)
    basis : ndarray, shape (nobs, k)

    Returns
    -------
    ndarray, shape (..., k)
    """
    below = (r < tau) + 0.5 * (r == tau)
    return (tau - below) @ basis


def component_p(z: FloatArray, covariance: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Asymptotic p of the constant and of the smooth part of score vectors ``z`` (m, k).

    The smooth part is tested as a straight line, as a line with one bend, and as the whole
    spline (joint chi-square tests on 1, 2 and k - 1 degrees of freedom, Simes-combined): a plain
    trend is not diluted by the freedom to wiggle, which the penalty does in penalised fits.
    """
    intercept = 2 * special.ndtr(-np.abs(z[:, 0]) / np.sqrt(covariance[0, 0]))
    k = z.shape[1]
    if k == 1:
        return intercept, np.ones_like(intercept)
    white = np.linalg.solve(np.linalg.cholesky(covariance[1:, 1:]), z[:, 1:].T)
    wald = np.cumsum(white**2, axis=0)  # of the first 1, 2, ... columns
    nested = sorted({1, min(2, k - 1), k - 1})
    return intercept, min_bh(np.stack([special.chdtrc(d, wald[d - 1]) for d in nested], axis=-1))


def min_bh(p: FloatArray) -> FloatArray:
    """Smallest Benjamini-Hochberg-adjusted p along the last axis: Simes' combined p.

    Examples
    --------
    >>> float(min_bh(np.array([0.03, 0.5, 0.04])))
    0.06
    """
    m = p.shape[-1]
    return np.minimum(1.0, (np.sort(p, axis=-1) * (m / np.arange(1, m + 1))).min(axis=-1))


def monte_carlo(observed: float, reference: FloatArray) -> float:
    """Exact p of a small-is-extreme statistic among its draws: (1 + number as small) / (m + 1)."""
    return float((1 + np.sum(reference <= observed * (1 + 1e-9))) / (len(reference) + 1))


@dataclass(frozen=True)
class _Tau:
    """Combined raw p of data and of every reference set, and the data's calibrated p values."""

    combined: FloatArray
    intercept_p: float
    smooth_p: float
    p: float


def _test_tau(r: FloatArray, reference: FloatArray, basis: FloatArray, tau: float) -> _Tau:
    z = np.vstack([scores(r, basis, tau)[None, :], scores(reference, basis, tau)])
    k = basis.shape[1]
    # Dependence between rows shows in the spread of the scores over reference sets; the data are
    # one of the sets, which keeps all sets exchangeable.  Few sets cannot tell: independent rows.
    covariance = z.T @ z / len(z) if len(z) > 5 * k else tau * (1 - tau) * np.eye(k)
    intercept, smooth = component_p(z, covariance)
    pair = np.stack([intercept, smooth], axis=-1) if k > 1 else intercept[:, None]
    combined = min_bh(pair)
    return _Tau(
        combined,
        monte_carlo(intercept[0], intercept[1:]),
        monte_carlo(smooth[0], smooth[1:]),
        monte_carlo(combined[0], combined[1:]),
    )


def quantile_test(
    r: FloatArray,
    x: FloatArray,
    reference: FloatArray,
    quantiles: tuple[float, ...] = QUANTILES,
    predictor: str = FITTED,
    source: str = "simulated data sets",
    nsim: int = 0,
    nobs: int | None = None,
) -> QuantileTest:
    """Test that residual quantiles are flat, and in place, along a predictor.

    For each tau the regression quantile of r on a natural cubic spline of x (ranks / largest
    rank; ``basis_size`` columns) is tested at the flat line at tau: the constant by a z test, the
    smooth part by joint chi-square tests (``component_p``), all as score tests: z = B'psi with
    psi = tau - 1(r < tau), whose covariance is estimated from the reference sets and the data
    together (tau (1 - tau) I when there are too few sets).  The two are combined as
    ``min(2 min(p_int, p_s), max(p_int, p_s))`` and the taus by Simes.  The combined values of the
    data are then ranked among those of the ``reference`` sets: each reported p is
    (1 + number of sets at least as extreme) / (number of sets + 1), exact for any n and any
    dependence between rows that the simulations reproduce, and never below 1 / (sets + 1).

    How this differs from DHARMa, which fits qgam (penalised, smoothed-loss quantile regression)
    and reads the Wald tests of its summary: our spline is not penalised and has fewer columns, the
    tests are score tests, and the last step calibrates the combination, which Simes' bound alone
    does not.  Digits differ; the question asked is the same.

    With fitted parameters the data lie closer to the model than simulated sets do, so the test is
    somewhat conservative when the mean has many parameters for the number of rows.

    Parameters
    ----------
    r : ndarray, shape (nobs,)
        Scaled residuals.
    x : ndarray, shape (nobs,)
        Predictor, any monotone scale.
    reference : ndarray, shape (m, nobs)
        Residual sets under a right model.
    """
    inside = np.ravel(quantiles)
    if np.ndim(quantiles) != 1 or not len(inside) or not ((inside > 0) & (inside < 1)).all():
        raise UnknownNameError(f"quantiles={quantiles!r}: numbers between 0 and 1 are needed.")
    ranks = rank_transform(x)
    spline = SplineBasis.build(ranks)
    basis = spline(ranks)
    tests = [_test_tau(r, reference, basis, tau) for tau in quantiles]
    overall = min_bh(np.stack([t.combined for t in tests], axis=-1))
    frame = pd.DataFrame(
        {
            "quantile": list(quantiles),
            "intercept_p": [t.intercept_p for t in tests],
            "smooth_p": [t.smooth_p for t in tests],
            "p": [t.p for t in tests],
            "slope": [_slope(r, ranks, tau) for tau in quantiles],
            "shift": [float(np.quantile(r, tau)) - tau for tau in quantiles],
        }
    )
    return QuantileTest(
        statistic=float(frame["p"].min()),
        p=monte_carlo(overall[0], overall[1:]),
        null_hypothesis="the residuals' quantiles are flat lines at " + listed(quantiles),
        method=f"Score tests of spline regression quantiles, p from {source}",
        alternative="two-sided",
        nobs=len(r) if nobs is None else nobs,
        nsim=nsim,
        frame=frame,
        predictor=predictor,
        basis=basis.shape[1],
        rows_used=len(r),
        smallest_p=resolution(reference),
    )


def _slope(r: FloatArray, ranks: FloatArray, tau: float) -> float:
    """Rise of the tau quantile from the lower to the upper half of x (a plain description)."""
    upper = ranks > 0.5
    if not upper.any() or upper.all():
        return 0.0
    return float(np.quantile(r[upper], tau) - np.quantile(r[~upper], tau))


def quantile_curves(
    r: FloatArray,
    x: FloatArray,
    quantiles: tuple[float, ...] = QUANTILES,
    at: FloatArray | None = None,
) -> pd.DataFrame:
    """Fitted quantile curves for the figure, with pointwise 95 % bands.

    Regression quantiles by statsmodels' QuantReg on the spline of :func:`quantile_test`, with at
    most one column for every 15 rows (a straight line below 45): wigglier curves of few rows
    follow single points.  The
    band is 1.96 standard errors either side, with the density of the residuals taken as 1, as it
    is under a right model: sqrt(tau (1 - tau) b'b) for a row b of the orthonormal basis.

    Returns
    -------
    DataFrame
        ``quantile, x`` (rank scale), ``estimate, lower, upper``.
    """
    from statsmodels.regression.quantile_regression import QuantReg

    ranks = rank_transform(x)
    spline = SplineBasis.build(ranks)
    columns = max(2, len(r) // ROWS_A_COLUMN)  # the first ones are the smoothest
    basis = spline(ranks)[:, :columns] * np.sqrt(len(r))
    grid = np.linspace(ranks.min(), ranks.max(), 101) if at is None else at
    rows = spline(grid)[:, :columns]
    frames = []
    for tau in quantiles:
        coefficients = _regression_quantile(QuantReg, r, basis, tau) * np.sqrt(len(r))
        estimate = rows @ coefficients
        half = 1.96 * np.sqrt(tau * (1 - tau) * np.einsum("ij,ij->i", rows, rows))
        frames.append(
            pd.DataFrame(
                {
                    "quantile": tau,
                    "x": grid,
                    "estimate": estimate,
                    "lower": estimate - half,
                    "upper": estimate + half,
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def _regression_quantile(model: type, r: FloatArray, basis: FloatArray, tau: float) -> FloatArray:
    """QuantReg's coefficients; its warning of an iteration limit is not one of the answer."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = model(r, basis).fit(q=tau, max_iter=200, p_tol=1e-4)
    return np.asarray(fit.params)
