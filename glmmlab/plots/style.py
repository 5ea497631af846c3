"""The look of every figure, and what its colours mean.

============  =================  ==========================================================
name          colour             meaning, all through the package and the course
============  =================  ==========================================================
DATA          dark grey          observations
FIXED         blue               the fixed part, population-level means
RANDOM        orange             the random part: blocks, subjects
ASSUMED       green              the assumed distribution: what the model would produce
WRONG         vermilion          a deviation, or a model that is wrong on purpose; always also
                                 marked by words and by a dash pattern or a hatch
============  =================  ==========================================================
"""

from __future__ import annotations

import functools
import inspect
import math
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure, FigureBase
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator, ScalarFormatter, StrMethodFormatter

from glmmlab.errors import DataError

DATA = "#4D4D4D"
FIXED = "#0072B2"
RANDOM = "#E69F00"
ASSUMED = "#009E73"
WRONG = "#D55E00"
PALE = "#D9D9D9"
INK = "#262626"
CYCLE = (FIXED, "#CC79A7", "#332288", "#88CCEE", "#882255", "#999933")
"""Levels of a second factor: none of the colours with a meaning but the first, and told apart in
greyscale by MARKERS and DASHES."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (5, 1.5, 1.5, 1.5)))
WRONG_DASH: Any = (0, (4, 1.5))
SMALL = 8.5
"""Size of notes and direct labels, in points."""

SHEET = Path(__file__).with_name("glmmlab.mplstyle")

P = ParamSpec("P")
R = TypeVar("R")


def use() -> None:
    """Make the package's look matplotlib's default in this session.

    Examples
    --------
    >>> import matplotlib as mpl
    >>> with mpl.rc_context():
    ...     use()
    ...     mpl.rcParams["axes.spines.top"]
    False
    """
    plt.style.use(SHEET)


@contextmanager
def context() -> Iterator[None]:
    """The package's look for the figures drawn inside a ``with`` block.

    Text drawn there is literal: a ``$`` in the name of a column or level starts no mathematics.
    """
    interactive = mpl.is_interactive()
    try:
        with plt.style.context([SHEET, {"text.parse_math": False}]):
            try:
                yield
            finally:
                interactive = mpl.is_interactive()
    finally:
        # A notebook's backend loads with the first figure and turns interactive mode on.  Were it
        # turned off again with the style, the notebook would show no figure after the first.
        mpl.interactive(interactive)


def styled(function: Callable[P, R]) -> Callable[P, R]:
    """Draw a figure function's artists in the package's look, whatever the session's settings."""
    parameters = inspect.signature(function).parameters
    one = "ax" in parameters and "Sequence" not in str(parameters["ax"].annotation)

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        given = dict(zip(parameters, args, strict=False)) | kwargs
        _check_axes(given.get("ax"), one)
        for value in given.values():
            if isinstance(value, Axes):
                _literal(value)
        with context():
            drawn = function(*args, **kwargs)
        axes = [drawn] if isinstance(drawn, Axes) else getattr(drawn, "axes", drawn)
        for ax in np.ravel(np.asarray(axes, dtype=object)):
            if isinstance(ax, Axes):
                _numbers(ax)
        return drawn

    return wrapper


def _check_axes(ax: object, one: bool) -> None:
    several = [ax] if one or not isinstance(ax, (list, tuple, np.ndarray)) else np.ravel(ax)
    wrong = next((a for a in several if a is not None and not isinstance(a, Axes)), None)
    if wrong is not None:
        wanted = "one of Matplotlib's axes" if one else "Matplotlib's axes"
        raise DataError(
            f"ax= takes {wanted}, as fig, ax = plt.subplots() makes, not {type(wrong).__name__}."
        )


def _numbers(ax: Axes) -> None:
    """Numbers on an axis may be mathematics: 10^2, if the caller makes it a logarithmic one."""
    for axis in (ax.xaxis, ax.yaxis):
        if isinstance(axis.get_major_formatter(), ScalarFormatter):
            for tick in axis.get_major_ticks():
                tick.label1.set_parse_math(True)


def _literal(ax: Axes) -> None:
    """Titles and labels of axes that were made elsewhere show what is written, too."""
    titles = [text for text in ax.get_children() if isinstance(text, Text)]
    for text in (*titles, ax.xaxis.label, ax.yaxis.label):
        if not text.get_text():  # what the caller has written is the caller's
            text.set_parse_math(False)


def axes_or_new(ax: Axes | None, figsize: tuple[float, float] = (6.4, 4.8)) -> Axes:
    """The given axes, or those of a new figure that keeps all text inside."""
    if ax is not None:
        return ax
    _, new = plt.subplots(figsize=figsize, layout="constrained")
    return new


def new_figure(figsize: tuple[float, float]) -> Figure:
    """A new figure that keeps all text inside."""
    return plt.figure(figsize=figsize, layout="constrained")


def figure_or_new(figure: Figure | None, figsize: tuple[float, float]) -> Figure:
    """The given figure, or a new one that keeps all text inside."""
    if figure is None:
        return new_figure(figsize)
    if not isinstance(figure, FigureBase):
        raise DataError(
            "figure= takes a Matplotlib figure, as plt.figure() makes, not "
            f"{type(figure).__name__}."
        )
    return figure


def settle(ax: Axes) -> None:
    """Give the labels so far their room, so that the size of the axes is the final one."""
    figure = ax.figure
    if isinstance(figure, Figure):  # a part of a figure is laid out with the whole
        engine = figure.get_layout_engine()
        if engine is not None:
            engine.execute(figure)


def axes_width(ax: Axes) -> float:
    """Width of the axes in inches, as laid out so far."""
    return float(ax.get_window_extent().width / ax.figure.dpi)


def heading(
    ax: Axes, title: str, notes: Sequence[tuple[str, bool]] = (), legend: bool = False
) -> None:
    """A title, and under it one line a note, above the axes where no point can lie.

    Parameters
    ----------
    ax : Axes
    title : str
    notes : sequence of (text, significant)
        A significant note is vermilion and bold: the words say it, colour and weight show it.
    legend : bool
        Put the legend of the axes' labelled artists between the notes and the axes.
    """
    settle(ax)
    size = mpl.rcParams["axes.titlesize"]
    room = max(axes_width(ax) + 0.45, 1.5)
    lines = [
        (line, deviates)
        for text, deviates in notes
        for line in wrapped(text, room, SMALL * (1.07 if deviates else 1.0))
    ]
    step = SMALL * 1.38
    lift = _legend_above(ax, room) if legend else 0.0
    title_lines = wrapped(title, room, float(size) * 1.12)
    ax.set_title("\n".join(title_lines), loc="left", pad=6 + lift + step * len(lines))
    for i, (text, deviates) in enumerate(lines):
        ax.annotate(
            text,
            (0, 1),
            xytext=(0, 5 + lift + step * (len(lines) - 1 - i)),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="left",
            va="bottom",
            fontsize=SMALL,
            color=WRONG if deviates else INK,
            weight="bold" if deviates else "normal",
            annotation_clip=False,
        )


def legend_label(text: str) -> str:
    """A label that a legend shows: matplotlib hides those that begin with an underscore.

    >>> legend_label("_site north"), legend_label("site north")
    (' _site north', 'site north')
    """
    return f" {text}" if text.startswith("_") else text


def _legend_above(ax: Axes, room: float) -> float:
    """A legend just above the axes, in as many rows as it needs; its height in points."""
    handles, labels = ax.get_legend_handles_labels()
    entry = (max(map(len, labels)) * 0.6 + 3.5) * SMALL / 72
    columns = max(1, min(len(labels), int(room / entry)))
    ax.legend(
        handles,
        labels,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=columns,
        borderaxespad=0.1,
        borderpad=0.2,
        handletextpad=0.3,
        columnspacing=1.2,
        labelspacing=0.3,
    )
    rows = -(-len(labels) // columns)
    return rows * SMALL * 1.5 + 4


def wrapped(text: str, inches: float, size: float) -> list[str]:
    """Lines of ``text`` that fit into ``inches`` at a font size in points (about 0.53 em a sign).

    A p-value is not broken.

    Examples
    --------
    >>> wrapped("residuals against the predictions", 1.5, 9.5)
    ['residuals against', 'the predictions']
    """
    import textwrap

    whole = re.sub(r"\bp ([=<]) ", "p\N{NO-BREAK SPACE}\\1\N{NO-BREAK SPACE}", text)
    lines = textwrap.wrap(whole, max(8, int(inches * 72 / (0.56 * size)))) or [""]
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]


def points_high(ax: Axes, span: float) -> float:
    """What one point of type is in data units, where the axes show ``span`` of them."""
    height = ax.get_window_extent().height / ax.figure.dpi * 72
    return float(span / max(height, 60))


def end_label(ax: Axes, y: float, text: str, colour: str, *, bold: bool) -> None:
    """A curve's name at its right end, beside the axes."""
    ax.annotate(
        text,
        (1, y),
        xycoords=("axes fraction", "data"),
        xytext=(4, 0),
        textcoords="offset points",
        va="center",
        fontsize=SMALL,
        color=colour,
        weight="bold" if bold else "normal",
        annotation_clip=False,
    )


def no_estimate(ax: Axes, at: float, way: float, colour: str, *, lying: bool = False) -> None:
    """The words "no finite estimate" at the edge where a mean lies beyond the axes.

    Parameters
    ----------
    ax : Axes
    at : float
        Its place along the categories.
    way : float
        Positive for the upper (right) edge, negative for the lower (left) one.
    colour : str
    lying : bool
        Categories stand along the y axis.
    """
    edge, inwards = (1.0, -4.0) if way > 0 else (0.0, 4.0)
    place, shift = ((edge, at), (inwards, 0.0)) if lying else ((at, edge), (0.0, inwards))
    ax.annotate(
        "no finite estimate",
        place,
        xycoords=("axes fraction", "data") if lying else ("data", "axes fraction"),
        xytext=shift,
        textcoords="offset points",
        rotation=0 if lying else 90,
        ha=("right" if way > 0 else "left") if lying else "center",
        va="center" if lying else ("top" if way > 0 else "bottom"),
        fontsize=SMALL,
        color=colour,
    )


def spread_out(positions: Sequence[float], gap: float) -> list[float]:
    """Positions moved apart until neighbours are at least ``gap`` from each other.

    Examples
    --------
    >>> [round(v, 2) for v in spread_out([0.5, 0.52, 0.9], 0.1)]
    [0.46, 0.56, 0.9]
    """
    order = sorted(range(len(positions)), key=lambda i: positions[i])
    groups: list[tuple[float, int]] = []  # (centre, members) of runs that touch
    for i in order:
        groups.append((positions[i], 1))
        while len(groups) > 1:
            (c1, n1), (c2, n2) = groups[-2:]
            if c2 - c1 >= gap * (n1 + n2) / 2 - 1e-12:
                break
            groups[-2:] = [((c1 * n1 + c2 * n2) / (n1 + n2), n1 + n2)]
    moved = [c + gap * (k - (n - 1) / 2) for c, n in groups for k in range(n)]
    out = [0.0] * len(positions)
    for i, value in zip(order, moved, strict=True):
        out[i] = value
    return out


def category_ticks(ax: Axes, labels: Sequence[str]) -> None:
    """Ticks 0, 1, ... with labels, wrapped between words or turned when they would touch.

    Where even upright labels would touch, every second (third, ...) one is left out.
    """
    slot = axes_width(ax) / max(len(labels), 1)
    size = float(SMALL)
    fitted = _upright(ax, labels)
    turned = fitted is None
    every = max(math.ceil(1.2 * size / 72 / slot), 1)
    texts = list(labels) if fitted is None else fitted
    texts = ["" if i % every else text for i, text in enumerate(texts)]
    ax.set_xticks(range(len(labels)), texts)
    if turned:
        steep = slot < 1.6 * size / 72
        ax.tick_params(axis="x", rotation=90 if steep else 40)
        for tick in ax.get_xticklabels():
            tick.set_horizontalalignment("center" if steep else "right")
            tick.set_rotation_mode("default" if steep else "anchor")
    ax.tick_params(axis="x", length=0)
    literal_ticks(ax.xaxis)


def categories_fit(ax: Axes, labels: Sequence[str]) -> bool:
    """Whether labels under the axes would stand beside each other without being turned."""
    return _upright(ax, labels) is not None


def _upright(ax: Axes, labels: Sequence[str]) -> list[str] | None:
    """Labels wrapped between words, or None where even then they would touch."""
    room = int(0.95 * axes_width(ax) / max(len(labels), 1) / (0.6 * SMALL / 72))
    fitted = [_wrap_words(label, room) for label in labels]
    widest = max((len(line) for label in fitted for line in label.split("\n")), default=0)
    return fitted if widest <= room else None


def literal_ticks(axis: Axis) -> None:
    """Names of categories on an axis show what is written."""
    for tick in axis.get_major_ticks():
        for label in (tick.label1, tick.label2):
            label.set_parse_math(False)


def _wrap_words(label: str, width: int) -> str:
    import textwrap

    lines = [
        textwrap.fill(line, max(width, 1), break_long_words=False, break_on_hyphens=False)
        for line in label.split("\n")
    ]
    return "\n".join(lines)


def axis_labels(ax: Axes, xlabel: str, ylabel: str) -> None:
    """Axis labels, wrapped to the size of the axes so that none is cut."""
    size = float(mpl.rcParams["axes.labelsize"])
    height = float(ax.get_window_extent().height / ax.figure.dpi)
    ax.set_xlabel("\n".join(wrapped(xlabel, axes_width(ax) + 0.2, size)))
    ax.set_ylabel("\n".join(wrapped(ylabel, height + 0.2, size)))


def whole_numbers(axis: Axis) -> None:
    """Ticks of an axis of counts: whole numbers, with commas."""
    axis.set_major_locator(MaxNLocator(nbins="auto", steps=[1, 2, 5, 10], integer=True))
    axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))


def thousands(n: int) -> str:
    """A count with commas.

    Examples
    --------
    >>> thousands(100000)
    '100,000'
    """
    return f"{n:,}"
