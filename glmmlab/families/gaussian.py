"""The normal distribution."""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from glmmlab._types import BoolArray, FloatArray
from glmmlab.families._start import clipped_log, weighted_mean, weighted_variance
from glmmlab.families.base import AuxPart, AuxValues, Family, Obs, Parts
from glmmlab.families.special import HALF_LOG_TWO_PI

__all__ = ["Gaussian"]


class Gaussian(Family):
    """Normal distribution with mean mu and standard deviation exp(a).

    The auxiliary predictor ``dispersion`` is the log standard deviation; the reported dispersion
    is the variance sigma^2.

    Examples
    --------
    >>> import numpy as np
    >>> family = Gaussian()
    >>> float(family.dispersion(np.log(3.0)).round(6))
    9.0
    """

    name = "gaussian"
    default_link = "identity"
    allowed_links = ("identity", "log", "inverse", "sqrt")
    support = "any finite number"
    separated_by = "no positive response"
    dispersion_label = "sigma^2"
    auxiliary = ("dispersion",)
    has_residual, residual_floor, location_scale = True, 1e-8, True

    @property
    def is_linear(self) -> bool:
        return self.link.name == "identity"

    def check(self, y: FloatArray, trials: FloatArray | None = None) -> BoolArray:
        return ~np.isfinite(y)

    def prepare(self, y: FloatArray, trials: FloatArray | None = None) -> Obs:
        y = np.asarray(y, dtype=float)
        return Obs(y=y, constant=np.full(y.shape, -HALF_LOG_TWO_PI))

    def normaliser(self, obs: Obs, aux: AuxValues) -> FloatArray:
        return obs.constant - aux[0]

    def natural_part(self, obs: Obs, aux: AuxValues, t: FloatArray, third: bool = False) -> Parts:
        precision = np.exp(-2.0 * aux[0])
        r = obs.y - t
        g1 = r * precision
        parts = (-0.5 * r * g1, g1, np.full(g1.shape, -precision))
        return (*parts, np.zeros(g1.shape)) if third else parts

    def natural_aux_part(self, obs: Obs, aux: AuxValues, t: FloatArray) -> AuxPart:
        precision = np.exp(-2.0 * aux[0])
        r = obs.y - t
        g1 = r * precision
        return [(r * g1 - 1.0, -2.0 * g1, np.full(g1.shape, 2.0 * precision))]

    def start(
        self,
        y: FloatArray,
        trials: FloatArray | None = None,
        weights: FloatArray | None = None,
    ) -> tuple[FloatArray, list[float]]:
        center = weighted_mean(y, weights)
        sd = math.sqrt(weighted_variance(y, weights))
        mu = 0.5 * (y + center)
        if self.link.name != "identity":  # the other links start from positive means
            mu = np.maximum(mu, max(0.1 * abs(center), 0.1 * sd, 1e-8))
        return self.link.link(mu), [clipped_log(sd, max(1e-4 * abs(center), 1e-8), np.inf)]

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
        shape = np.broadcast_shapes(np.shape(mu), np.shape(aux[0]))
        return mu + np.exp(aux[0]) * rng.standard_normal(shape)

    def cdf(
        self,
        y: FloatArray,
        mu: FloatArray,
        aux: AuxValues,
        trials: FloatArray | None = None,
    ) -> FloatArray:
        return special.ndtr((y - mu) * np.exp(-aux[0]))

    def unit_deviance(
        self,
        y: FloatArray,
        mu: FloatArray,
        aux: AuxValues = (),
        trials: FloatArray | None = None,
    ) -> FloatArray:
        return (y - mu) ** 2

    def dispersion(self, value: float) -> float:
        return np.exp(2.0 * value)
