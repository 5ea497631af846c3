r"""Means averaged over the distribution of the random effects.

A prediction at b = 0 is the mean of a typical group; the mean over all groups is

.. math:: E(y) = \int m(\eta + \sqrt{v}\, t)\, \phi(t)\, dt, \qquad v = z' \Sigma z

summed over the random terms, m the mean as a function of the linear predictor.  With a curved
link the two differ: for a log link by the factor exp(v / 2); for a logit link the average lies
nearer to 1/2 than the typical group.

The integral is exact for the identity, log and probit links; otherwise the trapezoidal rule, which
for an analytic function against a normal density converges faster than Gauss-Hermite quadrature
(Trefethen and Weideman 2014, SIAM Review 56, 385-458, section 5).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import ndtr

from glmmlab._types import FloatArray
from glmmlab.errors import UnknownNameError
from glmmlab.families.base import Family
from glmmlab.inference.modes import cholesky_factors, theta_positions

if TYPE_CHECKING:
    from glmmlab.estimate.result import Estimate

Scale = Callable[[FloatArray, tuple[FloatArray, ...]], FloatArray]

SPACING = 0.08
REACH = 8.5
"""Nodes every 0.08 standard deviations, out to where the normal density is below 1e-16."""
CHUNK = 2_000_000  # rows times nodes held at once


def random_rows(estimate: Estimate, newdata: pd.DataFrame | None) -> list[FloatArray]:
    """Z of every random term at the rows; the groups themselves do not matter here."""
    if newdata is None:
        return [term.Z for term in estimate.design.random]
    return [term.basis.matrix(newdata) for term in estimate.design.random]


def random_variance(estimate: Estimate, Z: list[FloatArray]) -> FloatArray | float:
    """v = z' Sigma z at every row, summed over the random terms."""
    parts = [((z @ f) ** 2).sum(axis=1) for z, f in zip(Z, cholesky_factors(estimate), strict=True)]
    return np.sum(parts, axis=0) if parts else 0.0


def averaged(family: Family, transform: Scale, v: FloatArray | float, scale: str) -> Scale:
    """The mean over eta + N(0, v) of a function of eta, as a function of eta and aux.

    Raises
    ------
    UnknownNameError
        The inverse link, whose mean over a normal distribution does not exist.
    """
    if family.link.name.startswith("inverse"):
        raise UnknownNameError(
            f"random_effects='marginal' does not exist for the {family.link.name} link: 1 / eta "
            "has no mean over normal random effects. Use 'population'."
        )
    base = family.base
    exact = _EXACT.get(family.link.name)
    method = "conditional_expected" if scale == "conditional" else "expected"
    if exact is not None and getattr(type(base), method) is getattr(Family, method):
        mean = getattr(family, method)
        return lambda eta, aux: np.asarray(mean(exact(eta, v), aux))
    return lambda eta, aux: _trapezoidal(transform, eta, aux, v)


_EXACT: dict[str, Callable[[FloatArray, FloatArray | float], FloatArray]] = {
    "identity": lambda eta, v: eta + 0.0 * v,
    "log": lambda eta, v: np.exp(eta + 0.5 * v),
    "probit": lambda eta, v: ndtr(eta / np.sqrt(1.0 + v)),
}


def _trapezoidal(
    transform: Scale, eta: FloatArray, aux: tuple[FloatArray, ...], v: FloatArray | float
) -> FloatArray:
    root = np.sqrt(np.broadcast_to(v, eta.shape))
    # exp(sqrt(v) t), the fastest growth among means, moves the mass of the integrand by sqrt(v)
    reach = REACH + float(root.max(initial=0.0))
    t = np.arange(-reach, reach + SPACING, SPACING)
    weights = np.exp(-0.5 * t * t)
    weights /= weights.sum()
    out = np.empty(eta.shape)
    size = max(1, CHUNK // len(t))
    for start in range(0, len(eta), size):
        cut = slice(start, start + size)
        moved = eta[cut] + root[cut] * t[:, None]
        part = tuple(np.broadcast_to(a, eta.shape)[cut] for a in aux)
        values = transform(moved, part)
        out[cut] = weights @ np.broadcast_to(values, moved.shape)
    return out


def marginal_errors(
    estimate: Estimate,
    X: FloatArray,
    Z: list[FloatArray],
    auxiliary: tuple[FloatArray, ...],
    mean: Scale,
    eta: FloatArray,
    aux: tuple[FloatArray, ...],
) -> FloatArray:
    """Delta-method standard errors over (beta, theta, gamma).

    An average over a normal distribution solves the heat equation: its derivative in v is half
    its second derivative in eta, also at v = 0.
    """
    h = 1e-2
    at = {k: mean(eta + k * h, aux) for k in (-2, -1, 0, 1, 2)}
    d_eta = (8.0 * (at[1] - at[-1]) - (at[2] - at[-2])) / (12.0 * h)
    second = (16.0 * (at[1] + at[-1]) - (at[2] + at[-2]) - 30.0 * at[0]) / (12.0 * h * h)
    columns = [d_eta * x for x in X.T]
    for term, z, factor in zip(estimate.design.random, Z, cholesky_factors(estimate), strict=True):
        ZL = z @ factor
        columns += [second * z[:, i] * ZL[:, j] for i, j in theta_positions(term)]
    for j, X_a in enumerate(auxiliary):
        d_a = _auxiliary_slope(mean, eta, aux, j)
        columns += [d_a * x for x in X_a.T]
    G = np.column_stack(columns)
    return np.sqrt(np.einsum("ij,jk,ik->i", G, np.nan_to_num(estimate.cov_full), G))


def _auxiliary_slope(
    mean: Scale, eta: FloatArray, aux: tuple[FloatArray, ...], j: int, h: float = 1e-3
) -> FloatArray:
    def at(step: float) -> FloatArray:
        return mean(eta, (*aux[:j], aux[j] + step, *aux[j + 1 :]))

    return (8.0 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12.0 * h)
