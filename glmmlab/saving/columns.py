"""Columns of a data frame as JSON: values, type and levels, so that they come back as they were.

==============  ================================================  ============================
``kind``        columns                                           further keys
==============  ================================================  ============================
``numbers``     int, float and boolean, any storage               ``dtype``, ``values``
``text``        strings, any storage                              ``dtype``, ``values``
``objects``     object columns of text, numbers, booleans, dates  ``values``
``dates``       dates, times and differences                      ``dtype``, ``values``, and
                (whole units since 1970; missing is null)         ``zone`` where there is one
``periods``     periods (whole ones since 1970)                   ``dtype``, ``values``
``intervals``   intervals, as ``pd.cut`` gives them               ``left``, ``right``, ``closed``
``categories``  Categoricals                                      ``levels``, ``ordered``,
                (code -1 is missing)                              ``codes``
``range``       a default index                                   ``start, stop, step``
``several``     an index of several levels                        ``levels``
==============  ================================================  ============================

A storage that the reading machine lacks (Arrow without pyarrow, pandas 3's strings under pandas
2) gives way to the nearest one that it has; the values are the same.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types as kinds

from glmmlab._files import decode_number, encode_number, encode_numbers
from glmmlab.errors import SavedFileError

Entry = dict[str, Any]


class CannotEncode(Exception):
    """A column of a type that the format has no kind for."""


# -- writing ---------------------------------------------------------------------------------


def encode_frame(frame: pd.DataFrame, needed: Sequence[str] | None = None) -> Entry:
    """A frame with its index.

    Columns outside ``needed`` that have no kind are left out and listed under ``left_out``.

    Raises
    ------
    SavedFileError
        A needed column or the index has no kind.
    """
    columns, left_out = [], []
    for position, name in enumerate(frame.columns):
        try:
            if not isinstance(name, str):
                raise CannotEncode("its name is no text: rename it, data.columns.astype(str)")
            columns.append({"name": name, **encode_values(frame.iloc[:, position])})
        except CannotEncode as reason:
            if needed is None or name in needed:
                raise SavedFileError(f"column {name!r} cannot be saved: {reason}.") from None
            left_out.append(str(name))
    try:
        index = encode_index(frame.index)
    except CannotEncode as reason:
        raise SavedFileError(
            f"the rows' index cannot be saved: {reason}. Fit to data.reset_index()."
        ) from None
    return {"columns": columns, "index": index, "left_out": left_out}


def encode_index(index: pd.Index) -> Entry:
    """An index with its names."""
    names = [_label(name) for name in index.names]
    if isinstance(index, pd.RangeIndex):
        limits = {"start": index.start, "stop": index.stop, "step": index.step}
        return {"kind": "range", **limits, "names": names}
    if isinstance(index, pd.MultiIndex):
        levels = [
            encode_values(index.get_level_values(i).to_series()) for i in range(index.nlevels)
        ]
        return {"kind": "several", "levels": levels, "names": names}
    return {**encode_values(index.to_series()), "names": names}


def _label(name: Any) -> Any:
    if name is None or isinstance(name, (str, int)):
        return name
    raise CannotEncode(f"the name {name!r} is no text")


def encode_values(values: pd.Series) -> Entry:
    """One column's values with their type."""
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return {
            "kind": "categories",
            "levels": encode_values(pd.Series(dtype.categories)),
            "ordered": bool(dtype.ordered),
            "codes": [int(code) for code in values.cat.codes],
        }
    if isinstance(dtype, np.dtype) and dtype.kind in "mM":
        return {"kind": "dates", "dtype": str(dtype), "values": _moments(values)}
    if isinstance(dtype, pd.DatetimeTZDtype):
        return {**encode_values(values.dt.tz_convert(None)), "zone": _zone(dtype)}
    if isinstance(dtype, pd.PeriodDtype):
        return {"kind": "periods", "dtype": str(dtype), "values": _moments(values)}
    if isinstance(dtype, pd.IntervalDtype):
        ends = pd.arrays.IntervalArray(values)
        left, right = (encode_values(pd.Series(end)) for end in (ends.left, ends.right))
        return {"kind": "intervals", "left": left, "right": right, "closed": ends.closed}
    if isinstance(dtype, np.dtype) and dtype.kind == "f":
        known = dtype.itemsize <= 8
        return {
            "kind": "numbers",
            "dtype": str(dtype) if known else "float64",
            "values": encode_numbers(values.to_numpy(dtype=np.float64)),
        }
    if isinstance(dtype, np.dtype) and dtype.kind == "O":
        return _encode_objects(values)
    if kinds.is_string_dtype(dtype):
        return {"kind": "text", "dtype": str(dtype), "values": [_plain(v) for v in values]}
    if kinds.is_numeric_dtype(dtype) and not kinds.is_complex_dtype(dtype):  # booleans as well
        return {"kind": "numbers", "dtype": str(dtype), "values": [_plain(v) for v in values]}
    raise CannotEncode(f"it holds {dtype} values: use .astype(str) on it before the fit")


def _zone(dtype: pd.DatetimeTZDtype) -> str:
    """The zone's name, by which it is found again."""
    try:
        pd.DatetimeTZDtype(dtype.unit, str(dtype.tz))
    except (TypeError, ValueError, KeyError, LookupError, OSError):
        raise CannotEncode(
            f"its time zone {dtype.tz} has no name: use .dt.tz_convert('UTC') on it before the fit"
        ) from None
    return str(dtype.tz)


def _moments(values: pd.Series) -> list[int | None]:
    missing = values.isna().to_numpy()
    array = values.array.asi8 if isinstance(values.dtype, pd.PeriodDtype) else values.to_numpy()
    whole = array.astype(np.int64)
    return [None if gap else int(value) for gap, value in zip(missing, whole, strict=True)]


def _encode_objects(values: pd.Series) -> Entry:
    return {"kind": "objects", "values": [_plain(value) for value in values]}


def _plain(value: Any) -> Any:
    if value is None or value is pd.NA:
        return None
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, str):
        # A text that reads like one of the special numbers is told apart from them.
        return {"text": value} if value in ("NaN", "Infinity", "-Infinity") else value
    if isinstance(value, (bool, int)):
        return value
    if isinstance(value, (float, Decimal)):
        return encode_number(float(value))
    if type(value) is datetime.date:
        return {"date": value.isoformat()}
    held = f"it holds {type(value).__name__} values"
    raise CannotEncode(f"{held}: use .astype(str) on it before the fit")


# -- reading ---------------------------------------------------------------------------------


def decode_frame(entry: Entry) -> pd.DataFrame:
    """The frame that `encode_frame` wrote."""
    try:
        index = decode_index(entry["index"])
        columns = entry["columns"]
        names = [column["name"] for column in columns]
        parts = [decode_values(column) for column in columns]
    except (KeyError, TypeError) as error:
        raise SavedFileError(f"the data are incomplete: {error} is missing.") from None
    for name, part in zip(names, parts, strict=True):
        if len(part) != len(index):
            raise SavedFileError(f"column {name!r} has {len(part)} values for {len(index)} rows.")
        part.index = index
    if not parts:
        return pd.DataFrame(index=index)
    frame = pd.concat(parts, axis=1)
    frame.columns = pd.Index(names)
    return frame


def decode_index(entry: Entry) -> pd.Index:
    """The index that `encode_index` wrote."""
    names = entry["names"]
    if entry["kind"] == "range":
        limits = (int(entry["start"]), int(entry["stop"]), int(entry["step"]))
        return pd.RangeIndex(*limits, name=names[0])
    if entry["kind"] == "several":
        levels = [decode_values(level) for level in entry["levels"]]
        return pd.MultiIndex.from_arrays(levels, names=names)
    return pd.Index(decode_values(entry), name=names[0])


def decode_values(entry: Entry) -> pd.Series:
    """The column that `encode_values` wrote, with a default index."""
    kind = entry["kind"]
    if kind == "categories":
        return _decode_categories(entry)
    if kind == "intervals":
        return _decode_intervals(entry)
    if kind not in ("numbers", "text", "objects", "dates", "periods"):
        raise SavedFileError(f"a column is of the unknown kind {kind!r}.")
    if kind in ("dates", "periods"):
        return _decode_moments(entry)
    values = [_value(value) for value in entry["values"]]
    if kind == "objects":
        return pd.Series(values, dtype=object)
    return _as_stored(values, str(entry["dtype"]), kind)


def _decode_moments(entry: Entry) -> pd.Series:
    gap, dtype = np.iinfo(np.int64).min, entry["dtype"]
    whole = np.array([gap if v is None else int(v) for v in entry["values"]], dtype=np.int64)
    try:
        if entry["kind"] == "periods":
            return pd.Series(pd.arrays.PeriodArray(whole, dtype=pd.PeriodDtype(dtype)))
        moments = pd.Series(whole.view(dtype))
        if "zone" not in entry:
            return moments
        return moments.dt.tz_localize("UTC").dt.tz_convert(entry["zone"])
    except (TypeError, ValueError, KeyError, AttributeError, LookupError, OSError):
        named = f"{dtype!r} (zone {entry['zone']!r})" if "zone" in entry else repr(dtype)
        raise SavedFileError(f"{named} is no type of dates.") from None


def _decode_intervals(entry: Entry) -> pd.Series:
    left, right = (decode_values(entry[end]) for end in ("left", "right"))
    try:
        array = pd.arrays.IntervalArray.from_arrays(left, right, closed=entry["closed"])
    except (TypeError, ValueError) as error:
        raise SavedFileError(f"a column of intervals is damaged: {error}.") from None
    return pd.Series(array)


def _decode_categories(entry: Entry) -> pd.Series:
    levels = pd.Index(decode_values(entry["levels"]))
    try:
        codes = np.array(entry["codes"], dtype=np.intp)
        values = pd.Categorical.from_codes(codes, categories=levels, ordered=entry["ordered"])
    except (TypeError, ValueError) as error:
        raise SavedFileError(f"a column of categories is damaged: {error}.") from None
    return pd.Series(values)


def _value(value: Any) -> Any:
    if isinstance(value, dict) and "date" in value:
        return datetime.date.fromisoformat(value["date"])
    if isinstance(value, dict):
        return value["text"]
    if isinstance(value, str) and value in ("NaN", "Infinity", "-Infinity"):
        return decode_number(value)
    return value


def _as_stored(values: list[Any], dtype: str, kind: str) -> pd.Series:
    """The values in their own storage, or in the nearest that this machine has."""
    for wanted in (dtype, *_nearest(values, kind)):
        try:
            if kind == "text" and wanted == "str" and not _has_str():
                continue
            return _series(values, wanted)
        except (TypeError, ValueError, ImportError, OverflowError):
            continue
    raise SavedFileError(f"a column of type {dtype!r} holds values of another type.")


def _series(values: list[Any], dtype: str) -> pd.Series:
    if dtype in ("Float32", "Float64") and any(_is_nan(value) for value in values):
        # pandas would turn a stored NaN into a missing value; here the two are told apart.
        gaps = np.array([value is None for value in values])
        numbers = np.array([math.nan if value is None else value for value in values])
        array = pd.arrays.FloatingArray(numbers.astype(dtype.lower()), gaps)
        return pd.Series(array)
    return pd.Series(values, dtype=dtype)


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _has_str() -> bool:
    return int(pd.__version__.split(".")[0]) >= 3


def _nearest(values: list[Any], kind: str) -> tuple[str, ...]:
    if kind == "text":
        return ("object",) if all(v is None or isinstance(v, (str, float)) for v in values) else ()
    if any(isinstance(value, str) for value in values):
        return ()
    if all(value is None or isinstance(value, bool) for value in values):
        return ("boolean",)
    if all(value is None or isinstance(value, int) for value in values):
        return ("Int64",)
    return ("float64",)
