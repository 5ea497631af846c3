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
from glmmlab._warnings import warn
from glmmlab.errors import ExtrapolationWarning
from glmmlab.inference.components import (
    EXPECTED,
    axis_name,
    component_notes,
    limits_inside,
    quantity_of,
    range_of_mean,
    which_mean_in_brief,
)
from glmmlab.inference.contrasts import plain_label
from glmmlab.inference.drawn import drawn_frame
from glmmlab.inference.estimate_table import EstimateTable
from glmmlab.inference.expected_response import expected_response
from glmmlab.inference.letter_table import LetterDisplay, letter_table
from glmmlab.inference.linear import DegreesOfFreedom, LinearEstimates
from glmmlab.inference.model_parts import (
    conditional_mean,
    default_df,
    linear_part,
    prior_weights,
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
    interaction_cautions,
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
    mixed : bool
        Whether the model has random effects; the means are taken at zero.
    which_mean : str
        What the label of an axis says beside the response, ", zeros included" say.
    bounds : tuple of float, or None
        Range of means on the response scale whose limits are taken on the logit scale inside it.

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

    mixed: bool = False
    which_mean: str = ""
    bounds: tuple[float, float] | None = None

    def _bounded(self) -> bool:
        return self.bounds is not None and not self.scale_name

    def _interval_frame(
        self, level: float, adjust: str, side: str, seed: Seed
    ) -> tuple[pd.DataFrame, tuple[str, ...]]:
        frame, notes = super()._interval_frame(level, adjust, side, seed)
        if self._bounded():
            names = [self._own(name) for name in ("lower", "upper")]
            symmetric = (frame[name].to_numpy(float) for name in names)
            limits = limits_inside(self.bounds, self.linear.estimate, *symmetric)  # type: ignore[arg-type]
            frame[names[0]], frame[names[1]] = limits
        return frame, notes

    def _scale_notes(self, tests: bool = False) -> tuple[str, ...]:
        first, *others = super()._scale_notes(tests)
        if self._bounded() and not tests:
            first = f"{first.rstrip('.')}: limits by the delta method on the logit scale."
        return (first, *others)

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

        frame = drawn_frame(self)
        shared = ""
        if letters is not False:
            options.setdefault("letters", self._own("group"))
            display = self.cld(level=self.level) if letters is True else letters
            named = [*self.factors, *self.by, self._own("group")]
            frame = frame.merge(display.frame[named], sort=False)
            shared = f"; letters compare within each {' and '.join(self.by)}" if self.by else ""
        by = self._one_panel_column(frame)
        options |= {name: self._own(name) for name in ("estimate", "lower", "upper")}
        options.setdefault("ylabel", self.axis_label())
        at_zero = " (random effects 0)" if self.mixed else ""
        bare = " (none without a finite estimate)" if self.linear.separated.any() else ""
        interval = f"{100 * self.level:g} % Wald interval{bare}"
        options.setdefault("caption", f"population mean{at_zero}, {interval}{shared}")
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
        """Response, which of its means, and scale, for an axis of a figure."""
        if self._on_response():
            name = self.transformation.target or self.response  # type: ignore[union-attr]
            return f"{name}{self.which_mean} (response scale)"
        scale = f" ({self.scale_name} scale)" if self.scale_name else " (response scale)"
        kept = self.kept_response and not self.scale_name
        return f"{self.response}{self.which_mean}{'' if kept else scale}"


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
        family), each with its own link; ``response``: E(y), zero inflation included (for
        ordered beta, whose conditional mean is that of the values between 0 and 1: zeros and
        ones included), and ``cmean``: E(y) without it (of the counts above zero where they are
        truncated), both averaged on the response scale.  Where y lies between 0 and 1 their
        limits are taken on the logit scale, so that they do, too.
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
    if component in EXPECTED:
        part, grid = expected_response(estimate, at, offset, component == "response")
    else:
        part = linear_part(estimate, component, cov)
        grid = build_grid([part.fixed], estimate.design.data, prior_weights(estimate), at)
        part = conditional_mean(part, grid, offset)
    check_names([n for n in (*factors, *panels_) if n != OVERALL], grid, estimate)
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
            *component_notes(estimate, component),
            *averaging_context(
                estimate, grid, kept, weights, part, bias_sigma, offset is not None
            ),
        ),
        quantity_of(component),
        axis_name(estimate, component), part.scale_name,
        cautions=interaction_cautions(part, grid, kept),
        mixed=bool(estimate.design.random),
        kept_response=part.kept_response,
        which_mean=which_mean_in_brief(estimate, component),
        bounds=range_of_mean(estimate, component),
    )  # fmt: skip
    _warn_outside(table)
    return table


def _warn_outside(table: EMMeans) -> None:
    if not table._on_response():
        return
    lost = table.linear.estimable & ~np.isfinite(table._values()[0])
    if lost.any():
        rows = table.linear.labels[lost].itertuples(index=False)
        cells = "; ".join(" ".join(map(plain_label, row)) for row in rows)
        warn(
            ExtrapolationWarning(
                f"The inverse of the {table.scale_name} link is not defined at the linear "
                f"predictor of: {cells}. Their means are missing; look at type='link'."
            )
        )


__all__ = ["EMMeans", "Transformation", "emmeans"]
