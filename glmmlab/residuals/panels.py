"""Residuals against several predictors, or within the levels of a factor: one panel each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from glmmlab._types import BoolArray
from glmmlab._warnings import warn
from glmmlab.errors import DataError, InferenceWarning
from glmmlab.residuals import figures, predictors
from glmmlab.residuals.result import LEVEL

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from glmmlab.residuals.predictors import PredictorLike
    from glmmlab.residuals.scaled import SimulatedResiduals

MOST_PANELS = 30
CONDITION = re.compile(r"^(?P<name>[^=]+?)\s*==\s*(?P<quote>['\"]?)(?P<level>.*?)(?P=quote)$")


@dataclass(frozen=True)
class Panel:
    """One predictor, and the rows it is looked at in."""

    predictor: PredictorLike
    rows: BoolArray | None = None
    condition: str = ""


def parse(formula: str, res: SimulatedResiduals) -> list[Panel]:
    """Panels of ``"~ x + z"``, ``"~ ."``, ``"~ x | g"`` or ``'~ x | g == "level"'``."""
    left, bar, right = formula.strip().removeprefix("~").partition("|")
    names = [_bare(part) for part in left.split("+")]
    if not all(names):
        raise DataError(f"{formula!r} names no predictor; write '~ x', '~ x + z' or '~ x | g'.")
    if names == ["."]:
        names = _all_predictors(res)
    if not bar:
        return [Panel(name) for name in names]
    condition = CONDITION.match(right.strip())
    if condition is None:
        return by_levels(names, _bare(right), res)
    chosen = by_levels(names, _bare(condition["name"]), res, condition["level"])
    return chosen


def by_levels(
    names: Sequence[PredictorLike],
    group: PredictorLike,
    res: SimulatedResiduals,
    only: str | None = None,
) -> list[Panel]:
    """A panel for every predictor and level of ``group`` (or one level of it)."""
    values, group_name = predictors.categorical(group, res)
    names = [name for name in names if not (isinstance(name, str) and name == group_name)]
    if not names:
        raise DataError(f"No predictor is left to look at within the levels of {group_name}.")
    codes = np.asarray(values.codes)
    levels = {str(level): codes == i for i, level in enumerate(values.categories)}
    levels = {level: rows for level, rows in levels.items() if rows.sum() > 1}
    if only is not None:
        if only not in levels:
            known = ", ".join(list(levels)[:8])
            raise DataError(f"{group_name} has no level {only!r} in these rows; it has {known}.")
        levels = {only: levels[only]}
    return [
        Panel(name, rows, f"{group_name} = {level}")
        for name in names
        for level, rows in levels.items()
    ]


def _bare(name: str) -> str:
    return name.strip().strip("`").strip()


def _all_predictors(res: SimulatedResiduals) -> list[str]:
    if res.predictors:
        return list(res.predictors)
    if res.data is None:
        raise DataError("These residuals carry no data, so '~ .' names nothing; pass data=.")
    return [str(name) for name in res.data.columns]


def single(
    res: SimulatedResiduals, formula: str, title: str | None
) -> tuple[SimulatedResiduals, PredictorLike, str | None]:
    """Residuals, predictor and title of a formula of one panel."""
    found = parse(formula, res)
    if len(found) > 1:
        raise DataError(f"{formula!r} asks for {len(found)} panels; use plot_panels for them.")
    panel = found[0]
    return *_within(res, panel), title or _title(panel, res)


def draw(
    res: SimulatedResiduals,
    wanted: str | Sequence[PredictorLike],
    by: PredictorLike = None,
    axes: Sequence[Axes] | None = None,
    **options: Any,
) -> Figure:
    """The panels, on the given axes or on a new figure."""
    if isinstance(wanted, str):
        formula = wanted if wanted.lstrip().startswith("~") else f"~ {wanted}"
        found = parse(formula, res)
    else:
        found = [Panel(predictor) for predictor in _several(wanted)]
    if by is not None:
        if any(panel.rows is not None for panel in found):
            raise DataError("Give the factor once: as by=, or after | in the formula.")
        found = by_levels([panel.predictor for panel in found], by, res)
    places = _places(found, axes)
    _warn_of_resolution(len(found), res.nsim)
    lying = _lying(res, found, places, own=axes is None)
    res = replace(res, most_rows=max(2_000, res.most_rows // len(found)))  # as fast as one panel
    for panel, ax, lies in zip(found, places, lying, strict=True):
        part, predictor = _within(res, panel)
        title = _title(panel, res) or _name(panel, res)
        options["lying"] = lies
        figures.residuals(part, predictor, ax, title=title, looks=len(found), **options)
    return cast("Figure", places[0].figure)


def _several(wanted: Sequence[PredictorLike]) -> Sequence[PredictorLike]:
    """A list of predictors, at least one."""
    if not isinstance(wanted, Sequence) or not len(wanted):
        raise DataError("panels= must be a formula such as '~ x + z', or a list of predictors.")
    return wanted


def _within(res: SimulatedResiduals, panel: Panel) -> tuple[SimulatedResiduals, PredictorLike]:
    """The residuals in the panel's rows, and the predictor's values there."""
    if panel.rows is None:
        return res, panel.predictor
    part = res.select(panel.rows)
    if panel.predictor is None or isinstance(panel.predictor, str):
        return part, panel.predictor
    values, name = predictors.resolve(panel.predictor, res)
    return part, values[panel.rows].rename(None if name == predictors.UNNAMED else name)


def _name(panel: Panel, res: SimulatedResiduals) -> str:
    return predictors.resolve(panel.predictor, res)[1]


def _title(panel: Panel, res: SimulatedResiduals) -> str | None:
    return f"{_name(panel, res)}, {panel.condition}" if panel.condition else None


def _places(found: Sequence[Panel], axes: Sequence[Axes] | None) -> list[Axes]:
    if len(found) > MOST_PANELS:
        raise DataError(
            f"{len(found)} panels are too many to read; choose a level, such as "
            "'~ x | g == \"level\"', or use residuals against g, which draws levels as boxes."
        )
    if axes is not None:
        if len(axes) != len(found):
            raise DataError(
                f"{len(found)} {'panel needs' if len(found) == 1 else 'panels need'} as many axes, "
                f"not {len(axes)}."
            )
        return list(axes)
    from glmmlab.plots import grid_axes

    return grid_axes(len(found))


def _lying(
    res: SimulatedResiduals, found: Sequence[Panel], places: Sequence[Axes], own: bool
) -> list[bool | None]:
    """Whether the boxes of each panel lie, all those of one factor alike; None: as they fit.

    ``own``: a figure of our own, which grows until the names beside lying boxes can be read.
    """
    from glmmlab.plots.levels import grow, names_short_of
    from glmmlab.plots.style import categories_fit

    names, factors = [_levels(res, panel) for panel in found], [_name(p, res) for p in found]
    turned = set()
    for factor, levels, ax in zip(factors, names, places, strict=True):
        # which levels of several panels deviate is not known yet: keep room to say so
        mark = "\n(deviates)" if factors.count(factor) > 1 else ""
        if not categories_fit(ax, [level + mark for level in levels]):
            turned.add(factor)
    lying = [f in turned or (False if factors.count(f) > 1 else None) for f in factors]
    if own:
        drawn = zip(places, names, lying, strict=True)
        grow(places, [names_short_of(ax, levels) if lies else 0.0 for ax, levels, lies in drawn])
    return lying


def _levels(res: SimulatedResiduals, panel: Panel) -> list[str]:
    """Levels that a panel draws as boxes; none for a number."""
    series, name = predictors.resolve(panel.predictor, res)
    series = series if panel.rows is None else series[panel.rows]
    if not predictors.is_factor(series, name, res.factors):
        return []
    return [str(level) for level in pd.Categorical(series).remove_unused_categories().categories]


def _warn_of_resolution(looks: int, nsim: int) -> None:
    if looks > 1 and looks / (nsim + 1) >= LEVEL:
        warn(
            InferenceWarning(
                f"With {looks} panels and {nsim} simulations no quantile test can fall below "
                f"{LEVEL:g} after adjustment; simulate at least {int(looks / LEVEL) + 1} times."
            )
        )
