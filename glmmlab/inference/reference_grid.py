"""The reference grid: the combinations of predictor values at which a model is looked at.

Factors enter with all their levels, and so do numbers that stand in ``factor()`` somewhere; numeric
predictors with two values or fewer keep these, and all others stand at their unweighted mean over
the rows used.  Marginal means are averages of
grid rows; everything here is linear algebra on rows of the model matrix.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from glmmlab._types import BoolArray, FloatArray
from glmmlab.errors import DataError, UnknownColumnError, UnknownLevelError, UnknownNameError
from glmmlab.inference.nesting import Nesting, equal_shares, find_nesting, present_cells

if TYPE_CHECKING:
    from glmmlab.formula.fixed import FixedPart, Variable

MAX_ROWS = 10_000
WEIGHTS = ("equal", "proportional", "outer", "cells", "flat")

Covariates = Callable[["Variable"], Sequence[float]]
"""Values a numeric predictor takes in the grid."""


@dataclass(frozen=True)
class ReferenceGrid:
    """Full cross of the predictors' values, the first predictor fastest.

    Attributes
    ----------
    values : dict of str to tuple
        Values of each predictor, in the order of the formula.
    levels : dict of str to tuple
        All levels of each factor (a subset of them may be in `values`).
    frame : DataFrame, shape (n, predictors)
        The grid; factors are Categoricals with all their levels.
    counts : ndarray, shape (n,)
        Prior weights of the data rows in each combination of factors (and of kept numerics).
    present : ndarray of bool, shape (n,)
        False where a nested factor's level stands with a level it does not belong to.
    nesting : mapping
        Each nested factor with the factors it is nested in.
    held : frozenset of str
        Numeric predictors that stand at their mean.
    """

    values: dict[str, tuple[Any, ...]]
    levels: dict[str, tuple[Any, ...]]
    frame: pd.DataFrame
    counts: FloatArray
    present: BoolArray
    nesting: Nesting = field(default_factory=dict)
    held: frozenset[str] = frozenset()

    def averaged(self, keep: Sequence[str]) -> list[str]:
        """Predictors with several values that are not in `keep`."""
        return [name for name, v in self.values.items() if name not in keep and len(v) > 1]


def few_values(variable: Variable) -> tuple[float, ...] | None:
    """Values of a number that stay in the grid: its levels in ``factor()``, or at most two."""
    kept: Sequence[Any] | None = variable.unique if variable.levels is None else variable.levels
    return None if kept is None else tuple(float(v) for v in kept)


def mean_or_few_values(variable: Variable) -> tuple[float, ...]:
    """The values themselves if these are few, else the mean."""
    return few_values(variable) or (float(variable.mean),)  # type: ignore[arg-type]


def around_mean(variable: Variable) -> tuple[float, ...]:
    """Mean - 1 and mean + 1, so that differences are slopes at the mean (joint tests)."""
    mean = float(variable.mean)  # type: ignore[arg-type]
    return (mean - 1, mean + 1)


def grid_variables(parts: Sequence[FixedPart]) -> dict[str, Variable]:
    """Predictors of one or more linear predictors, in the order of their formulas.

    A number of one part that is a factor of another keeps its levels.
    """
    merged: dict[str, Variable] = {}
    for part in parts:
        for name, variable in part.variables.items():
            known = merged.setdefault(name, variable)
            if known.kind != variable.kind:
                number = known if known.kind == "numeric" else variable
                merged[name] = replace(number, levels=known.levels or variable.levels)
    return merged


def _grid_values(
    variables: Mapping[str, Variable], at: Mapping[str, Any], covariates: Covariates
) -> dict[str, tuple[Any, ...]]:
    unknown = [name for name in at if name not in variables]
    if unknown:
        raise UnknownColumnError(
            f"at= names {unknown[0]!r}, which is not a predictor of this part of the model; "
            f"its predictors are {', '.join(variables) or 'none'}."
        )
    values: dict[str, tuple[Any, ...]] = {}
    for name, variable in variables.items():
        if name in at:
            values[name] = _chosen(variable, at[name])
        elif variable.kind == "factor":
            values[name] = tuple(variable.levels or ())
        else:
            values[name] = tuple(covariates(variable))
    return values


def _chosen(variable: Variable, wanted: Any) -> tuple[Any, ...]:
    scalar = isinstance(wanted, str) or np.ndim(wanted) == 0
    chosen = (wanted,) if scalar else tuple(wanted)
    if not chosen:
        raise DataError(
            f"at= gives no value for {variable.name!r}; give one or more, or leave it out."
        )
    if variable.levels is not None:
        chosen = tuple(_level(value, variable.levels) for value in chosen)
        for value in chosen:
            if value not in variable.levels:
                raise UnknownLevelError(
                    f"at= asks for level {value!r} of {variable.name!r}; its levels are "
                    f"{', '.join(map(str, variable.levels))}."
                )
    if variable.kind == "factor":
        return chosen
    try:
        numbers = tuple(float(value) for value in chosen)
    except (TypeError, ValueError):
        numbers = (math.nan,)
    if not all(map(math.isfinite, numbers)):
        raise DataError(
            f"at= gives {wanted!r} for the numeric predictor {variable.name!r}; give finite "
            "numbers."
        )
    return numbers


def _level(value: Any, levels: Sequence[Any]) -> Any:
    """The level that prints like a value, as in new data; the value itself if none does."""
    if value in levels:
        return value
    return next((level for level in levels if str(level) == str(value)), value)


def build_grid(
    parts: Sequence[FixedPart],
    data: pd.DataFrame,
    prior_weights: FloatArray | None = None,
    at: Mapping[str, Any] | None = None,
    covariates: Covariates = mean_or_few_values,
) -> ReferenceGrid:
    """Cross the predictors of one or more parts of a model.

    Parameters
    ----------
    parts : sequence of FixedPart
        Whose predictors the grid has.
    data : DataFrame
        Rows used in the fit: they give the cell weights.
    prior_weights : ndarray, shape (n,), or None
        Weight of each row in the cell weights; ones when None.
    at : mapping, optional
        Values (or one value) that replace those of a predictor.
    covariates : callable
        Values of the numeric predictors that `at` does not name.

    Raises
    ------
    UnknownColumnError, UnknownLevelError, DataError
        `at` does not fit the model; a grid of more than 10,000 rows.
    """
    variables = grid_variables(parts)
    values = _grid_values(variables, at or {}, covariates)
    size = _size(values, "Fix some predictors with at=.")
    levels = {n: tuple(v.levels or ()) for n, v in variables.items() if v.kind == "factor"}
    frame = _cross(values, levels, size)
    counts_ = _cell_weights(frame, variables, data, prior_weights)
    labelled = [name for name, v in variables.items() if v.levels is not None]
    nesting = find_nesting(data, labelled)
    held = {
        n
        for n, v in variables.items()
        if v.kind == "numeric" and n not in (at or {}) and values[n] == (v.mean,)
    }
    return ReferenceGrid(
        values, levels, frame, counts_, present_cells(frame, data, nesting), nesting,
        frozenset(held),
    )  # fmt: skip


def _size(values: Mapping[str, Sequence[Any]], advice: str) -> int:
    size = math.prod(len(v) for v in values.values())
    if size > MAX_ROWS:
        counts = [f"{name}: {len(v)}" for name, v in values.items() if len(v) > 1]
        shown = ", ".join([*counts[:8], *["..."] * (len(counts) > 8)])
        raise DataError(
            f"The reference grid would have {size} rows ({shown}); more than {MAX_ROWS}. {advice}"
        )
    return size


def with_values(
    grid: ReferenceGrid, data: pd.DataFrame, chosen: Mapping[str, tuple[float, ...]], advice: str
) -> ReferenceGrid:
    """The grid with other values of some numeric predictors; all its cells have the same weight.

    Parameters
    ----------
    grid : ReferenceGrid
    data : DataFrame
        Rows used in the fit.
    chosen : mapping
        The values.
    advice : str
        What to do about a grid that is too large.

    Raises
    ------
    DataError
        A grid of more than 10,000 rows.
    """
    values = {name: chosen.get(name, v) for name, v in grid.values.items()}
    frame = _cross(values, grid.levels, _size(values, advice))
    present = present_cells(frame, data, grid.nesting)
    return ReferenceGrid(values, grid.levels, frame, np.ones(len(frame)), present, grid.nesting)


def _cross(
    values: Mapping[str, tuple[Any, ...]], levels: Mapping[str, tuple[Any, ...]], size: int
) -> pd.DataFrame:
    columns: dict[str, Any] = {}
    repeat = 1
    for name, entries in values.items():
        index = np.tile(np.repeat(np.arange(len(entries)), repeat), size // (repeat * len(entries)))
        columns[name] = level_column([entries[i] for i in index], levels.get(name))
        repeat *= len(entries)
    return pd.DataFrame(columns, index=pd.RangeIndex(size))


def level_column(values: Sequence[Any], levels: Sequence[Any] | None) -> Any:
    """Values of one predictor as a column: a Categorical for factors, floats for numerics."""
    if levels is None:
        return np.asarray(values, float)
    return pd.Categorical(values, categories=list(levels))


def _cell_weights(
    frame: pd.DataFrame,
    variables: Mapping[str, Variable],
    data: pd.DataFrame,
    prior_weights: FloatArray | None,
) -> FloatArray:
    """Total prior weight of each cell of the factors and of the numerics kept with few values."""
    keys = [
        name
        for name, v in variables.items()
        if v.kind == "factor" or set(frame[name]) <= set(few_values(v) or ())
    ]
    if not keys:
        return np.ones(len(frame))
    weights = np.ones(len(data)) if prior_weights is None else np.asarray(prior_weights, float)
    totals: dict[tuple[Any, ...], float] = {}
    rows = zip(*(_plain(data[k], variables[k]) for k in keys), strict=True)
    for row, weight in zip(rows, weights, strict=True):
        totals[row] = totals.get(row, 0.0) + float(weight)
    cells = zip(*(_plain(frame[k], variables[k]) for k in keys), strict=True)
    return np.array([totals.get(cell, 0.0) for cell in cells])


def _plain(column: pd.Series, variable: Variable) -> list[Any]:
    return column.tolist() if variable.kind == "factor" else [float(v) for v in column]


# ------------------------------------------------------------------ averaging grid rows


def averaging_matrix(
    grid: ReferenceGrid, keep: Sequence[str], weights: str | Any = "equal"
) -> tuple[FloatArray, pd.DataFrame]:
    """Rows that average the grid to the combinations of some of its predictors.

    Parameters
    ----------
    grid : ReferenceGrid
    keep : sequence of str
        Predictors to keep, the first fastest.
    weights : str or array_like
        ``equal``, ``proportional`` (to the marginal counts of the averaged cells), ``outer``
        (products of one-way proportions), ``cells`` (the counts of each cell), ``flat`` (equal
        over non-empty cells), or custom: one weight an averaged cell, or a row of them for each
        kept cell (first averaged predictor fastest).

    Returns
    -------
    matrix : ndarray, shape (kept cells, grid rows)
    cells : DataFrame
        Values of the kept predictors, one row a kept cell (cells that cannot exist, because a
        factor is nested in another, are left out).
    """
    others = [name for name in grid.values if name not in keep]
    # predictors with one value make no axis: arrays have at most 64
    axes = {name: len(v) for name, v in grid.values.items() if len(v) > 1}
    order = [list(axes).index(name) for name in (*keep, *others) if name in axes]
    size = len(grid.frame)
    index = np.arange(size).reshape(tuple(axes.values()), order="F").transpose(order)
    kept = int(np.prod([len(grid.values[name]) for name in keep], dtype=int))
    cells = index.reshape((kept, -1), order="F")
    cells = cells[grid.present[cells].any(axis=1)]
    kept = len(cells)
    share = _shares(grid, others, cells, weights)
    matrix = np.zeros((kept, size))
    np.put_along_axis(matrix, cells, share, axis=1)
    frame = grid.frame.loc[cells[:, 0], list(keep)].reset_index(drop=True)
    return matrix, frame


def _shares(
    grid: ReferenceGrid, others: Sequence[str], cells: np.ndarray, weights: str | Any
) -> FloatArray:
    """Weights of the averaged cells, shape of `cells`, rows summing to one."""
    counts = grid.counts[cells]
    if isinstance(weights, str):
        share = _named_shares(grid, others, cells, counts, weights)
    else:
        share = np.asarray(weights, float)
        if share.shape not in ((cells.shape[1],), cells.shape):
            raise DataError(
                f"weights= has shape {share.shape}; {cells.shape[1]} cells are averaged "
                f"(over {', '.join(others) or 'nothing'}): give one weight for each."
            )
        share = np.broadcast_to(share, cells.shape)
        used = np.where(grid.present[cells], share, 0.0)
        if not (np.isfinite(used).all() and (used >= 0).all() and (used.sum(axis=1) > 0).all()):
            raise DataError(
                "weights= must be finite numbers, none negative and not all zero, for the cells "
                f"that are averaged (over {', '.join(others) or 'nothing'})."
            )
    share = share * grid.present[cells]
    total = share.sum(axis=1, keepdims=True)
    equal = grid.present[cells] / grid.present[cells].sum(axis=1, keepdims=True)
    return np.where(total > 0, share / np.where(total > 0, total, 1.0), equal)


def _named_shares(
    grid: ReferenceGrid,
    others: Sequence[str],
    cells: np.ndarray,
    counts: FloatArray,
    weights: str,
) -> FloatArray:
    if weights == "equal":
        return equal_shares(grid.frame, grid.present, others, grid.nesting)[cells]
    if weights == "proportional":
        return np.broadcast_to(counts.sum(axis=0), cells.shape)
    if weights == "cells":
        return counts
    if weights == "flat":
        return (counts > 0).astype(float)
    if weights == "outer":
        product = np.ones(cells.shape[1])
        for name in others:
            entries = grid.frame[name].to_numpy()[cells[0]]
            margin = {v: counts[:, entries == v].sum() for v in dict.fromkeys(entries.tolist())}
            product = product * np.array([margin[v] for v in entries.tolist()])
        return np.broadcast_to(product, cells.shape)
    raise UnknownNameError(
        f"Unknown weights {weights!r}; choose one of {', '.join(WEIGHTS)}, or give numbers."
    )
