"""Counts and trials that vary too much: the chi-square, when it is clear, and who says so."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import glmmlab as gl
from conftest import reference_cases
from glmmlab.errors import GlmmlabWarning
from glmmlab.inference.overdispersion import chi_square, overdispersion
from r_models import fit


def quiet(*arguments, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GlmmlabWarning)
        return gl.glmm(*arguments, **options)


def blocks(seed: int, theta: float = 3.0) -> pd.DataFrame:
    """6 blocks of 8 plots, standard deviation 0.5 between blocks, counts of about 12."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"block": np.repeat(list("abcdef"), 8), "treatment": list("ABCD") * 12})
    mu = np.exp(2.5 + np.repeat(rng.normal(0, 0.5, 6), 8))
    return frame.assign(y=rng.negative_binomial(theta, theta / (theta + mu)))


def test_chi_square_of_seeds():
    """The factorial has the pooled proportion of each cell: 31.65 on 21 - 4 df, as in R's glm."""
    seeds = gl.datasets.load("seed_germination")
    cells = seeds.groupby(["extract", "gen"])[["germ", "n"]].transform("sum")
    p = cells["germ"] / cells["n"]
    by_hand = float(((seeds["germ"] - seeds["n"] * p) ** 2 / (seeds["n"] * p * (1 - p))).sum())
    m = quiet("cbind(germ, n - germ) ~ extract * gen", data=seeds, family="binomial")
    found = overdispersion(m.estimate)
    assert found is not None and (found.df, found.clear) == (17.0, False)
    assert found.chisq == pytest.approx(by_hand, rel=1e-8)
    assert found.ratio == pytest.approx(by_hand / 17, rel=1e-8)
    assert found.p == pytest.approx(stats.chi2.sf(by_hand, 17), rel=1e-6)


@pytest.mark.parametrize("case", reference_cases())
def test_what_the_reference_models_are_told(case):
    """Clear for the two Poisson models that their authors replaced by negative binomials."""
    estimate = fit(case).estimate
    found = overdispersion(estimate)
    name = estimate.family.name
    trials = estimate.design.trials
    asked = name in ("poisson", "zero_inflated_poisson") or (
        name == "binomial" and trials is not None and bool(trials.max() > 1)
    )
    assert (found is not None) is asked
    clear = found is not None and found.clear
    assert clear is (case in ("owls_poisson_offset", "sal_poisson"))
    assert any("times as much" in s for s in fit(case).diagnose().sentences) is clear


def test_prior_weights_are_not_judged():
    frame = blocks(1).assign(w=2.0)
    assert overdispersion(quiet("y ~ treatment", frame, "poisson").estimate) is not None
    assert overdispersion(quiet("y ~ treatment", frame, "poisson", weights="w").estimate) is None


def test_too_much_spread_in_blocks_is_diagnosed():
    """20 negative binomial data sets, Poisson with blocks fitted: each is told."""
    for seed in range(20):
        frame = blocks(seed)
        m = quiet("y ~ treatment + (1 | block)", frame, "poisson")
        found = overdispersion(m.estimate)
        assert found is not None and found.clear
        (sentence,) = (s for s in m.diagnose().sentences if "times as much" in s)
        assert f"{found.ratio:.1f} times" in sentence and "family='nbinom2'" in sentence
        assert f"chi-square {found.chisq:.0f} with 43 df" in sentence
    better = quiet("y ~ treatment + (1 | block)", frame, "nbinom2")
    assert not any("times as much" in s for s in better.diagnose().sentences)


def test_a_row_of_its_own_takes_the_spread_up():
    frame = blocks(1).assign(row=np.arange(48).astype(str))
    m = quiet("y ~ treatment + (1 | block) + (1 | row)", frame, "poisson")
    found = overdispersion(m.estimate)
    assert found is not None and not found.clear


def test_the_remedy_is_of_the_same_kind():
    rng = np.random.default_rng(1)
    frame = blocks(1).assign(n=40)
    frame["y"] = np.where(frame["y"] == 0, 1, frame["y"])
    frame["s"] = rng.binomial(40, rng.beta(2, 2, 48))
    frame["z"] = frame["y"] * (rng.random(48) > 0.3)
    models = {
        "binomial": ("cbind(s, n - s) ~ treatment", "binomial", None, "betabinomial"),
        "truncated Poisson": ("y ~ treatment", "truncated_poisson", None, "truncated_nbinom2"),
        "zero-inflated Poisson": ("z ~ treatment", "poisson", "~ 1", "nbinom2"),
        "hurdle Poisson": (
            "z ~ treatment",
            "truncated_poisson",
            "~ 1",
            "truncated_nbinom2",
        ),
    }
    for distribution, (formula, family, zeros, remedy) in models.items():
        m = quiet(formula, frame, family, zero_inflation=zeros)
        # the spread around a mean with zeros is large in itself: only the sentence is tested
        (sentence,) = (s for s in m.diagnose().sentences if "times as much" in s)
        assert f"the {distribution} distribution" in sentence
        assert f"family={remedy!r}" in sentence


def test_small_counts_of_a_right_model_are_no_overdispersion():
    """Means from 0.01 to 4: the chi-square's p alone would cry wolf in one data set of ten."""
    alone, clear = [], []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        x = rng.uniform(-1, 1, 100)
        frame = pd.DataFrame({"x": x, "y": rng.poisson(0.2 * np.exp(3 * x))})
        found = overdispersion(quiet("y ~ x", frame, "poisson").estimate)
        assert found is not None
        alone.append(found.p < 0.01)
        clear.append(found.clear)
    assert np.mean(alone) > 0.05
    assert not any(clear)


def test_one_row_is_not_enough():
    """A squared residual of 200 among 99 ordinary ones is an outlier."""
    ordinary = np.random.default_rng(1).normal(size=99)
    found = chi_square(np.append(ordinary, 200**0.5), 98.0)
    assert found.ratio > 1.5 and found.p < 0.001 and not found.clear
    assert chi_square(2 * np.append(ordinary, 1.0), 98.0).clear
