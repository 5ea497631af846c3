"""The one public entry: a formula, data and a family in, a fit out."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec

import numpy as np
import pandas as pd

from glmmlab.design import build_design
from glmmlab.errors import FormulaError, UnknownNameError
from glmmlab.estimate import fit_design
from glmmlab.families import ZeroInflated, get
from glmmlab.families.base import Family
from glmmlab.formula.columns import as_frame
from glmmlab.results.fit import Fit

MOST_NODES = 100
METHODS = ("ML", "REML")
_ELSEWHERE = {
    "REML": "write method='REML' (or 'ML')",
    "link": "write family=gl.families.get('gamma', link='inverse')",
    "ziformula": "write zero_inflation='~ 1'",
    "dispformula": "write dispersion='~ x'",
    "nAGQ": "write quadrature=15",
    "random": "write random terms in the formula, y ~ x + (1 | g)",
    "subset": "choose the rows in the data, data=data[data['x'] > 0]",
    "na_action": "rows with missing values are dropped, with a warning",
    "nsim": "numbers of simulations belong to fit.simulate_residuals(n) and fit.simulate(n)",
}
"""What to write for arguments that other programs have."""
_P = ParamSpec("_P")


def _known_arguments(function: Callable[_P, Fit]) -> Callable[_P, Fit]:
    """Say what to write for an argument of another program, and keep the signature."""
    known = inspect.signature(function).parameters

    @functools.wraps(function)
    def checked(*args: _P.args, **kwargs: _P.kwargs) -> Fit:
        for name in kwargs:
            if name not in known:
                said = _ELSEWHERE.get(name, f"its arguments are {', '.join(known)}")
                raise TypeError(f"glmm() has no argument {name}=: {said}")
        return function(*args, **kwargs)

    return checked


@_known_arguments
def glmm(
    formula: str,
    data: pd.DataFrame | dict[str, Any],
    family: str | Family | type[Family] = "gaussian",
    *,
    weights: Any = None,
    offset: Any = None,
    dispersion: str | None = None,
    zero_inflation: str | None = None,
    method: str = "ML",
    quadrature: int = 1,
) -> Fit:
    """Fit a generalized linear mixed model.

    The model is y | b ~ family with mean mu, g(mu) = offset + X beta + Z b, b ~ N(0, Sigma);
    the likelihood is the Laplace approximation over b (exact for Gaussian models), maximised
    with an exact gradient, as R's glmmTMB does.

    Parameters
    ----------
    formula : str
        R's formula language: ``"severity ~ fungicide + (1 | block)"``.  Random terms are
        ``(1 | g)``, ``(x | g)`` with correlated intercept and slope, ``(x || g)`` uncorrelated,
        ``(0 + x | g)``, nested ``(1 | a / b)`` and ``(1 | a : b)``; several may be crossed.
        Binomial responses are ``cbind(successes, failures)``, ``successes / trials`` with
        ``weights="trials"``, or a 0/1, boolean or two-level column, whose second level is the
        success (of text the later in the alphabet: ``"dead"`` after ``"alive"``), as the
        summary says.  ``offset(x)`` may stand in the formula.  Expressions may use columns,
        numbers, arithmetic and a fixed list of functions (``log``, ``np.sqrt``, ``C``, ``poly``,
        ``bs`` ...), nothing else; all the same, use formulas from people you trust only.
        Factors have treatment coding with their first level as the baseline, ordered
        Categoricals too.  R gives ordered factors orthogonal polynomials: write
        ``C(dose, contr.poly)`` for these.  Means, their comparisons and type II tests are the
        same; coefficients are others, and with an interaction the type III tests of the
        intercept and of what stands beside the factor, too.
    data : DataFrame, or dict of columns
        One row an observation.  Rows with missing values in the model's columns are dropped,
        with a warning that counts them.
    family : str, Family or Family class
        A name such as ``"gaussian"``, ``"beta"``, ``"binomial"``, ``"poisson"`` or ``"nbinom2"``
        (all: ``gl.families.names()``) for the family with its default link, or an instance such
        as ``gl.families.Gamma(link="inverse")``.
    weights : str or array, optional
        A column name or one value a row.  For a proportion of trials the numbers of trials;
        otherwise prior weights, which multiply the log-densities as in glmmTMB (not the
        precisions, as in lmer).
    offset : str or array, optional
        Known part of the linear predictor: a column name or one value a row.
    dispersion : str, optional
        Right-hand side for the (log) dispersion, ``"~ x"``; a constant when left out.
    zero_inflation : str, optional
        Right-hand side for the logit of the probability of an excess zero, ``"~ 1"``.  Counts
        are mixed with zeros; truncated counts and positive responses (gamma, beta ...) become
        hurdle models; families that spread over all numbers (gaussian, t) take none.
    method : {"ML", "REML"}
        Maximum likelihood, or restricted maximum likelihood, which integrates the fixed
        coefficients with the random effects.
    quadrature : int
        Nodes of adaptive Gauss-Hermite quadrature, for models with one random term of one
        effect a level, by maximum likelihood.  One node is the Laplace approximation; more are
        worth their time where groups hold few 0/1 rows.

    Returns
    -------
    Fit
        Immutable; ``fit.summary()``, ``fit.anova()``, ``fit.emmeans(...)`` go on from it.

    Raises
    ------
    FormulaError, UnknownColumnError
        A formula that cannot be read, or a name the data do not have.
    UnknownNameError
        An unknown family, link or method.
    ResponseError, WeightsError, DataError
        Data that the model cannot be fitted to; the message names the column and the rows.
    ConvergenceError
        No usable optimum was found.

    Warns
    -----
    SingularFitWarning, SeparationWarning, RankDeficientWarning, MissingDataWarning
        Conditions that leave a usable fit; also kept in ``fit.warnings``.
    LabelWarning, FormulaWarning
        Labels or a formula that look like slips: ``"Control "`` beside ``"Control"``, numbers
        read as text, ``x^2``; kept there, too.

    References
    ----------
    Brooks et al. 2017, R Journal 9, 378-400 (glmmTMB); Kristensen et al. 2016, Journal of
    Statistical Software 70(5) (TMB's Laplace approximation).

    Examples
    --------
    >>> import glmmlab as gl
    >>> seeds = gl.datasets.load("seed_germination")
    >>> fit = gl.glmm("cbind(germ, n - germ) ~ extract * gen", data=seeds, family="binomial")
    >>> round(fit.llf, 3)
    -54.937
    """
    _check_arguments(formula, method, quadrature)
    distribution = _family(family)
    if zero_inflation is not None and "zero_inflation" not in distribution.auxiliary:
        distribution = ZeroInflated(distribution)
    design = build_design(
        formula,
        as_frame(data),
        distribution,
        weights=weights,
        offset=offset,
        dispersion=dispersion,
        zero_inflation=zero_inflation,
    )
    return Fit(fit_design(design, distribution, method=method.upper(), quadrature=quadrature))


def _check_arguments(formula: object, method: object, quadrature: object) -> None:
    if not isinstance(formula, str):
        raise FormulaError(
            f"the formula must be text such as 'y ~ x + (1 | g)', not {type(formula).__name__}."
        )
    if not isinstance(method, str) or method.upper() not in METHODS:
        raise UnknownNameError(
            f"method={method!r} is unknown; use 'ML' (maximum likelihood) or 'REML' (restricted "
            "maximum likelihood)."
        )
    whole = isinstance(quadrature, (int, np.integer)) and not isinstance(quadrature, bool)
    nodes = int(quadrature) if whole else 0  # type: ignore[call-overload]
    if not 1 <= nodes <= MOST_NODES:
        raise UnknownNameError(
            f"quadrature={quadrature!r} must be a number of nodes: 1 (Laplace) to {MOST_NODES}."
        )
    if nodes > 1 and method.upper() == "REML":
        raise UnknownNameError("quadrature is for maximum likelihood, not REML.")


def _family(family: object) -> Family:
    """A family from its name, an instance, or a class that needs no argument."""
    if inspect.isclass(family) and issubclass(family, Family):
        family = _instance(family)
    if not isinstance(family, (str, Family)):
        raise UnknownNameError(
            f"family must be a name such as 'beta' or an object such as "
            f"gl.families.Gamma(link='log'), not {type(family).__name__}."
        )
    return get(family)


def _instance(family: type[Family]) -> Family:
    try:
        return family()
    except TypeError as error:
        raise UnknownNameError(
            f"family={family.__name__} is a class that needs arguments: give an object, "
            f"gl.families.{family.__name__}(...)."
        ) from error
