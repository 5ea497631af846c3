"""Means with intervals and comparison arrows, levels from top to bottom."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from glmmlab.plots import style
from glmmlab.plots.means import labels_of, levels_of
from glmmlab.plots.style import styled


@styled
def plot_comparisons(
    frame: pd.DataFrame,
    *,
    factors: str | Sequence[str],
    by: str | None = None,
    estimate: str = "estimate",
    lower: str = "lower",
    upper: str = "upper",
    left: str = "left",
    right: str = "right",
    order: str = "estimate",
    xlabel: str = "Estimate",
    ylabel: str | None = None,
    title: str = "Comparisons of marginal means",
    caption: str = "arrows that do not overlap: p < 0.05; bars: 95 % Wald intervals",
    ax: Axes | None = None,
) -> Axes:
    """Means with pale interval bars and dark arrows to compare them by.

    Parameters
    ----------
    frame : DataFrame
        One row a mean: factor columns, ``estimate, lower, upper`` and the ends of the arrows,
        ``left, right`` (equal to the estimate where there is no arrow); five arguments give
        these columns other names.  Where an estimate is infinite, the words "no finite estimate"
        stand at the edge.
    factors : str or sequence of str
        Columns whose levels stand along the y axis.
    by : str, optional
        Column of the panels: blocks under a heading; arrows compare inside a block.
    order : {"estimate", "factor"}
        The smallest mean of a block lowest, or the first level on top.
    xlabel, ylabel, title, caption : str
        ``xlabel`` names the scale.
    ax : Axes, optional

    Returns
    -------
    Axes

    Examples
    --------
    >>> frame = pd.DataFrame(
    ...     {"dose": ["low", "high"], "estimate": [0.2, 0.5], "lower": [0.1, 0.3],
    ...      "upper": [0.3, 0.7], "left": [0.2, 0.4], "right": [0.3, 0.5]}
    ... )
    >>> ax = plot_comparisons(frame, factors="dose")
    >>> [t.get_text() for t in ax.get_yticklabels()]
    ['high', 'low']
    """
    names = [factors] if isinstance(factors, str) else list(factors)
    blocks = [None] if by is None else levels_of(frame[by])
    height = 1.4 + 0.3 * (len(frame) + (len(blocks) if by is not None else 0))
    ax = style.axes_or_new(ax, (6.4, float(np.clip(height, 2.6, 9.0))))
    ticks: list[tuple[float, str]] = []
    y = 0.0
    for block in blocks:
        part = frame if by is None else frame[frame[by] == block]
        if by is not None:
            _block_heading(ax, y, f"{by} = {block}")
            y += 0.9
        if order == "estimate":
            part = part.sort_values(estimate, ascending=False, kind="stable")
        rows = part[[estimate, lower, upper, left, right]].to_numpy(dtype=float)
        for row, label in zip(rows, labels_of(part, names), strict=True):
            _row(ax, y, *row)
            ticks.append((y, label))
            y += 1.0
        y += 0.4
    ax.set_yticks([at for at, _ in ticks], [label for _, label in ticks])
    style.literal_ticks(ax.yaxis)
    ax.set_ylim(y - 0.8, -0.7)
    ax.tick_params(axis="y", length=0)
    style.axis_labels(ax, xlabel, ylabel if ylabel is not None else " : ".join(names))
    style.heading(ax, title, [(caption, False)] if caption else [])
    return ax


def _block_heading(ax: Axes, y: float, text: str) -> None:
    ax.annotate(
        text,
        (0, y),
        xycoords=("axes fraction", "data"),
        xytext=(3, 0),
        textcoords="offset points",
        va="center",
        fontsize=style.SMALL,
        weight="bold",
        color=style.INK,
    )


def _row(
    ax: Axes, y: float, estimate: float, lower: float, upper: float, left: float, right: float
) -> None:
    """Interval, arrows, point."""
    if np.isinf(estimate):
        style.no_estimate(ax, y, estimate, style.FIXED, lying=True)
        return
    ax.hlines(y, lower, upper, color=style.FIXED, alpha=0.3, lw=8, zorder=1)
    for end in (left, right):
        if np.isfinite(end) and end != estimate:
            ax.annotate(
                "",
                (end, y),
                xytext=(estimate, y),
                arrowprops={
                    "arrowstyle": "-|>", "color": style.INK, "lw": 1.3,
                    "shrinkA": 0, "shrinkB": 0, "mutation_scale": 9,
                },
                zorder=2,
            )  # fmt: skip
            ax.plot([end], [y], alpha=0)  # the axes must reach the arrow's end
    ax.plot([estimate], [y], "o", color=style.FIXED, ms=5.5, mec="white", mew=0.7, zorder=3)
