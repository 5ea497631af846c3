"""Densities sum to 1; mean, variance, cdf and draws belong to the same distribution."""

from __future__ import annotations

import numpy as np
import pytest

from families.family_laws import law, settings
from families.family_points import identifier
from glmmlab import families
from glmmlab.families import StudentT, ZeroInflated
from glmmlab.families.base import Family

PLAIN: list[Family] = [*(families.get(n) for n in families.names()), StudentT(df=11.0)]
EVERYONE = [*PLAIN, *(ZeroInflated(f) for f in PLAIN if f.natural != "identity")]
CASES = [
    pytest.param(f, s, id=f"{identifier(f)}-{i}")
    for f in EVERYONE
    for i, s in enumerate(settings(f))
]


@pytest.mark.parametrize(("family", "setting"), CASES)
def test_the_density_sums_to_one(family: Family, setting) -> None:
    assert law(family, *setting).total() == pytest.approx(1.0, abs=1e-10)


@pytest.mark.parametrize(("family", "setting"), CASES)
def test_mean_and_variance_are_those_of_the_density(family: Family, setting) -> None:
    known = law(family, *setting)
    mu, n = np.array([known.mu]), known.trials
    trials = None if n is None else np.array([n])
    eta = family.link.link(mu)
    mean = family.mean(eta, known.aux) * (1.0 if n is None else n)
    assert mean[0] == pytest.approx(known.mean(), rel=1e-8)
    variance = family.variance(mu, known.aux, trials)
    assert variance[0] == pytest.approx(known.variance(), rel=1e-6)


@pytest.mark.parametrize(("family", "setting"), CASES)
def test_the_cdf_accumulates_the_density(family: Family, setting) -> None:
    known = law(family, *setting)
    total = np.cumsum(known.probability)
    whole = family.integer or isinstance(family, ZeroInflated)
    if not family.integer:  # the trapezoid up to a point takes half of its weight
        total = total - 0.5 * known.probability * (known.y != 0) * (known.y != 1)
    at = np.unique(np.searchsorted(total, [1e-6, 0.03, 0.2, 0.5, 0.8, 0.97, 1 - 1e-6]))
    at = at[at < len(total)]
    trials = None if known.trials is None else np.full(at.shape, known.trials)
    mu = np.full(at.shape, known.mu)
    cdf = family.cdf(known.y[at], mu, known.aux, trials)
    tolerance = 1e-10 if whole and family.integer else 2e-6  # trapezoids end inside the curve
    np.testing.assert_allclose(cdf, total[at], rtol=tolerance, atol=tolerance)
    if family.integer:
        between = family.cdf(known.y[at] + 0.4, mu, known.aux, trials)
        np.testing.assert_array_equal(between, cdf)
        assert (family.cdf(np.full(at.shape, -1.0), mu, known.aux, trials) == 0).all()


@pytest.mark.parametrize(("family", "setting"), CASES)
def test_draws_have_the_law(family: Family, setting) -> None:
    """Mean and variance within 5 standard errors, all draws legal, the seed decides."""
    known = law(family, *setting)
    size = 60_000
    mu = np.full(size, known.mu)
    trials = None if known.trials is None else np.full(size, known.trials)
    draws = family.simulate(np.random.default_rng(7), mu, known.aux, trials)
    assert draws.shape == (size,) and draws.dtype == float
    assert not family.check(draws, trials).any()
    variance = known.variance()
    fourth = float(known.probability @ (known.y - known.mean()) ** 4)
    assert abs(draws.mean() - known.mean()) < 5 * np.sqrt(variance / size)
    assert abs(draws.var() - variance) < 5 * np.sqrt((fourth - variance**2) / size)
    again = family.simulate(np.random.default_rng(7), mu, known.aux, trials)
    np.testing.assert_array_equal(draws, again)


@pytest.mark.parametrize("family", EVERYONE, ids=identifier)
def test_simulate_broadcasts_rows_of_parameters(family: Family) -> None:
    """As the engine calls it: mu (simulations, n), auxiliary predictors (n,), trials (n,)."""
    mu_1, aux_1, n = settings(family)[0]
    mu = np.full((3, 5), mu_1)
    aux = tuple(np.full(5, a) for a in aux_1)
    trials = None if n is None else np.full(5, n)
    assert family.simulate(np.random.default_rng(1), mu, aux, trials).shape == (3, 5)
    assert family.variance(mu, aux, trials).shape == (3, 5)
    assert family.mean(family.link.link(mu), aux).shape == (3, 5)
    y = np.ones(5) if family.integer else np.full(5, 0.5)
    assert family.cdf(y, mu, aux, trials).shape == (3, 5)


def has_deviance(family: Family) -> bool:
    aux = tuple(np.array(0.5) for _ in family.auxiliary)
    return family.unit_deviance(np.ones(1), np.full(1, 0.5), aux) is not None


DEVIANT = [f for f in PLAIN if has_deviance(f)]


@pytest.mark.parametrize("family", DEVIANT, ids=identifier)
def test_unit_deviance_is_twice_the_loss_against_a_perfect_fit(family: Family) -> None:
    """McCullagh & Nelder: d = 2 phi [log f(y; y) - log f(y; mu)]."""
    y = {"binomial": np.array([3.0, 7.0])}.get(family.name, np.array([2.0, 5.0]))
    trials = np.array([9.0, 10.0]) if family.is_binomial else None
    n = np.ones(2) if trials is None else trials
    mu = np.array([0.4, 0.6]) if family.is_binomial else np.array([1.3, 6.0])
    aux = tuple(np.asarray(0.4) for _ in family.auxiliary)
    gain = family.logpdf(y, y / n, aux, trials) - family.logpdf(y, mu, aux, trials)
    scale = 1.0 if family.name == "nbinom2" else family.dispersion(0.4)
    got = family.unit_deviance(y, mu, aux, trials)
    np.testing.assert_allclose(got, 2 * scale * gain, rtol=1e-10)
    np.testing.assert_allclose(family.unit_deviance(y, y / n, aux, trials), 0.0, atol=1e-12)


def test_families_with_a_deviance() -> None:
    assert {f.name for f in DEVIANT} >= {"gaussian", "gamma", "binomial", "poisson", "nbinom2"}


def test_deviance_at_the_edges_of_the_support() -> None:
    binomial, poisson = families.get("binomial"), families.get("poisson")
    mu = np.array([0.2, 0.2])
    got = binomial.unit_deviance(np.array([0.0, 5.0]), mu, (), np.array([5.0, 5.0]))
    np.testing.assert_allclose(got, [-10 * np.log(0.8), -10 * np.log(0.2)], rtol=1e-12)
    np.testing.assert_allclose(poisson.unit_deviance(np.zeros(2), mu), 2 * mu, rtol=1e-14)
