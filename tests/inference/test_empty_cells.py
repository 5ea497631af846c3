"""A cell without data: what cannot be estimated stays blank, in predictions, tables and figures."""

from __future__ import annotations

import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import glmmlab as gl

DATA = pd.DataFrame(
    {
        "f": list("aaabbbccc"),
        "h": ["dry", "wet", "dry", "wet", "dry", "wet", "dry", "dry", "dry"],
        "x": [1.0, 2, 3, 1, 2, 3, 1, 2, 4],
        "y": [1.0, 2.5, 2.2, 3.1, 3.9, 5.2, 4.4, 5.1, 7.2],
    }
)
CELLS = pd.DataFrame({"f": list("abcabc"), "h": ["dry"] * 3 + ["wet"] * 3, "x": 2.0})
# emmeans(lm(y ~ f * h + x, DATA), ~ f * h, at = list(x = 2)); c wet is nonEst
ESTIMATE = [1.600000, 3.900000, 5.269231, 2.500000, 4.150000, np.nan]
SE = [0.21258482, 0.30064034, 0.17688127, 0.30064034, 0.21258482, np.nan]
LOST = "row 5, which the data cannot estimate: it needs .*c.*wet"


@pytest.fixture(scope="module")
def empty() -> gl.Fit:
    with pytest.warns(gl.RankDeficientWarning):
        return gl.glmm("y ~ f * h + x", DATA, method="REML")


def test_predictions_are_those_of_emmeans(empty: gl.Fit) -> None:
    with pytest.warns(gl.RankDeficientWarning, match=LOST) as said:
        found = empty.predict(CELLS, se=True)
    assert said[0].filename == __file__
    assert_allclose(found["estimate"], ESTIMATE, atol=5e-7)
    assert_allclose(found["se"], SE, rtol=1e-5)
    assert found.loc[5].isna().all()
    with pytest.warns(gl.RankDeficientWarning, match=LOST):
        assert_allclose(empty.predict(CELLS), ESTIMATE, atol=5e-7)


@pytest.mark.parametrize("random_effects", ["population", "marginal"])
def test_predictions_without_groups(empty: gl.Fit, random_effects: str) -> None:
    with pytest.warns(gl.RankDeficientWarning, match=LOST):
        found = empty.predict(CELLS, random_effects=random_effects, se=True)
    assert_allclose(found["se"], SE, rtol=1e-5)


def test_intervals_of_new_observations(empty: gl.Fit) -> None:
    with pytest.warns(gl.RankDeficientWarning, match=LOST):
        found = empty.predict(CELLS, interval="prediction", seed=1)
    assert found.isna().all(axis=1).tolist() == [False] * 5 + [True]


def test_rows_that_can_be_estimated_bring_no_warning(empty: gl.Fit) -> None:
    """Missing predictors are missing predictions, but no empty cell; nor has the fit itself one."""
    new = pd.concat([CELLS.head(5), pd.DataFrame({"f": [None], "h": ["wet"], "x": [1.0]})])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert empty.predict(new).isna().tolist() == [False] * 5 + [True]
        assert empty.predict().notna().all()


def test_other_parts_lose_only_what_depends_on_them() -> None:
    """A dispersion that is unknown in a cell leaves its mean known, and no new observation."""
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"f": list("abc") * 40, "h": np.where(rng.random(120) < 0.5, "dry", "wet")})
    data["y"] = rng.normal(size=120) + (data["f"] == "c")
    data = data[~((data["f"] == "c") & (data["h"] == "wet"))]
    with pytest.warns(gl.RankDeficientWarning):
        fit = gl.glmm("y ~ f", data, dispersion="~ f * h")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert fit.predict(CELLS, se=True).notna().all(axis=None)
    with pytest.warns(gl.RankDeficientWarning, match=LOST):
        found = fit.predict(CELLS, interval="prediction", seed=1)
    assert found["lower"].isna().tolist() == [False] * 5 + [True]


def test_figures_leave_the_cell_out(empty: gl.Fit) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        means = empty.emmeans("f", by="h")
        drawn = means.cld().plot()
        letters = [text.get_text() for text in drawn.texts if text.get_text() in "abc"]
        assert len(letters) == 5
        assert np.isfinite(drawn.get_ylim()).all()
        means.plot()
        empty.emmeans(["f", "h"]).pairs().plot()
        means.plot_comparisons()
        lines = empty.emmip("h ~ f", intervals=True)
        assert {"h dry", "h wet"} <= {text.get_text() for text in lines.texts}
        places = [text.xy[1] for text in lines.texts if text.get_text().startswith("h ")]
        assert np.isfinite(places).all()
    plt.close("all")


def test_joint_tests_leave_out_what_nothing_is_left_of() -> None:
    """joint_tests(m) with m = lm(y ~ f * h, d) has no row of f, h or f:h when only a has wet plots.

    joint_tests(m, by = "f") has one row: h within a, F = 0.016 on 1 and 8 df, p = 0.90246.
    """
    y = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3]
    data = pd.DataFrame({"f": np.repeat(list("abc"), 6), "h": ["dry", "wet"] * 9, "y": y})
    data = data[(data["f"] == "a") | (data["h"] == "dry")]
    with pytest.warns(gl.RankDeficientWarning):
        fit = gl.glmm("y ~ f * h", data, method="REML")
    assert len(fit.joint_tests()) == 0
    assert str(fit.joint_tests()).split("\n")[2].split() == ["term", "chisq", "df", "p"]
    frame = fit.joint_tests(by="f").frame
    assert frame.index.tolist() == [("h", "a")]
    assert_allclose(
        frame[["chisq", "df_resid", "p"]].to_numpy(), [[0.016, 8, 0.90246454]], rtol=1e-4
    )


def test_numbers_of_by_groups_are_printed_short() -> None:
    fit = gl.glmm("y ~ f * x", DATA.assign(x=DATA["x"] / 3))
    text = str(fit.joint_tests(by="x"))
    assert " 1.703704 " in text  # the mean, 19 / 27, and 1
    assert "1.7037037" not in text


def test_joint_tests_say_what_they_lost(empty: gl.Fit) -> None:
    """Without c wet the mean of c has no estimate: f keeps a - b alone, and h nothing."""
    tests = empty.joint_tests()
    assert tests.frame["df"].to_dict() == {"f": 1, "x": 1, "f:h": 1}
    lost = "No test of h, and a test of what can be estimated of f (1 of 2 df), f:h (1 of 2 df)"
    assert lost in str(tests)
    assert "confounded=True" in str(tests)
    assert "confounded=True" not in str(empty.joint_tests(confounded=True))
    inside = str(empty.joint_tests(by="h"))
    assert "A test of what can be estimated of f at h = wet (1 of 2 df)" in inside
    whole = gl.glmm("y ~ f + h + x", DATA)
    assert "estimated" not in str(whole.joint_tests())


def test_blank_rows_are_explained(empty: gl.Fit) -> None:
    means = empty.emmeans(["f", "h"])
    note = "nonEst: not estimable from these data (empty cells"
    for table in (means, means.pairs(), means.confint()):
        assert str(table).count(note) == 1
    assert "nonEst" not in str(gl.glmm("y ~ f + h", DATA).emmeans("f"))
    letters = means.cld()
    assert "Rows without a letter have no finite estimate" in str(letters)
    assert "without a letter" not in str(gl.glmm("y ~ f + h", DATA).emmeans("f").cld())
