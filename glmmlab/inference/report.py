"""A paragraph of methods and a paragraph of results, with the numbers of a fit filled in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from glmmlab._tables import Document, Exported, format_significant
from glmmlab._types import Seed
from glmmlab.errors import EstimabilityError
from glmmlab.formula.bars import response_expressions
from glmmlab.inference.anova import anova
from glmmlab.inference.distribution_names import distribution_name
from glmmlab.inference.f_tests import JointDegrees, title_of
from glmmlab.inference.intervals import dispersion_interval, variance_intervals
from glmmlab.inference.model_parts import outcome, part_of
from glmmlab.inference.overdispersion import overdispersion
from glmmlab.inference.runaway import separated_names
from glmmlab.inference.variance_decomposition import variance_decomposition

if TYPE_CHECKING:
    from glmmlab.design import RandomTerm
    from glmmlab.estimate.result import Estimate, PartEstimate
    from glmmlab.formula.fixed import Term

SIMULATIONS = 250


@dataclass(frozen=True)
class Report(Exported):
    """Sentences on a fit, to be edited into a paper.

    Attributes
    ----------
    methods, results : str
        One paragraph each.
    """

    methods: str
    results: str

    @property
    def text(self) -> str:
        """Both paragraphs."""
        return f"{self.methods}\n\n{self.results}"

    def _document(self) -> Document:
        return Document([self.methods, self.results])

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self._document().html()


def report(
    estimate: Estimate,
    level: float = 0.95,
    checks: bool = True,
    seed: Seed = 1,
    df: JointDegrees | float | None = None,
) -> Report:
    """What was fitted and how, and what came out.

    Parameters
    ----------
    estimate : Estimate
    level : float
        Of the intervals.
    checks : bool
        Simulate scaled residuals (250 draws) and report their tests.
    seed : int, Generator or None
        Of these simulations.
    df : SmallSample or float, optional
        F tests of the terms of the conditional part, as in
        :func:`glmmlab.inference.anova.anova`, instead of chi-square tests.

    Returns
    -------
    Report
        ``.methods, .results, .text``; exports as Markdown, LaTeX and HTML.
    """
    methods = [_model(estimate), _estimation(estimate), _tests(estimate, level, df)]
    tested = [*_terms(estimate, "conditional", df), *_terms(estimate, "zero_inflation")]
    results = [*tested, *_random(estimate, level), *_state(estimate)]
    if checks:
        anew = ", random effects drawn anew," if estimate.design.random else ""
        methods.append(
            f"Model assumptions were checked by {SIMULATIONS} simulated responses{anew} through "
            "scaled quantile residuals."
        )
        results.append(_checks(estimate, seed))
    return Report(_paragraph(methods), _paragraph(results))


def _paragraph(sentences: Sequence[str]) -> str:
    return " ".join(s for s in sentences if s)


def _list(words: Sequence[str]) -> str:
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


# -------------------------------------------------------------------------------- methods


def _model(estimate: Estimate) -> str:
    design, family = estimate.design, estimate.family
    name = distribution_name(family, inflation=False)
    kind = "linear" if family.is_linear else f"{name} generalized linear"
    mixed = "mixed model" if design.random else "model"
    link = "" if family.is_linear else f" with {family.link.name} link"
    parts = [*_fixed_words(estimate.conditional), *(_random_words(t) for t in design.random)]
    zeros = "zeros" if family.is_hurdle else "excess zeros"
    for key, label in (("zero_inflation", zeros), ("dispersion", "the dispersion")):
        part = estimate.auxiliary.get(key)
        if part is not None and (key == "zero_inflation" or tuple(part.names) != ("Intercept",)):
            right = part.fixed.formula.lstrip("~ ")
            parts.append(f"{label} modelled by ~ {right}")
    if design.offset_name is not None or estimate.conditional.fixed.offsets:
        parts.append("an offset")
    if design.weights is not None:
        named = "" if design.weights_name in (None, "weights") else f" {design.weights_name}"
        parts.append(f"prior weights{named}")
    rows = "row" if design.n_dropped == 1 else "rows"
    dropped = f" ({design.n_dropped} incomplete {rows} left out)" if design.n_dropped else ""
    article = "an" if kind[0] in "aeiou" else "a"
    return (
        f"{_subject(estimate)} was analysed by {article} {kind} {mixed}{link}, with "
        f"{_list(parts)}, fitted to {design.nobs} observations{dropped}."
    )


def _subject(estimate: Estimate) -> str:
    """The response; of trials the proportion that they count."""
    design = estimate.design
    if not estimate.family.is_binomial:
        return design.response
    if event := outcome(estimate):
        return f"The probability of {event}"
    parts = response_expressions(design.response)
    if len(parts) == 1:
        given = design.weights_name if design.weights is None else None
        of = f" (trials: {design.weights_name})" if given else ""
        return f"The proportion {design.response}{of}" if given else design.response
    first, second = (part.name for part in parts)
    whole = re.fullmatch(rf"(.+) - {re.escape(first)}", second) if parts[0].column else None
    total = whole.group(1) if whole else f"{first} + {second}"
    above, below = (t if re.fullmatch(r"\w+", t) else f"({t})" for t in (first, total))
    return f"The proportion {above} / {below}"


def _fixed_words(part: PartEstimate) -> Iterator[str]:
    """Terms of factors, and numbers that enter as straight lines."""
    categorical = {e.name: coding.categorical for e, coding in part.fixed.codings.items()}
    lines: list[str] = []
    others: list[str] = []
    for term in part.terms:
        alone = len(term.variables) == 1 and len(term.columns) == 1
        straight = alone and not any(categorical[name] for name in term.variables)
        if term.variables:
            (lines if straight else others).append(term.name)
    if others:
        yield f"fixed effects of {_list(others)}"
    if lines:
        yield f"{'a slope' if len(lines) == 1 else 'slopes'} of {_list(lines)}"
    if not lines and not others:
        yield "an intercept as its fixed part"


def _random_words(term: RandomTerm) -> str:
    slopes = [name for name in term.names if name != "Intercept"]
    what = "random intercepts" if len(slopes) < len(term.names) else ""
    if slopes:
        what += f"{' and' if what else 'random'} slopes of {_list(slopes)}"
    if len(term.names) > 1:
        what = f"{'uncorrelated' if term.diagonal else 'correlated'} {what}"
    return f"{what} for {term.group} ({len(term.levels)} levels)"


def _estimation(estimate: Estimate) -> str:
    how = "restricted maximum likelihood" if estimate.method == "REML" else "maximum likelihood"
    integral = ""
    if estimate.design.random and not estimate.family.is_linear:
        nodes = f"adaptive Gauss-Hermite quadrature ({estimate.quadrature} nodes)"
        by = "the Laplace approximation" if estimate.quadrature == 1 else nodes
        integral = f", the random effects integrated by {by}"
    return f"Parameters were estimated by {how}{integral} (glmmlab {version('glmmlab')}, Python)."


def _tests(estimate: Estimate, level: float, df: JointDegrees | float | None) -> str:
    terms = [t for t in estimate.conditional.terms if t.variables]
    kind = "Wald chi-square tests"
    if df is not None:
        number = isinstance(df, (int, float))
        of = f"{df:g} denominator" if number else f"{title_of(df)}"
        kind = f"F tests with {of} degrees of freedom"
    tests = f"Terms were tested by type II {kind}. " if terms else ""
    variance = " (standard deviations on the log scale)" if estimate.design.random else ""
    return f"{tests}Intervals are {level:.0%} Wald intervals{variance}."


# -------------------------------------------------------------------------------- results


def _p(p: float) -> str:
    if np.isnan(p):
        return "p not available"
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def _terms(
    estimate: Estimate, component: str, df: JointDegrees | float | None = None
) -> Iterator[str]:
    if component not in ("conditional", *estimate.auxiliary):
        return
    part = part_of(estimate, component)
    terms = [t for t in part.terms if t.variables]
    if not terms:
        return
    lost = _without_wald_tests(estimate, component, terms)
    table = anova(estimate, type=2, component=component, df=df).frame
    if table["p"].isna().all():
        yield "The fit has no standard errors, and so no tests of its terms."
        return
    tested = [
        f"{name} ({_statistic(row)}, {_p(float(row['p']))})"
        for name, row in table.iterrows()
        if name not in lost
    ]
    part_words = ""
    if component == "zero_inflation":
        part_words = " for the zeros" if estimate.family.is_hurdle else " for the excess zeros"
    if tested:
        kind = "Wald tests" if df is None else "F tests"
        yield f"{kind} of the terms{part_words}: {', '.join(tested)}."
    if lost:
        yield f"Separated data allow no Wald test of {_list(lost)}{part_words}."


def _statistic(row: pd.Series) -> str:
    if "F" in row:
        return f"F = {row['F']:.2f} with {row['df']:g} and {row['df_resid']:.4g} df"
    return f"chi-square {row['chisq']:.2f} with {row['df']:g} df"


def _without_wald_tests(estimate: Estimate, component: str, terms: Sequence[Term]) -> list[str]:
    """Terms that contain a coefficient without a finite estimate, or that are tested beside one."""
    names, endless = part_of(estimate, component).names, set(separated_names(estimate, component))
    held = [t for t in terms if endless & {names[j] for j in t.columns}]
    return [t.name for t in terms if any(t.variables <= other.variables for other in held)]


def _random(estimate: Estimate, level: float) -> Iterator[str]:
    frame = variance_intervals(estimate, level)
    words = []
    for name, row in frame.iterrows():
        value, lower, upper = (float(row[c]) for c in ("estimate", "lower", "upper"))
        if np.isnan(value):
            continue
        limits = "" if np.isnan(lower) else f" ({level:.0%} CI {lower:.3g} to {upper:.3g})"
        words.append(f"{name} = {value:.3g}{limits}")
    if words:
        link = estimate.family.link.name
        scale = "" if link == "identity" else f" on the {link} scale"
        kind = "deviations and correlations" if any("cor(" in w for w in words) else "deviations"
        yield f"Standard {kind} of the random effects{scale}: {'; '.join(words)}."
    phi = dispersion_interval(estimate, level)
    if len(phi):
        value, lower, upper = phi.to_numpy(float)[0]
        limits = "" if np.isnan(lower) else f" ({level:.0%} CI {lower:.3g} to {upper:.3g})"
        label = estimate.family.dispersion_label
        called = f" ({label})" if label else ""
        yield f"The dispersion{called} was {format_significant(value)}{limits}."
    if estimate.design.random and not estimate.separated:
        try:
            shares = variance_decomposition(estimate)
        except EstimabilityError:
            return
        scale = "" if shares.link == "identity" else f" on the {shares.link} scale"
        yield (
            f"The fixed effects account for {shares.r2_marginal:.1%} of the variance{scale}, fixed "
            f"and random effects together for {shares.r2_conditional:.1%} (Nakagawa and "
            "Schielzeth's marginal and conditional R2)."
        )


def _state(estimate: Estimate) -> Iterator[str]:
    if estimate.singular:
        yield (
            f"The fit was singular: in {_list(estimate.singular)} a variance was estimated as zero "
            "or a correlation as -1 or 1; the term was kept as part of the design."
        )
    if estimate.separated:
        has = "has" if len(estimate.separated) == 1 else "have"
        yield (
            f"The data were separated: {_list(estimate.separated)} {has} no finite estimate, and "
            "Wald tests of such coefficients mean nothing."
        )
    aliased = estimate.design.conditional.aliased
    if aliased:
        yield f"{_list(aliased)} could not be estimated (aliased)."
    spread = overdispersion(estimate)
    if spread is not None and spread.clear:
        yield (
            f"The responses vary {spread.ratio:.1f} times as much as the "
            f"{distribution_name(estimate.family)} distribution allows (Pearson chi-square "
            f"{spread.chisq:.1f} with {spread.df:g} df, {_p(spread.p)}), so that the standard "
            "errors and p-values above are too small."
        )
    if not estimate.converged:
        yield "The optimiser did not reach the optimum: these numbers are not to be used."


def _checks(estimate: Estimate, seed: Seed) -> str:
    from glmmlab.residuals import simulate_residuals

    residuals = simulate_residuals(estimate, SIMULATIONS, seed)
    tests = {
        "uniformity": residuals.test_uniformity(),
        "dispersion": residuals.test_dispersion(),
        "outliers": residuals.test_outliers(),
    }
    numbers = ", ".join(f"{name} {_p(float(test.p))}" for name, test in tests.items())
    bad = [name for name, test in tests.items() if test.p < 0.05]
    spread = overdispersion(estimate)
    if not bad and spread is not None and spread.clear:
        return f"Residual checks: {numbers}; the overdispersion needs attention all the same."
    if bad:
        return f"Residual checks: {numbers}; the deviation in {_list(bad)} needs attention."
    return f"Residual checks gave no sign of misfit: {numbers}."
