"""Figures of residuals in time and space."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from glmmlab._types import FloatArray, IntArray
from glmmlab.plots import style
from glmmlab.plots.residuals import THIN_ABOVE, hexagons
from glmmlab.plots.style import styled

Note = tuple[str, bool]

JOINED_UP_TO = 250
"""With more rows the residuals over time are not joined; their moving mean is drawn instead."""


@styled
def plot_series(
    time: FloatArray,
    r: FloatArray,
    notes: Sequence[Note] = (),
    ax: Axes | None = None,
    xlabel: str = "Time",
    title: str = "Residuals in the order of time",
    codes: IntArray | None = None,
) -> Axes:
    """Scaled residuals over time with lines at the quartiles.

    Parameters
    ----------
    time, r : ndarray, shape (nobs,)
        In the order of time.
    notes : sequence of (text, significant)
    ax : Axes, optional
    xlabel, title : str
    codes : ndarray, shape (nobs,), optional
        Series of every row; rows of different ones are not joined.

    Returns
    -------
    Axes
        Up to 250 rows are joined; above, a line shows their moving mean.  Above 4,000 rows the
        points are hexagonal bins.  Notes say so.
    """
    ax = style.axes_or_new(ax, (6.4, 3.2))
    for q in (0.25, 0.5, 0.75):
        ax.axhline(q, color=style.DATA, lw=0.9, ls=(0, (2, 2)), zorder=0.5)
    n = len(r)
    lines = list(notes)
    if n <= JOINED_UP_TO:
        series = np.zeros(n) if codes is None else codes
        for one in np.unique(series):
            rows = series == one
            ax.plot(time[rows], r[rows], color=style.DATA, lw=0.9, alpha=0.8)
        ax.plot(time, r, ls="none", marker=".", ms=5, color=style.DATA)
    else:
        if n > THIN_ABOVE:
            lines.append((hexagons(ax, time, r, (60, 15)), False))
        else:
            ax.plot(time, r, ls="none", marker=".", ms=3.5, color=style.DATA, alpha=0.6)
        width = n // 40 * 2 + 1
        middle = slice(width // 2, n - width // 2)
        ax.plot(time[middle], moving_mean(r, width), color="white", lw=3.2, alpha=0.8)
        ax.plot(time[middle], moving_mean(r, width), color=style.INK, lw=1.6)
        lines.append((f"Line: mean of {style.thousands(width)} residuals in a row", False))
    ax.set(ylim=(-0.04, 1.04), yticks=[0, 0.25, 0.5, 0.75, 1])
    style.axis_labels(ax, xlabel, "Scaled residual")
    style.heading(ax, title, lines)
    return ax


def moving_mean(r: FloatArray, width: int) -> FloatArray:
    """Means of ``width`` neighbours, (nobs - width + 1,).

    Examples
    --------
    >>> moving_mean(np.array([1.0, 2.0, 6.0]), 2).tolist()
    [1.5, 4.0]
    """
    total = np.concatenate([[0.0], np.cumsum(r)])
    return (total[width:] - total[:-width]) / width


def autocorrelations(r: FloatArray, lags: int, sizes: Sequence[int] | None = None) -> FloatArray:
    """Autocorrelations at lags 0 ... ``lags``, along the last axis.

    Series of ``sizes`` rows follow each other; each has its own mean, and rows of different
    series are never compared.

    Examples
    --------
    >>> autocorrelations(np.array([1.0, -1.0, 1.0, -1.0]), 1).tolist()
    [1.0, -0.75]
    >>> autocorrelations(np.array([1.0, -1.0, 6.0, 4.0]), 1, [2, 2]).tolist()
    [1.0, -0.5]
    """
    products = np.zeros((*r.shape[:-1], lags + 1))
    for one in np.split(r, np.cumsum([r.shape[-1]] if sizes is None else sizes)[:-1], axis=-1):
        e = one - one.mean(axis=-1, keepdims=True)
        n = e.shape[-1]
        for k in range(min(lags + 1, n)):
            products[..., k] += np.sum(e[..., : n - k] * e[..., k:], axis=-1)
    return np.asarray(products / products[..., :1])


@styled
def plot_acf(
    r: FloatArray,
    ax: Axes | None = None,
    title: str = "Autocorrelation of the residuals",
    sizes: Sequence[int] | None = None,
    sets: FloatArray | None = None,
) -> Axes:
    """Autocorrelation function with the 95 % limits of independent residuals.

    Parameters
    ----------
    r : ndarray, shape (nobs,)
        In the order of time.
    ax : Axes, optional
    title : str
    sizes : sequence of int, optional
        Rows of each of several series, which follow each other in ``r``.
    sets : ndarray, shape (nsim, nobs), optional
        Residuals of simulated data sets: the limits are then theirs.
    """
    ax = style.axes_or_new(ax, (6.4, 3.2))
    n = len(r)
    longest = max(sizes or [n]) - 1
    lags = min(longest, int(10 * np.log10(n)) if n > 10 else longest)
    values = autocorrelations(r, lags, sizes)[1:]
    low, high = np.outer([-1.96 / np.sqrt(n), 1.96 / np.sqrt(n)], np.ones(lags))
    if sets is not None:
        low, high = np.quantile(autocorrelations(sets, lags, sizes)[:, 1:], [0.025, 0.975], axis=0)
    at = np.arange(1, lags + 1)
    beyond = (values < low) | (values > high)
    if sets is None:
        ax.axhspan(low[0], high[0], color=style.PALE, alpha=0.7, lw=0)
    else:
        ax.bar(at, high - low, 1.0, low, color=style.PALE, alpha=0.7, lw=0)
    ax.axhline(0, color=style.DATA, lw=0.8)
    for mask, colour, marker in ((~beyond, style.DATA, "o"), (beyond, style.WRONG, "D")):
        ax.vlines(at[mask], 0, values[mask], color=colour, lw=1.6)
        ax.plot(at[mask], values[mask], ls="none", marker=marker, ms=4, color=colour)
    limit = float(np.abs([low, high]).max())
    reach = max(1.15 * float(np.abs(values).max()), 1.4 * limit)
    ax.set_ylim(-reach, reach)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    style.axis_labels(ax, "Lag", "Autocorrelation")
    count = int(beyond.sum())
    chance = f"{0.05 * lags:.1f}"
    text = f"{count} of {lags} lags beyond the band (diamonds); {chance} are expected by chance"
    style.heading(ax, title, [(text, False)])
    return ax


@styled
def plot_map(
    x: FloatArray,
    y: FloatArray,
    r: FloatArray,
    notes: Sequence[Note] = (),
    ax: Axes | None = None,
    xlabel: str = "x",
    ylabel: str = "y",
    title: str = "Residuals in space",
) -> Axes:
    """Map of scaled residuals: filled circles above 1/2, open ones below, larger = further away.

    Parameters
    ----------
    x, y, r : ndarray, shape (nobs,)
    notes : sequence of (text, significant)
    ax : Axes, optional
    xlabel, ylabel, title : str

    Returns
    -------
    Axes
        Above 4,000 rows: means of the residuals in hexagonal bins, and a note says so.
    """
    ax = style.axes_or_new(ax, (5.2, 4.8))
    style.axis_labels(ax, xlabel, ylabel)
    ax.set_aspect("equal", adjustable="box")
    ax.margins(0.08)
    many = len(r) > THIN_ABOVE
    legend = _map_of_bins(ax, x, y, r) if many else _map_of_rows(ax, x, y, r)
    style.heading(ax, title, [*notes, (legend, False)])
    return ax


def _map_of_rows(ax: Axes, x: FloatArray, y: FloatArray, r: FloatArray) -> str:
    """One circle a row; what the circles mean."""
    base = float(np.clip(45_000 / max(len(r), 1), 10, 160))
    size = base * (0.08 + 2 * np.abs(r - 0.5))
    high = r >= 0.5
    ax.scatter(x[high], y[high], s=size[high], color=style.RANDOM, lw=0, alpha=0.9)
    ax.scatter(x[~high], y[~high], s=size[~high], facecolor="none", edgecolor=style.FIXED, lw=1.1)
    return "Filled: above 1/2, open: below; larger: further away"


def _map_of_bins(ax: Axes, x: FloatArray, y: FloatArray, r: FloatArray) -> str:
    """Mean residual of hexagonal bins, dark where high; what pale and dark mean."""
    bins = ax.hexbin(x, y, C=r, gridsize=28, cmap="Blues", linewidths=0.1)
    means = np.asarray(bins.get_array())
    reach = max(0.1, float(np.quantile(np.abs(means - 0.5), 0.98)))
    bins.set_clim(0.5 - reach, 0.5 + reach)
    return (
        f"{style.thousands(len(r))} rows, mean residual in bins: "
        f"pale {0.5 - reach:.2f}, dark {0.5 + reach:.2f}"
    )


@styled
def plot_neighbours(
    r: FloatArray,
    means: FloatArray,
    notes: Sequence[Note] = (),
    significant: bool = False,
    ax: Axes | None = None,
    ylabel: str = "Weighted mean of the neighbours",
    title: str = "Residuals and their neighbours",
) -> Axes:
    """Each residual against the mean of its neighbours (by 1 / distance), and a line between them.

    The slope of the line is Moran's I: it rises where neighbours are alike.

    Parameters
    ----------
    r, means : ndarray, shape (nobs,)
    notes : sequence of (text, significant)
    significant : bool
        Whether the slope deviates: the line is then vermilion and dashed.
    ax : Axes, optional
    ylabel, title : str

    Returns
    -------
    Axes
        Above 4,000 rows the points are hexagonal bins, and a note says so.

    Examples
    --------
    >>> ax = plot_neighbours(np.array([0.1, 0.5, 0.9]), np.array([0.4, 0.5, 0.6]))
    >>> ax.get_lines()[-1].get_ydata().round(2).tolist()
    [0.37, 0.63]
    """
    ax = style.axes_or_new(ax, (5.2, 4.8))
    lines = list(notes)
    if len(r) > THIN_ABOVE:
        lines.append((hexagons(ax, r, means, (36, 21)), False))
    else:
        ax.scatter(r, means, s=18, color=style.DATA, alpha=0.8, lw=0)
    away = r - r.mean()
    slope = float(away @ means / (away @ away))
    ends = np.array([-0.04, 1.04])
    line = means.mean() + slope * (ends - r.mean())
    ax.axhline(float(means.mean()), color=style.DATA, lw=0.9, ls=(0, (2, 2)), zorder=0.5)
    ax.plot(ends, line, color="white", lw=3.4, alpha=0.8)
    ax.plot(
        ends,
        line,
        color=style.WRONG if significant else style.INK,
        ls=style.WRONG_DASH if significant else "-",
        lw=1.9,
    )
    ax.set(xlim=ends, xticks=[0, 0.25, 0.5, 0.75, 1])
    style.axis_labels(ax, "Scaled residual", ylabel)
    lines.append(("Slope of the line: Moran's I", False))
    style.heading(ax, title, lines)
    return ax
