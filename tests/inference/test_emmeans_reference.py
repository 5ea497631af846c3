"""Every emmeans, contrast and letter table of the reference cases, from R's own coefficients.

With the coefficients and the covariance given, what is left is linear algebra and tail areas:
1e-8 relative, where R's own integration is as good as that.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from conftest import reference
from glmmlab.inference.emmeans import EMMeans, emmeans
from inference.r_estimates import column, entries, entry, r_estimate

CASES = entries()
IDS = [f"{c}-{reference(c)['emmeans'][i]['name']}" for c, i in CASES]
each_entry = pytest.mark.parametrize(("case", "position"), CASES, ids=IDS)
QTUKEY = 2e-6  # R's qtukey stops at 1e-4 of its own last step
LIMITS = (("asymp.LCL", "lower.CL"), ("asymp.UCL", "upper.CL"))
MEANS = ("emmean", "response", "prob", "rate", "estimate", "ratio", "odds.ratio")


def table(case: str, e: dict[str, Any], type: str = "link", df: float = np.inf) -> EMMeans:
    """Our table for an entry of the JSON."""
    options = dict(e.get("args") or {})
    return emmeans(
        r_estimate(case), e["specs"], type=type, df=df,
        at=options.get("at"), weights=options.get("weights", "equal"),
        offset=options.get("offset"),
    )  # fmt: skip


def compare_means(frame, rows, rtol=1e-8) -> None:
    """Labels, estimates, standard errors and limits."""
    for name in frame.columns.intersection(list(rows[0])):
        if name not in ("df", "estimate"):
            assert [str(v) for v in frame[name]] == [str(row[name]) for row in rows]
    se = column(rows, "SE")
    assert_allclose(frame["estimate"], column(rows, *MEANS), rtol=rtol, atol=1e-8 * se.min())
    assert_allclose(frame["se"], se, rtol=rtol)
    for ours, names in zip(("lower", "upper"), LIMITS, strict=True):
        if ours in frame:
            assert_allclose(frame[ours], column(rows, *names), rtol=rtol, atol=1e-7 * se.min())


def compare_tests(frame, rows, atol=1e-8) -> None:
    assert_allclose(frame["statistic"], column(rows, "z.ratio", "t.ratio"), rtol=1e-7, atol=1e-9)
    assert_allclose(frame["p"], column(rows, "p.value"), atol=atol)


@each_entry
def test_means(case: str, position: int) -> None:
    e = entry(case, position)
    compare_means(table(case, e).frame, e["link"])
    tests = table(case, e).test().frame
    compare_tests(tests, e["link"])
    if "response" in e:
        compare_means(table(case, e, "response").frame, e["response"])


@each_entry
def test_pairs(case: str, position: int) -> None:
    e = entry(case, position)
    pairs = table(case, e).pairs()
    compare_means(pairs.frame, e["pairs"]["link"])
    compare_tests(pairs.frame, e["pairs"]["link"])
    compare_means(pairs.confint().frame, e["pairs"]["link"], QTUKEY)
    if "response" in e["pairs"]:
        ratios = table(case, e, "response").pairs()
        rows = e["pairs"]["response"]
        compare_means(ratios.frame, rows)
        assert ratios.frame["contrast"].tolist() == [row["contrast"] for row in rows]
        compare_means(ratios.confint().frame, rows, QTUKEY)


@each_entry
def test_other_adjustments(case: str, position: int) -> None:
    e = entry(case, position)
    for method, rows in e["pairs_other_adjust"].items():
        pairs = table(case, e).pairs(adjust=method)
        assert_allclose(pairs.frame["p"], column(rows, "p.value"), atol=1e-8)
        limits = pairs.confint().frame
        for ours, names in zip(("lower", "upper"), LIMITS, strict=True):
            assert_allclose(limits[ours], column(rows, *names), rtol=1e-7, atol=1e-8)


@each_entry
def test_letters(case: str, position: int) -> None:
    e = entry(case, position)
    em = table(case, e)
    display = em.cld()
    rows = e["cld"]["rows"]
    compare_means(display.frame, rows)
    assert display["group"].tolist() == [row["group"] for row in rows]
    variants = {
        "reversed": {"reversed": True},
        "alpha_0.10": {"alpha": 0.10},
        **{f"adjust_{m}": {"adjust": m} for m in ("none", "bonferroni", "sidak")},
    }
    for key, options in variants.items():
        rows = e["cld_variants"][key]
        display = em.cld(**options)
        factors = [n for n in rows[0] if n in display.columns]
        for name in factors:
            assert [str(v) for v in display[name]] == [str(row[name]) for row in rows], key


@each_entry
def test_sidak_instead_of_tukey_for_means(case: str, position: int) -> None:
    """R's cld(adjust = "tukey") gives the means Sidak limits, and so does confint here."""
    e = entry(case, position)
    rows = e["cld_variants"]["adjust_tukey_rows"]
    result = table(case, e).confint(adjust="tukey")
    frame = result.frame
    keys = [n for n in rows[0] if n in frame.columns and n != "df"]
    ordered = frame.set_index([frame[k].astype(str) for k in keys]).sort_index()
    index = [tuple(str(row[k]) for k in keys) for row in rows]
    index = [i[0] if len(i) == 1 else i for i in index]
    for ours, names in zip(("lower", "upper"), LIMITS, strict=True):
        assert_allclose(ordered.loc[index, ours], column(rows, *names), rtol=1e-7, atol=1e-8)
    if len(frame) > len(frame.groupby(list(result.by), observed=True)) if result.by else True:
        assert any("sidak" in note for note in result.notes)


MVT_CASES = ("fung_beta", "cbpp_binom", "seeds_binom", "sal_poisson")
CONTROLS = [(c, i) for c, i in CASES if "trt_vs_ctrl" in entry(c, i)]


@pytest.mark.parametrize(("case", "position"), CONTROLS)
def test_comparisons_with_a_control(case: str, position: int) -> None:
    e = entry(case, position)
    for method, rows in e["trt_vs_ctrl"].items():
        if method in ("note", "dunnettx_response"):
            continue
        adjust = method.removesuffix("_p")
        if adjust == "mvt" and case not in MVT_CASES:
            continue  # the same integral again
        contrasts = table(case, e).contrast("trt.vs.ctrl", adjust=adjust)
        compare_tests(contrasts.frame, rows, 1.5e-3 if adjust == "mvt" else 1e-8)
        if adjust != "mvt":
            # R's dunnettx limits are solved to 5e-4 only
            compare_means(contrasts.confint().frame, rows, 1e-3 if adjust == "dunnettx" else 1e-7)


@pytest.mark.parametrize(("case", "position"), CONTROLS)
def test_control_ratios(case: str, position: int) -> None:
    e = entry(case, position)
    if "dunnettx_response" in e["trt_vs_ctrl"]:
        rows = e["trt_vs_ctrl"]["dunnettx_response"]
        ratios = table(case, e, "response").contrast("trt_vs_ctrl")
        compare_means(ratios.frame, rows)
        assert ratios.frame["contrast"].tolist() == [row["contrast"] for row in rows]


@pytest.mark.parametrize(("case", "position"), CONTROLS)
def test_effects(case: str, position: int) -> None:
    e = entry(case, position)
    effects = table(case, e).contrast("eff")
    compare_means(effects.frame, e["eff_contrasts"])
    compare_tests(effects.frame, e["eff_contrasts"])
    assert effects.adjust == "BH"


MVT = [(c, i) for c, i in CASES if "pairs_mvt_p" in entry(c, i)]


@pytest.mark.parametrize(("case", "position"), MVT)
def test_multivariate_t_pairs(case: str, position: int) -> None:
    e = entry(case, position)
    frame = table(case, e).pairs(adjust="mvt").frame
    assert_allclose(frame["p"], column(e["pairs_mvt_p"], "p.value"), atol=1.5e-3)


@pytest.mark.parametrize(("case", "position"), entries("emmeans_df_residual"))
def test_residual_degrees_of_freedom(case: str, position: int) -> None:
    """Gaussian without random effects: t with nobs - npar df, without being asked."""
    e = reference(case)["emmeans_df_residual"][position]
    em = emmeans(r_estimate(case), e["specs"])
    assert em.frame["df"].unique().tolist() == [reference(case)["df_resid"]]
    compare_means(em.frame, e["link"], 1e-6)
    pairs = em.pairs()
    compare_means(pairs.frame, e["pairs"]["link"], 1e-6)
    assert_allclose(pairs.frame["p"], column(e["pairs"]["link"], "p.value"), atol=1e-7)
    for method, rows in e["pairs_other_adjust"].items():
        assert_allclose(em.pairs(adjust=method).frame["p"], column(rows, "p.value"), atol=1e-7)


def test_specs_of_the_reference_are_understood() -> None:
    assert {re.sub(r"\w+", "f", reference(c)["emmeans"][i]["specs"]) for c, i in CASES} == {
        "~f", "~f | f", "~f * f",
    }  # fmt: skip
