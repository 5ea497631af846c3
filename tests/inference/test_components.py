"""Which mean, and of which outcome: ordered beta, zero inflation, responses of two labels."""

from __future__ import annotations

import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.special import expit, logit

import glmmlab as gl
from glmmlab.formula.response import outcome_labels
from glmmlab.inference.components import limits_inside

BETWEEN = "Mean of the values between 0 and 1; component='response' is E(y), zeros and ones"


@pytest.fixture(scope="module")
def cover() -> pd.DataFrame:
    """Proportions with zeros, most of them at the level a, where the mean is near the end."""
    rng = np.random.default_rng(8)
    data = pd.DataFrame({"t": np.repeat(["a", "b"], 8)})
    y = np.r_[0, 0, 0, 0, 0, 0, 0.02, 0.3, rng.beta(2, 2, 8)]
    return data.assign(y=y, percent=100 * y)


@pytest.fixture(scope="module")
def ordered(cover: pd.DataFrame) -> gl.Fit:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gl.GlmmlabWarning)
        return gl.glmm("y ~ t", cover, "ordbeta")


@pytest.fixture(scope="module")
def inflated() -> gl.Fit:
    galls = gl.datasets.load("galls")
    return gl.glmm("galls ~ light", galls, "poisson", zero_inflation="~ light")


def test_ordered_beta_says_which_mean(ordered: gl.Fit) -> None:
    assert BETWEEN in str(ordered.emmeans("t", type="response"))
    whole = ordered.emmeans("t", component="response")
    assert BETWEEN not in str(whole)
    assert "E(y), zeros and ones included." in str(whole)
    rows = pd.DataFrame({"t": ["a", "b"]})
    columns = ["estimate", "se", "lower", "upper"]
    assert_allclose(whole.frame[columns], ordered.predict(rows, se=True)[columns], rtol=1e-6)


def test_limits_of_bounded_means_are_those_of_their_logits(ordered: gl.Fit) -> None:
    """By the delta method the logit of m has the standard error se / (m (1 - m))."""
    means = ordered.emmeans("t", component="response")
    m, se = (means.frame[c].to_numpy() for c in ("estimate", "se"))
    half = 1.959963984540054 * se / (m * (1 - m))
    assert (m - 1.96 * se).min() < 0  # what symmetric limits would be
    assert_allclose(means.frame["lower"], expit(logit(m) - half))
    assert_allclose(means.frame["upper"], expit(logit(m) + half))
    assert "limits by the delta method on the logit scale" in str(means)
    assert_allclose(means.confint().frame["lower"], means.frame["lower"])
    assert_allclose(means.confint(side="greater").frame["upper"], 1.0)
    again = means.regrid("logit").confint().frame  # the same on the scale of the logit itself
    assert_allclose(expit(again["lower"]), means.frame["lower"])
    difference = means.pairs().confint().frame
    assert_allclose(difference.eval("upper - estimate"), difference.eval("estimate - lower"))


def test_limits_of_percentages_stay_below_100() -> None:
    low, high = limits_inside((0.0, 100.0), np.array([95.0]), np.array([80.0]), np.array([110.0]))
    half = 0.15 / (0.95 * 0.05)
    assert_allclose(low, 100 * expit(logit(0.95) - half))
    assert_allclose(high, 100 * expit(logit(0.95) + half))


def test_counts_have_the_limits_of_emmeans(inflated: gl.Fit) -> None:
    """Their means have no upper end: symmetric, as in R."""
    frame = inflated.emmeans("light", component="response").frame
    assert_allclose(frame["upper"] - frame["estimate"], frame["estimate"] - frame["lower"])


@pytest.mark.parametrize(
    ("component", "label"),
    [
        ("conditional", "galls without zero inflation (response scale)"),
        ("cmean", "galls without zero inflation (response scale)"),
        ("response", "galls, zeros included (response scale)"),
        ("zero_inflation", "probability of an excess zero (response scale)"),
    ],
)
def test_axes_name_the_component(inflated: gl.Fit, component: str, label: str) -> None:
    means = inflated.emmeans("light", type="response", component=component)
    assert means.plot().get_ylabel() == label
    plt.close("all")


def test_axes_of_ordered_beta_and_hurdles(ordered: gl.Fit, cover: pd.DataFrame) -> None:
    assert ordered.emmeans("t").axis_label() == "y between 0 and 1 (logit scale)"
    whole = ordered.emmeans("t", component="response")
    assert whole.axis_label() == "y, zeros and ones included (response scale)"
    hurdle = gl.glmm("percent ~ t", cover, "gamma", zero_inflation="~ 1")
    assert hurdle.emmeans("t").axis_label() == "percent, zeros not included (log scale)"
    zeros_too = cover.assign(percent=np.where(cover.index == 9, 0.0, cover["percent"]))
    flat = gl.glmm("percent ~ 1", zeros_too, "gamma", zero_inflation="~ t")
    zeros = flat.emmeans("t", component="zero_inflation")
    assert zeros.axis_label() == "probability of a zero (logit scale)"
    plain = gl.glmm("percent ~ t", cover)
    assert plain.emmeans("t").axis_label() == "percent (response scale)"


# ------------------------------------------------------------------- responses of two labels

FATE = pd.DataFrame(
    {
        "r": ["dead", "alive", "alive", "dead", "dead", "alive", "alive", "alive"],
        "t": list("aaaabbbb"),
    }
)


def test_every_output_names_the_success() -> None:
    """2 of 4 are dead at a, 1 of 4 at b: the probability is that of the later label."""
    fit = gl.glmm("r ~ t", FATE, "binomial")
    means = fit.emmeans("t", type="response")
    assert_allclose(means.frame["estimate"], [0.5, 0.25], rtol=1e-6)
    event = "r = 'dead' (against 'alive')"
    assert f"Response: {event}" in fit.summary().header
    for table in (means, means.pairs(), means.cld(), means.confint()):
        assert f"Response: {event}." in str(table)
    assert means.axis_label() == "probability of r = 'dead' (response scale)"
    assert fit.report(checks=False).methods.startswith(f"The probability of {event} was")


def test_the_order_of_a_categorical_decides() -> None:
    data = FATE.assign(r=pd.Categorical(FATE["r"], ["dead", "alive"]))
    fit = gl.glmm("r ~ t", data, "binomial")
    assert "Response: r = 'alive' (against 'dead')" in fit.summary().header
    assert outcome_labels("factor(r)", pd.DataFrame({"r": [1, 2, 1]})) == ("r = 2", "1")


def test_labels_outlive_the_file(tmp_path) -> None:
    gl.glmm("r ~ t", FATE, "binomial").save(tmp_path / "fate.json")
    header = gl.load(tmp_path / "fate.json").summary().header
    assert "Response: r = 'dead' (against 'alive')" in header


@pytest.mark.parametrize("values", [[0, 1, 0, 1], [True, False, True, False]])
def test_numbers_and_booleans_need_no_words(values: list) -> None:
    data = pd.DataFrame({"r": values, "t": list("aabb")})
    assert outcome_labels("r", data) is None
    assert "Response" not in str(gl.glmm("r ~ t", data, "binomial"))
