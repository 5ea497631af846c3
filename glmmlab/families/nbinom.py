"""Negative binomial counts with a quadratic (2) and a linear (1) variance function."""

from __future__ import annotations

import numpy as np
from scipy import special

from glmmlab._types import FloatArray
from glmmlab.families._counts import LARGEST_LOG, poisson_counts
from glmmlab.families._start import clipped_log, weighted_mean, weighted_variance
from glmmlab.families.base import AuxPart, AuxValues, Obs, Parts
from glmmlab.families.poisson import CountFamily
from glmmlab.families.rises import Rises
from glmmlab.links import expit_pair, softplus

__all__ = ["NegativeBinomial1", "NegativeBinomial2"]


class _NegativeBinomial(CountFamily):
    def prepare(self, y: FloatArray, trials: FloatArray | None = None) -> Obs:
        obs = super().prepare(y, trials)
        obs.rises = Rises(obs.less_one)  # from 1 + size to y + size, 0 at y = 0
        return obs


class NegativeBinomial2(_NegativeBinomial):
    """Counts with variance mu + mu^2/theta; the predictor ``dispersion`` is log theta.

    Written in u = eta - log theta, where it is a binomial with y successes and theta failures:
    nothing cancels in the Poisson limit (theta to infinity) or for huge means.

    Examples
    --------
    >>> import numpy as np
    >>> NegativeBinomial2().variance(np.array([2.0]), (np.log(4.0),)).round(6).tolist()
    [3.0]
    """

    name = "nbinom2"
    dispersion_limit = ("poisson", 1.0)
    auxiliary = ("dispersion",)

    def normaliser(self, obs: Obs, aux: AuxValues) -> FloatArray:
        # log [theta (theta+1) ... (theta+y-1) / theta^y] - log y!
        rise = obs.rises.part(np.exp(aux[0]), "log")
        return rise - obs.less_one * aux[0] - obs.log_factorial

    def natural_part(self, obs: Obs, aux: AuxValues, t: FloatArray, third: bool = False) -> Parts:
        u = t - aux[0]
        theta = np.exp(aux[0])
        positive = np.maximum(u, 0.0)
        low, high = np.exp(u - positive), np.exp(-positive)
        e = low * high
        larger = 1.0 / (1.0 + e)
        p, q = low * larger, high * larger
        total = obs.y + theta
        g2 = -(total * p) * q
        parts = (obs.y * t - total * (np.log1p(e) + positive), obs.y * q - theta * p, g2)
        return (*parts, g2 * (q - p)) if third else parts

    def natural_aux_part(self, obs: Obs, aux: AuxValues, t: FloatArray) -> AuxPart:
        u = t - aux[0]
        theta = np.exp(aux[0])
        p, q = expit_pair(u)
        g1 = obs.y * q - theta * p
        gap = obs.positive + theta * obs.rises.part(theta, "first")
        curve = (obs.y + theta) * p * q
        return [(gap - theta * softplus(u) - g1, p * g1, p * (q * g1 - curve))]

    def start(
        self,
        y: FloatArray,
        trials: FloatArray | None = None,
        weights: FloatArray | None = None,
    ) -> tuple[FloatArray, list[float]]:
        center = weighted_mean(y, weights)
        excess = max(weighted_variance(y, weights) - center, 0.05 * center * center, 1e-8)
        return self._start_eta(y, weights), [clipped_log(center * center / excess, 0.05, 20.0)]

    def variance(
        self, mu: FloatArray, aux: AuxValues, trials: FloatArray | None = None
    ) -> FloatArray:
        return mu * (1.0 + mu * np.exp(-aux[0]))

    def simulate(
        self,
        rng: np.random.Generator,
        mu: FloatArray,
        aux: AuxValues,
        trials: FloatArray | None = None,
    ) -> FloatArray:
        theta = np.exp(np.clip(aux[0], -LARGEST_LOG, LARGEST_LOG))
        return _mixed_poisson(rng, theta + np.zeros_like(mu), mu / theta)

    def cdf(
        self,
        y: FloatArray,
        mu: FloatArray,
        aux: AuxValues,
        trials: FloatArray | None = None,
    ) -> FloatArray:
        return _cdf(y, np.exp(aux[0]), mu)

    def unit_deviance(
        self,
        y: FloatArray,
        mu: FloatArray,
        aux: AuxValues = (),
        trials: FloatArray | None = None,
    ) -> FloatArray | None:
        """``2 [y log(y/mu) - (y + theta) log((y + theta)/(mu + theta))]``."""
        theta = np.exp(aux[0])
        return 2.0 * (special.kl_div(y, mu) - special.kl_div(y + theta, mu + theta))


class NegativeBinomial1(_NegativeBinomial):
    """Counts with variance mu (1 + phi); the predictor ``dispersion`` is log phi.

    A negative binomial whose size s = mu/phi follows the mean.

    Examples
    --------
    >>> import numpy as np
    >>> NegativeBinomial1().variance(np.array([2.0]), (np.log(0.5),)).round(6).tolist()
    [3.0]
    """

    name = "nbinom1"
    dispersion_limit = ("poisson", -1.0)
    auxiliary = ("dispersion",)

    def normaliser(self, obs: Obs, aux: AuxValues) -> FloatArray:
        # the power of phi meets s^y of the other part: y log(phi/(1 + phi))
        return -obs.y * softplus(-np.asarray(aux[0])) - obs.log_factorial

    def natural_part(self, obs: Obs, aux: AuxValues, t: FloatArray, third: bool = False) -> Parts:
        u = np.minimum(t - aux[0], LARGEST_LOG)
        s = np.exp(u)
        rise = obs.rises.all(s)
        drop = _mean(t) * _log_ratio(aux[0])  # s log(1 + phi)
        e0 = s * rise.first
        e1 = s * (s * rise.second)
        parts = (obs.positive * u + rise.log - drop, obs.positive + e0 - drop, e0 + e1 - drop)
        if not third:
            return parts
        return (*parts, e0 + 3.0 * e1 + s * (s * (s * rise.third)) - drop)

    def natural_aux_part(self, obs: Obs, aux: AuxValues, t: FloatArray) -> AuxPart:
        # s falls as a rises, so that -d/da runs along the eta derivatives but for log(1 + phi)
        _, g1, g2, g3 = NegativeBinomial1.natural_part(self, obs, aux, t, third=True)
        rest = expit_pair(np.asarray(aux[0]))[1]
        loss = _mean(t) * rest  # s phi/(1 + phi)
        return [(obs.y * rest - g1 - loss, -g2 - loss, -g3 - loss)]

    def start(
        self,
        y: FloatArray,
        trials: FloatArray | None = None,
        weights: FloatArray | None = None,
    ) -> tuple[FloatArray, list[float]]:
        center = max(weighted_mean(y, weights), 1e-8)
        phi = weighted_variance(y, weights) / center - 1.0
        return self._start_eta(y, weights), [clipped_log(phi, 0.05, 20.0)]

    def variance(
        self, mu: FloatArray, aux: AuxValues, trials: FloatArray | None = None
    ) -> FloatArray:
        return mu * (1.0 + np.exp(aux[0]))

    def simulate(
        self,
        rng: np.random.Generator,
        mu: FloatArray,
        aux: AuxValues,
        trials: FloatArray | None = None,
    ) -> FloatArray:
        phi = np.exp(np.clip(aux[0], -LARGEST_LOG, LARGEST_LOG))
        return _mixed_poisson(rng, mu / phi, phi + np.zeros_like(mu))

    def cdf(
        self,
        y: FloatArray,
        mu: FloatArray,
        aux: AuxValues,
        trials: FloatArray | None = None,
    ) -> FloatArray:
        return _cdf(y, mu * np.exp(-aux[0]), mu)


def _mean(t: FloatArray) -> FloatArray:
    return np.exp(np.minimum(t, LARGEST_LOG))


def _log_ratio(a: FloatArray) -> FloatArray:
    """log(1 + phi)/phi, phi = exp(a); 1 in the Poisson limit."""
    return softplus(a) * np.exp(-a)


def _mixed_poisson(rng: np.random.Generator, size: FloatArray, scale: FloatArray) -> FloatArray:
    """Poisson counts whose mean is gamma distributed."""
    return poisson_counts(rng, rng.standard_gamma(size) * scale)


def _cdf(y: FloatArray, size: FloatArray, mu: FloatArray) -> FloatArray:
    k = np.floor(y)
    total = size + mu
    # I_{size/total}(size, k + 1); the complement of the other tail keeps digits near mu = 0
    value = special.betaincc(np.maximum(k, 0.0) + 1.0, size, mu / total)
    return np.where(k < 0, 0.0, value)
