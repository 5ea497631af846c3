"""Wald tests of several linear hypotheses at once."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import linalg
from scipy.special import chdtrc, fdtrc

from glmmlab._tables import Document, Exported, Table
from glmmlab._types import FloatArray
from glmmlab.errors import InferenceError
from glmmlab.inference.estimable import estimable_combinations
from glmmlab.inference.f_tests import JointDegrees
from glmmlab.inference.linear import LinearEstimates


def chi_square_tail(chisq: float, df: int, df_resid: float = np.inf) -> float:
    """P-value of a Wald chi-square; of F = chisq / df when the denominator df are finite."""
    if df == 0 or np.isnan(chisq):
        return float("nan")
    if np.isinf(df_resid):
        return float(chdtrc(df, chisq))
    return float(fdtrc(df, df_resid, chisq / df))


def wald_chisq(params: FloatArray, cov: FloatArray) -> float:
    """b' V^{-1} b for a non-singular V; 0 for no parameters, NaN where V is not known.

    Standardised before solving, so that covariates on wild scales do not spoil it.
    """
    if params.size == 0:
        return 0.0
    if not np.isfinite(cov).all():
        return float("nan")
    scale = np.sqrt(np.diag(cov))
    z = params / scale
    correlation = cov / np.outer(scale, scale)
    return float(z @ linalg.solve(correlation, z, assume_a="pos"))


@dataclass(frozen=True)
class WaldTest(Exported):
    """Joint test of linear hypotheses.

    Attributes
    ----------
    chisq : float
        Wald statistic.
    df : int
        Independent hypotheses.
    df_resid : float
        Denominator degrees of freedom; ``inf`` for the chi-square test, else F = chisq / df.
    p : float
    hypothesis : str
    dropped : int
        Hypotheses that were redundant or not estimable.
    """

    chisq: float
    df: int
    df_resid: float
    p: float
    hypothesis: str
    dropped: int = 0

    def _document(self) -> Document:
        kind = "asymptotic chi-square" if np.isinf(self.df_resid) else "F = chisq / df"
        row = [f"{self.chisq:.4f}", str(self.df), f"{self.p:.4g}"]
        columns = ["chisq", "df", "p"]
        if np.isfinite(self.df_resid):
            row.append(f"{self.df_resid:.2f}")
            columns.append("df_resid")
        parts: list[str | Table] = [f"H0: {self.hypothesis}", Table(columns, [row], left=0)]
        if self.dropped:
            parts.append(f"{self.dropped} hypotheses were redundant or not estimable.")
        return Document(parts, f"Joint Wald test ({kind})")

    def __str__(self) -> str:
        return self._document().text()

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self._document().html()


def joint_test(linear: LinearEstimates, hypothesis: str, null: float = 0.0) -> WaldTest:
    """Test that all rows equal `null` at once.

    Redundant rows are reduced to an orthonormal basis Q of their row space:
    (Q b - c)' (Q V Q')^{-1} (Q b - c).  Of rows that are not estimable the combinations that are
    stay in the test.

    Raises
    ------
    InferenceError
        Hypotheses that cannot all be true, such as a - b = 1, b - c = 1 and a - c = 1.
    """
    size = len(linear)
    linear = replace(linear.without_limits(), offset=linear.offset - null)
    linear = estimable_combinations(linear)
    if not linear.satisfiable():
        raise InferenceError(
            f"{hypothesis}: these {size} hypotheses contradict one another, so they cannot all be "
            "true. Leave out those that follow from others (for differences of means: "
            "contrast('consec'))."
        )
    q, c = _row_space(linear.rows, -linear.offset)
    estimate = q @ linear.params - c
    df = len(q)
    if isinstance(linear.df, JointDegrees):
        test = linear.df.f_test(q, estimate)
        return WaldTest(test.F * df, df, test.df_resid, test.p, hypothesis, size - df)
    chisq = wald_chisq(estimate, q @ linear.cov @ q.T) if df else float("nan")
    degrees = linear.degrees
    df_resid = float(degrees.min()) if degrees.size else float("inf")
    if df and callable(linear.df):
        df_resid = float(np.min(linear.df(q)))
    p = chi_square_tail(chisq, df, df_resid)
    return WaldTest(chisq, df, df_resid, p, hypothesis, size - df)


def _row_space(rows: FloatArray, target: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Orthonormal rows Q spanning those of L, and the c for which L b = target means Q b = c."""
    if rows.size == 0:
        return np.zeros((0, rows.shape[1])), np.zeros(0)
    u, s, vt = np.linalg.svd(rows, full_matrices=False)
    rank = int((s > 1e-9 * max(s[0], 1e-300)).sum()) if s[0] > 1e-12 else 0
    return vt[:rank], (u.T @ target)[:rank] / s[:rank]
