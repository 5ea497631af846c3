"""Profile likelihoods: the signed root of the fall of the likelihood against each parameter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from glmmlab.errors import UnknownNameError
from glmmlab.plots import style
from glmmlab.plots.style import styled


@styled
def plot_profiles(
    frame: pd.DataFrame,
    limits: pd.DataFrame,
    names: Sequence[str] | None = None,
    *,
    cut: float = 1.959964,
    level: float = 0.95,
    ax: Axes | None = None,
) -> Any:
    """One panel a parameter: zeta, its interval, and the straight line a Wald interval assumes.

    Parameters
    ----------
    frame : DataFrame
        ``parameter, value, zeta``, values ascending.
    limits : DataFrame
        ``estimate, lower, upper`` by parameter.
    names : sequence of str, optional
        Parameters to show; all when left out.
    cut : float
        The quantile where the limits lie.
    level : float
        Their confidence level, for the caption.
    ax : Axes, optional
        Allowed for one parameter.

    Returns
    -------
    Axes for one parameter, array of Axes for more

    Examples
    --------
    >>> frame = pd.DataFrame({"parameter": "x", "value": [-2.0, 0, 2], "zeta": [-2.0, 0, 2]})
    >>> limits = pd.DataFrame({"estimate": 0.0, "lower": -1.96, "upper": 1.96}, index=["x"])
    >>> plot_profiles(frame, limits).get_xlabel()
    'x'
    """
    shown = list(limits.index if names is None else names)
    shown = [name for name in shown if (frame["parameter"] == name).sum() > 1]
    if not shown:
        raise UnknownNameError("there is no profile to draw: no parameter has more than a point.")
    if len(shown) == 1:
        ax = style.axes_or_new(ax, (4.8, 3.8))
        _panel(ax, frame, limits, shown[0], cut)
        style.axis_labels(ax, shown[0], "ζ, signed root of the likelihood ratio")
        style.heading(ax, f"Profile of {shown[0]}", [(_caption(level), False)])
        return ax
    if ax is not None:
        raise UnknownNameError("ax= takes one parameter: name it, or leave ax out.")
    columns = min(3, len(shown))
    rows = -(-len(shown) // columns)
    figure = style.new_figure((3.1 * columns, 2.5 * rows + 0.5))
    grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
    for panel, name in zip(grid.flat, shown, strict=False):
        _panel(panel, frame, limits, name, cut)
        panel.set_xlabel("\n".join(style.wrapped(name, 2.8, 9.5)))
    for panel in grid.flat[len(shown) :]:
        panel.set_visible(False)
    for row in grid:
        row[0].set_ylabel("ζ")
    title = "\n".join(
        style.wrapped(f"Profile likelihood. {_caption(level)}", 3.1 * columns - 0.3, 10)
    )
    figure.suptitle(title, x=0.01, ha="left", fontsize=10)
    return grid


def _caption(level: float) -> str:
    return f"Band: {level:.0%} interval. Dashed: a quadratic log-likelihood"


def _panel(ax: Axes, frame: pd.DataFrame, limits: pd.DataFrame, name: str, cut: float) -> None:
    one = frame[frame["parameter"] == name]
    value, zeta = one["value"].to_numpy(float), one["zeta"].to_numpy(float)
    row = {column: float(limits[column][name]) for column in ("estimate", "lower", "upper")}
    lower, upper = (
        limit if np.isfinite(limit) else end
        for limit, end in ((row["lower"], value[0]), (row["upper"], value[-1]))
    )
    ax.axvspan(lower, upper, color=style.FIXED, alpha=0.12, lw=0)
    for height in (-cut, 0.0, cut):
        ax.axhline(height, color=style.PALE, lw=0.9, zorder=1)
    near = np.argsort(np.abs(zeta), kind="stable")[:3]
    slope = np.polyfit(value[near], zeta[near], 1)[0] if len(near) > 2 else np.nan
    ends = np.array([value[0], value[-1]])
    ax.plot(ends, slope * (ends - row["estimate"]), color=style.DATA, lw=1, ls=(0, (4, 2)))
    ax.plot(value, zeta, color=style.FIXED, lw=1.8, marker="o", ms=3)
    ax.plot([row["estimate"]], [0.0], "o", color=style.INK, ms=5)
    for limit, height in ((row["lower"], -cut), (row["upper"], cut)):
        if np.isfinite(limit) and np.isclose(np.interp(limit, value, zeta), height, atol=0.2):
            ax.plot([limit], [height], "|", color=style.INK, ms=11, mew=1.6)
    ax.set_ylim(-cut - 0.7, cut + 0.7)
