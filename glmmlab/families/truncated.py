"""Counts without zeros: Poisson and negative binomials given y > 0.

With x = -log P(0) of the base, ``log f(y | y > 0) = log f(y) - log(1 - exp(-x))``.  That last
term is written in w = log x, whose derivatives in the mean are simple for every base:
x = mu (Poisson), theta log(1 + mu/theta) (nbinom2), mu log(1 + phi)/phi (nbinom1).

``mu`` is the mean of the untruncated distribution; E(y) = mu / P(y > 0).  Under
:class:`~glmmlab.families.ZeroInflated` these make hurdle models.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, NamedTuple

import numpy as np

from glmmlab._types import BoolArray, FloatArray
from glmmlab.families._start import weighted_mean
from glmmlab.families.base import AuxPart, AuxValues, Obs, Parts
from glmmlab.families.nbinom import NegativeBinomial1, NegativeBinomial2
from glmmlab.families.poisson import CountFamily, Poisson
from glmmlab.links import expit_pair, exponential_parts, softplus

__all__ = ["TruncatedNegativeBinomial1", "TruncatedNegativeBinomial2", "TruncatedPoisson"]

_LARGEST = 708.0  # exp(-708) is the smallest normal double
_LARGEST_COUNT = 2.0**52  # beyond, whole numbers are not all doubles
_FAR = -37.0  # below, log(1 + exp(u)) is exp(u) to the last digit


class _LogZero(NamedTuple):
    """w = log(-log P(0)), its derivatives in t and, mixed once, in the auxiliary predictor."""

    w: FloatArray
    w1: FloatArray | float
    w2: FloatArray | float
    w3: FloatArray | float
    w_a: FloatArray | float = 0.0
    w1_a: FloatArray | float = 0.0
    w2_a: FloatArray | float = 0.0


class _Truncated(CountFamily):
    """The layer that conditions a count family on y > 0 (mixed in before the base)."""

    support = "whole numbers 1, 2, 3, ..."
    zero_is_possible = False
    smallest = 1.0
    separated_by = "only ones"
    _base: ClassVar[type[CountFamily]]

    @abstractmethod
    def _log_zero(self, aux: AuxValues, t: FloatArray) -> _LogZero:
        """The log of -log P(0) of the base."""

    def check(self, y: FloatArray, trials: FloatArray | None = None) -> BoolArray:
        return self._base.check(self, y, trials) | (np.asarray(y) < 1)

    def natural_part(self, obs: Obs, aux: AuxValues, t: FloatArray, third: bool = False) -> Parts:
        l, g1, g2, *g3 = self._base.natural_part(self, obs, aux, t, third)
        zero = self._log_zero(aux, t)
        h, h1, h2, h3 = _log_positive(zero.w)
        w1, w2, w3 = zero.w1, zero.w2, zero.w3
        parts = (l - h, g1 - h1 * w1, g2 - (h2 * w1 * w1 + h1 * w2))
        if not third:
            return parts
        return (*parts, g3[0] - (h3 * w1**3 + 3.0 * h2 * w1 * w2 + h1 * w3))

    def natural_aux_part(self, obs: Obs, aux: AuxValues, t: FloatArray) -> AuxPart:
        out: AuxPart = []
        zero = self._log_zero(aux, t)
        _, h1, h2, h3 = _log_positive(zero.w)
        w1, w2, w_a = zero.w1, zero.w2, zero.w_a
        for l_a, g1_a, g2_a in self._base.natural_aux_part(self, obs, aux, t):
            first = h2 * w_a * w1 + h1 * zero.w1_a
            second = h3 * w_a * w1 * w1 + 2.0 * h2 * w1 * zero.w1_a + h2 * w_a * w2
            out.append((l_a - h1 * w_a, g1_a - first, g2_a - (second + h1 * zero.w2_a)))
        return out

    def start(
        self,
        y: FloatArray,
        trials: FloatArray | None = None,
        weights: FloatArray | None = None,
    ) -> tuple[FloatArray, list[float]]:
        # A mean m of positive counts: near mu when m is large.  At 1, Poisson has mu = 2(m - 1),
        # the geometric distribution (dispersion 1, where the others start) mu = m - 1.
        m = 0.5 * (y + weighted_mean(y, weights))
        share = 1.0 if self.auxiliary else -np.expm1(-1.5 * (m - 1.0)) * m / np.maximum(m - 1, 1e-9)
        return self.link.link((m - 1.0) * share + 0.02), [0.0 for _ in self.auxiliary]

    def _positive(self, mu: FloatArray, aux: AuxValues) -> tuple[FloatArray, FloatArray]:
        """P(0) and P(y > 0) of the base."""
        x = np.exp(self._log_zero(aux, np.log(np.maximum(mu, np.finfo(float).tiny))).w)
        return np.exp(-x), -np.expm1(-x)

    def expected(self, mu: FloatArray, aux: AuxValues) -> FloatArray:
        return mu / self._positive(mu, aux)[1]

    def conditional_expected(self, mu: FloatArray, aux: AuxValues) -> FloatArray:
        return self.expected(mu, aux)

    def variance(
        self, mu: FloatArray, aux: AuxValues, trials: FloatArray | None = None
    ) -> FloatArray:
        """Var(y | y > 0) = [V + mu^2]/P - mu^2/P^2, V of the base and P = P(y > 0)."""
        zero, positive = self._positive(mu, aux)
        m = mu / positive
        return self._base.variance(self, mu, aux, trials) / positive - zero * m * m

    def cdf(
        self,
        y: FloatArray,
        mu: FloatArray,
        aux: AuxValues,
        trials: FloatArray | None = None,
    ) -> FloatArray:
        zero, positive = self._positive(mu, aux)
        value = (self._base.cdf(self, y, mu, aux, trials) - zero) / positive
        return np.where(np.floor(y) < 1, 0.0, np.clip(value, 0.0, 1.0))

    def simulate(
        self,
        rng: np.random.Generator,
        mu: FloatArray,
        aux: AuxValues,
        trials: FloatArray | None = None,
    ) -> FloatArray:
        """Draws of the base, drawn again while they are 0; by inversion where 0 is likely."""
        shape = np.broadcast_shapes(np.shape(mu), *(np.shape(a) for a in aux))
        mu = np.broadcast_to(np.asarray(mu, dtype=float), shape).ravel()
        aux = tuple(np.broadcast_to(a, shape).ravel() for a in aux)
        positive = self._positive(mu, aux)[1]
        out = np.zeros(mu.size)
        rare = np.flatnonzero(positive < 0.05)
        if rare.size:
            out[rare] = self._invert(rng, mu[rare], tuple(a[rare] for a in aux))
        left = np.flatnonzero(out == 0)
        while left.size:
            out[left] = self._base.simulate(self, rng, mu[left], tuple(a[left] for a in aux))
            left = left[out[left] == 0]
        return out.reshape(shape)

    def _invert(self, rng: np.random.Generator, mu: FloatArray, aux: AuxValues) -> FloatArray:
        """The smallest k whose P(y <= k | y > 0) reaches a uniform number, found by bisection."""
        u = rng.random(mu.size)
        low, high = np.zeros(mu.size), np.ones(mu.size)
        while np.any(short := (self.cdf(high, mu, aux) < u) & (high < _LARGEST_COUNT)):
            low, high = np.where(short, high, low), np.where(short, 2.0 * high, high)
        while np.any(high - low > 1.0):
            middle = np.floor(0.5 * (low + high))
            short = self.cdf(middle, mu, aux) < u
            low, high = np.where(short, middle, low), np.where(short, high, middle)
        return high

    def unit_deviance(
        self,
        y: FloatArray,
        mu: FloatArray,
        aux: AuxValues = (),
        trials: FloatArray | None = None,
    ) -> None:
        return None


def _log_positive(w: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """``log(1 - exp(-x))`` and its derivatives in w = log x."""
    x = np.exp(np.clip(w, -_LARGEST, _LARGEST))
    _, c, below = exponential_parts(x)
    turn = below - x
    second = c * turn
    return np.log(-np.expm1(-x)), c, second, second * turn - c * (second + x)


class TruncatedPoisson(_Truncated, Poisson):
    """Poisson counts given y > 0; ``mu`` is the untruncated mean.

    Examples
    --------
    >>> import numpy as np
    >>> TruncatedPoisson().expected(np.array([1.0]), ()).round(6).tolist()
    [1.581977]
    """

    name = "truncated_poisson"
    _base = Poisson

    def _log_zero(self, aux: AuxValues, t: FloatArray) -> _LogZero:
        return _LogZero(t, 1.0, 0.0, 0.0)


class TruncatedNegativeBinomial2(_Truncated, NegativeBinomial2):
    """Negative binomial counts (variance mu + mu^2/theta) given y > 0.

    ``mu`` and theta are those of the untruncated distribution.

    Examples
    --------
    >>> import numpy as np
    >>> family = TruncatedNegativeBinomial2()
    >>> family.expected(np.array([1.0]), (np.log(1.0),)).round(6).tolist()
    [2.0]
    """

    name = "truncated_nbinom2"
    dispersion_limit = ("truncated_poisson", 1.0)
    _base = NegativeBinomial2

    def _log_zero(self, aux: AuxValues, t: FloatArray) -> _LogZero:
        # x = theta log(1 + exp(u)), u = t - a
        u = np.asarray(t - aux[0])
        p, q = expit_pair(u)
        near = softplus(np.maximum(u, _FAR))
        w = aux[0] + np.where(u > _FAR, np.log(near), u)
        w1 = np.where(u > _FAR, p / near, 1.0)
        turn = q - w1
        w2 = w1 * turn
        w3 = w2 * turn - w1 * (p * q + w2)
        return _LogZero(w, w1, w2, w3, 1.0 - w1, -w2, -w3)


class TruncatedNegativeBinomial1(_Truncated, NegativeBinomial1):
    """Negative binomial counts (variance mu (1 + phi)) given y > 0.

    ``mu`` and phi are those of the untruncated distribution.

    Examples
    --------
    >>> import numpy as np
    >>> family = TruncatedNegativeBinomial1()
    >>> family.expected(np.array([1.0]), (np.log(1.0),)).round(6).tolist()
    [2.0]
    """

    name = "truncated_nbinom1"
    dispersion_limit = ("truncated_poisson", -1.0)
    _base = NegativeBinomial1

    def _log_zero(self, aux: AuxValues, t: FloatArray) -> _LogZero:
        a = np.asarray(aux[0])
        rate = np.maximum(softplus(a), np.finfo(float).tiny)
        return _LogZero(t + (np.log(rate) - a), 1.0, 0.0, 0.0, expit_pair(a)[0] / rate - 1.0)
