"""Wald tests of terms against car's Anova, and their promises."""

from __future__ import annotations

import warnings
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import glmmlab as gl
from conftest import reference, reference_cases
from glmmlab.errors import UnknownNameError
from glmmlab.estimate.result import PartEstimate
from glmmlab.formula.fixed import FixedPart
from glmmlab.inference.anova import anova
from glmmlab.inference.joint_tests import joint_tests
from inference.r_estimates import aligned, exact, r_estimate
from r_models import call, term_name

WITH_TERMS = [c for c in reference_cases() if "anova_type2" in reference(c)]
WITH_SUM = [c for c in reference_cases() if "anova_type3_contr_sum" in reference(c)]


def compare(frame: pd.DataFrame, rows: list[dict], rtol: float) -> None:
    assert frame.index.tolist() == [term_name(row["term"]) for row in rows]
    assert frame["df"].tolist() == [row["Df"] for row in rows]
    assert_allclose(frame["chisq"], [row["Chisq"] for row in rows], rtol=rtol)
    assert_allclose(frame["p"], [row["p"] for row in rows], rtol=1e3 * rtol, atol=1e-300)


@pytest.mark.parametrize("case", WITH_TERMS)
@pytest.mark.parametrize("type", [2, 3])
def test_types(case: str, type: int) -> None:
    key = f"anova_type{type}" + ("_exact" if exact(case) else "")
    compare(anova(r_estimate(case), type=type).frame, reference(case)[key], 1e-7)


@pytest.mark.parametrize(("type", "same"), [("II", 2), ("III", 3)])
def test_types_as_car_writes_them(type: str, same: int) -> None:
    estimate = r_estimate("seeds_binom")
    assert anova(estimate, type=type).frame.equals(anova(estimate, type=same).frame)
    assert anova(estimate, type=type).heading == anova(estimate, type=same).heading
    with pytest.raises(UnknownNameError, match="use 2 or 3"):
        anova(estimate, type="I")


@pytest.mark.parametrize("case", WITH_SUM)
def test_joint_tests_are_type_three_under_sum_coding(case: str) -> None:
    """car's type III after a refit with contr.sum.

    Covariates are centred in joint tests and not in R's refit, so a factor that interacts with
    one is tested elsewhere.
    """
    rows = {row["term"]: row for row in reference(case)["anova_type3_contr_sum"]}
    del rows["(Intercept)"]
    frame = joint_tests(r_estimate(case)).frame
    assert set(frame.index) == set(rows)
    if case == "epil2_nbinom1":
        frame = frame.drop(index="trt")  # at the mean of Base here, at Base = 0 in R's refit
    for term, row in frame.iterrows():
        assert_allclose(row["chisq"], rows[term]["Chisq"], rtol=2e-4)
        assert row["df"] == rows[term]["Df"]


@pytest.mark.parametrize("part", ["zi", "disp"])
def test_other_parts(part: str) -> None:
    """Type II of the zero-inflation and dispersion parts."""
    name = {"zi": "zero_inflation", "disp": "dispersion"}[part]
    found = 0
    for case in reference_cases():
        block = reference(case).get(part) or {}
        rows = block.get("anova_type2")
        if not rows or "vcov" not in block:
            continue
        arguments = call(case)
        text = arguments.get(name)
        fixed = FixedPart.learn(text, arguments["data"])
        names = block["vcov"]["names"]
        vcov = {**block["vcov"], "names": [n.split("~")[-1] for n in names]}
        estimate = SimpleNamespace(
            conditional=r_estimate(case).conditional,
            auxiliary={name: aligned(case, block["fixef"], vcov, fixed)},
            separated=(),
        )
        compare(anova(estimate, component=name).frame, rows, 1e-6)
        found += 1
    assert found


def test_missing_part_is_an_error() -> None:
    with pytest.raises(UnknownNameError, match="no 'zero_inflation' part"):
        anova(r_estimate("fung_beta"), component="zero_inflation")
    with pytest.raises(UnknownNameError, match="use 2 or 3"):
        anova(r_estimate("fung_beta"), type=1)


def test_closed_form_of_an_unbalanced_model() -> None:
    """Golden values of section 2 need lmer's fit; the identity they show is tested instead:
    type II of a is the Wald test of a in the model without a:b, when V is that of least squares.
    """
    rng = np.random.default_rng(4)
    data = pd.DataFrame(
        {
            "a": rng.choice(list("uvw"), 60),
            "b": rng.choice(list("xyz"), 60),
            "c": rng.normal(size=60),
        }
    )
    y = rng.normal(size=60)
    results = []
    for formula in ("a * b + c", "a + b + c"):
        fixed = FixedPart.learn(formula, data)
        X = fixed.matrix(data)
        inverse = np.linalg.inv(X.T @ X)
        estimate = SimpleNamespace(
            conditional=PartEstimate(fixed, inverse @ X.T @ y, inverse),
            auxiliary={},
            separated=(),
        )
        results.append(anova(estimate, type=2).frame["chisq"])
    assert_allclose(results[0][["a", "b"]], results[1][["a", "b"]], rtol=1e-10)


def test_numeric_terms_are_not_relatives_of_their_powers() -> None:
    rng = np.random.default_rng(5)
    data = pd.DataFrame({"x": rng.normal(size=30)})
    fixed = FixedPart.learn("x + I(x ** 2)", data)
    X = fixed.matrix(data)
    cov = np.linalg.inv(X.T @ X)
    params = np.array([1.0, 2.0, 3.0])
    estimate = SimpleNamespace(
        conditional=PartEstimate(fixed, params, cov), auxiliary={}, separated=()
    )
    assert_allclose(anova(estimate).frame.loc["x", "chisq"], 4 / cov[1, 1])


def test_aliased_columns_do_not_count() -> None:
    data = pd.DataFrame({"a": list("uuvvww"), "b": list("xyxyxx")})
    fixed = FixedPart.learn("a * b", data)
    p = len(fixed.names)
    cov, params = np.eye(p), np.arange(1.0, p + 1)
    lost = fixed.names.index("a[T.w]:b[T.y]")
    params[lost] = np.nan
    cov[lost], cov[:, lost] = np.nan, np.nan
    estimate = SimpleNamespace(
        conditional=PartEstimate(fixed, params, cov), auxiliary={}, separated=()
    )
    table = anova(estimate, type=2)
    assert table.frame.loc["a:b", "df"] == 1
    assert any("a[T.w]:b[T.y]" in note for note in table.notes)
    for j in fixed.terms[-1].columns:
        params[j] = np.nan
    frame = anova(estimate, type=3).frame
    assert frame.loc["a:b", "df"] == 0
    assert np.isnan(frame.loc["a:b", ["chisq", "p"]]).all()


def test_views() -> None:
    table = anova(r_estimate("fung_beta"))
    text = str(table)
    assert "Type II Wald chi-square tests, asymptotic" in text
    assert "196.0698" in text and "< 2.2e-16" in text
    assert 0 < table.frame.loc["fungicide", "p"] < 1e-35
    assert "&lt; 2.2e-16" in table._repr_html_()
    note = anova(r_estimate("seeds_binom"), type=3).notes[0]
    assert "treatment coding" in note
    assert not anova(r_estimate("seeds_binom"), type=2).notes


def test_ordered_factors_have_treatment_coding_unless_asked_for_polynomials() -> None:
    """coef(summary(lm(y ~ f * x, d)))[, "t value"], f ordered; then contrasts(f) by treatment."""
    polynomials = [2.854911286, 1.602145877, 1.278334928, 0.086204142, -0.358990850, -1.266012705]
    treatment = [0.99160823, -0.27914789, 1.60214588, -0.10862524, 0.75997373, -0.35899085]
    order = ["low", "mid", "high"]
    data = pd.DataFrame(
        {
            "f": pd.Categorical(order * 4, categories=order, ordered=True),
            "x": [1.0, 2, 4, 3, 5, 1, 2, 6, 3, 4, 2, 5],
            "y": [3.0, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8],
        }
    )
    plain = gl.glmm("y ~ f * x", data, method="REML")
    orthogonal = gl.glmm("y ~ C(f, contr.poly) * x", data, method="REML")
    assert_allclose(plain.zvalues, treatment, rtol=2e-5)
    assert_allclose(orthogonal.zvalues, polynomials, rtol=2e-5)
    two = [fit.anova(type=2).frame["chisq"].to_numpy() for fit in (plain, orthogonal)]
    assert_allclose(two[0], two[1], rtol=1e-6)
    rows = [fit.anova(type=3).frame.loc["x", "chisq"] for fit in (plain, orthogonal)]
    assert_allclose(rows, [0.10862524**2, 0.086204142**2], rtol=1e-4)
    means = [fit.emmeans("f").frame["estimate"] for fit in (plain, orthogonal)]
    assert_allclose(means[0], means[1], rtol=1e-8)


def test_no_standard_errors_no_f_tests():
    """Blank cells, as the chi-square tests have, of a fit that is perfect."""
    data = pd.DataFrame({"y": [1.0, 2.0, 4.0, 3.0, 7.0] * 4, "t": list("ABCDE") * 4})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gl.GlmmlabWarning)
        fit = gl.glmm("y ~ t", data)
    assert fit.bse.isna().all()
    assert fit.anova(df=10).frame["p"].isna().all()
    assert "no standard errors" in fit.report(df=10, checks=False).results
