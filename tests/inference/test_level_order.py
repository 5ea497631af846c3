"""Contrasts along levels that are numbers in the order of text."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import glmmlab as gl

DOSES = ["0", "5", "10", "20"]
DATA = pd.DataFrame({"dose": DOSES * 4, "e": list("xxxxyyyy") * 2, "y": [1.0, 2, 3, 5] * 4})
DATA["y"] += np.linspace(-0.2, 0.3, 16) ** 2
IN_ORDER = DATA.assign(dose=pd.Categorical(DATA["dose"], DOSES, ordered=True))


@pytest.mark.parametrize("method", ["poly", "opoly", "consec", "mean.chg"])
def test_text_in_the_order_of_text(method: str) -> None:
    means = gl.glmm("y ~ dose", DATA).emmeans("dose")
    with pytest.warns(gl.InferenceWarning, match=r"in the order 0, 10, 20, 5, which") as said:
        means.contrast(method)
    assert said[0].filename == __file__
    assert "categories=['0', '5', '10', '20'], ordered=True" in str(said[0].message)


@pytest.mark.parametrize(("before", "after"), [("N", ""), ("", " kg/ha"), ("dose ", " g")])
def test_numbers_with_the_same_words_around_them(before: str, after: str) -> None:
    data = DATA.assign(dose=before + DATA["dose"] + after)
    with pytest.warns(gl.InferenceWarning, match="which is not that of the numbers") as said:
        gl.glmm("y ~ dose", data).emmeans("dose").contrast("poly")
    assert f"['{before}0{after}', '{before}5{after}', '{before}10{after}'" in str(said[0].message)


def test_the_cure_cures() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = gl.glmm("y ~ dose", IN_ORDER).emmeans("dose").contrast("consec")
    means = DATA.groupby("dose")["y"].mean()[DOSES]
    assert_allclose(table.frame["estimate"], np.diff(means))


@pytest.mark.parametrize(
    "options",
    [{"interaction": True}, {"interaction": ["consec", "pairwise"]}, {"simple": "each"},
     {"by": "e"}, {"simple": "dose"}],
)  # fmt: skip
def test_in_every_form(options: dict) -> None:
    means = gl.glmm("y ~ dose * e", DATA).emmeans(["dose", "e"])
    with pytest.warns(gl.InferenceWarning, match="levels of dose") as said:
        means.contrast("consec", **options)
    assert len(said) == 1


def test_what_has_an_order_or_needs_none() -> None:
    text = gl.glmm("y ~ dose", DATA).emmeans("dose")
    falling = DATA.assign(dose=pd.Categorical(DATA["dose"], DOSES[::-1]))
    numbers = gl.glmm("y ~ d", DATA.assign(d=DATA["dose"].astype(float)))
    names = DATA.assign(dose=DATA["dose"].map({"0": "u", "5": "v1", "10": "w2", "20": "x3"}))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for method in ("pairwise", "eff", "helmert", "trt_vs_ctrl", {"a": [1, 0, 0, -1]}):
            text.contrast(method)
        gl.glmm("y ~ dose", falling).emmeans("dose").contrast("poly")
        gl.glmm("y ~ dose", names).emmeans("dose").contrast("poly")
        numbers.emmeans("d", at={"d": [10, 0, 5]}).contrast("consec")
        gl.glmm("y ~ factor(d)", numbers.estimate.design.data).emmeans("d").contrast("poly")
