"""Predictions against R's predict(): glmmTMB's fitted values and their standard errors."""

from __future__ import annotations

import datetime
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import stats

import glmmlab as gl
from conftest import reference, reference_cases
from glmmlab.inference.predict import population_mean
from r_models import call, fit

CASES = reference_cases()
ZERO_INFLATED = [c for c in CASES if reference(c).get("ziformula")]
# R's own optHess standard errors are off by up to 2.5e-4 (reference/README.md, se_exact);
# sal_zinb2_const has no finite zero-inflation coefficient, so R's Hessian is singular there.
SE_TOLERANCE = 5e-4


def rows(values: object) -> np.ndarray:
    return np.asarray(values, dtype=float)[:10]


@pytest.mark.parametrize("case", CASES)
def test_linear_predictor(case):
    se = np.array(reference(case)["link_se_fit_first10"], dtype=float)
    ours = rows(fit(case).predict(scale="link"))
    assert (np.abs(ours - reference(case)["linear_predictor_first10"]) < 2e-5 * se + 1e-8).all()


@pytest.mark.parametrize("case", CASES)
def test_standard_errors_of_conditional_predictions(case):
    """R's predict(type="link", se.fit=TRUE): uncertainty of coefficients, modes and theta."""
    frame = fit(case).predict(scale="link", se=True)
    assert_allclose(
        rows(frame["se"]), reference(case)["link_se_fit_first10"], rtol=SE_TOLERANCE, atol=2e-6
    )


@pytest.mark.parametrize("case", CASES)
def test_population_predictions_and_their_standard_errors(case):
    """At b = 0 the standard error is sqrt(x V x') of R's covariance (type="link", re.form=NA)."""
    r, m = reference(case), fit(case)
    frame = m.predict(random_effects="population", se=True)
    assert_allclose(rows(frame["estimate"]), r["fitted_population_first10"], rtol=2e-5)
    link = m.predict(random_effects="population", scale="link", se=True)
    X = m.estimate.design.conditional.X[:10]
    V = np.array((r.get("vcov_exact") or r["vcov"])["matrix"], dtype=float).reshape(X.shape[1], -1)
    assert_allclose(rows(link["se"]), np.sqrt(np.einsum("ij,jk,ik->i", X, V, X)), rtol=1e-4)


@pytest.mark.parametrize("case", ZERO_INFLATED)
def test_scales_of_zero_inflated_models(case):
    r, m = reference(case), fit(case)
    assert_allclose(
        rows(m.predict(scale="conditional")), r["fitted_conditional_first10"], rtol=2e-5
    )
    if case != "sal_zinb2_const":  # there pi runs to 0
        zero = m.predict(scale="zero_inflation", se=True)
        assert_allclose(rows(zero["estimate"]), r["fitted_zprob_first10"], rtol=2e-5)
        assert ((zero["lower"] > 0) & (zero["upper"] < 1)).all()
    product = m.predict(scale="conditional") * (1 - m.predict(scale="zero_inflation"))
    assert_allclose(product, m.fittedvalues, rtol=1e-12)


@pytest.mark.parametrize(
    "case",
    ["fung_beta", "cbpp_binom", "sleep_corr_ml", "sleep_uncorr_reml", "pastes_nested_ml",
     "owls_nbinom1_offset", "sal_zip", "sal_nbinom2_dispDOY", "seeds_cloglog_plate"],
)  # fmt: skip
def test_new_data_equal_to_the_old_give_the_same(case):
    m = fit(case)
    for level in ("conditional", "population"):
        old = m.predict(se=True, random_effects=level)
        new = m.predict(call(case)["data"], se=True, random_effects=level)
        assert_allclose(new.to_numpy(), old.loc[new.index].to_numpy(), rtol=1e-8, atol=1e-12)


def test_a_few_new_rows_keep_their_index():
    m = fit("sleep_corr_ml")
    some = call("sleep_corr_ml")["data"].iloc[[100, 3, 50]]
    assert list(m.predict(some).index) == [100, 3, 50]
    assert_allclose(m.predict(some), m.fittedvalues.loc[[100, 3, 50]])


def test_response_standard_errors_are_the_delta_method():
    """On the probability scale dmu = mu (1 - mu) d eta; limits are the link's, transformed."""
    m = fit("cbpp_binom")
    link, response = m.predict(scale="link", se=True), m.predict(se=True)
    mu = response["estimate"]
    assert_allclose(response["se"], mu * (1 - mu) * link["se"], rtol=1e-8)
    assert_allclose(response["lower"], 1 / (1 + np.exp(-link["lower"])), rtol=1e-8)
    assert_allclose(response["upper"], 1 / (1 + np.exp(-link["upper"])), rtol=1e-8)


def test_zero_inflated_response_standard_error_by_hand():
    """d mu(1-pi) = mu (1-pi) x d beta - mu pi (1-pi) z d gamma, at b = 0."""
    m = fit("sal_zip_simple")
    e = m.estimate
    X, Z = e.design.conditional.X, e.design.auxiliary["zero_inflation"].X
    frame = m.predict(random_effects="population", se=True)
    mu, pi = np.exp(X @ m.params), 1 / (1 + np.exp(-Z @ m.params_zero_inflation))
    gradient = np.column_stack(
        [(mu * (1 - pi))[:, None] * X, np.zeros(len(X)), -(mu * pi * (1 - pi))[:, None] * Z]
    )
    by_hand = np.sqrt(np.einsum("ij,jk,ik->i", gradient, e.cov_full, gradient))
    assert_allclose(frame["se"], by_hand, rtol=1e-8)
    assert (frame["lower"] > 0).all()


def test_a_new_group_has_no_effect_but_its_variance():
    """b = 0 and the prior variance added: Var = x V x' + z Sigma z' to first order in theta."""
    m = fit("sleep_int_reml")
    new = pd.DataFrame({"Days": [0.0, 5.0], "Subject": ["new", "other"]})
    frame = m.predict(new, scale="link", se=True)
    population = m.predict(new, scale="link", random_effects="population", se=True)
    assert_allclose(frame["estimate"], population["estimate"])
    variance = m.random_covariance["Subject"].iloc[0, 0]
    assert_allclose(frame["se"] ** 2, population["se"] ** 2 + variance, rtol=1e-6)


def test_a_new_level_of_a_fixed_factor_is_an_error():
    data = call("fung_beta")["data"].iloc[:2].astype({"fungicide": str}).assign(fungicide="99")
    with pytest.raises(gl.UnknownLevelError, match="99"):
        fit("fung_beta").predict(data)


def test_a_missing_column_is_an_error():
    data = call("fung_beta")["data"].drop(columns="fungicide")
    with pytest.raises(gl.UnknownColumnError, match="fungicide"):
        fit("fung_beta").predict(data)


def test_unknown_choices_are_errors():
    m = fit("fung_beta")
    for wrong in ({"scale": "mean"}, {"random_effects": "none"}, {"scale": "zero_inflation"}):
        with pytest.raises(gl.UnknownNameError):
            m.predict(**wrong)
    with pytest.raises(gl.UnknownNameError, match="level"):
        m.predict(se=True, level=95)
    with pytest.raises(gl.DataError, match="DataFrame"):
        m.predict([1.0, 2.0])


def test_an_offset_argument_is_found_again_or_replaced():
    data = call("owls_poisson_offset")["data"]
    with_argument = gl.glmm(
        "SiblingNegotiation ~ FoodTreatment * SexParent + (1 | Nest)",
        data, "poisson", offset="logBroodSize",
    )  # fmt: skip
    assert_allclose(with_argument.llf, reference("owls_poisson_offset")["logLik"], atol=1e-6)
    assert_allclose(with_argument.predict(data), with_argument.fittedvalues, rtol=1e-9)
    per_chick = with_argument.predict(data, offset=0.0)
    assert_allclose(per_chick * np.exp(data["logBroodSize"]), with_argument.fittedvalues, rtol=1e-9)
    with pytest.raises(gl.UnknownColumnError, match="logBroodSize"):
        with_argument.predict(data.drop(columns="logBroodSize"))


def test_an_offset_that_was_an_array_must_be_given_again():
    data = call("owls_poisson_offset")["data"]
    m = gl.glmm("SiblingNegotiation ~ 1", data, "poisson", offset=data["logBroodSize"].to_numpy())
    with pytest.raises(gl.DataError, match="array"):
        m.predict(data)
    again = m.predict(data, offset=data["logBroodSize"].to_numpy())
    assert_allclose(again, m.fittedvalues)
    with pytest.raises(gl.DataError, match="shape"):
        m.predict(data, offset=[1.0, 2.0])


def test_trials_and_offsets_of_new_rows_by_name():
    """A column's name gives what its values give."""
    cows = fit("cbpp_binom")
    data = call("cbpp_binom")["data"].head(4).assign(text=list("abcd"))
    ask = {"interval": "prediction", "seed": 1}
    by_name = cows.predict(data, trials="size", **ask)
    pd.testing.assert_frame_equal(by_name, cows.predict(data, trials=data["size"], **ask))
    own = cows.predict(**ask)
    pd.testing.assert_frame_equal(own, cows.predict(trials="size", **ask))
    with pytest.raises(gl.UnknownColumnError, match="'Size', used in trials=: did you mean 'size'"):
        cows.predict(data, trials="Size", **ask)
    with pytest.raises(gl.DataError, match="trials='text' is a column of labels"):
        cows.predict(data, trials="text", **ask)
    with pytest.raises(gl.DataError, match=r"trials= has shape \(2,\)"):
        cows.predict(data, trials=[5, 5], **ask)
    # as many new rows as in the fit: their numbers of trials are not those of the fit
    with pytest.raises(gl.DataError, match="trials of the new"):
        cows.predict(call("cbpp_binom")["data"], **ask)
    with pytest.raises(gl.DataError, match="offset='text' is a column of labels"):
        cows.predict(data, offset="text")
    with pytest.raises(gl.DataError, match=r"offset=datetime.* is neither a column's name nor"):
        cows.predict(data, offset=datetime.date(2020, 1, 1))


def test_missing_values_in_new_rows_give_missing_predictions():
    data = call("sleep_corr_ml")["data"].head(4).copy()
    data.loc[data.index[2], "Days"] = np.nan
    frame = fit("sleep_corr_ml").predict(data, se=True)
    assert frame.isna().any(axis=1).tolist() == [False, False, True, False]
    complete = data.dropna()  # the other rows are what they are without the missing one
    whole = fit("sleep_corr_ml").predict(complete, se=True)
    pd.testing.assert_frame_equal(frame.dropna(), whole)


@pytest.mark.parametrize("case", ["sleep_corr_ml", "fung_beta", "sal_zip"])
def test_no_new_rows_give_no_predictions(case):
    empty = call(case)["data"].iloc[:0]
    assert len(fit(case).predict(empty)) == 0
    for level in ("conditional", "population"):
        frame = fit(case).predict(empty, se=True, random_effects=level)
        assert frame.shape == (0, 4)


def test_population_mean_counts_successes():
    m = fit("cbpp_binom")
    share = m.predict(random_effects="population")
    assert_allclose(population_mean(m.estimate), share * call("cbpp_binom")["data"]["size"])


@pytest.mark.parametrize("case", ["sleep_corr_ml", "sal_nbinom2", "cbpp_binom"])
def test_limits_of_new_observations_where_rows_are_missing(case):
    """Missing limits there, and the same draws elsewhere, whatever the family draws with."""
    data = call(case)["data"].head(4).copy()
    trials = data["size"] if case == "cbpp_binom" else None
    predictor = {"sleep_corr_ml": "Days", "sal_nbinom2": "mined", "cbpp_binom": "period"}[case]
    ask = {"interval": "prediction", "trials": trials, "seed": 1}
    whole = fit(case).predict(data, **ask)
    data[predictor] = data[predictor].mask([False, False, True, False])
    holed = fit(case).predict(data, **ask)
    assert holed.isna().all(axis=1).tolist() == [False, False, True, False]
    pd.testing.assert_frame_equal(holed.dropna(), whole.iloc[[0, 1, 3]])
    ask["trials"] = None if trials is None else 5
    assert fit(case).predict(data.iloc[[2]], **ask).isna().all(axis=None)


# glmmTMB 1.1.5: count ~ mined + cover + (1 | site), zi = ~ mined, at ("no", -0.5) and ("yes", 1);
# predict(., type = "conditional", re.form = NA, se.fit = TRUE)
HURDLES = {
    "truncated_poisson": ([4.303391790, 1.591063936], [0.2949364975, 0.1168151460]),
    "truncated_nbinom2": ([4.28366156, 1.61220301], [0.3802975424, 0.1500459575]),
}


@pytest.mark.parametrize("family", HURDLES)
def test_conditional_mean_of_truncated_counts(family):
    """That of the counts above zero, so that times the chance of one it is E(y)."""
    data = gl.datasets.load("salamanders")
    hurdle = gl.glmm("count ~ mined + cover + (1 | site)", data, family, zero_inflation="~ mined")
    new = pd.DataFrame({"mined": ["no", "yes"], "cover": [-0.5, 1.0]})
    options = {"newdata": new, "random_effects": "population"}
    frame = hurdle.predict(scale="conditional", se=True, **options)
    assert_allclose(frame["estimate"], HURDLES[family][0], rtol=1e-5)
    assert_allclose(frame["se"], HURDLES[family][1], rtol=1e-3)
    chance = 1.0 - hurdle.predict(scale="zero_inflation", **options)
    assert_allclose(frame["estimate"] * chance, hurdle.predict(scale="response", **options))
    averaged = {"random_effects": "marginal"}
    by_hand = hurdle.predict(new, scale="response", **averaged)
    conditional = hurdle.predict(new, scale="conditional", **averaged)
    assert_allclose(conditional * chance, by_hand, rtol=1e-8)
    means = hurdle.emmeans("mined", component="cmean", at={"cover": [1.0]}).frame
    bare = means.set_index("mined").loc[["yes"]]
    assert_allclose(bare["estimate"], HURDLES[family][0][1], rtol=1e-5)
    assert_allclose(bare["se"], HURDLES[family][1][1], rtol=1e-3)
    assert "above zero" in str(hurdle.emmeans("mined", component="cmean"))
    assert "before truncation" in str(hurdle.emmeans("mined", type="response"))


def level_without_zeros():
    """Counts of which level a has no more zeros than Poisson's: its inflation runs to 0."""
    rng = np.random.default_rng(3)
    data = pd.DataFrame({"f": np.tile(list("abc"), 60)})
    counts = rng.poisson(8, 180)
    inflated = (data["f"] != "a") & (rng.random(180) < 0.3)
    return data.assign(y=np.where(inflated, 0, counts))


def test_new_observations_where_a_part_is_at_its_end():
    """Level a is Poisson: its interval is that of the distribution's own quantiles, or so."""
    with pytest.warns(gl.SeparationWarning):
        fit = gl.glmm("y ~ 1", level_without_zeros(), "poisson", zero_inflation="~ f")
    rows = pd.DataFrame({"f": list("ab")})
    with pytest.warns(gl.InferenceWarning, match="in row 0 takes the zero inflation as known"):
        limits = fit.predict(rows, interval="prediction", seed=1)
    mean = float(np.exp(fit.params["Intercept"]))
    assert np.abs(limits.loc[0, "lower"] - stats.poisson.ppf(0.025, mean)) <= 1
    assert np.abs(limits.loc[0, "upper"] - stats.poisson.ppf(0.975, mean)) <= 1
    assert limits.loc[1, "lower"] == 0


def test_no_limits_of_an_inflation_without_standard_error():
    data = level_without_zeros().query("f == 'a'")
    with pytest.warns(gl.BoundaryWarning):
        fit = gl.glmm("y ~ 1", data, "poisson", zero_inflation="~ 1")
    frame = fit.predict(data.head(2), scale="zero_inflation", se=True)
    assert frame["estimate"].notna().all()
    assert frame[["se", "lower", "upper"]].isna().all(axis=None)
    mean = fit.predict(data.head(1), se=True)["se"].iloc[0]
    assert_allclose(mean, np.sqrt(data["y"].mean() / len(data)), rtol=1e-6)
    table = fit.emmeans("1", component="response").frame
    assert_allclose(table["se"], mean, rtol=1e-6)


@pytest.mark.parametrize("random_effects", ["population", "marginal"])
def test_limits_of_shares_are_shares(random_effects):
    rng = np.random.default_rng(11)
    x = np.linspace(-1, 1, 24)
    mu = 1 / (1 + np.exp(-(3 + 1.5 * x)))
    y = np.clip(rng.beta(mu * 20, (1 - mu) * 20), 1e-6, 1 - 1e-6)
    y[3] = 0
    rows = pd.DataFrame({"x": [1.0, 2.0]})
    fit = gl.glmm("y ~ x", pd.DataFrame({"x": x, "y": y}), "beta", zero_inflation="~ 1")
    frame = fit.predict(rows, se=True, random_effects=random_effects)
    assert (frame["lower"] > 0).all() and (frame["upper"] < 1).all()
    # without zeros ordered beta is beta, and so are its limits but for their scale's curvature
    inside = pd.DataFrame({"x": x, "y": y}).query("y > 0")
    with pytest.warns(gl.BoundaryWarning):
        ordered = gl.glmm("y ~ x", inside, "ordbeta").predict(rows, se=True)
    plain = gl.glmm("y ~ x", inside, "beta").predict(rows, se=True)
    assert_allclose(ordered, plain, rtol=1e-4)


def test_no_proportion_of_no_trials():
    data = pd.DataFrame({"n": [0, 10, 10, 12], "y": [0, 3, 4, 6]})
    frame = gl.glmm("cbind(y, n - y) ~ 1", data, "binomial").predict(interval="prediction", seed=1)
    assert frame["lower"].isna().tolist() == [True, False, False, False]


@pytest.mark.parametrize("family", ["nbinom1", "nbinom2", "truncated_nbinom1", "genpois"])
def test_a_level_without_extra_spread_has_an_interval(family):
    rng = np.random.default_rng(3)
    f = np.tile(["a", "b"], 90)
    y = 1 + np.where(f == "a", rng.poisson(6, 180), rng.negative_binomial(2, 0.3, 180))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gl.GlmmlabWarning)
        fit = gl.glmm("y ~ f", pd.DataFrame({"f": f, "y": y}), family, dispersion="~ f")
        frame = fit.predict({"f": ["a", "b"]}, interval="prediction", seed=1)
    assert (frame["lower"] <= frame["estimate"]).all()
    assert (frame["upper"] >= frame["estimate"]).all() and (frame["upper"] < 60).all()
