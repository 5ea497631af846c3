"""Histograms of a statistic over simulated data sets, with the observed value as a line."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from glmmlab._types import FloatArray
from glmmlab.plots import style
from glmmlab.plots.style import styled

Note = tuple[str, bool]


@styled
def plot_simulated_statistic(
    simulated: FloatArray,
    observed: float,
    notes: Sequence[Note] = (),
    significant: bool = False,
    wrong: bool = False,
    ax: Axes | None = None,
    xlabel: str = "Statistic of simulated data sets",
    title: str = "Simulated statistic",
) -> Axes:
    """Distribution of a statistic in simulated data sets, and its value in the data.

    Parameters
    ----------
    simulated : ndarray, shape (nsim,)
    observed : float
        Drawn as a vertical line with the word "observed".
    notes : sequence of (text, significant)
        Lines above the axes.
    significant : bool
        Whether the observed value deviates: the line is then vermilion and dashed.
    wrong : bool
        A model that is wrong on purpose: its histogram is vermilion and hatched, not green.
    ax : Axes, optional
        Pass two axes that share x to compare two models.
    xlabel, title : str

    Examples
    --------
    >>> ax = plot_simulated_statistic(np.linspace(0.8, 1.2, 50), 1.1)
    >>> ax.get_ylabel()
    'Simulated data sets'
    """
    ax = style.axes_or_new(ax, (6.4, 3.8))
    colour = style.WRONG if wrong else style.ASSUMED
    ax.hist(
        simulated,
        bins=_bins(simulated),
        color=colour,
        alpha=0.45,
        edgecolor="white",
        linewidth=0.5,
        hatch="///" if wrong else None,
    )
    top = ax.get_ylim()[1] * 1.16
    ax.vlines(
        observed,
        0,
        top * 0.92,
        color=style.WRONG if significant else style.DATA,
        lw=2.2,
        ls=style.WRONG_DASH if significant else "-",
    )
    _room_for(ax, simulated, observed)
    left, right = ax.get_xlim()
    near_right = observed > left + 0.72 * (right - left)
    ax.annotate(
        "observed",
        (observed, top * 0.92),
        xytext=(-4 if near_right else 4, 0),
        textcoords="offset points",
        ha="right" if near_right else "left",
        va="bottom",
        fontsize=style.SMALL,
        color=style.WRONG if significant else style.DATA,
        weight="bold" if significant else "normal",
    )
    ax.set_ylim(0, top)
    style.axis_labels(ax, xlabel, "Simulated data sets")
    style.heading(ax, title, notes)
    return ax


def _bins(values: FloatArray) -> list[float] | int:
    """One bin a value for few counts, else about 30 of whole width."""
    whole = np.all(values == np.rint(values))
    low, high = float(values.min()), float(values.max())
    if not whole:
        return min(30, max(10, len(values) // 8))
    step = max(1, int(np.ceil((high - low + 1) / 30)))
    return [float(v) for v in np.arange(low - 0.5, high + step + 0.5, step)]


def _room_for(ax: Axes, simulated: FloatArray, observed: float) -> None:
    """Limits that show all simulations and the observed value, without shrinking shared axes."""
    low = min(float(simulated.min()), observed)
    high = max(float(simulated.max()), observed)
    pad = 0.05 * (high - low) or 0.5
    left, right = ax.get_xlim()
    ax.set_xlim(min(left, low - pad), max(right, high + pad))
