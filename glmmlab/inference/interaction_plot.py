"""Interaction plots of marginal means from one line: ``trace ~ x | panel``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from glmmlab.errors import FormulaError
from glmmlab.inference.contrasts import plain_label
from glmmlab.inference.drawn import drawn_frame
from glmmlab.inference.emmeans import emmeans
from glmmlab.inference.linear import panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from glmmlab.estimate.result import Estimate


def interaction_plot(
    estimate: Estimate,
    formula: str,
    at: Mapping[str, Any] | None = None,
    *,
    type: str = "link",
    weights: str | Any = "equal",
    component: str = "conditional",
    level: float = 0.95,
    intervals: bool = False,
    ax: Axes | Sequence[Axes] | None = None,
    **titles: Any,
) -> Axes | list[Axes]:
    """Plot marginal means along ``x``, one line a level of ``trace``, one Axes a ``panel``.

    Parameters
    ----------
    estimate : Estimate
    formula : str
        ``"trace ~ x | panel"``; ``trace`` and ``panel`` are optional, each side may be a product.
    at, type, weights, component, level
        As in :func:`glmmlab.inference.emmeans.emmeans`.
    intervals : bool
        Draw the confidence intervals.
    ax : Axes, or one for each panel, optional
    **titles
        ``title``, ``xlabel``, ``ylabel``, ``caption``, ``dodge`` of
        :func:`glmmlab.plots.plot_interaction`.

    Raises
    ------
    FormulaError
        A formula without ``~`` or without ``x``, or as many Axes as there are not panels.
    """
    from glmmlab.plots.interaction import CAPTION, panel_axes, plot_interaction

    trace, x, panel = _split(formula)
    em = emmeans(
        estimate, [*x, *trace, *panel], at=at, type=type, weights=weights, component=component,
        level=level,
    )  # fmt: skip
    frame = drawn_frame(em)
    along = _joined(frame, x)
    lines = _joined(frame, trace) if trace else None
    titles.setdefault("ylabel", em.axis_label())
    if "caption" not in titles:
        single = [n for n in x if is_numeric_dtype(frame[n].dtype) and frame[n].nunique() == 1]
        held = [n for n in single if n not in (at or {})]
        words = [CAPTION] if lines else []
        words += [f"{100 * level:g} % Wald intervals"] if intervals else []
        words += [f"{n} is held at its mean: at= gives it values" for n in held]
        titles["caption"] = "; ".join(words)
    titles |= {"estimate": em._own("estimate")}
    titles |= {name: em._own(name) if intervals else None for name in ("lower", "upper")}
    if not panel:
        one = None if ax is None else _axes(ax, 1)[0]
        return plot_interaction(frame, x=along, trace=lines, ax=one, **titles)
    groups = list(panels(frame, panel))
    axes = _axes(ax, len(groups)) if ax is not None else panel_axes(len(groups))
    for (key, index), one in zip(groups, axes, strict=True):
        name = ", ".join(f"{n} {plain_label(v)}" for n, v in zip(panel, key, strict=True))
        own = titles | {"title": titles.get("title", name)}
        if one is not axes[0]:
            own["ylabel"] = ""
        plot_interaction(frame.iloc[index], x=along, trace=lines, ax=one, **own)
    return axes


def _split(formula: str) -> tuple[list[str], list[str], list[str]]:
    """Names of the traces, of the x axis and of the panels."""
    if not isinstance(formula, str):
        raise FormulaError(f"emmip takes 'trace ~ x' or 'trace ~ x | panels', not {formula!r}.")
    left, tilde, right = formula.partition("~")
    x, _, panel = right.partition("|")
    sides = [
        [n for n in (name.strip(" `") for name in side.replace(":", "*").split("*")) if n]
        for side in (left, x, panel)
    ]
    if not tilde or not sides[1]:
        raise FormulaError(f"{formula!r} is not of the form 'trace ~ x | panel'.")
    return sides[0], sides[1], sides[2]


def _joined(frame: pd.DataFrame, names: Sequence[str]) -> str:
    """The column of one name, or a new one for combinations of several."""
    label = " : ".join(names)
    if len(names) > 1:
        rows = frame[list(names)].itertuples(index=False)
        frame[label] = [" : ".join(map(plain_label, row)) for row in rows]
    return label


def _axes(ax: Axes | Sequence[Axes], count: int) -> list[Axes]:
    axes = [*ax] if isinstance(ax, (list, tuple, np.ndarray)) else [ax]
    if len(axes) != count:
        raise FormulaError(f"The plot has {count} panels; ax= gives {len(axes)} Axes.")
    return axes  # type: ignore[return-value]
