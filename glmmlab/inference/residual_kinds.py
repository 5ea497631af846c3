"""Response, Pearson and deviance residuals of a fit (at the conditional modes)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from glmmlab._types import FloatArray
from glmmlab.errors import EstimabilityError, UnknownNameError
from glmmlab.inference.predict import fitted_mean

if TYPE_CHECKING:
    from glmmlab.estimate.result import Estimate

KINDS = ("response", "pearson", "deviance")


def residuals(estimate: Estimate, kind: str = "response") -> pd.Series:
    r"""Residuals of the rows of a fit.

    Parameters
    ----------
    estimate : Estimate
        The fitted model.
    kind : {"response", "pearson", "deviance"}
        With mu the conditional mean (modes included; a proportion for binomial kinds, whose y
        is then y / n):

        * response: y - mu
        * pearson: (y - mu) sqrt(w) / sqrt(Var(y)), Var(y) the model's own variance, dispersion
          included, and w the prior weights.  Every family is scaled to about unit variance.
          glmmTMB leaves Gaussian, Gamma and beta-binomial residuals (and, before version 1.1.6,
          beta ones) without their dispersion; ours divide by it, so that their mean square can
          be read.
        * deviance: sign(y - mu) times the square root of the row's share of the deviance.

    Returns
    -------
    Series
        Indexed as the rows used in the fit; missing for rows of no trials, which have no
        proportion.

    Raises
    ------
    UnknownNameError
        An unknown `kind`.
    EstimabilityError
        Deviance residuals of a family that defines none; Pearson residuals without a variance.
    """
    if kind not in KINDS:
        raise UnknownNameError(f"kind={kind!r} is unknown; use one of {', '.join(KINDS)}.")
    mean = fitted_mean(estimate)
    difference = observed(estimate) - mean
    if kind == "pearson":
        variance = response_variance(estimate)
        if np.isinf(variance).any():
            raise EstimabilityError(
                f"the {estimate.family.name} distribution has no finite variance at these "
                "estimates (degrees of freedom of 2 or less), so there are no Pearson residuals; "
                "use kind='response', or simulate_residuals() for scaled quantile residuals."
            )
        with np.errstate(divide="ignore", invalid="ignore"):  # a mean of 0 has no variance
            difference = difference * _root_weights(estimate) / np.sqrt(variance)
    elif kind == "deviance":
        difference = np.sign(difference) * np.sqrt(_unit_deviance(estimate))
        difference = difference * _root_weights(estimate)
    return pd.Series(difference, index=estimate.design.data.index, name=kind)


def observed(estimate: Estimate) -> FloatArray:
    """The response as residuals compare it: y, or y / trials for binomial kinds."""
    design = estimate.design
    if design.trials is None:
        return design.y
    return np.divide(
        design.y, design.trials, out=np.full(len(design.y), np.nan), where=design.trials > 0
    )


def response_variance(estimate: Estimate) -> FloatArray:
    """Var(y | modes), of the proportion for binomial kinds."""
    mu = estimate.family.link.inverse(estimate.eta)
    trials = estimate.design.trials
    variance = estimate.family.variance(mu, estimate.aux, trials=trials)
    if trials is None:
        return variance
    return np.divide(variance, trials**2, out=np.full(len(mu), np.nan), where=trials > 0)


def _root_weights(estimate: Estimate) -> FloatArray | float:
    weights = estimate.design.weights
    return 1.0 if weights is None else np.sqrt(weights)


def _unit_deviance(estimate: Estimate) -> FloatArray:
    design, family = estimate.design, estimate.family
    mu = family.link.inverse(estimate.eta)
    value = family.unit_deviance(design.y, mu, estimate.aux, design.trials)
    if value is None:
        raise EstimabilityError(
            f"deviance residuals are not defined for the {family.name} family; use "
            "kind='pearson', or simulate_residuals() for scaled quantile residuals."
        )
    return np.maximum(value, 0.0)
