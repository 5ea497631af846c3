"""Those of the book's drawings that are too long to stand in a page.

The colours and their meaning are the package's: glmmlab/plots/style.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle
from numpy.typing import ArrayLike, NDArray

from glmmlab.plots import style
from glmmlab.plots.style import ASSUMED, DATA, FIXED, INK, RANDOM, WRONG


def use_style() -> None:
    """The package's look, sharp at any width, with letters that survive a phone."""
    from matplotlib_inline.backend_inline import set_matplotlib_formats

    set_matplotlib_formats("svg")
    style.use()
    sizes = dict.fromkeys(("font.size", "axes.titlesize", "axes.labelsize"), 12)
    ticks = dict.fromkeys(("xtick.labelsize", "ytick.labelsize", "legend.fontsize"), 11)
    plt.rcParams.update(sizes | ticks | {"svg.hashsalt": "glmmlab"})


def studies() -> Path:
    """Where the long simulation studies keep what they counted."""
    return Path(__file__).resolve().parents[1] / "benchmarks" / "studies" / "results"


def tint(colour: str, share: float) -> tuple[float, float, float]:
    """``colour`` mixed with white."""
    rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    red, green, blue = 1 - share * (1 - rgb)
    return float(red), float(green), float(blue)


def tiles(ax: Axes, cells: ArrayLike, x: float, colours: Sequence[str], title: str) -> float:
    """One matrix as tiles from ``x`` on, one colour a column; returns where it ends.

    A 0 is left pale, so that the ones make the pattern.
    """
    rows: NDArray[np.object_] = np.atleast_2d(np.asarray(cells, dtype=object))
    n, p = rows.shape
    top = 2 + n / 2
    for i in range(n):
        for j in range(p):
            value = str(rows[i, j])
            share = 0.06 if value == "0" else 0.45
            box = (x + j, top - 1 - i)
            ax.add_patch(Rectangle(box, 1, 1, fc=tint(colours[j], share), ec="white", lw=2))
            ax.text(box[0] + 0.5, box[1] + 0.5, value, ha="center", va="center", fontsize=12)
    ax.text(x + p / 2, 4.35, title, ha="center", va="center", fontsize=13, fontweight="bold")
    return x + p


def equation(figsize: tuple[float, float] = (7.2, 3.0)) -> Figure:
    """y = X beta + Z u + e for two blocks with two treatments each."""
    fig, ax = plt.subplots(figsize=figsize)
    y = [[r"$y_{1A}$"], [r"$y_{1B}$"], [r"$y_{2A}$"], [r"$y_{2B}$"]]
    e = [[r"$e_{1A}$"], [r"$e_{1B}$"], [r"$e_{2A}$"], [r"$e_{2B}$"]]
    beta, u = [[r"$\beta_0$"], [r"$\beta_B$"]], [[r"$u_1$"], [r"$u_2$"]]
    one, two = [FIXED] * 2, [RANDOM] * 2

    def sign(x: float, text: str) -> float:
        ax.text(x + 0.45, 2, text, ha="center", va="center", fontsize=16)
        return x + 0.9

    x = tiles(ax, y, 0, [DATA], "y")
    x = tiles(ax, [[1, 0], [1, 1], [1, 0], [1, 1]], sign(x, "="), one, "X")
    x = tiles(ax, beta, x + 0.25, one, r"$\beta$")
    x = tiles(ax, [[1, 0], [1, 0], [0, 1], [0, 1]], sign(x, "+"), two, "Z")
    x = tiles(ax, u, x + 0.25, two, "u")
    x = tiles(ax, e, sign(x, "+"), [DATA], "e")
    ax.text(3.4, -0.5, "fixed: which treatment?", color=FIXED, ha="center", fontsize=11.5)
    ax.text(8.2, -0.5, "random: which block?", color="#8a5a00", ha="center", fontsize=11.5)
    ax.set(xlim=(-0.1, x + 0.1), ylim=(-0.9, 4.8), aspect="equal")
    ax.axis("off")
    return fig


def field(figsize: tuple[float, float] = (7.2, 2.1)) -> Figure:
    """Two blocks side by side, each with a plot of A and a plot of B."""
    fig, ax = plt.subplots(figsize=figsize)
    for block, x in ((1, 0.0), (2, 5.2)):
        ax.add_patch(Rectangle((x, 0), 4.6, 2.1, fc=tint(RANDOM, 0.28), ec=RANDOM, lw=2))
        ax.text(x + 2.3, 2.3, f"block {block}", ha="center", va="bottom", color="#8a5a00")
        order = "AB" if block == 1 else "BA"
        for k, treatment in enumerate(order):
            left = x + 0.3 + 2.1 * k
            shade = tint(FIXED, 0.55 if treatment == "B" else 0.15)
            ax.add_patch(Rectangle((left, 0.3), 1.9, 1.5, fc=shade, ec=FIXED, lw=1.2))
            label = f"{treatment}\n$y_{{{block}{treatment}}}$"
            ax.text(left + 0.95, 1.05, label, ha="center", va="center", linespacing=1.5)
    ax.set(xlim=(-0.1, 9.9), ylim=(-0.1, 2.9), aspect="equal")
    ax.axis("off")
    return fig


def covariance_map(ax: Axes, covariance: ArrayLike, title: str, labels: bool = True) -> None:
    """A covariance matrix as a heat map with its numbers."""
    values = np.asarray(covariance, dtype=float)
    names = ["1A", "1B", "2A", "2B"]
    shown = np.array([[tint(RANDOM, 0.06 + 0.27 * v) for v in row] for row in values])
    ax.imshow(shown)
    for (i, j), value in np.ndenumerate(values):
        ax.text(j, i, f"{value:g}", ha="center", va="center", fontsize=13)
    ax.axhline(1.5, color="white", lw=3)
    ax.axvline(1.5, color="white", lw=3)
    ax.set_title(title, fontsize=12)
    ax.set_xticks(range(4), names if labels else [])
    ax.set_yticks(range(4), names if labels else [])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)


def severity(ax: Axes, plots: pd.DataFrame, means: pd.DataFrame) -> None:
    """Raw severities, model means with intervals and letters, fungicides sorted by mean.

    ``means`` is the frame of ``emmeans(...).cld()``: fungicide, estimate, lower, upper, group.
    """
    order = [str(name) for name in means["fungicide"]]
    place = {name: k for k, name in enumerate(order)}
    x = plots["fungicide"].astype(str).map(place).to_numpy(dtype=float)
    # The four blocks beside the interval, two on either side, the same at every build.
    shift = np.array([-0.26, -0.15, 0.15, 0.26])[plots["block"].cat.codes.to_numpy()]
    ax.scatter(x + shift, plots["severity"], s=16, color=DATA, alpha=0.6, lw=0, zorder=2)
    at = np.arange(len(order))
    ax.vlines(at, means["lower"], means["upper"], color=FIXED, lw=3.5, zorder=3)
    ax.scatter(at, means["estimate"], s=52, color=FIXED, ec="white", lw=1.2, zorder=4)
    for k, group in zip(at, means["group"], strict=True):
        ax.text(k, 0.955, group, ha="center", va="bottom", fontsize=11.5)
    last = len(order) - 1
    for k, where, align in ((0, -0.3, "right"), (last, last + 0.3, "left")):
        mean = means["estimate"].iloc[k]
        ax.text(where, mean, f"{mean:.2f}", color=FIXED, ha=align, va="center", fontweight="bold")
    ax.set_xticks(at, order)
    ax.set(xlabel="fungicide", ylim=(0, 1.03), xlim=(-1.25, last + 1.25))
    ax.set_ylabel("severity, response scale\n(proportion of leaf area)")


def steps(figsize: tuple[float, float] = (7.2, 3.6)) -> Figure:
    """The three decisions, each with the question that settles it."""
    fig, ax = plt.subplots(figsize=figsize)
    boxes = (
        ("1  distribution", ASSUMED, "Which values\ncan y take? Are\ntrials known?", r"$y \mid u$"),
        (
            "2  linear predictor",
            FIXED,
            "What was randomised\nto what, in\nwhich groups?",
            r"$\eta$",
        ),
        ("3  link", RANDOM, "On which scale\ndo effects\nadd up?", r"$g(\mu) = \eta$"),
    )
    for k, (title, colour, question, symbol) in enumerate(boxes):
        x = 3.45 * k
        style = "round,pad=0.02,rounding_size=0.12"
        ax.add_patch(
            FancyBboxPatch((x, 0), 3.0, 3.0, boxstyle=style, fc=tint(colour, 0.16), ec=colour, lw=2)
        )
        ax.text(x + 0.18, 2.62, title, fontweight="bold", fontsize=12.5, va="center")
        ax.text(x + 1.5, 1.55, question, ha="center", va="center", fontsize=12, linespacing=1.35)
        ax.text(x + 1.5, 0.45, symbol, ha="center", va="center", fontsize=16)
        if k:
            arrow = FancyArrowPatch((x - 0.42, 1.5), (x - 0.03, 1.5), arrowstyle="-|>", lw=1.8)
            arrow.set(mutation_scale=16, color=INK)
            ax.add_patch(arrow)
    ax.text(4.95, 3.55, "data: how were they made?", ha="center", va="center", fontsize=12)
    ax.text(
        4.95,
        -0.6,
        "then: check  \N{RIGHTWARDS ARROW}  test  \N{RIGHTWARDS ARROW}  "
        "compare  \N{RIGHTWARDS ARROW}  report",
        ha="center",
        va="center",
        fontsize=12,
    )
    ax.set(xlim=(-0.1, 10.0), ylim=(-1.0, 3.9), aspect="equal")
    ax.axis("off")
    return fig


def key(figsize: tuple[float, float] = (7.2, 1.7)) -> Figure:
    """What the colours of the course mean."""
    fig, ax = plt.subplots(figsize=figsize)
    x = np.linspace(0, 1, 60)
    curve = 0.25 + 0.5 / (1 + np.exp(-8 * (x - 0.5)))
    bell = 0.12 + 0.75 * np.exp(-0.5 * ((x - 0.5) / 0.16) ** 2)
    ax.scatter([0.1, 0.3, 0.45, 0.7, 0.9], [0.3, 0.5, 0.35, 0.75, 0.6], s=28, color=DATA, lw=0)
    ax.plot(1.5 + x, curve, color=FIXED, lw=3.5)
    for shift in (-0.2, -0.08, 0.1, 0.2):
        ax.plot(3 + x, curve + shift, color=RANDOM, lw=1.3)
    ax.fill_between(4.5 + x, 0.12, bell, color=ASSUMED, alpha=0.35, lw=0)
    ax.plot(4.5 + x, bell, color=ASSUMED, lw=1.6)
    ax.plot(6 + x, curve, color=WRONG, lw=2.2, ls=style.WRONG_DASH)
    names = ("data", "fixed part,\npopulation", "random part", "assumed\ndistribution")
    for k, name in enumerate((*names, "wrong\non purpose")):
        ax.text(1.5 * k + 0.5, -0.12, name, ha="center", va="top", linespacing=1.3)
    ax.set(xlim=(-0.25, 7.25), ylim=(-0.75, 1.05))
    ax.axis("off")
    return fig


def decision(figsize: tuple[float, float] = (7.2, 5.6)) -> Figure:
    """From a design to its random part: a question on the left, what to do on the right."""
    fig, ax = plt.subplots(figsize=figsize)
    rows = (
        ("Do rows come in groups?", "no", "no random part:\ny ~ treatment", DATA),
        (
            "Was a treatment given\nto whole groups?",
            "yes",
            "groups are its replicates:\nsay how many there are",
            DATA,
        ),
        (
            "Are they the very groups\nyou ask about, or only 1 to 3?",
            "yes",
            "fixed:\ny ~ treatment + group",
            FIXED,
        ),
        (
            "May the treatment work\ndifferently in each group?",
            "yes",
            "y ~ treatment + (1 | group)\n+ (1 | group:treatment);\nno: only (1 | group)",
            RANDOM,
        ),
        (
            "Fewer than about\n30 groups?",
            "yes",
            "t with the design's df,\nKenward-Roger, or bootstrap",
            ASSUMED,
        ),
    )
    shape = "round,pad=0.02,rounding_size=0.12"
    step, height = 1.75, 1.2
    for k, (question, answer, action, colour) in enumerate(rows):
        y = -step * k
        for x, width, text, edge in ((0, 4.1, question, INK), (5.5, 4.5, action, colour)):
            fill = tint(colour, 0.16) if x else "white"
            box = FancyBboxPatch((x, y), width, height, boxstyle=shape, fc=fill, ec=edge, lw=1.8)
            ax.add_patch(box)
            ax.text(x + width / 2, y + height / 2, text, ha="center", va="center", fontsize=11.5)
        arrows = [
            ((4.2, y + height / 2), (5.4, y + height / 2), (4.8, y + height / 2 + 0.22), answer)
        ]
        if k < len(rows) - 1:
            down = ("yes", "in either case", "no", "in either case")[k]
            below = (2.05, y - step + height + 0.06)
            arrows.append(((2.05, y - 0.06), below, (2.3, y - (step - height) / 2), down))
        for start, end, at, word in arrows:
            arrow = FancyArrowPatch(
                start, end, arrowstyle="-|>", lw=1.6, mutation_scale=14, color=INK
            )
            ax.add_patch(arrow)
            side = "left" if at[0] < 4 else "center"
            ax.text(*at, word, ha=side, va="center", fontsize=11)
    ax.set(xlim=(-0.1, 10.1), ylim=(-step * (len(rows) - 1) - 0.1, height + 0.1), aspect="equal")
    ax.axis("off")
    return fig


def strip(
    data: pd.DataFrame,
    x: str,
    y: str,
    by: str = "",
    *,
    label: str,
    figsize: tuple[float, float] = (6.4, 2.9),
) -> Figure:
    """One mark a row of a data set, scattered sideways where x is a factor."""
    colours, marks = [FIXED, RANDOM, ASSUMED, DATA], "oDs^"
    fig, ax = plt.subplots(figsize=figsize, layout="constrained")
    rng = np.random.default_rng(1)
    groups = list(data.groupby(by, observed=True)) if by else [("", data)]
    for k, (level, rows) in enumerate(groups):
        at = rows[x]
        if isinstance(at.dtype, pd.CategoricalDtype):
            shift = 0.5 * (k - (len(groups) - 1) / 2) / len(groups)
            at = at.cat.codes + shift + rng.uniform(-0.06, 0.06, len(rows))
            ax.set_xticks(range(data[x].cat.categories.size), data[x].cat.categories)
        colour = colours[k] if by else DATA
        ax.scatter(at, rows[y], s=18, marker=marks[k], color=colour, alpha=0.7, lw=0, label=level)
    ax.set(xlabel=x, ylabel=label)
    if by:
        ax.legend(title=by, fontsize=10, bbox_to_anchor=(1, 1), loc="upper left")
    return fig
