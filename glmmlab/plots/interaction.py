"""Interaction plots: marginal means along one predictor, a line a level of another."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from pandas.api.types import is_numeric_dtype

from glmmlab.plots import style
from glmmlab.plots.means import categories_of, dodged, levels_of, positions_of
from glmmlab.plots.style import styled

CAPTION = "if the lines were parallel: no interaction on this scale"


@styled
def plot_interaction(
    frame: pd.DataFrame,
    *,
    x: str,
    trace: str | None = None,
    estimate: str = "estimate",
    lower: str | None = "lower",
    upper: str | None = "upper",
    xlabel: str | None = None,
    ylabel: str = "Estimate (link scale)",
    title: str | None = None,
    caption: str = CAPTION,
    dodge: float = 0.06,
    ax: Axes | None = None,
) -> Axes:
    """Marginal means along one predictor, one line a level of another (parallel: no interaction).

    Parameters
    ----------
    frame : DataFrame
        ``x``, ``trace``, ``estimate`` and, unless ``lower`` is None, the interval.  Where an
        estimate is infinite, the words "no finite estimate" stand at the edge.
    x : str
        Predictor along the x axis: a factor, or numbers, which keep their distances and carry
        bands instead of bars.
    trace : str, optional
        Factor of the lines, which are labelled at their right end and told apart by colour, dash
        pattern and marker.
    xlabel, ylabel, title, caption : str
        ``ylabel`` names the scale: lines that are parallel on one are not on another.
    dodge : float
        Sideways distance of the lines, in units of the distance between levels.
    ax : Axes, optional

    Returns
    -------
    Axes

    Examples
    --------
    >>> frame = pd.DataFrame({"dose": [0.0, 1.0, 3.0], "estimate": [0.2, 0.4, 0.5]})
    >>> plot_interaction(frame, x="dose", lower=None).get_xlabel()
    'dose'
    """
    ax = style.axes_or_new(ax)
    numeric = is_numeric_dtype(frame[x].dtype)
    categories = [] if numeric else categories_of(frame, [x], estimate, "factor")
    levels = levels_of(frame[trace]) if trace is not None else [None]
    ends, labels = [], []
    endless: dict[tuple[float, float], list[str]] = {}
    for i, level in enumerate(levels):
        part = frame if trace is None else frame[frame[trace] == level]
        if numeric:
            at = part[x].to_numpy(dtype=float)
        else:
            at = positions_of(part, categories, [x]) + dodged(i, len(levels), dodge)
        by_x = np.argsort(at)
        at, values = at[by_x], part[estimate].to_numpy(dtype=float)[by_x]
        colour = style.CYCLE[i % len(style.CYCLE)]
        if lower is not None and upper is not None:
            limits = part[[lower, upper]].to_numpy(dtype=float)[by_x].T
            if numeric:
                ax.fill_between(at, *limits, color=colour, alpha=0.18, lw=0)
            else:
                ax.vlines(at, *limits, color=colour, lw=1.4, alpha=0.8)
        dash = style.DASHES[i % len(style.DASHES)]
        marker = "" if len(at) > 12 else style.MARKERS[i % len(style.MARKERS)]
        ax.plot(at, values, color=colour, ls=dash, marker=marker, ms=6)
        for where in np.flatnonzero(np.isinf(values)):
            place = at[where] if numeric else np.round(at[where])
            endless.setdefault((float(place), float(values[where])), []).append(colour)
        drawn = values[np.isfinite(values)]  # means that cannot be estimated are left out
        if trace is not None and len(drawn):
            ends.append(float(drawn[-1]))
            labels.append((f"{trace} {level}", colour))
    for (place, way), colours in endless.items():  # once for all lines that end there
        style.no_estimate(ax, place, way, colours[0] if len(colours) == 1 else style.INK)
    ax.margins(y=0.08)
    _end_labels(ax, ends, labels)
    if not numeric:
        style.category_ticks(ax, categories)
        ax.set_xlim(-0.4, len(categories) - 0.6)
    style.axis_labels(ax, xlabel or x, ylabel)
    heading = title if title is not None else (f"{x} by {trace}" if trace else x)
    style.heading(ax, heading, [(caption, False)] if caption else [])
    return ax


@styled
def panel_axes(count: int) -> list[Axes]:
    """Axes of a new figure side by side, with one common scale."""
    wide = min(3.4 * count, 12.0)
    _, axes = plt.subplots(
        1, count, figsize=(wide, 4.0), sharey=True, layout="constrained", squeeze=False
    )
    return list(axes[0])


def _end_labels(ax: Axes, ends: Sequence[float], labels: Sequence[tuple[str, str]]) -> None:
    """Labels at the right edge, next to the ends of lines and clear of each other."""
    low, high = ax.get_ylim()
    height = ax.get_window_extent().height / ax.figure.dpi * 72
    gap = 1.4 * style.SMALL / max(height, 60) * (high - low)
    for y, (text, colour) in zip(style.spread_out(ends, gap), labels, strict=True):
        ax.annotate(
            text,
            (1, y),
            xycoords=("axes fraction", "data"),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            color=colour,
            fontsize=style.SMALL,
            weight="bold",
            annotation_clip=False,
        )
