"""What the residuals need from a fitted model: its response, predictions, and simulations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from glmmlab._types import AnyArray, FloatArray
from glmmlab.errors import ConvergenceError
from glmmlab.residuals.refit import Refits, refit_all

if TYPE_CHECKING:
    from glmmlab.estimate.result import Estimate

COMPACT_ABOVE = 50_000_000
"""Entries of the simulation matrix above which it is stored in 4 or fewer bytes an entry."""
VARIANCE_OF_ZERO = 1e-8
"""Variances up to here are those of a singular fit: rows of a group are independent."""
AT_ONCE = 10_000_000
"""Entries simulated in one call when the matrix is compact."""


@dataclass(frozen=True)
class Parts:
    """Response (counts of successes for binomial kinds), predictions and Pearson residuals.

    ``predictors`` are the columns on the right-hand sides of the formulas, ``factors`` those that
    make the groups of random effects; ``groups`` tells whether some random effect has a variance
    above zero, and ``fixed_variance`` whether, besides, the family's mean fixes its variance.
    """

    observed: FloatArray
    fitted: FloatArray
    integer: bool
    pearson: FloatArray | None
    pearson_df: float
    groups: bool
    fixed_variance: bool
    predictors: tuple[str, ...]
    factors: tuple[str, ...]


def parts(estimate: Estimate) -> Parts:
    """What is compared with the simulations of a fit.

    ``fitted`` is the population-level mean (random effects 0), also for conditional simulations,
    as in DHARMa; Pearson residuals are those at the conditional modes.
    """
    from glmmlab.inference.overdispersion import overdispersion, pearson_if_finite
    from glmmlab.inference.predict import population_mean

    groups = any(
        np.any(v.to_numpy() > VARIANCE_OF_ZERO) for v in estimate.random_covariance.values()
    )
    return Parts(
        observed=np.asarray(estimate.design.y, dtype=float),
        fitted=population_mean(estimate),
        integer=estimate.family.integer,
        pearson=pearson_if_finite(estimate),
        pearson_df=float(estimate.df_resid),
        groups=groups,
        fixed_variance=bool(estimate.design.random) and overdispersion(estimate) is not None,
        predictors=_predictors(estimate),
        factors=_factors(estimate),
    )


def _predictors(estimate: Estimate) -> tuple[str, ...]:
    """Columns that the model uses, in the order of the formulas: fixed parts, then groups."""
    design = estimate.design
    linear = (design.conditional, *design.auxiliary.values())
    names = [name for part in linear for name in part.fixed.variables]
    names += [name for term in design.random for name in term.basis.variables]
    names += _factors(estimate)
    return tuple(name for name in dict.fromkeys(names) if name in design.data)


def _factors(estimate: Estimate) -> tuple[str, ...]:
    """Columns that make the groups of random effects."""
    names = [name for term in estimate.design.random for name in term.group_columns]
    return tuple(name for name in dict.fromkeys(names) if name in estimate.design.data)


def simulations(
    estimate: Estimate, n: int, rng: np.random.Generator, random_effects: str
) -> AnyArray:
    """Simulated responses (n, nobs), in a compact type when there are very many.

    Above ``COMPACT_ABOVE`` entries counts are stored as 4-byte integers and continuous responses
    as 4-byte floats, a slice of simulations at a time: 250 simulations of a million rows take
    1 GB.  The rounding, 6e-8 relative, is far below the resolution of a rank.
    """
    from glmmlab.inference.simulate import simulate

    nobs = estimate.nobs
    if n * nobs <= COMPACT_ABOVE:
        return simulate(estimate, n, rng, random_effects)
    kind = np.int32 if estimate.family.integer else np.float32
    out = np.empty((n, nobs), dtype=kind)
    step = max(1, AT_ONCE // nobs)
    for start in range(0, n, step):
        stop = min(start + step, n)
        drawn = simulate(estimate, stop - start, rng, random_effects)
        if kind is np.int32:  # a count too large for 4 bytes is larger than any observed one
            drawn = np.minimum(drawn, np.iinfo(np.int32).max)
        out[start:stop] = drawn
    return out


def refits(estimate: Estimate, own: Parts, simulated: AnyArray, progress: bool) -> Refits:
    """The model refitted to every simulated response.

    Raises
    ------
    EstimabilityError
        The responses have no finite variance, and so no Pearson residuals.
    """
    from glmmlab.inference import bootstrap
    from glmmlab.inference.overdispersion import pearson_residuals

    def conditional_mean(fitted: Estimate) -> FloatArray:
        from glmmlab.inference.predict import fitted_mean

        mean = fitted_mean(fitted)
        trials = fitted.design.trials
        return mean if trials is None else mean * trials

    def refit(response: FloatArray) -> tuple[FloatArray, FloatArray]:
        fitted = bootstrap.refit(estimate, response)
        if not fitted.converged:
            raise ConvergenceError("the optimum was not reached")
        return conditional_mean(fitted), pearson_residuals(fitted)

    mean, pearson = conditional_mean(estimate), pearson_residuals(estimate)
    return refit_all(own.observed, simulated, mean, pearson, refit, progress)
