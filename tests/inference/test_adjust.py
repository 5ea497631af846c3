"""Adjusted p-values and critical values against R's digits, exact integrals and their meaning."""

from __future__ import annotations

import time

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.special import ndtr, stdtr

from conftest import reference
from glmmlab.errors import UnknownNameError
from glmmlab.inference.adjust import (
    TestFamily,
    adjust_family,
    adjust_p,
    adjustments,
    canonical,
    critical_values,
    tail_probability,
)
from glmmlab.inference.multivariate_t import max_t_quantile, max_t_sf
from glmmlab.inference.step_down import free_p
from glmmlab.inference.studentized_range import studentized_range_quantile, studentized_range_sf


def family(statistic, df=np.inf, **options) -> TestFamily:
    statistic = np.atleast_1d(np.asarray(statistic, float))
    return TestFamily(statistic, np.broadcast_to(np.asarray(df, float), statistic.shape), **options)


# ------------------------------------------------------------------- studentized range


def test_range_golden() -> None:
    """R's ptukey and qtukey, section 3.6 of the specification."""
    q = 2.391 * np.sqrt(2)
    assert_allclose(studentized_range_sf(q, 6, 40), 0.1838454553, atol=6e-11)
    assert_allclose(studentized_range_sf(q, 6), 0.159257339, atol=6e-10)
    assert_allclose(studentized_range_quantile(0.95, 6, 40) / np.sqrt(2), 2.992224051, atol=6e-10)


@pytest.mark.parametrize("df", [1, 2, 3.3, 10, 100, 1e4, 1e6])
@pytest.mark.parametrize("q", [0.01, 0.5, 3.0, 10.0, 40.0])
def test_range_of_two_is_a_t_test(q: float, df: float) -> None:
    """P(Q_2 > q) = P(|T| > q / sqrt 2), however small."""
    assert_allclose(studentized_range_sf(q, 2, df), 2 * stdtr(df, -q / np.sqrt(2)), rtol=1e-9)
    assert_allclose(studentized_range_sf(q, 2), 2 * ndtr(-q / np.sqrt(2)), rtol=1e-12)


@pytest.mark.parametrize("k", [3, 12, 66])
@pytest.mark.parametrize("q", [1.0, 8.0, 20.0])
def test_range_far_tail(k: int, q: float) -> None:
    """The textbook integral, in 60 digits."""
    with mp.workdps(60):
        points = sorted({-12, -6, -3, 0, 3, 6, 12, q / 2 - 3, q / 2, q / 2 + 3, q, q + 12})
        exact = mp.quad(
            lambda z: (
                k * mp.npdf(z) * (mp.ncdf(z) ** (k - 1) - (mp.ncdf(z) - mp.ncdf(z - q)) ** (k - 1))
            ),
            points,
        )
    assert_allclose(studentized_range_sf(q, k), float(exact), rtol=1e-9)


def test_range_edges_and_speed() -> None:
    assert studentized_range_sf(0.0, 5) == 1.0
    assert studentized_range_sf(np.inf, 5) == 0.0
    assert np.isnan(studentized_range_sf(np.nan, 5, 10))
    assert np.isfinite(studentized_range_sf(30.0, 100, 1))
    start = time.process_time()
    studentized_range_sf(np.linspace(0.1, 9, 66), 12)
    assert time.process_time() - start < 0.5  # about a millisecond; scipy's takes seconds


# ------------------------------------------------------------------------- golden values


def test_dunnettx_golden() -> None:
    for t, m, df, p in (
        (2.391, 5, 40, 0.08688338491),
        (2.5, 3, 20, 0.05620697711),
        (2.5, 3, np.inf, 0.03442693171),
    ):
        statistics = np.r_[t, np.zeros(m - 1)]
        assert_allclose(adjust_family(family(statistics, df), "dunnettx").values[0], p, atol=2e-11)
    critical = critical_values(family(np.ones(5), 40), 0.95, "dunnettx").values
    assert_allclose(critical, 2.63462056, atol=1e-8)


def test_scheffe_golden() -> None:
    one = family([2.391], 40, rank=2)
    assert_allclose(adjust_family(one, "scheffe").values, 0.06913022, atol=5e-9)
    assert_allclose(critical_values(one, 0.95, "scheffe").values, 2.542332, atol=5e-7)


def test_mvt_equicorrelated() -> None:
    """Exact by integrating over the common part and the scale; R's printed value is within 1e-3."""
    result = max_t_sf([2.5], 0.5 * np.eye(3) + 0.5, 20)
    assert_allclose(result.p, 0.0543078059, atol=3e-5)
    assert_allclose(result.p, 0.0541814, atol=1e-3)
    assert result.error < 1e-4


def test_mvt_independent_is_sidak() -> None:
    p = max_t_sf([1.0, 2.0, 3.0], np.eye(5)).p
    raw = tail_probability([1.0, 2.0, 3.0], np.inf)
    assert_allclose(p, 1 - (1 - raw) ** 5, atol=2e-5)


def test_mvt_of_all_pairs_is_tukey() -> None:
    """Equal variances, all pairs: the maximum is the studentized range (rank 4 of 10)."""
    pairs = [(i, j) for i in range(5) for j in range(i)]
    K = np.array([np.eye(5)[i] - np.eye(5)[j] for i, j in pairs])
    t = np.array([1.5, 2.5, 3.5])
    for df in (8.0, np.inf):
        result = max_t_sf(t, K @ K.T, df)
        assert result.rank == 4
        assert_allclose(result.p, studentized_range_sf(np.sqrt(2) * t, 5, df), atol=5e-5)
    quantile = max_t_quantile(0.95, K @ K.T, 8)
    assert_allclose(quantile, studentized_range_quantile(0.95, 5, 8) / np.sqrt(2), rtol=1e-3)


def test_mvt_one_sided() -> None:
    p = max_t_sf([-1.0, 0.5, 2.0], np.eye(3), one_sided=True).p
    assert_allclose(p, 1 - ndtr([-1.0, 0.5, 2.0]) ** 3, atol=5e-5)


# ----------------------------------------------------------------------- multcomp's glht


def glht_matrix(case: str, entry: dict) -> tuple[np.ndarray, np.ndarray]:
    r = reference(case)
    factor, names = r["glht"]["factor"], r["vcov"]["names"]
    position = {name.removeprefix(factor): i for i, name in enumerate(names)}
    K = np.zeros((len(entry["names"]), len(names)))
    for row, name in zip(K, entry["names"], strict=True):
        plus, minus = name.split(" - ")
        for level, sign in ((plus, 1), (minus, -1)):
            if level in position:
                row[position[level]] += sign
    return K, np.array(r["vcov"]["matrix"])


GLHT = [
    (case, kind)
    for case in ("fung_beta", "cbpp_binom", "sal_poisson", "fung_gauss_ml", "fung_gamma_prop")
    for kind in ("glht_tukey", "glht_dunnett")
]


@pytest.mark.parametrize(("case", "kind"), GLHT)
def test_single_step_and_free(case: str, kind: str) -> None:
    entry = reference(case)["glht"][kind]
    K, V = glht_matrix(case, entry)
    start = time.process_time()
    result = max_t_sf(entry["z"], K @ V @ K.T)
    assert time.process_time() - start < 5.0
    assert result.error < 5e-4
    tolerance = max(entry["p_error"] + result.error, 1e-4)
    assert_allclose(result.p, entry["p_single_step"], atol=tolerance)
    if "p_free" in entry:
        free = free_p(entry["z"], K @ V @ K.T)
        assert_allclose(free.p, entry["p_free"], atol=max(3e-3, free.error))
        assert_allclose(max_t_quantile(0.95, K @ V @ K.T), entry["ci_calpha"], atol=2e-3)


# -------------------------------------------------------- what every adjustment promises


@given(
    st.lists(st.floats(-6, 6), min_size=2, max_size=9),
    st.sampled_from(sorted(set(adjustments()) - {"mvt", "free", "westfall", "shaffer", "fdr"})),
    st.sampled_from([3.0, 40.0, np.inf]),
)
def test_monotone_and_never_below_raw(values, method, df) -> None:
    tests = family(values, df, means=len(values) + 1, rank=len(values))
    raw = tail_probability(tests.statistic, tests.df)
    adjusted = adjust_family(tests, method).values
    assert (adjusted >= raw - 1e-12).all()
    assert (adjusted <= 1).all()
    order = np.argsort(raw, kind="stable")
    assert (np.diff(adjusted[order]) >= -1e-12).all()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_stepwise_order(p) -> None:
    """Holm >= Hochberg >= Hommel, BY >= BH, Bonferroni >= Holm."""
    by = {m: adjust_p(p, m) for m in ("bonferroni", "holm", "hochberg", "hommel", "BH", "BY")}
    for larger, smaller in (
        ("bonferroni", "holm"), ("holm", "hochberg"), ("hochberg", "hommel"),
        ("hommel", "BH"), ("BY", "BH"),
    ):  # fmt: skip
        assert (by[larger] >= by[smaller] - 1e-12).all()


def test_p_adjust_digits_of_r() -> None:
    """p.adjust(c(.01, .04, .03, .005, .5), method) in R 4.2.2."""
    p = [0.01, 0.04, 0.03, 0.005, 0.5]
    expected = {
        "holm": [0.04, 0.09, 0.09, 0.025, 0.5],
        "hochberg": [0.04, 0.08, 0.08, 0.025, 0.5],
        "hommel": [0.04, 0.08, 0.06, 0.025, 0.5],
        "BH": [0.025, 0.05, 0.05, 0.025, 0.5],
        "BY": [0.057083333333333, 0.114166666666667, 0.114166666666667, 0.057083333333333, 1.0],
        "bonferroni": [0.05, 0.2, 0.15, 0.025, 1.0],
    }
    for method, values in expected.items():
        assert_allclose(adjust_p(p, method), values, atol=1e-14)


def test_missing_tests_do_not_count() -> None:
    assert_allclose(adjust_p([0.01, np.nan, 0.02], "bonferroni"), [0.02, np.nan, 0.04])
    assert family([1.0, np.nan, 2.0]).size == 2


def test_method_changes_are_named() -> None:
    one_sided = family([1.0, 2.0], means=2, side="greater")
    assert adjust_family(one_sided, "tukey").method == "sidak"
    assert adjust_family(family([2.0]), "tukey").method == "none"
    assert critical_values(family([1.0, 2.0]), 0.95, "holm").method == "bonferroni"
    assert canonical("fdr") == "BH"
    with pytest.raises(UnknownNameError, match="Did you mean 'tukey'"):
        canonical("tuckey")


def test_tails_keep_their_digits() -> None:
    far = family([30.0, 35.0, 1.0], means=3, covariance=np.eye(3) + 0.2)
    for method in ("tukey", "sidak", "holm", "mvt", "dunnettx"):
        p = adjust_family(far, method).values
        assert 0 < p[1] < p[0] < 1e-190
