"""Gamma functions and differences against mpmath."""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest

from glmmlab.families import special

ARGUMENTS = [0.0, 1e-10, 0.3, 1.0, 5.0, 9.0, 20.0, 1e3, 1e6, 1e12, 1e40, 1e100]
BASES = [1e-8, 0.01, 0.5, 1.0, 3.0, 20.0, 1e4, 1e8, 1e12, 1e20]
STEPS = [0.0, 0.5, 1.0, 2.0, 7.0, 100.0, 1e5]


def gammas(x: mp.mpf) -> list[mp.mpf]:
    return [mp.loggamma(x), mp.digamma(x), mp.polygamma(1, x), mp.polygamma(2, x)]


def test_gammas_at_one_plus_x() -> None:
    got = special.log_plus_one_gammas(np.array(ARGUMENTS))
    with mp.workdps(60):
        for i, x in enumerate(ARGUMENTS):
            want = gammas(1 + mp.mpf(x))
            assert abs(got.log[i] - want[0]) < 5e-15 * (1 + abs(want[0]))
            for value, truth in zip(got[1:], want[1:], strict=True):
                assert abs(value[i] - truth) < 1e-14 * abs(truth) + 1e-15, x


def test_differences_lose_nothing() -> None:
    x, k = (v.ravel() for v in np.meshgrid(BASES, STEPS))
    got = special.rising(x, k)
    with mp.workdps(90):
        for i in range(x.size):
            low, high = gammas(mp.mpf(x[i])), gammas(mp.mpf(x[i]) + mp.mpf(k[i]))
            # log Gamma is only wanted to an absolute accuracy, like any log-density
            smalls = (1e-15, 0.0, 0.0, 0.0)
            for value, a, b, small in zip(got, low, high, smalls, strict=True):
                assert abs(value[i] - (b - a)) <= 5e-14 * abs(b - a) + small, (x[i], k[i])


def test_blocks_do_not_show() -> None:
    """Long arrays are cut into blocks; the answers are those of the pieces."""
    x = np.random.default_rng(1).gamma(1.0, 30.0, (3, 4211))
    k = np.floor(x[::-1] / 3.0)
    whole, steps = special.log_plus_one_gammas(x), special.rising(1.0 + x, k)
    for i in (0, 700, 4210):
        piece = special.log_plus_one_gammas(x[:, i])
        step = special.rising(1.0 + x[:, i], k[:, i])
        for a, b in zip((*whole, *steps), (*piece, *step), strict=True):
            assert a.shape == x.shape
            np.testing.assert_allclose(a[:, i], b, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("x", BASES)
def test_remainders(x: float) -> None:
    with mp.workdps(60):
        z = mp.mpf(x)
        first = mp.log(z) - mp.digamma(z)
        second = mp.loggamma(z) - (z - 0.5) * mp.log(z) + z - mp.log(2 * mp.pi) / 2
    assert abs(special.log_minus_digamma(np.asarray(x)) - first) < 1e-14 * first
    assert abs(special.stirling_remainder(np.asarray(x)) - second) < 2e-14


@pytest.mark.parametrize("d", [-0.999, -0.3, -0.25, -1e-5, 0.0, 1e-12, 0.1, 0.25, 0.26, 40.0])
def test_log1pmx(d: float) -> None:
    with mp.workdps(60):
        want = mp.log1p(mp.mpf(d)) - mp.mpf(d)
    assert abs(special.log1pmx(np.asarray(d)) - want) <= 5e-15 * abs(want)
