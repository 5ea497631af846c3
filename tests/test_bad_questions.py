"""Malformed questions to a good fit: errors of ours that say what to do, nothing from libraries."""

from __future__ import annotations

import copy
import pickle
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

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
    "new_row_of_scalars": (
        lambda m: m.predict({"x": 0.5, "f": "u", "g": "a"}),
        errors.DataError,
        "a list for each",
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
