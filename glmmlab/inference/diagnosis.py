"""What is wrong with a fit and what to do about it, in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from glmmlab._tables import Document, Exported
from glmmlab._types import FloatArray, IntArray
from glmmlab.errors import PerfectFitWarning
from glmmlab.estimate.boundary import boundary_sentences, end_without_responses
from glmmlab.formula.expressions import expression
from glmmlab.formula.fixed import offset_values
from glmmlab.formula.source import Source
from glmmlab.inference.distribution_names import distribution_name
from glmmlab.inference.overdispersion import CLEAR_P, overdispersion, pearson_if_finite

if TYPE_CHECKING:
    from glmmlab.design.objects import Design
    from glmmlab.estimate.result import Estimate

CURVED = ("log", "logit", "probit", "cloglog")
LARGE_COEFFICIENT = 10.0
"""On a log or logit scale a coefficient beyond this is an odds or a ratio beyond 20,000."""
LARGE_SD = 5.0
"""On a log or logit scale: groups whose odds or means differ by factors of hundreds or more."""
LARGEST_LOG = 25.0
"""An offset beyond it is no logarithm of an exposure, which would be above 7e10."""
FEWEST_CODES, MOST_CODES = 3, 12
"""So many distinct whole numbers may be codes of treatments."""
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
    predictors, numbers that may be codes of treatments, exposures without their logarithm,
    counts that vary more than their family allows, dropped columns and rows.

    Returns
    -------
    Diagnosis
        Its ``sentences`` say what was found and what to do; ``ok`` is True when there are none.
    """
    offset = tuple(_offset(estimate))  # explains large coefficients and too much spread
    checks = (
        _optimum,
        _singular,
        _separation,
        *(() if offset else (_large, _large_spread, _overdispersed)),
        _auxiliary,
        _scaling,
        _codes,
        _dropped,
    )
    others = (sentence for check in checks for sentence in check(estimate))
    return Diagnosis((*offset, *others))


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


def _overdispersed(estimate: Estimate) -> Iterator[str]:
    """Counts and trials that vary more than a family without a dispersion allows."""
    found = overdispersion(estimate) if estimate.converged and not _perfect(estimate) else None
    if found is None or not found.clear:
        return
    name = estimate.family.base.name
    wider = "betabinomial" if name == "binomial" else name.replace("poisson", "nbinom2")
    what = "numbers of successes" if name == "binomial" else "counts"
    distribution = distribution_name(estimate.family)
    yield (
        f"The {what} vary {found.ratio:.1f} times as much as the {distribution} distribution "
        f"allows (Pearson chi-square {found.chisq:.0f} with {found.df:g} df): standard errors are "
        f"too small. Use family={wider!r} (or an observation-level random effect) and compare."
    )


def _auxiliary(estimate: Estimate) -> Iterator[str]:
    """Zero inflation and dispersion that run to the edge of their range."""
    if _perfect(estimate):
        return
    of = (estimate.auxiliary, estimate.design.auxiliary)
    for sentence in (*boundary_sentences(estimate.family, *of), *end_without_responses(*of)):
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


def _codes(estimate: Estimate) -> Iterator[str]:
    """Numbers 1, 2, ..., k with one slope whose responses do not lie on a line.

    Codes of treatments look like days or doses; that no straight line goes through their means
    tells them apart, and of days or doses it is worth to know.
    """
    if _perfect(estimate) or not estimate.converged:
        return
    for name in _single_slopes(estimate.design):
        x = estimate.design.data[name].to_numpy(dtype=float)
        values, codes = np.unique(x, return_inverse=True)
        consecutive = bool((values == values[0] + np.arange(len(values))).all())
        counts = np.bincount(codes)
        if not consecutive or values[0] not in (0.0, 1.0) or counts.min() < 2:
            continue
        if FEWEST_CODES <= len(values) <= MOST_CODES and _bent(estimate, codes):
            shown = ", ".join(f"{value:g}" for value in values)
            yield (
                f"{name} enters as a number, with one slope, but the responses at its values "
                f"{shown} do not lie on a line. If these are codes of treatments, write "
                f"factor({name}); if they are measured, a curve such as poly({name}, 2)."
            )


def _single_slopes(design: Design) -> Iterator[str]:
    """Numeric columns that the model uses only once, as a main effect."""
    fixed = design.conditional.fixed
    elsewhere: set[str] = set()
    for term in design.random:
        elsewhere.update(term.group_columns, term.basis.variables)
    for text in fixed.offsets:
        elsewhere.update(expression(text).columns)
    for name, variable in fixed.variables.items():
        used = [factor for factor in fixed.codings if name in factor.columns]
        terms = [term for term in fixed.terms if name in term.variables]
        alone = [factor.column for factor in used] == [name] and len(terms) == 1
        if alone and terms[0].name == name and variable.levels is None and name not in elsewhere:
            yield name


def _bent(estimate: Estimate, codes: IntArray) -> bool:
    """Whether the residuals' means at each value differ: an F test of the lack of fit.

    The residuals are conditional on the random effects, whose levels are counted as parameters.
    Where the responses have no finite variance, no such test exists, and nothing is called bent.
    """
    residuals = pearson_if_finite(estimate)
    if residuals is None:
        return False
    counts = np.bincount(codes)
    between = float((np.bincount(codes, residuals) ** 2 / counts).sum())
    within = float((residuals**2).sum()) - between
    effects = sum(len(term.levels) * len(term.names) for term in estimate.design.random)
    df = len(counts) - 2
    df_within = len(residuals) - len(estimate.conditional.names) - df - effects
    if df_within < 1 or within <= 0.0:
        return False
    return float(special.fdtrc(df, df_within, between / df / (within / df_within))) < CLEAR_P


def _offset(estimate: Estimate) -> Iterator[str]:
    """Exposures that stand as offsets on a log link without their logarithm."""
    if estimate.family.link.name != "log":
        return
    design = estimate.design
    fixed = design.conditional.fixed
    columns = {text: offset_values(text, Source(design.data)) for text in fixed.offsets}
    if design.offset_name is not None:
        columns[design.offset_name] = design.offset - sum(columns.values())
    for text, values in columns.items():
        if _is_exposure(values):
            formula = text in fixed.offsets
            shown = f" {text}" if formula or text in design.data.columns else ""
            cure = f"offset(log({text}))" if formula else f"offset=np.log({_given(text, design)})"
            yield (
                f"The offset{shown} runs from {values.min():g} to {values.max():g}. It is added "
                f"on the log scale, where {values.max():g} stands for a factor of "
                f"{np.exp(min(values.max(), 700.0)):.2g}: if it is an exposure (an area, a time, a "
                f"number of leaves), write {cure}."
            )


def _given(offset: str, design: Design) -> str:
    return f"data[{offset!r}]" if offset in design.data.columns else "exposure"


def _is_exposure(values: FloatArray) -> bool:
    """Whether an offset is hardly a logarithm: numbers above 0 that are whole, or very large."""
    whole = bool((values == np.round(values)).all())
    return bool(values.min() > 0.0 and values.max() > (3.0 if whole else LARGEST_LOG))


def _dropped(estimate: Estimate) -> Iterator[str]:
    design = estimate.design
    if design.n_dropped:
        were = "row was" if design.n_dropped == 1 else "rows were"
        yield (
            f"{design.n_dropped} {were} dropped for missing values, {design.nobs} were used: "
            "compare this fit only with fits of the same rows."
        )
    aliased = design.conditional.aliased
    if aliased:
        yield (
            f"Not estimated: {', '.join(aliased)}, a combination of other columns of the design. "
            "Look for empty cells of an interaction, or predictors that determine one another."
        )
