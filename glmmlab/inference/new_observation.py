"""Intervals for a new observation, by simulation."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from glmmlab._random import generator
from glmmlab._types import BoolArray, FloatArray, Seed
from glmmlab._warnings import warn
from glmmlab.errors import DataError, InferenceError, InferenceWarning
from glmmlab.formula.columns import shown_rows
from glmmlab.inference.modes import JointUncertainty, Rows

if TYPE_CHECKING:
    from glmmlab.estimate.result import Estimate

DRAWS = 10_000
"""Simulated observations a row: the tail probabilities of a 95% interval are right to 0.2%."""
CHUNK = 2_000_000
WIDEST = 2.0
"""Largest standard error of a log or a logit that draws are taken from: a factor of 50 each way."""


def new_observation_limits(
    estimate: Estimate,
    rows: Rows,
    eta: FloatArray,
    aux: tuple[FloatArray, ...],
    extra_variance: FloatArray | float,
    trials: FloatArray | None,
    level: float,
    seed: Seed,
    index: pd.Index,
) -> tuple[FloatArray, FloatArray]:
    """Quantiles of observations drawn at every row.

    Each draw has linear predictors of its own, normal around the estimated ones with their joint
    covariance (coefficients, modes and auxiliary coefficients), plus `extra_variance` for random
    effects drawn anew; then an observation of the family.  An auxiliary predictor whose standard
    error is beyond what a normal distribution can stand for is held at its estimate.

    Returns
    -------
    lower, upper : ndarray
        On the scale of the response; proportions of the trials for binomial kinds.  Missing in
        rows with missing predictors.
    """
    rng = generator(seed)
    n = len(eta)
    trials = _trials(estimate, trials, n)
    spread = tuple(np.broadcast_to(np.asarray(a, dtype=float), (n,)) for a in aux)
    known = np.isfinite(np.sum([eta, *spread], axis=0) + extra_variance)
    if trials is not None:  # rows without trials have no proportion
        known &= trials > 0
        trials = np.where(known, trials, 1.0)
    if not known.any():
        return np.full(n, np.nan), np.full(n, np.nan)
    if not known.all():  # another row stands in for each that is not, and gives way in the end
        stand_in = np.where(known, np.arange(n), np.argmax(known))
        rows, eta = rows.take(stand_in), eta[stand_in]
        spread = tuple(a[stand_in] for a in spread)
        extra_variance = np.broadcast_to(extra_variance, (n,))[stand_in]
    roots, held = _roots(estimate, rows, extra_variance)
    _tell_of_held_parts(estimate, held & known[:, None], index)
    lower, upper = np.empty(n), np.empty(n)
    method: Literal["inverted_cdf", "linear"]
    method = "inverted_cdf" if estimate.family.integer else "linear"
    low, high = estimate.family.eta_range
    for start in range(0, n, max(1, CHUNK // DRAWS)):
        cut = slice(start, start + max(1, CHUNK // DRAWS))
        normal = rng.standard_normal((DRAWS, len(eta[cut]), roots.shape[1]))
        moved = np.einsum("dik,ijk->dij", normal, roots[cut])
        drawn = eta[cut] + moved[..., 0]
        drawn = np.where((drawn > low) & (drawn < high), drawn, eta[cut])
        part = tuple(a[cut] + moved[..., 1 + j] for j, a in enumerate(spread))
        mu = estimate.family.link.inverse(drawn)
        count = None if trials is None else np.broadcast_to(trials[cut], mu.shape)
        y = estimate.family.simulate(rng, mu, part, trials=count)
        tail = (1.0 - level) / 2.0
        ends = np.quantile(y, [tail, 1.0 - tail], axis=0, method=method)
        lower[cut], upper[cut] = ends if trials is None else ends / trials[cut]
    return np.where(known, lower, np.nan), np.where(known, upper, np.nan)


def _trials(estimate: Estimate, trials: FloatArray | None, n: int) -> FloatArray | None:
    if not estimate.family.is_binomial:
        if trials is not None:
            raise DataError(f"trials= has no meaning for the {estimate.family.name} family.")
        return None
    if trials is None:
        own = estimate.design.trials
        if own is not None and (own > 1).any():
            raise DataError(
                "a prediction interval for new rows needs the number of trials of the new "
                "observation: give predict(..., trials=...), a column's name, one number or one "
                "a row."
            )
        return np.ones(n)
    whole = (trials >= 0) & (trials == np.round(trials))
    if not whole.all() or not trials.any():
        raise DataError(f"trials= must be a positive whole number, or {n} of them, one a row.")
    return np.broadcast_to(trials, (n,))


def _tell_of_held_parts(estimate: Estimate, held: BoolArray, index: pd.Index) -> None:
    """Warn of auxiliary predictors (n, parts) without a usable standard error."""
    for name, rows in zip(estimate.auxiliary, held.T, strict=True):
        if rows.any():
            warn(
                InferenceWarning(
                    f"the prediction interval in {shown_rows(index, rows)} takes the "
                    f"{name.replace('_', ' ')} as known: its standard error is too large for a "
                    "normal distribution around its estimate, as at the end of its range."
                )
            )


def _roots(
    estimate: Estimate, rows: Rows, extra: FloatArray | float
) -> tuple[FloatArray, BoolArray]:
    """Square roots of the covariance of (eta, aux...) at every row, shape (n, k, k).

    Also which auxiliary predictors are held at their estimates, shape (n, k - 1).
    """
    uncertainty = JointUncertainty(estimate)
    if not rows.random:
        rows = replace(rows, random=None)
    n, k = len(rows.X), 1 + len(rows.auxiliary)

    def variance(weights: FloatArray) -> FloatArray:
        d = [np.full(n, w) for w in weights]
        return uncertainty.standard_errors(rows, d[0], d[1:]) ** 2

    unit = np.eye(k)
    own = [variance(unit[i]) for i in range(k)]
    V = np.empty((n, k, k))
    for i in range(k):
        V[:, i, i] = own[i]
        for j in range(i):  # 2 cov(a, b) = var(a + b) - var(a) - var(b)
            V[:, i, j] = V[:, j, i] = 0.5 * (variance(unit[i] + unit[j]) - own[i] - own[j])
    V[:, 0, 0] += extra
    if not np.isfinite(V).all():
        raise InferenceError(
            "this fit has no standard errors, so it has no prediction intervals either: "
            "fit.diagnose() says what is wrong with it."
        )
    held = np.sqrt(V[:, range(1, k), range(1, k)]) > WIDEST
    free = np.concatenate([np.ones((n, 1)), ~held], axis=1)
    values, vectors = np.linalg.eigh(V * free[:, :, None] * free[:, None, :])
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :]), held
