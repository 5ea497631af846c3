"""The gamma distribution."""

from __future__ import annotations

import numpy as np
from scipy import special

from glmmlab._types import BoolArray, FloatArray
from glmmlab.families._start import clipped_log, positive_mean, weighted_mean
from glmmlab.families.base import AuxPart, AuxValues, Family, Obs, Parts
from glmmlab.families.special import HALF_LOG_TWO_PI, log_minus_digamma, stirling_remainder

__all__ = ["Gamma", "PositiveFamily"]

_LARGEST = 709.0


class PositiveFamily(Family):
    """What continuous families on y > 0 with a log link by default share."""

    default_link = "log"
    allowed_links = ("log", "inverse", "identity", "sqrt")
    natural = "log"
    support = "numbers greater than 0"
    zero_is_possible = False
    auxiliary = ("dispersion",)

    def check(self, y: FloatArray, trials: FloatArray | None = None) -> BoolArray:
        return ~((y > 0) & (y < np.inf))

    def prepare(self, y: FloatArray, trials: FloatArray | None = None) -> Obs:
        y = np.asarray(y, dtype=float)
        return Obs(y=y, log_y=np.log(y))

    def _relative_variance(self, y: FloatArray, weights: FloatArray | None) -> float:
        """Var(y) / mean^2."""
        center = weighted_mean(y, weights)
        return weighted_mean((y / center - 1.0) ** 2, weights)


class Gamma(PositiveFamily):
    """Gamma distribution with mean mu and variance phi mu^2.

    The auxiliary predictor ``dispersion`` is log phi; the shape of the distribution is 1/phi.
    The default link is the log (R's is the inverse, which restricts eta to positive values).

    Examples
    --------
    >>> import numpy as np
    >>> Gamma().variance(np.array([3.0]), (np.log(0.5),)).round(6).tolist()
    [4.5]
    """

    name = "gamma"
    has_residual = True
    dispersion_label = "sigma^2"

    def normaliser(self, obs: Obs, aux: AuxValues) -> FloatArray:
        # k log k - k - log Gamma(k) with k = 1/phi, the big terms cancelled by hand
        a = aux[0]
        constant = -0.5 * a - HALF_LOG_TWO_PI - stirling_remainder(np.exp(-a))
        return constant - obs.log_y

    def natural_part(self, obs: Obs, aux: AuxValues, t: FloatArray, third: bool = False) -> Parts:
        k = np.exp(-aux[0])
        v = np.minimum(obs.log_y - t, _LARGEST + np.minimum(aux[0], 0.0))  # k exp(v) is finite
        g1 = k * np.expm1(v)  # k (y/mu - 1)
        g2 = -g1 - k
        parts = (k * v - g1, g1, g2)
        return (*parts, -g2) if third else parts

    def natural_aux_part(self, obs: Obs, aux: AuxValues, t: FloatArray) -> AuxPart:
        k = np.exp(-aux[0])
        v = np.minimum(obs.log_y - t, _LARGEST + np.minimum(aux[0], 0.0))  # k exp(v) is finite
        g1 = k * np.expm1(v)
        return [(g1 - k * v - k * log_minus_digamma(k), -g1, g1 + k)]

    def start(
        self,
        y: FloatArray,
        trials: FloatArray | None = None,
        weights: FloatArray | None = None,
    ) -> tuple[FloatArray, list[float]]:
        phi = clipped_log(self._relative_variance(y, weights), 1e-8, 1e4)
        return self.link.link(positive_mean(y, weights)), [phi]

    def variance(
        self, mu: FloatArray, aux: AuxValues, trials: FloatArray | None = None
    ) -> FloatArray:
        return np.exp(aux[0]) * mu * mu

    def simulate(
        self,
        rng: np.random.Generator,
        mu: FloatArray,
        aux: AuxValues,
        trials: FloatArray | None = None,
    ) -> FloatArray:
        phi = np.exp(aux[0])
        shape = np.broadcast_shapes(np.shape(mu), np.shape(phi))
        draws = rng.standard_gamma(1.0 / phi, size=shape) * (mu * phi)
        return np.maximum(draws, np.finfo(float).tiny)  # a tiny shape underflows to 0

    def cdf(
        self,
        y: FloatArray,
        mu: FloatArray,
        aux: AuxValues,
        trials: FloatArray | None = None,
    ) -> FloatArray:
        k = np.exp(-aux[0])
        return special.gammainc(k, k * np.maximum(y, 0.0) / mu)

    def unit_deviance(
        self,
        y: FloatArray,
        mu: FloatArray,
        aux: AuxValues = (),
        trials: FloatArray | None = None,
    ) -> FloatArray:
        """``2 [(y - mu)/mu - log(y/mu)]``."""
        ratio = y / mu
        return 2.0 * (ratio - 1.0 - np.log(ratio))
