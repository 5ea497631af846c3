"""Columns of a data frame as the model sees them: numbers (float64) or factors (codes and levels).

Numbers are numeric; text, booleans and Categoricals are factors, whatever storage pandas uses for
them (object, string, Arrow, nullable).
"""

from __future__ import annotations

import difflib
from collections.abc import Hashable, Iterable, Sequence
from typing import Any, cast

import numpy as np
import pandas as pd
from pandas.api import types as kinds

from glmmlab._types import BoolArray, FloatArray, IntArray
from glmmlab.errors import DataError, UnknownColumnError, UnknownLevelError
from glmmlab.formula.labels import spelled, visible

Level = Hashable


_WORDS = {
    "NoneType": "missing (None)",
    "ndarray": "an array without names of columns",
    "Series": "a single column",
    "str": "a text",
    "list": "a list without names of columns",
    "tuple": "a tuple without names of columns",
}
"""What is no data frame, by the name of its type."""


def as_frame(data: Any) -> pd.DataFrame:
    """The data as a DataFrame; a dict of columns is accepted.

    Raises
    ------
    DataError
        For anything else.
    """
    if isinstance(data, pd.DataFrame):
        if data.columns.nlevels > 1:
            raise DataError(
                f"the columns of the data have {data.columns.nlevels} levels of names: give each "
                "one name, data.columns = ['_'.join(map(str, names)) for names in data.columns]"
            )
        return data
    if isinstance(data, dict):
        if data and all(pd.api.types.is_scalar(value) for value in data.values()):
            raise DataError(
                "the dict gives single values, not columns: write a list for each, also for one "
                "row, as in {'x': [0.5]}"
            )
        try:
            return pd.DataFrame(data)
        except (ValueError, TypeError) as error:
            raise DataError(f"the dict of columns is not a table: {error}") from error
    kind, foreign = type(data), hasattr(data, "to_pandas")
    called = f"{kind.__module__.partition('.')[0]} {kind.__name__}" if foreign else kind.__name__
    hint = ": data.to_pandas() is one" if foreign else " (or a dict of columns)"
    raise DataError(f"data is {_WORDS.get(called, f'a {called}')}; pass a pandas DataFrame{hint}")


def snapshot(data: pd.DataFrame) -> pd.DataFrame:
    """The data as they are now: what is done to the frame later does not reach a fit.

    pandas copies on write from version 3 on; before, a copy is needed.
    """
    return data.copy(deep=int(pd.__version__.split(".")[0]) < 3)


def column(data: pd.DataFrame, name: str, role: str = "the formula") -> pd.Series:
    """One column by name.

    Raises
    ------
    UnknownColumnError
        If there is none; the message suggests the nearest name.
    DataError
        If the name occurs twice.
    """
    try:
        found = data[name]
    except KeyError:
        raise unknown_column(name, data.columns, role) from None
    if isinstance(found, pd.DataFrame):
        raise DataError(
            f"the data have {found.shape[1]} columns called '{name}', used in {role}: rename all "
            "but one"
        )
    return found


def unknown_column(
    name: str, columns: Iterable[Any], role: str = "the formula"
) -> UnknownColumnError:
    """The error for a misspelt column, with the nearest names."""
    columns = list(columns)
    known = [str(c) for c in columns]
    if name in known:
        own = columns[known.index(name)]
        return UnknownColumnError(
            f"the data have no column '{name}', used in {role}, but {own!r}, "
            "which is no text: rename the columns, data.columns = data.columns.astype(str)"
        )
    alike = next((c for c in known if visible(c) == visible(name)), None)
    if alike is not None:
        own, asked = spelled(alike, name)
        cure = f"data = data.rename(columns={{{own}: {visible(name)!r}}})"
        if alike == visible(alike):
            cure = "type the name in the formula anew"
        elif "\ufeff" in alike:
            cure = f"read the file with encoding='utf-8-sig', or {cure}"
        return UnknownColumnError(
            f"the data have no column '{name}', used in {role}, but one that differs in blanks or "
            f"in what cannot be seen, {own} instead of {asked}: {cure}"
        )
    near = difflib.get_close_matches(name, known, 1, cutoff=0.6)
    if not near:
        folded = {c.casefold(): c for c in known}
        near = [folded[name.casefold()]] if name.casefold() in folded else []
    if near:
        hint = f"did you mean '{near[0]}'?"
    else:
        shown = ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")
        hint = f"the columns are {shown}" if known else "the data have no columns"
    return UnknownColumnError(f"the data have no column '{name}', used in {role}: {hint}")


def is_factor(values: pd.Series) -> bool:
    """Whether a column is a factor (text, booleans, Categoricals) rather than numbers.

    Raises
    ------
    DataError
        For dates, complex numbers, mixtures of numbers and text, and other objects.
    """
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return True
    if isinstance(dtype, np.dtype):
        if dtype.kind in "iuf":
            return False
        if dtype.kind == "b":
            return True
    elif kinds.is_bool_dtype(dtype) or kinds.is_string_dtype(dtype):
        return True
    elif kinds.is_numeric_dtype(dtype) and not kinds.is_complex_dtype(dtype):
        return False
    return _object_is_factor(values)


def _object_is_factor(values: pd.Series) -> bool:
    name = values.name
    found = kinds.infer_dtype(values.to_numpy(dtype=object), skipna=True)
    if found in ("string", "boolean"):
        return True
    if found in ("integer", "floating", "mixed-integer-float", "decimal", "empty"):
        return False
    if "date" in found or "time" in found or found == "period":
        raise DataError(
            f"column '{name}' holds dates or times: turn them into numbers (days since a start) "
            "or text first"
        )
    if found in ("mixed-integer", "mixed"):
        text = values.map(lambda v: isinstance(v, str))
        number = values.map(lambda v: isinstance(v, (int, float, np.number)))
        if bool((text | number | values.isna()).all()):
            rows = shown_rows(values.index, text.to_numpy(bool))
            raise DataError(
                f"column '{name}' mixes numbers and text (text in {rows}): make it all numbers "
                "with pd.to_numeric, or all text with astype(str)"
            )
    raise DataError(f"column '{name}' holds {found} values: a column is numbers, text or booleans")


def numbers(values: pd.Series) -> FloatArray:
    """A numeric column as float64, missing values as NaN (no copy where none is needed)."""
    if isinstance(values.dtype, np.dtype) and values.dtype.kind in "iuf":
        return np.asarray(values.to_numpy(), dtype=np.float64)
    return np.asarray(values.to_numpy(dtype=np.float64, na_value=np.nan), dtype=np.float64)


def category_codes(values: pd.Series) -> IntArray:
    """Codes of a Categorical, -1 where missing."""
    return np.asarray(cast(pd.Categorical, values.array).codes, dtype=np.intp)


def factor(values: pd.Series) -> tuple[tuple[Level, ...], IntArray]:
    """Levels in use and codes (-1 where missing) of a column read as labels.

    Categoricals keep their order, unused levels are dropped; other values are sorted.
    """
    if isinstance(values.dtype, pd.CategoricalDtype):
        codes, levels = category_codes(values), values.dtype.categories
    elif isinstance(values.dtype, np.dtype) and values.dtype.kind == "b":
        codes, levels = values.to_numpy().astype(np.intp), pd.Index([False, True])
    else:
        try:
            codes, levels = pd.factorize(values, sort=True)
        except TypeError:
            codes, levels = pd.factorize(values.astype(str).where(values.notna()), sort=True)
    codes, levels = _drop_unused(np.asarray(codes, dtype=np.intp), pd.Index(levels))
    if levels.dtype.kind in "iub":  # many levels as a rule: no look at each
        return tuple(levels.tolist()), codes
    return tuple(_plain(level) for level in levels), codes


def _drop_unused(codes: IntArray, levels: pd.Index) -> tuple[IntArray, pd.Index]:
    counts = np.bincount(codes[codes >= 0] if (codes < 0).any() else codes, minlength=len(levels))
    used = counts > 0
    if used.all():
        return codes, levels
    position = np.append(np.cumsum(used) - 1, -1)  # the last entry serves code -1
    return position[codes].astype(np.intp), levels[used]


def _plain(level: Any) -> Level:
    """A level as a plain Python value, so that names and comparisons do not depend on storage."""
    if isinstance(level, np.generic):
        level = level.item()
    if isinstance(level, float) and level.is_integer():
        return int(level)
    return level


def codes_of(values: pd.Series, levels: Sequence[Level]) -> IntArray:
    """Codes of new values in learned levels; -1 where missing or unknown."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        categories = [_plain(c) for c in values.dtype.categories]
        codes = category_codes(values)
        if categories == list(levels):
            return codes
        return np.append(_positions(categories, levels), -1)[codes].astype(np.intp)
    codes, found = pd.factorize(values)
    return np.append(_positions([_plain(v) for v in found], levels), -1)[codes].astype(np.intp)


def _positions(values: Sequence[Level], levels: Sequence[Level]) -> IntArray:
    """Place of each value among the levels; as text where the types differ (2 and "2")."""
    exact = {level: place for place, level in enumerate(levels)}
    as_text = {str(level): place for place, level in enumerate(levels)}
    places = [exact.get(value, as_text.get(str(value), -1)) for value in values]
    return np.array(places, dtype=np.intp)


def check_levels(values: pd.Series, codes: IntArray, levels: Sequence[Level], name: str) -> None:
    """Raise UnknownLevelError if a value that is not missing has no code."""
    if len(codes) == 0 or codes.min() >= 0:
        return
    unknown = (codes < 0) & values.notna().to_numpy()
    if unknown.any():
        found = sorted({str(v) for v in values[unknown]})
        rows = shown_rows(values.index, unknown)
        raise UnknownLevelError(
            f"column '{name}' has the level{_s(found)} {_listed(found)} ({rows}) that the fit has "
            f"not seen; its levels are {_listed([str(level) for level in levels])}"
        )


def shown_rows(index: pd.Index, bad: BoolArray, limit: int = 5) -> str:
    """The index labels of the marked rows, the first few of them.

    >>> import pandas as pd, numpy as np
    >>> shown_rows(pd.RangeIndex(4), np.array([False, True, True, False]))
    'rows 1, 2'
    """
    places = np.flatnonzero(bad)
    labels = ", ".join(str(index[i]) for i in places[:limit])
    more = f", ... {len(places)} rows in all" if len(places) > limit else ""
    return f"row{_s(places)} {labels}{more}"


def _s(things: Sequence[Any] | np.ndarray) -> str:
    return "" if len(things) == 1 else "s"


def _listed(texts: Sequence[str], limit: int = 12) -> str:
    more = f", ... ({len(texts)} in all)" if len(texts) > limit else ""
    return ", ".join(repr(text) for text in texts[:limit]) + more
