"""What residuals are looked at against: fitted values, a column, or an array of the user's."""

from __future__ import annotations

import difflib
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from glmmlab._types import AnyArray, FloatArray, IntArray
from glmmlab.errors import DataError, UnknownColumnError
from glmmlab.residuals.checks import some_rows, vector
from glmmlab.residuals.quantiles import FITTED

if TYPE_CHECKING:
    from glmmlab.residuals.values import ScaledValues

PredictorLike = str | Sequence[Any] | AnyArray | pd.Series | pd.Categorical | None
"""None (fitted values), the name of a column, or one value a row."""

UNNAMED = "predictor"
FEW_VALUES = 10
ROWS_A_VALUE = 10
LEAVE_OUT = "leave these rows out of the residuals with res.select()"


def resolve(predictor: PredictorLike, res: ScaledValues) -> tuple[pd.Series, str]:
    """Values and name of a predictor, one value a row, missing values refused."""
    if predictor is None:
        return pd.Series(res.fitted), FITTED
    if isinstance(predictor, pd.DataFrame):
        if predictor.shape[1] != 1:
            raise DataError(
                f"A table of {predictor.shape[1]} columns is given where one predictor is needed; "
                "choose a column. (recalculate() takes several.)"
            )
        predictor = predictor.iloc[:, 0]
    if isinstance(predictor, str):
        series, name = _column(predictor, res), predictor
    else:
        series = predictor if isinstance(predictor, pd.Series) else pd.Series(predictor)
        name = _name(series.name)
    if series.ndim != 1 or len(series) != res.nobs:
        raise DataError(
            f"The predictor {name!r} has {len(series)} values, but there are {res.nobs} rows of "
            "residuals. If the fit dropped rows with missing values, drop them here too."
        )
    missing = series.isna().to_numpy()
    if missing.any():
        raise DataError(
            f"The predictor {name!r} has missing values in {some_rows(missing)}; fill them, or "
            f"{LEAVE_OUT}."
        )
    return series.reset_index(drop=True), name


def _name(name: Hashable) -> str:
    return UNNAMED if name is None else str(name)


def _column(name: str, res: ScaledValues) -> pd.Series:
    if res.data is None:
        raise UnknownColumnError(
            f"These residuals carry no data to look up {name!r}; pass the values themselves."
        )
    if name not in res.data.columns:
        near = difflib.get_close_matches(name, [str(c) for c in res.data.columns], n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise UnknownColumnError(f"The data have no column {name!r}.{hint}")
    return res.data[name]


def numeric(predictor: PredictorLike, res: ScaledValues) -> tuple[FloatArray, str]:
    """A predictor as finite numbers (dates as days since the first), and its name."""
    series, name = resolve(predictor, res)
    if isinstance(series.dtype, pd.CategoricalDtype) or series.dtype.kind not in "biufMm":
        raise DataError(
            f"The predictor {name!r} is not numeric; give numbers or dates, or use "
            "test_categorical for a factor."
        )
    if series.dtype.kind == "M":
        series = series - series.min()
    if series.dtype.kind == "m":
        series = series.dt.total_seconds() / 86_400.0
    return vector(series.to_numpy(dtype=float), name, res.nobs, LEAVE_OUT), name


def categorical(factor: PredictorLike, res: ScaledValues) -> tuple[pd.Categorical, str]:
    """A predictor as a factor (levels sorted, if it is not one already), and its name."""
    series, name = resolve(factor, res)
    return pd.Categorical(series), name


def grouping(
    group: PredictorLike | pd.DataFrame, res: ScaledValues
) -> tuple[IntArray, pd.DataFrame, str]:
    """Group of every row, from 0; the columns that say which (one row a row); and their name.

    A table, or a list of the names of columns, groups by all combinations, the first slowest.
    """
    if isinstance(group, pd.DataFrame):
        several: list[PredictorLike] = [group.iloc[:, i] for i in range(group.shape[1])]
    elif _names_of_columns(group, res):
        several = list(group)  # type: ignore[arg-type]
    else:
        several = [group]
    if not several:
        raise DataError("group= names no column; give at least one.")
    found = [resolve(one, res) for one in several]
    columns = {name: _values_or_levels(series) for series, name in found}
    if len(columns) < len(found):
        raise DataError(f"group= names a column twice: {', '.join(name for _, name in found)}.")
    codes = [pd.Categorical(series).codes for series, _ in found]
    _, which = np.unique(np.column_stack(codes), axis=0, return_inverse=True)
    return which.reshape(-1), pd.DataFrame(columns), " : ".join(columns)


def _names_of_columns(group: PredictorLike, res: ScaledValues) -> bool:
    """Whether a list names columns; one as long as there are rows holds the groups themselves."""
    listed = isinstance(group, (list, tuple)) and len(group) != res.nobs
    return listed and all(isinstance(name, str) for name in group)  # type: ignore[union-attr]


def _values_or_levels(series: pd.Series) -> pd.Series:
    """Numbers and dates as they are, so that groups can be put in order; all else as a factor."""
    is_number = not isinstance(series.dtype, pd.CategoricalDtype) and series.dtype.kind in "iufMm"
    return series if is_number else series.astype("category")


def units(time: FloatArray, res: ScaledValues) -> str:
    """Grouping factors of the model within which no time repeats, as ``group=`` takes them.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> rows = pd.DataFrame({"block": [1, 1, 1, 1], "plot": [1, 1, 2, 2]})
    >>> units(np.array([1.0, 2.0, 1.0, 2.0]), SimpleNamespace(data=rows, factors=("block", "plot")))
    "'plot'"
    """
    if res.data is None or not res.factors:
        return ""
    for names in (*([name] for name in res.factors), list(res.factors)):
        rows = res.data[names].assign(**{"time of the row": time})
        if not rows.duplicated().any():
            return repr(names[0] if len(names) == 1 else names)
    return ""


def is_factor(series: pd.Series, name: str = "", factors: Sequence[str] = ()) -> bool:
    """Whether a predictor is drawn as boxplots.

    Factors, text and booleans, and what makes the groups of random effects (``factors``), even if
    coded as numbers; numbers with one value, or with fewer than 10 distinct values and more than
    10 rows a value.
    """
    if name in factors:
        return True
    if isinstance(series.dtype, pd.CategoricalDtype) or series.dtype.kind not in "iufMm":
        return True
    distinct = series.nunique()
    few = distinct < FEW_VALUES and len(series) / distinct > ROWS_A_VALUE
    return bool(distinct == 1 or few)


def tree_distances(matrix: ArrayLike, taxon: PredictorLike, res: ScaledValues) -> FloatArray:
    """Distances between the taxa of the rows, from those between the tips of a tree."""
    if not isinstance(matrix, pd.DataFrame):
        raise DataError("With taxon=, distances must be a DataFrame: taxa as index and columns.")
    taxa, name = resolve(taxon, res)
    repeated = taxa[taxa.duplicated()].unique()
    if len(repeated):
        raise DataError(
            f"Several rows have the same {name} ({', '.join(map(str, repeated[:5]))}); aggregate "
            f"them first: res.recalculate(group={name!r})."
        )
    known = set(matrix.index) & set(matrix.columns)
    missing = [str(t) for t in taxa if t not in known]
    if missing:
        raise DataError(f"distances know nothing of {', '.join(missing[:5])}; check the names.")
    return matrix.loc[list(taxa), list(taxa)].to_numpy(dtype=float)
