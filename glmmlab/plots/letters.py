"""Compact letters above intervals, clear of the marks and of each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from glmmlab.plots import style

SIGN = 0.68 * style.SMALL
"""Width of a bold letter in points."""
GAP = 4.0
"""Points between a mark and its letters."""
MARK = 5.0
"""Width of a mark in points."""


@dataclass(frozen=True)
class Letter:
    """Letters of one mean.

    Attributes
    ----------
    category : int
        Position of the category along x.
    shift : float
        Sideways distance from it.
    low, top : float
        Lower end of the interval, and the highest mark (interval or raw point) that the letters
        must clear, in data units.
    text, colour : str
    """

    category: int
    shift: float
    low: float
    top: float
    text: str
    colour: str


def place_letters(ax: Axes, marks: Sequence[Letter], categories: int, layers: int) -> None:
    """Write letters above their marks: upright, or turned where they would not fit.

    Letters that would touch the interval of a neighbour in their category are turned; should they
    touch it still, they stand above it.  Letters that would touch each other are stacked.  The
    upper limit of the axes is raised to hold all of them.
    """
    if not marks:
        return
    slot = style.axes_width(ax) * 72 / categories  # points between categories
    highest = max(m.top for m in marks)
    _make_room(ax, highest, (_height("", False) + GAP) * layers)
    turned = max(len(m.text) for m in marks) * SIGN > slot / layers or any(
        _touched(mark, marks, slot, _points_per_unit(ax), turned=False) for mark in marks
    )
    tallest = max(_height(m.text, turned) for m in marks)
    _make_room(ax, highest, (tallest + GAP) * layers)
    scale = _points_per_unit(ax)
    placed: dict[int, list[tuple[Letter, float]]] = {}
    for mark in marks:
        touched = _touched(mark, marks, slot, scale, turned)
        bottom = max(m.top for m in (mark, *touched)) * scale + GAP
        neighbours = placed.setdefault(mark.category, [])
        for other, start in neighbours:
            beside = abs(mark.shift - other.shift) * slot
            near = beside < max(_width(mark.text, turned), _width(other.text, turned))
            top = start + _height(other.text, turned)
            if near and start < bottom + _height(mark.text, turned) and bottom < top + GAP:
                bottom = top + GAP
        neighbours.append((mark, bottom))
        ax.annotate(
            mark.text,
            (mark.category + mark.shift, mark.top),
            xytext=(0, bottom - mark.top * scale),
            textcoords="offset points",
            ha="center",
            va="bottom",
            rotation=90 if turned else 0,
            fontsize=style.SMALL,
            color=mark.colour,
            weight="bold" if layers > 1 else "normal",
        )


def _touched(
    mark: Letter, marks: Sequence[Letter], slot: float, scale: float, turned: bool
) -> list[Letter]:
    """Neighbours in the category whose intervals reach into the letters above `mark`."""
    bottom = mark.top * scale + GAP
    top = bottom + _height(mark.text, turned)
    reach = (_width(mark.text, turned) + MARK) / 2
    return [
        other
        for other in marks
        if other.category == mark.category
        and 0 < abs(other.shift - mark.shift) * slot < reach
        and other.low * scale < top
        and other.top * scale > bottom
    ]


def _height(text: str, turned: bool) -> float:
    return len(text) * SIGN if turned else 1.3 * style.SMALL


def _width(text: str, turned: bool) -> float:
    return 1.3 * style.SMALL if turned else len(text) * SIGN


def _axes_height(ax: Axes) -> float:
    return max(float(ax.get_window_extent().height / ax.figure.dpi * 72), 60.0)


def _points_per_unit(ax: Axes) -> float:
    low, high = ax.get_ylim()
    return _axes_height(ax) / (high - low)


def _make_room(ax: Axes, highest: float, points: float) -> None:
    """Raise the upper limit until ``points`` fit above the highest mark."""
    low, high = ax.get_ylim()
    share = min(0.6, (points + 6) / _axes_height(ax))  # of the axes' height, for the letters
    ax.set_ylim(low, max(high, low + (highest - low) / (1 - share)))
