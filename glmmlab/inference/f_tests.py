"""F tests with a denominator of their own: what small-sample methods give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from scipy.special import chdtrc, fdtrc

from glmmlab._types import FloatArray


@dataclass(frozen=True)
class FTest:
    """An F statistic with numerator and denominator degrees of freedom (inf: chi-square / df).

    >>> round(FTest(4.0, 2, 10.0).p, 4)
    0.0529
    """

    F: float
    df: int
    df_resid: float

    @property
    def p(self) -> float:
        """Upper tail; NaN without a hypothesis."""
        if self.df == 0 or np.isnan(self.F):
            return float("nan")
        if np.isinf(self.df_resid):
            return float(chdtrc(self.df, self.F * self.df))
        return float(fdtrc(self.df, self.df_resid, self.F))


@runtime_checkable
class JointDegrees(Protocol):
    """Degrees of freedom that know how to test several rows at once."""

    def __call__(self, rows: FloatArray) -> FloatArray:
        """Degrees of freedom of each row, shape (m,)."""

    def f_test(self, rows: FloatArray, estimate: FloatArray) -> FTest:
        """Test that independent rows (q, p), estimated as `estimate` (q,), are zero."""


def title_of(df: object) -> str:
    """How denominator degrees of freedom were found, in a table's heading.

    >>> title_of(14.0)
    '14 denominator df'
    """
    if isinstance(df, (int, float)):
        return f"{df:g} denominator df"
    return str(getattr(df, "title", "df of each row"))
