"""What every residual test reports: a statistic, its p-value, and what they mean."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from html import escape

import numpy as np
from scipy import special

from glmmlab._tables import Document, Exported, Table

ALTERNATIVES = ("two-sided", "greater", "less")
SMALLEST_P = 2.2e-16
"""Resolution of a p-value that comes from a formula: the spacing of numbers next to 1."""
LEVEL = 0.05
"""Level at which :meth:`ResidualTest.explain` and the figures call a deviation significant."""


def significant_digits(value: float, digits: int = 5) -> str:
    """``value`` to ``digits`` significant digits."""
    return f"{value:.{digits}g}"


def count(value: float) -> str:
    """A number of rows, or a mean of such numbers: three digits, or whole with commas.

    Examples
    --------
    >>> count(5.123), count(10958.4), count(12)
    ('5.12', '10,958', '12')
    """
    return f"{value:.3g}" if value < 100 else f"{value:,.0f}"


def percent(share: float) -> str:
    """A share as printed.

    Examples
    --------
    >>> percent(0.358)
    '36 %'
    """
    return f"{100 * share:.0f} %"


def p_text(p: float, smallest: float = SMALLEST_P, digits: int = 3) -> str:
    """A p-value as printed: ``p = 0.0321``, ``p < 0.004``, or a sentence for a missing one.

    Parameters
    ----------
    p : float
    smallest : float
        Below this the value is not resolved (one over the number of simulations where the
        p-value is a share of simulations).
    digits : int
        Significant digits.

    Examples
    --------
    >>> p_text(0.03214), p_text(0.0, 1 / 250), p_text(float("nan"))
    ('p = 0.0321', 'p < 0.004', 'p not available')
    """
    if not np.isfinite(p):
        return "p not available"
    if p < smallest:
        return f"p < {smallest:.2g}"
    return f"p = {p:.{digits}g}"


def simulation_p(observed: float, simulated: np.ndarray, alternative: str) -> float:
    """p-value of a statistic among its values in simulated data sets.

    greater: share of simulations at or above the observed value; less: at or below; two-sided:
    twice the smaller, at most 1.  There is no "+1" correction: p can be 0.
    """
    greater = float(np.mean(simulated >= observed))
    less = float(np.mean(simulated <= observed))
    if alternative == "greater":
        return greater
    return less if alternative == "less" else min(1.0, 2 * min(greater, less))


def exchangeable_p(observed: float, simulated: np.ndarray, alternative: str) -> float:
    """p-value of a statistic that is exchangeable with its values in simulated data sets.

    As :func:`simulation_p`, with the data counted among the data sets: (1 + number at least as
    extreme) / (number of simulations + 1), which is exact and never 0.  Equal values may differ
    in their last digits, so 1e-12 is granted.

    Examples
    --------
    >>> exchangeable_p(3.0, np.array([1.0, 2.0, 3.0]), "greater")
    0.5
    """
    m = len(simulated) + 1
    greater = float((1 + np.sum(simulated >= observed - 1e-12)) / m)
    less = float((1 + np.sum(simulated <= observed + 1e-12)) / m)
    if alternative == "greater":
        return greater
    return less if alternative == "less" else min(1.0, 2 * min(greater, less))


def resolution(reference: np.ndarray | None) -> float:
    """The smallest p-value of a formula, or of a rank among the sets of ``reference``.

    Examples
    --------
    >>> resolution(np.zeros((249, 10)))
    0.004
    """
    return SMALLEST_P if reference is None else 1 / (len(reference) + 1)


def normal_p(z: float, alternative: str) -> float:
    """p-value of a standard normal z; "greater" is the upper tail.

    Examples
    --------
    >>> round(normal_p(1.96, "greater"), 4)
    0.025
    """
    if alternative == "two-sided":
        return float(2 * special.ndtr(-abs(z)))
    return float(special.ndtr(-z if alternative == "greater" else z))


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class ResidualTest(Exported):
    """One test of a model through its simulated residuals.

    Attributes
    ----------
    statistic : float
        What ``statistic_name`` says.
    p : float
        p-value.
    null_hypothesis, method, alternative : str
        What was tested, and how.
    nobs, nsim : int
        Rows and simulations behind the test.
    smallest_p : float
        The smallest p-value that this test can resolve.
    """

    statistic: float
    p: float
    null_hypothesis: str
    method: str
    alternative: str
    nobs: int
    nsim: int
    smallest_p: float = SMALLEST_P

    title = "Residual test"
    statistic_name = "statistic"

    @property
    def significant(self) -> bool:
        """Whether p is below 0.05, the level used by the figures and by :meth:`explain`."""
        return bool(self.p < LEVEL)

    @property
    def p_text(self) -> str:
        """The p-value as printed."""
        return p_text(self.p, self.smallest_p)

    def explain(self) -> str:
        """One paragraph: what was compared, what this deviation usually means, what to try."""
        direction = self._direction() if self.significant else ""
        return paragraph(self._compared(), self._surprise(), direction, self._limits())

    @abstractmethod
    def _compared(self) -> str:
        """What was compared, and the statistic."""

    def _surprise(self) -> str:
        """How surprising the deviation is."""
        return p_sentence(self)

    @abstractmethod
    def _direction(self) -> str:
        """What a significant deviation in this direction means, and what to try."""

    def _limits(self) -> str:
        """What the test cannot see."""
        return ""

    def facts(self) -> list[tuple[str, str]]:
        """Label and value of every line of the printed result."""
        return [
            ("H0", self.null_hypothesis),
            (self.statistic_name, significant_digits(self.statistic)),
            ("p-value", self.p_text),
            ("alternative", self.alternative),
            ("based on", self._basis()),
        ]

    def _document(self) -> Document:
        return Document([self.method, Table(("", ""), self.facts(), left=2)], self.title)

    def to_html(self) -> str:
        """As the HTML table that a notebook shows."""
        return self._repr_html_()

    def _basis(self) -> str:
        return f"{self.nobs} rows" + (f", {self.nsim} simulations" if self.nsim else "")

    def __str__(self) -> str:
        facts = self.facts()
        width = max(len(label) for label, _ in facts)
        lines = [f"  {label:<{width}}  {value}" for label, value in facts]
        return "\n".join([self.title, f"  {self.method}", *lines])

    def __repr__(self) -> str:
        name = type(self).__name__
        return (
            f"<{name}: {self.statistic_name} {significant_digits(self.statistic)}, {self.p_text}>"
        )

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><th scope="row" style="text-align:left">{escape(label)}</th>'
            f'<td style="text-align:left">{escape(value)}</td></tr>'
            for label, value in self.facts()
        )
        caption = f"<b>{escape(self.title)}</b><br>{escape(self.method)}"
        return f'<table><caption style="text-align:left">{caption}</caption>{rows}</table>'


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class SampledTest(ResidualTest):
    """A test along a predictor, in time or in space, which uses some of very many rows.

    Attributes
    ----------
    rows_used : int
        Rows the test was computed from.
    """

    rows_used: int

    sample = "a random subset of {:,}"

    def facts(self) -> list[tuple[str, str]]:
        """Label and value of every line of the printed result."""
        facts = super().facts()
        if self.rows_used < self.nobs:
            facts.append(("rows used", self.sample.format(self.rows_used)))
        return facts


def paragraph(*sentences: str) -> str:
    """Sentences joined to one paragraph; empty ones are dropped."""
    return " ".join(s.strip() for s in sentences if s)


def p_sentence(test: ResidualTest) -> str:
    """How surprising the deviation is, without turning a large p into a proof."""
    if not np.isfinite(test.p):
        return "The p-value could not be computed."
    if test.significant:
        return (
            "A deviation this large would rarely arise by chance from the fitted model "
            f"({test.p_text})."
        )
    proof = f"which with {test.nobs:,} rows is not proof that there is none."
    if test.alternative != "two-sided":
        return (
            f"You asked about one direction only ({test.alternative!r}): there the test saw no "
            f"problem ({test.p_text}), {proof}"
        )
    return (
        f"Deviations of this size arise by chance from a right model ({test.p_text}): this check "
        f"saw no problem, {proof}"
    )
