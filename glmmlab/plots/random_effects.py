"""Random effects: conditional modes with their intervals, and how they shrink group means."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from glmmlab._types import FloatArray, IntArray
from glmmlab.errors import UnknownNameError
from glmmlab.plots import style
from glmmlab.plots.style import styled

MOST_LABELS = 60
"""Beyond this many levels their names are left out."""


@styled
def plot_caterpillar(
    frame: pd.DataFrame,
    *,
    group: str = "group",
    sort: bool = True,
    level: float = 0.95,
    scale: str = "link scale",
    ax: Axes | None = None,
) -> Any:
    """Conditional modes of one grouping factor, sorted, with intervals.

    Parameters
    ----------
    frame : DataFrame
        ``level, effect, mode, lower, upper``; one panel an effect.
    group : str
        Name of the grouping factor, for the titles.
    sort : bool
        By the mode of the first effect; otherwise in the order given.
    level : float
        Of the intervals, for the caption.
    scale : str
        Of the effects, for the axes.
    ax : Axes, optional
        For a single effect.

    Returns
    -------
    Axes for one effect, array of Axes for more

    Examples
    --------
    >>> frame = pd.DataFrame({"level": ["a", "b"], "effect": "Intercept", "mode": [-1.0, 1.0],
    ...                       "lower": [-2.0, 0.2], "upper": [0.0, 1.8]})
    >>> plot_caterpillar(frame, group="plot").get_xlabel()
    'Intercept (link scale)'
    """
    effects = list(dict.fromkeys(frame["effect"]))
    first = frame[frame["effect"] == effects[0]]
    order = first.sort_values("mode", kind="stable") if sort else first.iloc[::-1]
    levels = [str(v) for v in order["level"]]
    caption = f"{len(levels)} levels; modes with {level:.0%} intervals (pale: hold zero)"
    if ax is not None and len(effects) > 1:
        raise UnknownNameError("ax= takes one effect: choose it, or leave ax out.")
    if len(effects) == 1:
        height = float(np.clip(0.19 * len(levels) + 1.4, 2.6, 9.0))
        ax = style.axes_or_new(ax, (5.2, height))
        _caterpillar(ax, first, order, levels)
        style.axis_labels(ax, f"{effects[0]} ({scale})", group)
        style.heading(ax, f"Random effects of {group}", [(caption, False)])
        return ax
    height = float(np.clip(0.19 * len(levels) + 1.6, 2.8, 9.0))
    figure = style.new_figure((3.4 * len(effects), height))
    axes = figure.subplots(1, len(effects), sharey=True)
    for panel, effect in zip(axes, effects, strict=True):
        one = frame[frame["effect"] == effect]
        _caterpillar(panel, one, order, levels)
        panel.set_xlabel(f"{effect} ({scale})")
    axes[0].set_ylabel(group)
    by = f", sorted by {effects[0]}" if sort else ""
    figure.suptitle(f"Random effects of {group}. {caption}{by}", x=0.01, ha="left", fontsize=10)
    return axes


def _caterpillar(ax: Axes, one: pd.DataFrame, order: pd.DataFrame, levels: list[str]) -> None:
    rows = one.set_index("level").loc[list(order["level"])]
    mode, lower, upper = (rows[c].to_numpy(float) for c in ("mode", "lower", "upper"))
    y = np.arange(len(levels))
    apart = (lower > 0) | (upper < 0)
    ax.axvline(0.0, color=style.FIXED, lw=1.1, zorder=1)
    for which, alpha in ((apart, 1.0), (~apart, 0.65)):
        ax.hlines(y[which], lower[which], upper[which], color=style.RANDOM, lw=1.8, alpha=alpha)
        ax.scatter(mode[which], y[which], s=22, color=style.RANDOM, alpha=alpha, lw=0, zorder=3)
    _level_ticks(ax, levels)


def _level_ticks(ax: Axes, levels: list[str]) -> None:
    ax.set_ylim(-0.8, len(levels) - 0.2)
    if len(levels) <= MOST_LABELS:
        ax.set_yticks(range(len(levels)), levels, fontsize=style.SMALL)
        style.literal_ticks(ax.yaxis)
    else:
        ax.set_yticks([])
    ax.tick_params(axis="y", length=0)


@styled
def plot_shrinkage(
    frame: pd.DataFrame,
    *,
    group: str = "group",
    xlabel: str = "Mean of the response",
    ax: Axes | None = None,
) -> Axes:
    """Observed means of groups, and where the model draws them.

    Parameters
    ----------
    frame : DataFrame
        Indexed by level: ``rows, observed, conditional, population``.
    group : str
        Name of the grouping factor.
    xlabel : str
    ax : Axes, optional

    Examples
    --------
    >>> frame = pd.DataFrame({"rows": [5, 2], "observed": [3.0, 9.0], "conditional": [3.5, 7.0],
    ...                       "population": [5.0, 5.0]}, index=["a", "b"])
    >>> plot_shrinkage(frame, group="plot").get_ylabel()
    'plot'
    """
    shown = frame.rename_axis(None).sort_values("observed", kind="stable")
    levels = [str(v) for v in shown.index]
    height = float(np.clip(0.19 * len(levels) + 1.6, 2.8, 9.0))
    ax = style.axes_or_new(ax, (5.6, height))
    y = np.arange(len(levels))
    observed, conditional, population = (
        shown[c].to_numpy(float) for c in ("observed", "conditional", "population")
    )
    _population_line(ax, population, y)
    ax.hlines(y, observed, conditional, color=style.RANDOM, lw=1.6, zorder=2)
    ax.scatter(
        observed, y, s=30, facecolor="none", edgecolor=style.DATA, lw=1.2, zorder=3,
        label="observed mean",
    )  # fmt: skip
    ax.scatter(
        conditional, y, s=30, color=style.RANDOM, lw=0, zorder=4, label="conditional on the modes"
    )
    _level_ticks(ax, levels)
    style.axis_labels(ax, xlabel, group)
    notes = [(f"{len(levels)} levels; line: how far the model draws a mean", False)]
    style.heading(ax, f"Shrinkage of {group}", notes, legend=True)
    return ax


def _population_line(ax: Axes, population: FloatArray, y: IntArray) -> None:
    label = "typical group (b = 0)"
    if np.ptp(population) <= 1e-9 * max(1.0, float(np.abs(population).max())):
        ax.axvline(float(population[0]), color=style.FIXED, lw=1.2, zorder=1, label=label)
    else:
        ax.scatter(
            population, y, marker="|", s=60, color=style.FIXED, lw=1.6, zorder=2, label=label
        )
