"""The Poisson distribution."""

from __future__ import annotations

import numpy as np
from scipy import special

from glmmlab._types import BoolArray, FloatArray
from glmmlab.families._counts import LARGEST_LOG, poisson_counts
from glmmlab.families._start import positive_mean
from glmmlab.families.base import AuxValues, Family, Obs, Parts

__all__ = ["CountFamily", "Poisson"]


class CountFamily(Family):
    """What all families of counts 0, 1, 2, ... with a log link by default share."""

    default_link = "log"
    allowed_links = ("log", "identity", "sqrt")
    natural = "log"
    support = "whole numbers 0, 1, 2, ..."
    integer = True

    def check(self, y: FloatArray, trials: FloatArray | None = None) -> BoolArray:
        with np.errstate(invalid="ignore"):  # an infinite response is itself a bad row
            return ~(np.isfinite(y) & (y >= 0) & (y == np.floor(y)))

    def prepare(self, y: FloatArray, trials: FloatArray | None = None) -> Obs:
        y = np.asarray(y, dtype=float)
        return Obs(
            y=y,
            log_factorial=special.gammaln(y + 1.0),
            positive=(y > 0).astype(float),
            less_one=np.maximum(y - 1.0, 0.0),
        )

    def _start_eta(self, y: FloatArray, weights: FloatArray | None) -> FloatArray:
        return self.link.link(positive_mean(y, weights))


class Poisson(CountFamily):
    """Poisson counts with mean mu.

    Examples
    --------
    >>> import numpy as np
    >>> Poisson().cdf(np.array([0.0, 1.0]), np.array([1.0, 1.0]), ()).round(4).tolist()
    [0.3679, 0.7358]
    """

    name = "poisson"

    def normaliser(self, obs: Obs, aux: AuxValues) -> FloatArray:
        return -obs.log_factorial

    def natural_part(self, obs: Obs, aux: AuxValues, t: FloatArray, third: bool = False) -> Parts:
        mu = np.exp(np.minimum(t, LARGEST_LOG))
        minus = -mu
        parts = (obs.y * t - mu, obs.y - mu, minus)
        return (*parts, minus.copy()) if third else parts

    def start(
        self,
        y: FloatArray,
        trials: FloatArray | None = None,
        weights: FloatArray | None = None,
    ) -> tuple[FloatArray, list[float]]:
        return self._start_eta(y, weights), []

    def variance(
        self, mu: FloatArray, aux: AuxValues, trials: FloatArray | None = None
    ) -> FloatArray:
        return np.array(mu, dtype=float)

    def simulate(
        self,
        rng: np.random.Generator,
        mu: FloatArray,
        aux: AuxValues,
        trials: FloatArray | None = None,
    ) -> FloatArray:
        return poisson_counts(rng, mu)

    def cdf(
        self,
        y: FloatArray,
        mu: FloatArray,
        aux: AuxValues,
        trials: FloatArray | None = None,
    ) -> FloatArray:
        k = np.floor(y)
        return np.where(k < 0, 0.0, special.gammaincc(np.maximum(k, 0.0) + 1.0, mu))

    def unit_deviance(
        self,
        y: FloatArray,
        mu: FloatArray,
        aux: AuxValues = (),
        trials: FloatArray | None = None,
    ) -> FloatArray | None:
        """``2 [y log(y / mu) - (y - mu)]``."""
        return 2.0 * special.kl_div(y, mu)
