"""Are the scaled residuals uniform on (0, 1)?  One-sample Kolmogorov-Smirnov test."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from glmmlab._types import FloatArray
from glmmlab.residuals.checks import option
from glmmlab.residuals.result import (
    ALTERNATIVES,
    ResidualTest,
    exchangeable_p,
    paragraph,
    percent,
    resolution,
    significant_digits,
)

EXACT_BELOW = 100
"""Below this number of untied residuals the exact distribution of D is used, as R does."""


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class UniformityTest(ResidualTest):
    """Kolmogorov-Smirnov test of the scaled residuals against the uniform distribution.

    Attributes
    ----------
    d_plus, d_minus : float
        Largest distance of the residuals' distribution function above, and below, the diagonal.
    central_share : float
        Share of residuals between 0.25 and 0.75 (one half when the model is right).
    reference : {"exact", "asymptotic", "simulations"}
        Where the p-value comes from.
    """

    d_plus: float
    d_minus: float
    central_share: float
    reference: str

    title = "Uniformity of the scaled residuals"
    statistic_name = "D"

    def facts(self) -> list[tuple[str, str]]:
        """Label and value of every line of the printed result."""
        facts = super().facts()
        both = f"{significant_digits(self.d_plus, 3)} above, {self.d_minus:.3g} below the diagonal"
        facts.insert(2, ("largest distance", both))
        return facts

    def _compared(self) -> str:
        return (
            f"The distribution of the {self.nobs} scaled residuals was compared with the uniform "
            f"distribution that they follow when the model is right; the largest distance between "
            f"the two distribution functions is D = {self.statistic:.3f}."
        )

    def _limits(self) -> str:
        together = (
            "The test looks at all rows together: it cannot see a pattern along a predictor, and "
            "it treats the fitted parameters as known. "
        )
        if self.reference == "simulations":
            return together + (
                "Its p-value comes from the simulated data sets, so rows that share random "
                "effects drawn anew are treated as they should be."
            )
        return together + (
            "It treats the rows as independent, too; where rows share random effects that were "
            "drawn anew, take the reference from the simulations (reference='simulations')."
        )

    def _direction(self) -> str:
        smaller, larger = sorted((self.d_plus, self.d_minus))
        if smaller > 0.5 * larger:
            share = percent(self.central_share)
            if self.central_share < 0.5:
                return (
                    f"Too few residuals ({share}) lie in the middle half, too "
                    "many near 0 and 1: the data are more spread out than the model says "
                    "(overdispersion). Try a missing predictor or random effect, or a family with "
                    "a larger variance (negative binomial, beta-binomial, a dispersion formula)."
                )
            return (
                f"Too many residuals ({share}) lie in the middle half: the data "
                "are less spread out than the model says (underdispersion). Try another variance "
                "function, or a simpler model."
            )
        side, other = ("small", "too high") if self.d_plus > self.d_minus else ("large", "too low")
        group = (
            "With random effects drawn anew, one large group away from the average can do the same."
        )
        return paragraph(
            f"There are too many {side} residuals: the predictions are {other} for most rows, or "
            "the assumed distribution has the wrong skewness.",
            "" if self.reference == "simulations" else group,
            "Plot the residuals against each predictor, and try another family or link.",
        )


def ks_distances(r: FloatArray) -> tuple[FloatArray, FloatArray]:
    """D+ and D- of each row of residuals against the uniform distribution.

    Parameters
    ----------
    r : ndarray, shape (..., nobs)

    Returns
    -------
    d_plus, d_minus : ndarray, shape (...,)
        max(i/n - r_(i)) and max(r_(i) - (i-1)/n).
    """
    ordered = np.sort(r, axis=-1)
    n = r.shape[-1]
    steps = np.arange(n + 1) / n
    return (steps[1:] - ordered).max(axis=-1), (ordered - steps[:-1]).max(axis=-1)


def ks_p(d: float, n: int, exact: bool, alternative: str) -> float:
    """p-value of a Kolmogorov-Smirnov distance: exact for finite n, or asymptotic."""
    if alternative == "two-sided":
        if not exact:
            return float(special.kolmogorov(np.sqrt(n) * d))
        from scipy.stats import kstwo

        return float(np.clip(kstwo.sf(d, n), 0.0, 1.0))
    return float(special.smirnov(n, d)) if exact else float(np.exp(-2.0 * n * d * d))


def uniformity_test(
    r: FloatArray,
    alternative: str = "two-sided",
    nsim: int = 0,
    reference: FloatArray | None = None,
) -> UniformityTest:
    """One-sample Kolmogorov-Smirnov test of residuals against the uniform distribution.

    The p-value follows R's rule: the exact distribution for fewer than 100 residuals without
    ties, else the asymptotic one (Kolmogorov's series; ``exp(-2 n D^2)`` one-sided).  Residuals
    of continuous responses live on multiples of 1/nsim, so ties, and with them the asymptotic
    branch, are common.

    Parameters
    ----------
    r : ndarray, shape (nobs,)
    alternative : {"two-sided", "greater", "less"}
        "greater": the residuals' distribution function lies above the diagonal (too many small
        residuals).
    nsim : int
        Simulations behind the residuals, for the record.
    reference : ndarray, shape (nsim, nobs), optional
        Residuals of simulated data sets; then p = (1 + number with D at least as large) /
        (nsim + 1), which is exact for dependent rows too.

    Examples
    --------
    >>> round(uniformity_test(np.array([0.05, 0.2, 0.33, 0.5, 0.61, 0.9])).p, 4)
    0.8678
    """
    option(alternative, ALTERNATIVES, "alternative")
    n = len(r)
    d_plus, d_minus = ks_distances(r)
    statistic = float(_choose(d_plus, d_minus, alternative))
    if reference is not None:
        simulated = _choose(*ks_distances(reference), alternative)
        p = exchangeable_p(statistic, simulated, "greater")  # a large distance is extreme
        source = "simulations"
        method = "Kolmogorov-Smirnov distance, p from residuals of simulated data sets"
    else:
        exact = n < EXACT_BELOW and len(np.unique(r)) == n
        p = ks_p(statistic, n, exact, alternative)
        source = "exact" if exact else "asymptotic"
        method = f"{source.capitalize()} one-sample Kolmogorov-Smirnov test"
    return UniformityTest(
        statistic=statistic,
        p=p,
        null_hypothesis="the scaled residuals are uniform on (0, 1)",
        method=method,
        alternative=alternative,
        nobs=n,
        nsim=nsim,
        d_plus=float(d_plus),
        d_minus=float(d_minus),
        central_share=float(np.mean((r > 0.25) & (r < 0.75))),
        smallest_p=resolution(reference),
        reference=source,
    )


def _choose(d_plus: FloatArray, d_minus: FloatArray, alternative: str) -> FloatArray:
    if alternative == "greater":
        return d_plus
    return d_minus if alternative == "less" else np.maximum(d_plus, d_minus)
