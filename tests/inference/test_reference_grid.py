"""The grid behind the means: numbers that are factors as well, many predictors, empty choices.

Numbers are those of emmeans 1.8.4 on ``lm(prop ~ extract + dose + factor(dose), s)`` where
``s <- transform(seeds, dose = rep(1:3, length.out = 21))[-1, ]``.
"""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import glmmlab as gl
from conftest import reference_data
from glmmlab.errors import DataError, UnknownLevelError

SEEDS = reference_data("seeds")
ROWS = SEEDS.assign(dose=np.resize([1, 2, 3], len(SEEDS))).iloc[1:]
NUMBERS = [f"v{i}" for i in range(70)]


@pytest.fixture(scope="module")
def both() -> gl.Fit:
    """Dose as a number and as a factor; REML without random effects is least squares."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gl.errors.RankDeficientWarning)
        return gl.glmm("prop ~ extract + dose + factor(dose)", ROWS, method="REML")


@pytest.fixture(scope="module")
def wide() -> gl.Fit:
    """Seventy numeric predictors."""
    rng = np.random.default_rng(5)
    data = pd.DataFrame(rng.normal(size=(120, 70)), columns=NUMBERS)
    data["f"] = list("abc") * 40
    data["y"] = rng.normal(size=120) + data["v0"]
    return gl.glmm("y ~ f + f:v0 + " + " + ".join(NUMBERS), data, method="REML")


def test_numbers_in_factor_have_their_levels(both) -> None:
    means = both.emmeans("extract")
    assert_allclose(means["estimate"], [0.3589753830, 0.6030343395], rtol=1e-6)
    assert_allclose(means["se"], [0.05905710807, 0.05367660743], rtol=1e-6)
    assert "Averaged over dose (equal weights)" in str(means)
    doses = both.emmeans("dose")
    assert doses["dose"].tolist() == [1.0, 2.0, 3.0]
    assert_allclose(doses["estimate"], [0.4793761522, 0.4726836113, 0.4909548203], rtol=1e-6)
    assert_allclose(doses["se"], [0.07232989023, 0.06720665311, 0.06720665311], rtol=1e-6)
    cells = both.emmeans("extract", weights="cells")
    assert_allclose(cells["estimate"], [0.358975383, 0.603182404], rtol=1e-6)


def test_joint_tests_of_numbers_in_factor(both) -> None:
    """R: joint_tests(m), F ratios 9.352 and 0.019 with p as here."""
    table = both.joint_tests().frame
    assert table["df"].tolist() == [1, 2]
    assert_allclose(table["p"], [0.007509345331, 0.981192399613], rtol=1e-6)


def test_a_factor_nested_in_a_number_with_levels() -> None:
    """emmeans 1.8.4 notes "kind %in% dose", and tests dose alone, with two degrees of freedom."""
    rows = ROWS.assign(kind=ROWS["dose"].map({1: "a", 2: "b", 3: "c"}))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gl.errors.RankDeficientWarning)
        fit = gl.glmm("prop ~ kind + dose + factor(dose)", rows, method="REML")
    means = fit.emmeans("kind")
    assert means["dose"].tolist() == [1.0, 2.0, 3.0]
    assert_allclose(means["estimate"], rows.groupby("kind")["prop"].mean(), rtol=1e-8)
    assert_allclose(fit.emmeans("dose")["estimate"], means["estimate"], rtol=1e-10)
    table = fit.joint_tests().frame
    assert table.index.tolist() == ["dose"] and table["df"].tolist() == [2]


def test_a_number_of_one_part_may_be_a_factor_of_another() -> None:
    """E(y) at a dose is the prediction there, whichever part comes first."""
    rng = np.random.default_rng(2)
    data = pd.DataFrame({"dose": np.repeat([1, 2, 4], 60)})
    data["y"] = rng.poisson(2.0 + data["dose"]) * (rng.random(180) < 0.7)
    rows = pd.DataFrame({"dose": [1, 2, 4]})
    for formula, zeros in (("y ~ dose", "~ factor(dose)"), ("y ~ factor(dose)", "~ dose")):
        fit = gl.glmm(formula, data, "poisson", zero_inflation=zeros)
        means = fit.emmeans("dose", component="response")
        assert means["dose"].tolist() == [1.0, 2.0, 4.0]
        assert_allclose(means["estimate"], fit.predict(rows), rtol=1e-8)


def test_between_the_levels_there_is_nothing(both) -> None:
    with pytest.raises(UnknownLevelError, match=r"2\.5.*its levels are 1, 2, 3"):
        both.emmeans("extract", at={"dose": 2.5})


def test_new_rows_have_the_levels_of_the_fit(both) -> None:
    """Also where they hold some of the levels only."""
    rows = pd.DataFrame({"extract": "bean", "dose": [1, 2, 3]})
    whole = np.asarray(both.predict(rows))
    assert_allclose(np.asarray(both.predict(rows.iloc[1:])), whole[1:])
    assert_allclose(np.asarray(both.predict(rows.iloc[2:])), whole[2:])
    with pytest.raises(UnknownLevelError, match="not seen"):
        both.predict(rows.assign(dose=2.5))


def test_more_predictors_than_an_array_has_axes(wide) -> None:
    """A mean at the means of all numbers is the prediction there."""
    means = wide.emmeans("f", by="v0")
    rows = wide.estimate.design.data[NUMBERS].mean().to_frame().T.loc[[0, 0, 0]]
    expected = wide.predict(rows.assign(f=list("abc")))
    assert_allclose(means["estimate"], expected, rtol=1e-9)
    slope = wide.summary().coefficients.loc["v5", "estimate"]
    assert_allclose(wide.emtrends("1", "v5")["estimate"], slope, rtol=1e-9)


def test_joint_tests_of_many_numbers(wide) -> None:
    """A number that meets no factor is tested by its coefficient."""
    table = wide.joint_tests().frame
    assert len(table) == 72 and table.loc["f:v0", "df"] == 2
    summary = wide.summary().coefficients
    assert_allclose(table.loc["v7", "chisq"], summary.loc["v7", "z"] ** 2, rtol=1e-8)
    with pytest.raises(DataError, match="confounded=True needs them all"):
        wide.joint_tests(confounded=True)


def test_what_is_tested_alone_does_not_depend_on_the_rest() -> None:
    """emmeans 1.8.4: joint_tests(lm(prop ~ extract * n + gen * n, seeds))."""
    fit = gl.glmm("prop ~ extract * n + gen * n", SEEDS, method="REML")
    table = fit.joint_tests().frame
    assert table.index.tolist() == ["extract", "n", "gen", "extract:n", "n:gen"]
    p = [0.0008469503721, 0.1804904024858, 0.1831394934539, 0.3755141754066, 0.0059344102022]
    assert_allclose(table["p"], p, rtol=1e-6)


@pytest.mark.parametrize("at", [{"n": []}, {"extract": []}, {"n": np.array([])}])
def test_no_value_in_at(at) -> None:
    fit = gl.glmm("prop ~ extract * n", SEEDS)
    with pytest.raises(DataError, match="at= gives no value for"):
        fit.emmeans("extract", at=at)


def test_a_number_at_its_mean_says_why_nothing_is_compared() -> None:
    fit = gl.glmm("prop ~ dose", ROWS)
    means = fit.emmeans("dose")
    for table in (means, means.pairs(), means.contrast("dunnett"), means.cld()):
        text = " ".join(str(table).split())
        assert "dose is numeric and held at its mean" in text
        assert "factor(dose)" in text and "at=" in text
    assert len(means.pairs()) == 0
    assert "Nothing to compare: one mean in each by-group." in str(means.pairs())
    chosen = fit.emmeans("dose", at={"dose": [1, 3]})
    assert "held at" not in str(chosen) and len(chosen.pairs()) == 1
    assert "held at its mean" not in str(fit.emmeans("dose", at={"dose": 2}))
