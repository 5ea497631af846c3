"""The inverse Gaussian distribution."""

from __future__ import annotations

import numpy as np
from scipy import special

from glmmlab._types import FloatArray
from glmmlab.families._start import clipped_log, positive_mean, weighted_mean
from glmmlab.families.base import AuxPart, AuxValues, Obs, Parts
from glmmlab.families.gamma import PositiveFamily
from glmmlab.families.special import HALF_LOG_TWO_PI

__all__ = ["InverseGaussian"]

_LARGEST = 340.0  # the square of exp(v) must be finite


class InverseGaussian(PositiveFamily):
    """Inverse Gaussian (Wald) distribution with mean mu and variance phi mu^3.

    The auxiliary predictor ``dispersion`` is log phi.

    Examples
    --------
    >>> import numpy as np
    >>> InverseGaussian().variance(np.array([2.0]), (np.log(0.5),)).round(6).tolist()
    [4.0]
    """

    name = "inverse_gaussian"
    has_residual = True

    def prepare(self, y: FloatArray, trials: FloatArray | None = None) -> Obs:
        obs = super().prepare(y, trials)
        obs.constant = -1.5 * obs.log_y - HALF_LOG_TWO_PI
        return obs

    def normaliser(self, obs: Obs, aux: AuxValues) -> FloatArray:
        return obs.constant - 0.5 * aux[0]

    def natural_part(self, obs: Obs, aux: AuxValues, t: FloatArray, third: bool = False) -> Parts:
        # z = y/mu: l = -(z - 1)^2 / (2 phi y), dz/dt = -z
        log_phi_y = aux[0] + obs.log_y
        v = np.minimum(obs.log_y - t, _LARGEST + 0.5 * np.minimum(log_phi_y, 0.0))
        less = np.expm1(v)
        z = less + 1.0
        rate = np.exp(-log_phi_y)
        g1 = rate * z * less
        parts = (-0.5 * rate * less * less, g1, -2.0 * g1 - rate * z)
        return (*parts, 4.0 * g1 + 3.0 * rate * z) if third else parts

    def natural_aux_part(self, obs: Obs, aux: AuxValues, t: FloatArray) -> AuxPart:
        l, g1, g2 = self.natural_part(obs, aux, t)
        return [(-l - 0.5, -g1, -g2)]

    def start(
        self,
        y: FloatArray,
        trials: FloatArray | None = None,
        weights: FloatArray | None = None,
    ) -> tuple[FloatArray, list[float]]:
        center = weighted_mean(y, weights)
        phi = weighted_mean((y / center - 1.0) ** 2 / y, weights)
        mu = positive_mean(y, weights)
        return self.link.link(mu), [clipped_log(phi, 1e-8 / center, 1e4 / center)]

    def variance(
        self, mu: FloatArray, aux: AuxValues, trials: FloatArray | None = None
    ) -> FloatArray:
        return np.exp(aux[0]) * mu**3

    def simulate(
        self,
        rng: np.random.Generator,
        mu: FloatArray,
        aux: AuxValues,
        trials: FloatArray | None = None,
    ) -> FloatArray:
        shape = np.broadcast_shapes(np.shape(mu), np.shape(aux[0]))
        return rng.wald(mu, np.exp(-aux[0]), size=shape)

    def cdf(
        self,
        y: FloatArray,
        mu: FloatArray,
        aux: AuxValues,
        trials: FloatArray | None = None,
    ) -> FloatArray:
        """Two normal tails (Shuster 1968, JASA 63:1514), the huge factor kept in the logarithm."""
        rate = np.exp(-aux[0])
        positive = np.maximum(y, np.finfo(float).tiny)
        root, ratio = np.sqrt(rate / positive), positive / mu
        second = np.exp(2.0 * rate / mu + special.log_ndtr(-root * (ratio + 1.0)))
        return np.where(np.asarray(y) > 0, special.ndtr(root * (ratio - 1.0)) + second, 0.0)

    def unit_deviance(
        self,
        y: FloatArray,
        mu: FloatArray,
        aux: AuxValues = (),
        trials: FloatArray | None = None,
    ) -> FloatArray:
        """``(y - mu)^2 / (mu^2 y)``."""
        return (y / mu - 1.0) ** 2 / y
