"""Reads each data column once, for all the parts of a model that use it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from glmmlab._types import AnyArray, FloatArray, IntArray
from glmmlab.errors import DataError
from glmmlab.formula import columns as cols
from glmmlab.formula.columns import Level
from glmmlab.formula.labels import number_hint


@dataclass(frozen=True)
class Variable:
    """A data column as a model's part uses it.

    Attributes
    ----------
    name : str
    kind : "factor" or "numeric"
    levels : tuple or None
        A factor's levels in use, in order; the first is the baseline.  Those of a numeric column
        that stands in ``factor()`` as well.
    mean : float or None
        Mean of a numeric column over the rows of the fit.
    unique : tuple or None
        Its sorted distinct values if there are at most two.
    counts : tuple of int or None
        Rows per level of a factor.
    """

    name: str
    kind: Literal["factor", "numeric"]
    levels: tuple[Level, ...] | None = None
    mean: float | None = None
    unique: tuple[float, ...] | None = None
    counts: tuple[int, ...] | None = None


class Source:
    """The columns of one data frame, read on demand and kept.

    Parameters
    ----------
    data : DataFrame
    learned : mapping of str to Variable, optional
        What a fit knows of its columns: factors are then coded in these levels.  Without it levels
        are learned from the data.
    """

    def __init__(self, data: pd.DataFrame, learned: Mapping[str, Variable] | None = None) -> None:
        self.data = data
        self.learned = learned
        self._columns: dict[str, pd.Series] = {}
        self._numbers: dict[str, FloatArray] = {}
        self._factors: dict[str, tuple[tuple[Level, ...], IntArray]] = {}

    def __len__(self) -> int:
        return len(self.data)

    def column(self, name: str, role: str = "the formula") -> pd.Series:
        """A column as it is; the error of a missing one names the role."""
        if name not in self._columns:
            self._columns[name] = cols.column(self.data, name, role)
        return self._columns[name]

    def is_factor(self, name: str) -> bool:
        """Whether the column is a factor by its type."""
        return cols.is_factor(self.column(name))

    def numbers(self, name: str) -> FloatArray:
        """A numeric (or boolean) column as float64."""
        if name not in self._numbers:
            values = self.column(name)
            if cols.is_factor(values) and not _is_boolean(values):
                labels = [level for level in cols.factor(values)[0] if isinstance(level, str)]
                hint = number_hint(labels, name) or "convert it with pd.to_numeric"
                raise DataError(f"column '{name}' is used as a number but holds text: {hint}")
            self._numbers[name] = cols.numbers(values)
        return self._numbers[name]

    def factor(self, name: str) -> tuple[tuple[Level, ...], IntArray]:
        """Levels and codes of a column read as labels; codes are -1 where missing."""
        if name not in self._factors:
            values = self.column(name)
            levels = self._learned_levels(name)
            if levels is None:
                self._factors[name] = cols.factor(values)
            else:
                codes = cols.codes_of(values, levels)
                cols.check_levels(values, codes, levels, name)
                self._factors[name] = (levels, codes)
        return self._factors[name]

    def _learned_levels(self, name: str) -> tuple[Level, ...] | None:
        known = self.learned.get(name) if self.learned is not None else None
        return None if known is None else known.levels

    def value(self, name: str) -> AnyArray:
        """A column for arithmetic: numbers as float64, text as objects."""
        values = self.column(name)
        if not cols.is_factor(values) or _is_boolean(values):
            return self.numbers(name)
        return np.asarray(values.to_numpy(dtype=object))

    def placeholder(self, name: str) -> Any:
        """A column for formulaic: numbers, or a Categorical in the levels of the fit."""
        if not self.is_factor(name):
            return self.numbers(name)
        levels, codes = self.factor(name)
        return pd.Categorical.from_codes(codes, categories=pd.Index(list(levels)))

    def variable(self, name: str, as_factor: bool, with_levels: bool = False) -> Variable:
        """Describe a column.

        Parameters
        ----------
        as_factor : bool
            Read numbers as labels.
        with_levels : bool
            Keep the levels of a column that is read as numbers and as labels.
        """
        if as_factor or self.is_factor(name):
            levels, codes = self.factor(name)
            counts = np.bincount(codes[codes >= 0], minlength=len(levels))
            return Variable(name, "factor", levels=levels, counts=tuple(counts.tolist()))
        values = self.numbers(name)
        mean = float(values.mean()) if len(values) else float("nan")
        labels = self.factor(name)[0] if with_levels else None
        return Variable(name, "numeric", labels, mean, _at_most_two(values))


def _is_boolean(values: pd.Series) -> bool:
    return bool(values.dtype == np.bool_ or pd.api.types.is_bool_dtype(values.dtype))


def _at_most_two(values: FloatArray) -> tuple[float, ...] | None:
    if not len(values):
        return None
    low, high = float(values.min()), float(values.max())
    if low == high:
        return (low,)
    if bool(((values == low) | (values == high)).all()):
        return (low, high)
    return None
