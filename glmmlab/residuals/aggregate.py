"""Residuals of groups of rows, and of some rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from glmmlab._types import AnyArray, BoolArray, FloatArray, IntArray
from glmmlab.errors import DataError
from glmmlab.residuals.checks import option

if TYPE_CHECKING:
    from glmmlab.residuals.scaled import SimulatedResiduals

Aggregate = str | Callable[[FloatArray], float]


def recalculate(
    res: SimulatedResiduals,
    groups: IntArray,
    columns: pd.DataFrame,
    name: str,
    by: Aggregate,
    select: ArrayLike | None,
    rng: np.random.Generator,
) -> SimulatedResiduals:
    """See :meth:`SimulatedResiduals.recalculate`; `columns` say of every row what its group is."""
    from glmmlab.residuals.create import build

    if res.refits is not None:
        raise DataError("Residuals from refits cannot be aggregated; simulate without refit.")
    if res.rotated is not None:
        raise DataError("Rotated residuals cannot be aggregated; simulate without rotation.")
    if not callable(by):
        option(by, ("sum", "mean"), "by")
    keep = np.ones(res.nobs, bool) if select is None else _one_a_row(select, res.nobs, "select")
    codes = groups[keep]
    if len(np.unique(codes)) < 2:
        raise DataError(
            f"{name} has fewer than 2 groups among the selected rows; group by another column, or "
            "select more rows."
        )
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(codes[order]) > 0])
    rows = np.flatnonzero(keep)[order]

    def collapse(values: AnyArray) -> FloatArray:
        return _collapse(np.asarray(values[..., rows], dtype=float), starts, by)

    levels = columns.iloc[rows[starts]].reset_index(drop=True)
    observed, fitted = collapse(res.observed), collapse(res.fitted)
    simulated = np.stack([collapse(one) for one in res.simulated])
    _refuse_missing(levels, name, observed, fitted, simulated)
    return build(
        observed,
        simulated,
        fitted,
        res.integer and _whole(observed) and _whole(simulated),
        rng,
        method=res.method,
        random_effects=res.random_effects,
        dependent=res.dependent,
        data=levels,
    )


def select(res: SimulatedResiduals, rows: ArrayLike) -> SimulatedResiduals:
    """See :meth:`SimulatedResiduals.select`."""
    keep = _one_a_row(rows, res.nobs, "rows")
    if keep.sum() < 2:
        raise DataError("Fewer than 2 rows are selected; at least 2 are needed.")
    refits = res.refits
    if refits is not None:
        refits = replace(
            refits,
            observed=refits.observed[keep],
            simulated=refits.simulated[:, keep],
            pearson=refits.pearson[keep],
            simulated_pearson=refits.simulated_pearson[:, keep],
        )
    return replace(
        res,
        observed=res.observed[keep],
        simulated=res.simulated[:, keep],
        fitted=res.fitted[keep],
        scaled=res.scaled[keep],
        data=None if res.data is None else res.data.loc[keep],
        pearson=None,
        pearson_df=None,
        fixed_variance=False,
        refits=refits,
        rotated=res.rotated and (res.rotated[0][keep], res.rotated[1][:, keep]),
    )


def _one_a_row(values: ArrayLike, nobs: int, name: str) -> BoolArray:
    """A user's choice of rows, one True or False a row."""
    keep = np.asarray(values)
    if keep.shape != (nobs,) or keep.dtype != bool:
        raise DataError(f"{name} must be one True or False for each of the {nobs} rows.")
    return keep


def _whole(values: FloatArray) -> bool:
    """Whether groups of counts have counts themselves: sums and maxima have, means have not."""
    return bool(np.all(values == np.rint(values)))


def _refuse_missing(levels: pd.DataFrame, name: str, *values: FloatArray) -> None:
    bad = np.zeros(len(levels), dtype=bool)
    for one in values:
        bad |= np.isnan(np.atleast_2d(one)).any(axis=0)
    if bad.any():
        shown = levels[bad].head().itertuples(index=False)
        some = ", ".join(" : ".join(map(str, level)) for level in shown)
        raise DataError(f"by= makes no number of the rows of {name} {some}; use another function.")


def _collapse(values: FloatArray, starts: AnyArray, by: Aggregate) -> FloatArray:
    if callable(by):
        return np.array([float(by(part)) for part in np.split(values, starts[1:])])
    total = np.add.reduceat(values, starts)
    return total if by == "sum" else total / np.diff(np.r_[starts, len(values)])
