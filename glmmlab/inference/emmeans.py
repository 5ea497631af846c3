"""Estimated marginal means: averages of the linear predictor over a reference grid.

Searle, Speed & Milliken (1980, The American Statistician 34:216-221); the conventions are those
of R's emmeans.  Means are averaged on the link scale at random effects = 0, and only then
back-transformed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from glmmlab._arguments import confidence_level
from glmmlab._types import FloatArray, Seed
from glmmlab.families.base import Family
from glmmlab.inference.contrasts import plain_label
from glmmlab.inference.estimate_table import EstimateTable
from glmmlab.inference.expected_response import expected_response
from glmmlab.inference.letter_table import LetterDisplay, letter_table
from glmmlab.inference.linear import DegreesOfFreedom, LinearEstimates
from glmmlab.inference.model_parts import (
    MEANS,
    conditional_mean,
    default_df,
    linear_part,
    prior_weights,
    response_name,
)
from glmmlab.inference.nesting import with_nests
from glmmlab.inference.reference_grid import (
    averaging_matrix,
    build_grid,
)
from glmmlab.inference.result_table import check_type
from glmmlab.inference.specs import (
    OVERALL,
    averaging_context,
    check_names,
    interaction_caution,
    split_specs,
)
from glmmlab.inference.transformation import Transformation

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from glmmlab.estimate.result import Estimate


@dataclass(frozen=True, repr=False, eq=False)
class EMMeans(EstimateTable):
    """Estimated marginal means, ready for comparisons.

    Made by :meth:`glmmlab.Fit.emmeans`.

    Attributes
    ----------
    frame : DataFrame
        Factor columns (first factor fastest, by-groups outermost), ``estimate, se, df, lower,
        upper`` on the scale of ``type``.

    Examples
    --------
    >>> import glmmlab as gl
    >>> seeds = gl.datasets.load("seed_germination")
    >>> fit = gl.glmm("cbind(germ, n - germ) ~ extract * gen", data=seeds, family="binomial")
    >>> em = fit.emmeans("extract", by="gen", type="response")
    >>> em.frame[["gen", "extract", "estimate", "se"]].round(3)
       gen   extract  estimate     se
    0  O73      bean     0.398  0.044
    1  O73  cucumber     0.532  0.042
    2  O75      bean     0.364  0.029
    3  O75  cucumber     0.681  0.027
    """

    caution: str = ""
    mixed: bool = False

    def cld(
        self,
        level: float = 0.95,
        adjust: str = "tukey",
        alpha: float | None = None,
        reversed: bool = False,
        sweep: bool = False,
        seed: Seed = 0,
    ) -> LetterDisplay:
        """Compact letter display: rows of a by-group that share a letter are not shown to differ.

        Parameters
        ----------
        level : float
            Confidence level of the intervals (not adjusted).
        adjust : str
            Adjustment of the pairwise tests behind the letters.
        alpha : float, optional
            Significance level of the letters, strict; ``1 - level`` by default.
        reversed : bool
            Largest mean first, and ``a`` for it.
        sweep : bool
            Remove letters that separate nothing, as multcomp's ``cld`` does.
        seed : int, Generator or None
            For mvt.

        Returns
        -------
        LetterDisplay
            A DataFrame: this frame, ascending by estimate, plus ``group`` (``group_`` beside a
            predictor that is called so).

        Notes
        -----
        Insert-absorb algorithm of Piepho (2004, J. Comput. Graph. Statist. 13:456-466).  A shared
        letter says that no difference was found, not that there is none.
        """
        return letter_table(self, level, adjust, alpha, reversed, sweep, seed)

    def pvalue_matrix(self, adjust: str = "tukey", seed: Seed = 0) -> dict[str, pd.DataFrame]:
        """Pairwise p-values as square tables, one a by-group (key: its values).

        Each as :meth:`glmmlab.inference.contrast_table.Contrasts.matrix` describes; :meth:`pwpm`
        gives them in one frame.
        """
        from glmmlab.inference.pair_matrix import pair_matrices

        squares = pair_matrices(self.pairs(adjust=adjust, seed=seed))
        return {", ".join(map(plain_label, key)): square for key, square in squares.items()}

    def pwpm(self, adjust: str = "tukey", seed: Seed = 0) -> pd.DataFrame:
        """Pairwise p-value matrix: means, p-values and comparisons in one square.

        Short for ``em.pairs(adjust=...).matrix()``, where it is described.
        """
        return self.pairs(adjust=adjust, seed=seed).matrix()

    def plot(
        self, ax: Axes | None = None, letters: bool | LetterDisplay = False, **options: Any
    ) -> Axes:
        """Means with their intervals on an Axes (see :func:`glmmlab.plots.plot_means`).

        Parameters
        ----------
        ax : Axes, optional
        letters : bool or LetterDisplay
            Write the letters of :meth:`cld`, or of the display given, above the intervals.
        **options
            Passed on: ``order``, ``raw``, ``raw_value``, ``ylabel``, ``title``, ``caption``.
        """
        from glmmlab.plots.means import plot_means

        frame = self.frame.copy()
        if letters is not False:
            options.setdefault("letters", self._own("group"))
            display = self.cld(level=self.level) if letters is True else letters
            named = [*self.factors, *self.by, self._own("group")]
            frame = frame.merge(display.frame[named], sort=False)
        by = self._one_panel_column(frame)
        options |= {name: self._own(name) for name in ("estimate", "lower", "upper")}
        options.setdefault("ylabel", self.axis_label())
        at_zero = " (random effects 0)" if self.mixed else ""
        options.setdefault(
            "caption", f"population mean{at_zero}, {100 * self.level:g} % Wald interval"
        )
        return plot_means(frame, factors=list(self.factors), by=by, ax=ax, **options)

    def plot_comparisons(
        self,
        ax: Axes | None = None,
        adjust: str = "tukey",
        alpha: float = 0.05,
        seed: Seed = 0,
        **options: Any,
    ) -> Axes:
        """Means with comparison arrows: arrows that do not overlap mark significant differences.

        Parameters
        ----------
        ax : Axes, optional
        adjust : str
            Adjustment of the pairwise tests behind the arrows.
        alpha : float
            Their significance level.
        seed : int, Generator or None
            For mvt.
        **options
            Of :func:`glmmlab.plots.plot_comparisons`: ``order, xlabel, ylabel, title, caption``.

        Warns
        -----
        InferenceWarning
            No arrows show all comparisons right; the pairs are named.
        """
        from glmmlab.inference.comparison_arrows import comparison_arrows
        from glmmlab.plots.arrows import plot_comparisons

        frame = comparison_arrows(self, adjust, alpha, seed)
        by = self._one_panel_column(frame)
        options.setdefault("xlabel", self.axis_label())
        options.setdefault(
            "caption",
            f"arrows that do not overlap: p < {alpha:g} (adjust: {adjust}); "
            f"bars: {100 * self.level:g} % Wald intervals",
        )
        columns = ("estimate", "lower", "upper", "left", "right")
        options |= {name: self._own(name) for name in columns}
        return plot_comparisons(frame, factors=list(self.factors), by=by, ax=ax, **options)

    def _one_panel_column(self, frame: pd.DataFrame) -> str | None:
        """The name of the by-column; several become one new column of the frame."""
        if len(self.by) > 1:
            label = " : ".join(self.by)
            rows = frame[list(self.by)].itertuples(index=False)
            frame[label] = [" : ".join(map(plain_label, row)) for row in rows]
            return label
        return self.by[0] if self.by else None

    def axis_label(self) -> str:
        """Response and scale, for an axis of a figure."""
        if self._on_response():
            return f"{self.transformation.target or self.response} (response scale)"  # type: ignore[union-attr]
        if not self.scale_name:
            return f"{self.response}{'' if self.kept_response else ' (response scale)'}"
        return f"{self.response} ({self.scale_name} scale)"

    def _notes(self) -> tuple[str, ...]:
        return (*super()._notes(), self.caution) if self.caution else super()._notes()


def emmeans(
    estimate: Estimate,
    specs: str | Sequence[str],
    by: str | Sequence[str] | None = None,
    at: Mapping[str, Any] | None = None,
    type: str = "link",
    weights: str | Any = "equal",
    component: str = "conditional",
    level: float = 0.95,
    offset: float | ArrayLike | None = None,
    df: DegreesOfFreedom | None = None,
    cov: FloatArray | None = None,
    bias_sigma: float | None = None,
) -> EMMeans:
    """Estimated marginal means over a reference grid.

    Parameters
    ----------
    estimate : Estimate
    specs : str or list of str
        Predictors whose combinations are wanted, the first fastest; ``"a * b"``, ``"a + b"``
        and ``"a | c"`` (by c) work as in R, and ``"1"`` is the overall mean.
    by : str or list of str, optional
        Predictors of separate panels: comparisons stay inside them.
    at : mapping, optional
        Values of predictors, ``{"dose": [1, 2]}`` or ``{"block": "1"}``; others take all levels
        (factors), their two values, or their mean.
    type : {"link", "response"}
        Scale of the table.  Response: back-transformed estimates and limits, delta-method SE.
    weights : str or array_like
        How the other factors are averaged: equal, proportional, outer, cells, flat, or numbers.
    component : str
        ``conditional``, ``zero_inflation``, ``dispersion`` (or another auxiliary part of the
        family), each with its own link; ``response``: E(y), zero inflation included, and
        ``cmean``: E(y) without it (of the counts above zero where they are truncated), both
        averaged on the response scale.
    level : float
        Confidence level.
    offset : float or array, optional
        Replaces the offset of the conditional mean on the grid; without it the formula's offset
        is evaluated there, and one given beside the formula enters by its mean.
    df : float or callable, optional
        Degrees of freedom; by default infinite, and those of the residuals for Gaussian models
        without random effects and with a constant dispersion.
    cov : ndarray, optional
        Another covariance of the coefficients (Kenward and Roger's).
    bias_sigma : float, optional
        Total standard deviation of the random effects: the response scale then gets the
        second-order adjustment g^{-1}(eta) + sigma^2 g^{-1}''(eta) / 2.

    Returns
    -------
    EMMeans

    Raises
    ------
    UnknownColumnError, UnknownNameError
        A predictor or an option that does not exist.

    Warns
    -----
    ExtrapolationWarning
        A mean lies where the inverse link is not defined.

    Notes
    -----
    Averaging is on the link scale, at random effects = 0: for a nonlinear link this is neither
    the mean of the responses nor the response averaged over the random effects.
    """
    factors, panels_ = split_specs(specs, by)
    check_type(type)
    level = confidence_level(level)
    if component in ("response", "cmean"):
        part, grid = expected_response(estimate, at, offset, component == "response")
    else:
        part = linear_part(estimate, component, cov)
        grid = build_grid([part.fixed], estimate.design.data, prior_weights(estimate), at)
        part = conditional_mean(part, grid, offset)
    check_names([n for n in (*factors, *panels_) if n != OVERALL], grid)
    factors = with_nests(factors, panels_, grid.nesting)
    kept = [n for n in (*factors, *panels_) if n != OVERALL]
    matrix, labels = averaging_matrix(grid, kept, weights)
    if OVERALL in factors:
        labels.insert(0, OVERALL, "overall")
    degrees = df if df is not None else default_df(estimate, component)
    linear = LinearEstimates(
        labels, matrix @ part.rows, part.params, part.cov, matrix @ part.offset, degrees,
        part.null_basis, part.runaway, part.at_limit,
    )  # fmt: skip
    transformation = part.transformation
    if bias_sigma is not None and transformation is not None:
        transformation = transformation.bias_adjusted(float(bias_sigma))
    table = EMMeans(
        linear, factors, panels_, transformation, type, level,
        (
            *_component_note(estimate, component),
            *averaging_context(
                estimate, grid, kept, weights, part, bias_sigma, offset is not None
            ),
        ),
        _quantity(component),
        response_name(estimate), part.scale_name,
        caution=interaction_caution(part, grid, kept),
        mixed=bool(estimate.design.random),
        kept_response=part.kept_response,
    )  # fmt: skip
    _warn_outside(table)
    return table


def _quantity(component: str) -> str:
    if component in MEANS:
        return "Marginal means"
    return f"Marginal means ({component.replace('_', ' ')} part)"


def _component_note(estimate: Estimate, component: str) -> tuple[str, ...]:
    """Which of the means of a zero-inflated response these are."""
    if component == "response":
        if "zero_inflation" in estimate.auxiliary:
            return ("E(y), zero inflation included.",)
        return ("E(y), zeros and ones included." if "lower_cut" in estimate.auxiliary else "E(y).",)
    if component == "conditional" and _truncated(estimate):
        return ("The mean before truncation; component='cmean' is that of the counts above zero.",)
    if component == "cmean" and _truncated(estimate):
        return ("E(y) of the counts above zero.",)
    if component in ("conditional", "cmean") and "zero_inflation" in estimate.auxiliary:
        return ("Mean of the conditional part, zero inflation not included.",)
    return ()


def _truncated(estimate: Estimate) -> bool:
    """Whether the conditional mean is another than the inverse link's."""
    base: Family = getattr(estimate.family, "base", estimate.family)
    return type(base).conditional_expected is not Family.conditional_expected


def _warn_outside(table: EMMeans) -> None:
    import warnings

    from glmmlab.errors import ExtrapolationWarning

    if not table._on_response():
        return
    lost = table.linear.estimable & ~np.isfinite(table._values()[0])
    if lost.any():
        rows = table.linear.labels[lost].itertuples(index=False)
        cells = "; ".join(" ".join(map(plain_label, row)) for row in rows)
        warnings.warn(
            f"The inverse of the {table.scale_name} link is not defined at the linear predictor "
            f"of: {cells}. Their means are missing; look at type='link'.",
            ExtrapolationWarning,
            stacklevel=4,  # the line that called fit.emmeans()
        )


__all__ = ["EMMeans", "Transformation", "emmeans"]
