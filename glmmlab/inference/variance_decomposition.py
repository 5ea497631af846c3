r"""Where the variance on the link scale comes from: ICC, and R2 of Nakagawa and Schielzeth.

.. math::

    R^2_{marginal} = \frac{\sigma^2_f}{\sigma^2_f + \sigma^2_a + \sigma^2_d}, \quad
    R^2_{conditional} = \frac{\sigma^2_f + \sigma^2_a}{\sigma^2_f + \sigma^2_a + \sigma^2_d}, \quad
    ICC = \frac{\sigma^2_a}{\sigma^2_a + \sigma^2_d}

====================  =========================================================================
letter                meaning
====================  =========================================================================
:math:`\sigma^2_f`    variance of X beta over the rows (offsets left out)
:math:`\sigma^2_a`    variance of the random effects, z' Sigma z averaged over the rows
:math:`\sigma^2_d`    variance of a single observation on the link scale
====================  =========================================================================

Nakagawa and Schielzeth 2013, Methods in Ecology and Evolution 4, 133-142; Johnson 2014, same
journal 5, 944-946 (random slopes); Nakagawa, Johnson and Schielzeth 2017, Journal of the Royal
Society Interface 14, 20170213 (observation-level variances).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import polygamma

from glmmlab._tables import Document, Exported, Table, common_decimals, format_fixed
from glmmlab._types import FloatArray
from glmmlab.errors import EstimabilityError, UnknownNameError
from glmmlab.inference.marginal import averaged
from glmmlab.inference.modes import cholesky_factors
from glmmlab.inference.predict import population_eta
from glmmlab.inference.runaway import separated_names

if TYPE_CHECKING:
    from glmmlab.estimate.result import Estimate

METHODS = ("theoretical", "lognormal", "trigamma", "delta")
LATENT = {"logit": np.pi**2 / 3.0, "probit": 1.0, "cloglog": np.pi**2 / 6.0}
"""Variances of the latent logistic, normal and Gumbel variables behind a binary response."""


@dataclass(frozen=True)
class VarianceDecomposition(Exported):
    """Variances on the link scale and the shares made of them.

    Attributes
    ----------
    frame : DataFrame
        Rows ``fixed``, one a random term as written, ``observation``; columns ``variance`` and
        ``share`` of the total.
    method : str
        How the variance of an observation was found.
    link : str
    notes : tuple of str
    """

    frame: pd.DataFrame
    method: str
    link: str
    notes: tuple[str, ...] = ()

    @property
    def _random(self) -> float:
        inside = self.frame["share"].drop(index=["fixed", "observation"])
        return float(inside.sum())

    @property
    def r2_marginal(self) -> float:
        """Share of the fixed part."""
        return float(self.frame["share"]["fixed"])

    @property
    def r2_conditional(self) -> float:
        """Share of the fixed part and the random effects."""
        return self.r2_marginal + self._random

    @property
    def icc(self) -> float:
        """Share of the random effects in what the fixed part leaves, the adjusted ICC.

        With one random intercept it is the correlation of two observations of one group, on the
        link scale.
        """
        return self._random / (self._random + float(self.frame["share"]["observation"]))

    @property
    def icc_unadjusted(self) -> float:
        """Random effects among all variance, that of the fixed part included."""
        return self._random

    def _document(self) -> Document:
        """Text and HTML."""
        f = self.frame
        cells = zip(
            map(str, f.index),
            format_fixed(f["variance"], common_decimals(f["variance"], 3)),
            format_fixed(f["share"], 3),
            strict=True,
        )
        numbers = (
            f"R2 marginal {self.r2_marginal:.3f}, conditional {self.r2_conditional:.3f}; "
            f"ICC {self.icc:.3f} adjusted, {self.icc_unadjusted:.3f} unadjusted."
        )
        how = "Response scale; the observation's is the residual variance."
        if self.link != "identity":
            how = f"{self.link.capitalize()} scale; variance of an observation: {self.method}."
        table = Table(("", "variance", "share"), list(cells))
        return Document([table, "\n".join([numbers, how, *self.notes])], "Variance decomposition")

    def __str__(self) -> str:
        return self._document().text()

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self._document().html()


def variance_decomposition(estimate: Estimate, method: str | None = None) -> VarianceDecomposition:
    r"""Variance of the fixed part, of every random term, and of an observation.

    Parameters
    ----------
    estimate : Estimate
    method : {"theoretical", "lognormal", "trigamma", "delta"}, optional
        The observation's variance on the link scale.  ``"theoretical"`` (binomial, the default
        there): that of the latent variable, pi^2 / 3 with a logit link.  With a log link and
        c = Var(y) / mu^2: ``"lognormal"`` log(1 + c) (the default), ``"trigamma"`` psi_1(1 / c),
        ``"delta"`` c.  ``"delta"`` is Var(y) g'(mu)^2, for every family and link, and the default
        for all others; for Gaussian models with identity link it is sigma^2, exactly.

    Returns
    -------
    VarianceDecomposition

    Notes
    -----
    Var(y) is taken at the mean over rows of the mean averaged over the random effects; the papers
    take it from a model without predictors, whose mean is about the same.  Binomial kinds count
    a single trial, zero inflation is left out (the shares are those of the conditional model), and
    a random term with one level a row (of a single trial) counts as variance of the observation.

    Raises
    ------
    UnknownNameError
        An unknown method, or one that the family and its link do not have.
    EstimabilityError
        The observations have no finite variance.
    """
    family = estimate.family.base
    chosen = _method(family, method)
    design = estimate.design
    fixed = population_eta(estimate) - design.offset
    observation = _observation_variance(estimate, family, chosen)
    if not np.isfinite(observation):
        raise EstimabilityError(
            f"the {family.name} distribution has no finite variance at these estimates (degrees of "
            "freedom of 2 or less): there is nothing to take shares of."
        )
    single = design.trials is None or bool((design.trials <= 1).all())
    variances, notes = {"fixed": float(np.var(fixed, ddof=1)) if design.nobs > 1 else 0.0}, []
    for term, factor in zip(design.random, cholesky_factors(estimate), strict=True):
        v = float(((term.Z @ factor) ** 2).sum(axis=1).mean())
        if len(term.levels) == design.nobs and single:
            observation += v
            notes.append(f"{term.text} has one level a row: counted with the observation.")
        else:
            variances[term.text] = v
    variances["observation"] = observation
    if family is not estimate.family:
        notes.append("Zero inflation is left out.")
    if names := separated_names(estimate):
        notes.append(
            f"The fixed part has no finite variance (separated data: {', '.join(names)}), and the "
            "shares mean nothing."
        )
    frame = pd.DataFrame({"variance": variances}, index=list(variances))
    frame["share"] = frame["variance"] / frame["variance"].sum()
    return VarianceDecomposition(frame, chosen, family.link.name, tuple(notes))


def _method(family: Any, method: str | None) -> str:
    binary, link = family.name == "binomial" and family.link.name in LATENT, family.link.name
    possible = ["theoretical"] if binary else []
    possible += ["lognormal", "trigamma"] if link == "log" else []
    possible.append("delta")
    if method is None:
        return possible[0]
    if method not in possible:
        raise UnknownNameError(
            f"method={method!r} is not for the {family.name} family with {link} link; use one of "
            f"{', '.join(possible)}."
        )
    return method


def _observation_variance(estimate: Estimate, family: Any, method: str) -> float:
    if method == "theoretical":
        return LATENT[family.link.name]
    mu = np.array([_overall_mean(estimate)])
    n_aux = len(family.auxiliary)
    aux = tuple(np.array([float(np.mean(a))]) for a in estimate.aux[:n_aux])
    ones = np.ones(1) if family.is_binomial else None
    variance = float(np.asarray(family.variance(mu, aux, ones)).ravel()[0])
    if method == "delta":
        return variance * float(family.link.link_derivative(mu)[0]) ** 2
    c = variance / float(mu[0]) ** 2
    return float(np.log1p(c)) if method == "lognormal" else float(polygamma(1, 1.0 / c))


def _overall_mean(estimate: Estimate) -> float:
    """Mean over rows of the conditional model's mean, averaged over the random effects."""
    family, eta = estimate.family, population_eta(estimate)

    def inverse(x: FloatArray, aux: tuple[FloatArray, ...]) -> FloatArray:
        return np.asarray(family.link.inverse(x))

    if family.link.name.startswith("inverse"):
        return float(np.mean(inverse(eta, ())))
    factors = cholesky_factors(estimate)
    v = np.zeros(len(eta))
    for term, factor in zip(estimate.design.random, factors, strict=True):
        v += ((term.Z @ factor) ** 2).sum(axis=1)
    return float(np.mean(averaged(family, inverse, v, "conditional")(eta, ())))
