"""Log-densities and all their derivatives against mpmath, ordinary and extreme.

The truth is a textbook log-density (family_densities.py), differentiated by mpmath at 40 digits or
more.  Wanted is a relative accuracy of 1e-10.  Where the truth is a small difference of large
terms no algorithm in doubles can reach that; the terms are then of the size of the response, the
trials and the mean on the family's natural scale, and the bound is 1e-13 of them.
"""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest

from families.family_densities import DENSITIES, mean_of, zero_inflated
from families.family_points import columns, everyone, identifier, sample
from glmmlab import families
from glmmlab.families import StudentT, ZeroInflated
from glmmlab.families.base import Family

POINTS = 18
EVERYONE = everyone()


def density_of(family: Family):
    if isinstance(family, ZeroInflated):
        return zero_inflated(family.base.name)
    if isinstance(family, StudentT) and family.df is not None:
        log_nu = mp.log(mp.mpf(family.df))
        return lambda y, mu, rest, aux, n: DENSITIES["t"](y, mu, rest, (*aux, log_nu), n)
    return DENSITIES[family.name]


def truths(density, link: str, point) -> list[mp.mpf]:
    """l, d1, d2, d3, then l_a, d1_a, d2_a of every auxiliary predictor."""
    y, n, aux, eta = point
    y = mp.mpf(y)

    def f(e, *a):
        return density(y, *mean_of(link, e), a, n)

    at = (mp.mpf(eta), *map(mp.mpf, aux))
    orders = [(k, *[0] * len(aux)) for k in range(4)]
    for j in range(len(aux)):
        orders += [(k, *[int(i == j) for i in range(len(aux))]) for k in range(3)]
    return [mp.diff(f, at, o) if any(o) else f(*at) for o in orders]


def term_size(family: Family, point) -> tuple[float, float]:
    """Size of the terms of the log-density, and of one derivative in eta."""
    y, n, aux, eta = point
    mu, _ = mean_of(family.link.name, mp.mpf(eta))
    natural = {
        "identity": lambda e: mean_of(family.link.name, e)[0],
        "log": lambda e: mp.log(mean_of(family.link.name, e)[0]),
        "logit": lambda e: mp.log(mp.fdiv(*mean_of(family.link.name, e))),
    }[family.natural]
    slope = float(min(abs(mp.diff(natural, mp.mpf(eta))), mp.mpf(10) ** 90))
    size = 1.0 + abs(y) + (n or 0.0) + float(min(abs(mu), mp.mpf(10) ** 305))
    if family.name.endswith("inverse_gaussian"):  # its terms are squares over phi y
        size += float(mp.exp(-aux[0]) * (1 + (y / mu) ** 2) / y) if y > 0 else 0.0
    return size, max(slope, 1.0)


@pytest.mark.parametrize("family", EVERYONE, ids=identifier)
def test_against_mpmath(family: Family) -> None:
    size = POINTS if family.link.name == family.default_link else POINTS // 2
    if "tweedie" in family.name:  # a series in mpmath is slow
        size = 5 if (family.name, family.link.name) == ("tweedie", "log") else 1
    points = sample(family, size)
    y, trials, aux, eta = columns(points)
    obs = family.prepare(y, trials)
    with np.errstate(all="raise", under="ignore"):
        l, *derivatives = family.eta_part(obs, aux, eta, third=True)
        got = [l + family.normaliser(obs, aux), *derivatives]
        for part in family.aux_part(obs, aux, eta):
            got.extend(part)
    orders = [0, 1, 2, 3] + [0, 1, 2] * len(aux)
    density = density_of(family)
    for i, point in enumerate(points):
        with mp.workdps(40):
            want = truths(density, family.link.name, point)
            size, slope = term_size(family, point)
        assert len(got) == len(want)
        for name, order, value, truth in zip(labels(family), orders, got, want, strict=True):
            assert np.isfinite(value[i]), (name, point)
            error = abs(mp.mpf(float(value[i])) - truth)
            bound = mp.mpf(1e-10) * abs(truth) + mp.mpf(1e-13) * size * mp.mpf(slope) ** order
            bound += mp.mpf(1e-34) * abs(want[0])  # what 40 digits leave of a log-density of 1e300
            assert error < bound, (name, point, float(value[i]), mp.nstr(truth, 12))


def labels(family: Family) -> list[str]:
    names = ["l", "d1", "d2", "d3"]
    for a in family.auxiliary:
        names += [f"l_{a}", f"d1_{a}", f"d2_{a}"]
    return names


@pytest.mark.parametrize("family", EVERYONE, ids=identifier)
def test_second_order_call_is_the_third_order_one_cut_short(family: Family) -> None:
    y, trials, aux, eta = columns(sample(family, 40))
    obs = family.prepare(y, trials)
    short, long = family.eta_part(obs, aux, eta), family.eta_part(obs, aux, eta, third=True)
    assert len(short) == 3 and len(long) == 4
    for a, b in zip(short, long, strict=False):
        np.testing.assert_array_equal(a, b)
    assert len(family.aux_part(obs, aux, eta)) == len(family.auxiliary)


@pytest.mark.parametrize("family", EVERYONE, ids=identifier)
def test_logpdf_takes_mean_or_predictor(family: Family) -> None:
    y, trials, aux, _ = columns(sample(family, 40))
    eta = np.full(y.shape, {"log": -0.4, "inverse": 1.6}.get(family.link.name, 0.3))
    both = family.logpdf(y, family.link.inverse(eta), aux, trials)
    np.testing.assert_allclose(both, family.logpdf(y, aux=aux, trials=trials, eta=eta), rtol=1e-9)
    with pytest.raises(TypeError, match="mu or eta"):
        family.logpdf(y, aux=aux, trials=trials)


@pytest.mark.parametrize("a", [-3.0, -7.0, -11.0])
def test_tweedie_series_with_a_far_peak(a: float) -> None:
    """Steps of several terms (peaks of 40 to 1e5) against the sum over every one."""
    family = families.get("tweedie")
    y, eta, aux = 1.3, 0.4, (a, 0.2)
    at = tuple(np.array(v) for v in aux)
    got = family.logpdf(np.array([y]), aux=at, eta=np.array([eta]))[0]
    with mp.workdps(40):
        values = tuple(map(mp.mpf, aux))
        want = DENSITIES["tweedie"](mp.mpf(y), mp.exp(mp.mpf(eta)), None, values, None)
    assert abs(got - want) < 1e-14 * np.exp(-a) + 1e-12
