"""Fits: separation, singular variances, records, threads."""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import glmmlab as gl
from conftest import reference_data
from glmmlab.design import build_design
from glmmlab.estimate import settle
from glmmlab.estimate.separation import separating_direction
from glmmlab.estimate.settle import canonical
from glmmlab.laplace import Laplace


def severity(**kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gl.SingularFitWarning)
        return gl.glmm(
            "severity ~ fungicide + (1 | block)",
            reference_data("fungicide"),
            family="beta",
            **kwargs,
        )


def test_singular_fit_is_a_result_with_a_warning():
    with pytest.warns(gl.SingularFitWarning, match=r"\(1 \| block\)"):
        fit = gl.glmm("severity ~ fungicide + (1 | block)", reference_data("fungicide"), "beta")
    assert fit.is_singular and fit.converged
    assert fit.random_covariance["block"].iloc[0, 0] == 0.0
    without = gl.glmm("severity ~ fungicide", reference_data("fungicide"), "beta")
    assert fit.llf == pytest.approx(without.llf, abs=1e-9)
    assert_allclose(fit.bse, without.bse, rtol=1e-6)
    assert fit.npar == without.npar + 1


def test_correlation_at_one_is_singular():
    """Slopes that are a multiple of the intercepts: the covariance has rank one."""
    rng = np.random.default_rng(5)
    g = np.repeat(np.arange(12), 6)
    x = np.tile(np.linspace(-1, 1, 6), 12)
    b = rng.normal(0, 1.0, 12)
    y = 1 + b[g] + 0.7 * b[g] * x + rng.normal(0, 0.5, len(g))
    data = pd.DataFrame({"y": y, "x": x, "g": g.astype(str)})
    with pytest.warns(gl.SingularFitWarning, match="correlation"):
        fit = gl.glmm("y ~ x + (x | g)", data)
    covariance = fit.random_covariance["g"].to_numpy()
    assert abs(np.linalg.det(covariance)) < 1e-12
    assert np.all(np.diag(covariance) > 0.1)
    # no covariance of full rank beside it is better
    laplace = Laplace(fit.estimate.design, fit.estimate.family, orthonormal=False)
    psi = np.r_[fit.params, fit.estimate.theta, np.log(fit.dispersion) / 2]
    at = float(laplace.evaluate(psi).f)
    assert at == pytest.approx(-fit.llf, abs=1e-9)
    for beside in (0.01, 0.1, 0.3):
        moved = psi.copy()
        moved[4] = beside
        assert float(laplace.evaluate(moved).f) > at


def test_canonical_factors_keep_the_covariance():
    data = reference_data("sleepstudy")
    family = gl.families.get("gaussian")
    design = build_design("Reaction ~ Days + (Days | Subject)", data, family)
    structure = Laplace(design, family).structure
    for theta in ([-2.0, 0.5, -1.0], [0.0, 1.0, 2.0], [1.0, -3.0, 0.0]):
        theta = np.array(theta)
        (before,) = structure.factors(theta)
        (after,) = structure.factors(canonical(structure, theta))
        assert np.all(np.diag(after) >= 0)
        assert_allclose(after @ after.T, before @ before.T, atol=1e-14)


def separated():
    return pd.DataFrame(
        {
            "dose": np.repeat(["low", "mid", "high"], 4),
            "dead": [0, 0, 0, 0, 3, 5, 2, 6, 10, 10, 10, 10],
            "n": [10] * 12,
            "tray": list("abcd") * 3,
        }
    )


@pytest.mark.parametrize("random", ["", " + (1 | tray)"])
def test_separation_is_named(random):
    with pytest.warns(gl.SeparationWarning, match="dose"):
        fit = gl.glmm(f"cbind(dead, n - dead) ~ dose{random}", separated(), family="binomial")
    assert set(fit.estimate.separated) >= {"dose[T.low]"}
    assert "inf" in str(fit.summary())


def test_separation_of_counts():
    data = pd.DataFrame({"y": [3, 4, 2, 5, 0, 0, 0, 0], "trap": list("aaaabbbb")})
    with pytest.warns(gl.SeparationWarning, match=r"trap\[T.b\]"):
        gl.glmm("y ~ trap", data, family="poisson")


@pytest.mark.parametrize("family", ["truncated_poisson", "truncated_nbinom1", "truncated_nbinom2"])
def test_separation_of_counts_from_one(family):
    """Only ones in trap b: their mean runs to the smallest there is, log mu to -infinity."""
    rng = np.random.default_rng(2)
    y = np.r_[1 + rng.poisson(3, 20), np.ones(20)]
    data = pd.DataFrame({"y": y, "trap": np.repeat(["a", "b"], 20)})
    with pytest.warns(gl.SeparationWarning, match=r"separated: trap\[T.b\] run"):
        gl.glmm("y ~ trap", data, family=family)


def test_separation_in_a_hurdle_model():
    """Ones in trap b, only zeros in trap c: no count tells of c, and none above 1 of b."""
    rng = np.random.default_rng(2)
    y = np.r_[1 + rng.poisson(3, 20), np.ones(20), np.zeros(20)]
    y[::4] = 0
    data = pd.DataFrame({"y": y, "trap": np.repeat(["a", "b", "c"], 20)})
    with pytest.warns(gl.GlmmlabWarning):
        fit = gl.glmm("y ~ trap", data, family="truncated_poisson", zero_inflation="~ 1")
    assert set(fit.estimate.separated) == {"trap[T.b]", "trap[T.c]"}
    with pytest.warns(gl.GlmmlabWarning):
        fit = gl.glmm("y ~ trap", data, family="poisson", zero_inflation="~ 1")
    assert set(fit.estimate.separated) <= {"trap[T.c]"}


def traps(seed=2):
    """Continuous amounts in three traps, 20 rows each."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "y": rng.gamma(3.0, 1.0, 60).round(3),
            "share": rng.beta(2.0, 2.0, 60),
            "trap": np.repeat(["a", "b", "c"], 20),
            "field": list("uvwx") * 15,
            "some": rng.random(60) < 0.3,
        }
    )


@pytest.mark.parametrize("random", ["", " + (1 | field)"])
def test_separation_of_amounts_with_zeros(random):
    """A Tweedie density at 0 is exp(-mu^(2-p)/(phi (2-p))): it only rises as mu falls."""
    data = traps().assign(y=lambda d: d["y"].where((d["trap"] != "b") & ~d["some"], 0.0))
    with pytest.warns(gl.SeparationWarning, match=r"separated: trap\[T.b\] run"):
        fit = gl.glmm(f"y ~ trap{random}", data, family="tweedie")
    assert not any(isinstance(w, gl.ConvergenceWarning) for w in fit.warnings)
    line = next(x for x in str(fit.summary()).split("\n") if x.startswith("trap[T.b]"))
    assert line.split() == ["trap[T.b]", "->", "-inf"]


def test_separation_of_ordered_beta():
    data = traps().assign(y=lambda d: d["share"].where(d["trap"] != "b", 0.0))
    data.loc[[0, 1], "y"] = 1.0, 0.0
    with pytest.warns(gl.SeparationWarning, match=r"separated: trap\[T.b\] run"):
        gl.glmm("y ~ trap", data, family="ordbeta")


@pytest.mark.parametrize(("share", "end"), [(0.0, "-inf"), (1.0, "inf")])
@pytest.mark.parametrize("family", ["beta", "poisson"])
def test_separation_in_the_zero_inflation(family, share, end):
    """Trap b has no zeros, or nothing else."""
    data = traps()
    zero = data["some"].where(data["trap"] != "b", bool(share))
    y = data["share"] if family == "beta" else 1.0 + data["y"].round()
    data["y"] = y.where(~zero.astype(bool), 0.0)
    with pytest.warns(gl.GlmmlabWarning):
        fit = gl.glmm("y ~ 1", data, family=family, zero_inflation="~ trap")
    assert fit.estimate.separated == ("zero_inflation: trap[T.b]",)
    assert any(isinstance(w, gl.SeparationWarning) for w in fit.warnings)
    lines = [x.split() for x in str(fit.summary()).split("\n")]
    assert ["trap[T.b]", "->", end] in lines


def test_only_zeros_in_a_hurdle_model_determine_nothing():
    data = traps().assign(y=lambda d: d["share"].where((d["trap"] != "b") & ~d["some"], 0.0))
    with pytest.warns(gl.SeparationWarning, match="not determined at all"):
        fit = gl.glmm("y ~ trap", data, family="beta", zero_inflation="~ 1")
    assert fit.estimate.separated == ("trap[T.b]",)
    line = next(x for x in str(fit.summary()).split("\n") if x.startswith("trap[T.b]"))
    assert line.split() == ["trap[T.b]", "NA"]


@pytest.mark.parametrize(("link", "sign"), [("log", "-"), ("inverse", "")])
@pytest.mark.parametrize("name", ["gaussian", "t"])
def test_separation_where_a_mean_must_be_positive(name, link, sign):
    """Where no response is positive the best mean of a log or inverse link is its end, 0."""
    y = np.random.default_rng(1).normal(2.0, 0.3, 60)
    y[20:40] = -np.abs(y[20:40])
    data = traps().assign(y=y)
    with pytest.warns(gl.SeparationWarning, match=r"trap\[T.b\] runs .* has no positive response"):
        fit = gl.glmm("y ~ trap", data, family=gl.families.get(name, link=link))
    assert f"trap[T.b] -> {sign}inf" in " ".join(str(fit.summary()).split())


def test_overlapping_zeros_do_not_separate():
    data = traps().assign(y=lambda d: d["share"].where(~d["some"], 0.0))
    fit = gl.glmm("y ~ trap", data, family="beta", zero_inflation="~ trap")
    assert fit.estimate.separated == () and fit.warnings == ()
    fit = gl.glmm("y ~ trap", data, family="tweedie")
    assert fit.estimate.separated == ()


def test_no_separation_no_direction():
    rng = np.random.default_rng(3)
    X = np.column_stack([np.ones(60), rng.normal(size=60)])
    sign = np.where(rng.random(60) < 0.5, -1.0, 1.0)
    assert_allclose(separating_direction(X, sign), 0.0)
    perfect = np.where(X[:, 1] > 0, 1.0, -1.0)
    direction = separating_direction(X, perfect)
    assert direction[1] > 0
    assert np.all(perfect * (X @ direction) >= -1e-9)


def test_badly_scaled_predictors_do_not_hurt():
    data = reference_data("sleepstudy")
    data["far"] = data["Days"] * 1e-7 + 1e-3
    plain = gl.glmm("Reaction ~ Days + (1 | Subject)", data)
    scaled = gl.glmm("Reaction ~ far + (1 | Subject)", data)
    assert scaled.llf == pytest.approx(plain.llf, abs=1e-6)
    assert scaled.params["far"] == pytest.approx(plain.params["Days"] * 1e7, rel=1e-4)


def test_optimization_record():
    record = severity().optimization
    assert record.converged
    assert record.evaluations < 40
    assert len(record.iterates) == len(record.values)
    assert np.all(np.diff(record.values) < 1e-6)
    assert record.smallest_eigenvalue > 0
    assert record.predicted_decrease < 1e-12
    assert len(record.names) == len(record.end) == 14


def test_threads_do_not_change_results():
    alone = severity().params
    with ThreadPoolExecutor(4) as pool:
        for params in pool.map(lambda _: severity().params, range(8)):
            assert_allclose(params, alone, rtol=0, atol=0)


def test_blas_limit_is_restored():
    from threadpoolctl import threadpool_info

    def blas():
        return [i["num_threads"] for i in threadpool_info() if i["user_api"] == "blas"]

    before = blas()
    severity()
    assert blas() == before


def test_reml_without_random_effects_is_unbiased_least_squares():
    """sigma^2 = residual sum of squares / (n - p): mathematics."""
    data = reference_data("fungicide")
    fit = gl.glmm("severity_o ~ fungicide + block", data, method="REML")
    X = fit.estimate.design.conditional.X
    y = data["severity_o"].to_numpy()
    rss = np.linalg.lstsq(X, y, rcond=None)[1][0]
    assert fit.dispersion == pytest.approx(rss / (48 - X.shape[1]), rel=1e-8)


@pytest.mark.parametrize(
    ("formula", "family", "llf", "params", "variances"),
    [
        (
            "cbind(germ, n - germ) ~ extract",
            "binomial",
            -62.4085047478,
            [-0.5121760628, 1.0574031133],
            [0.01080533975, 0.02067852816],
        ),
        ("germ ~ extract", "poisson", -164.832339573, [2.6946271808, 0.5278784121], None),
    ],
)
def test_reml_with_nothing_but_coefficients(formula, family, llf, params, variances):
    """Every parameter is integrated; glmmTMB(REML = TRUE) in R 4 gives these numbers."""
    fit = gl.glmm(formula, gl.datasets.load("seed_germination"), family, method="REML")
    assert fit.converged and fit.npar == 2
    assert fit.llf == pytest.approx(llf, abs=1e-8)
    assert_allclose(fit.params, params, atol=1e-8)
    if variances:
        assert_allclose(np.diag(fit.cov_params()), variances, rtol=1e-6)


def test_rank_deficient_designs_drop_later_columns():
    data = reference_data("sleepstudy")
    data["twice"] = 2 * data["Days"]
    with pytest.warns(gl.RankDeficientWarning, match="twice"):
        fit = gl.glmm("Reaction ~ Days + twice + (1 | Subject)", data)
    plain = gl.glmm("Reaction ~ Days + (1 | Subject)", data)
    assert np.isnan(fit.params["twice"])
    assert fit.llf == pytest.approx(plain.llf, abs=1e-8)
    assert fit.npar == plain.npar


@pytest.mark.parametrize("family", ["poisson", "nbinom2", "binomial"])
def test_large_data_have_the_standard_errors_of_central_differences(family, monkeypatch):
    rng = np.random.default_rng(11)
    n = 9_000
    a, b, x = rng.integers(0, 150, n), rng.integers(0, 12, n), rng.normal(size=(n, 3))
    eta = -1 + x @ [0.4, -0.2, 0.1] + rng.normal(0, 0.7, 150)[a] + rng.normal(0, 0.4, 12)[b]
    y = rng.random(n) < 1 / (1 + np.exp(-eta)) if family == "binomial" else rng.poisson(np.exp(eta))
    data = pd.DataFrame({"y": y.astype(int), "a": a, "b": b}).join(pd.DataFrame(x).add_prefix("x"))
    formula = "y ~ x0 + x1 + x2 + (1 | a) + (1 | b)"
    one_sided = gl.glmm(formula, data, family)
    asked = []
    monkeypatch.setattr(settle, "_economical", lambda *_: asked.append(1))
    central = gl.glmm(formula, data, family)
    assert asked
    assert_allclose(one_sided.bse, central.bse, rtol=1e-5)
    assert_allclose(
        np.diag(one_sided.estimate.cov_full), np.diag(central.estimate.cov_full), rtol=3e-5
    )
