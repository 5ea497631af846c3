"""Links against mpmath at high precision: values, derivatives, natural scales, domains."""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmmlab import links
from glmmlab.errors import UnknownNameError

INVERSES = {
    "identity": lambda e: e,
    "log": mp.exp,
    "logit": lambda e: 1 / (1 + mp.exp(-e)),
    "probit": lambda e: mp.erfc(-e / mp.sqrt(2)) / 2,
    "cloglog": lambda e: -mp.expm1(-mp.exp(e)),
    "inverse": lambda e: 1 / e,
    "sqrt": lambda e: e * e,
}
COMPLEMENTS = {
    "log": lambda e: -mp.expm1(e),
    "logit": lambda e: 1 / (1 + mp.exp(e)),
    "probit": lambda e: mp.erfc(e / mp.sqrt(2)) / 2,
    "cloglog": lambda e: mp.exp(-mp.exp(e)),
}
ETAS = {
    "identity": [-700.0, -3.1, 0.0, 0.4, 700.0],
    "log": [-700.0, -40.3, -1.0, 0.0, 2.5, 300.0, 700.0],
    "logit": [-700.0, -40.3, -2.0, 0.0, 0.3, 5.0, 37.0, 700.0],
    "probit": [-37.0, -12.0, -3.3, -0.4, 0.0, 1.7, 8.0, 37.0],
    "cloglog": [-700.0, -40.0, -3.0, -0.7, 0.0, 1.0, 2.3, 6.0],
    "inverse": [1e-3, 0.4, 1.5, 700.0],
    "sqrt": [1e-3, 0.4, 1.5, 700.0],
}
POSITIVE = ("log", "inverse", "sqrt", "identity")
UNIT_ETAS = {
    "identity": [1e-5, 0.3, 0.98],
    "log": [-700.0, -20.0, -1.0, -1e-3],
    "logit": ETAS["logit"],
    "probit": [-700.0, -40.0, -9.9, -5.1, -4.9, -1.0, 0.2, 4.99, 5.01, 30.0, 700.0],
    "cloglog": [-700.0, -30.0, -3.0, -0.7, -0.69, 0.0, 2.0, 5.0, 30.0, 300.0],
    "inverse": [1.01, 2.5, 700.0],
    "sqrt": [1e-5, 0.3, 0.98],
}


def relative(got: float, want: mp.mpf) -> float:
    """Relative error; the absolute one where the truth is 0 or no double can hold it."""
    size = abs(want)
    return float(abs(mp.mpf(float(got)) - want) / (size if size > mp.mpf("1e-307") else 1))


def exact(f, eta: float) -> list[mp.mpf]:
    with mp.workdps(60):
        return [mp.diff(f, mp.mpf(eta), k) if k else f(mp.mpf(eta)) for k in range(4)]


@pytest.mark.parametrize("name", links.names())
def test_inverse_undoes_link(name: str) -> None:
    mu = np.array([1e-12, 0.01, 0.3, 0.5, 0.77, 0.999])
    link = links.get(name)
    np.testing.assert_allclose(link.inverse(link.link(mu)), mu, rtol=1e-12)


@pytest.mark.parametrize("name", links.names())
def test_derivatives_of_the_inverse(name: str) -> None:
    link, etas = links.get(name), ETAS[name]
    got = link.derivatives(np.array(etas))
    np.testing.assert_allclose(got[0], link.inverse(np.array(etas)), rtol=1e-14)
    for i, eta in enumerate(etas):
        want = exact(INVERSES[name], eta)
        want = [w if abs(w) > 1e-30 * abs(want[1]) else mp.mpf(0) for w in want]  # mp.diff's noise
        # roundings of exp's argument grow with it; probit and cloglog square or exponentiate it
        for order in range(4):
            assert relative(got[order][i], want[order]) < 2e-12, (eta, order)


@pytest.mark.parametrize("name", links.names())
def test_link_derivative_is_the_reciprocal(name: str) -> None:
    link = links.get(name)
    mu = np.array([1e-6, 0.02, 0.5, 0.93])
    slope = link.derivatives(link.link(mu))[1]
    np.testing.assert_allclose(link.link_derivative(mu) * slope, 1.0, rtol=1e-9)


@pytest.mark.parametrize("name", COMPLEMENTS)
def test_complement_keeps_its_digits(name: str) -> None:
    etas = [e for e in ETAS[name] if name != "log" or e < 0]
    got = links.get(name).complement(np.array(etas))
    for i, eta in enumerate(etas):
        assert relative(got[i], exact(COMPLEMENTS[name], eta)[0]) < 1e-12, eta


@pytest.mark.parametrize("name", POSITIVE)
def test_log_mean(name: str) -> None:
    etas = [e for e in ETAS[name] if e > 0 or name == "log"]
    got = links.get(name).log_mean(np.array(etas))
    for i, eta in enumerate(etas):
        want = exact(lambda e: mp.log(INVERSES[name](e)), eta)
        if name == "log":
            want[2:] = [mp.mpf(0), mp.mpf(0)]  # exactly; mp.diff leaves its own rounding
        for order in range(4):
            assert relative(got[order][i], want[order]) < 1e-12, (eta, order)


@pytest.mark.parametrize("name", [n for n in links.names() if n != "logit"])
def test_logit_mean(name: str) -> None:
    """Derivatives of logit mu hold their digits where mu itself has rounded to 0 or 1."""
    got = links.get(name).logit_mean(np.array(UNIT_ETAS[name]))
    rest = COMPLEMENTS.get(name, lambda e: 1 - INVERSES[name](e))
    for i, eta in enumerate(UNIT_ETAS[name]):
        want = exact(lambda e, rest=rest: mp.log(INVERSES[name](e) / rest(e)), eta)
        for order in range(4):
            # d3 has a zero between its signs, near which a relative error means nothing
            bound = 1e-11 * max(1.0, float(abs(want[1] / want[order])) if want[order] else 1.0)
            assert relative(got[order][i], want[order]) < bound, (eta, order)


def test_logit_of_the_logit_link_is_eta() -> None:
    eta = np.array([-700.0, 0.2, 700.0])
    value, first, second, third = links.get("logit").logit_mean(eta)
    np.testing.assert_array_equal(value, eta)
    np.testing.assert_array_equal(first, 1.0)
    np.testing.assert_array_equal([second, third], 0.0)


@pytest.mark.parametrize("name", links.names())
def test_intervals_bound_the_legal_means(name: str) -> None:
    link = links.get(name)
    low, high = link.interval(0.0, 1.0)
    inner = np.clip([low, high], -50.0, 50.0) + np.array([1e-9, -1e-9])
    mu = link.inverse(inner)
    assert ((mu >= 0) & (mu <= 1)).all()
    if np.isfinite(high):
        outside = float(link.inverse(np.asarray(high + 0.1)))
        assert not 0 < outside < 1


@pytest.mark.parametrize("name", links.names())
def test_domains(name: str) -> None:
    valid = links.get(name).valid_eta(np.array([-1.0, 0.0, 1.0]))
    if name in ("inverse", "sqrt"):
        np.testing.assert_array_equal(valid, [False, False, True])
    else:
        assert valid is True


@pytest.mark.parametrize("name", links.names())
def test_no_warning_and_no_nan_far_outside(name: str) -> None:
    eta = np.array([1.0, 700.0, 1e4]) if name in ("inverse", "sqrt") else np.array([-1e4, 1e4])
    with np.errstate(all="raise", under="ignore"):
        for value in links.get(name).derivatives(eta):
            assert not np.isnan(value).any()


@given(st.floats(-700, 700))
def test_expit_pair_and_softplus(t: float) -> None:
    p, q = links.expit_pair(np.float64(t))
    with mp.workdps(50):
        e = mp.exp(mp.mpf(t))
        assert relative(p, e / (1 + e)) < 1e-15 * (4 + abs(t))
        assert relative(q, 1 / (1 + e)) < 1e-15 * (4 + abs(t))
        assert relative(links.softplus(np.float64(t)), mp.log1p(e)) < 1e-15 * (4 + abs(t))


@pytest.mark.parametrize("name", links.names())
def test_shapes_are_kept(name: str) -> None:
    eta = np.full((3, 1, 4), 0.4)
    assert all(v.shape == (3, 1, 4) for v in links.get(name).derivatives(eta))


def test_an_unknown_link_suggests_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"Did you mean 'logit'\?.*cloglog"):
        links.get("logits")


def test_links_compare_by_kind_and_pass_through() -> None:
    link = links.get("probit")
    assert links.get(link) is link
    assert link == links.Probit() and link != links.Log()
    assert len({links.Probit(), links.get("probit")}) == 1
    assert repr(link) == "Probit()"
