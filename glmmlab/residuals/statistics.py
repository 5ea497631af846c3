"""Tests that compare one statistic of the data with its values in the simulated data sets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from scipy import special

from glmmlab._types import AnyArray, FloatArray
from glmmlab.errors import DataError
from glmmlab.inference.overdispersion import chi_square
from glmmlab.residuals.checks import option
from glmmlab.residuals.result import (
    ALTERNATIVES,
    ResidualTest,
    count,
    significant_digits,
    simulation_p,
)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class StatisticTest(ResidualTest):
    """A statistic of the observed response against the same statistic of every simulation.

    Attributes
    ----------
    statistic : float
        Observed value divided by the mean of the simulated values.
    observed : float
        The statistic of the data.
    simulated : ndarray, shape (nsim,)
        The statistic of each simulated data set.
    """

    observed: float
    simulated: FloatArray

    title = "Statistic of the response"
    statistic_name = "observed / simulated"

    def facts(self) -> list[tuple[str, str]]:
        """Label and value of every line of the printed result."""
        facts = super().facts()
        mean = significant_digits(float(np.mean(self.simulated)))
        facts.insert(2, ("observed", significant_digits(self.observed)))
        facts.insert(3, ("simulated mean", mean))
        return facts

    def _compared(self) -> str:
        return (
            f"Your statistic is {significant_digits(self.observed)} in the data and "
            f"{significant_digits(float(np.mean(self.simulated)))} on average in "
            f"{len(self.simulated)} data sets simulated from the fitted model."
        )

    def _direction(self) -> str:
        side = "larger" if self.observed > np.mean(self.simulated) else "smaller"
        return (
            f"The model does not reproduce this feature of the data: it is {side} than the model "
            "produces. Ask which part of the model governs it (mean, variance function, zeros, "
            "random effects) and change that part."
        )


Test = TypeVar("Test", bound=StatisticTest)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class DispersionTest(StatisticTest):
    """Spread of the data around the predictions against the spread of the simulations.

    Attributes
    ----------
    can_hide : bool
        Whether too much spread of the rows can hide behind random effects that the simulations
        drew anew.
    """

    can_hide: bool = False

    title = "Dispersion"
    statistic_name = "dispersion (observed / simulated)"

    def _direction(self) -> str:
        return _OVERDISPERSED if self.statistic > 1 else _UNDERDISPERSED

    def _limits(self) -> str:
        return (
            "The comparison pools all rows, so rows with a large variance dominate it: a misfit "
            "that differs between small and large predictions can cancel, and a single response "
            "of 0 or 1 carries no information about dispersion at all. Look at the residuals "
            "against the predictions as well."
        ) + (_CAN_HIDE if self.can_hide and not self.significant else "")

    def _compared(self) -> str:
        return (
            "The variance of the observations around the predictions was compared with the same "
            f"variance in data simulated from the fitted model: the data have {self.statistic:.3g} "
            "times the variance that the model produces."
        )


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class RefitDispersionTest(DispersionTest):
    """Sum of squared Pearson residuals against those of models refitted to simulated data."""

    def _compared(self) -> str:
        return (
            "The sum of squared Pearson residuals was compared with that of the same model "
            f"refitted to {len(self.simulated)} simulated data sets: in the data it is "
            f"{self.statistic:.3g} times as large as on average there."
        )

    def _limits(self) -> str:
        return (
            "The comparison pools all rows: a misfit that differs between small and large "
            "predictions can cancel. Look at the residuals against the predictions as well."
        )


_OVERDISPERSED = (
    "More spread than the model allows (overdispersion) usually means a missing predictor or "
    "random effect, rows that are not independent, a few outliers, or a family with too small a "
    "variance. Standard errors are then too small. Try the missing structure first, then a family "
    "with a parameter for the spread (negative binomial for counts, beta-binomial for "
    "successes out of trials, a dispersion formula)."
)
_CAN_HIDE = (
    " The simulations drew the random effects anew, and groups that differ much from one data set "
    "to the next can hide too much spread within them: ask test_dispersion(type='pearson') too, or "
    "residuals simulated with random_effects='conditional'."
)
_UNDERDISPERSED = (
    "Less spread than the model allows (underdispersion) usually means that the variance function "
    "is too large where most of the variance lies (a gamma model of percentages, for example), "
    "that counts are limited by something the model does not know, or that the model is too "
    "flexible. Standard errors are then too large. Try another variance function or family "
    "(beta for proportions), or remove random effects that the design does not need."
)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class ZeroInflationTest(StatisticTest):
    """Number of zeros in the data against the number in the simulations."""

    title = "Zero inflation"
    statistic_name = "zeros (observed / simulated)"

    def _compared(self) -> str:
        return (
            f"The data contain {count(self.observed)} zeros; data sets simulated from the fitted "
            f"model contain {count(float(np.mean(self.simulated)))} on average."
        )

    def _direction(self) -> str:
        if self.statistic > 1:
            return (
                "There are more zeros than the model produces. That is not yet zero inflation: "
                "overdispersed counts have many zeros too. Look at the dispersion test first, try "
                "a negative binomial, and add a zero-inflation part when zeros are still too many "
                "and two kinds of zero make sense in your study."
            )
        return (
            "There are fewer zeros than the model produces: the counts may be truncated (only "
            "units with at least one were recorded), or less spread than the family says."
        )


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class PearsonDispersionTest(ResidualTest):
    """Sum of squared Pearson residuals against the chi-square distribution.

    Attributes
    ----------
    chisq, df : float
        Sum of squares and residual degrees of freedom; the statistic is their ratio.
    """

    chisq: float
    df: float

    title = "Dispersion (Pearson)"
    statistic_name = "chi-square / df"

    def facts(self) -> list[tuple[str, str]]:
        """Label and value of every line of the printed result."""
        facts = super().facts()
        facts.insert(2, ("chi-square", f"{significant_digits(self.chisq)} on {self.df:g} df"))
        return facts

    def _compared(self) -> str:
        return (
            "The sum of squared Pearson residuals was compared with its residual degrees of "
            f"freedom; the ratio is {self.statistic:.3g}."
        )

    def _direction(self) -> str:
        return _OVERDISPERSED if self.statistic > 1 else _UNDERDISPERSED

    def _limits(self) -> str:
        return (
            "The chi-square distribution is an approximation that is poor for small counts; with "
            "random effects the degrees of freedom are too many, so that only the alternative "
            "'greater' can be trusted. Where a family estimates a dispersion, the residuals are "
            "scaled by it, so that the ratio is near 1 whatever the data are."
        )


def statistic_test(
    kind: type[Test],
    observed: float,
    simulated: AnyArray,
    alternative: str,
    nobs: int,
    method: str = "Statistic of the data among its values in simulated data sets",
    null: str = "the data come from the fitted model",
) -> Test:
    """The test of one observed value among simulated values (see :func:`simulation_p`)."""
    option(alternative, ALTERNATIVES, "alternative")
    simulated = np.asarray(simulated, dtype=float)
    if not np.isfinite(observed) or not np.isfinite(simulated).all():
        raise DataError(
            "The statistic is missing or infinite for the data or for a simulation; use one that "
            "is a finite number for every data set."
        )
    mean = float(simulated.mean())
    ratio = (
        observed / mean if mean != 0 else (1.0 if observed == 0 else np.copysign(np.inf, observed))
    )
    return kind(
        statistic=float(ratio),
        p=simulation_p(observed, simulated, alternative),
        null_hypothesis=null,
        method=method,
        alternative=alternative,
        nobs=nobs,
        nsim=len(simulated),
        observed=float(observed),
        simulated=simulated,
        smallest_p=1 / len(simulated),
    )


def apply_summary(
    summary: Callable[[FloatArray], float], observed: FloatArray, simulated: AnyArray
) -> tuple[float, FloatArray]:
    """A user's statistic of the data and of every simulation."""
    try:
        values = np.array([float(summary(np.asarray(one, dtype=float))) for one in simulated])
        return float(summary(observed)), values
    except (TypeError, ValueError) as error:
        raise DataError(
            f"summary must make one number of a response, for example np.max: {error}"
        ) from error


def spread(y: FloatArray, simulated: AnyArray, fitted: FloatArray) -> tuple[float, FloatArray]:
    """Sample variance over rows of response minus prediction: data, and every simulation."""
    values = np.array([np.var(one - fitted, ddof=1) for one in simulated])
    return float(np.var(y - fitted, ddof=1)), values


def zeros(y: FloatArray, simulated: AnyArray) -> tuple[float, FloatArray]:
    """Number of exact zeros: data, and every simulation."""
    counts = np.array([one.size - np.count_nonzero(one) for one in simulated], dtype=float)
    return float(y.size - np.count_nonzero(y)), counts


def pearson_test(
    residuals: FloatArray, df: float, alternative: str, nsim: int
) -> PearsonDispersionTest:
    """Chi-square test of Pearson residuals on ``df`` degrees of freedom.

    Parameters
    ----------
    residuals : ndarray, shape (nobs,)
        (y - mu) / sqrt(variance).
    df : float
        Rows minus all estimated parameters that are not random effects.
    alternative : {"two-sided", "greater", "less"}
    """
    option(alternative, ALTERNATIVES, "alternative")
    if not df > 0:
        raise DataError(f"The Pearson test needs positive residual degrees of freedom, not {df:g}.")
    found = chi_square(residuals, float(df))
    less = float(special.chdtr(df, found.chisq))
    p = {"greater": found.p, "less": less, "two-sided": min(1.0, 2 * min(found.p, less))}
    return PearsonDispersionTest(
        statistic=found.ratio,
        p=p[alternative],
        null_hypothesis="the variance is the one the family assumes",
        method="Pearson chi-square against its residual degrees of freedom",
        alternative=alternative,
        nobs=len(residuals),
        nsim=nsim,
        chisq=found.chisq,
        df=found.df,
    )
