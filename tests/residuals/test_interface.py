"""The residuals object as users meet it: checks, options, texts, figures."""

from __future__ import annotations

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy import stats

import glmmlab.residuals as residuals
from glmmlab.errors import (
    DataError,
    InferenceWarning,
    ResponseError,
    UnknownColumnError,
    UnknownNameError,
)
from glmmlab.residuals.categorical import categorical_test

N = 80


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def poisson(seed: int = 1, n: int = N, data: pd.DataFrame | None = None, **options):
    rng = np.random.default_rng(seed)
    mu = np.linspace(1, 6, n)
    return residuals.from_simulations(
        rng.poisson(mu), rng.poisson(mu, (100, n)), mu, True, seed=seed, data=data, **options
    )


@pytest.fixture
def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "dose": np.linspace(0, 1, N),
            "plot": pd.Categorical(["b", "a"] * (N // 2), categories=["b", "a"]),
            "day": np.random.default_rng(0).permutation(N),
            "x": np.repeat(np.arange(10), 8),
            "y": np.tile(np.arange(8), 10),
        }
    )


def overdispersed(factor: float, seed: int = 3):
    rng = np.random.default_rng(seed)
    mu = np.full(200, 5.0)
    y = rng.normal(mu, factor)
    return residuals.from_simulations(y, rng.normal(mu, 1, (250, 200)), mu, False, seed=1)


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        ({"observed": [1.0, np.nan, 2.0]}, ResponseError, "row 1"),
        ({"observed": [[1.0, 2.0]]}, ResponseError, "shape"),
        ({"observed": ["a", "b", "c"]}, ResponseError, "numeric"),
        ({"simulated": np.ones((3, 5))}, DataError, "transposed"),
        ({"simulated": np.ones((1, 3))}, DataError, "At least 2 simulations"),
        ({"simulated": np.ones(3)}, DataError, "matrix"),
        ({"simulated": np.array([[1, 2, 3], [1, np.nan, 3]])}, DataError, "row 1"),
        ({"fitted": [1.0, 2.0]}, DataError, "3 rows"),
        ({"fitted": [1.0, 2.0, np.inf]}, DataError, "row 2"),
        ({"method": "PIT"}, UnknownNameError, "'pit'"),
        ({"rotation": np.eye(2)}, DataError, "rotation"),
        ({"rotation": -np.eye(3)}, DataError, "positive definite"),
        ({"data": pd.DataFrame({"a": [1]})}, DataError, "1 rows"),
    ],
)
def test_bad_input_is_refused_with_a_reason(change, error, text):
    good = {
        "observed": [1.0, 2.0, 3.0],
        "simulated": np.arange(12.0).reshape(4, 3),
        "fitted": [1.0, 2.0, 3.0],
        "integer": False,
    }
    if "transposed" in text:
        change = {"simulated": np.ones((3, 5)), "observed": [1.0, 2.0, 3.0]}
    with pytest.raises(error, match=text):
        residuals.from_simulations(**(good | change))


def test_infinite_simulations_are_told():
    s = np.ones((3, 2)) * np.array([[1], [2], [np.inf]])
    with pytest.warns(InferenceWarning, match="infinite"):
        res = residuals.from_simulations([1.5, 5.0], s, [1, 1], False)
    np.testing.assert_allclose(res.scaled, [1 / 3, 2 / 3])


def test_traditional_notices_counts_called_continuous():
    with pytest.warns(InferenceWarning, match="treated as counts"):
        residuals.from_simulations([1, 2], np.ones((5, 2)), [1, 1], False, method="traditional")
    with pytest.warns(InferenceWarning, match="not randomised"):
        residuals.from_simulations(
            [1, 2], np.full((5, 2), 1.5), [1, 1], False, method="traditional"
        )


def test_same_seed_same_residuals_and_asking_twice():
    a, b, c = poisson(1), poisson(1), poisson(1)
    np.testing.assert_array_equal(a.scaled, b.scaled)
    assert a.test_outliers().p == a.test_outliers().p == c.test_outliers().p
    assert a.test_quantiles().p == b.test_quantiles().p
    assert not np.array_equal(a.scaled, poisson(2).scaled)


def test_ties_are_not_broken_by_the_numbers_that_made_the_data():
    """Counts drawn with the seed that the residuals get: still uniform."""
    p = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        y, s = rng.poisson(0.5, 100), rng.poisson(0.5, (100, 100))
        res = residuals.from_simulations(y, s, np.full(100, 0.5), True, seed=seed)
        p.append(res.test_uniformity().p)
    assert 0.2 < np.mean(np.array(p) < 0.5) < 0.8 and np.mean(np.array(p) < 0.05) < 0.2


def test_numbers_belong_to_the_residuals():
    res = poisson()
    with pytest.raises(ValueError, match="read-only"):
        res.scaled[0] = 0.5


def test_a_model_of_statsmodels():
    """Counts with a quadratic term; statsmodels fits the wrong line, then the right curve."""
    import statsmodels.api as sm

    rng = np.random.default_rng(4)
    x = np.linspace(-1, 1, 300)
    y = rng.poisson(np.exp(1 + x + 1.5 * x**2))
    p = []
    for design in (np.c_[np.ones(300), x], np.c_[np.ones(300), x, x**2]):
        fit = sm.GLM(y, design, family=sm.families.Poisson()).fit()
        draws = fit.get_distribution().rvs((250, 300), random_state=np.random.default_rng(1))
        res = residuals.from_simulations(
            y,
            draws,
            fit.fittedvalues,
            integer=True,
            seed=1,
            pearson=fit.resid_pearson,
            pearson_df=fit.df_resid,
        )
        p.append(res.test_quantiles(x).p)
        pearson = res.test_dispersion(type="pearson")
        assert pearson.chisq == pytest.approx(fit.pearson_chi2)
    assert p[0] < 0.01 < 0.1 < p[1]


def test_posterior_predictive_draws():
    """Normal data, reference prior: right and wrong spread; simulations differ in parameters."""
    rng = np.random.default_rng(8)
    y = rng.normal(10, 2, 60)
    variance = 59 * y.var(ddof=1) / rng.chisquare(59, 400)
    mean = rng.normal(y.mean(), np.sqrt(variance / 60))
    noise = rng.normal(size=(400, 60))
    for factor, deviates in ((1.0, False), (0.5, True)):
        draws = mean[:, None] + factor * np.sqrt(variance)[:, None] * noise
        res = residuals.from_simulations(y, draws, np.full(60, mean.mean()), integer=False)
        assert res.test_dispersion().significant is deviates
        assert res.test_uniformity().significant is deviates


def test_default_type_of_outlier_test():
    assert poisson().test_outliers().type == "bootstrap"
    assert poisson(n=600).test_outliers().type == "binomial"
    assert poisson(dependent=True).test_outliers().type == "simulations"
    assert overdispersed(1).test_outliers().type == "binomial"
    assert poisson(dependent=True).test_uniformity().reference == "simulations"


def test_normal_scale_and_outliers():
    res = residuals.from_simulations(
        [0.0, 2.5, 9.0], np.arange(1.0, 5.0)[:, None] * np.ones(3), [2.5] * 3, False
    )
    np.testing.assert_allclose(res.residuals("normal", (-7, 7)), [-7, 0, 7])
    assert np.isinf(res.residuals("normal")).sum() == 2
    np.testing.assert_array_equal(res.outliers(), [0, 2])
    np.testing.assert_array_equal(res.outliers("upper"), [2])
    np.testing.assert_allclose(res.residuals(lambda r: 2 * r), [0, 1, 2])


def test_rotation_removes_known_correlation():
    rng = np.random.default_rng(1)
    covariance = 0.9 ** np.abs(np.subtract.outer(np.arange(60), np.arange(60)))
    draws = rng.multivariate_normal(np.zeros(60), covariance, 301)
    plain = residuals.from_simulations(draws[0], draws[1:], np.zeros(60), False)
    turned = residuals.from_simulations(
        draws[0], draws[1:], np.zeros(60), False, rotation=covariance
    )
    assert plain.test_temporal(np.arange(60)).p < 1e-6
    assert turned.test_temporal(np.arange(60)).p > 0.05
    estimated = residuals.from_simulations(
        draws[0], draws[1:], np.zeros(60), False, rotation="estimated"
    )
    assert estimated.test_temporal(np.arange(60)).p > 0.01


def correlated(rng, n: int, nsim: int = 250):
    """Data and simulations of rows with correlation 0.7 at lag 1."""
    covariance = 0.7 ** np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    draws = rng.multivariate_normal(np.zeros(n), covariance, nsim + 1, method="cholesky")
    return draws[0], draws[1:], np.zeros(n)


@pytest.mark.parametrize("n", [30, 80])
def test_an_estimated_rotation_does_not_set_the_data_apart(n):
    """Right models: 60 simulations are few for a covariance of 30 rows, and too few for 80.

    Were the covariance estimated without the data, more than half would be rejected.  40 models:
    5 % and three standard errors are 15 %.
    """
    p = []
    for seed in range(40):
        y, s, mu = correlated(np.random.default_rng(seed), n, 60)
        res = residuals.from_simulations(y, s, mu, False, seed, rotation="estimated")
        tests = [res.test_uniformity(), res.test_outliers(), res.test_temporal(np.arange(n))]
        p.append([test.p for test in tests])
    assert tests[0].reference == "simulations"
    assert (np.array(p) < 0.05).mean(axis=0).max() <= 0.15


def test_rotation_turns_what_is_ranked_and_nothing_else():
    rng = np.random.default_rng(1)
    y, s, mu = correlated(rng, 40)
    counts = [np.maximum(np.rint(v), 0) for v in (y, s)]
    plain, turned = (
        residuals.from_simulations(*counts, mu, True, 1, rotation=r)
        for r in (None, np.cov(s, rowvar=False))
    )
    assert "rotated" in repr(turned) and "rotated" not in repr(plain)
    assert not np.allclose(plain.scaled, turned.scaled)
    for name in ("test_dispersion", "test_zero_inflation"):  # of the counts as they are
        assert getattr(plain, name)().p == getattr(turned, name)().p
    assert plain.test_outliers().type == "bootstrap"
    assert turned.test_outliers().type == "binomial"  # rotated counts have no ties
    some = turned.select(np.arange(40) < 9)
    np.testing.assert_array_equal(some.scaled, turned.scaled[:9])
    assert some.test_uniformity(reference="simulations").nobs == 9
    with pytest.raises(DataError, match="without rotation"):
        turned.recalculate(np.arange(40) // 4)


@pytest.mark.parametrize(
    ("make", "test", "words"),
    [
        (lambda: overdispersed(1.6), "test_dispersion", "overdispersion"),
        (lambda: overdispersed(0.5), "test_dispersion", "underdispersion"),
        (lambda: overdispersed(1.8), "test_uniformity", "overdispersion"),
        (lambda: overdispersed(0.5), "test_uniformity", "underdispersion"),
        (lambda: overdispersed(2.5), "test_outliers", "More observations"),
    ],
)
def test_explanations_name_the_direction(make, test, words):
    result = getattr(make(), test)()
    assert result.significant
    assert words in result.explain()


def test_explanations_without_deviation_do_not_claim_a_proof(frame):
    res = poisson(7, data=frame)
    distances = np.abs(np.subtract.outer(np.arange(N), np.arange(N)))
    for result in (
        res.test_phylogenetic(distances),
        res.test_uniformity(),
        res.test_dispersion(),
        res.test_outliers(),
        res.test_zero_inflation(),
        res.test_quantiles("dose"),
        res.test_categorical("plot"),
        res.test_temporal("day"),
        res.test_spatial("x", "y"),
        res.test_generic(np.max),
    ):
        assert not result.significant  # at this seed
        assert "not proof" in result.explain()
        assert result.p_text in str(result) and "H0" in str(result)
        assert result._repr_html_().startswith("<table>")


def test_explanations_speak_of_what_was_asked():
    res = overdispersed(1.6)
    assert "one direction only ('less')" in res.test_dispersion("less").explain()
    assert "at 0.1 and 0.9." in res.test_quantiles(quantiles=(0.1, 0.9)).explain()
    # the ratio of negative numbers says nothing about which is larger
    below = res.test_generic(lambda y: np.min(y) - 20).explain()
    assert "smaller than the model produces" in below
    even = (np.arange(40) + 0.5) / 40
    narrow = 0.5 + 0.6 * (even - 0.5)
    factor = pd.Categorical(np.repeat(list("abcd"), 40))
    test = categorical_test(np.concatenate([even, even, even, narrow]), factor, "plot")
    assert not test.significant and test.levene_p < 0.05
    assert "saw no problem" not in test.explain() and "spread differs" in test.explain()


def test_quantile_explanations():
    rng = np.random.default_rng(2)
    x = np.linspace(-1, 1, 300)
    s = rng.normal(0, 1, (250, 300))
    trend = residuals.from_simulations(rng.normal(x, 1), s, x, False).test_quantiles()
    assert trend.significant and "mean curve" in trend.explain()
    spread = residuals.from_simulations(rng.normal(0, np.exp(x)), s, x, False).test_quantiles()
    assert spread.significant and "spread" in spread.explain()
    bent = residuals.from_simulations(rng.normal(3 * x**2 - 1, 1), s, x, False).test_quantiles()
    assert bent.significant and "bend" in bent.explain()
    assert trend.frame["quantile"].tolist() == [0.25, 0.5, 0.75]


@pytest.mark.parametrize(
    ("mean", "sd", "words"),
    [(0.6, 1, "too high"), (-0.6, 1, "too low"), (0, 0.5, "close together"), (0, 2, "far apart")],
)
def test_quantiles_that_are_flat_but_out_of_place(mean, sd, words):
    rng = np.random.default_rng(6)
    x, s = rng.normal(size=300), rng.normal(0, 1, (250, 300))
    res = residuals.from_simulations(rng.normal(mean, sd, 300), s, x, False, 1)
    test = res.test_quantiles()
    assert test.significant and words in test.explain()


def test_zero_inflation_directions():
    rng = np.random.default_rng(3)
    s = rng.poisson(2, (250, 200))
    more = np.where(rng.random(200) < 0.3, 0, rng.poisson(2, 200))
    test = residuals.from_simulations(more, s, np.full(200, 2.0), True).test_zero_inflation()
    assert test.significant and "more zeros" in test.explain() and test.p_text == "p < 0.004"
    fewer = residuals.from_simulations(np.maximum(more, 1), s, np.full(200, 2.0), True)
    assert "fewer zeros" in fewer.test_zero_inflation().explain()


def test_html_is_escaped():
    res = poisson()
    name = "<script>alert(1)</script>"
    test = res.test_categorical(pd.Series(["a", "b"] * (N // 2), name=name))
    assert "<script>" not in test._repr_html_() and "&lt;script&gt;" in test._repr_html_()


@pytest.mark.parametrize("name", ["n", "p", "plot"])
def test_levels_can_become_a_column(name):
    test = poisson().test_categorical(pd.Series(["a", "b"] * (N // 2), name=name))
    assert test.frame.reset_index().iloc[:, 0].tolist() == ["a", "b"]


def test_predictors_are_checked(frame):
    res = poisson(data=frame)
    with pytest.raises(UnknownColumnError, match="dose"):
        res.test_quantiles("doze")
    with pytest.raises(UnknownColumnError, match="no data"):
        poisson().test_quantiles("dose")
    with pytest.raises(DataError, match="80 rows"):
        res.test_quantiles([1.0, 2.0])
    with pytest.raises(DataError, match="test_categorical"):
        res.test_quantiles("plot")
    with pytest.raises(DataError, match="missing"):
        res.test_quantiles(np.r_[np.nan, np.ones(N - 1)])
    with pytest.raises(DataError, match="repeated"):
        res.test_temporal("x")
    with pytest.raises(DataError, match="same place"):
        res.test_spatial(np.zeros(N), np.zeros(N))
    with pytest.raises(UnknownNameError, match="two-sided"):
        res.test_dispersion("two.sided")
    with pytest.raises(DataError, match="Pearson"):
        res.test_dispersion(type="pearson")


def test_pearson_dispersion_against_the_chi_square_distribution():
    from scipy.stats import chi2

    rng = np.random.default_rng(1)
    res = poisson(pearson=rng.normal(0, 1.3, N), pearson_df=N - 2)
    test = res.test_dispersion("greater", type="pearson")
    assert test.p == pytest.approx(chi2.sf(test.chisq, N - 2))
    assert test.statistic == pytest.approx(test.chisq / (N - 2))
    two = res.test_dispersion(type="pearson")
    assert two.p == pytest.approx(2 * chi2.sf(test.chisq, N - 2))


def test_refit_takes_estimation_into_account():
    """A fitted group mean makes residuals too small; refits have the same handicap."""
    rng = np.random.default_rng(5)
    group = np.repeat(np.arange(20), 2)

    def refit(y):
        mean = np.bincount(group, y)[group] / 2
        return mean, y - mean

    y = rng.normal(size=40)
    mu, pearson = refit(y)
    s = rng.normal(mu, 1, (200, 40))
    plain = residuals.from_simulations(y, s, mu, False).test_dispersion()
    refitted = residuals.from_simulations(y, s, mu, False, pearson=pearson, refit=refit)
    assert plain.statistic < 0.75  # half of the degrees of freedom went into the means
    assert refitted.method == "refit"
    assert refitted.test_dispersion().p > 0.05
    assert refitted.test_uniformity().p > 0.05


def test_failing_refits_are_counted():
    calls = iter(range(100))

    def refit(y):
        if next(calls) % 4 == 0:
            raise DataError("no")
        return y * 0, y

    rng = np.random.default_rng(1)
    y, s = rng.normal(size=10), rng.normal(size=(40, 10))
    with pytest.warns(InferenceWarning, match="10 of 40 refits failed"):
        res = residuals.from_simulations(y, s, y * 0, False, pearson=y, refit=refit)
    assert res.refits is not None and res.refits.failures == 10


def test_every_figure_is_drawn(frame):
    res = poisson(data=frame)
    assert len(res.plot().axes) == 2
    narrow = res.plot(plt.figure(figsize=(4.5, 8), layout="constrained"))
    upper, lower = (ax.get_position() for ax in narrow.axes)
    assert upper.y0 > lower.y1 - 0.2  # one above the other
    assert res.plot_qq().get_xlabel().startswith("Expected")
    assert "rank" in res.plot_residuals().get_xlabel()
    assert res.plot_residuals("dose", rank=False).get_xlabel() == "dose"
    assert res.plot_residuals("dose", absolute=True).get_ylabel().startswith("2 |")
    assert res.plot_residuals("plot").get_xlabel() == "plot"
    assert "1" in res.plot_dispersion(wrong=True).get_xlabel()
    assert res.plot_zero_inflation().get_xlabel() == "Number of zeros"
    assert len(res.plot_histogram().patches) == 52
    assert len(res.plot_temporal("day").axes) == 2
    assert res.plot_spatial("x", "y").get_xlabel() == "x"


def test_numbers_with_few_values_are_drawn_as_levels():
    res = poisson()
    ax = res.plot_residuals(np.repeat([1, 2, 3, 4], 20))
    assert [t.get_text() for t in ax.get_xticklabels()][:2] == ["1", "2"]
    many = res.plot_residuals(np.repeat(np.arange(10), 8))  # 8 rows a value: numeric
    assert "rank" in many.get_xlabel()


def test_large_data_are_fast_and_small_in_memory():
    """10,000 x 250: all default tests in about a second, temporaries far below the matrix."""
    import tracemalloc

    rng = np.random.default_rng(1)
    n = 10_000
    s = rng.normal(size=(250, n))
    y = rng.normal(size=n)
    tracemalloc.start()
    res = residuals.from_simulations(y, s, np.zeros(n), False, seed=1)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 0.5 * s.nbytes
    assert set(res.test_all().index) == {"uniformity", "dispersion", "outliers", "quantiles"}


def test_uniformity_of_many_rows_is_not_fooled_by_the_resolution():
    """Right models with 40,000 rows and 60 simulations: multiples of 1/60 are not uniform."""
    p = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        y, s = rng.normal(size=40_000), rng.normal(size=(60, 40_000))
        res = residuals.from_simulations(y, s, y * 0, False, seed=seed)
        assert stats.kstest(res.scaled, "uniform").pvalue < 0.05
        p.append(res.test_uniformity().p)
    assert np.mean(np.array(p) < 0.05) <= 0.25 and np.median(p) > 0.1


def test_all_tests_of_very_many_rows_use_a_subset_for_quantiles():
    rng = np.random.default_rng(1)
    n = 25_000
    res = residuals.from_simulations(
        rng.normal(size=n), rng.normal(size=(60, n)), np.arange(n), False, seed=1
    )
    test = res.test_quantiles()
    assert test.rows_used == 20_000 and "random subset" in str(test)
