"""Malformed questions to a good fit: errors of ours that say what to do, nothing from libraries."""

from __future__ import annotations

import copy
import pickle
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import glmmlab as gl
from glmmlab import errors


@pytest.fixture(scope="module")
def fit() -> Any:
    rng = np.random.default_rng(1)
    data = pd.DataFrame(
        {
            "x": rng.normal(size=60),
            "f": np.tile(list("uvw"), 20),
            "g": np.repeat(list("abcdefghij"), 6),
        }
    )
    effects = np.repeat(rng.normal(size=10), 6)
    data["y"] = rng.poisson(np.exp(0.3 + 0.5 * data["x"] + effects))
    return gl.glmm("y ~ x * f + (1 | g)", data, "poisson")


QUESTIONS = {
    "level_text": (lambda m: m.conf_int("x"), errors.UnknownNameError, "level='x'"),
    "level_percent": (lambda m: m.emmeans("f", level=95), errors.UnknownNameError, "mean 0.95"),
    "level_of_modes": (
        lambda m: m.random_effects_table("g"),
        errors.UnknownNameError,
        "level='g'",
    ),
    "specs_number": (lambda m: m.emmeans(3), errors.UnknownNameError, "a list of names"),
    "specs_misspelt": (lambda m: m.emmeans("ff"), errors.UnknownColumnError, "Did you mean 'f'"),
    "null_text": (
        lambda m: m.emmeans("f").test(null="a"),
        errors.UnknownNameError,
        "null='a'",
    ),
    "delta_negative": (
        lambda m: m.emmeans("f").pairs().test(delta=-1),
        errors.UnknownNameError,
        "of at least 0",
    ),
    "profile_number": (lambda m: m.profile(3), errors.UnknownNameError, "a list of names"),
    "bootstrap_n": (lambda m: m.bootstrap("a"), errors.UnknownNameError, "n='a' replicates"),
    "bootstrap_workers": (
        lambda m: m.bootstrap(2, workers=0),
        errors.UnknownNameError,
        "workers=0.*-1 for all cores",
    ),
    "profile_workers": (lambda m: m.profile(workers=1.5), errors.UnknownNameError, "workers=1.5"),
    "bootstrap_statistic": (
        lambda m: m.bootstrap(5, statistic=3),
        errors.UnknownNameError,
        "a function of a Fit",
    ),
    "residual_n": (
        lambda m: m.simulate_residuals("a"),
        errors.UnknownNameError,
        "n='a' simulations",
    ),
    "generic_text": (
        lambda m: m.simulate_residuals(10, seed=1).test_generic(lambda y: "a"),
        errors.DataError,
        "summary must make one number of a response",
    ),
    "mean_weights_negative": (
        lambda m: m.emmeans("x", weights=[1, 1, -1]),
        errors.DataError,
        "none negative",
    ),
    "mean_weights_zero": (
        lambda m: m.emmeans("x", weights=[0, 0, 0]),
        errors.DataError,
        "not all zero",
    ),
    "mean_weights_missing": (
        lambda m: m.emmeans("x", weights=[1, np.nan, 1]),
        errors.DataError,
        "finite numbers",
    ),
    "mean_offset_text": (
        lambda m: m.emmeans("f", offset="x"),
        errors.DataError,
        "offset='x': a number",
    ),
    "family_list": (lambda m: gl.families.get(["poisson"]), errors.UnknownNameError, "poisson"),
    "link_list": (lambda m: gl.links.get(["log"]), errors.UnknownNameError, "log"),
    "generic_number": (
        lambda m: m.simulate_residuals(10, seed=1).test_generic(3),
        errors.UnknownNameError,
        "a function of a response",
    ),
    "save_number": (lambda m: m.save(3), errors.SavedFileError, "a string or a Path"),
    "draws_not_whole": (lambda m: m.simulate(2.5), errors.UnknownNameError, "2.5"),
    "seed_text": (lambda m: m.simulate(2, seed="a"), errors.UnknownNameError, "seed='a'"),
    "seed_negative": (lambda m: m.simulate(2, seed=-1), errors.UnknownNameError, "seed=-1"),
    "bootstrap_seed": (lambda m: m.bootstrap(2, seed="a"), errors.UnknownNameError, "seed='a'"),
    "residual_seed": (
        lambda m: m.simulate_residuals(10, seed="a"),
        errors.UnknownNameError,
        "seed='a'",
    ),
    "compare_text": (lambda m: m.compare("other"), errors.ComparisonError, "not str"),
    "compare_bootstrap": (
        lambda m: m.compare(None, bootstrap=2),
        errors.ComparisonError,
        "not NoneType",
    ),
    "at_missing": (
        lambda m: m.emmeans("f", at={"x": np.nan}),
        errors.DataError,
        "predictor 'x'; give finite numbers",
    ),
    "at_infinite": (
        lambda m: m.emmeans("f", at={"x": [1, np.inf]}),
        errors.DataError,
        "predictor 'x'; give finite numbers",
    ),
    "contrast_list": (
        lambda m: m.emmeans("f").contrast([1, -1, 0]),
        errors.GlmmlabError,
        "dict of coefficients.* not a list",
    ),
    "contrast_text": (
        lambda m: m.emmeans("f").contrast({"a": ["x", -1, 0]}),
        errors.GlmmlabError,
        "'a' has coefficients that are no finite numbers",
    ),
    "contrast_missing": (
        lambda m: m.emmeans("f").contrast({"a": [np.nan, -1, 0]}),
        errors.GlmmlabError,
        "'a' has coefficients that are no finite numbers",
    ),
    "square_of_one": (
        lambda m: m.emmeans("f", at={"f": "u"}).pairs().plot(),
        errors.EstimabilityError,
        "no pairs to draw",
    ),
    "option_misspelt": (
        lambda m: m.emmeans("f").contrast("pairwise", reff=1),
        errors.UnknownNameError,
        "reff= is no option of 'pairwise'; it takes reverse, exclude",
    ),
    "option_of_another_method": (
        lambda m: m.emmeans("f").contrast("trt_vs_ctrlk", ref=1),
        errors.UnknownNameError,
        "ref= is no option of 'trt_vs_ctrlk'",
    ),
    "option_of_no_product": (
        lambda m: m.emmeans(["f", "x"], at={"x": [0, 1]}).contrast(
            "consec", interaction=True, ref=1
        ),
        errors.UnknownNameError,
        "ref= is no option of 'consec'",
    ),
    "option_of_custom_contrasts": (
        lambda m: m.emmeans("f").contrast({"a": [1, -1, 0]}, exclude=["u"]),
        errors.UnknownNameError,
        "exclude= is no option of custom contrasts",
    ),
    "weights_too_few": (
        lambda m: m.emmeans("f").contrast("eff", weights=[1, 2]),
        errors.GlmmlabError,
        "each of the 3 levels",
    ),
    "weights_of_no_sum": (
        lambda m: m.emmeans("f").contrast("eff", weights=[1, -1, 0]),
        errors.GlmmlabError,
        "add up to zero",
    ),
    "scores_alike": (
        lambda m: m.emmeans("f").contrast("poly", scores=[1, 1, 2]),
        errors.GlmmlabError,
        "3 different numbers",
    ),
    "degree_zero": (
        lambda m: m.emmeans("f").contrast("poly", degree=0),
        errors.UnknownNameError,
        "degree=0",
    ),
    "alpha_percent": (
        lambda m: m.emmeans("f").cld(alpha=5),
        errors.UnknownNameError,
        "alpha=5: a significance level",
    ),
    "alpha_of_arrows": (
        lambda m: m.emmeans("f").plot_comparisons(alpha=0),
        errors.UnknownNameError,
        "alpha=0: a significance level",
    ),
    "sigma_negative": (
        lambda m: m.emmeans("f", type="response", bias_adjust=True, sigma=-1),
        errors.UnknownNameError,
        "sigma=-1",
    ),
    "slope_without_a_step": (
        lambda m: m.emtrends("f", "x", delta=0),
        errors.UnknownNameError,
        "delta=0",
    ),
    "right_side_beside_text": (
        lambda m: m.test_hypotheses("x", rhs=1),
        errors.UnknownNameError,
        "rhs=1 goes with a matrix",
    ),
    "no_quantiles": (
        lambda m: m.simulate_residuals(10, seed=1).test_quantiles(quantiles=()),
        errors.UnknownNameError,
        "quantiles=\\(\\)",
    ),
    "quantiles_outside": (
        lambda m: m.simulate_residuals(10, seed=1).test_quantiles(quantiles=(0.5, 1.5)),
        errors.UnknownNameError,
        "between 0 and 1",
    ),
    "outliers_of_no_data_set": (
        lambda m: m.simulate_residuals(10, seed=1).test_outliers(type="bootstrap", nboot=0),
        errors.UnknownNameError,
        "n=0 data sets",
    ),
    "hypotheses_that_are_no_numbers": (
        lambda m: m.test_hypotheses(np.full((1, len(m.params)), np.nan)),
        errors.GlmmlabError,
        "not finite numbers",
    ),
    "hypothesis_of_zeros": (
        lambda m: m.test_hypotheses(np.zeros((1, len(m.params)))),
        errors.GlmmlabError,
        "'hypothesis 1' has no coefficient",
    ),
    "step_below_rounding": (
        lambda m: m.emtrends("f", var="x", delta=1e-30),
        errors.UnknownNameError,
        "delta=1e-30 is lost in the rounding of x",
    ),
    "resumed_from_a_number": (
        lambda m: m.bootstrap(3, seed=1, resume=3),
        errors.DataError,
        r"an earlier result of bootstrap\(\)",
    ),
    "statistic_of_changing_length": (
        lambda m: m.bootstrap(3, seed=1, statistic=lambda fit: [1.0] * (1 + int(fit.llf != m.llf))),
        errors.DataError,
        "another number of them for a refit",
    ),
    "interaction_plot_of_a_number": (
        lambda m: m.emmip(3),
        errors.FormulaError,
        "'trace ~ x'",
    ),
    "no_number_of_simulations": (
        lambda m: m.simulate(True),
        errors.UnknownNameError,
        "n=True simulations",
    ),
    "new_rows_without_their_groups": (
        lambda m: m.predict(pd.DataFrame({"x": [0.5], "f": ["u"]})),
        errors.UnknownColumnError,
        "no column 'g'.* random_effects='population'",
    ),
    "new_row_of_scalars": (
        lambda m: m.predict({"x": 0.5, "f": "u", "g": "a"}),
        errors.DataError,
        "a list for each",
    ),
    "figure_for_axes": (
        lambda m: m.emmeans("f").plot(Figure()),
        errors.DataError,
        "ax= takes one of Matplotlib's axes, .* not Figure",
    ),
    "many_axes_for_one": (
        lambda m: m.simulate_residuals(10, seed=1).plot_qq(Figure().subplots(1, 2)),
        errors.DataError,
        "ax= takes one of Matplotlib's axes, .* not ndarray",
    ),
    "axes_for_a_figure": (
        lambda m: m.simulate_residuals(10, seed=1).plot(figure=Figure().subplots()),
        errors.DataError,
        "figure= takes a Matplotlib figure, .* not Axes",
    ),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_malformed_question_is_answered(name, fit):
    question, expected, words = QUESTIONS[name]
    with pytest.raises(expected, match=words):
        question(fit)


def test_one_mean_can_be_drawn_without_a_word(fit):
    import matplotlib.pyplot as plt

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ax = fit.emmeans("f", at={"f": "u"}).plot()
    assert [label.get_text() for label in ax.get_xticklabels()] == ["u"]
    plt.close("all")


TABLES = {
    "fit": lambda m: m,
    "summary": lambda m: m.summary(),
    "anova": lambda m: m.anova(),
    "means": lambda m: m.emmeans("f", type="response"),
    "pairs": lambda m: m.emmeans("f", type="response").pairs(),
    "letters": lambda m: m.emmeans("f").cld(),
    "bias_adjusted": lambda m: m.emmeans("f", type="response", bias_adjust=True),
    "trends": lambda m: m.emtrends("f", "x"),
    "comparison": lambda m: m.compare(m),
    "random_effects": lambda m: m.random_effects_table(),
}


@pytest.mark.parametrize("name", TABLES)
def test_pickles_and_copies_say_the_same(name, fit):
    """Results travel to other processes and into files."""
    table = TABLES[name](fit)
    assert repr(pickle.loads(pickle.dumps(table))) == repr(table)
    if name != "letters":  # a copy of which is a plain frame
        assert repr(copy.deepcopy(table)) == repr(table)


def test_means_of_a_transformed_response_pickle():
    data = gl.datasets.load("seed_germination").assign(share=lambda d: d["germ"] / d["n"])
    for left in ("log(share + 1)", "sqrt(share + 1)"):
        means = gl.glmm(f"{left} ~ extract", data=data).emmeans("extract", type="response")
        again = pickle.loads(pickle.dumps(means))
        pd.testing.assert_frame_equal(again.frame, means.frame)


@pytest.mark.parametrize("unit", [1e-8, 1e8])
@pytest.mark.parametrize("method", ["ML", "REML"])
def test_units_of_the_response_do_not_matter(unit, method):
    """In other units: beta times u, the log-likelihood less log u a row; no numerical warning."""
    data = gl.datasets.load("oats")
    formula = "grain ~ nitrogen + (1 | block)"
    plain = gl.glmm(formula, data=data, method=method)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scaled = gl.glmm(formula, data.assign(grain=data["grain"] * unit), method=method)
    np.testing.assert_allclose(scaled.params / unit, plain.params, rtol=1e-6)
    np.testing.assert_allclose(scaled.bse / unit, plain.bse, rtol=1e-5)
    rows = plain.nobs - (len(plain.params) if method == "REML" else 0)
    assert scaled.llf + rows * np.log(unit) == pytest.approx(plain.llf, abs=1e-6)
