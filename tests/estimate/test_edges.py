"""Responses at the edge of what a family can describe: every such fit says so.

That a likelihood has no maximum, or has it at the end of a parameter's range, is mathematics: a
Student t distribution of infinite degrees of freedom is normal, a Tweedie distribution has point
masses at the multiples of one number as its power falls to 1, and a density around responses that
are met exactly grows without bound.
"""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import glmmlab as gl
from glmmlab import families
from glmmlab.families import ZeroInflated
from glmmlab.families.base import Family

N = 60


def frame() -> pd.DataFrame:
    rng = np.random.default_rng(7)
    return pd.DataFrame({"x": rng.normal(size=N), "g": np.tile(list("abcdef"), N // 6)})


def awkward() -> dict[str, np.ndarray]:
    rng, first = np.random.default_rng(11), np.arange(N) == 0
    half = rng.random(N) < 0.5
    return {
        "uniform": rng.uniform(size=N),
        "heavy tails": rng.standard_t(2, N),
        "rounded": np.round(rng.gamma(2, 1, N), 1),
        "counts": rng.poisson(3, N),
        "rare counts": rng.poisson(0.2, N),
        "large counts": rng.poisson(1000, N),
        "dispersed counts": rng.negative_binomial(1, 0.1, N),
        "binary": rng.integers(0, 2, N),
        "nearly constant": 5 + (rng.random(N) < 0.1),
        "ones and twos": np.where(rng.random(N) < 0.9, 1, 2),
        "skewed": np.exp(2 * rng.normal(size=N)),
        "zeros and amounts": np.where(half, 0, rng.gamma(2, 1, N)),
        "zeros and counts": np.where(half, 0, rng.poisson(4, N)),
        "one amount": np.where(first, 2.5, 0.0),
        "equal amounts": np.where(half, 2.5, 0.0),
        "shares with ends": np.clip(rng.normal(0.5, 0.4, N), 0, 1),
        "one share": np.where(first, 0.5, rng.integers(0, 2, N)),
        "two shares": np.where(half, 0.3, 0.7),
        "exact": np.exp(0.2 + 0.3 * frame()["x"].to_numpy()),
        "exact or zero": np.where(half, 0.0, np.exp(0.2 + 0.3 * frame()["x"].to_numpy())),
    }


@pytest.mark.parametrize("family", families.names())
def test_nothing_that_cannot_be_estimated_is_silent(family: str) -> None:
    data = frame()
    for what, y in awkward().items():
        for extra in ({}, {"zero_inflation": "~ 1"}):
            formula = "y ~ x" if extra else "y ~ x + (1 | g)"
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                warnings.simplefilter("ignore", gl.GlmmlabWarning)
                try:
                    fit = gl.glmm(formula, data.assign(y=y.astype(float)), family, **extra)
                except gl.errors.GlmmlabError:
                    continue
            told = [w for w in fit.warnings if not isinstance(w, gl.SingularFitWarning)]
            variances = [np.diag(part.cov) for part in fit.estimate.auxiliary.values()]
            known = np.isfinite(np.concatenate([[fit.llf], *variances])).all()
            assert known or told, (family, what, extra)
            assert not told or not fit.diagnose().ok, (family, what, extra)


def test_a_t_distribution_without_tails_is_normal() -> None:
    y = awkward()["uniform"]
    with pytest.warns(gl.BoundaryWarning, match="shape of the t family .* is the gaussian family"):
        fit = gl.glmm("y ~ x", frame().assign(y=y), "t")
    assert fit.llf == pytest.approx(gl.glmm("y ~ x", frame().assign(y=y)).llf, abs=1e-6)


def test_heavy_tails_are_no_edge() -> None:
    fit = gl.glmm("y ~ x", frame().assign(y=awkward()["heavy tails"]), "t")
    assert fit.warnings == () and fit.diagnose().ok


def test_a_tweedie_density_of_counts_has_no_bound() -> None:
    data = frame().assign(y=awkward()["counts"])
    with pytest.warns(gl.BoundaryWarning, match="no maximum: its power runs to 1"):
        fit = gl.glmm("y ~ x", data, "tweedie")
    assert fit.llf > gl.glmm("y ~ x", data, "poisson").llf + 100
    assert "whole multiples" in str(fit.diagnose())


def test_ordered_beta_needs_a_response_between_its_ends() -> None:
    data = frame().assign(y=awkward()["binary"].astype(float))
    with pytest.raises(gl.errors.ResponseError, match="between 0 and 1: use family='binomial'"):
        gl.glmm("y ~ x", data, "ordbeta")
    with pytest.warns(gl.PerfectFitWarning, match="different responses between 0 and 1"):
        gl.glmm("y ~ x + (1 | g)", frame().assign(y=awkward()["one share"]), "ordbeta")


@pytest.mark.parametrize("family", ["gamma", "inverse_gaussian", "lognormal"])
def test_a_hurdle_over_exact_amounts_is_a_perfect_fit(family: str) -> None:
    y = awkward()["exact or zero"]
    link = "identity" if family == "lognormal" else "log"
    data = frame().assign(
        y=np.where(y > 0, np.log(np.maximum(y, 0.1)) + 3, 0) if link == "identity" else y
    )
    with pytest.warns(gl.PerfectFitWarning, match=f"reproduces {int((y > 0).sum())} of the {N}"):
        gl.glmm("y ~ x", data, families.get(family, link=link), zero_inflation="~ 1")


def test_a_hurdle_over_equal_amounts_has_nothing_to_model() -> None:
    data = frame().assign(y=awkward()["equal amounts"])
    with pytest.raises(gl.errors.ResponseError, match="no amounts to model beside the zeros"):
        gl.glmm("y ~ x", data, "gamma", zero_inflation="~ 1")


def public(kind: type[Family]) -> set[str]:
    """What a class says of a family beside its methods."""
    own = {name for base in kind.__mro__ for name in getattr(base, "__annotations__", {})}
    return {name for name in own if not name.startswith("_")}


@pytest.mark.parametrize("name", families.names())
def test_zero_inflation_keeps_what_its_base_says(name: str) -> None:
    base = families.get(name)
    if base.natural == "identity":
        pytest.skip("no zero inflation over all numbers")
    family = ZeroInflated(base)
    changed = {"name", "support", "zero_is_possible", "is_hurdle", "auxiliary"}
    # asked of the base alone
    changed |= {"smallest", "always_unbounded"}
    for attribute in public(Family) - changed:
        assert getattr(family, attribute) == getattr(base, attribute), attribute
    assert family.base is base and base.base is base
    aux = tuple(np.zeros(2) for _ in family.auxiliary)
    mu = np.array([0.3, 0.4])
    np.testing.assert_array_equal(
        family.residual_spread(mu, aux), base.residual_spread(mu, aux[:-1])
    )


def test_a_peak_without_top_is_told_however_sharp_it_is() -> None:
    """Counts of few levels: the curvature beside the peak of a Tweedie likelihood is real."""
    y = [8, 0, 1, 1, 1, 2, 0, 3, 1, 2, 6, 0, 3, 1, 7, 13, 1, 3, 0, 3]
    data = pd.DataFrame({"y": np.array(y, float), "t": list("ABCDE") * 4})
    data["b"] = np.repeat(list("1234"), 5)
    with pytest.warns(gl.BoundaryWarning, match="no maximum: its power runs to 1"):
        fit = gl.glmm("y ~ t + (1 | b)", data, "tweedie")
    assert not fit.diagnose().ok


def test_a_search_that_ends_where_t_has_no_spread_names_the_degrees_of_freedom() -> None:
    rng = np.random.default_rng(5)
    told = []
    for _ in range(12):
        data = pd.DataFrame({"t": list("ABCDE") * 4, "b": np.repeat(list("1234"), 5)})
        data["y"] = rng.standard_t(5, 20) + rng.normal(size=4)[np.repeat(range(4), 5)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", gl.GlmmlabWarning)
            fit = gl.glmm("y ~ t + (1 | b)", data, "t")
        told += [str(w) for w in fit.warnings if isinstance(w, gl.ConvergenceWarning)]
    assert told and not any("quadrature" in text for text in told)
    assert any("fix the degrees of freedom" in text for text in told)
