"""The generalized Poisson distribution: counts with more or less spread than Poisson's."""

from __future__ import annotations

import numpy as np

from glmmlab._types import FloatArray
from glmmlab.families._counts import LARGEST_LOG, poisson_counts
from glmmlab.families._start import clipped_log, weighted_mean, weighted_variance
from glmmlab.families.base import AuxPart, AuxValues, Obs, Parts
from glmmlab.families.poisson import CountFamily

__all__ = ["GeneralizedPoisson"]

_AT_ONCE = 1_000_000
"""Probabilities held at once."""


class GeneralizedPoisson(CountFamily):
    """Counts with variance phi mu (Consul & Famoye 1992); ``dispersion`` is log phi.

    With theta = mu/sqrt(phi) and lambda = 1 - 1/sqrt(phi),
    f(y) = theta (theta + lambda y)^(y-1) exp(-theta - lambda y) / y!.  For phi < 1 counts with
    theta + lambda y <= 0 are impossible (l = -inf), and the rest sums to 1 only nearly.

    Examples
    --------
    >>> import numpy as np
    >>> GeneralizedPoisson().variance(np.array([2.0]), (np.log(3.0),)).round(6).tolist()
    [6.0]
    """

    name = "genpois"
    contains = ("poisson",)
    auxiliary = ("dispersion",)

    def normaliser(self, obs: Obs, aux: AuxValues) -> FloatArray:
        return obs.y * np.expm1(-0.5 * aux[0]) - obs.log_factorial

    def _parts(
        self, obs: Obs, aux: AuxValues, t: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """log theta, theta, D = theta + lambda y (1 where unused) and which counts are possible.

        At y = 0, D is theta and cancels from everything, whatever its size.
        """
        log_theta = t - 0.5 * aux[0]
        theta = np.exp(np.minimum(log_theta, LARGEST_LOG))
        d = theta - np.expm1(-0.5 * aux[0]) * obs.y
        possible = (obs.y == 0) | (d > 0.0)
        return log_theta, theta, np.where((obs.y > 0) & possible, d, 1.0), possible

    def _ratio(self, obs: Obs, theta: FloatArray, d: FloatArray) -> FloatArray:
        # bounded so that its cube is finite; only impossible counts come near
        return np.where(obs.y > 0, np.minimum(theta / d, 1e100), 1.0)

    def natural_part(self, obs: Obs, aux: AuxValues, t: FloatArray, third: bool = False) -> Parts:
        log_theta, theta, d, possible = self._parts(obs, aux, t)
        rest = obs.y - 1.0
        ratio = self._ratio(obs, theta, d)
        k = rest * ratio
        other = 1.0 - ratio
        l = obs.positive * log_theta + rest * np.log(d) - theta
        parts = (np.where(possible, l, -np.inf), 1.0 + k - theta, k * other - theta)
        return (*parts, k * other * (other - ratio) - theta) if third else parts

    def natural_aux_part(self, obs: Obs, aux: AuxValues, t: FloatArray) -> AuxPart:
        _, theta, d, _ = self._parts(obs, aux, t)
        share = np.exp(-0.5 * aux[0])
        rest = obs.y - 1.0
        ratio = self._ratio(obs, theta, d)
        # d log D / da
        slope = np.where(obs.y > 0, 0.5 * (share * obs.y - theta) / d, -0.5)
        k_a = -rest * ratio * (0.5 + slope)
        l_a = rest * slope + 0.5 * (theta - share * obs.y - 1.0)
        return [(l_a, k_a + 0.5 * theta, k_a * (1.0 - 2.0 * ratio) + 0.5 * theta)]

    def start(
        self,
        y: FloatArray,
        trials: FloatArray | None = None,
        weights: FloatArray | None = None,
    ) -> tuple[FloatArray, list[float]]:
        # phi >= 1: every count is possible wherever the search begins
        center = max(weighted_mean(y, weights), 1e-8)
        phi = weighted_variance(y, weights) / center
        return self._start_eta(y, weights), [clipped_log(phi, 1.0, 20.0)]

    def variance(
        self, mu: FloatArray, aux: AuxValues, trials: FloatArray | None = None
    ) -> FloatArray:
        return mu * np.exp(aux[0])

    def simulate(
        self,
        rng: np.random.Generator,
        mu: FloatArray,
        aux: AuxValues,
        trials: FloatArray | None = None,
    ) -> FloatArray:
        """A Poisson number of families, each a branching process with Poisson(lambda) children.

        For phi < 1, where lambda is negative, by inversion of the summed probabilities.
        """
        shape = np.broadcast_shapes(np.shape(mu), np.shape(aux[0]))
        mu = np.broadcast_to(np.asarray(mu, dtype=float), shape).ravel()
        a = np.broadcast_to(aux[0], shape).ravel()
        child = -np.expm1(-0.5 * a)
        total = poisson_counts(rng, mu * np.exp(-0.5 * a))
        alive = np.flatnonzero((total > 0) & (child > 0))
        born = total[alive]
        while alive.size:
            born = poisson_counts(rng, child[alive] * born)
            total[alive] += born
            alive, born = alive[born > 0], born[born > 0]
        under = np.flatnonzero(child < 0)
        if under.size:
            total[under] = self._invert(rng, mu[under], a[under])
        return total.reshape(shape)

    def _invert(self, rng: np.random.Generator, mu: FloatArray, a: FloatArray) -> FloatArray:
        """Inversion by adding up probabilities, rescaled because they sum to 1 only nearly."""
        pairs, which = np.unique(np.stack([mu, a]), axis=1, return_inverse=True)
        means, shapes = pairs
        # at most Poisson's tail is beyond, less than 1e-20
        ends = np.ceil(means + 12.0 * np.sqrt(means) + 20.0)
        by_pair = np.argsort(which, kind="stable")
        first = np.searchsorted(which[by_pair], np.arange(len(means) + 1))
        u = rng.random(mu.size)
        out = np.empty(mu.size)
        start = 0
        while start < len(means):  # pairs together, as many as memory allows
            widest = np.maximum.accumulate(ends[start:])
            fit = np.searchsorted(widest * np.arange(1, len(widest) + 1), _AT_ONCE, side="right")
            cut = slice(start, start + max(1, int(fit)))
            y = np.arange(ends[cut].max())
            eta = np.repeat(self.link.link(means[cut])[:, None], len(y), axis=1)
            totals = np.exp(self.logpdf(y, aux=(shapes[cut][:, None],), eta=eta)).cumsum(axis=1)
            for pair, total in enumerate(totals, start):
                rows = by_pair[first[pair] : first[pair + 1]]
                out[rows] = np.searchsorted(total, u[rows] * total[-1], side="right")
            start = cut.stop
        return out

    def _sum(self, k: FloatArray, mu: FloatArray, a: FloatArray) -> FloatArray:
        """Sum of the probabilities of 0, 1, ..., k."""
        eta = self.link.link(mu)
        total = np.zeros(np.broadcast_shapes(k.shape, mu.shape, a.shape))
        for j in range(int(np.max(k, initial=-1.0)) + 1):
            y = np.full(total.shape, float(j))
            total += np.where(k >= j, np.exp(self.logpdf(y, aux=(a,), eta=eta)), 0.0)
        return total

    def cdf(
        self,
        y: FloatArray,
        mu: FloatArray,
        aux: AuxValues,
        trials: FloatArray | None = None,
    ) -> FloatArray:
        """P(Y <= y) by summing the probabilities upwards from 0."""
        k = np.floor(np.asarray(y, dtype=float))
        return np.minimum(self._sum(k, np.asarray(mu), np.asarray(aux[0])), 1.0)
