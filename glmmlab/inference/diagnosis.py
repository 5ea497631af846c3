"""What is wrong with a fit and what to do about it, in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from glmmlab._tables import Document, Exported
from glmmlab.errors import PerfectFitWarning
from glmmlab.estimate.boundary import boundary_sentences

if TYPE_CHECKING:
    from glmmlab.estimate.result import Estimate

CURVED = ("log", "logit", "probit", "cloglog")
LARGE_COEFFICIENT = 10.0
"""On a log or logit scale a coefficient beyond this is an odds or a ratio beyond 20,000."""
LARGE_SD = 5.0
"""On a log or logit scale: groups whose odds or means differ by factors of hundreds or more."""
SCALE_RANGE = 1e3
"""Predictors whose standard deviation lies outside 1/1000 to 1000 are called badly scaled."""


@dataclass(frozen=True)
class Diagnosis(Exported):
    """Sentences about the state of a fit.

    Attributes
    ----------
    sentences : tuple of str
        One finding each, with advice; empty when there is nothing to report.
    """

    sentences: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether there is nothing to report."""
        return not self.sentences

    def _document(self) -> Document:
        """Text and HTML from the same sentences."""
        return Document(list(self.sentences) or ["Nothing to report: the fit looks sound."])

    def __str__(self) -> str:
        return self._document().text()

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self._document().html()


def diagnose(estimate: Estimate) -> Diagnosis:
    """Look through a fit for what would make its results doubtful.

    Looks for singular random terms, separation, an optimum that was not reached, a Hessian that
    is not positive definite, very large coefficients and random effects, badly scaled
    predictors, dropped columns and rows.

    Returns
    -------
    Diagnosis
        Its ``sentences`` say what was found and what to do; ``ok`` is True when there are none.
    """
    checks = (
        _optimum,
        _singular,
        _separation,
        _large,
        _large_spread,
        _auxiliary,
        _scaling,
        _dropped,
    )
    return Diagnosis(tuple(sentence for check in checks for sentence in check(estimate)))


def _optimum(estimate: Estimate) -> Iterator[str]:
    record = estimate.optimization
    if perfect := _perfect(estimate):
        yield perfect[0].upper() + perfect[1:]
        return
    if not estimate.converged:
        yield (
            f"The optimum was not reached ({record.message}; {record.evaluations} evaluations, "
            f"predicted decrease {record.predicted_decrease:.2g}). Do not trust the estimates: "
            "simplify the random part, rescale the predictors, or start from a simpler model."
        )
    if record.smallest_eigenvalue <= 0.0:
        yield (
            "The Hessian is not positive definite at the optimum (smallest eigenvalue "
            f"{record.smallest_eigenvalue:.2g}), so the standard errors are missing or "
            "unreliable: the data do not determine some parameter. Simplify the random part or "
            "the dispersion and zero-inflation parts."
        )


def _perfect(estimate: Estimate) -> str:
    """What was said about a perfect fit; empty for all others."""
    found = (str(w) for w in estimate.warnings if isinstance(w, PerfectFitWarning))
    return next(found, "")


def _singular(estimate: Estimate) -> Iterator[str]:
    for term in estimate.singular:
        yield (
            f"The random term {term} is singular: a variance is estimated as zero, or a "
            "correlation as -1 or 1. Estimates of the other parameters are valid, with the "
            "boundary parameter left out of the standard errors. Keep the term when the design "
            "has it (blocks, plots); otherwise simplify it."
        )


def _separation(estimate: Estimate) -> Iterator[str]:
    if estimate.separated:
        names = ", ".join(estimate.separated)
        yield (
            f"Separation: no finite estimate of {names}, because the predictor splits the "
            "responses perfectly; such Wald tests and standard errors mean nothing. Use a "
            "likelihood-ratio test (compare), merge the empty category with another, or drop "
            "the term."
        )


def _large(estimate: Estimate) -> Iterator[str]:
    if estimate.family.link.name not in CURVED:
        return
    for name, value in zip(estimate.conditional.names, estimate.conditional.params, strict=True):
        if abs(value) > LARGE_COEFFICIENT and name not in estimate.separated:
            yield (
                f"The coefficient of {name} is {value:.3g} on the {estimate.family.link.name} "
                "scale, which is extreme: look for separation, or rescale the predictor."
            )


def _large_spread(estimate: Estimate) -> Iterator[str]:
    """Intercepts that differ so much between groups that Laplace's approximation is in doubt."""
    if estimate.family.link.name not in CURVED or estimate.quadrature > 1:
        return
    for group, covariance in estimate.random_covariance.items():
        variance = covariance.to_numpy()[0, 0] if covariance.columns[0] == "Intercept" else 0.0
        if variance > LARGE_SD**2:
            yield (
                f"The standard deviation between the levels of {group} is "
                f"{variance**0.5:.3g} on the {estimate.family.link.name} scale, which is extreme: "
                "levels with few rows, or with one outcome only, do that, and the Laplace "
                "approximation is then poor. Compare with quadrature=15 where the model has one "
                "random intercept; otherwise merge levels or drop the term."
            )


def _auxiliary(estimate: Estimate) -> Iterator[str]:
    """Zero inflation and dispersion that run to the edge of their range."""
    if _perfect(estimate):
        return
    parts = boundary_sentences(estimate.family, estimate.auxiliary, estimate.design.auxiliary)
    for sentence in parts:
        yield sentence[0].upper() + sentence[1:]


def _scaling(estimate: Estimate) -> Iterator[str]:
    part = estimate.design.conditional
    for name, column in zip(part.names, part.X.T, strict=True):
        sd = float(np.std(column))
        if sd > 0.0 and not 1.0 / SCALE_RANGE <= sd <= SCALE_RANGE:
            yield (
                f"The predictor {name} has standard deviation {sd:.3g}, far from 1: centre and "
                "scale it (or change its units), so that its coefficient can be read and random "
                "slopes on it can be estimated."
            )


def _dropped(estimate: Estimate) -> Iterator[str]:
    design = estimate.design
    if design.n_dropped:
        yield (
            f"{design.n_dropped} rows were dropped for missing values, {design.nobs} were used: "
            "compare this fit only with fits of the same rows."
        )
    aliased = design.conditional.aliased
    if aliased:
        yield (
            f"Not estimated: {', '.join(aliased)}, a combination of other columns of the design. "
            "Look for empty cells of an interaction, or predictors that determine one another."
        )
