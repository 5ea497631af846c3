"""Ways to scaled residuals: from simulations of any source, or from a fitted model of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from glmmlab._arguments import finite, function_of, number_of
from glmmlab._random import generator
from glmmlab._types import AnyArray, FloatArray, Seed
from glmmlab._warnings import warn
from glmmlab.errors import DataError, InferenceWarning, ResponseError
from glmmlab.residuals.checks import flag, option, simulations, symmetric, vector
from glmmlab.residuals.pit import estimated_covariance, pit, rotate, traditional
from glmmlab.residuals.refit import Refit, Refits, refit_all
from glmmlab.residuals.scaled import SimulatedResiduals

if TYPE_CHECKING:
    from glmmlab.estimate.result import Estimate

METHODS = ("pit", "traditional")
CONDITIONING = ("unconditional", "conditional")


def from_simulations(
    observed: ArrayLike,
    simulated: ArrayLike,
    fitted: ArrayLike,
    integer: bool,
    seed: Seed = None,
    *,
    method: str = "pit",
    rotation: ArrayLike | str | None = None,
    data: pd.DataFrame | None = None,
    pearson: ArrayLike | None = None,
    pearson_df: float | None = None,
    refit: Refit | None = None,
    dependent: bool = False,
) -> SimulatedResiduals:
    """Scaled residuals from observations and simulations of any model, ours or another library's.

    Parameters
    ----------
    observed : array, shape (nobs,)
        Responses; numbers of successes, not proportions, for binomial data.
    simulated : array, shape (nsim, nobs)
        Responses simulated from the fitted model (250 are usual), or posterior predictive draws.
    fitted : array, shape (nobs,)
        Predictions on the scale of the response, random effects set to 0.
    integer : bool
        Whether the response is a count.  It decides the jitter of ``method="traditional"`` and
        the default type of the outlier test; ties are randomised whatever it says.
    seed : int, Generator or None
        For the randomisation of ties; None draws fresh.  An int gives a stream of its own, which
        shares nothing with data drawn from the same seed.
    method : {"pit", "traditional"}
        "pit": share of simulations below the observation, ties randomised.  "traditional":
        interpolated distribution function with denominator nsim + 1.
    rotation : array (nobs, nobs) or "estimated", optional
        Covariance of the responses under the model (or estimate it from the data and the
        simulations together); data and simulations are multiplied by its inverse Cholesky factor
        before ranking.  Statistics of the response (dispersion, zeros) stay those of the data as
        they are.  With "estimated" the tests take their reference from the simulations, and a
        wrong spread shows in the test of dispersion only, unless there are about ten simulations
        a row.  R's DHARMa estimates the covariance from the simulations alone, and then rejects
        most right models of 100 rows.
    data : DataFrame, optional
        Predictors, so that they can be named later.
    pearson, pearson_df : optional
        Pearson residuals and residual degrees of freedom, for ``test_dispersion(type="pearson")``.
    refit : callable, optional
        From a response to (fitted values, Pearson residuals) of the model refitted to it; needs
        ``pearson``.  The residuals are then ranks of response residuals among refits' ones.
    dependent : bool
        Set it when rows share random effects that the simulations drew anew: the tests of
        uniformity and of outliers then take their reference from the simulations.

    Returns
    -------
    SimulatedResiduals

    Raises
    ------
    DataError, ResponseError
        Shapes that do not fit, fewer than 2 simulations, missing values.

    References
    ----------
    Dunn & Smyth (1996) J. Comput. Graph. Stat. 5:236; Warton et al. (2017) PLoS ONE 12:e0181790.

    Examples
    --------
    >>> import numpy as np
    >>> import glmmlab.residuals as residuals
    >>> rng = np.random.default_rng(1)
    >>> mu = np.linspace(1, 8, 60)
    >>> res = residuals.from_simulations(
    ...     rng.poisson(mu), rng.poisson(mu, size=(250, 60)), mu, integer=True, seed=1
    ... )
    >>> res
    <SimulatedResiduals (pit): 60 rows, 250 simulations>
    >>> bool(res.test_uniformity().p > 0.05)
    True

    A generalized linear model of statsmodels, of counts that vary more than a Poisson model says:

    >>> import statsmodels.api as sm
    >>> dose = np.repeat(np.linspace(0, 2, 20), 10)
    >>> eggs = rng.negative_binomial(1.5, 1.5 / (1.5 + np.exp(1 + dose)))
    >>> fit = sm.GLM(eggs, sm.add_constant(dose), family=sm.families.Poisson()).fit()
    >>> draws = rng.poisson(fit.fittedvalues, size=(250, 200))
    >>> res = residuals.from_simulations(eggs, draws, fit.fittedvalues, integer=True, seed=1)
    >>> res.test_dispersion().significant
    True

    A Bayesian model: every simulation has its own draw of the parameters from the posterior.
    Here that is drawn with numpy; from PyMC or bambi it comes as
    ``idata.posterior_predictive["y"]``, with chains and draws stacked to one dimension.

    >>> y = rng.normal(10, 2, size=40)
    >>> variance = 39 * y.var(ddof=1) / rng.chisquare(39, size=250)
    >>> mean = rng.normal(y.mean(), np.sqrt(variance / 40))
    >>> predictive = rng.normal(mean[:, None], np.sqrt(variance)[:, None], size=(250, 40))
    >>> res = residuals.from_simulations(y, predictive, np.full(40, mean.mean()), integer=False)
    >>> bool(res.test_dispersion().p > 0.05)
    True
    """
    option(method, METHODS, "method")
    integer, dependent = flag(integer, "integer"), flag(dependent, "dependent")
    try:
        y = vector(observed, "observed")
    except DataError as error:
        raise ResponseError(str(error)) from None
    nobs = len(y)
    if nobs < 2:
        raise ResponseError("At least 2 observations are needed.")
    s = simulations(simulated, nobs)
    mu = vector(fitted, "fitted", nobs)
    standardised = None if pearson is None else vector(pearson, "pearson", nobs)
    if data is not None and not isinstance(data, pd.DataFrame):
        raise DataError("data must be a DataFrame with one row for every observation.")
    if data is not None and len(data) != nobs:
        raise DataError(f"data has {len(data)} rows, but there are {nobs} observations.")
    refits = None
    if refit is not None:
        function_of(refit, "refit", "a response")
        _not_rotated(rotation)
        if standardised is None:
            raise DataError("refit= needs the model's own Pearson residuals, pearson=.")
        refits = refit_all(y, s, mu, standardised, refit)
    return build(
        y,
        s,
        mu,
        integer,
        _own_stream(seed),
        method=method,
        rotation=rotation,
        data=data,
        pearson=standardised,
        pearson_df=None if pearson_df is None else finite(pearson_df, "pearson_df"),
        refits=refits,
        dependent=dependent,
    )


def _own_stream(seed: Seed) -> np.random.Generator:
    """A generator that shares no draws with ``default_rng(seed)``.

    Whoever simulates data with seed 1 and then asks for residuals with seed 1 would otherwise
    break ties with the numbers that made the data.
    """
    return generator(seed, stream=7)


def build(
    observed: FloatArray,
    simulated: AnyArray,
    fitted: FloatArray,
    integer: bool,
    rng: np.random.Generator,
    *,
    method: str = "pit",
    rotation: ArrayLike | str | None = None,
    random_effects: str | None = None,
    data: pd.DataFrame | None = None,
    predictors: tuple[str, ...] = (),
    factors: tuple[str, ...] = (),
    pearson: FloatArray | None = None,
    pearson_df: float | None = None,
    fixed_variance: bool = False,
    refits: Refits | None = None,
    dependent: bool = False,
) -> SimulatedResiduals:
    """Rank checked observations among checked simulations."""
    noise = int(rng.integers(2**63))
    rotated = None
    if refits is not None:
        method = "refit"
        scaled = traditional(refits.observed, refits.simulated, integer, rng)
    elif rotation is not None:
        rotated = _rotated(observed, simulated, rotation, method)
        # an estimate leaves correlations between rows, the more the fewer simulations there are
        dependent = dependent or isinstance(rotation, str)
        scaled = pit(*rotated, rng)
    elif method == "pit":
        scaled = pit(observed, simulated, rng)
    else:
        scaled = traditional(observed, simulated, integer, rng)
    return SimulatedResiduals(
        observed=_frozen(observed),
        simulated=_frozen(simulated),
        fitted=_frozen(fitted),
        integer=integer,
        scaled=_frozen(scaled),
        method=method,
        random_effects=random_effects,
        dependent=dependent,
        data=data,
        predictors=predictors,
        factors=factors,
        pearson=pearson,
        pearson_df=pearson_df,
        fixed_variance=fixed_variance,
        refits=refits,
        rotated=rotated,
        noise=noise,
    )


def _rotated(
    observed: FloatArray,
    simulated: AnyArray,
    rotation: ArrayLike | str,
    method: str,
) -> tuple[FloatArray, FloatArray]:
    """Data and simulations in coordinates where the rows are uncorrelated."""
    if method != "pit":
        raise DataError("rotation needs method='pit'.")
    if isinstance(rotation, str):
        option(rotation, ("estimated",), "rotation")
        # the data are one of the sets: were they left out, they alone would be rotated by a
        # covariance that does not know them, and would stand apart from the simulations
        covariance = estimated_covariance(np.vstack([observed[None, :], simulated]))
    else:
        covariance = symmetric(rotation, "rotation", len(observed))
    try:
        y, s = rotate(observed, simulated, covariance)
    except np.linalg.LinAlgError:
        raise DataError("rotation must be positive definite; give a covariance matrix.") from None
    return _frozen(y), _frozen(s)


def _not_rotated(rotation: ArrayLike | str | None) -> None:
    if rotation is not None:
        raise DataError("Residuals of refitted models are not rotated; leave out one of both.")


def _frozen(values: AnyArray) -> AnyArray:
    """A read-only view: the residuals belong to these numbers."""
    view = values.view()
    view.flags.writeable = False
    return view


def simulate_residuals(
    estimate: Estimate,
    n: int = 250,
    seed: Seed = None,
    random_effects: str = "unconditional",
    *,
    method: str = "pit",
    rotation: ArrayLike | str | None = None,
    refit: bool = False,
    progress: bool = False,
) -> SimulatedResiduals:
    """Scaled residuals of a fitted model.

    Parameters
    ----------
    estimate : Estimate
        A fitted model.
    n : int
        Number of simulations, at least 2.
    seed : int, Generator or None
        The same seed gives the same residuals.
    random_effects : {"unconditional", "conditional"}
        "unconditional" (our default) draws the random effects anew: the whole model is checked,
        and residuals of one group are correlated.  "conditional" (the default of DHARMa 0.5)
        keeps the fitted modes: the rows are checked given the groups.
    method, rotation
        As in :func:`from_simulations`.
    refit : bool
        Refit the model to every simulated response (slow): residuals are ranks of response
        residuals among those of the refits, which takes the estimation of parameters into
        account.
    progress : bool
        Show a progress bar while refitting.

    Returns
    -------
    SimulatedResiduals
        Responses of binomial kinds are numbers of successes.

    Warns
    -----
    InferenceWarning
        The model has prior weights (that are not trials): simulations ignore them.

    Examples
    --------
    >>> import glmmlab as gl
    >>> seeds = gl.datasets.load("seed_germination")
    >>> fit = gl.glmm("cbind(germ, n - germ) ~ gen", data=seeds, family="binomial")
    >>> simulate_residuals(fit.estimate, n=100, seed=1).scaled.shape
    (21,)
    """
    from glmmlab.residuals import simulate as source

    option(random_effects, CONDITIONING, "random_effects")
    option(method, METHODS, "method")
    n = number_of(n, 2, "simulations (250 are usual)")
    if flag(refit, "refit"):
        _not_rotated(rotation)
    if estimate.design.weights is not None:
        warn(
            InferenceWarning(
                "The prior weights of this model are not part of its distribution: simulations, "
                "and so the residuals, ignore them."
            )
        )
    rng = _own_stream(seed)
    parts = source.parts(estimate)
    simulated = source.simulations(estimate, int(n), rng, random_effects)
    refits = source.refits(estimate, parts, simulated, progress) if refit else None
    return build(
        parts.observed,
        simulated,
        parts.fitted,
        parts.integer,
        rng,
        method=method,
        rotation=rotation,
        random_effects=random_effects,
        data=estimate.design.data,
        predictors=parts.predictors,
        factors=parts.factors,
        pearson=parts.pearson,
        pearson_df=parts.pearson_df,
        fixed_variance=parts.fixed_variance,
        refits=refits,
        dependent=random_effects == "unconditional" and parts.groups and rotation is None,
    )
