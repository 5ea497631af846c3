"""What inference promises whatever the model: coding, supports, agreement of its own parts."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import glmmlab as gl
from glmmlab import links
from glmmlab.inference.transformation import from_link
from r_models import fit

CODINGS = ("{}", "C({}, contr.sum)", "C({}, contr.helmert)")
SEEDS = gl.datasets.load("seed_germination")
DISEASE = gl.datasets.load("disease_severity")


# ---------------------------------------------------- treatment, sum and Helmert coding agree


def coded_fits(formula: str, factors: list[str], **arguments: Any) -> list[gl.Fit]:
    fits = []
    for coding in CODINGS:
        names = {name: coding.format(name) for name in factors}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", gl.SingularFitWarning)
            fits.append(gl.glmm(formula.format(**names), **arguments))
    return fits


@pytest.fixture(scope="module")
def germination() -> list[gl.Fit]:
    formula = "cbind(germ, n - germ) ~ {extract} * {gen} + (1 | plate)"
    return coded_fits(formula, ["extract", "gen"], data=SEEDS, family="binomial")


@pytest.fixture(scope="module")
def severity() -> list[gl.Fit]:
    return coded_fits(
        "severity ~ {fungicide} + (1 | block)", ["fungicide"], data=DISEASE, family="beta"
    )


def test_the_fit_itself_does_not_depend_on_the_coding(germination, severity):
    for fits in (germination, severity):
        for other in fits[1:]:
            assert_allclose(other.llf, fits[0].llf, atol=1e-7)
            assert list(other.params.index) != list(fits[0].params.index)


@pytest.mark.parametrize("type_", ["link", "response"])
def test_means_and_letters_do_not_depend_on_the_coding(germination, severity, type_):
    for fits, specs, by in ((germination, "extract", "gen"), (severity, "fungicide", None)):
        first = fits[0].emmeans(specs, by=by, type=type_)
        for other in fits[1:]:
            em = other.emmeans(specs, by=by, type=type_)
            pd.testing.assert_frame_equal(em.frame, first.frame, rtol=1e-5)
            assert_allclose(em.pairs().frame["p"], first.pairs().frame["p"], rtol=1e-3, atol=1e-9)
            assert em.cld()["group"].tolist() == first.cld()["group"].tolist()


def test_joint_tests_and_type_two_do_not_depend_on_the_coding(germination, severity):
    for fits in (germination, severity):
        for tests in (gl.Fit.joint_tests, gl.Fit.anova):
            first = tests(fits[0]).frame
            for other in fits[1:]:
                frame = tests(other).frame
                assert_allclose(frame["chisq"], first["chisq"], rtol=1e-4)
                assert frame["df"].tolist() == first["df"].tolist()


def test_type_three_does_depend_on_it(germination):
    """Only sum and Helmert coding, whose columns are orthogonal to the mean, agree."""
    treatment, sums, helmert = (m.anova(type=3).frame["chisq"].to_numpy() for m in germination)
    assert_allclose(sums[1:], helmert[1:], rtol=1e-4)
    assert abs(treatment[1] / sums[1] - 1) > 0.1
    joint = germination[0].joint_tests().frame["chisq"].to_numpy()
    assert_allclose(sums[1:], joint, rtol=1e-4)


# ----------------------------------------------------------- limits stay inside the support

SUPPORTS = {"logit": (0, 1), "probit": (0, 1), "cloglog": (0, 1), "log": (0, np.inf)}


@settings(max_examples=60)
@given(
    st.sampled_from(sorted(SUPPORTS)), st.floats(-30, 30), st.floats(0, 8), st.floats(0.5, 0.999)
)
def test_back_transformed_limits_stay_inside_the_support(name, eta, se, level):
    transformation = from_link(links.get(name))
    from scipy.special import ndtri

    half = np.array([ndtri(0.5 + level / 2) * se])
    lower, upper = transformation.limits(np.array([eta]) - half, np.array([eta]) + half)
    low, high = SUPPORTS[name]
    value = transformation.inverse(np.array([eta]))
    assert low <= lower[0] <= value[0] <= upper[0] <= high


@pytest.mark.parametrize(
    ("case", "specs", "high"),
    [
        ("fung_beta", "fungicide", 1.0),
        ("seeds_cloglog", ["extract", "gen"], 1.0),
        ("cbpp_betabinom", "period", 1.0),
        ("sal_nbinom2", ["spp", "mined"], np.inf),
    ],
)
def test_limits_of_fits_stay_inside_the_support(case, specs, high):
    for level in (0.95, 0.99999):
        frame = fit(case).emmeans(specs, type="response", level=level).frame
        assert (frame["lower"] > 0).all() and (frame["upper"] < high).all()
        assert (frame["lower"] < frame["estimate"]).all()


# ------------------------------------------------------ E(y) of means and of predictions agree


@pytest.mark.parametrize(
    ("family", "zero_inflation", "positive"),
    [
        ("poisson", "~ 1", False),
        ("nbinom2", "~ x", False),
        ("truncated_poisson", None, True),
        ("truncated_poisson", "~ x", False),
        ("truncated_nbinom2", "~ 1", False),
    ],
)
def test_expected_response_is_the_population_prediction(family, zero_inflation, positive):
    rng = np.random.default_rng(5)
    data = pd.DataFrame({"x": np.tile(list("abc"), 100)})
    mu = np.repeat([[1.2, 1.8, 3.5]], 100, axis=0).ravel()
    data["y"] = rng.negative_binomial(2, 2 / (2 + mu)) * (rng.random(300) > 0.2)
    if positive:
        data = data[data["y"] > 0]
    m = gl.glmm("y ~ x", data=data, family=family, zero_inflation=zero_inflation)
    new = pd.DataFrame({"x": list("abc")})
    means = m.emmeans("x", component="response").frame
    for conditioning in ("population", "conditional"):  # the same: there are no random effects
        predicted = m.predict(new, random_effects=conditioning, se=True)
        assert_allclose(means["estimate"], predicted["estimate"], rtol=1e-10)
        assert_allclose(means["se"], predicted["se"], rtol=1e-6)


# --------------------------------------------------------------------- bias adjustment, words


def test_the_bias_adjustment_takes_the_total_standard_deviation():
    m = fit("sal_poisson")
    sigma = float(np.sqrt(m.random_covariance["site"].iloc[0, 0]))
    plain = m.emmeans("spp", type="response").frame
    adjusted = m.emmeans("spp", type="response", bias_adjust=True).frame
    assert_allclose(adjusted["estimate"], plain["estimate"] * (1 + sigma**2 / 2))  # log link
    given = m.emmeans("spp", type="response", bias_adjust=True, sigma=sigma).frame
    pd.testing.assert_frame_equal(adjusted, given)


def test_the_bias_adjustment_with_slopes_needs_sigma():
    with pytest.raises(gl.DataError, match="sigma="):
        fit("sleep_corr_ml").emmeans("Days", bias_adjust=True)


def test_tables_name_random_effects_only_where_there_are_some():
    assert "random effects = 0" in str(fit("fung_beta").emmeans("fungicide"))
    assert "random effects" not in str(fit("seeds_binom").emmeans("extract"))
    assert "random effects" not in str(fit("seeds_binom").emmeans("extract").pairs())


# ------------------------------------------------------------------------ reached from the fit


def test_slopes_and_hypotheses_are_methods_of_the_fit():
    m = fit("sal_poisson")
    tests = m.test_hypotheses({"mined": "mined[T.no] = 0"}, adjust="none")
    assert_allclose(tests.frame["statistic"], m.zvalues["mined[T.no]"])
    free = m.test_hypotheses(["mined[T.no]", "spp[T.PR]"], adjust="free").frame["p"]
    single = m.test_hypotheses(["mined[T.no]", "spp[T.PR]"]).frame["p"]
    assert (free <= single + 1e-6).all()
    sleep = fit("sleep_corr_ml")
    days = sleep.test_hypotheses(pd.DataFrame({"Days": [1.0]}, index=["slope"]), rhs=10.0)
    assert_allclose(days.frame["estimate"], sleep.params["Days"])
    assert days.frame["null"].tolist() == [10.0]


def test_joint_tests_by_a_factor_are_tests_of_the_simple_contrasts():
    m = fit("seeds_binom")
    tests = m.joint_tests(by="gen").frame
    pairs = m.emmeans("extract", by="gen").pairs().frame
    assert_allclose(tests["chisq"], pairs["statistic"] ** 2, rtol=1e-9)


@pytest.mark.parametrize("component", ["zero_inflation"])
def test_terms_of_other_parts(component):
    m = fit("sal_zip")
    tested = m.anova(component=component).frame
    assert tested["df"].tolist() == m.joint_tests(component=component).frame["df"].tolist()


# ------------------------------------------------------------- outside what the model can answer


@pytest.fixture(scope="module")
def log_dose() -> gl.Fit:
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"x": rng.uniform(1, 5, 60), "f": list("ab") * 30, "t": 2.0})
    data["y"] = rng.poisson(np.exp(0.3 * data["x"]))
    return gl.glmm("y ~ log(x) * f + offset(log(t))", data, "poisson")


@pytest.mark.parametrize(
    "question",
    [
        lambda m: m.emmeans("f", at={"x": [0, 1]}),
        lambda m: m.emtrends("f", "x", at={"x": 0}),
        lambda m: m.predict({"x": [1.0, 0.0], "f": ["a", "a"], "t": [2.0, 2.0]}),
    ],
)
def test_a_predictor_without_a_logarithm_is_named(log_dose, question):
    with pytest.raises(gl.DataError, match=r"log\(x\) has no finite value in row.*x = 0"):
        question(log_dose)


def test_offsets_without_a_logarithm(log_dose):
    new = {"x": [1.0, 2.0], "f": ["a", "a"], "t": [0.0, 2.0]}
    assert log_dose.predict(new).iloc[0] == 0.0  # nothing is counted in no time
    with pytest.raises(gl.DataError, match=r"log\(t\) has no finite value in row 1"):
        log_dose.predict(new | {"t": [2.0, -1.0]})
    with pytest.raises(gl.DataError, match="the offset is not finite"):
        log_dose.emmeans("t", at={"t": [0.0, 2.0]})


def test_missing_predictors_give_missing_predictions_still(log_dose):
    new = {"x": [np.nan, 2.0], "f": ["a", "a"], "t": [2.0, 2.0]}
    assert log_dose.predict(new).isna().tolist() == [True, False]


@pytest.fixture(scope="module")
def steep() -> gl.Fit:
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"x": rng.uniform(1, 5, 60), "f": list("ab") * 30})
    data["g"] = np.repeat(list("uvwxyz"), 10)
    data["y"] = rng.poisson(np.exp(0.3 * data["x"] + np.repeat(rng.normal(size=6), 10)))
    return gl.glmm("y ~ x * f + (1 | g)", data, "poisson")


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("random_effects", ["conditional", "population", "marginal"])
def test_a_mean_beyond_all_numbers_is_told(steep, random_effects):
    new = {"x": [1.0, 1e5, -1e5], "f": list("aaa"), "g": list("uuu")}
    with pytest.warns(gl.ExtrapolationWarning, match="row 1 is beyond") as told:
        means = steep.predict(new, random_effects=random_effects, se=True)
    assert told[0].filename == __file__
    assert means["estimate"].iloc[1] > 1e300 and means["estimate"].iloc[2] == 0.0


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_means_and_slopes_beyond_all_numbers_leave_the_others_alone(steep):
    em = steep.emmeans("x", at={"x": [1, 1e4]}, type="response")
    near = steep.emmeans("x", at={"x": 1}, type="response")
    for transform in ("response", "log"):
        both, one = em.regrid(transform).frame, near.regrid(transform).frame
        assert np.isnan(both.loc[1, "estimate"])
        assert_allclose(both.loc[0, "estimate":], one.loc[0, "estimate":])
    slopes = steep.emtrends("f", "x", at={"x": 1e4}, type="response").frame
    assert slopes["estimate"].isna().all()
