"""Contrasts multiplied by a number and moved by another, as emmeans' scale= and offset= do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import glmmlab as gl
from glmmlab.results.fit import Fit

CUSTOM = {"c1": [1, -1, 0, 0], "c2": [1, 0, -1, 0]}


@pytest.fixture(scope="module")
def fit() -> Fit:
    """R: glm(cbind(germ, n - germ) ~ gen * extract, binomial)."""
    seeds = gl.datasets.load("seed_germination")
    return gl.glmm("cbind(germ, n - germ) ~ gen * extract", data=seeds, family="binomial")


def test_custom_contrasts_are_emmeans_own(fit: Fit) -> None:
    """emmeans 1.8.4: contrast(e, list(c1 = ., c2 = .), scale = c(2, 3), offset = c(.1, .2))."""
    means = fit.emmeans(["extract", "gen"])
    contrasts = means.contrast(CUSTOM, scale=[2, 3], offset=[0.1, 0.2])
    assert_allclose(contrasts["estimate"], [-0.980156333207, 0.637780847809], rtol=1e-6)
    assert_allclose(contrasts["se"], [0.499625961118, 0.669497799270], rtol=1e-6)
    assert_allclose(contrasts["p"], [0.0497880762877, 0.3407797221495], rtol=1e-5)
    assert "multiplied by 2, 3." in str(contrasts) and "(logit scale): 0.1, 0.2" in str(contrasts)


def test_ratios_tested_against_another_ratio(fit: Fit) -> None:
    """emmeans 1.8.4: contrast(e, "pairwise", offset = -log(1.5), type = "response")."""
    means = fit.emmeans(["extract", "gen"], type="response")
    frame = means.contrast("pairwise", offset=-np.log(1.5)).with_confint().frame
    expected = [
        # odds ratio, lower, upper, z, p
        (0.3884684685, 0.2044727099, 0.7380337016, -3.785004577, 8.845147512e-04),
        (0.7714077714, 0.4348046051, 1.3685916452, -1.162982877, 6.502689342e-01),
        (0.2064452512, 0.1165428662, 0.3656992757, -7.088811387, 8.144818153e-12),
        (1.3238445057, 0.7706025594, 2.2742777762, 1.331890931, 5.425062165e-01),
        (0.3542891603, 0.2065675176, 0.6076502758, -4.941248606, 4.627978305e-06),
        (0.1784142869, 0.1130904769, 0.2814707185, -9.712455424, 4.707345624e-14),
    ]
    found = frame[["estimate", "lower", "upper", "statistic", "p"]]
    assert_allclose(found, expected, rtol=1e-6, atol=1e-12)  # R's ptukey is good to 1e-12


def test_the_same_numbers_in_each_group_and_product(fit: Fit) -> None:
    grouped = fit.emmeans("extract", by="gen")
    plain, halved = grouped.pairs(), grouped.contrast("pairwise", scale=0.5, offset=1)
    assert_allclose(halved["estimate"], plain["estimate"] / 2 + 1)
    assert_allclose(halved["se"], plain["se"] / 2)
    each = grouped.contrast("pairwise", scale=2.0, simple="each")
    assert_allclose(each["extract"]["statistic"], plain["statistic"])
    product = fit.emmeans(["extract", "gen"]).contrast("pairwise", interaction=True, scale=2)
    half = fit.emmeans(["extract", "gen"]).contrast("pairwise", interaction=True)
    assert_allclose(product["estimate"], 2 * half["estimate"])


def test_half_of_a_log_odds_has_no_probability(fit: Fit) -> None:
    means = fit.emmeans("gen", type="response")
    assert_allclose(means.contrast("identity")["estimate"], means["estimate"])
    halved = means.contrast("identity", scale=0.5)
    assert_allclose(halved["estimate"], fit.emmeans("gen")["estimate"] / 2)
    assert "stay on the link scale" in str(halved)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"scale": 0}, "scale=0: positive numbers are needed"),
        ({"scale": [1, -1]}, "positive numbers"),
        ({"scale": [1, 2, 3]}, "scale= has 3 numbers for 2 contrasts"),
        ({"offset": "a"}, "offset='a': finite numbers"),
        ({"offset": [0, np.inf]}, "finite numbers"),
    ],
)
def test_numbers_that_make_no_sense(fit: Fit, options: dict[str, Any], match: str) -> None:
    means = fit.emmeans(["extract", "gen"])
    with pytest.raises(gl.GlmmlabError, match=match):
        means.contrast(CUSTOM, **options)
