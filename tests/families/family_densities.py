"""Log-densities written down independently in mpmath, straight from the textbooks.

Nothing here is shared with the package: every family gives ``log f(y)`` in the mean (and its
complement) and the auxiliary predictors; links give the mean from ``eta``.
"""

from __future__ import annotations

from collections.abc import Callable

import mpmath as mp

Number = mp.mpf
Density = Callable[..., Number]


def mean_of(link: str, eta: Number) -> tuple[Number, Number]:
    """mu and 1 - mu, each to full precision."""
    if link == "identity":
        return eta, 1 - eta
    if link == "log":
        return mp.exp(eta), -mp.expm1(eta)
    if link == "logit":
        return 1 / (1 + mp.exp(-eta)), 1 / (1 + mp.exp(eta))
    if link == "probit":
        return mp.erfc(-eta / mp.sqrt(2)) / 2, mp.erfc(eta / mp.sqrt(2)) / 2
    if link == "cloglog":
        return -mp.expm1(-mp.exp(eta)), mp.exp(-mp.exp(eta))
    if link == "inverse":
        return 1 / eta, 1 - 1 / eta
    assert link == "sqrt"
    return eta**2, 1 - eta**2


def gaussian(y, mu, rest, aux, n):
    return -aux[0] - mp.log(2 * mp.pi) / 2 - (y - mu) ** 2 * mp.exp(-2 * aux[0]) / 2


def student_t(y, mu, rest, aux, n):
    s, nu = aux[0], mp.exp(aux[1])
    z = (y - mu) * mp.exp(-s)
    constant = mp.loggamma((nu + 1) / 2) - mp.loggamma(nu / 2) - mp.log(nu * mp.pi) / 2 - s
    return constant - (nu + 1) / 2 * mp.log1p(z * z / nu)


def gamma(y, mu, rest, aux, n):
    k = mp.exp(-aux[0])
    return k * mp.log(k / mu) + (k - 1) * mp.log(y) - k * y / mu - mp.loggamma(k)


def beta(y, mu, rest, aux, n):
    phi = mp.exp(aux[0])
    a, b = mu * phi, rest * phi
    constant = mp.loggamma(phi) - mp.loggamma(a) - mp.loggamma(b)
    return constant + (a - 1) * mp.log(y) + (b - 1) * mp.log(1 - y)


def binomial(y, mu, rest, aux, n):
    value = mp.loggamma(n + 1) - mp.loggamma(y + 1) - mp.loggamma(n - y + 1)
    if y > 0:
        value += y * mp.log(mu)
    if n > y:
        value += (n - y) * mp.log(rest)
    return value


def betabinomial(y, mu, rest, aux, n):
    phi = mp.exp(aux[0])
    a, b = mu * phi, rest * phi
    value = mp.loggamma(n + 1) - mp.loggamma(y + 1) - mp.loggamma(n - y + 1)
    value += mp.loggamma(y + a) - mp.loggamma(a) + mp.loggamma(n - y + b) - mp.loggamma(b)
    return value + mp.loggamma(phi) - mp.loggamma(n + phi)


def poisson(y, mu, rest, aux, n):
    return y * mp.log(mu) - mu - mp.loggamma(y + 1)


def _negative_binomial(y, mu, size):
    value = mp.loggamma(y + size) - mp.loggamma(size) - mp.loggamma(y + 1)
    return value + size * mp.log(size / (size + mu)) + y * mp.log(mu / (size + mu))


def nbinom2(y, mu, rest, aux, n):
    return _negative_binomial(y, mu, mp.exp(aux[0]))


def nbinom1(y, mu, rest, aux, n):
    return _negative_binomial(y, mu, mu / mp.exp(aux[0]))


def inverse_gaussian(y, mu, rest, aux, n):
    phi = mp.exp(aux[0])
    return -mp.log(2 * mp.pi * phi * y**3) / 2 - (y - mu) ** 2 / (2 * phi * mu**2 * y)


def lognormal(y, mu, rest, aux, n):
    s = mp.log1p(mp.exp(2 * aux[0]) / mu**2)
    m = mp.log(mu) - s / 2
    return -mp.log(2 * mp.pi * s) / 2 - mp.log(y) - (mp.log(y) - m) ** 2 / (2 * s)


def truncated(base: Density) -> Density:
    """Given y > 0."""

    def density(y, mu, rest, aux, n):
        with mp.extradps(310):  # near 0 a density at 0 is 1 - 1e-304
            positive = -mp.expm1(base(mp.mpf(0), mu, rest, aux, n))
        return base(y, mu, rest, aux, n) - mp.log(positive)

    return density


def genpois(y, mu, rest, aux, n):
    root = mp.exp(aux[0] / 2)
    theta, lam = mu / root, 1 - 1 / root
    d = theta + lam * y
    return mp.log(theta) + (y - 1) * mp.log(d) - d - mp.loggamma(y + 1)


def ordbeta(y, mu, rest, aux, n):
    eta = mp.log(mu / rest)

    def expit(x):
        return 1 / (1 + mp.exp(-x))

    if y == 0:
        return mp.log(expit(aux[1] - eta))
    if y == 1:
        return mp.log(expit(eta - aux[2]))
    return mp.log(expit(eta - aux[1]) - expit(eta - aux[2])) + beta(y, mu, rest, aux, n)


def tweedie(y, mu, rest, aux, n):
    """Poisson sum of gamma variables, term by term."""
    phi, p = mp.exp(aux[0]), 1 + 1 / (1 + mp.exp(-aux[1]))
    number = mu ** (2 - p) / (phi * (2 - p))
    if y == 0:
        return -number
    shape, scale = (2 - p) / (p - 1), phi * (p - 1) * mu ** (p - 1)
    peak = int(y ** (2 - p) / (phi * (2 - p))) + 1
    total = mp.mpf(0)

    def term(j):  # but for what all share
        value = j * (mp.log(number) + shape * mp.log(y / scale))
        return value - mp.loggamma(j + 1) - mp.loggamma(j * shape)

    top = term(peak)
    for step in (1, -1):
        j = peak if step == 1 else peak - 1
        while j >= 1:
            piece = mp.exp(term(j) - top)
            total += piece
            if piece < mp.eps * total * mp.mpf(10) ** -10:
                break
            j += step
    return top + mp.log(total) - number - y / scale - mp.log(y)


DENSITIES: dict[str, Density] = {
    "gaussian": gaussian,
    "t": student_t,
    "gamma": gamma,
    "beta": beta,
    "binomial": binomial,
    "betabinomial": betabinomial,
    "poisson": poisson,
    "nbinom2": nbinom2,
    "nbinom1": nbinom1,
    "inverse_gaussian": inverse_gaussian,
    "lognormal": lognormal,
    "truncated_poisson": truncated(poisson),
    "truncated_nbinom1": truncated(nbinom1),
    "truncated_nbinom2": truncated(nbinom2),
    "genpois": genpois,
    "ordbeta": ordbeta,
    "tweedie": tweedie,
}


NO_ZERO = (
    *("gamma", "beta", "inverse_gaussian", "lognormal"),
    *("truncated_poisson", "truncated_nbinom1", "truncated_nbinom2"),
)


def zero_inflated(name: str) -> Density:
    """The mixture with a point mass at 0, whose logit is the last auxiliary predictor."""

    base = DENSITIES[name]

    def density(y, mu, rest, aux, n):
        pi, own = 1 / (1 + mp.exp(-aux[-1])), 1 / (1 + mp.exp(aux[-1]))
        if y > 0:
            return mp.log(own) + base(y, mu, rest, aux[:-1], n)
        zero = 0 if name in NO_ZERO else mp.exp(base(y, mu, rest, aux[:-1], n))
        return mp.log(pi + own * zero)

    return density
