"""What the study of inference draws from: layouts of experiments and known models for them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

import glmmlab as gl

Frame = pd.DataFrame


@dataclass(frozen=True)
class Layout:
    """An experiment without its response.

    Attributes
    ----------
    name, size : str
    frame : callable
        The rows: factors, the group, and ``n``, the trials of binomial kinds.
    factor, other : str
        The factor with effects, and one without any (none: "").
    group : str
    df : float
        Degrees of freedom that an analysis of variance of this layout gives the factor's
        differences.
    """

    name: str
    size: str
    frame: Callable[[], Frame]
    factor: str
    other: str
    group: str
    df: float

    @property
    def terms(self) -> str:
        """The fixed part as a formula writes it."""
        return f"{self.factor} * {self.other}" if self.other else self.factor


def disease() -> Frame:
    """Twelve fungicides in four blocks, one plot each: the field of the first example."""
    return gl.datasets.load("disease_severity")[["fungicide", "block"]].assign(n=20.0)


def germination() -> Frame:
    """Two extracts by two genotypes on 21 plates: the trial of the second example."""
    return gl.datasets.load("seed_germination")[["extract", "gen", "plate", "n"]]


def factorial(blocks: int, rows: int) -> Callable[[], Frame]:
    """Three levels by two in complete blocks, ``rows`` plots a combination."""

    def make() -> Frame:
        index = pd.MultiIndex.from_product(
            [range(blocks), list("abc"), list("uv"), range(rows)],
            names=["block", "treatment", "kind", "plot"],
        )
        frame = index.to_frame(index=False).astype({"block": str}).drop(columns="plot")
        return _categories(frame).assign(n=20.0)

    return make


def between(groups: int) -> Callable[[], Frame]:
    """Two treatments of whole groups of five plots: the treatment varies between groups only."""

    def make() -> Frame:
        g = np.repeat(np.arange(groups), 5)
        frame = pd.DataFrame({"treatment": np.where(g % 2, "b", "a"), "block": g.astype(str)})
        return _categories(frame).assign(n=20.0)

    return make


def _categories(frame: Frame) -> Frame:
    return frame.apply(lambda column: pd.Categorical(column, pd.unique(column)))


BETWEEN = (4, 6, 8, 12, 24, 48)
LAYOUTS = {
    layout.name: layout
    for layout in (
        Layout("disease", "small", disease, "fungicide", "", "block", 33),
        Layout("germination", "small", germination, "extract", "gen", "plate", 17),
        Layout("factorial-20", "medium", factorial(20, 1), "treatment", "kind", "block", 95),
        Layout("factorial-60", "large", factorial(60, 2), "treatment", "kind", "block", 655),
        *(
            Layout(f"between-{g}", "groups", between(g), "treatment", "", "block", g - 2)
            for g in BETWEEN
        ),
    )
}


@dataclass(frozen=True)
class Truth:
    """A known model: linear predictors and spread.

    Attributes
    ----------
    family : str
    intercept, effect : float
        On the link scale: the factor's first level, and what its last one adds.
    sd : float
        Standard deviation of the groups' effects; 0 for a model without them.
    auxiliary : dict
        The other predictors by name, on their own scales.
    bernoulli : bool
        0/1 rows in place of rows of n trials.
    method : {"ML", "REML"}
    """

    family: str
    intercept: float
    effect: float
    sd: float = 0.5
    auxiliary: dict[str, float] = field(default_factory=dict)
    bernoulli: bool = False
    method: str = "ML"

    @property
    def zero_inflated(self) -> bool:
        return "zero_inflation" in self.auxiliary


def _log(**values: float) -> dict[str, float]:
    return {name: float(np.log(value)) for name, value in values.items()}


_INFLATED = {"zero_inflation": float(np.log(0.25))}
TRUTHS = {
    "gaussian, REML": Truth("gaussian", 10.0, 1.0, 0.7, _log(dispersion=1.0), method="REML"),
    "gaussian": Truth("gaussian", 10.0, 1.0, 0.7, _log(dispersion=1.0)),
    "binomial": Truth("binomial", -0.5, 1.0),
    "bernoulli": Truth("binomial", -0.5, 1.0, bernoulli=True),
    "betabinomial": Truth("betabinomial", -0.5, 1.0, 0.5, _log(dispersion=15.0)),
    "poisson": Truth("poisson", 1.0, 0.7),
    "nbinom1": Truth("nbinom1", 1.0, 0.7, 0.5, _log(dispersion=1.0)),
    "nbinom2": Truth("nbinom2", 1.0, 0.7, 0.5, _log(dispersion=2.0)),
    "beta": Truth("beta", -0.5, 1.0, 0.5, _log(dispersion=20.0)),
    "gamma": Truth("gamma", 1.0, 0.7, 0.5, _log(dispersion=0.3)),
    "t": Truth("t", 10.0, 1.0, 0.7, _log(dispersion=1.0, shape=5.0)),
    "zero-inflated poisson": Truth("poisson", 1.2, 0.7, 0.5, _INFLATED),
    "zero-inflated nbinom2": Truth("nbinom2", 1.2, 0.7, 0.5, _log(dispersion=2.0) | _INFLATED),
    "truncated_poisson": Truth("truncated_poisson", 1.0, 0.7),
    "truncated_nbinom1": Truth("truncated_nbinom1", 1.0, 0.7, 0.5, _log(dispersion=1.0)),
    "truncated_nbinom2": Truth("truncated_nbinom2", 1.0, 0.7, 0.5, _log(dispersion=2.0)),
    "genpois": Truth("genpois", 1.0, 0.7, 0.5, _log(dispersion=2.0)),
    "tweedie": Truth("tweedie", 1.0, 0.7, 0.5, _log(dispersion=1.0) | {"shape": 0.0}),
    "inverse_gaussian": Truth("inverse_gaussian", 1.0, 0.7, 0.5, _log(dispersion=0.1)),
    "lognormal": Truth("lognormal", 1.0, 0.7, 0.5, _log(dispersion=1.5)),
    "ordbeta": Truth(
        "ordbeta", -0.5, 1.0, 0.5, _log(dispersion=10.0) | {"lower_cut": -2.0, "upper_cut": 2.0}
    ),
}
"""By the name in the tables.  Two truths are the examples' own: see `own_truth`."""


@cache
def own_truth(layout: str, family: str) -> tuple[Truth, tuple[float, ...]] | None:
    """The fitted model of an example, and its factor's effects, where the two belong together.

    The beta model of the disease data has a block variance of zero; blocks with a standard
    deviation of 0.3 are drawn in its place.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gl.errors.GlmmlabWarning)
        if (layout, family) == ("disease", "beta"):
            data = gl.datasets.load("disease_severity")
            fit = gl.glmm("severity ~ fungicide + (1 | block)", data, "beta")
            sd = 0.3
        elif layout == "germination" and family in ("binomial", "betabinomial"):
            data = gl.datasets.load("seed_germination")
            plates = " + (1 | plate)" if family == "binomial" else ""
            fit = gl.glmm(f"cbind(germ, n - germ) ~ extract{plates}", data, family)
            sd = float(fit.random_covariance["plate"].iloc[0, 0]) ** 0.5 if plates else 0.0
        else:
            return None
    values = fit.params.to_numpy()
    auxiliary = {name: float(p.params[0]) for name, p in fit.estimate.auxiliary.items()}
    truth = Truth(family, float(values[0]), float(values[-1]), sd, auxiliary)
    return truth, (0.0, *values[1:].tolist())


class Setting:
    """One layout with one truth: draws responses, and knows the values to be estimated.

    Parameters
    ----------
    layout, family : str
        Of `LAYOUTS` and `TRUTHS`.
    null : bool
        The factor has no effect either.
    """

    def __init__(self, layout: str, family: str, null: bool = False) -> None:
        self.layout = LAYOUTS[layout]
        self.frame = self.layout.frame()
        truth, effects = own_truth(layout, family) or (TRUTHS[family], None)
        levels = len(self.frame[self.layout.factor].cat.categories)
        steps = np.linspace(0.0, truth.effect, levels) if effects is None else np.array(effects)
        intercept = truth.intercept
        if null:  # all levels at the mean of the others' truth
            intercept, steps = intercept + float(steps.mean()), np.zeros(levels)
        sd = truth.sd
        spread = truth.bernoulli or bool(set(truth.auxiliary) & {"dispersion"})
        if layout == "germination" and spread:
            sd = 0.0  # every plate is one row: its effect and the family's spread are one
        self.truth, self.sd = truth, sd
        self.fixed_eta = intercept + steps[self.frame[self.layout.factor].cat.codes]
        if truth.bernoulli:
            self.frame = self.frame.assign(n=1.0)
        family_object = gl.families.get(truth.family)
        if truth.zero_inflated:
            family_object = gl.families.ZeroInflated(family_object)
        self.family = family_object
        self.aux = [
            np.full(len(self.frame), truth.auxiliary[name]) for name in family_object.auxiliary
        ]
        self.dispersion = (
            float(family_object.dispersion(truth.auxiliary["dispersion"]))
            if "dispersion" in truth.auxiliary
            else float("nan")
        )
        self.means = pd.Series(intercept + steps, self.frame[self.layout.factor].cat.categories)

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """One response; successes for binomial kinds."""
        eta = self.fixed_eta
        if self.sd:
            codes = self.frame[self.layout.group].cat.codes.to_numpy()
            eta = eta + rng.normal(0.0, self.sd, codes.max() + 1)[codes]
        trials = self.frame["n"].to_numpy(float) if self.family.is_binomial else None
        mu = self.family.link.inverse(eta)
        return np.asarray(self.family.simulate(rng, mu, self.aux, trials), dtype=float)

    def formula(self, terms: str) -> str:
        """The model with these fixed terms."""
        left = "cbind(y, n - y)" if self.family.is_binomial else "y"
        return f"{left} ~ {terms}" + (f" + (1 | {self.layout.group})" if self.sd else "")

    def fit(self, y: np.ndarray, terms: str) -> gl.Fit:
        """The model with these fixed terms fitted to a response."""
        extra: dict[str, Any] = {"zero_inflation": "~ 1"} if self.truth.zero_inflated else {}
        data = self.frame.assign(y=y)
        return gl.glmm(
            self.formula(terms), data, self.truth.family, method=self.truth.method, **extra
        )
