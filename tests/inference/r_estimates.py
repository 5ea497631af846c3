"""Estimates with R's coefficients and covariances: inference alone is then under test."""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from conftest import our_name, reference, reference_cases
from glmmlab.design import build_design
from glmmlab.estimate.result import PartEstimate
from r_models import call


def aligned(case: str, block: dict[str, Any], vcov: dict[str, Any], fixed: Any) -> PartEstimate:
    """A coefficient block of the JSON in the order of our columns."""
    levels = reference(case)["levels"]
    params = pd.Series({our_name(n, levels): v for n, v in block.items()})
    names = [our_name(n, levels) for n in vcov["names"]]
    cov = pd.DataFrame(vcov["matrix"], index=names, columns=names)
    order = list(fixed.names)
    return PartEstimate(fixed, params[order].to_numpy(float), cov.loc[order, order].to_numpy(float))


@cache
def exact(case: str) -> bool:
    """Whether R's tables of this case were computed again with the exact Hessian."""
    return "vcov_exact" in reference(case) and "anova_type2_exact" in reference(case)


@cache
def r_estimate(case: str) -> Any:
    """What inference needs of an Estimate, with R's numbers in it."""
    r, arguments = reference(case), call(case)
    arguments.pop("method")
    design = build_design(
        arguments.pop("formula"), arguments.pop("data"), arguments["family"],
        weights=arguments.get("weights"),
    )  # fmt: skip
    vcov = r["vcov_exact"] if exact(case) else r["vcov"]
    conditional = aligned(case, r["fixef"], vcov, design.conditional.fixed)
    return SimpleNamespace(
        family=arguments["family"],
        design=design,
        conditional=conditional,
        auxiliary={},
        separated=(),
        method="ML",
        df_resid=r["df_resid"],
        nobs=r["nobs"],
    )


def entries(key: str = "emmeans") -> list[tuple[str, int]]:
    """(case, position) of every entry of a key."""
    return [(c, i) for c in reference_cases() for i in range(len(reference(c).get(key) or []))]


def entry(case: str, position: int) -> dict[str, Any]:
    """One emmeans entry, the recomputed one where there is one."""
    r = reference(case)
    key = "emmeans_exact" if exact(case) and "emmeans_exact" in r else "emmeans"
    return r[key][position]


def column(rows: list[dict[str, Any]], *names: str) -> np.ndarray:
    """The first of several columns that R's rows have; "NA" and absent are NaN."""
    name = next(n for n in names if n in rows[0])
    values = [row[name] for row in rows]
    return np.array(
        [np.inf if v == "Inf" else np.nan if v in ("NA", None) else v for v in values], float
    )


def least_squares(formula: str, data: pd.DataFrame) -> Any:
    """R's ``lm`` as an estimate: least squares, s^2 (X'X)^{-1}, residual degrees of freedom."""
    import glmmlab as gl

    design = build_design(formula, data, gl.families.get("gaussian"))
    X, kept = design.conditional.X, list(design.conditional.kept)
    inverse = np.linalg.inv(X.T @ X)
    b = inverse @ X.T @ (design.y - design.offset)
    df = len(design.y) - X.shape[1]
    s2 = ((design.y - design.offset - X @ b) ** 2).sum() / df
    p = len(design.conditional.fixed.names)
    params, cov = np.full(p, np.nan), np.full((p, p), np.nan)
    params[kept] = b
    cov[np.ix_(kept, kept)] = s2 * inverse
    return SimpleNamespace(
        family=gl.families.get("gaussian"),
        design=design,
        conditional=PartEstimate(design.conditional.fixed, params, cov),
        auxiliary={},
        separated=(),
        method="ML",
        df_resid=df,
        nobs=len(design.y),
    )
