"""Arguments of predict() that have a value for each new row: offsets and numbers of trials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from glmmlab._types import FloatArray
from glmmlab.design.arguments import row_values
from glmmlab.errors import DataError, UnknownColumnError
from glmmlab.formula.columns import as_frame

if TYPE_CHECKING:
    from glmmlab.design import Design
    from glmmlab.estimate.result import Estimate


def offset_of(design: Design, newdata: pd.DataFrame, offset: object) -> FloatArray | float:
    """The offset= argument of the fit at new rows: the column again, or what the caller gives."""
    source = design.offset_name if offset is None else offset
    if source is None:
        return 0.0
    if offset is None and source not in design.data.columns:
        raise DataError(
            "the model's offset= was an array, which new rows do not have: give "
            "predict(..., offset=...) one number a row, or a single number."
        )
    if isinstance(source, str) and source not in newdata.columns:
        raise UnknownColumnError(
            f"the offset {source!r} is not a column of newdata; add it, or give "
            "predict(..., offset=...) a number or an array."
        )
    return _one_a_row(source, newdata, "offset")


def trials_of(
    estimate: Estimate, newdata: pd.DataFrame | dict[str, Any] | None, trials: Any
) -> FloatArray | None:
    """Numbers of trials of the rows predicted; None where the caller gives none."""
    if trials is None:
        return estimate.design.trials if newdata is None else None
    frame = estimate.design.data if newdata is None else as_frame(newdata)
    return _one_a_row(trials, frame, "trials")


def _one_a_row(given: Any, frame: pd.DataFrame, role: str) -> FloatArray:
    """An argument as numbers: a column's name, one number a row, or one for all."""
    if np.ndim(given) == 0 and not isinstance(given, str):
        try:
            return np.asarray(given, dtype=float)
        except (TypeError, ValueError):
            raise DataError(
                f"{role}={given!r:.60} is neither a column's name nor a number"
            ) from None
    return row_values(given, frame, role, DataError)[0]
