"""Responses of very large or small numbers are fitted in a unit of their own size.

Steps, floors and rounding errors of the search are made for responses of ordinary size.  A
model of location and scale (Gaussian, Student t; identity link) is the same in every unit:

    y = s y'    beta = s beta'    theta = s theta'    log sigma = log sigma' + log s
    log-likelihood = log-likelihood' - N log s        N = sum of the weights, less p under REML

The unit s is a power of two, so that dividing by it is exact.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import linalg

from glmmlab._types import FloatArray
from glmmlab.design import Design
from glmmlab.estimate.result import Estimate, PartEstimate
from glmmlab.families.base import Family

ORDINARY = 1000.0
"""Responses that vary by less than this, and more than its inverse, are left alone."""


def unit_of(design: Design, family: Family) -> float:
    """The power of two near the spread of the response; 1 where it is ordinary."""
    if not (family.location_scale and family.link.name == "identity"):
        return 1.0
    spread = family.response_spread(design.y - design.offset)
    if spread == 0.0 or 1.0 / ORDINARY <= spread <= ORDINARY:
        return 1.0
    constant = np.ones(design.nobs)
    if not np.allclose(_spanned(design.auxiliary["dispersion"].X, constant), constant):
        return 1.0  # a dispersion formula without intercept: sigma has the unit of the data
    return float(2.0 ** np.round(np.log2(spread)))


def in_unit(design: Design, unit: float) -> Design:
    """The design of y / unit."""
    if unit == 1.0:
        return design
    return replace(design, y=design.y / unit, offset=design.offset / unit)


def out_of_unit(estimate: Estimate, design: Design, unit: float) -> Estimate:
    """The estimate of ``design``, from that of the same design in a unit."""
    if unit == 1.0:
        return estimate
    log_unit = float(np.log(unit))
    kept = len(design.conditional.names)
    auxiliary = dict(estimate.auxiliary)
    shift = _coefficients(design.auxiliary["dispersion"].X, np.full(design.nobs, log_unit))
    part = auxiliary["dispersion"]
    params = part.params.copy()
    params[part.estimable] += shift
    auxiliary["dispersion"] = PartEstimate(part.fixed, params, part.cov)
    weights = float(design.nobs if design.weights is None else design.weights.sum())
    change = (weights - (kept if estimate.method == "REML" else 0)) * log_unit
    n_theta = len(estimate.theta)
    first = estimate.family.auxiliary.index("dispersion")
    scale = np.ones(len(estimate.cov_full))
    scale[: kept + n_theta] = unit
    record = estimate.optimization
    n_outer = len(record.end)
    n_beta = kept if estimate.method == "ML" else 0
    before = sum(design.auxiliary[a].X.shape[1] for a in estimate.family.auxiliary[:first])
    factor, added = np.ones(n_outer), np.zeros(n_outer)
    factor[: n_beta + n_theta] = unit
    added[n_beta + n_theta + before :][: len(shift)] = shift
    conditional = estimate.conditional
    return replace(
        estimate,
        design=design,
        conditional=PartEstimate(
            conditional.fixed, unit * conditional.params, unit * (unit * conditional.cov)
        ),
        auxiliary=auxiliary,
        theta=unit * estimate.theta,
        cov_full=scale[:, None] * estimate.cov_full * scale,
        random_covariance={
            group: unit * (unit * frame) for group, frame in estimate.random_covariance.items()
        },
        modes={group: unit * frame for group, frame in estimate.modes.items()},
        llf=estimate.llf - change,
        eta=unit * estimate.eta,
        aux=tuple(a + log_unit if i == first else a for i, a in enumerate(estimate.aux)),
        optimization=replace(
            record,
            start=factor * record.start + added,
            end=factor * record.end + added,
            iterates=factor * record.iterates + added,
            values=record.values + change,
        ),
    )


def _coefficients(X: FloatArray, values: FloatArray) -> FloatArray:
    return np.asarray(linalg.lstsq(X, values, check_finite=False)[0])


def _spanned(X: FloatArray, values: FloatArray) -> FloatArray:
    return np.asarray(X @ _coefficients(X, values))
