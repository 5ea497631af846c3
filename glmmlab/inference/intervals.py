"""Wald intervals for coefficients, variance parameters and the dispersion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import expit, ndtri, stdtrit

from glmmlab._arguments import confidence_level
from glmmlab._types import FloatArray
from glmmlab.design.objects import theta_positions
from glmmlab.errors import UnknownNameError
from glmmlab.estimate.boundary import CUT_POINTS
from glmmlab.inference.modes import cholesky_factors

if TYPE_CHECKING:
    from glmmlab.estimate.result import Estimate, PartEstimate
    from glmmlab.inference.small_sample import SmallSample


def normal_quantile(level: float) -> float:
    """Two-sided standard normal quantile of a confidence level.

    >>> round(normal_quantile(0.95), 6)
    1.959964
    """
    return float(-ndtri((1.0 - confidence_level(level)) / 2.0))


def limits_of_mean(
    values: FloatArray, errors: FloatArray, z: float, unit: bool
) -> tuple[FloatArray, FloatArray]:
    """Limits by the delta method of a positive mean (log scale) or a probability (logit scale).

    Parameters
    ----------
    values, errors : ndarray
        Means and their standard errors.
    z : float
        Quantile of the confidence level.
    unit : bool
        Whether the means are probabilities or shares.

    Examples
    --------
    >>> low, high = limits_of_mean(np.array([2.0]), np.array([1.0]), 2.0, unit=False)
    >>> low.round(4).tolist(), high.round(4).tolist()
    ([0.7358], [5.4366])
    """
    if unit:
        centre = np.log(values) - np.log1p(-values)
        half = z * errors / (values * (1.0 - values))
        return expit(centre - half), expit(centre + half)
    half = z * errors / values
    return values * np.exp(-half), values * np.exp(half)


def standard_errors(part: PartEstimate) -> FloatArray:
    """Square roots of the diagonal of a part's covariance; NaN where there is none."""
    return np.sqrt(np.diag(part.cov)) if len(part.params) else np.empty(0)


def coefficient_intervals(
    part: PartEstimate, level: float = 0.95, degrees: SmallSample | float | None = None
) -> pd.DataFrame:
    """Wald intervals estimate -+ z se, on the scale of the linear predictor.

    With `degrees` of freedom t quantiles take the place of z, and the standard errors are those
    of the method.

    Returns
    -------
    DataFrame
        Columns ``lower, upper``, one row a coefficient; missing for aliased ones.
    """
    se, df = errors_and_degrees(part, degrees)
    normal = normal_quantile(level)
    half = normal * se if df is None else -stdtrit(df, (1.0 - level) / 2.0) * se
    limits = {"lower": part.params - half, "upper": part.params + half}
    return pd.DataFrame(limits, index=list(part.names))


def errors_and_degrees(
    part: PartEstimate, degrees: SmallSample | float | None
) -> tuple[FloatArray, FloatArray | None]:
    """Standard errors of the coefficients and their degrees of freedom (None: z tests)."""
    if degrees is None:
        return standard_errors(part), None
    if isinstance(degrees, float):
        return standard_errors(part), np.full(part.params.size, degrees)
    df = np.where(part.estimable, degrees(np.eye(part.params.size)), np.nan)
    return np.sqrt(np.diag(degrees.cov)), df


def variance_intervals(estimate: Estimate, level: float = 0.95) -> pd.DataFrame:
    r"""Wald intervals for standard deviations and correlations of the random effects.

    Standard deviations are taken on the log scale and correlations on Fisher's z scale, where
    the normal approximation is better and the limits cannot leave the parameter space; the
    standard errors come from those of the Cholesky factors by the delta method.  For a random
    effect alone in its term this is exp(log sd -+ z se), glmmTMB's Wald interval.

    Returns
    -------
    DataFrame
        Columns ``estimate, lower, upper`` (standard deviations, not variances; correlations);
        rows ``sd(Intercept | block)``, ``cor(Intercept, Days | Subject)``.  Limits are missing
        for a term whose variance is estimated as zero.
    """
    z = normal_quantile(level)
    rows: dict[str, tuple[float, float, float]] = {}
    start = estimate.design.conditional.X.shape[1]
    for term, factor in zip(estimate.design.random, cholesky_factors(estimate), strict=True):
        positions = theta_positions(term)
        V = estimate.cov_full[start : start + len(positions), start : start + len(positions)]
        start += len(positions)
        for i, name in enumerate(term.names):
            label = f"sd({name} | {term.group})"
            rows[label] = _sd_interval(factor, positions, V, i, z)
        for i in range(len(term.names)):
            for j in range(0 if term.diagonal else i):
                label = f"cor({term.names[j]}, {term.names[i]} | {term.group})"
                rows[label] = _correlation_interval(factor, positions, V, i, j, z)
    index = list(rows)
    return pd.DataFrame(rows.values(), index=index, columns=["estimate", "lower", "upper"])


def _sd_interval(
    factor: FloatArray, positions: tuple[tuple[int, int], ...], V: FloatArray, i: int, z: float
) -> tuple[float, float, float]:
    sd = float(np.sqrt(factor[i] @ factor[i]))
    if sd == 0.0:
        return 0.0, np.nan, np.nan
    gradient = np.array([factor[r, c] / sd**2 if r == i else 0.0 for r, c in positions])
    half = z * np.sqrt(_form(gradient, V))
    return sd, float(sd * np.exp(-half)), float(sd * np.exp(half))


def _correlation_interval(
    factor: FloatArray,
    positions: tuple[tuple[int, int], ...],
    V: FloatArray,
    i: int,
    j: int,
    z: float,
) -> tuple[float, float, float]:
    norms = np.sqrt((factor**2).sum(axis=1))
    if norms[i] == 0.0 or norms[j] == 0.0:
        return np.nan, np.nan, np.nan
    rho = float(factor[i] @ factor[j] / (norms[i] * norms[j]))
    if abs(rho) >= 1.0:
        return rho, np.nan, np.nan
    unit = factor / norms[:, None].clip(np.finfo(float).tiny)
    slope = {i: (unit[j] - rho * unit[i]) / norms[i], j: (unit[i] - rho * unit[j]) / norms[j]}
    gradient = np.array([slope[r][c] if r in slope else 0.0 for r, c in positions])
    half = z * np.sqrt(_form(gradient, V)) / (1.0 - rho**2)
    centre = np.arctanh(rho)
    return rho, float(np.tanh(centre - half)), float(np.tanh(centre + half))


def _form(gradient: FloatArray, V: FloatArray) -> float:
    """g'Vg over the entries g uses; NaN if the covariance of one of them is missing."""
    used = gradient != 0.0
    return float(gradient[used] @ V[np.ix_(used, used)] @ gradient[used])


def dispersion_interval(estimate: Estimate, level: float = 0.95) -> pd.DataFrame:
    """Wald interval of the reported dispersion, taken on its predictor's (log) scale.

    Returns
    -------
    DataFrame
        One row ``dispersion`` with ``estimate, lower, upper``; empty for families without a
        dispersion and for models with a dispersion formula (see their coefficients).
    """
    columns = ["estimate", "lower", "upper"]
    part = estimate.auxiliary.get("dispersion")
    if part is None or tuple(part.names) != ("Intercept",):
        return pd.DataFrame(columns=columns, dtype=float)
    value, half = part.params[0], normal_quantile(level) * standard_errors(part)[0]
    phi = [float(estimate.family.dispersion(v)) for v in (value, value - half, value + half)]
    return pd.DataFrame([phi], index=["dispersion"], columns=columns)


def shape_intervals(estimate: Estimate, level: float = 0.95) -> pd.DataFrame:
    """Wald intervals of the family's shape on its predictor's scale, and of cut points.

    Returns
    -------
    DataFrame
        Columns ``lower, upper``; rows ``Intercept`` (Student t, Tweedie) or ``lower_cut`` and
        ``upper_cut`` (ordered beta); empty for other families.
    """
    found = [pd.DataFrame(columns=["lower", "upper"], dtype=float)]
    for name in ("shape", *CUT_POINTS):
        if name in estimate.auxiliary:
            frame = coefficient_intervals(estimate.auxiliary[name], level)
            found.append(frame if name == "shape" else frame.set_axis([name], axis=0))
    return pd.concat(found[1:] or found)


WALD_PARTS = ("conditional", "zero_inflation", "dispersion", "variance", "shape")


def wald_intervals(
    estimate: Estimate,
    level: float = 0.95,
    parameters: str | Sequence[str] = "conditional",
    degrees: SmallSample | float | None = None,
) -> pd.DataFrame:
    """Wald intervals of one set of parameters, as ``Fit.conf_int`` gives them.

    `degrees` of freedom are for coefficients only.

    Raises
    ------
    UnknownNameError
        `parameters` is not one of the sets.
    """
    if parameters == "variance":
        random = variance_intervals(estimate, level)
        phi = dispersion_interval(estimate, level)
        return pd.concat([frame for frame in (random, phi) if len(frame)] or [random])
    if parameters == "shape":
        return shape_intervals(estimate, level)
    if parameters == "conditional":
        return coefficient_intervals(estimate.conditional, level, degrees)
    if not isinstance(parameters, str) or parameters not in WALD_PARTS:
        raise UnknownNameError(
            f"parameters={parameters!r} is unknown; use one of {', '.join(WALD_PARTS)} (single "
            "parameters have intervals by method='profile')."
        )
    part = estimate.auxiliary.get(parameters)
    constant = part is not None and tuple(part.names) == ("Intercept",)
    if part is None or (parameters == "dispersion" and constant):
        return pd.DataFrame(columns=["lower", "upper"], dtype=float)
    return coefficient_intervals(part, level, degrees)
