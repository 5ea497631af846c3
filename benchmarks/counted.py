"""What the study of inference counts in one data set: errors, coverage and rejections."""

from __future__ import annotations

import warnings
import zlib
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from truths import Setting

import glmmlab as gl

SEED = 20_261_127
LEVEL, ALPHA = 0.95, 0.05
INNER = 99
"""Refits of one bootstrap."""

Key = tuple[str, str, str]  # measure, method, target
Values = dict[Key, float]


@dataclass(frozen=True)
class Cell:
    """One layout, one truth, and how often: `profiles` of the `reps` are profiled too."""

    layout: str
    family: str
    null: bool = False
    reps: int = 500
    profiles: int = 0
    kind: str = "asymptotic"

    @property
    def name(self) -> str:
        extra = [] if self.kind == "asymptotic" else [self.kind]
        return " ".join([self.layout, self.family, *(["null"] if self.null else []), *extra])


@cache
def setting(layout: str, family: str, null: bool) -> Setting:
    return Setting(layout, family, null)


def stream(cell: Cell, number: int) -> np.random.Generator:
    """The random stream of one replicate."""
    name = zlib.crc32(cell.name.encode())
    return np.random.default_rng(np.random.SeedSequence([SEED, name], spawn_key=(number,)))


def replicate(cell: Cell, number: int) -> Values:
    """All that is counted for one data set; only a "failed" where the model could not be fitted."""
    known, rng = setting(cell.layout, cell.family, cell.null), stream(cell, number)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # singular and slow fits belong to the distribution
        y = known.draw(rng)
        try:
            fit = known.fit(y, known.layout.terms)
            usable = fit.converged and not fit.estimate.separated
        except gl.GlmmlabError:
            usable = False
        if not usable:
            return {("share", "fit", "failed"): 1.0}
        out: Values = {
            ("share", "fit", "failed"): 0.0,
            ("share", "fit", "singular"): float(bool(fit.is_singular)),
        }
        seed = int(rng.integers(2**31))
        if cell.kind == "bootstrap intervals":
            out |= _bootstrap_coverage(known, fit, seed)
        elif cell.kind == "bootstrap test":
            out |= _ratio_tests(known, fit, y, bootstrap=INNER, seed=seed)
        else:
            out |= _errors(known, fit) | _coverage(known, fit) | _rejections(known, fit)
            if known.truth.method == "ML":
                out |= _ratio_tests(known, fit, y)
            if number < cell.profiles:
                out |= _profile_coverage(known, fit)
    return out


def _targets(known: Setting, fit: gl.Fit) -> dict[str, tuple[str, float]]:
    """Single parameters: what they are called in the tables -> name in the fit, truth."""
    names = list(fit.params.index)
    levels = len(known.means)
    found = {
        "intercept": (names[0], float(known.means.iloc[0])),
        "effect": (names[levels - 1], float(known.means.iloc[-1] - known.means.iloc[0])),
    }
    if known.sd:
        found["sd"] = (f"sd(Intercept | {known.layout.group})", known.sd)
    if np.isfinite(known.dispersion):
        found["dispersion"] = ("dispersion", known.dispersion)
    return found


def _errors(known: Setting, fit: gl.Fit) -> Values:
    """Estimate minus truth; the ratio of the two for a dispersion, which has no upper end."""
    out: Values = {}
    for target, (name, truth) in _targets(known, fit).items():
        if target == "dispersion":
            out["ratio", "estimate", target] = fit.dispersion / truth
        elif target == "sd":
            sd = float(np.sqrt(fit.random_covariance[known.layout.group].iloc[0, 0]))
            out["bias", "estimate", target] = sd - truth
        else:
            out["bias", "estimate", target] = float(fit.params[name]) - truth
            out["se", "model", target] = float(fit.bse[name])
    return out


def _inside(limits: pd.DataFrame, truth: Any) -> Any:
    """Which truths lie inside; missing where an interval has no limit."""
    low, high = limits["lower"].to_numpy(float), limits["upper"].to_numpy(float)
    inside = ((low <= truth) & (truth <= high)).astype(float)
    return np.where(np.isnan(low) | np.isnan(high), np.nan, inside)


def _degrees(known: Setting) -> dict[str, Any]:
    """Reference distributions of the Wald statistics, by name."""
    found: dict[str, Any] = {"Wald z": None, "Wald t, design df": known.layout.df}
    if known.truth.method == "REML" and known.sd:
        found |= {
            "Wald t, Satterthwaite": "satterthwaite",
            "Wald t, Kenward-Roger": "kenward-roger",
        }
    return found


def _coverage(known: Setting, fit: gl.Fit) -> Values:
    """Wald intervals: of coefficients, of means and of their differences, of the variances."""
    out: Values = {}
    targets, levels = _targets(known, fit), len(known.means)
    pairs = np.array(known.means)[:, None] - np.array(known.means)[None, :]
    differences = pairs[np.triu_indices(levels, 1)]
    for method, df in _degrees(known).items():
        limits = fit.conf_int(LEVEL, df=df)
        em = fit.emmeans(known.layout.factor, df=df)
        single = ["effect"]
        if method != "Wald t, design df":  # degrees of freedom of differences, not of means
            single.append("intercept")
            out["coverage", method, "means"] = float(_inside(em.frame, known.means).mean())
        for target in single:
            name, truth = targets[target]
            out["coverage", method, target] = float(_inside(limits.loc[[name]], truth)[0])
        inside = _inside(em.pairs(adjust="none").confint(), differences)
        out["coverage", method, "differences"] = float(inside.mean())
    limits = fit.conf_int(LEVEL, parameters="variance")
    for target in ("sd", "dispersion"):
        if target in targets:
            name, truth = targets[target]
            out["coverage", "Wald z", target] = float(_inside(limits.loc[[name]], truth)[0])
    return out


def _rejections(known: Setting, fit: gl.Fit) -> Values:
    """Tests of true null hypotheses."""
    out: Values = {}
    null = np.ptp(known.means) == 0.0
    factor, other = known.layout.factor, known.layout.other
    terms = [factor] * bool(null) + [other, f"{factor}:{other}"] * bool(other)
    for method, df in _degrees(known).items():
        for type_ in (2, 3):
            table = fit.anova(type=type_, df=df).frame["p"]
            for term, role in zip(terms, _roles(known, terms), strict=True):
                out["rejection", f"Anova {'I' * type_}, {method}", role] = _reject(table[term])
        if null:
            em = fit.emmeans(factor, df=df)
            single = em.pairs(adjust="none").frame["p"]
            out["rejection", f"one pair, {method}", "factor"] = float((single < ALPHA).mean())
            some = em.pairs(adjust="tukey").frame["p"].min()
            out["rejection", f"any pair, Tukey, {method}", "factor"] = _reject(some)
        if other:
            pair = fit.emmeans(other, df=df).pairs(adjust="none").frame["p"]
            out["rejection", f"one pair, {method}", "other factor"] = _reject(pair.iloc[0])
    return out


def _roles(known: Setting, terms: list[str]) -> list[str]:
    names = {known.layout.factor: "factor", known.layout.other: "other factor"}
    return [names.get(term, "interaction") for term in terms]


def _reject(p: float) -> float:
    return float(p < ALPHA) if np.isfinite(p) else float("nan")


def _ratio_tests(
    known: Setting, fit: gl.Fit, y: np.ndarray, bootstrap: int | None = None, seed: int = 0
) -> Values:
    """The likelihood ratio of one null term: the interaction, or the factor under its null."""
    factor, other = known.layout.factor, known.layout.other
    if not other and np.ptp(known.means) > 0:
        return {}
    smaller, role = (f"{factor} + {other}", "interaction") if other else ("1", "factor")
    try:
        table = known.fit(y, smaller).compare(fit, bootstrap=bootstrap, seed=seed)
        plain = table if bootstrap is None else known.fit(y, smaller).compare(fit)
    except gl.GlmmlabError:
        return {}
    out = {("rejection", "likelihood ratio", role): _reject(plain.frame["p"].iloc[-1])}
    if bootstrap is not None:
        p = table.frame["p"].iloc[-1]
        out["rejection", "bootstrap likelihood ratio", role] = float(p <= ALPHA)  # a rank: exact
    return out


def _profile_coverage(known: Setting, fit: gl.Fit) -> Values:
    targets = _targets(known, fit)
    try:
        limits = fit.profile([name for name, _ in targets.values()], LEVEL).conf_int(LEVEL)
    except gl.GlmmlabError:
        return {}
    return {
        ("coverage", "profile", target): float(_inside(limits.loc[[name]], truth)[0])
        for target, (name, truth) in targets.items()
    }


def _bootstrap_coverage(known: Setting, fit: gl.Fit, seed: int) -> Values:
    """Bootstrap intervals, and the Wald interval of the same data sets beside them."""
    out: Values = {}
    boot = fit.bootstrap(INNER, seed=seed)
    for method in ("percentile", "basic"):
        limits = boot.conf_int(LEVEL, method)
        for target, (name, truth) in _targets(known, fit).items():
            inside = _inside(limits.loc[[name]], truth)
            out["coverage", f"bootstrap, {method}", target] = float(inside[0])
    for (measure, method, target), value in _coverage(known, fit).items():
        if method == "Wald z" and target in _targets(known, fit):
            out[measure, method, target] = value
    return out


def replicates(cell: Cell, start: int, stop: int) -> list[Values]:
    """What is counted in these replicates, in order."""
    return [replicate(cell, number) for number in range(start, stop)]
