"""Student's t distribution, for responses with outliers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special

from glmmlab._types import BoolArray, FloatArray
from glmmlab.errors import ResponseError
from glmmlab.families._start import clipped_log, weighted_mean
from glmmlab.families.base import AuxPart, AuxValues, Family, Obs, Parts, remember
from glmmlab.families.special import GammaSet, rising
from glmmlab.links import Link

__all__ = ["StudentT"]


class StudentT(Family):
    """Student's t with location mu, scale exp(a) and nu degrees of freedom.

    The auxiliary predictor ``dispersion`` is the log scale, ``shape`` is log nu; with ``df``
    given nu is fixed and there is no shape.  The reported dispersion is the squared scale, not
    the variance (scale^2 nu / (nu - 2), infinite for nu <= 2).

    Parameters
    ----------
    link : str or Link, optional
    df : float, optional
        Fixed degrees of freedom; estimated when left out.

    Raises
    ------
    ResponseError
        ``df`` is not a positive number.

    Examples
    --------
    >>> StudentT(df=4).auxiliary
    ('dispersion',)
    >>> StudentT().auxiliary
    ('dispersion', 'shape')
    """

    name = "t"
    default_link = "identity"
    allowed_links = ("identity", "log", "inverse", "sqrt")
    support = "any finite number"
    separated_by = "no positive response"
    dispersion_label = "sigma^2"
    has_residual, location_scale, always_unbounded = True, True, True
    perfect_advice = (
        "Tied or rounded responses do this, or too many terms: fix the degrees of freedom, "
        "family=gl.families.StudentT(df=4), use family='gaussian', or simplify the formula"
    )
    shape_limit = ("gaussian", 1.0)

    def __init__(self, link: str | Link | None = None, df: float | None = None) -> None:
        super().__init__(link)
        number = isinstance(df, (int, float, np.integer, np.floating))
        if df is not None and not (number and 0 < df < math.inf):
            raise ResponseError(f"df={df!r}: degrees of freedom must be a positive number.")
        self.df = df
        self.auxiliary = ("dispersion", "shape") if df is None else ("dispersion",)

    def options(self) -> dict[str, Any]:
        return {} if self.df is None else {"df": self.df}

    def _nu(self, aux: AuxValues) -> FloatArray:
        return np.asarray(self.df) if self.df is not None else np.exp(aux[1])

    def check(self, y: FloatArray, trials: FloatArray | None = None) -> BoolArray:
        return ~np.isfinite(y)

    def prepare(self, y: FloatArray, trials: FloatArray | None = None) -> Obs:
        y = np.asarray(y, dtype=float)
        return Obs(y=y, zero=np.zeros(y.shape))

    def normaliser(self, obs: Obs, aux: AuxValues) -> FloatArray:
        nu = self._nu(aux)
        ratio = _half_step(obs, nu).log  # log Gamma((nu+1)/2) - log Gamma(nu/2)
        return obs.zero + (ratio - 0.5 * np.log(nu) - 0.5 * math.log(math.pi) - aux[0])

    def natural_part(self, obs: Obs, aux: AuxValues, t: FloatArray, third: bool = False) -> Parts:
        # c = K/(K + r^2) between 0 and 1: nothing overflows in c and z
        nu = self._nu(aux)
        rate = np.exp(-aux[0])
        z = (obs.y - t) * rate
        w = z * z / nu
        c = 1.0 / (1.0 + w)
        kappa = (nu + 1.0) / nu
        slope = (kappa * rate) * z * c
        curve = (-kappa * rate * rate) * c * (2.0 * c - 1.0)
        parts = (-0.5 * (nu + 1.0) * np.log1p(w), slope, curve)
        if not third:
            return parts
        return (*parts, (-2.0 / nu * rate * rate) * slope * c * (4.0 * c - 1.0))

    def natural_aux_part(self, obs: Obs, aux: AuxValues, t: FloatArray) -> AuxPart:
        nu = self._nu(aux)
        rate = np.exp(-aux[0])
        z = (obs.y - t) * rate
        w = z * z / nu
        c = 1.0 / (1.0 + w)
        rest = w * c  # 1 - c without losing a small w
        kappa = (nu + 1.0) / nu
        scale = (
            (nu + 1.0) * rest - 1.0,
            (-2.0 * kappa * rate) * z * c * c,
            (-2.0 * kappa * rate * rate) * c * c * (3.0 - 4.0 * c),
        )
        if self.df is not None:
            return [scale]
        gap = 0.5 * nu * _half_step(obs, nu).first - 0.5
        shape = (
            gap + 0.5 * ((nu + 1.0) * rest - nu * np.log1p(w)),
            rate * z * c * (rest - c / nu),
            (-rate * rate) * c * (3.0 * kappa * c * rest - c * c / nu - rest * rest),
        )
        return [scale, shape]

    def start(
        self,
        y: FloatArray,
        trials: FloatArray | None = None,
        weights: FloatArray | None = None,
    ) -> tuple[FloatArray, list[float]]:
        center = float(np.median(y))
        spread = 1.4826 * float(np.median(np.abs(y - center)))
        if spread == 0.0:  # more than half the rows tie
            spread = math.sqrt(weighted_mean((y - center) ** 2, weights))
        # half way to the centre, and within what is no outlier
        mu = center + np.clip(0.5 * (y - center), -3.0 * spread, 3.0 * spread)
        if self.link.name != "identity":
            mu = np.maximum(mu, max(0.1 * abs(center), 0.1 * spread, 1e-8))
        scale = clipped_log(spread, max(1e-4 * abs(center), 1e-8), np.inf)
        return self.link.link(mu), [scale] if self.df is not None else [scale, math.log(5.0)]

    def response_spread(self, y: FloatArray) -> float:
        """From the median absolute deviation: one wild response must not decide."""
        spread = 1.4826 * float(np.median(np.abs(y - np.median(y))))
        return spread if spread > 0.0 else float(np.std(y))

    def residual_spread(self, mu: FloatArray, aux: AuxValues) -> FloatArray:
        """The scale: there may be no variance."""
        return np.exp(aux[0]) + np.zeros_like(mu)

    def variance(
        self, mu: FloatArray, aux: AuxValues, trials: FloatArray | None = None
    ) -> FloatArray:
        """Var(y) = scale^2 nu/(nu - 2), infinite where nu <= 2."""
        nu = self._nu(aux)
        factor = np.where(nu > 2.0, nu / np.maximum(nu - 2.0, 1e-300), np.inf)
        return np.exp(2.0 * aux[0]) * factor + np.zeros_like(mu)

    def simulate(
        self,
        rng: np.random.Generator,
        mu: FloatArray,
        aux: AuxValues,
        trials: FloatArray | None = None,
    ) -> FloatArray:
        nu = self._nu(aux)
        shape = np.broadcast_shapes(np.shape(mu), np.shape(aux[0]), np.shape(nu))
        return mu + np.exp(aux[0]) * rng.standard_t(nu, size=shape)

    def cdf(
        self,
        y: FloatArray,
        mu: FloatArray,
        aux: AuxValues,
        trials: FloatArray | None = None,
    ) -> FloatArray:
        return special.stdtr(self._nu(aux), (y - mu) * np.exp(-aux[0]))

    def dispersion(self, value: float) -> float:
        return np.exp(2.0 * value)

    def shape(self, value: float) -> dict[str, float]:
        return {"degrees of freedom": float(np.exp(value))}


def _half_step(obs: Obs, nu: FloatArray) -> GammaSet:
    """Gamma differences from nu/2 to (nu + 1)/2."""
    return remember(obs, np.asarray(0.5 * nu), lambda x: rising(x, np.asarray(0.5)))
