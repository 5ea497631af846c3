"""Tests and marginal means of a fit: thin methods over the rooms of inference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from glmmlab._types import FloatArray
from glmmlab.estimate.result import Estimate
from glmmlab.inference.comparison import Comparison

if TYPE_CHECKING:
    from glmmlab.results.fit import Fit


class FitInference:
    """Questions about the terms and the means (see :class:`glmmlab.Fit`)."""

    estimate: Estimate

    def anova(self, type: int = 2, component: str = "conditional") -> Any:
        """Wald chi-square tests of the terms: type II or III."""
        from glmmlab.inference.anova import anova

        return anova(self.estimate, type=type, component=component)

    def joint_tests(self) -> Any:
        """Coding-free joint tests of every term."""
        from glmmlab.inference.anova import joint_tests

        return joint_tests(self.estimate)

    def compare(self, *others: Fit, boundary: bool = False) -> Comparison:
        """Likelihood-ratio table of this fit (``model 1``) and others, smallest first.

        See :func:`glmmlab.inference.comparison.compare` for the checks and ``boundary``.

        Examples
        --------
        >>> import glmmlab as gl
        >>> seeds = gl.datasets.load("seed_germination")
        >>> formula = "cbind(germ, n - germ) ~ extract * gen"
        >>> fit = gl.glmm(formula, data=seeds, family="binomial")
        >>> plates = gl.glmm(formula + " + (1 | plate)", data=seeds, family="binomial")
        >>> fit.compare(plates, boundary=True).frame[["npar", "chisq", "df", "p"]].round(4)
                 npar   chisq   df       p
        model 1     4     NaN  NaN     NaN
        model 2     5  2.3349  1.0  0.0633
        """
        from glmmlab.inference.comparison import compare

        return compare([fit.estimate for fit in (self, *others)], boundary=boundary)

    def emmeans(
        self,
        specs: str | Sequence[str],
        by: str | Sequence[str] | None = None,
        at: Mapping[str, Any] | None = None,
        type: str = "link",
        weights: str = "equal",
        component: str = "conditional",
        level: float = 0.95,
        offset: float | FloatArray | None = None,
    ) -> Any:
        """Estimated marginal means over a reference grid.

        ``offset=0`` gives the means for one unit of effort where the fit has an offset; without it
        the grid takes the mean of an offset given beside the formula.
        """
        from glmmlab.inference.emmeans import emmeans

        return emmeans(
            self.estimate,
            specs,
            by=by,
            at=at,
            type=type,
            weights=weights,
            component=component,
            level=level,
            offset=offset,
        )
