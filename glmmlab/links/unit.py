"""Links for means between 0 and 1."""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from glmmlab._types import FloatArray
from glmmlab.links.base import Derivatives, Link
from glmmlab.links.stable import LARGEST, expit_pair, exponential_parts

_ROOT_TWO_OVER_PI = math.sqrt(2 / math.pi)


class Logit(Link):
    """``eta = log(mu / (1 - mu))``."""

    name = "logit"

    def link(self, mu: FloatArray) -> FloatArray:
        return np.log(mu) - np.log1p(-mu)

    def inverse(self, eta: FloatArray) -> FloatArray:
        return expit_pair(eta)[0]

    def derivatives(self, eta: FloatArray) -> Derivatives:
        mu, rest = expit_pair(eta)
        mu1 = mu * rest
        return mu, mu1, mu1 * (rest - mu), mu1 * (1.0 - 6.0 * mu1)

    def link_derivative(self, mu: FloatArray) -> FloatArray:
        return 1.0 / (mu * (1.0 - mu))

    def complement(self, eta: FloatArray) -> FloatArray:
        return expit_pair(eta)[1]

    def logit_mean(self, eta: FloatArray) -> Derivatives:
        t = np.asarray(eta, dtype=float)
        zero = np.zeros_like(t)
        return t, np.ones_like(t), zero, zero


class Probit(Link):
    """``eta = Phi^-1(mu)``, the quantile of the standard normal distribution."""

    name = "probit"

    def link(self, mu: FloatArray) -> FloatArray:
        return special.ndtri(mu)

    def inverse(self, eta: FloatArray) -> FloatArray:
        return special.ndtr(eta)

    def derivatives(self, eta: FloatArray) -> Derivatives:
        density = _normal_density(eta)
        return special.ndtr(eta), density, -eta * density, (eta * eta - 1.0) * density

    def link_derivative(self, mu: FloatArray) -> FloatArray:
        return 1.0 / _normal_density(special.ndtri(mu))

    def complement(self, eta: FloatArray) -> FloatArray:
        return special.ndtr(-eta)

    def logit_mean(self, eta: FloatArray) -> Derivatives:
        # logit Phi is odd, so work at x = |eta| with the hazards of both tails:
        # a = phi(x)/Phi(x), b = phi(x)/Phi(-x), and their slopes through x + a and b - x.
        x = np.abs(eta)
        a = _normal_density(x) / special.ndtr(x)
        b = _ROOT_TWO_OVER_PI / special.erfcx(x / math.sqrt(2.0))
        excess, bend = _upper_hazard_excess(x, b)
        sign = np.sign(eta)
        t = special.log_ndtr(eta) - special.log_ndtr(-eta)
        up = x + a
        first = a + b
        second = sign * (b * excess - a * up)
        third = b * bend + a * (up * up + a * up - 1.0)
        return t, first, second, third


def _normal_density(x: FloatArray) -> FloatArray:
    return np.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)


def _upper_hazard_excess(x: FloatArray, hazard: FloatArray) -> tuple[FloatArray, FloatArray]:
    """``h = hazard - x`` and ``2 h^2 + x h - 1`` of the normal upper tail at ``x >= 0``.

    Direct differences lose x^2 and x^4 units in the last place; beyond x = 5 Laplace's continued
    fraction ``h = 1/(x + 2/(x + 3/(x + ...)))`` gives both without a subtraction.
    """
    direct = hazard - x
    bend = 2.0 * direct * direct + x * direct - 1.0
    far = x > 5.0
    if not np.any(far):
        return direct, bend
    z = np.maximum(x, 5.0)
    k = np.zeros_like(z)
    for level in range(45, 3, -1):
        k = level / (z + k)
    k4 = k
    k3 = 3.0 / (z + k4)
    k2 = 2.0 / (z + k3)
    h = 1.0 / (z + k2)
    difference = (z + 3.0 * k3 - 2.0 * k4) / ((z + k4) * (z + k3))  # k3 - k2
    bend_far = 2.0 * h * h * difference / (z + k3)  # h (2 h - k2)
    return np.where(far, h, direct), np.where(far, bend_far, bend)


class CLogLog(Link):
    """``eta = log(-log(1 - mu))``, the complementary log-log link."""

    name = "cloglog"

    def link(self, mu: FloatArray) -> FloatArray:
        return np.log(-np.log1p(-mu))

    def inverse(self, eta: FloatArray) -> FloatArray:
        return -np.expm1(-np.exp(np.minimum(eta, LARGEST)))

    def derivatives(self, eta: FloatArray) -> Derivatives:
        s = np.exp(np.minimum(eta, LARGEST))
        mu1 = s * np.exp(-s)
        once = mu1 * s  # multiplied one factor at a time: mu1 is 0 before s^2 overflows
        return -np.expm1(-s), mu1, mu1 - once, mu1 - 3.0 * once + once * s

    def link_derivative(self, mu: FloatArray) -> FloatArray:
        return -1.0 / ((1.0 - mu) * np.log1p(-mu))

    def complement(self, eta: FloatArray) -> FloatArray:
        return np.exp(-np.exp(np.minimum(eta, LARGEST)))

    def logit_mean(self, eta: FloatArray) -> Derivatives:
        # t = log(exp(s) - 1), s = exp(eta); with c = s/(exp(s) - 1): t' = s + c,
        # t'' = t'(1 - c), t''' = t'[(1 - c)^2 + c (t' - 1)], every factor positive.
        s = np.exp(np.maximum(np.minimum(eta, LARGEST), -LARGEST))  # s/mu must not be 0/0
        first, c, below = exponential_parts(s)
        second = first * below
        third = first * (below * below + c * (s - below))
        return s + np.log(-np.expm1(-s)), first, second, third
