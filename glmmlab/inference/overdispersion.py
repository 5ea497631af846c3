"""Counts and trials that vary more than a family without a dispersion parameter allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from glmmlab._types import FloatArray
from glmmlab.errors import EstimabilityError
from glmmlab.inference.residual_kinds import residuals

if TYPE_CHECKING:
    from glmmlab.estimate.result import Estimate

# When overdispersion is clear. By the chi-square distribution alone, right models whose means
# reach far below 1 (or whose proportions reach 0 or 1) would be called overdispersed up to one
# time in ten: a single count of 2 where 0.02 is expected has a squared residual of 200. So the
# excess must also be 1.5 times its own standard error, which one row cannot make. Among 400 data
# sets from each of 40 right models (30 to 400 rows; Poisson with means of 0.02 to 10, binomial,
# zero-inflated and truncated; with and without random effects) the three rules together found
# 2 at most, and none in 35 of the models. They find a negative binomial (theta = 3, mean 12,
# 48 rows in 6 blocks) in 100 of 100 data sets.
CLEAR_RATIO, CLEAR_P, CLEAR_ERRORS = 1.5, 0.001, 1.5


@dataclass(frozen=True)
class Overdispersion:
    """Pearson's chi-square of a fit on its residual degrees of freedom.

    Attributes
    ----------
    ratio : float
        ``chisq / df``: about 1 where the variance is the one the family assumes.
    chisq, df : float
        Sum of squared Pearson residuals, and rows minus all estimated parameters.
    p : float
        Probability of a chi-square variable above ``chisq``; too small for small counts.
    clear : bool
        Whether the spread is too large beyond doubt, also with small counts: the ratio above
        1.5, p below 0.001, and the excess not owed to a few rows.
    """

    ratio: float
    chisq: float
    df: float
    p: float
    clear: bool


def overdispersion(estimate: Estimate) -> Overdispersion | None:
    """Whether a response varies more than a family lets it whose mean fixes its variance.

    Parameters
    ----------
    estimate : Estimate

    Returns
    -------
    Overdispersion or None
        None for families that estimate a dispersion, for responses of one trial (whose variance
        cannot be too large), with prior weights, and without residual degrees of freedom.

    Examples
    --------
    >>> import glmmlab as gl
    >>> seeds = gl.datasets.load("seed_germination")
    >>> fit = gl.glmm("cbind(germ, n - germ) ~ extract * gen", data=seeds, family="binomial")
    >>> found = overdispersion(fit.estimate)
    >>> round(found.chisq, 2), found.df, found.clear  # 31.65 on 17 df: Crowder (1978)
    (31.65, 17.0, False)
    """
    family, design = estimate.family, estimate.design
    fixed = family.integer and set(family.auxiliary) <= {"zero_inflation"}
    single = family.is_binomial and (design.trials is None or bool((design.trials <= 1).all()))
    if not fixed or single or design.weights is not None or estimate.df_resid < 1:
        return None
    return chi_square(pearson_residuals(estimate), float(estimate.df_resid))


def pearson_residuals(estimate: Estimate) -> FloatArray:
    """Pearson residuals at the conditional modes; 0 for rows without trials."""
    values = residuals(estimate, "pearson").to_numpy(dtype=float)
    return np.where(np.isfinite(values), values, 0.0)


def pearson_if_finite(estimate: Estimate) -> FloatArray | None:
    """Pearson residuals; None where the responses have no finite variance."""
    try:
        return pearson_residuals(estimate)
    except EstimabilityError:
        return None


def chi_square(pearson: FloatArray, df: float) -> Overdispersion:
    """Sum of squared Pearson residuals (nobs,) on ``df`` degrees of freedom."""
    squares = pearson**2
    chisq = float(squares.sum())
    p = float(special.chdtrc(df, chisq))
    error = np.sqrt(len(squares)) * float(np.std(squares))
    clear = chisq > CLEAR_RATIO * df and p < CLEAR_P and chisq - df > CLEAR_ERRORS * error
    return Overdispersion(chisq / df, chisq, df, p, bool(clear))
