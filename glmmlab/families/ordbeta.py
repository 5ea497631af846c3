"""Ordered beta regression: proportions with exact zeros and ones."""

from __future__ import annotations

import numpy as np
from scipy import special

from glmmlab._types import BoolArray, FloatArray
from glmmlab.families._start import clipped_log, weighted_mean, weighted_variance
from glmmlab.families.base import AuxPart, AuxValues, Family, Obs, Parts
from glmmlab.families.beta import Beta
from glmmlab.links import expit_pair, softplus

__all__ = ["OrderedBeta"]


class OrderedBeta(Family):
    """Ordered beta distribution (Kubinec 2022, Political Analysis 31:519) on [0, 1].

    One linear predictor moves the mass at 0, the mass at 1 and the beta distribution between:
    P(0) = expit(c0 - eta), P(1) = expit(eta - c1), and with the rest of the probability
    y is Beta(mu phi, (1 - mu) phi), mu = expit(eta).

    The auxiliary predictors are log phi and the two cut points c0 < c1 (on the scale of eta; their
    order is not enforced, but no response between 0 and 1 is possible without it).
    ``mu`` is the mean of the beta part; E(y) = P(1) + [1 - P(0) - P(1)] mu.

    Examples
    --------
    >>> import numpy as np
    >>> cuts = (np.log(5.0), np.array(-1.0), np.array(1.0))
    >>> OrderedBeta().mean(np.array([0.0]), cuts).round(6).tolist()
    [0.5]
    """

    name = "ordbeta"
    default_link = "logit"
    allowed_links = ("logit",)
    natural = "logit"
    support = "numbers from 0 to 1, the ends included"
    has_residual = True
    perfect_advice = (
        "Too few different responses between 0 and 1 do this: use family='binomial' on zeros and "
        "ones, or simplify the formula"
    )
    separated_by = "only zeros or only ones"
    auxiliary = ("dispersion", "lower_cut", "upper_cut")

    def check(self, y: FloatArray, trials: FloatArray | None = None) -> BoolArray:
        return ~((y >= 0) & (y <= 1))

    def complaint(self, y: FloatArray) -> str:
        inside = (y > 0) & (y < 1)
        return "" if inside.any() else "no response lies between 0 and 1: use family='binomial'"

    def endless(self, y: FloatArray, trials: FloatArray | None = None) -> FloatArray:
        return np.where(y <= 0, -1.0, np.where(y >= 1, 1.0, 0.0))

    def prepare(self, y: FloatArray, trials: FloatArray | None = None) -> Obs:
        y = np.asarray(y, dtype=float)
        inner = (y > 0) & (y < 1)
        return Obs(
            # rows at the ends see a stand-in, which the zero of ``inner`` removes
            beta=_BETA.prepare(np.where(inner, y, 0.5)),
            inner=inner.astype(float),
            above=(y > 0).astype(float),
            below=(y < 1).astype(float),
            zero=(y == 0).astype(float),
            one=(y == 1).astype(float),
        )

    def normaliser(self, obs: Obs, aux: AuxValues) -> FloatArray:
        # expit(t - c0) - expit(t - c1) = expit(t - c0) expit(c1 - t) (1 - exp(c0 - c1))
        gap = np.asarray(aux[2] - aux[1])
        between = np.where(gap > 0, np.log(-np.expm1(-np.maximum(gap, 1e-300))), -np.inf)
        rows = between + _BETA.normaliser(obs.beta, aux)
        return np.where(obs.inner > 0, rows, 0.0)

    def natural_part(self, obs: Obs, aux: AuxValues, t: FloatArray, third: bool = False) -> Parts:
        low, high = t - aux[1], t - aux[2]
        p0, q0 = expit_pair(low)
        p1, q1 = expit_pair(high)
        b, b1, b2, *b3 = _BETA.natural_part(obs.beta, aux, t, third)
        ends = obs.zero * softplus(low) + obs.one * softplus(-high)
        l = obs.inner * (b - softplus(-low) - softplus(high)) - ends
        g1 = obs.inner * (b1 + q0 - p1) - obs.zero * p0 + obs.one * q1
        w0, w1 = obs.below * (p0 * q0), obs.above * (p1 * q1)
        parts = (l, g1, obs.inner * b2 - w0 - w1)
        if not third:
            return parts
        return (*parts, obs.inner * b3[0] - w0 * (q0 - p0) - w1 * (q1 - p1))

    def natural_aux_part(self, obs: Obs, aux: AuxValues, t: FloatArray) -> AuxPart:
        p0, q0 = expit_pair(t - aux[1])
        p1, q1 = expit_pair(t - aux[2])
        w0, w1 = obs.below * (p0 * q0), obs.above * (p1 * q1)
        # cut points in the wrong order have l = -inf: only finite derivatives matter there
        pull = obs.inner / np.expm1(np.clip(aux[2] - aux[1], 1e-8, 700.0))
        beta = _BETA.natural_aux_part(obs.beta, aux, t)[0]
        return [
            (obs.inner * beta[0], obs.inner * beta[1], obs.inner * beta[2]),
            (obs.zero * p0 - obs.inner * q0 - pull, w0, w0 * (q0 - p0)),
            (obs.inner * p1 - obs.one * q1 + pull, w1, w1 * (q1 - p1)),
        ]

    def start(
        self,
        y: FloatArray,
        trials: FloatArray | None = None,
        weights: FloatArray | None = None,
    ) -> tuple[FloatArray, list[float]]:
        inner = (y > 0) & (y < 1)
        phi = 1.0
        if inner.any():
            part = None if weights is None else weights[inner]
            center = weighted_mean(y[inner], part)
            spread = max(weighted_variance(y[inner], part), 1e-12)
            phi = clipped_log(center * (1.0 - center) / spread - 1.0, 0.5, 1e4)
        overall = (weighted_mean(y, weights) + 0.05) / 1.1
        eta = self.link.link(0.5 * (np.clip(y, 0.05, 0.95) + overall))
        return eta, [phi, -1.0, 1.0]

    def _chances(self, mu: FloatArray, aux: AuxValues) -> tuple[FloatArray, FloatArray, FloatArray]:
        """P(0), P(between) and P(1)."""
        t = self.link.link(mu)
        zero, one = expit_pair(aux[1] - t)[0], expit_pair(t - aux[2])[0]
        return zero, np.maximum(1.0 - zero - one, 0.0), one

    def expected(self, mu: FloatArray, aux: AuxValues) -> FloatArray:
        _, between, one = self._chances(mu, aux)
        return one + between * mu

    def has_spread(self, y: FloatArray) -> BoolArray:
        return (y > 0) & (y < 1)

    def response_spread(self, y: FloatArray) -> float:
        # of equal responses the largest that there could be
        return float(np.std(y)) or float(np.sqrt(y.mean() * (1.0 - y.mean())))

    def residual_spread(self, mu: FloatArray, aux: AuxValues) -> FloatArray:
        return _BETA.residual_spread(mu, aux)

    def variance(
        self, mu: FloatArray, aux: AuxValues, trials: FloatArray | None = None
    ) -> FloatArray:
        _, between, one = self._chances(mu, aux)
        m = one + between * mu
        return one + between * (mu * mu + _BETA.variance(mu, aux)) - m * m

    def simulate(
        self,
        rng: np.random.Generator,
        mu: FloatArray,
        aux: AuxValues,
        trials: FloatArray | None = None,
    ) -> FloatArray:
        shape = np.broadcast_shapes(np.shape(mu), *(np.shape(a) for a in aux))
        zero, _, one = self._chances(mu, aux)
        u = rng.random(shape)
        inner = _BETA.simulate(rng, np.broadcast_to(mu, shape), aux)
        return np.where(u < zero, 0.0, np.where(u >= 1.0 - one, 1.0, inner))

    def cdf(
        self,
        y: FloatArray,
        mu: FloatArray,
        aux: AuxValues,
        trials: FloatArray | None = None,
    ) -> FloatArray:
        zero, between, _ = self._chances(mu, aux)
        phi = np.exp(aux[0])
        inside = special.betainc(mu * phi, (1.0 - mu) * phi, np.clip(y, 0.0, 1.0))
        value = np.where(np.asarray(y) >= 1, 1.0, zero + between * inside)
        return np.where(np.asarray(y) < 0, 0.0, value)


_BETA = Beta()
