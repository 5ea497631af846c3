"""The arguments ``weights=`` and ``offset=``: a column's name or one value a row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from glmmlab._types import FloatArray
from glmmlab.errors import DataError, GlmmlabError, WeightsError
from glmmlab.formula.columns import column, is_factor, numbers, shown_rows


def row_values(
    value: Any, data: pd.DataFrame, role: str, error: type[GlmmlabError]
) -> tuple[FloatArray, str]:
    """Values (n,) and their name; missing values stay NaN.

    Raises
    ------
    UnknownColumnError
    WeightsError or DataError
        For text, a wrong length or an index that is not the data's.
    """
    if isinstance(value, str):
        found = column(data, value, f"{role}=")
        if is_factor(found) and not pd.api.types.is_bool_dtype(found.dtype):
            raise error(f"{role}='{value}' is a column of labels, not of numbers")
        return numbers(found), value
    if isinstance(value, pd.Series) and not value.index.equals(data.index):
        raise error(
            f"{role}= is a Series whose index is not the data's: pass its .to_numpy(), or add it "
            "to the data and give the column's name"
        )
    try:
        array = np.array(value, dtype=np.float64)  # a copy: the caller may change theirs
    except (TypeError, ValueError):
        raise error(f"{role}= is neither a column's name nor one number a row") from None
    if array.shape != (len(data),):
        raise error(
            f"{role}= has shape {array.shape}, but the data have {len(data)} rows: give one number "
            "a row, or a column's name"
        )
    return array, role


def check_weights(weights: FloatArray, name: str, index: pd.Index) -> None:
    """Raise WeightsError for weights that are negative, infinite or all zero."""
    infinite = ~np.isfinite(weights)
    if infinite.any():
        raise WeightsError(f"the weights '{name}' are infinite in {shown_rows(index, infinite)}")
    negative = weights < 0
    if negative.any():
        raise WeightsError(f"the weights '{name}' are negative in {shown_rows(index, negative)}")
    if not weights.any():
        raise WeightsError(f"the weights '{name}' are all zero: no row would count")


def check_offset(offset: FloatArray, name: str, index: pd.Index) -> None:
    """Raise DataError for an offset that is infinite or not a number."""
    bad = ~np.isfinite(offset)
    if bad.any():
        kind = "not a number" if np.isnan(offset[bad]).any() else "infinite"
        raise DataError(
            f"the offset {name} is {kind} in {shown_rows(index, bad)}: a logarithm of 0 or of a "
            "negative number? Correct or drop these rows"
        )
