"""Figures of residuals in time and space."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from glmmlab._types import FloatArray
from glmmlab.plots import style
from glmmlab.plots.style import styled

Note = tuple[str, bool]


@styled
def plot_series(
    time: FloatArray,
    r: FloatArray,
    notes: Sequence[Note] = (),
    ax: Axes | None = None,
    xlabel: str = "Time",
    title: str = "Residuals in the order of time",
) -> Axes:
    """Scaled residuals over time, joined, with lines at the quartiles.

    Parameters
    ----------
    time, r : ndarray, shape (nobs,)
        In the order of time.
    notes : sequence of (text, significant)
    ax : Axes, optional
    xlabel, title : str
    """
    ax = style.axes_or_new(ax, (6.4, 3.2))
    for q in (0.25, 0.5, 0.75):
        ax.axhline(q, color=style.DATA, lw=0.9, ls=(0, (2, 2)), zorder=0.5)
    many = len(r) > 400
    ax.plot(time, r, color=style.DATA, lw=0.5 if many else 0.9, alpha=0.8)
    if not many:
        ax.plot(time, r, ls="none", marker=".", ms=5, color=style.DATA)
    ax.set(ylim=(-0.04, 1.04), yticks=[0, 0.25, 0.5, 0.75, 1])
    style.axis_labels(ax, xlabel, "Scaled residual")
    style.heading(ax, title, notes)
    return ax


def autocorrelations(r: FloatArray, lags: int) -> FloatArray:
    """Autocorrelations at lags 0 ... ``lags``.

    Examples
    --------
    >>> autocorrelations(np.array([1.0, -1.0, 1.0, -1.0]), 1).tolist()
    [1.0, -0.75]
    """
    e = r - r.mean()
    total = float(e @ e)
    return np.array([float(e[: len(e) - k] @ e[k:]) / total for k in range(lags + 1)])


@styled
def plot_acf(
    r: FloatArray,
    ax: Axes | None = None,
    title: str = "Autocorrelation of the residuals",
) -> Axes:
    """Autocorrelation function with the 95 % limits of independent residuals.

    Parameters
    ----------
    r : ndarray, shape (nobs,)
        In the order of time.
    ax : Axes, optional
    title : str
    """
    ax = style.axes_or_new(ax, (6.4, 3.2))
    n = len(r)
    lags = min(n - 1, int(10 * np.log10(n)) if n > 10 else n - 1)
    values = autocorrelations(r, lags)[1:]
    limit = 1.96 / np.sqrt(n)
    at = np.arange(1, lags + 1)
    beyond = np.abs(values) > limit
    ax.axhspan(-limit, limit, color=style.PALE, alpha=0.7, lw=0)
    ax.axhline(0, color=style.DATA, lw=0.8)
    for mask, colour, marker in ((~beyond, style.DATA, "o"), (beyond, style.WRONG, "D")):
        ax.vlines(at[mask], 0, values[mask], color=colour, lw=1.6)
        ax.plot(at[mask], values[mask], ls="none", marker=marker, ms=4, color=colour)
    reach = max(1.15 * float(np.abs(values).max()), 1.4 * limit)
    ax.set_ylim(-reach, reach)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    style.axis_labels(ax, "Lag", "Autocorrelation")
    count = int(beyond.sum())
    text = f"Band: 95 % if independent; {count} of {lags} lags beyond"
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
    """
    ax = style.axes_or_new(ax, (5.2, 4.8))
    base = float(np.clip(4000 / max(len(r), 1), 6, 160))
    size = base * (0.08 + 2 * np.abs(r - 0.5))
    high = r >= 0.5
    ax.scatter(x[high], y[high], s=size[high], color=style.RANDOM, lw=0, alpha=0.9)
    ax.scatter(x[~high], y[~high], s=size[~high], facecolor="none", edgecolor=style.FIXED, lw=1.1)
    style.axis_labels(ax, xlabel, ylabel)
    ax.set_aspect("equal", adjustable="box")
    ax.margins(0.08)
    legend = ("Filled: above 1/2, open: below; larger: further away", False)
    style.heading(ax, title, [*notes, legend])
    return ax
