"""Tables of a fit with coefficients that run to infinity: marked, and not tested at their limits.

Without random effects, levels whose counts are not all zero are estimated as if the others did not
exist: what is finite is known from the fit of the other rows.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import glmmlab as gl
from glmmlab.estimate.separation import endless_signs, open_directions

MARK = "No finite estimate (separated data): "


def data(empty: str) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"f": list("abc") * 20, "x": rng.random(60), "g": np.repeat(range(6), 10)})
    frame["count"] = np.where(frame["f"].isin(list(empty)), 0, rng.poisson(4, 60))
    return frame


def separated(formula: str, empty: str) -> gl.Fit:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gl.SeparationWarning)
        return gl.glmm(formula, data(empty), "poisson")


@pytest.mark.parametrize("empty", ["a", "b", "ab"])
def test_which_rows_have_no_finite_estimate(empty: str) -> None:
    """A mean of zero, and every contrast with it; also where it is the baseline level."""
    fit = separated("count ~ f", empty)
    means = fit.emmeans("f", type="response")
    assert f"{MARK}{'; '.join(empty)};" in str(means)
    pairs = means.pairs()
    marked = [label for label in pairs["contrast"] if set(empty) & set(label)]
    assert f"{MARK}{'; '.join(marked)};" in str(pairs)
    assert pairs["p"].notna().all()


def test_finite_rows_are_those_of_the_other_data() -> None:
    fit = separated("count ~ f", "b")
    rest = data("b").query("f != 'b'")
    other = gl.glmm("count ~ f", rest, "poisson").emmeans("f", type="response")
    ours = fit.emmeans("f", type="response").regrid()
    finite = ours.frame["f"] != "b"
    for column in ("estimate", "se"):
        assert_allclose(ours.frame[column][finite], other.frame[column], rtol=1e-5)
    found = ours.pairs(adjust="none").frame.set_index("contrast")
    expected = other.regrid().pairs(adjust="none").frame.set_index("contrast")
    assert_allclose(found.loc["a - c", "p"], expected.loc["a - c", "p"], rtol=1e-4)
    joint, alone = ours.pairs().joint_test(), other.regrid().pairs().joint_test()
    assert joint.df == alone.df == 1
    assert joint.chisq == pytest.approx(alone.chisq, rel=1e-4)


@pytest.mark.parametrize("component", ["conditional", "response"])
def test_a_limit_has_an_estimate_and_no_test(component: str) -> None:
    fit = separated("count ~ f", "b")
    means = fit.emmeans("f", type="response", component=component).regrid()
    assert means.frame["estimate"].notna().all()
    assert means.frame["se"].isna().tolist() == [False, True, False]
    assert means.frame[["lower", "upper"]].isna().any(axis=1).tolist() == [False, True, False]
    pairs = means.pairs().frame
    assert pairs["p"].isna().tolist() == [True, False, True]
    assert pairs["statistic"].isna().tolist() == [True, False, True]
    assert "no test at such a limit" in str(means.pairs())


@pytest.mark.parametrize("regridded", [False, True])
def test_a_limit_has_no_letters(regridded: bool) -> None:
    means = separated("count ~ f", "b").emmeans("f", type="response")
    table = (means.regrid() if regridded else means).cld()
    letters = dict(zip(table["f"], table["group"], strict=True))
    assert letters["b"] == ""
    assert letters["a"] and letters["c"]
    assert MARK in str(table)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table.plot()
        if regridded:
            table.means.plot_comparisons()
    plt.close("all")


@pytest.mark.parametrize("type_", ["link", "response"])
def test_slopes(type_: str) -> None:
    """Where all counts are zero, a slope of its own is not determined."""
    slopes = separated("count ~ f * x", "a").emtrends("f", var="x", type=type_)
    assert f"{MARK}a;" in str(slopes)
    assert MARK not in str(separated("count ~ f + x", "a").emtrends("f", var="x"))


def test_terms_hypotheses_and_reports() -> None:
    fit = separated("count ~ f + x + (1 | g)", "b")
    marked = f"{MARK}f[T.b]"
    assert marked in str(fit.anova())
    assert marked in str(fit.joint_tests())
    assert f"{MARK}f[T.b] - f[T.c]" in str(fit.test_hypotheses("f[T.b] - f[T.c] = 0"))
    assert MARK not in str(fit.test_hypotheses("x = 0"))
    assert "f[T.b]" in fit.variance_decomposition().notes[-1]
    report = fit.report(checks=False).text
    assert "of the variance" not in report
    assert "f[T.b] has no finite estimate" in report


@pytest.mark.parametrize(("empty", "row"), [("a", 0), ("b", 1)])
@pytest.mark.parametrize("asked", [{"se": True}, {"interval": "prediction", "seed": 1}])
def test_limits_of_predictions(empty: str, row: int, asked: dict) -> None:
    """The mean of a level of zeros is 0, a number; its limits are none, and predict says so."""
    fit, rows = separated("count ~ f", empty), pd.DataFrame({"f": list("abc")})
    with pytest.warns(gl.SeparationWarning, match=f"in row {row} has no finite estimate"):
        frame = fit.predict(rows, **asked)
    finite = pd.DataFrame({"f": sorted(set("abc") - {empty})})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_allclose(fit.predict(rows), frame["estimate"])
        fit.predict(finite, **asked)


def test_limits_of_predicted_zero_inflation() -> None:
    frame = data("b")
    frame["count"] = np.where((frame["f"] == "c") & (frame.index % 2 == 0), 0, 1 + frame["count"])
    frame.loc[frame["f"] == "b", "count"] = 0
    with pytest.warns(gl.SeparationWarning):
        fit = gl.glmm("count ~ 1", frame, "truncated_poisson", zero_inflation="~ f")
    rows = pd.DataFrame({"f": list("abc")})
    with pytest.warns(gl.SeparationWarning, match="in rows 0, 1 has no finite estimate"):
        fit.predict(rows, scale="zero_inflation", se=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit.predict(rows, scale="conditional", se=True)
        assert fit.predict(rows, se=True).notna().all(axis=None)


def test_fits_that_are_not_separated_bear_no_mark() -> None:
    fit = gl.glmm("count ~ f", data(""), "poisson")
    for table in (fit.emmeans("f"), fit.emmeans("f").pairs(), fit.anova(), fit.joint_tests()):
        assert MARK not in str(table)


def test_open_directions_of_binary_data() -> None:
    """Complete separation along x: no row has a finite predictor, so no coefficient has."""
    x = np.arange(8.0)
    frame = pd.DataFrame({"x": x, "y": (x > 3).astype(int)})
    with pytest.warns(gl.SeparationWarning, match=r"Intercept, x run to infinity.*for them"):
        fit = gl.glmm("y ~ x", frame, "binomial")
    assert open_directions(fit.estimate.design, fit.family).shape == (2, 2)
    with pytest.warns(gl.SeparationWarning, match=r"f\[T.b\] runs to infinity.*for it and its"):
        gl.glmm("count ~ f", data("b"), "poisson")


def test_huge_limits_are_printed_short() -> None:
    """The upper limit exp(-21 + 1.96 * 363) has 305 digits before its point."""
    text = str(separated("count ~ f", "b").emmeans("f", type="response"))
    assert max(map(len, text.splitlines()[:6])) < 50
    assert "e+" in text


@pytest.mark.parametrize("component", ["conditional", "zero_inflation"])
def test_a_hurdle_level_of_zeros_costs_the_others_nothing(component: str) -> None:
    """It tells nothing of the positive responses: all else is as in the data without it."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"f": list("abc") * 40, "x": rng.uniform(1, 10, 120)})
    none = (frame["f"] == "b") | (rng.random(120) < 0.3)
    frame["y"] = np.where(none, 0.0, rng.gamma(2, 1, 120))

    def fit(rows: pd.DataFrame) -> gl.Fit:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", gl.GlmmlabWarning)
            return gl.glmm("y ~ f + x", rows, "gamma", zero_inflation="~ f")

    whole, rest = fit(frame), fit(frame.query("f != 'b'"))
    options = {"component": component}
    if component == "conditional":
        options["at"] = {"x": 5.0}
    ours = whole.emmeans("f", **options)
    other = rest.emmeans("f", **options).frame
    for column in ("estimate", "se", "lower", "upper"):
        assert_allclose(ours.frame[column][[0, 2]], other[column], rtol=1e-5)
    assert ours.frame["se"][1] > 1e4
    slope = whole.bse["x"]
    assert_allclose(slope, rest.bse["x"], rtol=1e-5)


def test_without_standard_errors_nothing_is_tested() -> None:
    """A Hessian that is of no use leaves gaps, never a standard error of 0."""
    fit = gl.glmm("count ~ f + x", data(""), "poisson")
    part = replace(fit.estimate.conditional, cov=np.full((4, 4), np.nan))
    blind = gl.Fit(
        replace(
            fit.estimate, conditional=part, cov_full=np.full_like(fit.estimate.cov_full, np.nan)
        )
    )
    means = blind.emmeans("f", type="response")
    tables = [means, means.pairs(), means.pairs(adjust="mvt"), blind.emtrends("f", "x"),
              blind.emmeans("f", component="response")]  # fmt: skip
    for table in tables:
        assert table.frame["estimate"].notna().all()
        assert table.frame["se"].isna().all()
        assert isinstance(str(table), str)
    assert means.pairs().frame["p"].isna().all()
    assert (means.cld().frame["group"] == "").all()
    assert np.isnan(means.pairs().joint_test().p)
    assert blind.anova().frame["p"].isna().all()
    assert blind.joint_tests().frame["p"].isna().all()
    assert isinstance(str(blind.report()), str)


# ------------------------------------------------------------------- signs, baseline, figures

TRIALS = pd.DataFrame(
    {
        "trt": ["water"] * 6 + ["salt"] * 6,
        "temp": ["15", "15", "15", "25", "25", "25"] * 2,
        "k": [12, 13, 11, 15, 16, 14, 0, 0, 0, 0, 0, 0],
        "n": 20,
    }
)


def germination(formula: str, first: str = "water") -> gl.Fit:
    """All of the salt fails; `first` is the baseline."""
    levels = [first, {"water": "salt", "salt": "water"}[first]]
    data = TRIALS.assign(trt=pd.Categorical(TRIALS["trt"], levels))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gl.SeparationWarning)
        return gl.glmm(formula, data, "binomial")


def marks(fit: gl.Fit) -> dict[str, str]:
    return dict(fit.summary().runaway)


def test_a_sign_that_the_data_do_not_tell() -> None:
    """salt: d_s <= 0 at 15, d_s + d_i <= 0 at 25, so the interaction d_i may have either sign."""
    fit = germination("cbind(k, n - k) ~ trt * temp")
    found = marks(fit)
    assert found == {"trt[T.salt]": "-> -inf", "trt[T.salt]:temp[T.25]": "undetermined"}
    assert "undetermined: not even the sign" in str(fit)
    assert marks(germination("cbind(k, n - k) ~ trt + temp")) == {"trt[T.salt]": "-> -inf"}


@pytest.mark.parametrize(("shift", "intercept"), [(0.0, -1.0), (3.5, 0.0), (7.0, 1.0)])
def test_signs_are_those_of_every_separating_line(shift: float, intercept: float) -> None:
    """y = 1 above 3: the line crosses 0 between 3 and 4, so -b0 / b1 does; b1 > 0."""
    x = np.arange(8.0) - shift
    frame = pd.DataFrame({"x": x, "y": (x + shift > 3).astype(int)})
    with pytest.warns(gl.SeparationWarning):
        fit = gl.glmm("y ~ x", frame, "binomial")
    assert endless_signs(fit.estimate.design, fit.family).tolist() == [intercept, 1.0]


def test_signs_of_the_zero_inflation() -> None:
    """No zeros at c, all zeros at b: the odds of a zero fall and rise without end."""
    frame = data("b")
    frame["count"] = np.where((frame["f"] == "a") & (frame.index % 2 == 0), 0, 1 + frame["count"])
    frame.loc[frame["f"] == "b", "count"] = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gl.GlmmlabWarning)
        fit = gl.glmm("count ~ 1", frame, "truncated_poisson", zero_inflation="~ f")
    ways = endless_signs(fit.estimate.design, fit.family, "zero_inflation")
    assert ways.tolist() == [0.0, 1.0, -1.0]


def test_another_baseline_is_suggested() -> None:
    fit = germination("cbind(k, n - k) ~ trt + temp", first="salt")
    advice = "The baseline of trt, 'salt', has no finite mean"
    assert advice in str(fit)
    assert "C(trt, contr.treatment('water'))" in str(fit)
    cured = germination("cbind(k, n - k) ~ C(trt, contr.treatment('water')) + temp", first="salt")
    assert np.isfinite(cured.bse["Intercept"]) and cured.bse["Intercept"] < 1
    spaced = TRIALS.rename(columns={"trt": "a b"})  # in the alphabet salt comes first
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gl.SeparationWarning)
        named = gl.glmm("cbind(k, n - k) ~ `a b`", spaced, "binomial")
        again = gl.glmm("cbind(k, n - k) ~ C(`a b`, contr.treatment('water'))", spaced, "binomial")
    assert "C(`a b`, contr.treatment('water'))" in str(named)
    assert np.isfinite(again.params["Intercept"]) and again.bse["Intercept"] < 1
    for other in (cured, germination("cbind(k, n - k) ~ trt + temp"), separated("count ~ f", "b")):
        assert "The baseline of" not in str(other)


def test_figures_keep_to_what_is_finite() -> None:
    fit = germination("cbind(k, n - k) ~ trt + temp")
    words = "no finite estimate"
    link, response = fit.emmeans("trt"), fit.emmeans("trt", type="response")
    for draw in (link.plot, link.cld().plot, lambda: fit.emmip("temp ~ trt", intervals=True)):
        ax = draw()
        assert np.abs(ax.get_ylim()).max() < 3  # log odds of 0.6 and 0.75, and their intervals
        assert [t.get_text() for t in ax.texts].count(words) == 1
    arrows = link.plot_comparisons()
    assert np.abs(arrows.get_xlim()).max() < 3
    assert words in [t.get_text() for t in arrows.texts]
    limit = response.plot()  # a probability of 0 is a number
    assert np.nanmin(limit.get_lines()[0].get_ydata()) == pytest.approx(0.0, abs=1e-3)
    assert words not in [t.get_text() for t in limit.texts]
    plt.close("all")


def test_squares_leave_out_what_is_not_finite() -> None:
    fit = separated("count ~ f", "b")
    for type_ in ("link", "response"):
        pairs = fit.emmeans("f", type=type_).pairs()
        ax = pairs.plot()
        texts = [t.get_text() for t in ax.texts]
        numbers = [text for text in texts if re.fullmatch(r"[-<.0-9]+", text)]
        assert len(numbers) == 2  # a - c and its p-value
        assert "Empty: no finite estimate." in " ".join(texts)
        assert np.isfinite(pairs.matrix().to_numpy()).all()  # the table keeps its numbers
    plt.close("all")


@pytest.mark.parametrize("family", ["poisson", "truncated_poisson"])
def test_a_mean_of_zero_leaks_no_warning_of_numpy(family: str) -> None:
    frame = data("b")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", gl.GlmmlabWarning)
        fit = gl.glmm("count ~ f", frame, family, zero_inflation="~ 1")
        assert "Separation" in str(fit.diagnose())
        fit.report(checks=False)
        limits = fit.predict(interval="prediction", seed=1)
    assert limits["upper"][frame["f"] != "b"].notna().all()
