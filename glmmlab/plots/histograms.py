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
    bins = _bins(simulated, observed)
    far = np.ptp(simulated) < 0.08 * np.ptp(np.append(simulated, observed))
    ax.hist(
        simulated,
        bins=bins,
        color=colour,
        alpha=0.45,
        edgecolor=colour if far else "white",
        linewidth=1.2 if far else 0.5,
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
    names = [("observed", observed, style.WRONG if significant else style.DATA)]
    if far:  # a narrow histogram that could be taken for an artefact is named
        names.append(("simulated", float(np.mean(simulated)), style.INK))
    left, right = ax.get_xlim()
    for name, at, ink in names:
        near_right = at > left + 0.72 * (right - left)
        ax.annotate(
            name,
            (at, top * 0.92),
            xytext=(-4 if near_right else 4, 0),
            textcoords="offset points",
            ha="right" if near_right else "left",
            va="bottom",
            fontsize=style.SMALL,
            color=ink,
            weight="bold" if ink == style.WRONG else "normal",
        )
    ax.set_ylim(0, top)
    style.whole_numbers(ax.yaxis)
    if np.all(simulated == np.rint(simulated)):
        style.whole_numbers(ax.xaxis)
    style.axis_labels(ax, xlabel, "Simulated data sets")
    style.heading(ax, title, notes)
    return ax


def _bins(values: FloatArray, observed: float) -> list[float]:
    """Edges: one bin a value for few counts, else 10 to 30; fewer if they would be hair-thin.

    Where the observed value is far away, the simulations take up little of the axis: a bin is
    then at least a hundredth of it, so that the histogram can still be seen.
    """
    low, high = float(values.min()), float(values.max())
    thinnest = (max(high, observed) - min(low, observed)) / 100
    if np.all(values == np.rint(values)):
        step = max(1, int(np.ceil(max((high - low + 1) / 30, thinnest))))
        return [float(v) for v in np.arange(low - 0.5, high + step + 0.5, step)]
    if high == low:
        half = thinnest / 2 or 0.5
        return [low - half, low + half]
    most = min(30, max(10, len(values) // 8))
    count = max(1, min(most, int((high - low) / thinnest))) if thinnest > 0 else most
    middle, half = (low + high) / 2, max(high - low, thinnest) / 2
    return [float(v) for v in np.linspace(middle - half, middle + half, count + 1)]


def _room_for(ax: Axes, simulated: FloatArray, observed: float) -> None:
    """Limits that show all simulations and the observed value, without shrinking shared axes."""
    low = min(float(simulated.min()), observed)
    high = max(float(simulated.max()), observed)
    pad = 0.05 * (high - low) or 0.5
    left, right = ax.get_xlim()
    ax.set_xlim(min(left, low - pad), max(right, high + pad))
