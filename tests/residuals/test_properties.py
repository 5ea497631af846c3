"""What must hold for any data: uniformity under the truth, invariances, blocks of rows."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import glmmlab.residuals as residuals
from glmmlab.residuals import outliers, pit
from glmmlab.residuals.categorical import brown_forsythe
from glmmlab.residuals.quantiles import quantile_curves
from glmmlab.residuals.splines import SplineBasis, natural_spline, rank_transform
from glmmlab.residuals.uniformity import ks_p

SEEDS = st.integers(0, 2**32 - 1)


def counts_or_floats(seed: int, integer: bool, n: int = 30, nsim: int = 40):
    rng = np.random.default_rng(seed)
    mean = rng.uniform(0.2, 6, n)
    draw = rng.poisson if integer else rng.gamma
    return (
        draw(mean).astype(float),
        draw(mean, size=(nsim, n)).astype(float),
        mean,
    )


@given(seed=SEEDS, integer=st.booleans(), block=st.integers(1, 3000))
def test_blocks_of_rows_change_nothing(seed, integer, block):
    y, s, _ = counts_or_floats(seed, integer)

    def rng():
        return np.random.default_rng(7)

    for function, arguments in (
        (pit.pit, ()),
        (pit.pooled_rank, ()),
        (pit.traditional, (integer,)),
    ):
        whole = function(y, s, *arguments, rng(), block=10**9)
        np.testing.assert_array_equal(function(y, s, *arguments, rng(), block=block), whole)
    low_high = pit.pit_bounds(y, s, block=block)
    np.testing.assert_array_equal(low_high, pit.pit_bounds(y, s, block=10**9))
    tests = [outliers.exchangeable_outlier_test(y, s, block=b) for b in (block, 10**9)]
    assert tests[0].statistic == tests[1].statistic and tests[0].p == tests[1].p


@given(seed=SEEDS, integer=st.booleans())
def test_order_of_rows_does_not_matter(seed, integer):
    y, s, mean = counts_or_floats(seed, integer)
    order = np.random.default_rng(seed).permutation(len(y))
    for one, other in zip(pit.pit_bounds(y, s), pit.pit_bounds(y[order], s[:, order]), strict=True):
        np.testing.assert_array_equal(one[order], other)
    if not integer:  # no ties: nothing is drawn
        res = residuals.from_simulations(y, s, mean, integer, seed=1)
        moved = residuals.from_simulations(y[order], s[:, order], mean[order], integer, seed=2)
        np.testing.assert_array_equal(res.scaled[order], moved.scaled)
        assert res.test_uniformity().p == moved.test_uniformity().p
        assert res.test_dispersion().p == moved.test_dispersion().p
        assert res.test_outliers().p == moved.test_outliers().p
        assert res.test_quantiles().p == pytest.approx(moved.test_quantiles().p)


@given(seed=SEEDS, integer=st.booleans())
def test_monotone_transformations_do_not_matter(seed, integer):
    y, s, _ = counts_or_floats(seed, integer)
    plain = pit.pit(y, s, np.random.default_rng(1))
    np.testing.assert_array_equal(plain, pit.pit(y**3, s**3, np.random.default_rng(1)))


@given(seed=SEEDS, integer=st.booleans())
def test_bounds_against_plain_counting(seed, integer):
    y, s, _ = counts_or_floats(seed, integer, n=6, nsim=9)
    low, high = pit.pit_bounds(y, s)
    for i in range(6):
        assert low[i] == sum(v < y[i] for v in s[:, i]) / 9
        assert high[i] == sum(v <= y[i] for v in s[:, i]) / 9


@given(seed=SEEDS, integer=st.booleans())
def test_leave_one_out_against_plain_ranking(seed, integer):
    y, s, _ = counts_or_floats(seed, integer, n=5, nsim=7)
    sets = pit.leave_one_out_pit(y, s, np.random.default_rng(3), block=11)
    for j in range(7):
        others = np.vstack([y, np.delete(s, j, axis=0)])
        low, high = pit.pit_bounds(s[j], others)
        assert np.all(sets[j] >= low - 1e-12) and np.all(sets[j] <= high + 1e-12)


@pytest.mark.parametrize("integer", [True, False])
def test_exact_model_gives_uniform_residuals(integer):
    """20,000 rows from the truth: deciles within 5 standard errors; means from 0.2."""
    y, s, mean = counts_or_floats(5, integer, n=20_000, nsim=250)
    res = residuals.from_simulations(y, s, mean, integer, seed=2)
    share, _ = np.histogram(res.scaled, bins=10, range=(0, 1))
    np.testing.assert_allclose(share / 20_000, 0.1, atol=5 * np.sqrt(0.09 / 20_000))
    exact = pit.pooled_rank(y, s, np.random.default_rng(3))
    assert exact.min() > 0 and exact.max() < 1
    assert (
        ks_p(max(abs(np.sort(exact) - np.linspace(0, 1, 20_000))), 20_000, False, "two-sided")
        > 1e-4
    )


def test_sole_owner_counts_against_a_loop():
    y, s, _ = counts_or_floats(11, True, n=25, nsim=12)
    pool = np.vstack([y, s])
    count = sum(
        y[i] < np.delete(pool[:, i], 0).min() or y[i] > np.delete(pool[:, i], 0).max()
        for i in range(25)
    )
    assert outliers.exchangeable_outlier_test(y, s).statistic == count


@given(
    k=st.integers(0, 60),
    n=st.integers(60, 400),
    p0=st.floats(0.001, 0.2),
    alternative=st.sampled_from(["two-sided", "greater", "less"]),
)
def test_binomial_p_against_scipy(k, n, p0, alternative):
    from scipy.stats import binomtest

    expected = binomtest(k, n, p0, alternative).pvalue
    assert outliers.binomial_p(k, n, p0, alternative) == pytest.approx(
        expected, rel=1e-6, abs=1e-12
    )


@given(seed=SEEDS, sets=st.integers(1, 4), sizes=st.lists(st.integers(2, 9), min_size=2))
def test_equal_spread_against_scipy(seed, sets, sizes):
    from scipy.stats import levene

    rng = np.random.default_rng(seed)
    groups = [rng.random((sets, n)) for n in sizes]
    f, df = brown_forsythe(groups)
    assert df == (len(sizes) - 1, sum(sizes) - len(sizes))
    if max(sizes) > 2:  # two values are equally far from their median: no variation
        expected = [levene(*(g[i] for g in groups)).statistic for i in range(sets)]
        np.testing.assert_allclose(f, expected, rtol=1e-6)


@given(seed=SEEDS, n=st.integers(2, 150), alternative=st.sampled_from(["greater", "less"]))
def test_one_sided_kolmogorov_against_scipy(seed, n, alternative):
    from scipy.stats import kstest

    from glmmlab.residuals.uniformity import uniformity_test

    r = np.random.default_rng(seed).random(n)
    ours = uniformity_test(r, alternative)
    theirs = kstest(r, "uniform", alternative=alternative)
    assert ours.statistic == pytest.approx(theirs.statistic, abs=1e-12)
    if n < 100:
        assert ours.p == pytest.approx(theirs.pvalue, rel=1e-8)
    else:
        assert ours.p == pytest.approx(np.exp(-2 * n * ours.statistic**2), rel=1e-12)


def test_natural_spline_is_linear_beyond_its_knots_and_smooth_inside():
    knots = np.array([0.1, 0.4, 0.7, 0.9])
    x = np.linspace(-1, 2, 3001)
    basis = natural_spline(x, knots)
    second = np.diff(basis, 2, axis=0) / (x[1] - x[0]) ** 2
    outside = (x[1:-1] < 0.1 - 1e-9) | (x[1:-1] > 0.9 + 1e-9)
    np.testing.assert_allclose(second[outside], 0, atol=1e-6)
    assert np.abs(np.diff(second, axis=0)).max() < 0.2  # continuous second derivative
    assert np.linalg.matrix_rank(basis) == 4


@given(seed=SEEDS, n=st.integers(4, 300), distinct=st.integers(1, 40))
def test_spline_basis_is_orthonormal_and_ordered_by_roughness(seed, n, distinct):
    x = np.random.default_rng(seed).integers(distinct, size=n).astype(float)
    ranks = rank_transform(x)
    basis = SplineBasis.build(ranks)(ranks)
    np.testing.assert_allclose(basis.T @ basis, np.eye(basis.shape[1]), atol=1e-6)
    assert np.ptp(basis[:, 0]) < 1e-10
    if basis.shape[1] > 1:
        assert abs(np.corrcoef(basis[:, 1], ranks)[0, 1]) > 1 - 1e-9
    if basis.shape[1] == distinct or len(np.unique(x)) > 20:
        signs = np.sign(basis[np.argsort(ranks, kind="stable")])
        changes = (np.diff(signs, axis=0) != 0).sum(axis=0)
        assert list(changes) == sorted(changes)  # each column is rougher than the last


def test_curves_minimise_the_check_loss():
    """QuantReg's curves against the linear programme that defines regression quantiles."""
    from scipy.optimize import linprog

    rng = np.random.default_rng(4)
    x, r = rng.normal(size=60), rng.random(60)
    ranks = rank_transform(x)
    basis = SplineBasis.build(ranks)(ranks)
    n, k = basis.shape
    frame = quantile_curves(r, x, at=ranks)
    for tau in (0.25, 0.5, 0.75):
        cost = np.r_[np.zeros(k), np.full(n, tau), np.full(n, 1 - tau)]
        equal = np.hstack([basis, np.eye(n), -np.eye(n)])
        bounds = [(None, None)] * k + [(0, None)] * (2 * n)
        optimum = linprog(cost, A_eq=equal, b_eq=r, bounds=bounds).fun
        e = r - frame.loc[frame["quantile"] == tau, "estimate"].to_numpy()
        assert np.sum(np.maximum(tau * e, (tau - 1) * e)) <= optimum * 1.001


def test_recalculate_against_a_loop():
    y, s, mean = counts_or_floats(9, False, n=30)
    group = np.random.default_rng(1).integers(7, size=30)
    res = residuals.from_simulations(y, s, mean, False)
    for by, function in itertools.product(["sum", "mean"], [np.sum, np.mean]):
        if by != function.__name__:
            continue
        ours = res.recalculate(group, by=by)
        theirs = res.recalculate(group, by=function)
        np.testing.assert_allclose(
            ours.observed, [function(y[group == g]) for g in np.unique(group)]
        )
        np.testing.assert_allclose(ours.scaled, theirs.scaled)
    some = res.recalculate(group, select=group != 3)
    assert some.nobs == len(np.unique(group)) - 1


@given(seed=SEEDS, most=st.integers(0, 60), nsim=st.integers(1, 50))
def test_counting_and_sorting_give_the_same_ranks(seed, most, nsim):
    rng = np.random.default_rng(seed)
    pooled = rng.integers(-3, most + 1, size=(nsim + 1, 9)).astype(float)
    expected = pit._ranks_by_sorting(pooled)
    for ranks in (
        pit.ranks_among_others(pooled),
        pit._ranks_by_counting(pooled, pooled.min(), int(np.ptp(pooled)) + 1),
        pit.ranks_among_others(pooled.astype(np.int32)),
    ):
        np.testing.assert_array_equal(ranks, expected)
