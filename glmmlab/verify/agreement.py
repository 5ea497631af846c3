"""How far a fit is from R's, in units in which one means just within tolerance."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from glmmlab.errors import GlmmlabError, GlmmlabWarning
from glmmlab.model import glmm
from glmmlab.results.fit import Fit
from glmmlab.verify.reference import call, named, reference, term_name

TOLERANCES = {
    "log-likelihood": (1e-6, "absolute"),
    "coefficients": (1e-5, "of their standard error"),
    "standard errors": (1e-4, "relative"),
    "Wald tests": (1e-4, "chi-square, relative"),
    "means": (1e-5, "of their standard error"),
    "comparisons": (1e-4, "adjusted p, absolute"),
}
"""What is compared: the largest difference allowed, and its unit."""

_MEAN = ("emmean", "response", "prob", "rate")
_TINY = 1e-9
"""Chi-squares of zero: absolute differences below are no differences."""


@dataclass(frozen=True)
class Agreement:
    """The largest differences between one fit here and the same fit in R.

    Attributes
    ----------
    case, formula, family : str
    differences : dict of str to float
        Keys and units of ``TOLERANCES``; only what R's answers hold.
    failure : str
        Why there is no fit; empty if there is one.
    """

    case: str
    formula: str
    family: str
    differences: dict[str, float]
    failure: str = ""

    @property
    def disagreements(self) -> tuple[str, ...]:
        """What is farther from R than it may be."""
        return tuple(
            name for name, found in self.differences.items() if not found <= TOLERANCES[name][0]
        )

    @property
    def agrees(self) -> bool:
        """Whether all is within tolerance."""
        return not self.failure and not self.disagreements


def compare(case: str) -> Agreement:
    """Fit one reference case and compare it with R.

    Parameters
    ----------
    case : str
        One of :func:`glmmlab.verify.cases`.

    Returns
    -------
    Agreement

    Raises
    ------
    UnknownNameError
        There is no such case.

    Examples
    --------
    >>> compare("seeds_binom").agrees
    True
    """
    r = reference(case)
    family = r["family"] if r["link"] is None else f"{r['family']} ({r['link']})"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", GlmmlabWarning)
            fit = glmm(**call(case))
            differences = _differences(case, r, fit)
    except (GlmmlabError, ArithmeticError, ValueError, KeyError) as error:
        return Agreement(case, r["formula"], family, {}, f"{type(error).__name__}: {error}")
    return Agreement(case, r["formula"], family, differences)


def _differences(case: str, r: dict[str, Any], fit: Fit) -> dict[str, float]:
    se = named(case, r.get("se_exact") or r["se"])
    found = {
        "log-likelihood": abs(fit.llf - r["logLik"]),
        "coefficients": _largest((fit.params - named(case, r["fixef"])) / se),
        "standard errors": _largest(fit.bse / se - 1.0),
    }
    rows = r.get("anova_type2_exact") or r.get("anova_type2")
    if rows:
        theirs = pd.Series({term_name(row["term"]): row["Chisq"] for row in rows}, dtype=float)
        off = (fit.anova(type=2).frame["chisq"] - theirs).abs()
        found["Wald tests"] = _largest((off - _TINY).clip(lower=0.0) / theirs.clip(lower=_TINY))
    means = [_means(fit, entry) for entry in _entries(r)]
    if means:
        found["means"] = _largest([mean for mean, _ in means])
        found["comparisons"] = _largest([p for _, p in means])
    return found


def _entries(r: dict[str, Any]) -> list[dict[str, Any]]:
    key = "emmeans_exact" if "emmeans_exact" in r else "emmeans"
    entries: list[dict[str, Any]] = r.get("emmeans_df_residual") or r.get(key) or []
    return entries


def _means(fit: Fit, entry: dict[str, Any]) -> tuple[float, float]:
    """Differences of the marginal means on the link scale and of their pairs' p-values."""
    options = dict(entry.get("args") or {})
    specs, _, by = entry["specs"].removeprefix("~").partition("|")
    means = fit.emmeans(
        [name.strip() for name in specs.split("*")],
        by=by.strip() or None,
        at=options.get("at"),
        weights=options.get("weights", "equal"),
        offset=options.get("offset"),
    )
    rows = entry["link"]
    off = (means.frame["estimate"].to_numpy() - _column(rows, _MEAN)) / _column(rows, ("SE",))
    pairs = entry["pairs"].get("link") or []
    if not pairs:
        return _largest(off), 0.0
    return _largest(off), _largest(means.pairs().frame["p"] - _column(pairs, ("p.value",)))


def _column(rows: list[dict[str, Any]], names: tuple[str, ...]) -> np.ndarray:
    name = next(name for name in names if name in rows[0])
    return np.array([row[name] for row in rows], dtype=float)


def _largest(off: Any) -> float:
    """The largest absolute entry; NaN (a disagreement) if one is missing."""
    values = np.abs(np.asarray(off, dtype=float))
    return float(values.max()) if len(values) else 0.0
