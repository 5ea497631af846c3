"""Marginal means with intervals, raw data behind them and letters above them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from glmmlab._types import FloatArray
from glmmlab.plots import style
from glmmlab.plots.letters import Letter, place_letters
from glmmlab.plots.style import styled

CAPTION = "population mean (random effects 0), 95 % Wald interval"


@dataclass(frozen=True)
class _Layer:
    """One set of means on the common categories: where, how far, and how it looks."""

    frame: pd.DataFrame
    shift: float
    colour: str
    marker: str
    label: str | None


@styled
def plot_means(
    frame: pd.DataFrame,
    *,
    factors: str | Sequence[str],
    by: str | None = None,
    estimate: str = "estimate",
    lower: str = "lower",
    upper: str = "upper",
    letters: str | None = None,
    raw: pd.DataFrame | None = None,
    raw_value: str | None = None,
    order: str = "factor",
    ylabel: str = "Estimate (response scale)",
    xlabel: str | None = None,
    title: str = "Marginal means",
    caption: str = CAPTION,
    dodge: float = 0.2,
    ax: Axes | None = None,
) -> Axes:
    """Marginal means with intervals, one position a combination of the factors' levels.

    Parameters
    ----------
    frame : DataFrame
        One row a mean: factor columns, ``estimate``, ``lower``, ``upper``.  Where an estimate is
        infinite, the words "no finite estimate" stand at the edge.
    factors : str or sequence of str
        Columns whose levels stand along the x axis.
    by : str, optional
        A further factor: its levels stand side by side, told apart by colour and by marker.
    letters : str, optional
        Column of compact letters, written above the intervals.
    raw : DataFrame, optional
        Data drawn as grey points behind the means: the factor columns and ``raw_value``.
    order : {"factor", "estimate"}
        Levels in their order, or sorted by the (mean) estimate, smallest first.
    ylabel, xlabel, title, caption : str
        ``ylabel`` names the scale; ``caption`` says what the intervals are.
    dodge : float
        Distance between the ``by`` levels, in units of the distance between categories.
    ax : Axes, optional

    Returns
    -------
    Axes

    Examples
    --------
    >>> frame = pd.DataFrame(
    ...     {"dose": ["low", "high"], "estimate": [0.2, 0.5], "lower": [0.1, 0.3],
    ...      "upper": [0.3, 0.7], "group": ["a", "b"]}
    ... )
    >>> ax = plot_means(frame, factors="dose", letters="group", order="estimate")
    >>> [t.get_text() for t in ax.get_xticklabels()]
    ['low', 'high']
    """
    names = [factors] if isinstance(factors, str) else list(factors)
    ax = style.axes_or_new(ax)
    categories = categories_of(frame, names, estimate, order)
    levels: list[object | None] = list(levels_of(frame[by])) if by is not None else [None]
    layers = [
        _Layer(
            frame if by is None else frame[frame[by] == level],
            dodged(i, len(levels), dodge),
            style.CYCLE[i % len(style.CYCLE)] if by is not None else style.FIXED,
            style.MARKERS[i % len(style.MARKERS)],
            None if by is None else style.legend_label(f"{by} {level}"),
        )
        for i, level in enumerate(levels)
    ]
    columns = (estimate, lower, upper)
    tops = _draw(ax, layers, categories, names, columns, _raw_tables(raw, by, levels), raw_value)
    _letters(ax, layers, categories, names, (letters, lower), tops)
    _finish(ax, categories, xlabel or " : ".join(names), ylabel, title, caption, layers)
    return ax


@styled
def plot_two_models(
    frames: Mapping[str, pd.DataFrame],
    *,
    factors: str | Sequence[str],
    estimate: str = "estimate",
    lower: str = "lower",
    upper: str = "upper",
    letters: str | None = None,
    raw: pd.DataFrame | None = None,
    raw_value: str | None = None,
    wrong: str | None = None,
    colours: Sequence[str] | None = None,
    order: str = "factor",
    ylabel: str = "Estimate (response scale)",
    xlabel: str | None = None,
    title: str = "Marginal means of two models",
    caption: str = CAPTION,
    dodge: float = 0.36,
    ax: Axes | None = None,
) -> Axes:
    """Means of two (or three) models side by side, letters in each model's colour.

    Parameters
    ----------
    frames : mapping
        From the model's name to its frame (as in :func:`plot_means`, same scale and levels).
    wrong : str, optional
        Name of a model that is wrong on purpose: vermilion with dashed intervals, and its name
        says so.
    colours : sequence of str, optional
        One a model; by default blue and green, vermilion for ``wrong``.

    Other parameters are those of :func:`plot_means`.
    """
    names = [factors] if isinstance(factors, str) else list(factors)
    ax = style.axes_or_new(ax, (7.2, 4.4))
    right = (style.FIXED, style.ASSUMED, style.CYCLE[1])
    picked = dict(zip([m for m in frames if m != wrong], colours or right, strict=False))
    layers = [
        _Layer(
            frame,
            dodged(i, len(frames), dodge),
            style.WRONG if model == wrong else picked[model],
            style.MARKERS[i % len(style.MARKERS)],
            f"{model} (wrong on purpose)" if model == wrong else model,
        )
        for i, (model, frame) in enumerate(frames.items())
    ]
    first = next(iter(frames.values()))
    categories = categories_of(first, names, estimate, order)
    raws = [raw] + [None] * (len(layers) - 1)
    tops = _draw(ax, layers, categories, names, (estimate, lower, upper), raws, raw_value, True)
    _letters(ax, layers, categories, names, (letters, lower), tops)
    _finish(ax, categories, xlabel or " : ".join(names), ylabel, title, caption, layers)
    return ax


def levels_of(column: pd.Series) -> list[object]:
    """Levels that occur, in the factor's order (of appearance, if it is not one)."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        present = set(column)
        return [level for level in column.cat.categories if level in present]
    return list(pd.unique(column))


def labels_of(frame: pd.DataFrame, names: Sequence[str]) -> list[str]:
    """What stands at each row's position: its levels, joined."""
    return [" : ".join(map(str, row)) for row in frame[list(names)].itertuples(index=False)]


def categories_of(
    frame: pd.DataFrame, names: Sequence[str], estimate: str, order: str
) -> list[str]:
    """Labels of the positions along x, in order."""
    if order not in ("factor", "estimate"):
        from glmmlab.errors import UnknownNameError

        raise UnknownNameError(f"order={order!r} is not known; choose 'factor' or 'estimate'.")
    if order == "estimate":
        means = frame[estimate].groupby(labels_of(frame, names), sort=False).mean()
        return [str(label) for label in means.sort_values(kind="stable").index]
    place = {n: levels_of(frame[n]).index for n in names}
    keys = pd.DataFrame({n: [place[n](value) for value in frame[n]] for n in names})
    rows = keys.sort_values(list(names), kind="stable").index
    labels = labels_of(frame, names)
    return list(dict.fromkeys(labels[i] for i in rows))


def positions_of(frame: pd.DataFrame, categories: list[str], names: Sequence[str]) -> FloatArray:
    where = {label: float(i) for i, label in enumerate(categories)}
    return np.array([where.get(label, np.nan) for label in labels_of(frame, names)])


def dodged(i: int, count: int, dodge: float) -> float:
    return dodge * (i - (count - 1) / 2)


def _raw_tables(
    raw: pd.DataFrame | None, by: str | None, levels: Sequence[object | None]
) -> list[pd.DataFrame | None]:
    if raw is None or by is None or by not in raw.columns:
        return [raw] + [None] * (len(levels) - 1)
    return [raw[raw[by] == level] for level in levels]


def _draw(
    ax: Axes,
    layers: Sequence[_Layer],
    categories: list[str],
    names: Sequence[str],
    columns: tuple[str, str, str],
    raws: Sequence[pd.DataFrame | None],
    raw_value: str | None,
    centred: bool = False,
) -> FloatArray:
    """Draw points, intervals and raw data; return the highest mark by layer and category."""
    estimate, lower, upper = columns
    tops = np.full((len(layers), len(categories)), -np.inf)
    for i, (layer, raw) in enumerate(zip(layers, raws, strict=True)):
        at = positions_of(layer.frame, categories, names)
        low, high = (layer.frame[c].to_numpy(dtype=float) for c in (lower, upper))
        wrong = layer.colour == style.WRONG
        dash = style.WRONG_DASH if wrong else "-"
        ax.vlines(at + layer.shift, low, high, color=layer.colour, lw=2.0, ls=dash, zorder=2)
        ax.plot(
            at + layer.shift,
            layer.frame[estimate],
            ls="none",
            marker=layer.marker,
            ms=6,
            mec="white",
            mew=0.7,
            color=layer.colour,
            label=layer.label,
            zorder=3,
        )
        for x, value in zip(at, layer.frame[estimate].to_numpy(dtype=float), strict=True):
            if np.isinf(value) and not np.isnan(x):
                style.no_estimate(ax, x + layer.shift, value, layer.colour)
        drawn = ~(np.isnan(at) | np.isnan(high))  # means that cannot be estimated are not
        np.maximum.at(tops[i], at[drawn].astype(int), high[drawn])
        if raw is not None and raw_value is not None:
            _raw(ax, raw, raw_value, categories, names, 0.0 if centred else layer.shift)
            where = positions_of(raw, categories, names)
            seen = ~np.isnan(where)
            rows = slice(None) if centred else slice(i, i + 1)
            for row in tops[rows]:
                values = raw[raw_value].to_numpy(dtype=float)[seen]
                np.maximum.at(row, where[seen].astype(int), values)
    return tops


def _raw(
    ax: Axes,
    raw: pd.DataFrame,
    value: str,
    categories: list[str],
    names: Sequence[str],
    shift: float,
) -> None:
    at = positions_of(raw, categories, names)
    # spread by a fixed low-discrepancy sequence: the same figure every time
    jitter = (np.arange(len(at)) * 0.6180339887 % 1 - 0.5) * 0.14
    ax.scatter(at + shift + jitter, raw[value], s=14, color=style.DATA, alpha=0.42, lw=0, zorder=1)


def _letters(
    ax: Axes,
    layers: Sequence[_Layer],
    categories: list[str],
    names: Sequence[str],
    columns: tuple[str | None, str],
    tops: FloatArray,
) -> None:
    """Letters above the highest mark of their category, in the model's colour if there are two."""
    letters, lower = columns
    if letters is None:
        return
    marks = []
    for layer, top in zip(layers, tops, strict=True):
        texts = layer.frame[letters].astype(str)
        colour = layer.colour if len(layers) > 1 else style.INK
        at = positions_of(layer.frame, categories, names)
        for x, low, text in zip(at, layer.frame[lower], texts, strict=True):
            if not (np.isnan(x) or np.isnan(low)):
                i = int(x)
                marks.append(Letter(i, layer.shift, float(low), float(top[i]), text, colour))
    place_letters(ax, marks, len(categories), len(layers))


def _finish(
    ax: Axes,
    categories: list[str],
    xlabel: str,
    ylabel: str,
    title: str,
    caption: str,
    layers: Sequence[_Layer],
) -> None:
    style.category_ticks(ax, categories)
    ax.set_xlim(-0.6, len(categories) - 0.4)
    style.axis_labels(ax, xlabel, ylabel)
    labelled = any(layer.label is not None for layer in layers)
    style.heading(ax, title, [(caption, False)] if caption else [], legend=labelled)
