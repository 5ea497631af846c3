"""Fits whose residual spread falls to zero: the likelihood rises without bound.

A Gaussian model whose terms reproduce the responses has no maximum-likelihood estimate: the
density of the responses grows as 1/sigma^n.  A Student t model needs for that only some rows
(tied responses, say), since its tails leave room for the others.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from glmmlab._types import BoolArray, FloatArray
from glmmlab.design import Design
from glmmlab.families.base import Family

Spread = Callable[[list[FloatArray]], BoolArray]


def without_spread(design: Design, family: Family) -> Spread:
    """A function that finds the rows whose residual spread has fallen to zero.

    Returns
    -------
    callable
        From the coefficients of the auxiliary predictors, one array each, to booleans (n,).
    """
    if not family.has_residual:
        return lambda gammas: np.zeros(design.nobs, dtype=bool)
    y = design.y[family.has_spread(design.y)]
    if not len(y):  # a hurdle model of zeros
        return lambda gammas: np.zeros(design.nobs, dtype=bool)
    mean = np.full(design.nobs, y.mean())
    floor = family.residual_floor * family.response_spread(y)

    def gone(gammas: list[FloatArray]) -> BoolArray:
        aux = [
            design.auxiliary[name].X @ gamma
            for name, gamma in zip(family.auxiliary, gammas, strict=True)
        ]
        return np.asarray(family.residual_spread(mean, aux) < floor)

    return gone


def perfect_fit_sentence(
    design: Design, family: Family, eta: FloatArray, gammas: list[FloatArray]
) -> str:
    """What happened, which quantity, and what to do."""
    gone = without_spread(design, family)(gammas)
    residual = np.abs(design.y - family.link.inverse(eta))
    y = design.y[family.has_spread(design.y)]
    small = 100.0 * family.residual_floor * family.response_spread(y)
    hit = int((residual <= small).sum())
    rows = "" if gone.all() or not gone.any() else f" in {int(gone.sum())} of {gone.size} rows"
    return (
        f"the fit is perfect: the residual spread ({family.dispersion_label or 'dispersion'}) of "
        f"the {family.name} family falls to zero{rows}. The model reproduces {hit} of the "
        f"{design.nobs} responses to rounding error, so that nothing is left to estimate the "
        "residual from, and the likelihood has no maximum inside its range (it may rise without "
        "bound). Standard errors, tests and the log-likelihood mean nothing. "
        f"{family.perfect_advice}."
    )
