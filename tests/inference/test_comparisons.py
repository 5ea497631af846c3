"""Views of pairwise comparisons: intervals beside tests, squares, arrows, simple contrasts."""

from __future__ import annotations

import warnings
from functools import cache

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import glmmlab as gl
from glmmlab.errors import FormulaError, InferenceWarning, UnknownNameError
from glmmlab.inference.comparison_arrows import arrow_lengths, comparison_arrows
from r_models import fit

mpl.use("agg")


@cache
def means(case: str, specs: str, by: str | None = None, type: str = "response"):
    return fit(case).emmeans(specs, by=by, type=type)


# ---------------------------------------------------------------------- tables of comparisons


def test_intervals_beside_tests_are_those_of_confint() -> None:
    pairs = means("fung_beta", "fungicide").pairs()
    both, limits = pairs.with_confint().frame, pairs.confint().frame
    assert list(both.columns)[-4:] == ["lower", "upper", "statistic", "p"]
    assert_allclose(both[["lower", "upper"]], limits[["lower", "upper"]])
    assert_allclose(both["p"], pairs.frame["p"])
    assert "Intervals adjusted by the tukey method" in str(pairs.with_confint())
    # an odds ratio's interval excludes 1 exactly when its test is significant
    assert (((both["lower"] > 1) | (both["upper"] < 1)) == (both["p"] < 0.05)).all()


@pytest.mark.parametrize("reverse", [False, True])
def test_the_square_of_p_values_holds_each_comparison(reverse: bool) -> None:
    em = means("fung_beta", "fungicide")
    pairs = em.pairs(reverse=reverse)
    square = pairs.matrix()
    frame = pairs.frame
    assert_allclose(np.diag(square), em.frame["estimate"])
    for label, p, estimate in zip(frame["contrast"], frame["p"], frame["estimate"], strict=True):
        early, late = sorted(int(s.removeprefix("fungicide")) for s in label.split(" / "))
        assert square.loc[str(early), str(late)] == p
        assert square.loc[str(late), str(early)] == estimate


def test_squares_of_by_groups_stand_in_one_frame() -> None:
    em = means("seeds_binom", "extract", "gen")
    square = em.pwpm()
    assert square.index.names[0] == "gen"
    assert_allclose(square.loc["O75"], em.pvalue_matrix()["O75"])
    with pytest.raises(UnknownNameError, match="pairwise"):
        em.contrast("eff").matrix()


def test_simple_contrasts_of_each_factor() -> None:
    em = fit("seeds_binom").emmeans(["extract", "gen"])
    each = em.pairs(simple="each")
    assert list(each) == ["extract", "gen"]
    for name in each:
        expected = em.pairs(simple=name).frame
        assert_allclose(each[name].frame["p"], expected["p"])
        assert each[name].frame["contrast"].tolist() == expected["contrast"].tolist()
    assert "Contrasts of gen" in str(each) and "extract = bean" in each._repr_html_()


# ------------------------------------------------------------------------- comparison arrows


@pytest.mark.parametrize(
    ("case", "specs", "by", "type"),
    [
        ("fung_beta", "fungicide", None, "response"),
        ("fung_beta", "fungicide", None, "link"),
        ("seeds_binom", "extract", "gen", "response"),
        ("sal_poisson", "spp", None, "response"),
    ],
)
def test_arrows_overlap_exactly_where_a_difference_is_not_significant(
    case, specs, by, type
) -> None:
    em = means(case, specs, by, type)
    frame = comparison_arrows(em)
    decisions = em.pairs()
    p = decisions.frame["p"].to_numpy()
    for (first, second), p_value in zip(decisions.compared, p, strict=True):
        low, high = sorted((first, second), key=lambda r: frame["estimate"][r])
        assert (frame["right"][low] < frame["left"][high]) == (p_value < 0.05)
    assert (frame["left"] <= frame["estimate"]).all()
    assert (frame["right"] >= frame["estimate"]).all()


def test_arrows_are_those_of_the_level_and_adjustment_asked_for() -> None:
    em = means("seeds_binom", "gen", type="link")
    p = em.pairs(adjust="none").frame["p"].iloc[0]
    low, high = em.frame["estimate"].to_numpy().argsort()
    for alpha, apart in ((p * 1.01, True), (p * 0.99, False)):
        frame = comparison_arrows(em, "none", alpha)
        assert (frame["right"][low] < frame["left"][high]) == apart


@settings(max_examples=40)
@given(st.lists(st.floats(-3, 3), min_size=2, max_size=8), st.floats(0.3, 2))
def test_equal_critical_differences_always_have_arrows(values: list[float], common: float) -> None:
    """With one critical difference c, arrows of c / 2 to both sides are right: none is missed."""
    means_ = np.array(values)
    d = np.abs(means_[:, None] - means_)
    if (np.abs(d - common) < 1e-3).any():
        return  # a tie between difference and critical difference decides nothing
    left, right, missed = arrow_lengths(means_, np.full(d.shape, common), d > common)
    assert not missed.any()
    assert (left >= 0).all() and (right >= 0).all()


def test_decisions_that_no_arrows_can_show_are_named() -> None:
    """0-2 and 1-3 apart ask for r0 + l2 + r1 + l3 < 2, 0-3 and 1-2 together for at least 2."""
    values = np.array([0.0, 0.1, 1.0, 1.1])
    apart = np.zeros((4, 4), bool)
    for i, j in ((0, 2), (1, 3)):
        apart[i, j] = apart[j, i] = True
    critical = np.where(apart, 0.5, 1.5)
    *_, missed = arrow_lengths(values, critical, apart)
    assert missed.any()


def test_the_figure_of_arrows() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", InferenceWarning)
        ax = means("fung_beta", "fungicide").plot_comparisons()
    labels = [t.get_text() for t in ax.get_yticklabels()]
    estimate = means("fung_beta", "fungicide").frame.set_index("fungicide")["estimate"]
    assert labels == estimate.sort_values(ascending=False).index.astype(str).tolist()
    assert ax.get_xlabel() == "severity (response scale)"


# -------------------------------------------------------------------------- interaction plots


def test_interaction_plot_draws_the_means() -> None:
    ax = fit("seeds_binom").emmip("gen ~ extract", type="response")
    frame = means("seeds_binom", "extract", "gen").frame
    for line, level in zip(ax.get_lines(), ("O73", "O75"), strict=True):
        assert_allclose(line.get_ydata(), frame.loc[frame["gen"] == level, "estimate"])
    assert ax.get_ylabel() == "probability of germ (response scale)"


def test_a_number_held_at_its_mean_is_explained() -> None:
    seeds = gl.datasets.load("seed_germination")
    model = gl.glmm("germ ~ extract * n", data=seeds, family="poisson")
    words = "n is held at its mean: at= gives it values"

    def caption(**options: object) -> str:
        ax = model.emmip("extract ~ n", **options)
        text = " ".join(t.get_text() for t in ax.texts)
        plt.close("all")
        return text

    assert words in caption()
    assert words not in caption(at={"n": [10, 60]})
    assert words not in caption(at={"n": 20})


def test_letters_of_panels_say_that_they_stay_inside() -> None:
    ax = means("seeds_binom", "extract", "gen").cld().plot()
    assert "letters compare within each gen" in " ".join(t.get_text() for t in ax.texts)
    alone = means("seeds_binom", "extract").cld().plot()
    assert "letters compare" not in " ".join(t.get_text() for t in alone.texts)
    plt.close("all")


@pytest.mark.filterwarnings("ignore::glmmlab.GlmmlabWarning")
def test_what_may_mislead_stands_under_all_that_comes_of_it() -> None:
    table = means("seeds_binom", "extract")
    caution = "Results may mislead: extract interacts with gen, which was averaged over."
    derived = [
        table, table.pairs(), table.contrast("trt_vs_ctrl"), table.cld(), table.confint(),
        table.test(), table.pairs().confint(), table.pairs().test(), table.regrid().pairs(),
    ]  # fmt: skip
    for one in derived:
        assert str(one).count(caution) == 1
    inside = means("seeds_binom", "extract", "gen")
    assert "may mislead" not in str(inside.pairs())


def test_interaction_plot_along_numbers_and_in_panels() -> None:
    seeds = gl.datasets.load("seed_germination")
    model = gl.glmm("germ ~ extract * n + gen", data=seeds, family="poisson")
    axes = model.emmip("extract ~ n | gen", at={"n": [10, 20, 60]}, intervals=True)
    assert [ax.get_title(loc="left") for ax in axes] == ["gen O73", "gen O75"]
    assert_allclose(axes[0].get_lines()[0].get_xdata(), [10, 20, 60])
    alone = model.emmip("~ n", at={"n": [10, 20]})
    assert len(alone.get_lines()) == 1
    with pytest.raises(FormulaError, match="2 panels"):
        model.emmip("extract ~ n | gen", ax=alone)
    with pytest.raises(FormulaError, match="trace ~ x"):
        model.emmip("extract")


def test_the_square_as_a_figure() -> None:
    ax = means("fung_beta", "fungicide").pairs().plot()
    assert "ratio" in " ".join(t.get_text() for t in ax.texts)
    axes = means("seeds_binom", "extract", "gen").pairs().plot()
    assert len(axes) == 2
