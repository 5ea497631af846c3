"""The factors of terms as blocks of columns, with what they learned from the data of the fit."""

from __future__ import annotations

import re
import warnings
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from formulaic import Formula, ModelSpec
from formulaic.errors import DataMismatchWarning, FormulaicError

from glmmlab._types import BoolArray, FloatArray
from glmmlab.errors import DataError, FormulaError, GlmmlabError, UnknownLevelError
from glmmlab.formula.columns import Level, shown_rows
from glmmlab.formula.expressions import Expression
from glmmlab.formula.source import Source
from glmmlab.formula.splines import bs
from glmmlab.formula.vocabulary import functions

_CONTEXT = {name: f for name, f in functions().items() if "." not in name} | {"bs": bs}


class Coding(ABC):
    """A factor of a term: its column labels and its columns for any data."""

    categorical = False

    @abstractmethod
    def labels(self, reduced: bool) -> list[str]:
        """Column labels, as formulaic writes them."""

    @abstractmethod
    def block(self, source: Source, reduced: bool) -> FloatArray:
        """Columns (n, k); NaN where the data are missing."""


@dataclass(frozen=True)
class NumericColumn(Coding):
    """A numeric column as it is."""

    name: str

    def labels(self, reduced: bool) -> list[str]:
        """The column's name."""
        return [self.name]

    def block(self, source: Source, reduced: bool) -> FloatArray:
        """The column, (n, 1)."""
        return source.numbers(self.name)[:, None]


@dataclass(frozen=True)
class LevelsCoding(Coding):
    """Treatment coding of a column of labels: one 0/1 column a level, the first left out."""

    name: str
    column: str
    levels: tuple[Level, ...]
    categorical = True

    def labels(self, reduced: bool) -> list[str]:
        """``f[T.b]`` without, ``f[b]`` with the first level."""
        if reduced:
            return [f"{self.name}[T.{level}]" for level in self.levels[1:]]
        return [f"{self.name}[{level}]" for level in self.levels]

    def block(self, source: Source, reduced: bool) -> FloatArray:
        """Indicators, (n, number of levels), less one if reduced."""
        _, codes = source.factor(self.column)
        first = int(reduced)
        out = np.zeros((len(codes), len(self.levels) - first))
        rows = np.flatnonzero(codes >= first)
        out[rows, codes[rows] - first] = 1.0
        if len(codes) and codes.min() < 0:
            out[codes < 0] = np.nan
        return out


@dataclass(frozen=True)
class Computed(Coding):
    """Row-by-row arithmetic such as ``log(x)`` or ``I(x^2)``."""

    expression: Expression

    def labels(self, reduced: bool) -> list[str]:
        """The expression's text."""
        return [self.expression.name]

    def block(self, source: Source, reduced: bool) -> FloatArray:
        """The values, (n, 1)."""
        return compute(self.expression, source)[:, None]


def compute(expression: Expression, source: Source) -> FloatArray:
    """A stateless expression as one float64 value a row.

    Raises
    ------
    FormulaError
        If it is not numbers, or not one value a row.
    """
    values = expression.evaluate({name: source.value(name) for name in expression.columns})
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise FormulaError(f"{expression.name} is not a number in every row") from None
    if array.shape != (len(source),):
        raise FormulaError(
            f"{expression.name} gives {array.shape} values for {len(source)} rows: one a row "
            "is needed"
        )
    return array


@dataclass(frozen=True)
class Remembered(Coding):
    """A function with memory (``poly``, ``scale``, splines, contrasts), evaluated by formulaic."""

    expression: Expression
    full: ModelSpec
    reduced: ModelSpec | None
    categorical: bool
    of_numbers: bool = False
    """Whether the levels of a factor are numbers."""

    @classmethod
    def learn(cls, expression: Expression, source: Source, intercept: bool = False) -> Remembered:
        """Let formulaic learn from the data: knots, means, norms, levels.

        Beside an `intercept` natural splines leave out their constant, as ``bs()`` always does.
        """
        for name in expression.of_numbers():
            if source.is_factor(name):
                raise FormulaError(
                    f"cannot compute {expression.name}: column '{name}' holds labels, not numbers"
                )
        frame = _placeholders(expression, source)
        categorical = expression.top_call == "C"
        code = expression.centred if intercept else expression.code
        full = _materialize(Formula(f"0 + {code}"), frame, expression).model_spec
        reduced = None
        if categorical:
            reduced = _materialize(Formula(f"1 + {expression.code}"), frame, expression).model_spec
        of_numbers = categorical and not any(map(source.is_factor, expression.columns))
        return cls(expression, full, reduced, categorical, of_numbers)

    def labels(self, reduced: bool) -> list[str]:
        """formulaic's labels, with the columns' own names."""
        names = list(self._spec(reduced).column_names)
        inner = str(self._spec(reduced).terms[-1])
        first = int(self._with_intercept(reduced))
        ends = [name[len(inner) :] for name in names[first:]]
        if self.expression.top_call == "poly":  # formulaic counts raw ones from 0, others from 1
            ends = [f"[{degree}]" for degree in range(1, len(ends) + 1)]
        if self.of_numbers:  # which formulaic reads as 1.0, 2.0, ...
            ends = [end.removesuffix(".0]") + "]" * end.endswith(".0]") for end in ends]
        return [self.expression.name + end for end in ends]

    def block(self, source: Source, reduced: bool) -> FloatArray:
        """formulaic's columns, (n, k)."""
        frame = _placeholders(self.expression, source)
        matrix = _materialize(self._spec(reduced), frame, self.expression)
        out = np.asarray(matrix, dtype=np.float64).reshape(
            len(source), len(self._spec(reduced).column_names)
        )
        return out[:, int(self._with_intercept(reduced)) :]

    def _with_intercept(self, reduced: bool) -> bool:
        return reduced and self.reduced is not None

    def _spec(self, reduced: bool) -> ModelSpec:
        return self.reduced if reduced and self.reduced is not None else self.full


def _placeholders(expression: Expression, source: Source) -> pd.DataFrame:
    columns = {safe: source.placeholder(name) for safe, name in expression.placeholders.items()}
    return pd.DataFrame(columns)


def _materialize(spec: Any, frame: pd.DataFrame, expression: Expression) -> Any:
    """Run formulaic, its failures turned into our errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", DataMismatchWarning)
        try:
            with np.errstate(all="ignore"):
                return spec.get_model_matrix(
                    frame, context=_CONTEXT, output="numpy", na_action="ignore"
                )
        except DataMismatchWarning as problem:
            raise UnknownLevelError(
                f"{expression.name} has levels that the fit has not seen: {problem}"
            ) from None
        except (
            FormulaicError,
            ValueError,
            TypeError,
            IndexError,
            ArithmeticError,
            KeyError,
            NameError,
            AttributeError,
            SyntaxError,
            np.linalg.LinAlgError,
        ) as error:
            if isinstance(error.__cause__, GlmmlabError):
                said = f"cannot compute {expression.name}: {error.__cause__}"
                raise type(error.__cause__)(said) from None
            detail = str(error.__cause__ or error).replace("_0", "'" + expression.columns[0] + "'")
            raise FormulaError(f"cannot compute {expression.name}: {detail}") from error


def check_defined(values: FloatArray, expression: Expression, source: Source) -> None:
    """Refuse rows where an expression has no finite value although its columns do.

    Parameters
    ----------
    values : ndarray, shape (n,) or (n, k)
        The expression; rows with a missing column may be NaN.

    Raises
    ------
    DataError
        The message names the rows and what the columns hold there.
    """
    finite = np.isfinite(values)
    bad = np.asarray(~(finite if values.ndim == 1 else finite.all(axis=1)))
    if not bad.any():
        return
    columns = {name: source.column(name) for name in expression.columns}
    for found in columns.values():
        bad &= ~found.isna().to_numpy(dtype=bool)
    if bad.any():
        first = np.flatnonzero(bad)[0]
        there = ", ".join(f"{name} = {found.iloc[first]}" for name, found in columns.items())
        rows = shown_rows(source.data.index, bad)
        raise DataError(f"{expression.name} has no finite value in {rows}, as where {there}")


_LOG = re.compile(r"(?:np\.)?log(?:2|10)?\((.+)\)")


def log_of_zero(text: str, source: Source, bad: BoolArray) -> str:
    """What to write for the logarithm of a column that is 0 in the bad rows; "" for others."""
    inner = _LOG.fullmatch(text.strip())
    name = inner.group(1).strip("`") if inner else ""
    if name not in source.data.columns or (source.numbers(name)[bad] != 0).any():
        return ""
    shifted = text.replace(f"{name})", f"{name} + 1)").replace(f"{name}`)", f"{name}` + 1)")
    return f", where {name} = 0: {shifted} keeps these rows"


def learn(expression: Expression, source: Source, intercept: bool = False) -> Coding:
    """The coding of one factor, learned from the data, in a part with an intercept or without.

    Raises
    ------
    DataError
        For a factor with one level, and for values that are missing or not finite.
    """
    label_column = expression.category
    if expression.column is not None:
        if not source.is_factor(expression.column):
            return _finite(
                NumericColumn(expression.column), source, f"column '{expression.column}'"
            )
        label_column = expression.column
    if label_column is not None:
        return _levels(expression, label_column, source)
    if expression.stateful:
        return _finite(Remembered.learn(expression, source, intercept), source, expression.name)
    return _finite(Computed(expression), source, expression.name)


def _levels(expression: Expression, column: str, source: Source) -> LevelsCoding:
    levels, codes = source.factor(column)
    if len(codes) and codes.min() < 0:
        rows = shown_rows(source.data.index, codes < 0)
        raise DataError(f"column '{column}' is missing in {rows}")
    if len(levels) < 2:
        found = f"only the level {str(levels[0])!r}" if levels else "no level"
        raise DataError(
            f"the factor '{column}' has {found} in the rows used: take it out of the formula"
        )
    if len({str(level) for level in levels}) < len(levels):
        raise DataError(f"column '{column}' has different levels that print alike: rename them")
    return LevelsCoding(expression.name, column, levels)


def _finite(coding: Coding, source: Source, what: str) -> Coding:
    block = coding.block(source, False)
    if not np.isfinite(block).all():
        bad = np.asarray(~np.isfinite(block).all(axis=1))
        rows = shown_rows(source.data.index, bad)
        kind = "missing or not a number" if np.isnan(block[bad]).any() else "infinite"
        advice = log_of_zero(what, source, bad) or ": correct or drop them"
        raise DataError(f"{what} is {kind} in {rows}{advice}")
    return coding
