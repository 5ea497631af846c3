"""Predictions: link and response scale, conditional and population level, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import expit

from glmmlab._types import AnyArray, BoolArray, FloatArray, Seed
from glmmlab.errors import DataError, UnknownColumnError, UnknownNameError
from glmmlab.formula.columns import as_frame
from glmmlab.inference.estimable import estimable_rows
from glmmlab.inference.intervals import limits_of_mean, normal_quantile
from glmmlab.inference.marginal import averaged, marginal_errors, random_rows, random_variance
from glmmlab.inference.model_parts import null_basis
from glmmlab.inference.modes import JointUncertainty, Rows
from glmmlab.inference.prediction_warnings import (
    Lost,
    tell_of_endless_means,
    tell_of_lost_rows,
    tell_of_separated_rows,
)
from glmmlab.inference.row_arguments import offset_of, trials_of
from glmmlab.inference.runaway import separated_rows

if TYPE_CHECKING:
    from glmmlab.design import RandomTerm
    from glmmlab.estimate.result import Estimate, PartEstimate

SCALES = ("response", "link", "conditional", "zero_inflation")
LEVELS = ("conditional", "population", "marginal")
KINDS = ("mean", "prediction")

Scale = Callable[[FloatArray, tuple[FloatArray, ...]], FloatArray]
"""A function of the linear predictor and the auxiliary predictors, elementwise."""


@np.errstate(over="ignore", invalid="ignore")  # a mean beyond the largest float is infinite
def predict(
    estimate: Estimate,
    newdata: pd.DataFrame | dict[str, Any] | None = None,
    scale: str = "response",
    random_effects: str = "conditional",
    se: bool = False,
    level: float = 0.95,
    offset: object = None,
    interval: str = "mean",
    trials: str | ArrayLike | None = None,
    seed: Seed = None,
) -> pd.Series | pd.DataFrame:
    """Predict the mean, at the rows of the fit or at new ones.

    Parameters
    ----------
    estimate : Estimate
        The fitted model.
    newdata : DataFrame, optional
        Rows to predict; None predicts the rows of the fit.  A level of a random factor that the
        fit has not seen is predicted with b = 0, and its standard error carries the prior
        variance; a new level of a fixed factor is an error.
    scale : {"response", "link", "conditional", "zero_inflation"}
        ``"response"`` is E(y): a probability or proportion for binomial kinds, mu (1 - pi) with
        zero inflation.  ``"link"`` is the linear predictor.  ``"conditional"`` is the mean
        without the zero inflation, and ``"zero_inflation"`` its probability pi.
    random_effects : {"conditional", "population", "marginal"}
        ``"conditional"`` adds the conditional modes.  ``"population"`` sets b = 0: the mean of a
        typical group.  ``"marginal"`` averages over the groups, E g^-1(eta + b) with b drawn from
        its distribution, the mean that a survey of many groups would find: with a curved link
        it is another number than g^-1(eta), larger by exp(v / 2) with a log link and nearer to
        1/2 with a logit one, v the variance of z'b.  Grouping columns need not be in `newdata`
        for the last two.
    se : bool
        Return a frame with standard errors and confidence limits of the mean.
    level : float
        Confidence level of the limits.
    offset : str or array, optional
        Overrides the offset *argument* of the fit for new rows: a column of `newdata`, an array
        or a number.  Offsets written in the formula are evaluated in `newdata`.
    interval : {"mean", "prediction"}
        ``"prediction"`` gives limits for one new observation, not for its mean: quantiles of
        10,000 simulated observations a row, with the uncertainty of all estimates; random
        effects as `random_effects` says (``"marginal"``: of a group drawn anew).  Returns a frame
        ``estimate, lower, upper``.
    trials : str, float or array, optional
        Number of trials of the new observation for binomial kinds: a column of `newdata`, an
        array or a number; the limits are proportions.  Rows of the fit have their own.
    seed : int, Generator or None
        Of the simulated observations.

    Returns
    -------
    Series or DataFrame
        Indexed as the rows; with ``se=True`` columns ``estimate, se, lower, upper``.  Standard
        errors come from the delta method on the scale asked for, and for conditional predictions
        carry the uncertainty of the modes.  Limits are asymptotic (z): taken on the link scale
        and transformed back, or on the log (logit) scale where a response depends on several
        linear predictors, so that they stay inside the range of a mean.

    Raises
    ------
    UnknownNameError
        An unknown `scale` or `random_effects`.
    UnknownLevelError
        A new level of a fixed factor.
    UnknownColumnError
        `newdata` lacks a column of the model.
    DataError
        An expression of the formula, such as ``log(x)``, has no finite value in a row.

    Warns
    -----
    ExtrapolationWarning
        With a log link a row lies so far outside the data that its mean is beyond any number.
    RankDeficientWarning
        Rows that the data cannot estimate, such as an empty cell of an interaction: their
        predictions are missing, as means are in `emmeans`.
    InferenceWarning
        A prediction interval cannot take the uncertainty of an auxiliary part into account.
    SeparationWarning
        Standard errors or limits are asked for in rows whose linear predictor has no finite
        estimate.
    """
    _check_choices(estimate, scale, random_effects, interval)
    marginal = random_effects == "marginal" and bool(estimate.design.random)
    rows, eta, aux, index, lost = _rows(estimate, newdata, random_effects != "conditional", offset)
    if scale in ("response", "conditional"):
        tell_of_endless_means(estimate, eta, index)
    transform = _scale_function(estimate, scale)
    Z = random_rows(estimate, None if newdata is None else as_frame(newdata)) if marginal else []
    v = random_variance(estimate, Z) if marginal else 0.0
    if marginal:
        transform = averaged(estimate.family, transform, v, scale)
    values = transform(eta, aux)
    if se or interval == "prediction":
        tell_of_separated_rows(_separated(estimate, rows, scale), index)
    if interval == "prediction":
        from glmmlab.inference.new_observation import new_observation_limits

        numbers = trials_of(estimate, newdata, trials)
        ends = new_observation_limits(estimate, rows, eta, aux, v, numbers, level, seed, index)
        tell_of_lost_rows(lost, np.isnan(ends[0]), index)
        frame = {"estimate": values, "lower": ends[0], "upper": ends[1]}
        return pd.DataFrame(frame, index=index)
    tell_of_lost_rows(lost, np.isnan(values), index)
    if not se:
        return pd.Series(values, index=index, name=scale)
    if marginal:
        errors = marginal_errors(estimate, rows.X, Z, rows.auxiliary, transform, eta, aux)
        return _marginal_frame(estimate, values, errors, normal_quantile(level), index)
    d_eta, d_aux = _derivatives(transform, estimate, eta, aux, scale)
    errors = np.where(np.isnan(values), np.nan, _standard_errors(estimate, rows, d_eta, d_aux))
    if scale == "zero_inflation":
        errors = np.where(_without_error(estimate, rows, scale), np.nan, errors)
    z = normal_quantile(level)
    if scale == "link" or not _any_moves(d_aux):
        slope = np.abs(d_eta)
        half = z * np.divide(errors, slope, out=np.zeros_like(errors), where=slope > 0)
        one, other = transform(eta - half, aux), transform(eta + half, aux)
        lower, upper = np.fmin(one, other), np.fmax(one, other)
    else:
        # means of all families whose predictor is naturally a logit are shares
        unit = scale == "zero_inflation" or estimate.family.natural == "logit"
        lower, upper = limits_of_mean(values, errors, z, unit)
    frame = {"estimate": values, "se": errors, "lower": lower, "upper": upper}
    return pd.DataFrame(frame, index=index)


def population_eta(estimate: Estimate) -> FloatArray:
    """Linear predictor at b = 0 for the rows of the fit, offsets included."""
    design, part = estimate.design, estimate.conditional
    return design.offset + design.conditional.X @ part.params[part.estimable]


def population_mean(estimate: Estimate) -> FloatArray:
    """E(y) at b = 0 for the rows of the fit: numbers of successes for binomial kinds."""
    return _on_counts(estimate, estimate.family.mean(population_eta(estimate), estimate.aux))


def fitted_mean(estimate: Estimate) -> FloatArray:
    """E(y | modes) for the rows of the fit: a proportion for binomial kinds."""
    return np.asarray(estimate.family.mean(estimate.eta, estimate.aux))


def _on_counts(estimate: Estimate, mean: FloatArray) -> FloatArray:
    trials = estimate.design.trials
    return mean if trials is None else mean * trials


def _marginal_frame(
    estimate: Estimate, values: FloatArray, errors: FloatArray, z: float, index: pd.Index
) -> pd.DataFrame:
    """Limits on the scale of the mean: as it is, its log, or its logit, after the link's range."""
    link = estimate.family.link
    if link.name == "identity":
        lower, upper = values - z * errors, values + z * errors
    else:
        lower, upper = limits_of_mean(values, errors, z, unit=estimate.family.natural == "logit")
    frame = {"estimate": values, "se": errors, "lower": lower, "upper": upper}
    return pd.DataFrame(frame, index=index)


def _check_choices(estimate: Estimate, scale: str, random_effects: str, interval: str) -> None:
    if interval not in KINDS:
        raise UnknownNameError(
            f"interval={interval!r} is unknown; use 'mean' (of the mean) or 'prediction' (of a "
            "new observation)."
        )
    if interval == "prediction" and scale != "response":
        raise UnknownNameError("interval='prediction' is for observations: scale='response'.")
    if random_effects == "marginal" and scale not in ("response", "conditional"):
        raise UnknownNameError(
            f"random_effects='marginal' averages means: use scale='response', not {scale!r}."
        )
    if scale not in SCALES:
        raise UnknownNameError(f"scale={scale!r} is unknown; use one of {', '.join(SCALES)}.")
    if random_effects not in LEVELS:
        raise UnknownNameError(
            f"random_effects={random_effects!r} is unknown; use 'conditional' (with the "
            "conditional modes), 'population' (b = 0) or 'marginal' (averaged over b)."
        )
    if scale == "zero_inflation" and "zero_inflation" not in estimate.auxiliary:
        raise UnknownNameError(
            "scale='zero_inflation' needs a model with zero inflation; fit one with "
            "glmm(..., zero_inflation='~ 1')."
        )


# ---------------------------------------------------------------------------------- rows


def _rows(
    estimate: Estimate,
    newdata: pd.DataFrame | dict[str, Any] | None,
    population: bool,
    offset: object,
) -> tuple[Rows, FloatArray, tuple[FloatArray, ...], pd.Index, Lost]:
    """The rows, their linear predictor, auxiliary predictors and index, and which are lost."""
    design = estimate.design
    if newdata is None:
        if offset is not None:
            raise DataError("offset= belongs to new rows: give newdata= as well.")
        random = None if population else tuple((t.codes, t.Z) for t in design.random)
        auxiliary = tuple(design.auxiliary[name].X for name in estimate.auxiliary)
        eta = population_eta(estimate) if population else estimate.eta
        rows = Rows(design.conditional.X, random, auxiliary)
        return rows, eta, estimate.aux, design.data.index, {}
    newdata = as_frame(newdata)
    lost: Lost = {}
    X, eta = _part_rows(estimate, estimate.conditional, newdata, lost)
    eta = eta + offset_of(design, newdata, offset)
    random = None
    if not population:
        random = _random_rows(design.random, newdata)
        eta = eta + _random_part(estimate, random)
    parts = [_part_rows(estimate, part, newdata, lost) for part in estimate.auxiliary.values()]
    rows = Rows(X, random, tuple(x for x, _ in parts))
    return rows, eta, tuple(a for _, a in parts), newdata.index, lost


def _without_error(estimate: Estimate, rows: Rows, name: str) -> BoolArray:
    """Rows of an auxiliary part that have a coefficient without a standard error."""
    part = estimate.auxiliary[name]
    unknown = np.isnan(np.diag(part.cov))[part.estimable]
    X = rows.auxiliary[list(estimate.auxiliary).index(name)]
    return np.asarray((X[:, unknown] != 0).any(axis=1))


def _random_rows(
    terms: Sequence[RandomTerm], newdata: pd.DataFrame
) -> tuple[tuple[AnyArray, FloatArray], ...]:
    """Levels and covariates of every random term at new rows."""
    try:
        return tuple(term.matrix(newdata) for term in terms)
    except UnknownColumnError as error:
        raise UnknownColumnError(
            f"{error}. For a typical group, without its column: random_effects='population'."
        ) from None


def _part_rows(
    estimate: Estimate, part: PartEstimate, newdata: pd.DataFrame, lost: Lost
) -> tuple[FloatArray, FloatArray]:
    """Kept columns of one part's design at new rows, and its linear predictor.

    The latter is missing in rows that the data cannot estimate; they are noted in `lost`.
    """
    whole = part.fixed.matrix(newdata)
    X = whole[:, part.estimable]
    eta = X @ part.params[part.estimable] + part.fixed.offset(newdata)
    if part.estimable.all():
        return X, eta
    known = np.isfinite(whole).all(axis=1)
    bad = known & ~estimable_rows(whole, null_basis(part.fixed, estimate, ~part.estimable))
    dropped = tuple(name for name, ok in zip(part.names, part.estimable, strict=True) if not ok)
    lost[dropped] = lost.get(dropped, False) | bad
    return X, np.where(bad, np.nan, eta)


def _separated(estimate: Estimate, rows: Rows, scale: str) -> BoolArray:
    """Rows without a finite linear predictor in the part that a scale is about.

    A zero inflation of exactly 0 or 1 does E(y) no harm.
    """
    if scale != "zero_inflation":
        return separated_rows(estimate, "conditional", rows.X)
    position = list(estimate.auxiliary).index(scale)
    return separated_rows(estimate, scale, rows.auxiliary[position])


def _random_part(estimate: Estimate, random: tuple[tuple[AnyArray, FloatArray], ...]) -> FloatArray:
    total = np.zeros(len(random[0][0]) if random else 1)
    for term, (codes, Z) in zip(estimate.design.random, random, strict=True):
        modes = estimate.modes[term.group].loc[list(term.levels), list(term.names)].to_numpy()
        b = np.where(codes[:, None] >= 0, modes[codes], 0.0)
        total = total + (Z * b).sum(axis=1)
    return total


# -------------------------------------------------------------------------------- scales


def _scale_function(estimate: Estimate, scale: str) -> Scale:
    family = estimate.family
    if scale == "link":
        return lambda eta, aux: eta
    if scale == "conditional":
        return lambda eta, aux: family.conditional_expected(family.link.inverse(eta), aux)
    if scale == "zero_inflation":
        position = list(estimate.auxiliary).index("zero_inflation")
        return lambda eta, aux: np.asarray(expit(aux[position]))
    return lambda eta, aux: np.asarray(family.mean(eta, aux))


def _derivatives(
    transform: Scale,
    estimate: Estimate,
    eta: FloatArray,
    aux: tuple[FloatArray, ...],
    scale: str,
) -> tuple[FloatArray, list[FloatArray]]:
    """Derivatives of a scale in eta and in every auxiliary predictor.

    A mean is c mu, c a smooth factor (1, 1 - pi, 1 / P(y > 0)): the link supplies mu's
    derivative, and five-point differences, exact to 1e-12 here, those of c and of the auxiliary
    predictors; they are exactly zero where the mean does not depend on the argument.
    """
    n = len(eta)
    spread = tuple(np.broadcast_to(np.asarray(a, dtype=float), (n,)) for a in aux)
    if scale == "link":
        d_eta = np.ones(n)
    elif scale == "zero_inflation":
        d_eta = np.zeros(n)
    else:
        link = estimate.family.link

        def factor(x: FloatArray) -> FloatArray:
            mu = link.inverse(x)
            return np.divide(transform(x, spread), mu, out=np.ones(n), where=mu != 0)

        mu, mu1 = link.derivatives(eta)[:2]
        slope = np.nan_to_num(_five_point(lambda h: factor(eta + h)))
        d_eta = factor(eta) * mu1 + mu * slope

    def moved(j: int) -> Callable[[float], FloatArray]:
        return lambda h: transform(eta, (*spread[:j], spread[j] + h, *spread[j + 1 :]))

    d_aux = [_five_point(moved(j)) for j in range(len(spread))]
    return d_eta, d_aux


def _any_moves(derivatives: list[FloatArray]) -> bool:
    """Whether any is not zero in some row; rows with missing predictors do not decide."""
    return any(np.any(np.nan_to_num(d)) for d in derivatives)


def _five_point(at: Callable[[float], FloatArray], h: float = 1e-3) -> FloatArray:
    return (8.0 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12.0 * h)


def _standard_errors(
    estimate: Estimate, rows: Rows, d_eta: FloatArray, d_aux: list[FloatArray]
) -> FloatArray:
    """Delta-method standard errors; the coefficients alone where nothing else enters."""
    alone = rows.random is None or not estimate.design.random
    if alone and not _any_moves(d_aux):
        kept = estimate.conditional.estimable
        V = estimate.conditional.cov[np.ix_(kept, kept)]
        return np.abs(d_eta) * np.sqrt(np.einsum("ij,jk,ik->i", rows.X, V, rows.X))
    return JointUncertainty(estimate).standard_errors(rows, d_eta, d_aux)
