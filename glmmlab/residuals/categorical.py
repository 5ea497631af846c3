"""Scaled residuals against a factor: uniform within every level, equally spread between levels?"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
import pandas as pd
from scipy import special

from glmmlab._types import FloatArray
from glmmlab.errors import DataError
from glmmlab.inference.own_columns import own_name
from glmmlab.inference.p_adjust import FROM_P
from glmmlab.residuals.result import LEVEL, ResidualTest, exchangeable_p, p_text
from glmmlab.residuals.uniformity import uniformity_test


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class CategoricalTest(ResidualTest):
    """Uniformity of the residuals within levels, and Brown-Forsythe test between them.

    Attributes
    ----------
    statistic, p : float
        Smallest within-level Kolmogorov-Smirnov p after Holm's adjustment (both the same number).
    frame : DataFrame
        Indexed by level: ``n, d, p, p_adjusted``.
    levene_statistic, levene_p : float
        F and p of the median-centred Levene (Brown-Forsythe) test; NaN with one level.
    levene_df : tuple of int
    predictor : str
    """

    frame: pd.DataFrame
    levene_statistic: float
    levene_p: float
    levene_df: tuple[int, int]
    predictor: str

    title = "Residuals by level"
    statistic_name = "smallest adjusted p"

    @property
    def levels_deviating(self) -> list[object]:
        """Levels whose adjusted p is below the level of significance."""
        return self.frame.index[self.frame["p_adjusted"] < LEVEL].tolist()

    def facts(self) -> list[tuple[str, str]]:
        """Label and value of every line of the printed result."""
        facts = super().facts()
        k, df = self.levene_df
        facts.insert(0, ("predictor", self.predictor))
        bad = ", ".join(map(str, self.levels_deviating)) or "none"
        facts.append(("levels deviating", bad))
        if np.isfinite(self.levene_p):
            levene = f"F({k}, {df}) = {self.levene_statistic:.4g}, {p_text(self.levene_p)}"
            facts.append(("equal spread (Brown-Forsythe)", levene))
        return facts

    def _compared(self) -> str:
        return (
            f"Within every level of {self.predictor} the scaled residuals were compared with the "
            "uniform distribution (Holm's adjustment over the levels), and their spread was "
            "compared between levels."
        )

    def _surprise(self) -> str:
        if self.significant or not self.levene_p < LEVEL:
            return super()._surprise()
        return (
            "Within the levels, deviations of this size arise by chance from a right model "
            f"({self.p_text})."
        )

    def _direction(self) -> str:
        return (
            f"Not uniform in: {', '.join(map(str, self.levels_deviating))}. The mean or the "
            "spread of these levels is off: add the factor or its interactions if the model lacks "
            "them."
        )

    def _limits(self) -> str:
        few = "Few rows in a level make both tests blind."
        if not np.isfinite(self.levene_p):
            return few
        p = p_text(self.levene_p)
        if self.levene_p >= LEVEL:
            return f"The spread does not visibly differ between levels ({p}). {few}"
        return (
            f"The residuals' spread differs between the levels ({p}): the variance depends on "
            "this factor in a way the family does not know; try a dispersion formula with it. "
            + few
        )


def brown_forsythe(groups: list[FloatArray]) -> tuple[FloatArray, tuple[int, int]]:
    """F and degrees of freedom of the analysis of variance of \\|r - median of its group\\|.

    Parameters
    ----------
    groups : list of ndarray, each (..., rows of the group)
        One or many sets of residuals.

    Returns
    -------
    f : ndarray, shape (...,)
        NaN with one group, with one row in every group, and without variation within groups.
    df : tuple of int

    Examples
    --------
    >>> f, df = brown_forsythe([np.array([0.1, 0.2, 0.6]), np.array([0.5, 0.7, 0.6])])
    >>> round(float(f), 2), df
    (0.64, (1, 4))
    """
    away = [np.abs(g - np.median(g, axis=-1, keepdims=True)) for g in groups]
    sizes = [g.shape[-1] for g in away]
    df = (len(away) - 1, sum(sizes) - len(away))
    if min(df) < 1:
        return np.full(away[0].shape[:-1], np.nan), df
    means = [a.mean(axis=-1) for a in away]
    grand = sum(n * m for n, m in zip(sizes, means, strict=True)) / sum(sizes)
    between = sum(n * (m - grand) ** 2 for n, m in zip(sizes, means, strict=True)) / df[0]
    within = sum(n * a.var(axis=-1) for n, a in zip(sizes, away, strict=True)) / df[1]
    return np.where(within > 0, between / np.where(within > 0, within, 1.0), np.nan), df


def categorical_test(
    r: FloatArray, factor: pd.Categorical, predictor: str, reference: FloatArray | None = None
) -> CategoricalTest:
    """Test residuals within and between the levels of a factor.

    Parameters
    ----------
    r : ndarray, shape (nobs,)
    factor : Categorical, length nobs
        Levels without rows are left out.
    predictor : str
        Its name.
    reference : ndarray, shape (nsim, nobs), optional
        Residuals of simulated data sets; then the p-values are ranks among these, which holds
        for rows that share random effects drawn anew (levels that are the groups themselves).

    Raises
    ------
    DataError
        Missing levels.

    Examples
    --------
    >>> r = np.array([0.1, 0.2, 0.3, 0.9])
    >>> categorical_test(r, pd.Categorical(["a", "a", "b", "b"]), "plot").frame["n"].tolist()
    [2, 2]
    """
    codes = np.asarray(factor.codes)
    if (codes < 0).any():
        raise DataError(f"{predictor} has missing values; drop these rows or name the level.")
    used = [c for c in range(len(factor.categories)) if np.any(codes == c)]
    groups = [r[codes == c] for c in used]
    sets = [] if reference is None else [reference[:, codes == c] for c in used]
    tests = [uniformity_test(g, reference=s) for g, s in zip_longest(groups, sets)]
    p = np.array([t.p for t in tests])
    columns = {
        "n": [len(g) for g in groups],
        "d": [t.statistic for t in tests],
        "p": p,
        "p_adjusted": FROM_P["holm"](p),
    }
    levels = [factor.categories[c] for c in used]
    # a predictor that is itself called p leaves reset_index() its way
    frame = pd.DataFrame(columns, index=pd.Index(levels, name=own_name(predictor, columns)))
    f, df = brown_forsythe(groups)
    levene_p = float(special.fdtrc(*df, f)) if np.isfinite(f) else float("nan")
    if sets and np.isfinite(f):
        levene_p = exchangeable_p(float(f), brown_forsythe(sets)[0], "greater")
    smallest = float(frame["p_adjusted"].min())
    return CategoricalTest(
        statistic=smallest,
        p=smallest,
        null_hypothesis="the residuals are uniform within every level",
        method="Kolmogorov-Smirnov tests within levels, Holm's adjustment"
        + ("" if reference is None else ", p from residuals of simulated data sets"),
        alternative="two-sided",
        nobs=len(r),
        nsim=0 if reference is None else len(reference),
        frame=frame,
        levene_statistic=float(f),
        levene_p=levene_p,
        levene_df=df,
        predictor=predictor,
    )
