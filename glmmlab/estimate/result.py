"""What a fit found: numbers and names, no methods of inference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from glmmlab._types import BoolArray, FloatArray
from glmmlab.design import Design
from glmmlab.families.base import Family
from glmmlab.formula.fixed import FixedPart, Term

if TYPE_CHECKING:
    from glmmlab.errors import GlmmlabWarning


def full_name(part: str, column: str) -> str:
    """A coefficient's name among those of all parts; the conditional part's are plain.

    >>> full_name("conditional", "x"), full_name("zero_inflation", "x")
    ('x', 'zero_inflation: x')
    """
    return column if part == "conditional" else f"{part}: {column}"


@dataclass(frozen=True)
class PartEstimate:
    """One linear predictor: its coefficients, their covariance, and the coding they belong to.

    Attributes
    ----------
    fixed : FixedPart
        The learned coding; its ``names`` index ``params`` and ``cov``.
    params : ndarray, shape (p,)
        Coefficients on the predictor's (link) scale; NaN for aliased columns.
    cov : ndarray, shape (p, p)
        Their covariance; NaN rows and columns where there is none.
    """

    fixed: FixedPart
    params: FloatArray
    cov: FloatArray

    @property
    def names(self) -> tuple[str, ...]:
        """Coefficient names, aliased columns included."""
        return self.fixed.names

    @property
    def terms(self) -> tuple[Term, ...]:
        """Terms of the formula, in order."""
        return self.fixed.terms

    @property
    def estimable(self) -> BoolArray:
        """Which coefficients were estimated (False: aliased)."""
        return np.isfinite(self.params)


@dataclass(frozen=True)
class Optimization:
    """The record of one outer optimisation.

    ``start``, ``end`` and ``iterates`` hold the outer parameters (beta on the orthonormalised
    design, theta, gamma); ``values`` the objective (minus the log-likelihood) at the iterates.
    """

    names: tuple[str, ...]
    start: FloatArray
    end: FloatArray
    iterates: FloatArray
    values: FloatArray
    evaluations: int
    gradient_norm: float
    predicted_decrease: float
    smallest_eigenvalue: float
    converged: bool
    message: str


@dataclass(frozen=True)
class Estimate:
    """A fitted model as numbers and names; the rooms of inference take it from here."""

    family: Family
    design: Design
    method: str
    conditional: PartEstimate
    auxiliary: Mapping[str, PartEstimate]
    theta: FloatArray
    theta_names: tuple[str, ...]
    cov_full: FloatArray
    full_names: tuple[str, ...]
    random_covariance: Mapping[str, pd.DataFrame]
    modes: Mapping[str, pd.DataFrame]
    llf: float
    npar: int
    eta: FloatArray
    aux: tuple[FloatArray, ...]
    singular: tuple[str, ...]
    separated: tuple[str, ...]
    converged: bool
    optimization: Optimization
    quadrature: int = 1
    warnings: tuple[GlmmlabWarning, ...] = field(default=())

    @property
    def nobs(self) -> int:
        """Rows used in the fit."""
        return self.design.nobs

    @property
    def df_resid(self) -> int:
        """Rows minus all estimated parameters, variances included."""
        return self.nobs - self.npar
