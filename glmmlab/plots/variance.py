"""How variance grows with the mean: what families assume, and what the data do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from glmmlab._types import FloatArray
from glmmlab.plots import style
from glmmlab.plots.style import styled


@dataclass(frozen=True)
class VarianceCurve:
    """Variance as a function of the mean under one model.

    Attributes
    ----------
    mean, variance : ndarray
        Points of the curve, by increasing mean.
    wrong : bool
        A model that is wrong on purpose (vermilion, dashed, named so).
    """

    mean: FloatArray
    variance: FloatArray
    wrong: bool = False


@styled
def plot_mean_variance(
    curves: Mapping[str, VarianceCurve],
    points: pd.DataFrame | None = None,
    *,
    mean: str = "mean",
    variance: str = "variance",
    xlabel: str = "Mean (response scale)",
    ylabel: str = "Variance",
    title: str = "Mean and variance",
    caption: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Mean-variance curves of models, with the groups of the data as points.

    Parameters
    ----------
    curves : mapping
        From a model's name to its curve; names stand at the right end of their curve.
    points : DataFrame, optional
        One row a group of the data: columns ``mean`` and ``variance``.
    xlabel, ylabel, title, caption : str
    ax : Axes, optional

    Examples
    --------
    >>> mu = np.linspace(0.01, 0.99, 50)
    >>> ax = plot_mean_variance({"beta": VarianceCurve(mu, mu * (1 - mu) / 25)})
    >>> ax.get_ylabel()
    'Variance'
    """
    ax = style.axes_or_new(ax)
    if points is not None:
        ax.scatter(
            points[mean], points[variance], s=26, color=style.DATA, alpha=0.85, lw=0, zorder=3
        )
    top = max(float(np.max(c.variance)) for c in curves.values())
    if points is not None:
        top = max(top, float(points[variance].max()))
    right_colours = iter((style.ASSUMED, style.FIXED, style.RANDOM))
    ends, labels = [], []
    for name, curve in curves.items():
        colour = style.WRONG if curve.wrong else next(right_colours, style.DATA)
        ax.plot(
            curve.mean,
            curve.variance,
            color=colour,
            lw=2,
            ls=style.WRONG_DASH if curve.wrong else "-",
        )
        ends.append(float(curve.variance[-1]))
        labels.append((f"{name}\n(wrong on purpose)" if curve.wrong else name, colour))
    ax.set_ylim(-0.03 * top, 1.05 * top)
    gap = 2.6 * style.SMALL * style.points_high(ax, 1.08 * top)
    for y, (text, colour) in zip(style.spread_out(ends, gap), labels, strict=True):
        style.end_label(ax, y, text, colour, bold=True)
    style.axis_labels(ax, xlabel, ylabel)
    notes = [caption] if caption else []
    if points is not None:
        notes.append(f"Points: mean and variance of {len(points)} groups of the data")
    style.heading(ax, title, [(text, False) for text in notes])
    return ax
