"""What a model's data are to the engine: response, matrices, random terms, offset, weights.

Letters: ``X`` (n, p) fixed effects, ``Z`` (n, k) the columns of one random term, ``y`` (n,).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from glmmlab._types import FloatArray, IntArray
from glmmlab.errors import GlmmlabWarning
from glmmlab.formula.columns import as_frame, codes_of, column, factor
from glmmlab.formula.fixed import FixedPart


@dataclass(frozen=True, eq=False)
class LinearPart:
    """A linear predictor's fixed part with its matrix in the fit.

    Attributes
    ----------
    fixed : FixedPart
        The learned coding, all columns.
    X : ndarray, shape (n, p_kept), C order
        The columns that are estimated.
    kept : tuple of int
        Their places among ``fixed.names``.
    """

    fixed: FixedPart
    X: FloatArray
    kept: tuple[int, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the estimated columns."""
        return tuple(self.fixed.names[j] for j in self.kept)

    @property
    def aliased(self) -> tuple[str, ...]:
        """Names of the columns that were dropped as combinations of earlier ones."""
        kept = set(self.kept)
        return tuple(name for j, name in enumerate(self.fixed.names) if j not in kept)


@dataclass(frozen=True, eq=False)
class RandomTerm:
    """One random term ``(basis | group)``.

    Attributes
    ----------
    text : str
        As written, e.g. ``(Days | Subject)``.
    group : str
        ``block``, or ``batch:cask`` for levels that are combinations.
    group_columns : tuple of str
    levels : tuple of str
        Levels in use; of combinations, the first column's levels change slowest.
    codes : ndarray of intp, shape (n,)
    names : tuple of str
        Columns of ``Z``: ``Intercept``, ``Days``.
    Z : ndarray, shape (n, k)
    diagonal : bool
        ``(x || g)``: no correlations.
    basis : FixedPart
    """

    text: str
    group: str
    group_columns: tuple[str, ...]
    levels: tuple[str, ...]
    codes: IntArray
    names: tuple[str, ...]
    Z: FloatArray
    diagonal: bool
    basis: FixedPart

    def matrix(self, newdata: pd.DataFrame) -> tuple[IntArray, FloatArray]:
        """Codes and columns for new data.

        Returns
        -------
        codes : ndarray of intp, shape (m,)
            -1 for levels that the fit has not seen, and for missing ones.
        Z : ndarray, shape (m, k)
        """
        frame = as_frame(newdata)
        return self.codes_for(frame), self.basis.matrix(frame)

    def codes_for(self, newdata: pd.DataFrame) -> IntArray:
        """Codes of new data, -1 for unknown levels."""
        role = f"the random term {self.text}"
        if len(self.group_columns) == 1:
            name = self.group_columns[0]
            return codes_of(column(newdata, name, role), self.levels)
        parts = [_as_text(column(newdata, name, role)) for name in self.group_columns]
        known = {level: place for place, level in enumerate(self.levels)}
        joined = [":".join(labels) for labels in zip(*parts, strict=True)]
        return np.array([known.get(label, -1) for label in joined], dtype=np.intp)


def theta_positions(term: RandomTerm) -> tuple[tuple[int, int], ...]:
    """Where a term's entries of theta stand in its Cholesky factor, in order.

    The lower triangle row by row; the diagonal alone for ``(x || g)``.
    """
    k = term.Z.shape[1]
    if term.diagonal:
        return tuple((j, j) for j in range(k))
    return tuple((i, j) for i in range(k) for j in range(i + 1))


def _as_text(values: pd.Series) -> list[str]:
    levels, codes = factor(values)
    texts = [*(str(level) for level in levels), "\0missing"]
    return [texts[code] for code in codes]


@dataclass(frozen=True, eq=False)
class Design:
    """The data of one model, checked and coded.

    Attributes
    ----------
    formula, response : str
    y : ndarray, shape (n,)
        For binomial kinds the number of successes.
    trials : ndarray, shape (n,), or None
        Numbers of trials of binomial kinds.
    weights : ndarray, shape (n,), or None
        Prior weights, which multiply the log-densities.
    offset : ndarray, shape (n,)
        On the link scale; zero without an offset.
    conditional : LinearPart
    auxiliary : dict of str to LinearPart
        One for each of the family's auxiliary predictors.
    random : tuple of RandomTerm
    data : DataFrame
        The rows used, with their index.
    n_dropped : int
        Rows dropped for missing values.
    weights_name, offset_name : str or None
        The columns' names; ``"weights"`` and ``"offset"`` for arrays.
    warnings : tuple of GlmmlabWarning
        What was said about the data.
    """

    formula: str
    response: str
    y: FloatArray
    trials: FloatArray | None
    weights: FloatArray | None
    offset: FloatArray
    conditional: LinearPart
    auxiliary: Mapping[str, LinearPart]
    random: tuple[RandomTerm, ...]
    data: pd.DataFrame
    n_dropped: int = 0
    weights_name: str | None = None
    offset_name: str | None = None
    warnings: tuple[GlmmlabWarning, ...] = ()

    @property
    def nobs(self) -> int:
        """Rows used."""
        return len(self.y)
