"""Step-down tests under logical constraints: multcomp's digits, the definition by partitions."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import glmmlab as gl
from glmmlab.inference.adjust import TestFamily, adjust_family, adjust_p, tail_probability
from glmmlab.inference.emmeans import emmeans
from glmmlab.inference.multivariate_t import max_t_sf
from glmmlab.inference.step_down import shaffer_p, westfall_p


def pairs(k: int) -> np.ndarray:
    """B - A, C - A, ..., C - B, ...: the order of multcomp."""
    return np.array([np.eye(k)[j] - np.eye(k)[i] for i, j in itertools.combinations(range(k), 2)])


# multcomp 1.4-22: glht(lm(sqrt(count) ~ spray, InsectSprays), mcp(spray = "Tukey")), whose
# summary(., adjusted("Shaffer")) and summary(., adjusted("Westfall")) these are; df 66.
SPRAYS = np.array(
    # statistic, Shaffer, Westfall
    [
        (0.452021650, 9.54946190e-01, 6.52735493e-01),
        (-9.807472590, 1.15019105e-13, 3.05e-13),
        (-6.222980304, 1.13920369e-07, 8.41e-08),
        (-7.606465412, 5.36131139e-10, 1.35e-09),
        (1.005527292, 9.54946190e-01, 5.76014254e-01),
        (-10.259494240, 2.66453526e-14, 3.05e-13),
        (-6.675001955, 2.44170781e-08, 1.47e-08),
        (-8.058487063, 1.24833477e-10, 1.62e-10),
        (0.553505641, 9.54946190e-01, 5.81787525e-01),
        (3.584492286, 3.84709247e-03, 3.65905380e-03),
        (2.201007178, 1.24953360e-01, 1.06696640e-01),
        (10.812999882, 6.66133815e-15, 2.22e-16),
        (-1.383485108, 6.84711769e-01, 4.63325657e-01),
        (7.228507596, 4.44215753e-09, 3.22e-09),
        (8.611992704, 2.13251639e-11, 1.62e-10),
    ]
)


def test_all_pairs_of_six_means() -> None:
    statistic, shaffer, westfall = SPRAYS.T
    raw, covariance = tail_probability(statistic, 66), pairs(6) @ pairs(6).T
    # R takes p-values below 1e-9 as 1 minus a number, and lost their digits
    assert_allclose(shaffer_p(statistic, raw, covariance), shaffer, rtol=1e-4, atol=1e-14)
    found = westfall_p(statistic, raw, covariance, 66)
    assert found.error < 2e-3
    assert_allclose(found.p, westfall, atol=1e-3)


def test_hypotheses_that_are_no_pairs() -> None:
    """multcomp, the same model: B, C, B - C, B + C, D, B - D of treatment coding."""
    K = np.array([[1, 0, 0], [0, 1, 0], [1, -1, 0], [1, 1, 0], [0, 0, 1], [1, 0, -1]])
    covariance = K @ (np.eye(3) + 1) @ K.T
    statistic = [0.45202165, -9.80747259, 10.25949424, -5.40137212, -6.22298030, 6.67500195]
    raw = tail_probability(statistic, 66)
    expected = [6.52735493e-01, 3.286e-14, 1.599e-14, 9.71775689e-07, 7.59469e-08, 1.83128e-08]
    assert_allclose(shaffer_p(statistic, raw, covariance), expected, rtol=5e-3)
    westfall = [6.52735493e-01, 3.342e-14, 2.9e-15, 9.71775689e-07, 7.555e-08, 2.492e-08]
    assert_allclose(westfall_p(statistic, raw, covariance, 66).p, westfall, atol=1e-6)


def test_treatments_of_the_aphid_trial() -> None:
    """multcomp: lm(log(aphids + 1) ~ treatment + factor(block)), mcp(treatment = "Tukey")."""
    data = gl.datasets.load("aphids")
    data["y"] = np.log(data["aphids"] + 1)
    fit = gl.glmm("y ~ treatment + factor(block)", data)
    unbiased = fit.estimate.conditional.cov * fit.nobs / 85  # lm's sigma
    expected = {
        "soap / control": (0.8854894, 0.8854894),
        "oil / control": (0.001543042, 0.001478891),
        "systemic / control": (2.98444e-5, 2.77139e-5),
        "oil / soap": (0.001543042, 0.001478891),
        "systemic / soap": (2.98444e-5, 2.77139e-5),
        "systemic / oil": (0.4185561, 0.3735374),
    }
    means = emmeans(fit.estimate, "treatment", df=85, cov=unbiased)
    for column, method in enumerate(("shaffer", "westfall")):
        frame = means.contrast("pairwise", adjust=method).frame
        for name, p in expected.items():
            b, a = name.split(" / ")
            row = frame[frame["contrast"].isin([f"{a} - {b}", f"{b} - {a}"])]
            rtol = 1e-4 if method == "shaffer" else 0.06  # R's integration error
            assert_allclose(row["p"], p[column], rtol=rtol)


def partitions(items: tuple[int, ...]):
    if not items:
        yield []
        return
    for rest in partitions(items[1:]):
        yield [{items[0]}, *rest]
        for i, block in enumerate(rest):
            yield [*rest[:i], block | {items[0]}, *rest[i + 1 :]]


def possible_sets(order: list[tuple[int, int]], step: int, k: int) -> list[list[int]]:
    """By the definition: pairs within the blocks of every partition of the means."""
    sets = []
    for blocks in partitions(tuple(range(k))):
        true = {pair for block in blocks for pair in itertools.combinations(sorted(block), 2)}
        if order[step] in true and not true & set(order[:step]):
            sets.append([order.index(pair) for pair in true])
    return sets


@given(st.integers(3, 5), st.integers(0, 10_000))
@settings(max_examples=10)
def test_they_are_the_definition_over_all_partitions(k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = rng.integers(3, 9, k)
    K = pairs(k)
    covariance = K @ np.diag(1 / n) @ K.T
    statistic = (K @ rng.normal(0, 1.2, k)) / np.sqrt(np.diag(covariance))
    raw = tail_probability(statistic, 20)
    order = np.argsort(-np.abs(statistic))
    by_name = [tuple(np.flatnonzero(K[j])) for j in order]
    shaffer, westfall = np.empty(len(order)), np.empty(len(order))
    for step, j in enumerate(order):
        sets = [order[chosen] for chosen in possible_sets(by_name, step, k)]
        shaffer[step] = max(map(len, sets)) * raw[j]
        westfall[step] = max(
            max_t_sf([statistic[j]], covariance[np.ix_(s, s)], 20, tolerance=5e-4).p[0]
            for s in sets
        )
    exact = np.empty(len(order))
    exact[order] = np.maximum.accumulate(shaffer)
    assert_allclose(shaffer_p(statistic, raw, covariance), np.minimum(exact, 1), rtol=1e-9)
    exact[order] = np.maximum.accumulate(westfall)
    assert_allclose(westfall_p(statistic, raw, covariance, 20).p, exact, atol=2e-3)


@given(st.integers(3, 6), st.integers(0, 10_000))
@settings(max_examples=15)
def test_they_lie_between_the_raw_and_holms(k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    K = pairs(k)
    statistic = K @ rng.normal(0, 1.5, k)
    tests = TestFamily(statistic, np.full(len(K), np.inf), covariance=K @ K.T)
    raw = tail_probability(statistic, np.inf)
    holm = adjust_p(raw, "holm")
    order = np.argsort(raw, kind="stable")
    for method in ("shaffer", "westfall", "free"):
        p = adjust_family(tests, method).values
        assert (p >= raw - 1e-12).all()
        assert (p <= holm + 2e-3).all()
        assert (np.diff(p[order]) >= -1e-12).all()


def test_more_than_can_be_looked_at_is_an_error() -> None:
    K = pairs(12)
    statistic = K @ np.random.default_rng(1).normal(0, 1.5, 12)
    tests = TestFamily(statistic, np.full(66, np.inf), covariance=K @ K.T)
    with pytest.raises(gl.InferenceError, match=r"66 hypotheses .* adjust='free'"):
        adjust_family(tests, "westfall")
    assert np.isfinite(adjust_family(tests, "free").values).all()


# multcomp, the aphid trial: glht(., alternative = "greater" and "less"), adjusted("free"); df 85.
ONE_SIDED = {
    "mcp(treatment = 'Tukey')": (
        pairs(4),
        [-0.14444709, -3.61135980, -4.87650107, -3.46691270, -4.73205398, -1.26514128],
        [0.980334057, 0.999999906, 0.999999943, 0.999999894, 0.999999943, 0.999927723],
        [0.442744686, 1.00728e-3, 1.449976e-5, 1.242045e-3, 2.143664e-5, 0.198023357],
    ),
    "mcp(treatment = 'Dunnett')": (
        pairs(4)[:3],
        [-0.14444709, -3.61135980, -4.87650107],
        [0.799418025, 0.999989332, 0.999997513],
        [0.442744686, 5.036797e-4, 7.311937e-6],
    ),
}


@pytest.mark.parametrize("name", ONE_SIDED)
def test_one_sided_free_is_multcomps(name: str) -> None:
    K, statistic, greater, less = ONE_SIDED[name]
    for side, expected in (("greater", greater), ("less", less)):
        tests = TestFamily(np.array(statistic), np.full(len(K), 85.0), K @ K.T, side=side)
        found = adjust_family(tests, "free")
        assert found.method == "free" and found.error < 5e-4
        assert_allclose(found.values, expected, atol=3e-4)


def test_constraints_are_for_equalities_that_can_all_be_true() -> None:
    K = pairs(4)
    statistic = K @ [0.0, 1.0, 2.5, 2.6]
    one_sided = TestFamily(statistic, np.full(6, 9.0), covariance=K @ K.T, side="greater")
    contradictory = TestFamily(statistic, np.full(6, 9.0), covariance=K @ K.T, constrained=False)
    for tests in (one_sided, contradictory):
        assert adjust_family(tests, "shaffer").method == "holm"
        assert adjust_family(tests, "westfall").method == "free"
    fit = gl.glmm("aphids ~ treatment + (1 | block)", gl.datasets.load("aphids"), family="poisson")
    differences = fit.emmeans("treatment").pairs()
    assert "shaffer method" in str(differences.test(adjust="shaffer"))
    # all pairs differ by 0.1: b - a and c - b would make c - a 0.2
    assert "changed to 'holm'" in str(differences.test(null=0.1, adjust="shaffer"))
    steps = fit.emmeans("treatment").contrast("consec")
    assert "shaffer method" in str(steps.test(null=0.1, adjust="shaffer"))
    with pytest.raises(gl.InferenceError, match="6 hypotheses contradict one another"):
        differences.joint_test(null=0.1)
    assert steps.joint_test(null=0.1).df == 3


def test_rounding_errors_of_an_offset_are_no_contradiction() -> None:
    """Effects of means that share an offset add up to zero but for 1e-16 of it."""
    data = gl.datasets.load("moth_traps").assign(effort=lambda d: 1.37 * d["nights"])
    formula = "moths ~ margin * season + (1 | farm)"
    fit = gl.glmm(f"{formula} + offset(log(effort))", data, family="poisson")
    for specs in ("season", ["margin", "season"]):
        effects = fit.emmeans(specs).contrast("eff")
        assert effects.linear.offset.any()
        steps = fit.emmeans(specs).contrast("consec")
        assert effects.joint_test().df == steps.joint_test().df == len(steps)
        assert_allclose(effects.joint_test().chisq, steps.joint_test().chisq, rtol=1e-8)
        assert "shaffer method" in str(effects.test(adjust="shaffer"))


def test_equivalence_needs_no_correlations() -> None:
    """Distances from the null may have any signs, so their correlations are not known."""
    fit = gl.glmm("aphids ~ treatment + (1 | block)", gl.datasets.load("aphids"), family="poisson")
    differences = fit.emmeans("treatment").pairs()
    for asked, used in (("mvt", "bonferroni"), ("free", "holm"), ("westfall", "holm")):
        same = differences.test(delta=0.5, adjust=used).frame["p"]
        assert_allclose(differences.test(delta=0.5, adjust=asked).frame["p"], same, rtol=0)


def test_missing_estimates_do_not_count() -> None:
    K = pairs(4)
    statistic = K @ [0.0, 1.0, 2.5, 2.6]
    some = np.where(np.arange(6) == 2, np.nan, statistic)
    p = adjust_family(TestFamily(some, np.full(6, 9.0), covariance=K @ K.T), "shaffer").values
    assert np.isnan(p[2]) and np.isfinite(np.delete(p, 2)).all()
