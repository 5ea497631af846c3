"""All pairwise comparisons of many means in one picture."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, Normalize, TwoSlopeNorm
from numpy.typing import ArrayLike

from glmmlab._types import FloatArray
from glmmlab.errors import DataError, EstimabilityError
from glmmlab.plots import style
from glmmlab.plots.style import styled

_TWO_SIDED = LinearSegmentedColormap.from_list("pairs", ["#882255", "#FFFFFF", style.FIXED])


def pairs_matrix(values: ArrayLike, levels: int) -> FloatArray:
    """Values of the pairs (1, 2), (1, 3), ..., (k-1, k) in the upper triangle, NaN elsewhere.

    Parameters
    ----------
    values : array, shape (k (k - 1) / 2,)
        In the order in which ``em.pairs()`` lists them.
    levels : int
        k.

    Examples
    --------
    >>> pairs_matrix([2.0, 3.0, 4.0], 3)[0].tolist()
    [nan, 2.0, 3.0]
    """
    flat = np.asarray(values, dtype=float)
    if flat.shape != (levels * (levels - 1) // 2,):
        raise DataError(
            f"{levels} levels have {levels * (levels - 1) // 2} pairs, but {flat.size} values "
            "were given; pass the comparisons of one table, in its order."
        )
    out = np.full((levels, levels), np.nan)
    for (i, j), value in zip(combinations(range(levels), 2), flat, strict=True):
        out[i, j] = value
    return out


@styled
def plot_pairs(
    estimates: ArrayLike,
    p_values: ArrayLike,
    levels: Sequence[object],
    *,
    ratio: bool = True,
    level: float = 0.05,
    xlabel: str = "",
    title: str = "Pairwise comparisons",
    caption: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Matrix of pairwise comparisons: estimates above the diagonal, p-values below it.

    Parameters
    ----------
    estimates, p_values : array, shape (k (k - 1) / 2,)
        Of the pairs (1, 2), (1, 3), ..., in the order of ``em.pairs()``: row level against
        column level.
    levels : sequence, length k
    ratio : bool
        Estimates are ratios (coloured by their logarithm, 1 is white); else differences.
    level : float
        p-values below it are bold on dark grey.
    xlabel, title, caption : str
    ax : Axes, optional

    Returns
    -------
    Axes
        Upper triangle: blue above 1 (row level larger), wine below; the number tells which in
        greyscale.  Lower triangle: the darker, the smaller p.

    Examples
    --------
    >>> ax = plot_pairs([0.5, 2.0, 4.0], [0.2, 0.03, 0.001], ["a", "b", "c"])
    >>> len(ax.texts) >= 6
    True
    """
    k = len(levels)
    if k < 2:
        raise EstimabilityError("There are no pairs to draw: the square needs two levels or more.")
    upper, lower = pairs_matrix(estimates, k), pairs_matrix(p_values, k).T
    names = [str(v) for v in levels]
    long = min(max(len(name) for name in names), 40)
    ax = style.axes_or_new(ax, (6.2 + 0.06 * long, 5.7 + 0.04 * long))
    shown = np.log(upper) if ratio else upper
    bound = float(np.abs(shown[np.isfinite(shown)]).max(initial=0.0)) or 1.0
    ax.imshow(shown, cmap=_TWO_SIDED, norm=TwoSlopeNorm(0, -bound, bound), aspect="auto")
    shade = np.sqrt(np.clip(lower, 0, 1))  # differences among small p-values matter most
    ax.imshow(shade, cmap="Greys_r", norm=Normalize(-0.25, 1.0), aspect="auto")
    style.category_ticks(ax, names)
    ax.set_yticks(range(k), names)
    style.literal_ticks(ax.yaxis)
    ax.tick_params(length=0)
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)
    ax.set_xticks(np.arange(k + 1) - 0.5, minor=True)
    ax.set_yticks(np.arange(k + 1) - 0.5, minor=True)
    ax.grid(which="minor", color="white", lw=1.2)
    ax.tick_params(which="minor", length=0)
    style.axis_labels(ax, xlabel, xlabel)
    what = "ratio row / column" if ratio else "difference row - column"
    empty = np.isnan(upper[np.triu_indices(k, 1)]).any()
    text = caption or f"Above the diagonal: {what}. Below: p-value (bold: p < {level:g})."
    text += " Empty: no finite estimate." if empty and not caption else ""
    style.heading(ax, title, [(text, False)])
    style.settle(ax)
    _cells(ax, upper, lower, shown / bound, level)
    return ax


def _cells(
    ax: Axes, upper: FloatArray, lower: FloatArray, strength: FloatArray, level: float
) -> None:
    """Numbers in the cells, as large as fits, in ink or white by the cell's shade."""
    k = len(upper)
    box = ax.get_window_extent()
    width, height = (side / ax.figure.dpi * 72 / k for side in (box.width, box.height))
    size = min(style.SMALL, width / 3.7, height / 1.5)
    if size < 4:
        return  # too many levels for numbers: the colours remain
    for i, j in combinations(range(k), 2):
        ax.text(
            j,
            i,
            compact(upper[i, j]),
            ha="center",
            va="center",
            fontsize=size,
            color="white" if abs(strength[i, j]) > 0.72 else style.INK,
        )
        small = bool(lower[j, i] < level)
        ax.text(
            i,
            j,
            compact_p(lower[j, i]),
            ha="center",
            va="center",
            fontsize=size,
            color="white" if np.sqrt(max(lower[j, i], 0)) < 0.45 else style.INK,
            weight="bold" if small else "normal",
        )


def compact(value: float) -> str:
    """A number in at most four signs where possible.

    Examples
    --------
    >>> [compact(v) for v in (0.0621, 1.753, 24.41, 512.3, -0.5)]
    ['.06', '1.75', '24.4', '512', '-.50']
    """
    if not np.isfinite(value):
        return ""
    decimals = 2 if abs(value) < 10 else 1 if abs(value) < 100 else 0
    text = f"{value:.{decimals}f}"
    return text.replace("0.", ".", 1) if abs(value) < 0.995 else text


def compact_p(p: float) -> str:
    """A p-value in at most four signs.

    Examples
    --------
    >>> [compact_p(v) for v in (0.00001, 0.0123, 0.5, 1.0)]
    ['<.001', '.012', '.50', '1']
    """
    if not np.isfinite(p):
        return ""
    if p < 0.001:
        return "<.001"
    if p >= 0.995:
        return "1"
    return (f"{p:.3f}" if p < 0.1 else f"{p:.2f}").lstrip("0")
