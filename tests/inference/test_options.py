"""What the options of a table do to its numbers, from their definitions (mathematics)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.stats import norm

import glmmlab as gl
from r_models import fit

SEEDS = gl.datasets.load("seed_germination")


@pytest.fixture(scope="module")
def germination() -> gl.Fit:
    return gl.glmm("cbind(germ, n - germ) ~ extract * gen", SEEDS, "binomial")


@pytest.fixture(scope="module")
def curve() -> gl.Fit:
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"x": np.linspace(0, 10, 30)})
    data["y"] = 1 + data["x"] + 0.3 * data["x"] ** 2 + rng.normal(size=30)
    return gl.glmm("y ~ x + I(x^2)", data)


# ------------------------------------------------------------------------------------- levels


@pytest.mark.parametrize("level", [0.5, 0.9, 0.999])
def test_levels_of_wald_limits_are_quantiles(germination, level):
    z = norm.ppf(0.5 + level / 2)
    for frame in (
        germination.emmeans("gen", level=level).frame,
        germination.emmeans("gen").conf_int(level).frame,
        germination.emmeans("gen").cld(level=level).sort_values("gen"),
        germination.predict(scale="link", se=True, level=level),
    ):
        assert_allclose(frame["upper"] - frame["estimate"], z * frame["se"], rtol=1e-10)
        assert_allclose(frame["estimate"] - frame["lower"], z * frame["se"], rtol=1e-10)
    limits = germination.conf_int(level)
    assert_allclose(limits["upper"], germination.params + z * germination.bse, rtol=1e-10)


def test_lower_levels_of_a_profile_are_read_from_it(germination):
    read = germination.profile("conditional", level=0.99).conf_int(0.8)
    solved = germination.profile("conditional", level=0.8).conf_int()
    assert_allclose(read, solved, atol=1e-4)
    default = germination.profile("conditional", level=0.8).conf_int(0.8)
    pd.testing.assert_frame_equal(solved, default)


def test_bootstrap_limits_of_conf_int_are_those_of_its_seed(germination):
    asked = germination.conf_int(method="bootstrap", n=6, seed=2, level=0.5)
    pd.testing.assert_frame_equal(
        asked, germination.bootstrap(6, seed=2).conf_int(0.5)[["lower", "upper"]]
    )


# ------------------------------------------------------------------------------------ letters


def test_letters_are_given_below_alpha_and_not_at_it(germination):
    em = germination.emmeans("gen")
    p = em.pairs().frame["p"].iloc[0]
    assert em.cld(alpha=p)["group"].tolist() == ["a", "a"]
    assert em.cld(alpha=p * (1 + 1e-9))["group"].tolist() == ["a", "b"]
    assert em.cld(level=1 - p * 1.01)["group"].tolist() == ["a", "b"]  # 1 - level by default
    assert em.cld(level=1 - p * 0.99)["group"].tolist() == ["a", "a"]


def test_reversed_letters_begin_with_the_largest_mean():
    em = fit("fung_beta").emmeans("fungicide")
    up, down = em.cld(), em.cld(reversed=True)
    assert up["estimate"].is_monotonic_increasing and down["estimate"].is_monotonic_decreasing
    assert "a" in up["group"].iloc[0] and "a" in down["group"].iloc[0]
    share = [
        {
            (one, other): bool(set(a) & set(b))
            for one, a in zip(table["fungicide"], table["group"], strict=True)
            for other, b in zip(table["fungicide"], table["group"], strict=True)
        }
        for table in (up, down)
    ]
    assert share[0] == share[1]


# ------------------------------------------------------------------------------- null, slopes


def test_a_null_that_is_not_zero_has_a_column(germination):
    em = germination.emmeans("gen")
    assert "null" not in em.test().frame
    tested = em.test(null=0.1).frame
    assert tested["null"].tolist() == [0.1, 0.1]
    assert_allclose(tested["statistic"], (tested["estimate"] - 0.1) / tested["se"])


def test_slopes_are_difference_quotients_over_a_thousandth_of_the_range(curve):
    """[X(x + d) - X(x)] / d of x and x^2 is 1 and 2x + d; d = 10 / 1000 by default."""
    for options, step in (({}, 0.01), ({"delta": 0.5}, 0.5), ({"delta": -0.5}, -0.5)):
        for x in (0.0, 4.0):
            slope = curve.emtrends("1", "x", at={"x": x}, **options).frame["estimate"].iloc[0]
            expected = curve.params.iloc[1] + curve.params.iloc[2] * (2 * x + step)
            assert slope == pytest.approx(expected, rel=1e-9)


# -------------------------------------------------------------------------- numbers of the fit


def test_criteria_of_the_comparison_are_those_of_the_fits(germination):
    other = gl.glmm("cbind(germ, n - germ) ~ 1", SEEDS, "binomial")
    table = germination.compare(other)
    assert table.frame.columns.tolist() == [
        "npar", "aic", "bic", "llf", "minus2llf", "chisq", "df", "p",
    ]  # fmt: skip
    assert_allclose(table.frame["minus2llf"], -2 * table.frame["llf"])
    for name, one in (("model 1", germination), ("model 2", other)):
        assert one.aic == pytest.approx(-2 * one.llf + 2 * one.npar)
        assert one.bic == pytest.approx(-2 * one.llf + one.npar * np.log(one.nobs))
        assert table.frame.loc[name, ["aic", "bic"]].tolist() == [one.aic, one.bic]
        assert one.estimate.design.formula in table.formulas[name]
        assert one.df_resid == one.nobs - one.npar


def test_a_dispersion_formula_leaves_no_single_dispersion():
    disease = gl.datasets.load("disease_severity")
    one = gl.glmm("severity ~ fungicide", disease, "beta")
    assert one.params_dispersion.empty and one.bse_dispersion.empty
    assert one.params_zero_inflation.empty and one.bse_zero_inflation.empty
    disease["high"] = pd.Categorical(np.where(disease["fungicide"].cat.codes > 5, "y", "n"))
    many = gl.glmm("severity ~ fungicide", disease, "beta", dispersion="~ high")
    assert np.isnan(many.dispersion)
    assert many.params_dispersion.index.tolist() == ["Intercept", "high[T.y]"]
    assert many.conf_int(parameters="dispersion").index.tolist() == ["Intercept", "high[T.y]"]


def test_variance_shares_from_the_rows_of_the_table():
    shares = fit("seeds_binom_plate").variance_decomposition()
    fixed, plate, row = shares.frame["variance"]
    assert_allclose(shares.frame["share"], shares.frame["variance"] / (fixed + plate + row))
    assert shares.icc == pytest.approx(plate / (plate + row))
    assert shares.icc_unadjusted == pytest.approx(plate / (fixed + plate + row))
    assert shares.r2_marginal == pytest.approx(fixed / (fixed + plate + row))
    assert shares.r2_conditional == pytest.approx((fixed + plate) / (fixed + plate + row))
    assert row == pytest.approx(np.pi**2 / 3)


def test_prior_weights_do_not_enter_simulated_responses():
    plain = gl.glmm("germ ~ gen", SEEDS, "poisson").estimate
    doubled = replace(plain, design=replace(plain.design, weights=np.full(21, 2.0)))
    draws = [gl.Fit(one).simulate(3, seed=1) for one in (plain, doubled)]
    np.testing.assert_array_equal(*draws)


def test_statistics_of_a_bootstrap_are_named_by_what_they_are(germination):
    def names(statistic):
        return germination.bootstrap(2, statistic, seed=1).frame.columns.tolist()

    assert names(lambda f: f.llf) == ["statistic"]
    assert names(lambda f: np.array([f.llf, f.aic])) == ["statistic 1", "statistic 2"]
    assert names(lambda f: {"a": f.llf}) == ["a"]
    assert names(lambda f: f.params) == germination.params.index.tolist()
    with pytest.raises(gl.DataError, match="statistic= gives 'text'"):
        germination.bootstrap(2, lambda f: "text")


def test_the_summary_of_a_bootstrap(germination):
    boot = germination.bootstrap(5, lambda f: f.params["Intercept"], seed=1)
    values, row = boot.frame["statistic"], boot.summary.loc["statistic"]
    assert row["estimate"] == germination.params["Intercept"]
    assert row["bias"] == pytest.approx(values.mean() - row["estimate"])
    assert row["se"] == pytest.approx(values.std(ddof=1))


def test_a_report_says_the_same_twice_and_nothing_of_checks_not_made(germination):
    assert germination.report().text == germination.report(seed=1).text
    assert "esidual" not in germination.report(checks=False).text
    assert "90% Wald" in germination.report(level=0.9, checks=False).text
