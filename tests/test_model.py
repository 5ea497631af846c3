"""The entry point: arguments, their errors, and the ways to name a family."""

from __future__ import annotations

import subprocess
import sys
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose

import glmmlab as gl
from conftest import case_data, reference
from r_models import fit

SEEDS = "cbind(germ, n - germ) ~ extract * gen"


@pytest.mark.parametrize(
    "family",
    ["binomial", gl.families.Binomial(), gl.families.Binomial, gl.families.get("binomial")],
    ids=["name", "instance", "class", "get"],
)
def test_a_family_may_be_named_in_four_ways(family):
    m = gl.glmm(SEEDS, case_data("seeds_binom"), family)
    assert m.llf == pytest.approx(reference("seeds_binom")["logLik"], abs=1e-6)


def test_the_three_binomial_forms_are_one_model():
    """Cases 1 to 3 of the workshop; 0/1 rows have another constant, so not the same logLik."""
    cbind, share, rows = (fit(c) for c in ("seeds_binom", "seeds_binom_weights", "seeds_bernoulli"))
    for other in (share, rows):
        assert_allclose(other.params, cbind.params, rtol=1e-6)
        assert_allclose(other.bse, cbind.bse, rtol=1e-6)
    assert share.llf == pytest.approx(cbind.llf, abs=1e-9)


def test_weights_as_a_ratio_and_as_an_array():
    data = case_data("seeds_binom")
    named = gl.glmm("germ / n ~ extract * gen", data, "binomial", weights="n")
    array = gl.glmm("germ / n ~ extract * gen", data, "binomial", weights=data["n"].to_numpy())
    assert_allclose(named.params, array.params)
    assert_allclose(named.params, fit("seeds_binom").params, rtol=1e-6)


def test_zero_inflation_wraps_a_count_family():
    m = fit("sal_zip_simple")
    assert "zero_inflation" in m.family.auxiliary
    assert list(m.params_zero_inflation.index) == ["Intercept", "mined[T.no]"]


def test_method_is_read_in_any_case_of_letters():
    m = gl.glmm("Reaction ~ Days + (1 | Subject)", case_data("sleep_int_reml"), method="reml")
    assert m.method == "REML"
    assert m.llf == pytest.approx(reference("sleep_int_reml")["logLik"], abs=1e-6)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"formula": 3}, gl.FormulaError, "text"),
        ({"data": [1, 2, 3]}, gl.DataError, "DataFrame"),
        ({"data": {"germ": [1, 2]}}, gl.UnknownColumnError, "n"),
        ({"family": "binominal"}, gl.UnknownNameError, "binomial"),
        ({"family": 3}, gl.UnknownNameError, "family must be"),
        ({"family": dict}, gl.UnknownNameError, "family must be"),
        ({"method": "MLE"}, gl.UnknownNameError, "REML"),
        ({"method": None}, gl.UnknownNameError, "REML"),
        ({"formula": "cbind(germ, n - germ) ~ extrakt"}, gl.UnknownColumnError, "extrakt"),
        ({"formula": "cbind(germ, n - germ) ~ (1 | plat)"}, gl.UnknownColumnError, "plat"),
        ({"weights": "nn"}, gl.UnknownColumnError, "nn"),
        ({"offset": "nn"}, gl.UnknownColumnError, "nn"),
        ({"dispersion": "~ gen"}, gl.GlmmlabError, "dispersion"),
        ({"zero_inflation": "~ 1", "family": "gamma"}, gl.GlmmlabError, "zero"),
    ],
)
def test_mistaken_arguments_are_our_errors(arguments, error, words):
    given = {"formula": SEEDS, "data": case_data("seeds_binom"), "family": "binomial"} | arguments
    with pytest.raises(error, match=words):
        gl.glmm(**given)


def test_public_names():
    assert set(gl.__all__) <= set(dir(gl))
    assert set(gl._MODULES) <= set(gl.__all__)
    for name in gl.__all__:
        assert getattr(gl, name) is not None
    with pytest.raises(AttributeError, match="nonsense"):
        gl.nonsense  # noqa: B018


def test_a_fit_imports_no_plotting():
    code = (
        "import sys, glmmlab as gl, pandas as pd\n"
        "gl.glmm('y ~ x', pd.DataFrame({'y': [1., 2, 4, 3], 'x': [1., 2, 3, 4]})).summary()\n"
        "print([m for m in ('matplotlib', 'statsmodels', 'tqdm') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_summaries_do_not_depend_on_row_order():
    data = case_data("cbpp_binom")
    order = np.random.default_rng(3).permutation(len(data))
    again = gl.glmm(reference("cbpp_binom")["formula"], data.iloc[order], "binomial")
    assert again.llf == pytest.approx(fit("cbpp_binom").llf, abs=1e-8)
    assert_allclose(again.fittedvalues.sort_index(), fit("cbpp_binom").fittedvalues, rtol=1e-5)


def test_warnings_point_at_the_callers_line():
    data = case_data("fung_beta").assign(twice=lambda d: (d["fungicide"] == "2") * 2.0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        gl.glmm("severity ~ fungicide + twice + (1 | block)", data, "beta")
    kinds = {w.category for w in caught}
    assert kinds == {gl.RankDeficientWarning, gl.SingularFitWarning}
    assert {w.filename for w in caught} == {__file__}
