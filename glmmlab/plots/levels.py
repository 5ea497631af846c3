"""Boxplots of residuals by the levels of a factor, with names of any length."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from glmmlab._types import FloatArray
from glmmlab.plots import style
from glmmlab.plots.residuals import QUARTILES, Note
from glmmlab.plots.style import styled

POINTS_UP_TO = 30
"""With at most this many rows in every level the residuals themselves are drawn too."""
NAMES_WIDE = 0.4
"""Share of the axes' width that names beside them may take."""
TALLEST = 8.0
"""Inches up to which axes grow so that all names beside them can be read."""


@styled
def plot_by_level(
    groups: dict[str, FloatArray],
    deviating: Sequence[str] = (),
    notes: Sequence[Note] = (),
    ax: Axes | None = None,
    xlabel: str = "Level",
    title: str = "Residuals by level",
    lying: bool | None = None,
) -> Axes:
    """Boxplots of scaled residuals by the levels of a factor.

    Parameters
    ----------
    groups : dict
        Residuals of every level, in order.
    deviating : sequence of str
        Levels that are not uniform: vermilion and hatched, with the word "deviates" beside them.
    notes : sequence of (text, significant)
    ax : Axes, optional
    xlabel, title : str
    lying : bool, optional
        Whether the boxes lie; by default where names do not fit under upright ones.

    Returns
    -------
    Axes
        With at most 30 rows in every level the residuals themselves are drawn too.  Names that
        are too long to stand under upright boxes stand beside boxes that lie, the first on top;
        a figure of its own grows with their number.

    Examples
    --------
    >>> ax = plot_by_level({"a": np.array([0.2, 0.6]), "b": np.array([0.1, 0.9])}, xlabel="plot")
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('plot', 'Scaled residual')
    """
    own, ax = ax is None, style.axes_or_new(ax)
    names = [f"{level}\n(deviates)" if level in deviating else level for level in groups]
    if lying is None:
        lying = not style.categories_fit(ax, names)
    if lying and own:
        grow([ax], [names_short_of(ax, list(groups))])
    for q in QUARTILES:
        line = ax.axvline if lying else ax.axhline
        line(q, color=style.DATA, lw=0.9, ls=(0, (2, 2)), zorder=0.5)
    for i, (level, r) in enumerate(groups.items()):
        _box(ax, i, r, level in deviating, lying)
    if max(map(len, groups.values())) <= POINTS_UP_TO:
        _points_in_boxes(ax, list(groups.values()), lying)
    share, ticks = ((-0.04, 1.04), [0, 0.25, 0.5, 0.75, 1])
    if lying:
        shared = _names_beside(ax, list(groups), deviating)
        ax.set(xlim=share, xticks=ticks, ylim=(len(groups) - 0.5, -0.5))
        style.axis_labels(ax, "Scaled residual", xlabel + shared)
    else:
        style.category_ticks(ax, names)
        for tick, level in zip(ax.get_xticklabels(), groups, strict=True):
            if level in deviating:
                tick.set(color=style.WRONG, weight="bold")
        ax.set(ylim=share, yticks=ticks)
        style.axis_labels(ax, xlabel, "Scaled residual")
    style.heading(ax, title, notes)
    return ax


def _box(ax: Axes, at: int, r: FloatArray, wrong: bool, lying: bool) -> None:
    """Median, quartiles, and whiskers to the last residual within 1.5 times their distance."""
    low, median, high = np.quantile(r, QUARTILES)
    reach = 1.5 * (high - low)
    near = r[(r >= low - reach) & (r <= high + reach)]
    ends = [(near.min(), low), (high, near.max())]
    along, across = (ax.hlines, ax.vlines) if lying else (ax.vlines, ax.hlines)
    for end in ends:
        along(at, *end, color=style.DATA, lw=1.0, zorder=2)
    across([near.min(), near.max()], at - 0.14, at + 0.14, color=style.DATA, lw=1.0, zorder=2)
    if lying:
        bars = ax.barh(at, high - low, 0.55, left=low, lw=0.8, zorder=2.1)
    else:
        bars = ax.bar(at, high - low, 0.55, bottom=low, lw=0.8, zorder=2.1)
    bars.patches[0].set(
        facecolor="#F4CDB5" if wrong else style.PALE,
        edgecolor=style.WRONG if wrong else style.DATA,
        hatch="////" if wrong else None,
    )
    across(median, at - 0.275, at + 0.275, color=style.INK, lw=1.6, zorder=2.2)


def _points_in_boxes(ax: Axes, groups: Sequence[FloatArray], lying: bool) -> None:
    for i, r in enumerate(groups):
        # a fixed low-discrepancy jitter: the same figure every time
        beside = i + (np.arange(len(r)) * 0.6180339887 % 1 - 0.5) * 0.32
        x, y = (r, beside) if lying else (beside, r)
        ax.scatter(x, y, s=9, color=style.DATA, alpha=0.8, lw=0, zorder=3)


def names_short_of(ax: Axes, levels: Sequence[str]) -> float:
    """Inches that the axes lack for all names beside them to be written out."""
    needed = min(_count(_wrapped(levels, _wide(ax))) * 1.25 * style.SMALL / 72, TALLEST)
    return max(0.0, needed - _height(ax))


def grow(axes: Sequence[Axes], short: Sequence[float]) -> None:
    """Make the figure of axes in a grid taller, so that each gains the inches it is short of."""
    place = axes[0].get_subplotspec()
    figure = axes[0].get_figure(root=True)
    if place is None or figure is None or not any(short):
        return
    grid = place.get_gridspec()
    extra = np.zeros(grid.nrows)
    for ax, inches in zip(axes, short, strict=True):
        own = ax.get_subplotspec()
        if own is not None:
            extra[own.rowspan.start] = max(extra[own.rowspan.start], inches)
    # axes take about three quarters of a figure's height before it is laid out
    height, extra = figure.get_figheight(), 1.4 * extra
    grid.set_height_ratios(height / grid.nrows + extra)
    figure.set_figheight(height + float(extra.sum()))


def _height(ax: Axes) -> float:
    return float(ax.get_window_extent().height / ax.figure.dpi)


def _wide(ax: Axes) -> int:
    """Letters of a name beside the axes, in one line."""
    return max(12, int(NAMES_WIDE * style.axes_width(ax) * 72 / (0.6 * style.SMALL)))


def _names_beside(ax: Axes, levels: Sequence[str], deviating: Sequence[str]) -> str:
    """Names at the left, "deviates" at the right; what all names share, for the axis' label."""
    lines = int(_height(ax) * 72 / (1.25 * style.SMALL))
    names, shared = fitting_names(levels, _wide(ax), lines)
    every = -(-len(levels) // max(lines, 1))
    shown = [i for i in range(len(levels)) if i % every == 0]
    ax.set_yticks(shown, [names[i] for i in shown])
    ax.tick_params(axis="y", length=0, labelsize=style.SMALL)
    style.literal_ticks(ax.yaxis)
    for i, tick in zip(shown, ax.get_yticklabels(), strict=True):
        if levels[i] in deviating:
            tick.set(color=style.WRONG, weight="bold")
    for i, level in enumerate(levels):
        if level in deviating and i % every == 0:
            style.end_label(ax, i, "deviates", style.WRONG, bold=True)
    return shared


def fitting_names(levels: Sequence[str], wide: int, lines: int) -> tuple[list[str], str]:
    """Names in at most ``lines`` lines in all, and what was left out of every one of them.

    Names are wrapped; where that takes too many lines, the words that all of them begin and end
    with are left out; where that does not help, the middle of each is.

    Examples
    --------
    >>> fitting_names(["Field station Dijon", "Field station Lund"], 14, 4)
    (['Field station\\nDijon', 'Field station\\nLund'], '')
    >>> fitting_names(["Field station Dijon", "Field station Lund"], 14, 2)
    (['Dijon', 'Lund'], ': Field station ...')
    """
    wrapped = _wrapped(levels, wide)
    if _count(wrapped) <= lines:
        return wrapped, ""
    words = [level.split() for level in levels]
    first, last = _common(words), _common([w[::-1] for w in words])
    shortest = min(map(len, words))
    first = min(first, shortest - 1)
    last = min(last, shortest - 1 - first)
    own = [" ".join(w[first : len(w) - last]) for w in words]
    shared = ""
    if first or last:
        around = (*words[0][:first], "...", *words[0][len(words[0]) - last :])
        shared = f": {' '.join(around)}"
    wrapped = _wrapped(own, wide)
    return (wrapped if _count(wrapped) <= lines else [_shortened(n, wide) for n in own]), shared


def _wrapped(names: Sequence[str], wide: int) -> list[str]:
    return ["\n".join(textwrap.wrap(name, wide, break_on_hyphens=False)) for name in names]


def _count(names: Sequence[str]) -> int:
    """Lines that the names take when each has as many as the longest."""
    return len(names) * max(name.count("\n") + 1 for name in names)


def _common(words: Sequence[Sequence[str]]) -> int:
    """How many words all begin with."""
    count = 0
    for several in zip(*words, strict=False):
        if len(set(several)) > 1:
            break
        count += 1
    return count


def _shortened(name: str, wide: int) -> str:
    """The name without its middle."""
    if len(name) <= wide:
        return name
    end = (wide - 1) // 2
    return f"{name[: wide - 1 - end]}…{name[-end:]}"
