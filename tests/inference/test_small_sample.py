"""Satterthwaite and Kenward-Roger against lmerTest, pbkrtest, car and emmeans, and mathematics.

R's numbers: ``small_sample`` of the reference cases, and small_sample.json, made by
make_small_sample.R (split plots whole and damaged, random slopes, a zero variance, REML and ML).
"""

from __future__ import annotations

import json
import warnings
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import stats

import glmmlab as gl
from conftest import REFERENCE, reference
from glmmlab.inference import variance_components
from glmmlab.inference.small_sample import match_f_moments, resolve_method, small_sample
from glmmlab.inference.variance_components import MarginalModel
from r_models import fit as reference_fit

ANSWERS = json.loads((REFERENCE / "small_sample.json").read_text())
R = {c["case"]: c for c in ANSWERS["cases"]}
LEVELS = {"variety": ["Victory", "Golden Rain", "Marvellous"], "early": ["no", "yes"]}
METHODS = ("satterthwaite", "kenward-roger")
PAIRS = [(case, method) for case in R for method in METHODS if method in R[case]]


def frame(case: str) -> pd.DataFrame:
    data = pd.DataFrame(R[case]["data"])
    for name in data:
        if not pd.api.types.is_numeric_dtype(data[name]):
            order = LEVELS.get(name, sorted(set(data[name])))
            data[name] = pd.Categorical(data[name], categories=order)
    return data


@cache
def fit(case: str) -> gl.Fit:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gl.SingularFitWarning)
        return gl.glmm(R[case]["formula"], data=frame(case), method=R[case]["method"])


def check(ours: pd.DataFrame, theirs: dict[str, Any]) -> None:
    """An F table against one of lmerTest's contests (keys F, df, df_resid, p)."""
    assert_allclose(ours["F"], theirs["F"], rtol=1e-5)
    assert_allclose(ours["df"], theirs["df"])
    assert_allclose(ours["df_resid"], theirs["df_resid"], rtol=1e-5)
    assert_allclose(ours["p"], theirs["p"], atol=1e-6, rtol=1e-4)


# ------------------------------------------------------------------------ R's answers


@pytest.mark.parametrize(("case", "method"), PAIRS)
def test_coefficients_have_the_df_and_standard_errors_of_lmertest(case, method):
    theirs, ours = R[case][method]["coefficients"], fit(case).summary(df=method).coefficients
    assert_allclose(ours["df"], theirs["df"], rtol=1e-5)
    assert_allclose(ours["se"], theirs["Std. Error"], rtol=1e-6)
    assert_allclose(ours["t"], theirs["t value"], rtol=1e-5)
    assert_allclose(ours["p"], theirs["Pr(>|t|)"], rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize(("case", "method"), PAIRS)
def test_hypotheses_of_several_rows_are_lmertests_contests(case, method):
    one, theirs = fit(case), R[case][method]
    degrees = small_sample(one.estimate, method)
    for name, rows in theirs["rows"].items():
        L = np.array(rows, float)
        test = degrees.f_test(L, L @ one.params.to_numpy())
        result = {"F": test.F, "df": test.df, "df_resid": test.df_resid, "p": test.p}
        check(result, theirs["contests"][name])


@pytest.mark.parametrize(("case", "method"), PAIRS)
def test_anova_types_two_and_three_are_those_contests(case, method):
    one, contests = fit(case), R[case][method]["contests"]
    tables = {kind: one.anova(type=kind, df=method).frame for kind in (2, 3)}
    for name, theirs in contests.items():
        kind, _, term = name.partition(" ")
        if kind in ("type2", "type3"):
            check(tables[int(kind[-1])].loc[term], theirs)


@pytest.mark.parametrize("case", [c for c in R if "car_type2" in R[c]])
def test_type_two_by_kenward_and_roger_is_cars(case):
    ours, theirs = fit(case).anova(df="kenward-roger").frame, R[case]["car_type2"]
    assert ours.index.tolist() == np.atleast_1d(theirs["row"]).tolist()
    check(ours, dict(zip(["F", "df", "df_resid", "p"], list(theirs.values())[1:], strict=True)))


@pytest.mark.parametrize(
    ("case", "method", "rtol"),
    [
        # Kenward and Roger's test does not depend on the rows that span a hypothesis;
        # Satterthwaite's df of several rows do (1 % here), exactly equal only when balanced
        *((c, "kenward-roger", 1e-5) for c in ("oats", "oats_lost")),
        ("oats", "satterthwaite", 1e-5),
        ("oats_lost", "satterthwaite", 2e-2),
        ("oats_lost_ml", "satterthwaite", 2e-2),
    ],
)
def test_joint_tests_are_lmertests_type_three(case, method, rtol):
    ours, theirs = fit(case).joint_tests(df=method).frame, R[case][method]["anova3"]
    assert ours.index.tolist() == theirs["row"]
    assert_allclose(ours["F"], theirs["F value"], rtol=1e-5)
    assert_allclose(ours["df_resid"], theirs["DenDF"], rtol=rtol)


@pytest.mark.parametrize(("case", "method"), [p for p in PAIRS if "emmeans" in R[p[0]][p[1]]])
def test_marginal_means_and_tukey_pairs_are_those_of_emmeans(case, method):
    theirs, em = R[case][method], fit(case).emmeans("variety", df=method)
    assert_allclose(em["estimate"], theirs["emmeans"]["emmean"], rtol=1e-6)
    assert_allclose(em["se"], theirs["emmeans"]["SE"], rtol=1e-5)
    assert_allclose(em["df"], theirs["emmeans"]["df"], rtol=1e-5)
    assert_allclose(em["lower"], theirs["emmeans"]["lower.CL"], rtol=1e-5)
    pairs = em.pairs()
    assert pairs["contrast"].tolist() == theirs["pairs"]["contrast"]
    assert_allclose(pairs["se"], theirs["pairs"]["SE"], rtol=1e-5)
    assert_allclose(pairs["df"], theirs["pairs"]["df"], rtol=1e-5)
    assert_allclose(pairs["p"], theirs["pairs"]["p.value"], atol=1e-5)


@pytest.mark.parametrize("case", ["fung_gauss_reml", "sleep_corr_reml"])
@pytest.mark.parametrize("method", METHODS)
def test_reference_cases(case, method):
    r = reference(case)["small_sample"]
    key = method.replace("-", "_")
    ours, theirs = reference_fit(case).summary(df=method).coefficients, r[f"{key}_coef"]
    assert_allclose(ours["df"], [row["df"] for row in theirs], rtol=1e-6)
    assert_allclose(ours["se"], [row["Std. Error"] for row in theirs], rtol=1e-5)
    assert_allclose(ours["p"], [row["Pr(>|t|)"] for row in theirs], atol=1e-7)
    table = reference_fit(case).anova(type=3, df=method).frame.iloc[1:]
    (row,) = r[f"anova3_{key}"]
    assert_allclose(table["F"], row["F value"], rtol=1e-5)
    assert_allclose(table["df_resid"], row["DenDF"], rtol=1e-6)
    assert_allclose(table["p"], row["Pr(>F)"], atol=1e-7)


# ------------------------------------------------------------------------ mathematics


@pytest.mark.parametrize("method", METHODS)
def test_balanced_split_plot_has_the_strata_of_the_analysis_of_variance(method):
    # whole plots: (3 - 1) (6 - 1) = 10; subplots: (4 - 1) (6 - 1) 3 = 45
    table = fit("oats").anova(df=method).frame
    assert_allclose(table["F"], [1.485, 37.69, 0.303], rtol=1e-3)  # Yates (1935), as published
    assert_allclose(table["df_resid"], [10, 45, 45], rtol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_without_random_effects_the_df_are_those_of_the_residuals(method):
    one = gl.glmm("yield ~ variety * nitrogen", data=frame("oats_lost"), method="REML")
    table = one.anova(df=method).frame
    assert_allclose(table["df_resid"], one.nobs - 12, rtol=1e-9)
    assert_allclose(one.summary(df=method).coefficients["se"], one.bse, rtol=1e-6)


def dense(one: gl.Fit) -> tuple[np.ndarray, list[np.ndarray], np.ndarray]:
    """V, the G of every component and X with n rows, by definition."""
    design, G, V = one.estimate.design, [], 0.0
    for term in design.random:
        sigma = one.random_covariance[term.group].to_numpy()
        same = term.codes[:, None] == term.codes
        for a in range(len(term.names)):
            for b in range(a + 1):
                outer = np.outer(term.Z[:, a], term.Z[:, b])
                G.append(same * (outer if a == b else outer + outer.T))
                V = V + sigma[a, b] * G[-1]
    G.append(np.eye(one.nobs))
    return V + one.dispersion * G[-1], G, design.conditional.X


@pytest.mark.parametrize("case", ["sleep_slopes", "oats_lost", "oats_singular"])
def test_the_reduced_algebra_is_the_algebra_of_n_rows(case):
    one = fit(case)
    model = MarginalModel(one.estimate)
    V, G, X = dense(one)
    W = np.linalg.inv(V)
    phi = np.linalg.inv(X.T @ W @ X)
    P = W - W @ X @ phi @ X.T @ W
    assert_allclose(model.phi, phi, rtol=1e-8)
    assert_allclose(model.p_i, [-X.T @ W @ g @ W @ X for g in G], rtol=1e-7, atol=1e-10)
    q = [[X.T @ W @ g @ W @ h @ W @ X for h in G] for g in G]
    assert_allclose(model.q_ij, q, rtol=1e-7, atol=1e-10)
    information = [[np.trace(P @ g @ P @ h) / 2 for h in G] for g in G]
    assert_allclose(model.expected_information, information, rtol=1e-7, atol=1e-12)


def test_chunks_of_rows_do_not_change_the_numbers(monkeypatch):
    whole = small_sample(fit("sleep_slopes").estimate, "kenward-roger")
    monkeypatch.setattr(variance_components, "_CHUNK", 1)
    parts = small_sample(fit("sleep_slopes").estimate, "kenward-roger")
    assert_allclose(parts.cov, whole.cov, rtol=1e-9)
    assert_allclose(parts(np.eye(4)), whole(np.eye(4)), rtol=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_a_weight_is_a_number_of_equal_observations(method):
    data = frame("oats_lost").assign(w=lambda d: np.arange(len(d)) % 3)
    formula = "yield ~ variety + nitrogen + (1 | block)"
    weighted = gl.glmm(formula, data=data, method="REML", weights="w")
    repeated = gl.glmm(formula, data=data.loc[data.index.repeat(data["w"])], method="REML")
    ours, theirs = (f.summary(df=method).coefficients for f in (weighted, repeated))
    assert_allclose(ours, theirs, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_units_do_not_change_degrees_of_freedom(method):
    data = frame("sleep_slopes").assign(
        Reaction=lambda d: 100 * d["Reaction"], Days=lambda d: d["Days"] / 10
    )
    other = gl.glmm(R["sleep_slopes"]["formula"], data=data, method="REML")
    ours, theirs = (f.summary(df=method).coefficients for f in (other, fit("sleep_slopes")))
    assert_allclose(ours[["df", "t"]], theirs[["df", "t"]], rtol=1e-5)


def test_moments_of_f():
    # one row: Kenward and Roger's F is Satterthwaite's, unscaled
    for nu in (1.0, 2.0, 4.0, 4.5):
        assert_allclose(match_f_moments(2 / nu, 2 / nu, 1), (1.0, nu))
        # q rows of a balanced stratum with nu df: a1 = 2 q^2 / nu, a2 = 2 q / nu; F(q, nu) itself
        assert_allclose(match_f_moments(18 / nu, 6 / nu, 3), (1.0, nu), rtol=1e-12)


def test_directions_without_a_mean_take_the_least_df():
    # three treatments in four groups: 1 df; lmerTest gives 2, Kenward and Roger's method 1.016
    answer = ANSWERS["directions"]
    one = gl.glmm("y ~ x + (1 | g)", data=pd.DataFrame(answer["data"]), method="REML")
    df = one.anova(df="satterthwaite").frame.loc["x", "df_resid"]
    assert_allclose(df, min(answer["df"]), rtol=1e-5)
    check(one.anova(df="kenward-roger").frame.loc["x"], answer["contest"])


def test_aliased_coefficients_stay_out():
    data = frame("oats_lost")
    data = data[~((data["variety"] == "Victory") & (data["nitrogen"] == "0.6"))]
    with pytest.warns(gl.RankDeficientWarning):
        one = gl.glmm(R["oats"]["formula"], data=data, method="REML")
    table = one.anova(df="kenward-roger").frame
    assert table["df"].tolist() == one.anova().frame["df"].tolist()
    assert np.isfinite(table.to_numpy()).all()
    coefficients = one.summary(df="kenward-roger").coefficients
    assert coefficients["df"].isna().tolist() == one.params.isna().tolist()
    assert coefficients["df"].notna().sum() == 11
    means = one.emmeans("variety", df="kenward-roger")
    assert means["df"].isna().tolist() == means["estimate"].isna().tolist()


# -------------------------------------------------------------------------- the interface


def test_a_number_of_degrees_of_freedom():
    one = fit("oats")
    coefficients = one.summary(df=14).coefficients
    assert_allclose(coefficients["p"], 2 * stats.t.sf(abs(one.zvalues), 14), rtol=1e-8)
    half = (one.conf_int(df=14)["upper"] - one.params) / one.bse
    assert_allclose(half, stats.t.isf(0.025, 14), rtol=1e-10)
    table, wald = one.anova(df=14).frame, one.anova().frame
    assert_allclose(table["F"], wald["chisq"] / wald["df"], rtol=1e-9)
    assert_allclose(table["p"], stats.f.sf(table["F"], table["df"], 14), rtol=1e-8)
    assert one.joint_tests(df=14).frame.columns.tolist() == ["F", "df", "df_resid", "p"]
    assert (one.emmeans("variety", df=14)["df"] == 14).all()


def test_intervals_agree_with_the_tests():
    one = fit("oats_lost")
    table, limits = one.summary(df="kenward-roger").coefficients, one.conf_int(df="kenward-roger")
    half = stats.t.isf(0.025, table["df"]) * table["se"]
    assert_allclose(limits["upper"] - table["estimate"], half, rtol=1e-9)


def test_everything_made_from_the_means_follows():
    one = fit("oats_lost")
    em = one.emmeans("variety", df="kenward-roger")
    for derived in (em, em.pairs(), em.contrast("trt_vs_ctrl"), em.cld()):
        assert (derived.frame["df"] < 11).all()
        assert "Kenward-Roger" in str(derived)
    joint, term = em.pairs().joint_test(), one.joint_tests(df="kenward-roger").frame.loc["variety"]
    assert (joint.chisq / joint.df, joint.df_resid) == pytest.approx((term["F"], term["df_resid"]))
    single = one.test_hypotheses("variety[T.Marvellous] = 0", df="kenward-roger").frame.iloc[0]
    row = one.summary(df="kenward-roger").coefficients.loc["variety[T.Marvellous]"]
    assert (single["df"], single["p"]) == pytest.approx((row["df"], row["p"]))
    trend = fit("sleep_slopes").emtrends("early", var="Days", df="satterthwaite")
    slope = fit("sleep_slopes").summary(df="satterthwaite").coefficients.loc["Days"]
    assert trend.frame.loc[0, "df"] == pytest.approx(slope["df"], rel=1e-6)


def test_texts_name_the_method():
    one = fit("oats_lost")
    text = str(one.summary(df="kenward-roger"))
    assert "Kenward-Roger t" in text and "t value" in text and "z value" not in text
    assert "F tests, Satterthwaite" in str(one.anova(df="satterthwaite"))
    assert "Wald z" in str(one.summary())
    assert one.anova().frame.columns.tolist() == ["chisq", "df", "p"]


def test_a_zero_variance_is_told():
    text = str(fit("oats_singular").anova(df="satterthwaite"))
    assert "estimated as zero" in text
    assert "(1 | nitrogen:variety)" in text
    assert "estimated as zero" not in str(fit("oats_singular").anova(df="kenward-roger"))


@pytest.mark.parametrize("df", METHODS)
def test_other_models_stay_asymptotic_and_say_so(df):
    data = frame("oats")
    seeds = gl.datasets.load("seed_germination")
    counts = gl.glmm("germ ~ extract + gen", data=seeds, family="poisson")
    varying = gl.glmm("yield ~ variety", data=data, dispersion="~ nitrogen")
    for one in (counts, varying):
        with pytest.warns(gl.InferenceWarning, match=f"(?i){df} degrees"):
            assert "z" in one.summary(df=df).coefficients
        with pytest.warns(gl.InferenceWarning) as caught:
            assert "chisq" in one.anova(df=df).frame
        assert caught[0].filename == __file__
        with pytest.warns(gl.InferenceWarning):
            assert_allclose(one.conf_int(df=df), one.conf_int())
    with pytest.warns(gl.InferenceWarning):
        assert np.isinf(counts.emmeans("gen", df=df)["df"]).all()
    with pytest.raises(gl.errors.InferenceError, match="poisson"):
        small_sample(counts.estimate, df)


def test_what_cannot_be_had_is_an_error():
    with pytest.raises(gl.errors.InferenceError, match="method='REML'"):
        fit("oats_lost_ml").summary(df="kenward-roger")
    for parameters, method in (("variance", "wald"), ("conditional", "profile")):
        with pytest.raises(gl.errors.InferenceError, match="df="):
            fit("oats").conf_int(parameters=parameters, method=method, df=10)


@pytest.mark.parametrize("df", ["kenward", "residual", 0, -3.0, True, [1.0]])
def test_unknown_degrees_of_freedom(df):
    with pytest.raises(gl.UnknownNameError):
        fit("oats").anova(df=df)


def test_names_are_forgiving():
    assert resolve_method("Kenward_Roger") == "kenward-roger"
    assert resolve_method("SATTERTHWAITE") == "satterthwaite"
    with pytest.raises(gl.UnknownNameError, match="Did you mean 'satterthwaite'"):
        resolve_method("satterthwait")


def test_too_many_effects(monkeypatch):
    monkeypatch.setattr(variance_components, "LARGEST", 20)
    with pytest.raises(gl.errors.InferenceError, match="up to 20"):
        small_sample(fit("oats_singular").estimate, "satterthwaite")  # crossed: one block
    assert np.isfinite(small_sample(fit("oats").estimate, "satterthwaite").cov).all()
