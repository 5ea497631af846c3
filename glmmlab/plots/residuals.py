"""Figures of scaled residuals: plain arrays and axes in, axes out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy import special

from glmmlab._types import BoolArray, FloatArray
from glmmlab.plots import style
from glmmlab.plots.style import styled

Note = tuple[str, bool]
"""A line of text above the axes, and whether it reports a significant deviation."""

THIN_ABOVE = 4_000
"""More points than this are thinned (quantile plot) or binned into hexagons (scatter)."""
QUARTILES = (0.25, 0.5, 0.75)


@styled
def plot_qq(
    r: FloatArray,
    notes: Sequence[Note] = (),
    ax: Axes | None = None,
    title: str = "QQ plot of the residuals",
) -> Axes:
    """Sorted scaled residuals against the quantiles of the uniform distribution.

    Parameters
    ----------
    r : ndarray, shape (nobs,)
        Scaled residuals.
    notes : sequence of (text, significant)
        Test results, written above the axes: they never cover points or each other.
    ax : Axes, optional
    title : str

    Returns
    -------
    Axes
        Grey band: where each point of a right model lies with probability 95 % (the beta
        distribution of order statistics, rows independent).  Above 4,000 rows the points are
        thinned and a note says so.

    Examples
    --------
    >>> ax = plot_qq(np.linspace(0.01, 0.99, 50), [("Uniformity: p = 1", False)])
    >>> ax.get_xlim() == ax.get_ylim()
    True
    """
    ax = style.axes_or_new(ax, (4.8, 4.8))
    n = len(r)
    shown = _thinned(n)
    ordered = np.sort(r)
    expected = np.arange(1, n + 1) / (n + 1)
    order = shown + 1.0
    low = special.betaincinv(order, n + 1 - order, 0.025)
    high = special.betaincinv(order, n + 1 - order, 0.975)
    ax.fill_between(expected[shown], low, high, color=style.PALE, alpha=0.7, lw=0)
    ax.plot([0, 1], [0, 1], color=style.ASSUMED, lw=1.3)
    ax.plot(expected[shown], ordered[shown], ls="none", marker=".", ms=_size(n), color=style.DATA)
    ax.set(
        xlim=(-0.03, 1.03),
        ylim=(-0.03, 1.03),
    )
    style.axis_labels(ax, "Expected quantile (band: pointwise 95 %)", "Scaled residual")
    ax.set_aspect("equal", adjustable="box")
    lines = list(notes)
    if len(shown) < n:
        text = f"{style.thousands(len(shown))} of {style.thousands(n)} points drawn"
        lines.append((text, False))
    style.heading(ax, title, lines)
    return ax


def _thinned(n: int, most: int = THIN_ABOVE // 2) -> np.ndarray:
    """Positions drawn of n sorted values: all, or evenly spaced ones and both ends."""
    if n <= THIN_ABOVE:
        return np.arange(n)
    ends = np.r_[np.arange(50), np.arange(n - 50, n)]
    return np.unique(np.r_[ends, np.linspace(0, n - 1, most - 100).astype(int)])


def _size(n: int) -> float:
    return 7.0 if n <= 100 else 5.0 if n <= 1000 else 3.0


@styled
def plot_residuals(
    x: FloatArray,
    r: FloatArray,
    curves: pd.DataFrame | None = None,
    p_values: dict[float, float] | None = None,
    notes: Sequence[Note] = (),
    outliers_deviate: bool = False,
    ax: Axes | None = None,
    xlabel: str = "Fitted values (rank)",
    ylabel: str = "Scaled residual",
    title: str = "Residuals against fitted values",
    outside: BoolArray | None = None,
) -> Axes:
    """Scaled residuals against a numeric predictor, with three quantile curves.

    Parameters
    ----------
    x, r : ndarray, shape (nobs,)
        Predictor (usually rank transformed) and scaled residuals.
    curves : DataFrame, optional
        ``quantile, x, estimate, lower, upper``.
    p_values : dict, optional
        p-value of every quantile; a curve with p < 0.05 is vermilion, dashed, and named so.
    notes : sequence of (text, significant)
        Lines above the axes.
    outliers_deviate : bool
        Whether the outlier test is significant (outliers are then vermilion stars).
    ax : Axes, optional
    xlabel, ylabel, title : str
    outside : ndarray of bool, shape (nobs,), optional
        Rows outside all their simulations; by default those with a residual of exactly 0 or 1.

    Returns
    -------
    Axes
        Rows outside all simulations are stars.  Above 4,000 rows the points are hexagonal bins,
        and a note says so.
    """
    ax = style.axes_or_new(ax)
    lines = list(notes)
    if outside is None:
        outside = (r <= 0) | (r >= 1)
    if len(r) > THIN_ABOVE:
        lines.append((hexagons(ax, x, r, (36, 21)), False))
    else:
        ax.scatter(
            x[~outside], r[~outside], s=_size(len(r)) ** 2 / 2.2, color=style.DATA, alpha=0.75, lw=0
        )
    drawn = _draw_outliers(ax, x[outside], r[outside], outliers_deviate)
    if curves is not None:
        _draw_curves(ax, curves, p_values or {})
    else:
        for q in QUARTILES:
            ax.axhline(q, color=style.DATA, lw=0.9, ls=(0, (2, 2)), zorder=0.5)
    ax.set(ylim=(-0.04, 1.04), yticks=[0, 0.25, 0.5, 0.75, 1])
    style.axis_labels(ax, xlabel, ylabel)
    if outside.any():
        count = int(outside.sum())
        what = "row" if count == 1 else "rows"
        some = "" if drawn == count else f" ({style.thousands(drawn)} drawn)"
        text = f"★ {style.thousands(count)} {what} outside all simulations{some}"
        lines.append((text, outliers_deviate))
    style.heading(ax, title, lines)
    return ax


@styled
def grid_axes(count: int) -> list[Axes]:
    """Axes of a new figure in rows of at most three, with one common scale of residuals.

    Examples
    --------
    >>> len(grid_axes(4))
    4
    """
    columns = min(count, 2 if count in (2, 4) else 3)
    rows = -(-count // columns)
    figure = style.new_figure((min(4.2 * columns, 12.0), 3.7 * rows))
    return [figure.add_subplot(rows, columns, i + 1) for i in range(count)]


def hexagons(ax: Axes, x: FloatArray, y: FloatArray, gridsize: tuple[int, int]) -> str:
    """Points as hexagonal bins, dark where there are many, and a line of text that says so."""
    bins = ax.hexbin(x, y, gridsize=gridsize, cmap="Greys", mincnt=1, linewidths=0.1)
    # from no rows to three times the usual number: noise stays pale, clusters are dark
    bins.set_clim(0, 3 * float(np.median(np.asarray(bins.get_array()))))
    return f"{style.thousands(len(x))} rows in hexagonal bins, darker = more rows"


def _draw_outliers(ax: Axes, x: FloatArray, r: FloatArray, deviate: bool) -> int:
    """Stars, thinned when there are very many; how many were drawn."""
    if len(x) > THIN_ABOVE // 4:
        keep = np.linspace(0, len(x) - 1, THIN_ABOVE // 4).astype(int)
        x, r = x[keep], r[keep]
    colour = style.WRONG if deviate else style.DATA
    ax.scatter(
        x, r, marker="*", s=55 if len(x) < 60 else 16, color=colour, lw=0, zorder=4, clip_on=False
    )
    return len(x)


def _draw_curves(ax: Axes, curves: pd.DataFrame, p_values: dict[float, float]) -> None:
    """Curves with bands, dashed lines where they should be, and a label at the right end."""
    ends, labels = [], []
    for tau in curves["quantile"].unique().tolist():
        curve = curves[curves["quantile"] == tau]
        deviates = p_values.get(tau, 1.0) < 0.05
        colour = style.WRONG if deviates else style.INK
        ax.axhline(tau, color=style.DATA, lw=0.9, ls=(0, (2, 2)), zorder=1.5)
        x = curve["x"].to_numpy()
        ax.fill_between(
            x,
            *(np.clip(curve[c], -0.04, 1.04) for c in ("lower", "upper")),
            color="#B3B3B3",
            alpha=0.28,
            lw=0,
            zorder=0.4,
        )
        dash = style.WRONG_DASH if deviates else "-"
        # the pale line beneath keeps the curve readable on dense points
        ax.plot(x, curve["estimate"], color="white", lw=3.4, alpha=0.8, zorder=2.9)
        ax.plot(x, curve["estimate"], color=colour, ls=dash, lw=1.9, zorder=3)
        ends.append(float(np.clip(curve["estimate"].iloc[-1], 0, 1)))
        labels.append(
            (f"{tau:.0%}".replace("%", " %") + (" deviates" if deviates else ""), deviates)
        )
    gap = 1.35 * style.SMALL * style.points_high(ax, 1.08)
    for y, (text, deviates) in zip(style.spread_out(ends, gap), labels, strict=True):
        style.end_label(ax, y, text, style.WRONG if deviates else style.INK, bold=deviates)


@styled
def plot_residual_histogram(
    r: FloatArray,
    notes: Sequence[Note] = (),
    ax: Axes | None = None,
    title: str = "Distribution of the scaled residuals",
) -> Axes:
    """Histogram of scaled residuals in 52 bins of width 0.02.

    Residuals of exactly 0 and 1, the rows outside all simulations, have bins of their own at
    either end, hatched in vermilion and named.

    Parameters
    ----------
    r : ndarray, shape (nobs,)
    notes : sequence of (text, significant)
    ax : Axes, optional
    title : str
    """
    ax = style.axes_or_new(ax)
    values = np.where(r <= 0, -0.01, np.where(r >= 1, 1.01, r))
    counts, edges = np.histogram(values, bins=52, range=(-0.02, 1.02))
    bars = ax.bar(edges[:-1], counts, width=0.02, align="edge", color=style.PALE)
    for patch in (bars.patches[0], bars.patches[-1]):
        patch.set(facecolor="#F4CDB5", edgecolor=style.WRONG, hatch="//////")
    for patch in bars.patches[1:-1]:
        patch.set(edgecolor="white", linewidth=0.4)
    ax.axhline(len(r) / 50, color=style.ASSUMED, lw=1.4)
    top = max(float(counts.max()), len(r) / 50) * 1.08
    ax.set(xlim=(-0.03, 1.03), ylim=(0, top))
    style.whole_numbers(ax.yaxis)
    style.axis_labels(ax, "Scaled residual (hatched: outside all simulations)", "Rows")
    outside = style.thousands(int(counts[0] + counts[-1]))
    lines = [*notes, (f"Line: expected in every bin; {outside} outside all simulations", False)]
    style.heading(ax, title, lines)
    return ax
