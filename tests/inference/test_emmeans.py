"""Grids, weights, scales, estimability and views of marginal means.

Numbers marked R were printed by emmeans 1.8.4 (R 4.2.2) for ``lm`` and ``glm`` fits to the seeds
data, with a block of 1, 2, 3 repeated and a two-valued number 0, 1 repeated.
"""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import glmmlab as gl
from conftest import reference_data
from glmmlab import links
from glmmlab.errors import (
    DataError,
    ExtrapolationWarning,
    RankDeficientWarning,
    UnknownColumnError,
    UnknownLevelError,
    UnknownNameError,
)
from glmmlab.inference.emmeans import emmeans
from glmmlab.inference.joint_tests import joint_tests
from glmmlab.inference.transformation import from_link, from_response
from inference.r_estimates import least_squares, r_estimate
from r_models import fit


@pytest.fixture(scope="module")
def seeds() -> pd.DataFrame:
    data = reference_data("seeds")
    data["block"] = pd.Categorical(["1", "2", "3"] * 7)
    data["two"] = (np.arange(len(data)) % 2).astype(float)
    return data


@pytest.fixture(scope="module")
def linear(seeds: pd.DataFrame):
    return least_squares("prop ~ extract * gen + block + n + two", seeds)


@pytest.fixture(scope="module")
def counts(seeds: pd.DataFrame):
    return gl.glmm("germ ~ extract * gen", data=seeds, family="poisson").estimate


@pytest.fixture(scope="module")
def empty_cell(seeds: pd.DataFrame):
    keep = ~((seeds["extract"] == "bean") & (seeds["gen"] == "O75"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RankDeficientWarning)
        return least_squares("prop ~ extract * gen + block", seeds[keep])


WEIGHTS = {  # R: estimates and standard errors of the two genotypes
    "equal": (0.399156891742, 0.0573306973759, 0.543201220591, 0.0548504769908),
    "proportional": (0.401913043240, 0.0573716984540, 0.550601830268, 0.0543761229732),
    "outer": (0.401913043240, 0.0573716984540, 0.550601830268, 0.0543761229732),
    "cells": (0.401391869719, 0.0560331917689, 0.555297859087, 0.0529517959285),
    "flat": (0.401391869719, 0.0560331917689, 0.555297859087, 0.0529517959285),
}


@pytest.mark.parametrize("weights", WEIGHTS)
def test_weights(linear, weights: str) -> None:
    frame = emmeans(linear, "gen", weights=weights).frame
    assert_allclose(frame[["estimate", "se"]].to_numpy().ravel(), WEIGHTS[weights], rtol=1e-10)


def test_custom_weights(linear) -> None:
    """R: weights = 1:12 over extract (fastest), block, two."""
    frame = emmeans(linear, "gen", weights=np.arange(1, 13)).frame
    assert_allclose(frame["estimate"], [0.415381054018, 0.566927969156], rtol=1e-10)
    with pytest.raises(DataError, match="12 cells are averaged"):
        emmeans(linear, "gen", weights=[1, 2])
    with pytest.raises(UnknownNameError, match="Unknown weights 'propotional'"):
        emmeans(linear, "gen", weights="propotional")


def test_two_valued_numerics_and_at(linear) -> None:
    """R: two is kept with its values; at= replaces values of a number and of a factor."""
    frame = emmeans(linear, "two").frame
    assert frame["two"].tolist() == [0.0, 1.0]
    assert_allclose(frame["estimate"], [0.457391192887, 0.484966919445], rtol=1e-10)
    em = emmeans(linear, "extract", by="block", at={"n": [10, 20], "block": "2"})
    assert em.frame["block"].tolist() == ["2", "2"]
    assert_allclose(em.frame["estimate"], [0.340758573263, 0.581626284508], rtol=1e-10)
    assert_allclose(em.frame["lower"], [0.164621319900, 0.419591913331], rtol=1e-9)
    assert em.frame["df"].tolist() == [13.0, 13.0]


def test_specs_like_r(linear) -> None:
    one = emmeans(linear, "~ extract | gen").frame
    two = emmeans(linear, ["extract"], by=["gen"]).frame
    pd.testing.assert_frame_equal(one, two)
    assert list(emmeans(linear, "gen * extract").frame.columns[:2]) == ["gen", "extract"]
    assert emmeans(linear, "extract:gen").frame["extract"].tolist() == ["bean", "cucumber"] * 2


def test_the_overall_mean(linear, seeds) -> None:
    """R's emmeans(m, ~ 1): the equal-weight mean of the means of any factor."""
    whole = emmeans(linear, "1")
    assert whole.frame["1"].tolist() == ["overall"]
    by_gen = emmeans(linear, "gen").frame["estimate"]
    assert_allclose(whole.frame["estimate"], by_gen.mean())
    panels = emmeans(linear, "~ 1 | gen").frame
    assert_allclose(panels["estimate"], by_gen)
    assert emmeans(linear, ["1", "gen"]).factors == ("gen",)
    alone = gl.glmm("germ ~ 1 + (1 | block)", data=seeds, family="poisson")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        frame = alone.emmeans("1").frame
        assert "overall" in alone.emmeans("1")._repr_html_()
        assert len(alone.emmeans("1").pairs().frame) == 0
    assert_allclose(frame[["estimate", "se"]].iloc[0], [alone.params.iloc[0], alone.bse.iloc[0]])


def test_wrong_names(linear) -> None:
    with pytest.raises(UnknownColumnError, match="'fungicide' is not a predictor"):
        emmeans(linear, "fungicide")
    with pytest.raises(UnknownColumnError, match="at= names 'dose'"):
        emmeans(linear, "gen", at={"dose": 1})
    with pytest.raises(UnknownLevelError, match="level 'O77' of 'gen'"):
        emmeans(linear, "gen", at={"gen": "O77"})
    with pytest.raises(DataError, match="numeric predictor 'n'"):
        emmeans(linear, "gen", at={"n": "many"})
    with pytest.raises(UnknownNameError, match="Unknown type"):
        emmeans(linear, "gen", type="prob")
    with pytest.raises(UnknownNameError, match="no 'zero_inflation' part"):
        emmeans(linear, "gen", component="zero_inflation")
    with pytest.raises(DataError, match="more than 10000"):
        emmeans(linear, "gen", at={"n": np.arange(2000.0)})


def test_empty_cell(empty_cell) -> None:
    """R: the empty cell, its margin and its comparisons are not estimable; the rest is."""
    frame = emmeans(empty_cell, "~ extract * gen").frame
    expected = [0.323876712668, 0.461574572456, np.nan, 0.715399778179]
    assert_allclose(frame["estimate"], expected, rtol=1e-10)
    assert_allclose(frame["se"][1], 0.0721141557305, rtol=1e-10)
    assert frame["df"].isna().tolist() == [False, False, True, False]
    assert_allclose(emmeans(empty_cell, "gen").frame["estimate"], [0.392725642562, np.nan])
    assert emmeans(empty_cell, "block").frame["estimate"].isna().all()
    pairs = emmeans(empty_cell, "~ extract * gen").pairs(adjust="none").frame
    assert_allclose(pairs["statistic"][[0, 2, 4]], [-1.341, -4.034, -2.615], atol=5e-4)
    assert pairs["p"].isna().tolist() == [False, True, False, True, False, True]


def test_family_size_counts_estimable_comparisons(empty_cell) -> None:
    """Three comparisons can be made, those of three means (emmeans 2: k from 3 = k(k-1)/2)."""
    from glmmlab.inference.studentized_range import studentized_range_sf

    pairs = emmeans(empty_cell, "~ extract * gen").pairs().frame.dropna()
    t = np.abs(pairs["statistic"])
    assert_allclose(pairs["p"], studentized_range_sf(np.sqrt(2) * t, 3, 11), rtol=1e-9)


def test_letters_skip_what_cannot_be_estimated(empty_cell) -> None:
    display = emmeans(empty_cell, "~ extract * gen").cld(adjust="none")
    assert display["group"].iloc[-1] == ""
    assert (display["group"].iloc[:-1] != "").all()
    assert "nonEst" in str(display)


def test_joint_tests_of_an_empty_cell(empty_cell) -> None:
    """R: block F = 0.371 on 2 and 11; terms without estimable contrasts have no row."""
    frame = joint_tests(empty_cell).frame
    assert_allclose(frame.loc["block", "chisq"] / 2, 0.371, atol=5e-4)
    assert_allclose(frame.loc["block", "p"], 0.6985, atol=5e-4)
    assert frame.loc["block", "df_resid"] == 11
    assert "extract" not in frame.index


# ------------------------------------------------------------------------------- scales


def test_regrid(counts) -> None:
    """R: differences of rates after regrid, symmetric limits."""
    em = emmeans(counts, "extract", by="gen", type="response")
    regridded = em.regrid()
    assert_allclose(regridded.frame["estimate"], [9.8, 15.0, 19.8, 33.5], rtol=1e-7)
    assert_allclose(regridded.frame["lower"][0], 7.0560512610, rtol=1e-5)
    differences = regridded.pairs().frame
    assert_allclose(differences["estimate"], [-5.2, -13.7], rtol=1e-7)
    assert_allclose(differences["se"], [2.22710523599, 3.08922857622], rtol=1e-5)
    assert differences["contrast"].tolist() == ["bean - cucumber"] * 2


def test_regrid_to_another_link(linear) -> None:
    """R: pairs(regrid(emmeans(lm, ~gen), "log"), type = "response")."""
    em = emmeans(linear, "gen").regrid("log")
    logs = em.pairs().frame
    assert_allclose(np.exp(logs["estimate"]), 0.734823259985, rtol=1e-10)
    assert_allclose(logs["se"] * np.exp(logs["estimate"]), 0.142157554099, rtol=1e-10)
    assert_allclose(logs["p"], 0.1352, atol=5e-5)


def test_bias_adjustment(counts) -> None:
    """R: summary(type = "response", bias.adjust = TRUE, sigma = 0.5)."""
    frame = emmeans(counts, "extract", type="response", bias_sigma=0.5).frame
    assert_allclose(frame["estimate"], [15.6710522070, 25.2185758596], rtol=1e-7)
    assert_allclose(frame["se"], [1.36862130195, 1.70614676370], rtol=1e-5)
    assert_allclose(frame["lower"], [13.2056267036, 22.0868131396], rtol=1e-6)


def test_bias_adjustment_golden() -> None:
    """Section 3.4 of the specification: logit, eta 0.3, sigma 0.8."""
    adjusted = from_link(links.get("logit")).bias_adjusted(0.8)
    eta = np.array([0.3])
    assert_allclose(adjusted.inverse(eta), 0.5627957, atol=5e-8)
    assert_allclose(adjusted.slope(eta), 0.2079460, atol=5e-8)


def test_equivalence_and_noninferiority(counts) -> None:
    """R: test(delta = .3, null = 2) and a noninferiority test of the pairs."""
    em = emmeans(counts, "extract", by="gen")
    frame = em.test(null=2, delta=0.3).frame
    assert_allclose(frame["statistic"][:2], [-0.123323337987, 3.533819031190], rtol=1e-5)
    assert_allclose(frame["p"], [0.450925530425, 0.999795199287, 1, 1], atol=1e-6)
    assert (frame["null"] == 2).all()
    frame = em.pairs().test(delta=0.2, side="noninferiority").frame
    assert_allclose(frame["statistic"], [-1.22853508794, -2.65393767533], rtol=1e-5)
    assert_allclose(frame["p"], [0.890376916995, 0.996022074003], rtol=1e-6)


def test_transformed_responses(seeds) -> None:
    """R: log(y + 1), log10 and sqrt on the left are undone."""
    log = least_squares("log(germ + 1) ~ extract * gen", seeds)
    frame = emmeans(log, "gen", type="response").frame
    assert_allclose(frame["estimate"], [8.15919001045, 21.7199098494], rtol=1e-10)
    assert_allclose(frame["lower"], [3.94603221479, 11.59502364720], rtol=1e-9)
    one = least_squares("log(germ + 1) ~ extract", seeds)
    ratio = emmeans(one, "extract", type="response").pairs().frame
    assert_allclose(ratio["estimate"], 0.67483522203, rtol=1e-10)
    ten = least_squares("log10(n) ~ extract", seeds)
    ratio = emmeans(ten, "extract", type="response").pairs().frame
    assert_allclose(ratio[["estimate", "se"]], [[1.11641025764, 0.446479472799]], rtol=1e-10)
    root = emmeans(least_squares("sqrt(n) ~ extract", seeds), "extract", type="response")
    assert_allclose(root.frame["estimate"], [35.9788404250, 34.1734857051], rtol=1e-10)
    assert_allclose(root.frame["se"], [8.49631564911, 7.89505854036], rtol=1e-10)
    difference = root.pairs()
    assert_allclose(difference.frame["estimate"], 0.152427199938, rtol=1e-9)
    assert "stay on the link scale" in str(difference)
    assert from_response("log1p(y)").inverse(np.array([0.0])) == 0.0


def test_offset_override(seeds) -> None:
    """offset= replaces the model's; without it the formula's offset is taken on the grid."""
    fit = gl.glmm("germ ~ extract + offset(log(n))", data=seeds, family="poisson")
    plain = emmeans(fit.estimate, "extract").frame["estimate"]
    zero = emmeans(fit.estimate, "extract", offset=0).frame["estimate"]
    assert_allclose(plain - zero, np.log(seeds["n"].mean()), rtol=1e-12)
    beside = gl.glmm("germ ~ extract", data=seeds, family="poisson", offset=np.log(seeds["n"]))
    means = emmeans(beside.estimate, "extract").frame["estimate"]
    assert_allclose(means - zero, np.log(seeds["n"]).mean(), rtol=1e-6)
    of_the_fit = beside.emmeans("extract", offset=0).frame["estimate"]
    assert_allclose(of_the_fit, zero, atol=1e-6)


def test_offset_override_of_the_expected_response(seeds) -> None:
    """E(y) for one unit is E(y) on the grid divided by the grid's effort: both are (1 - pi) mu."""
    fit = gl.glmm(
        "germ ~ extract + offset(log(n))", data=seeds, family="poisson", zero_inflation="~ 1"
    )
    plain = fit.emmeans("extract", component="response").frame
    one = fit.emmeans("extract", component="response", offset=0).frame
    for column in ("estimate", "se"):
        assert_allclose(plain[column] / one[column], seeds["n"].mean(), rtol=1e-12)


def test_mean_outside_the_inverse_link_is_named() -> None:
    data = pd.DataFrame({"y": [1.0, 2.0, 1.5, -2.0, -1.0, -1.2], "g": list("aaabbb")})
    estimate = least_squares("y ~ g", data)
    estimate.family = gl.families.get("gamma", link="inverse")
    with pytest.warns(ExtrapolationWarning, match="of: b"):
        frame = emmeans(estimate, "g", type="response").frame
    assert np.isfinite(frame["estimate"][0]) and np.isnan(frame["estimate"][1])


@given(
    st.sampled_from(["logit", "probit", "cloglog", "log"]),
    st.floats(-8, 8),
    st.floats(1e-3, 30),
    st.floats(0.5, 0.999),
)
def test_limits_stay_inside_the_support(name, eta, se, level) -> None:
    transformation = from_link(links.get(name))
    half = se * 3
    lower, upper = transformation.limits(np.array([eta - half]), np.array([eta + half]))
    estimate, _ = transformation.apply(np.array([eta]), np.array([se]))
    assert 0 <= lower[0] <= estimate[0] <= upper[0]
    assert name == "log" or upper[0] <= 1


# ---------------------------------------------------------------------------- components


def test_zero_inflation_and_the_whole_response() -> None:
    """R: emmeans(component = "zi", type = "response"); predict(type = "response", re.form = NA)."""
    estimate = fit("sal_zip_simple").estimate
    zeros = emmeans(estimate, "mined", component="zero_inflation", type="response")
    assert_allclose(zeros.frame["estimate"], [0.757551900721, 0.355084722319], rtol=1e-5)
    assert_allclose(zeros.frame["se"], [0.0431778178061, 0.0278546240481], rtol=1e-4)
    mean = emmeans(estimate, "mined", component="response")
    assert_allclose(mean.frame["estimate"], [0.264723045257, 2.206005470500], rtol=1e-5)
    assert_allclose(mean.frame["se"], [0.0484142964403, 0.2165341787299], rtol=1e-4)
    assert "zero inflation included" in str(mean)
    conditional = emmeans(estimate, "mined", type="response")
    assert_allclose(conditional.frame["estimate"], [1.09187511077, 3.42061282597], rtol=1e-5)
    assert "zero inflation not included" in str(conditional)
    assert mean.pairs().frame["contrast"].tolist() == ["yes - no"]


def test_dispersion_part() -> None:
    """R: emmeans(component = "disp", at = list(DOY = c(-1, 0, 1)), type = "response")."""
    estimate = fit("sal_nbinom2_dispDOY").estimate
    em = emmeans(estimate, "DOY", component="dispersion", type="response", at={"DOY": [-1, 0, 1]})
    assert_allclose(em.frame["estimate"], [1.122, 0.944, 0.795], atol=5e-4)
    assert_allclose(em.frame["se"], [0.234, 0.129, 0.155], atol=5e-4)


# ------------------------------------------------------------------------------ contrasts


def test_contrast_families_of_r(seeds) -> None:
    """R: consec with mvt, mean_chg, poly, del.eff and the interaction of ``lm`` on seeds."""
    em = emmeans(least_squares("prop ~ extract * gen", seeds), "~ extract * gen")
    consec = em.contrast("consec").frame
    assert consec["contrast"].tolist()[0] == "cucumber O73 - bean O73"
    assert_allclose(consec["estimate"][1], -0.0971155603443, rtol=1e-10)
    assert_allclose(consec["p"], [0.29921, 0.58584, 0.00263], atol=1e-3)
    change = em.contrast("mean_chg").frame
    assert_allclose(change["se"], [0.0726831721259, 0.0620525846583, 0.0684660027845], rtol=1e-10)
    assert_allclose(change["p"], [0.0437, 0.0771, 0.0004], atol=1e-3)
    poly = em.contrast("poly").frame
    assert_allclose(poly["estimate"], [1.070988536097, 0.201503974628, 0.680714713180], rtol=1e-10)
    deleted = em.contrast("del.eff").frame
    assert_allclose(deleted["p"], [0.0339, 0.9738, 0.1163, 0.0007], atol=5e-5)
    product = em.contrast("pairwise", interaction=True).frame
    assert product.columns[:2].tolist() == ["extract_pairwise", "gen_pairwise"]
    assert_allclose(product[["estimate", "se"]], [[0.201503974628, 0.124105169317]], rtol=1e-10)
    assert_allclose(em.joint_test().chisq / 4, 67.068, atol=5e-4)  # R: F = 67.068


def test_simple_and_by(counts) -> None:
    em = emmeans(counts, "~ extract * gen")
    simple = em.pairs(simple="extract").frame
    nested = emmeans(counts, "extract", by="gen").pairs().frame
    pd.testing.assert_frame_equal(simple, nested)
    pd.testing.assert_frame_equal(em.pairs(by="gen").frame, nested)
    everything = emmeans(counts, "extract", by="gen").pairs(by=[]).frame
    assert len(everything) == 6
    with pytest.raises(UnknownColumnError, match="not a factor of this table"):
        em.pairs(by="block")


def test_contrasts_of_contrasts(counts) -> None:
    """The difference of the two log odds ratios is the interaction."""
    first = emmeans(counts, "extract", by="gen").pairs()
    second = first.contrast("pairwise", by="contrast").frame
    product = emmeans(counts, "~ extract * gen").contrast("pairwise", interaction=True).frame
    assert_allclose(second["estimate"], product["estimate"])
    assert_allclose(second["se"], product["se"])


def test_custom_contrasts(counts) -> None:
    em = emmeans(counts, "~ extract * gen", type="response")
    frame = em.contrast({"cucumber": [-0.5, 0.5, -0.5, 0.5], "one": [1, 0, 0, 0]}).frame
    assert frame["contrast"].tolist() == ["cucumber", "one"]


def test_pvalue_matrix(counts) -> None:
    em = emmeans(counts, "extract", by="gen")
    pairs, matrices = em.pairs().frame, em.pvalue_matrix()
    assert list(matrices) == ["O73", "O75"]
    assert_allclose(matrices["O73"].iloc[0, 1], pairs["p"][0])
    assert_allclose(matrices["O75"].iloc[1, 0], pairs["estimate"][1])
    assert_allclose(np.diag(matrices["O75"]), em.frame["estimate"][2:])


# ----------------------------------------------------------------- invariance to the coding


@settings(max_examples=15)
@given(st.integers(0, 10_000))
def test_coding_does_not_matter(seed: int) -> None:
    """Treatment, sum and Helmert coding: the same means, joint tests, type II tests, letters."""
    rng = np.random.default_rng(seed)
    data = pd.DataFrame(
        {"a": np.tile(list("uvw"), 12), "b": np.repeat(list("xy"), 18), "z": rng.normal(size=36)}
    )
    data["y"] = rng.normal(size=36) + 2 * (data["a"] == "w")
    answers = []
    for coding in ("{}", "C({}, contr.sum)", "C({}, contr.helmert)"):
        a, b = coding.format("a"), coding.format("b")
        estimate = least_squares(f"y ~ {a} * {b} + z", data)
        em = emmeans(estimate, "a", by="b")
        answers.append((em.frame, joint_tests(estimate).frame, em.cld()["group"].tolist()))
    for frame, tests, letters in answers[1:]:
        pd.testing.assert_frame_equal(frame, answers[0][0])
        assert_allclose(tests["chisq"], answers[0][1]["chisq"], rtol=1e-7)
        assert tests["df"].tolist() == answers[0][1]["df"].tolist()
        assert letters == answers[0][2]


# ------------------------------------------------------------------------------------ views


def test_views_say_what_the_numbers_are() -> None:
    em = emmeans(r_estimate("seeds_binom"), "extract", type="response")
    text = str(em)
    for words in (
        "Averaged over gen (equal weights) on the link scale.",
        "Response scale: back-transformed from logit, delta-method SE",
        "Asymptotic z (df = inf).",
        "Confidence level 0.95, not adjusted.",
        "extract interacts with gen",
    ):
        assert words in text
    assert "random effects" not in text  # the model has none
    assert "Odds ratios" in str(em.pairs())
    assert "tukey method for comparing a family of 12" in str(
        emmeans(r_estimate("fung_beta"), "fungicide").pairs()
    )
    by = emmeans(r_estimate("seeds_binom"), "extract", by="gen")
    assert "gen = O73" in str(by) and "gen = O73" in by._repr_html_()


def test_html_is_escaped() -> None:
    data = pd.DataFrame({"y": [1.0, 2, 3, 4, 5, 7], "g": ["<b>", "<b>", "<b>", "&c", "&c", "&c"]})
    em = emmeans(least_squares("y ~ g", data), "g")
    for view in (em, em.pairs(), em.cld(), em.confint(), em.test(), em.joint_test()):
        html = view._repr_html_()
        assert "<b>" not in html
    assert "&lt;b&gt;" in em._repr_html_()


def test_letter_display_is_a_frame() -> None:
    display = emmeans(r_estimate("fung_beta"), "fungicide", type="response").cld()
    assert isinstance(display, pd.DataFrame)
    assert type(display[["fungicide", "group"]]) is pd.DataFrame
    assert type(display.frame) is pd.DataFrame
    assert display.columns.tolist() == [
        "fungicide", "estimate", "se", "df", "lower", "upper", "group",
    ]  # fmt: skip
    assert "share a letter do not differ" in repr(display)
    assert display["estimate"].is_monotonic_increasing


def test_two_letter_sets_when_sweeping() -> None:
    em = emmeans(r_estimate("fung_beta"), "fungicide")
    plain, swept = em.cld()["group"], em.cld(sweep=True)["group"]
    assert sum(map(len, swept)) <= sum(map(len, plain))


def test_plot_draws_every_mean() -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    _, ax = plt.subplots()
    em = emmeans(r_estimate("seeds_binom"), "extract", by="gen", type="response")
    assert em.plot(ax=ax, letters=True) is ax
    drawn = np.sort(np.concatenate([line.get_ydata() for line in ax.lines]).astype(float))
    assert_allclose(drawn, np.sort(em.frame["estimate"]))
    assert ax.get_ylabel() == "probability of germ (response scale)"
    plt.close("all")


def test_one_level_gets_one_letter(counts) -> None:
    display = emmeans(counts, "extract", at={"extract": "bean"}).cld()
    assert display["group"].tolist() == ["a"]


def test_axis_names_the_event() -> None:
    from glmmlab.inference.model_parts import response_name

    names = {
        c: response_name(r_estimate(c)) for c in ("seeds_binom", "seeds_bernoulli", "fung_beta")
    }
    assert names == {
        "seeds_binom": "probability of germ",
        "seeds_bernoulli": "probability of y",
        "fung_beta": "severity",
    }


# R 4.2.2, glmmTMB 1.1.5, lme4 1.1.31, emmeans 1.8.4.1 on `aphids`: estimate and SE by treatment,
# emmeans(aphids ~ treatment + offset(log(leaves)) + (1 | block), ~ treatment, offset = ...)
R_OFFSETS = {
    "average": ([3.0596737, 3.0403862, 2.1243150, 1.5191340], None, "link"),
    "none": ([0.0639415, 0.0446539, -0.8714173, -1.4765983], 0.0, "link"),
    "20 leaves": ([21.320600, 20.913318, 8.367164, 4.568267], np.log(20), "response"),
}
R_OFFSET_SE = [0.18792518, 0.18641360, 0.19599094, 0.20476203]
R_OFFSET_RESPONSE_SE = [4.006678, 3.898527, 1.639888, 0.935408]


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("average", "in the formula"),
        ("none", "in the formula"),
        ("20 leaves", "in the formula"),
        ("none", "as an argument"),
        ("20 leaves", "as an argument"),
    ],
)
def test_offsets_are_those_of_emmeans(name, written):
    """Estimates to 5e-5 of their SE, up to R's optimum; without offset= at the mean of leaves."""
    means, offset, type_ = R_OFFSETS[name]
    data = gl.datasets.load("aphids")
    formula, extra = "aphids ~ treatment + offset(log(leaves)) + (1 | block)", {}
    if written == "as an argument":
        formula = "aphids ~ treatment + (1 | block)"
        extra = {"offset": np.log(data["leaves"])}
    fit = gl.glmm(formula, data, "nbinom2", **extra)
    frame = fit.emmeans("treatment", offset=offset, type=type_).frame
    se = R_OFFSET_SE if type_ == "link" else R_OFFSET_RESPONSE_SE
    assert_allclose((frame["estimate"] - means) / se, 0, atol=5e-5)
    assert_allclose(frame["se"], se, rtol=1e-5)


def test_an_offset_beside_the_formula_is_held_at_its_mean_and_said_so():
    """lme4 and emmeans do the same: glmer(..., poisson, offset = log(leaves)), ~ treatment."""
    data = gl.datasets.load("aphids")
    effort = np.log(data["leaves"])
    fit = gl.glmm("aphids ~ treatment + (1 | block)", data, "poisson", offset=effort)
    means = fit.emmeans("treatment")
    assert_allclose(
        means.frame["estimate"], [2.8813269, 3.0232617, 1.9777668, 1.4692893], atol=1e-5
    )
    assert f"Offset held at its mean over the rows, {effort.mean():.4g}." in str(means)
    assert "Offset held" not in str(fit.emmeans("treatment", offset=0))


def test_a_letter_display_draws_its_own_letters() -> None:
    """Those of its own adjustment, not pandas' curves of the columns."""
    plots = gl.datasets.load("disease_severity")
    means = gl.glmm("severity ~ fungicide", plots, "beta").emmeans("fungicide", type="response")
    display = means.cld(adjust="none", alpha=0.2)
    assert list(display["group"]) != list(means.cld()["group"])
    ax = display.plot()
    drawn = [t.get_text() for t in ax.texts if t.get_text() in set(display["group"])]
    assert sorted(drawn) == sorted(display["group"])


def test_regrid_to_logs_gives_ratios_of_responses() -> None:
    """emmeans 1.8.4: pairs(regrid(emmeans(glm(.), ~ extract * gen), "log"), type = "response")."""
    seeds = gl.datasets.load("seed_germination")
    fit = gl.glmm("cbind(germ, n - germ) ~ gen + extract", seeds, family="binomial")
    means = fit.emmeans(["extract", "gen"], type="response")
    risks = means.regrid("log")
    assert_allclose(risks["estimate"], means["estimate"])
    pairs = risks.pairs()
    expected = [0.562142617, 0.841637664, 0.507537048, 1.497195975, 0.902861716, 0.603035094]
    assert_allclose(pairs["estimate"], expected, rtol=1e-6)
    assert_allclose(pairs["se"][:2], [0.0485514087, 0.0847898518], rtol=1e-5)
    assert "Ratios (response scale)" in str(pairs)
    on_link = fit.emmeans(["extract", "gen"]).regrid("log")
    assert_allclose(on_link["estimate"], np.log(means["estimate"]))


def test_excluded_means_do_not_count() -> None:
    """emmeans 1.8.4, glm(aphids ~ treatment, poisson): contrast(e, "pairwise", exclude = 1)."""
    fit = gl.glmm("aphids ~ treatment", gl.datasets.load("aphids"), family="poisson")
    frame = fit.emmeans("treatment").contrast("pairwise", exclude=["control"]).with_confint().frame
    assert_allclose(frame["lower"], [0.790516147, 1.174771644, 0.154416117], rtol=1e-5)
    assert_allclose(frame["upper"], [1.179917052, 1.631876558, 0.681798886], rtol=1e-5)


def test_ratios_say_of_what() -> None:
    """Differences of log(y + 1) are log ratios of y + 1, not of y."""
    data = gl.datasets.load("aphids")
    for response in ("log1p(aphids)", "log(aphids + 1)"):
        means = gl.glmm(f"{response} ~ treatment", data).emmeans("treatment", type="response")
        ratio = (means["estimate"][0] + 1) / (means["estimate"][1] + 1)
        pairs = means.pairs()
        assert pairs["estimate"][0] == pytest.approx(ratio)
        assert "Ratios of aphids" in str(pairs) and "1 (response scale)" in str(pairs)


def test_names_in_a_list_are_taken_as_they_are() -> None:
    rng = np.random.default_rng(4)
    data = pd.DataFrame({"f": np.tile(list("uvw"), 10), "y": rng.normal(size=30)})
    plain = gl.glmm("y ~ f", data).emmeans("f").frame
    odd = gl.glmm('y ~ Q("a:b")', data.rename(columns={"f": "a:b"}))
    assert_allclose(odd.emmeans(["a:b"]).frame["estimate"], plain["estimate"], rtol=1e-12)
    with pytest.raises(gl.UnknownColumnError, match=r"Did you mean \['a:b'\]\?"):
        odd.emmeans("a:b")


def test_levels_that_are_numbers_may_be_given_as_text() -> None:
    """As predict() takes them in new data."""
    rng = np.random.default_rng(4)
    data = pd.DataFrame({"k": pd.Categorical(np.tile([1, 2, 3], 10)), "y": rng.normal(size=30)})
    fit = gl.glmm("y ~ k", data)
    assert_allclose(fit.emmeans("k", at={"k": "2"})["estimate"], fit.predict({"k": ["2"]}))
    assert fit.emmeans("k", at={"k": ["3", 1]}).frame["k"].tolist() == [3, 1]
    with pytest.raises(gl.UnknownLevelError, match="level '4' of 'k'"):
        fit.emmeans("k", at={"k": "4"})
