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

from glmmlab._types import FloatArray, Seed
from glmmlab.errors import UnknownColumnError, UnknownNameError
from glmmlab.inference.contrasts import plain_label
from glmmlab.inference.estimate_table import EstimateTable
from glmmlab.inference.letter_table import LetterDisplay, letter_table
from glmmlab.inference.linear import DegreesOfFreedom, LinearEstimates, panels
from glmmlab.inference.model_parts import (
    ModelPart,
    conditional_mean,
    default_df,
    expected_response,
    linear_part,
    prior_weights,
    response_name,
)
from glmmlab.inference.nesting import nesting_note, with_nests
from glmmlab.inference.reference_grid import (
    ReferenceGrid,
    averaging_matrix,
    build_grid,
)
from glmmlab.inference.result_table import check_type, names_of
from glmmlab.inference.transformation import Transformation

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from glmmlab.estimate.result import Estimate


@dataclass(frozen=True, repr=False, eq=False)
class EMMeans(EstimateTable):
    """Estimated marginal means, ready for comparisons.

    Made by :func:`emmeans` (``fit.emmeans(...)``).

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

    def cld(
        self,
        level: float = 0.95,
        adjust: str = "tukey",
        alpha: float | None = None,
        reversed: bool = False,
        sweep: bool = False,
        seed: Seed = 0,
    ) -> LetterDisplay:
        """Compact letter display: rows of a by-group that share a letter do not differ.

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
            A DataFrame: this frame, ascending by estimate, plus ``group``.

        Notes
        -----
        Insert-absorb algorithm of Piepho (2004, J. Comput. Graph. Statist. 13:456-466).  A shared
        letter says that no difference was found, not that there is none.
        """
        return letter_table(self, level, adjust, alpha, reversed, sweep, seed)

    def pvalue_matrix(self, adjust: str = "tukey", seed: Seed = 0) -> dict[str, pd.DataFrame]:
        """Pairwise p-values as a square table, one a by-group (key: its values).

        Diagonal: the estimates.  Above it: adjusted p-values.  Below it: row minus column
        (ratios on the response scale of log and logit models).
        """
        comparisons = self.pairs(adjust=adjust, seed=seed).frame
        result, start = {}, 0
        estimate = self.frame["estimate"].to_numpy()
        for key, index in panels(self.linear.labels, self.by):
            inside = self.linear.labels.iloc[index][list(self.factors)]
            names = [" ".join(map(plain_label, row)) for row in inside.itertuples(index=False)]
            k = len(names)
            above = np.triu_indices(k, 1)
            part = comparisons.iloc[start : start + len(above[0])]
            start += len(above[0])
            square = np.diag(estimate[index])
            square[above] = part["p"]
            square[above[1], above[0]] = part["estimate"]
            label = ", ".join(map(plain_label, key))
            result[label] = pd.DataFrame(square, index=names, columns=names)
        return result

    def plot(self, ax: Axes | None = None, letters: bool = False, **options: Any) -> Axes:
        """Means with their intervals on an Axes (see :func:`glmmlab.plots.means.plot_means`).

        Parameters
        ----------
        ax : Axes, optional
        letters : bool
            Write the letters of :meth:`cld` above the intervals.
        **options
            Passed on: ``order``, ``raw``, ``raw_value``, ``ylabel``, ``title``, ``caption``.
        """
        from glmmlab.plots.means import plot_means

        frame = self.frame.copy()
        if letters:
            options.setdefault("letters", "group")
            display = self.cld(level=self.level).frame
            frame = frame.merge(display[[*self.factors, *self.by, "group"]], sort=False)
        by = None
        if self.by:
            by = self.by[0]
            if len(self.by) > 1:
                by = " : ".join(self.by)
                rows = frame[list(self.by)].itertuples(index=False)
                frame[by] = [" : ".join(map(plain_label, row)) for row in rows]
        options.setdefault("ylabel", self.axis_label())
        options.setdefault(
            "caption", f"population mean (random effects 0), {100 * self.level:g} % Wald interval"
        )
        return plot_means(frame, factors=list(self.factors), by=by, ax=ax, **options)

    def axis_label(self) -> str:
        """Response and scale, for an axis of a figure."""
        if self._on_response() or not self.scale_name:
            return f"{self.response} (response scale)"
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
        and ``"a | c"`` (by c) work as in R.
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
        family), each with its own link; ``response``: E(y), zero inflation included, averaged
        on the response scale.
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
    if component == "response":
        part, grid = expected_response(estimate, at, offset)
    else:
        part = linear_part(estimate, component, cov)
        grid = build_grid([part.fixed], estimate.design.data, prior_weights(estimate), at)
        part = conditional_mean(part, grid, offset)
    check_names((*factors, *panels_), grid)
    factors = with_nests(factors, panels_, grid.nesting)
    matrix, labels = averaging_matrix(grid, (*factors, *panels_), weights)
    degrees = df if df is not None else default_df(estimate, component)
    linear = LinearEstimates(
        labels, matrix @ part.rows, part.params, part.cov, matrix @ part.offset, degrees,
        part.null_basis,
    )  # fmt: skip
    transformation = part.transformation
    if bias_sigma is not None and transformation is not None:
        transformation = transformation.bias_adjusted(float(bias_sigma))
    table = EMMeans(
        linear, factors, panels_, transformation, type, level,
        (
            *_component_note(estimate, component),
            *averaging_context(estimate, grid, (*factors, *panels_), weights, part, bias_sigma),
        ),
        _quantity(component),
        response_name(estimate), part.scale_name,
        caution=interaction_caution(part, grid, (*factors, *panels_)),
    )  # fmt: skip
    _warn_outside(table)
    return table


def split_specs(
    specs: str | Sequence[str], by: str | Sequence[str] | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Factors and panels from names, or from R's ``~ a * b | c``."""
    panels_ = list(names_of(by))
    factors: list[str] = []
    for text in names_of(specs):
        left, _, right = text.partition("|")
        factors += [
            n.strip() for n in left.lstrip("~ ").replace("+", "*").replace(":", "*").split("*")
        ]
        panels_ += [n.strip() for n in right.replace("+", "*").split("*") if n.strip()]
    factors = [n for n in dict.fromkeys(factors) if n and n not in panels_]
    if not factors:
        raise UnknownNameError("specs= names no predictor that is not also in by=.")
    return tuple(factors), tuple(dict.fromkeys(panels_))


def check_names(names: Sequence[str], grid: ReferenceGrid) -> None:
    for name in names:
        if name not in grid.values:
            raise UnknownColumnError(
                f"{name!r} is not a predictor of this part of the model; its predictors are "
                f"{', '.join(grid.values) or 'none'}."
            )


def _quantity(component: str) -> str:
    if component in ("conditional", "response"):
        return "Marginal means"
    return f"Marginal means ({component.replace('_', ' ')} part)"


def _component_note(estimate: Estimate, component: str) -> tuple[str, ...]:
    """Which of the means of a zero-inflated response these are."""
    if component == "response":
        return ("E(y), zero inflation included.",)
    if component == "conditional" and "zero_inflation" in estimate.auxiliary:
        return ("Mean of the conditional part, zero inflation not included.",)
    return ()


def averaging_context(
    estimate: Estimate,
    grid: ReferenceGrid,
    keep: Sequence[str],
    weights: str | Any,
    part: ModelPart,
    bias_sigma: float | None,
) -> tuple[str, ...]:
    """What the means are averaged over, on which scale, and where all else stands."""
    notes = []
    averaged = grid.averaged(keep)
    at_zero = "at random effects = 0" if estimate.design.random else ""
    if averaged:
        how = weights if isinstance(weights, str) else "custom"
        over = f"Averaged over {', '.join(averaged)} ({how} weights)"
        over += f" on the {part.averaging_scale} scale"
        notes.append(f"{over}, {at_zero}." if at_zero else f"{over}.")
    elif at_zero:
        notes.append(f"{at_zero.capitalize()}.")
    fixed = [n for n, v in grid.values.items() if len(v) == 1 and n not in keep]
    if fixed:
        values = ", ".join(f"{n} = {plain_label(grid.values[n][0])}" for n in fixed)
        notes.append(f"Held at {values}.")
    notes.extend(nesting_note(grid.nesting, list(grid.values)))
    if bias_sigma is not None:
        notes.append(f"Response adjusted for bias with sigma = {bias_sigma:.4g}.")
    return tuple(notes)


def interaction_caution(part: ModelPart, grid: ReferenceGrid, keep: Sequence[str]) -> str:
    """Averaging over a factor that interacts with a kept one can hide what matters."""
    averaged = set(grid.averaged(keep))
    for columns in part.term_columns:
        if columns & averaged and columns & set(keep):
            return (
                "Results may mislead: "
                f"{', '.join(sorted(columns & set(keep)))} interacts with "
                f"{', '.join(sorted(columns & averaged))}, which was averaged over."
            )
    return ""


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
