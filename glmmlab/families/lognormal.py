"""The log-normal distribution, parametrised by its mean and standard deviation."""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from glmmlab._types import FloatArray
from glmmlab.families._start import clipped_log, positive_mean, weighted_mean, weighted_variance
from glmmlab.families.base import AuxPart, AuxValues, Obs, Parts
from glmmlab.families.gamma import PositiveFamily
from glmmlab.families.special import HALF_LOG_TWO_PI
from glmmlab.links import expit_pair, softplus

__all__ = ["LogNormal"]

_LARGEST = 650.0


class LogNormal(PositiveFamily):
    """Log-normal with mean mu and standard deviation phi, both of y itself (as glmmTMB).

    log y is normal with variance s = log(1 + phi^2/mu^2) and mean log mu - s/2.  The auxiliary
    predictor ``dispersion`` is log phi, the reported dispersion phi.

    Examples
    --------
    >>> import numpy as np
    >>> LogNormal().variance(np.array([2.0]), (np.log(3.0),)).round(6).tolist()
    [9.0]
    """

    name = "lognormal"
    has_residual, residual_floor = True, 1e-8

    def prepare(self, y: FloatArray, trials: FloatArray | None = None) -> Obs:
        obs = super().prepare(y, trials)
        obs.constant = -obs.log_y - HALF_LOG_TWO_PI
        return obs

    def normaliser(self, obs: Obs, aux: AuxValues) -> FloatArray:
        return obs.constant

    def natural_part(self, obs: Obs, aux: AuxValues, t: FloatArray, third: bool = False) -> Parts:
        return self._derivatives(obs, aux, t)[0][: 4 if third else 3]

    def natural_aux_part(self, obs: Obs, aux: AuxValues, t: FloatArray) -> AuxPart:
        # s depends on a - t alone, so that d/da = (d/dt with s held) - d/dt, and the former is u
        (_, g1, g2, g3), (u, u1, u2) = self._derivatives(obs, aux, t)
        return [(u - g1, u1 - g2, u2 - g3)]

    def _derivatives(self, obs: Obs, aux: AuxValues, t: FloatArray) -> tuple[Parts, Parts]:
        """Those of ``l = -log(s)/2 - e^2/(2s)``, e = log y - t + s/2, and of ``u = e/s``."""
        r = np.maximum(2.0 * (aux[0] - t), -_LARGEST)  # s must not vanish
        p, q = expit_pair(r)
        s = softplus(r)
        e = obs.log_y - t + 0.5 * s
        pq = p * q
        bend = pq * (q - p)
        e1, e2, e3 = -1.0 - p, 2.0 * pq, -4.0 * bend
        k1, k2, k3 = -2.0 * p / s, 4.0 * pq / s, -8.0 * bend / s  # derivatives of s over s
        m2 = k2 - k1 * k1  # second and third derivative of log s
        m3 = k3 - 3.0 * k1 * k2 + 2.0 * k1**3
        u = e / s
        u1 = e1 / s - u * k1
        u2 = e2 / s - e1 / s * k1 - u1 * k1 - u * m2
        h = u * e
        h1 = u1 * e + u * e1
        h2 = u2 * e + 2.0 * u1 * e1 + u * e2
        parts = (
            -0.5 * (np.log(s) + h),
            0.5 * (h - 1.0) * k1 - u * e1,
            0.5 * ((h - 1.0) * m2 + h1 * k1) - u1 * e1 - u * e2,
            0.5 * ((h - 1.0) * m3 + h2 * k1) + h1 * m2 - u2 * e1 - 2.0 * u1 * e2 - u * e3,
        )
        return parts, (u, u1, u2)

    def start(
        self,
        y: FloatArray,
        trials: FloatArray | None = None,
        weights: FloatArray | None = None,
    ) -> tuple[FloatArray, list[float]]:
        center = weighted_mean(y, weights)
        sd = math.sqrt(weighted_variance(y / center, weights))
        phi = clipped_log(sd, 1e-4, 1e4) + math.log(center)
        return self.link.link(positive_mean(y, weights)), [phi]

    def variance(
        self, mu: FloatArray, aux: AuxValues, trials: FloatArray | None = None
    ) -> FloatArray:
        return np.exp(2.0 * aux[0]) + np.zeros_like(mu)

    def simulate(
        self,
        rng: np.random.Generator,
        mu: FloatArray,
        aux: AuxValues,
        trials: FloatArray | None = None,
    ) -> FloatArray:
        log_mean, sd = _log_scale(mu, aux)
        return np.exp(log_mean + sd * rng.standard_normal(np.shape(sd)))

    def cdf(
        self,
        y: FloatArray,
        mu: FloatArray,
        aux: AuxValues,
        trials: FloatArray | None = None,
    ) -> FloatArray:
        log_mean, sd = _log_scale(mu, aux)
        positive = np.maximum(y, np.finfo(float).tiny)
        return np.where(np.asarray(y) > 0, special.ndtr((np.log(positive) - log_mean) / sd), 0.0)


def _log_scale(mu: FloatArray, aux: AuxValues) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation of log y."""
    log_mu = np.log(mu)
    s = softplus(2.0 * (aux[0] - log_mu))
    return log_mu - 0.5 * s, np.sqrt(s)
