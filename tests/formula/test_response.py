"""Responses in all the forms that R's glm takes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from glmmlab import families
from glmmlab.errors import ResponseError, WeightsError
from glmmlab.formula import evaluate_response

BINOMIAL = families.get("binomial")
GAUSSIAN = families.get("gaussian")


@pytest.fixture
def seeds():
    return pd.DataFrame({"germ": [10, 23, 0], "n": [39, 62, 4], "prop": [10 / 39, 23 / 62, 0.0]})


def test_counts_and_proportions_agree(seeds):
    n = seeds["n"].to_numpy(float)
    forms = [
        evaluate_response("cbind(germ, n - germ)", seeds, BINOMIAL),
        evaluate_response("germ / n", seeds, BINOMIAL, n),
        evaluate_response("prop", seeds, BINOMIAL, n),
        evaluate_response("round(prop, 4)", seeds, BINOMIAL, n),  # stored with four decimals
    ]
    for form in forms:
        assert_array_equal(form.y, [10, 23, 0])
        assert_array_equal(form.trials, n)
        assert form.weights is None


@pytest.mark.parametrize(
    "values",
    [
        [0, 1, 1, 0],
        [0.0, 1.0, 1.0, 0.0],
        [False, True, True, False],
        pd.array([False, True, True, False], dtype="boolean"),
        ["no", "yes", "yes", "no"],
        pd.Categorical(["dead", "alive", "alive", "dead"], categories=["dead", "alive"]),
        pd.Categorical(["0", "1", "1", "0"], categories=["0", "9", "1"]),
    ],
    ids=["int", "float", "bool", "boolean", "text", "categorical", "unused level"],
)
def test_single_trials(values):
    form = evaluate_response("y", pd.DataFrame({"y": values}), BINOMIAL)
    assert_array_equal(form.y, [0, 1, 1, 0])
    assert_array_equal(form.trials, np.ones(4))


def test_the_second_level_is_the_success():
    data = pd.DataFrame({"y": pd.Categorical(["a", "b", "b"], categories=["b", "a"])})
    assert_array_equal(evaluate_response("y", data, BINOMIAL).y, [1, 0, 0])


def test_true_is_the_success_even_alone():
    assert_array_equal(evaluate_response("y", pd.DataFrame({"y": [True]}), BINOMIAL).y, [1.0])


def test_transformed_responses(seeds):
    for text in ("log(n)", "np.log(n)"):
        assert_allclose(evaluate_response(text, seeds, GAUSSIAN).y, np.log(seeds["n"]))
    assert evaluate_response("n", seeds, GAUSSIAN).trials is None


def test_fractional_weights_of_single_trials_are_prior_weights():
    data = pd.DataFrame({"y": [0, 1, 1]})
    form = evaluate_response("y", data, BINOMIAL, np.array([0.5, 2.0, 1.25]))
    assert_array_equal(form.weights, [0.5, 2.0, 1.25])
    assert_array_equal(form.trials, np.ones(3))


@pytest.mark.parametrize(
    ("text", "family", "weights", "error", "words"),
    [
        ("prop", BINOMIAL, None, ResponseError, "proportion .*weights='n'"),
        ("germ / n", BINOMIAL, None, ResponseError, "weights='n'"),
        ("germ", BINOMIAL, None, ResponseError, "neither 0 nor 1 in rows 0, 1"),
        ("germ", BINOMIAL, [39, 62, 4], ResponseError, r"cbind\(germ, w - germ\)"),
        ("prop", BINOMIAL, [40, 62, 4], WeightsError, "not the numbers of trials.*row 0"),
        ("prop", BINOMIAL, [39, 62.5, 4], WeightsError, "not the numbers of trials.*row 1"),
        ("cbind(germ, n)", GAUSSIAN, None, ResponseError, "not gaussian"),
        ("cbind(germ, germ - n)", BINOMIAL, None, ResponseError, "'germ - n'.*not a count"),
        ("cbind(prop, n)", BINOMIAL, None, ResponseError, "'prop'.*not a count"),
        ("log(germ)", GAUSSIAN, None, ResponseError, "infinite in row 2"),
        ("log(germ - 5)", GAUSSIAN, None, ResponseError, "not a number in row 2"),
    ],
)
def test_responses_that_make_no_sense(seeds, text, family, weights, error, words):
    weights = None if weights is None else np.array(weights, dtype=float)
    with pytest.raises(error, match=words):
        evaluate_response(text, seeds, family, weights, "w")


@pytest.mark.parametrize(
    ("values", "family", "words"),
    [
        (["a", "b", "c"], BINOMIAL, r"3 levels \('a', 'b', 'c'\)"),
        (["a", "a", "a"], BINOMIAL, "1 level "),
        (["a", "b", "a"], GAUSSIAN, "holds labels"),
    ],
)
def test_labels_that_are_no_response(values, family, words):
    with pytest.raises(ResponseError, match=words):
        evaluate_response("y", pd.DataFrame({"y": values}), family)
