"""The beta distribution: proportions without trials."""

from __future__ import annotations

import numpy as np
from scipy import special

from glmmlab._types import BoolArray, FloatArray
from glmmlab.families._start import clipped_log, weighted_mean, weighted_variance
from glmmlab.families.base import AuxPart, AuxValues, Family, Obs, Parts, remember
from glmmlab.families.special import (
    HALF_LOG_TWO_PI,
    log1pmx,
    log_minus_digamma,
    log_plus_one_gammas,
    stirling_remainder,
)
from glmmlab.links import expit_pair, softplus

__all__ = ["Beta"]

_CONCENTRATED = 1e4
"""Beyond this phi, log-gammas of size phi log phi are replaced by the divergence of y from mu."""


class Beta(Family):
    """Beta distribution with mean mu and variance mu (1 - mu)/(1 + phi).

    In the usual parameters alpha = mu phi and beta = (1 - mu) phi (Ferrari & Cribari-Neto 2004,
    J. Appl. Stat. 31:799); the auxiliary predictor ``dispersion`` is log phi.

    Gamma functions are taken at 1 + alpha and 1 + beta, so that nothing overflows when a mean
    comes within 1e-300 of 0 or 1.

    Examples
    --------
    >>> import numpy as np
    >>> Beta().variance(np.array([0.5]), (np.log(4.0),)).round(6).tolist()
    [0.05]
    """

    name = "beta"
    has_residual = True
    default_link = "logit"
    allowed_links = ("logit", "probit", "cloglog", "log")
    natural = "logit"
    support = "numbers strictly between 0 and 1"
    zero_is_possible = False
    dispersion_hint = "larger phi = less spread"
    auxiliary = ("dispersion",)

    def check(self, y: FloatArray, trials: FloatArray | None = None) -> BoolArray:
        return ~((y > 0) & (y < 1))

    def prepare(self, y: FloatArray, trials: FloatArray | None = None) -> Obs:
        y = np.asarray(y, dtype=float)
        log_y, log_rest = np.log(y), np.log1p(-y)
        return Obs(y=y, log_y=log_y, log_rest=log_rest, logit=log_y - log_rest)

    def normaliser(self, obs: Obs, aux: AuxValues) -> FloatArray:
        # log Gamma(phi) without phi log phi - phi, which the other part carries
        phi = np.exp(aux[0])
        own = HALF_LOG_TWO_PI - 0.5 * aux[0] + stirling_remainder(phi)
        return own - obs.log_y - obs.log_rest

    def natural_part(self, obs: Obs, aux: AuxValues, t: FloatArray, third: bool = False) -> Parts:
        a = aux[0]
        phi = np.exp(a)
        positive = np.maximum(t, 0.0)
        low, high = np.exp(t - positive), np.exp(-positive)
        e = low * high
        larger = 1.0 / (1.0 + e)
        p, q = low * larger, high * larger
        pq = p * q
        m = phi * pq
        gammas = remember(obs, np.array([phi * p, phi * q]), log_plus_one_gammas)
        if phi.max() < _CONCENTRATED:
            log_pq = t - 2.0 * (positive + np.log1p(e))
            l = log_pq + phi * (p * obs.logit + (obs.log_rest + (a - 1.0))) + 2.0 * a
            l = l - gammas.log[0] - gammas.log[1]
        else:
            l = phi * _minus_divergence(obs, t, p, q)
            for x, log_gamma, sign in (
                (phi * p, gammas.log[0], 1.0),
                (phi * q, gammas.log[1], -1.0),
            ):
                l = l + _minus_rest(x, a - softplus(-sign * t), log_gamma)
        h = m * (obs.logit - gammas.first[0] + gammas.first[1])
        turn = q - p
        g1 = turn + h
        spread = m * (m * (gammas.second[0] + gammas.second[1]))
        parts = (l, g1, turn * h - spread - 2.0 * pq)
        if not third:
            return parts
        g3 = turn * (turn * h - 3.0 * spread) - 2.0 * pq * g1
        return (*parts, g3 - m * (m * (m * (gammas.third[0] - gammas.third[1]))))

    def natural_aux_part(self, obs: Obs, aux: AuxValues, t: FloatArray) -> AuxPart:
        phi = np.exp(aux[0])
        p, q = expit_pair(t)
        alpha, beta = phi * p, phi * q
        m = alpha * q
        gammas = remember(obs, np.array([alpha, beta]), log_plus_one_gammas)
        if phi.max() < _CONCENTRATED:
            own = phi * special.digamma(1.0 + phi) + 1.0
            inner = p * (obs.logit - gammas.first[0]) + (obs.log_rest - q * gammas.first[1])
            l_a = own + phi * inner
        else:
            l_a = phi * _minus_divergence(obs, t, p, q) - phi * log_minus_digamma(phi)
            for x, first, sign in ((alpha, gammas.first[0], 1.0), (beta, gammas.first[1], -1.0)):
                l_a = l_a + _times_log_minus_digamma(x, aux[0] - softplus(-sign * t), first)
        h = m * (obs.logit - gammas.first[0] + gammas.first[1])
        turn = q - p
        lean = m * (beta * gammas.second[1] - alpha * gammas.second[0])
        bend = 2.0 * (gammas.second[0] + gammas.second[1])
        bend = bend + alpha * gammas.third[0] + beta * gammas.third[1]
        return [(l_a, h + lean, turn * (h + lean) - m * (m * bend))]

    def start(
        self,
        y: FloatArray,
        trials: FloatArray | None = None,
        weights: FloatArray | None = None,
    ) -> tuple[FloatArray, list[float]]:
        center = weighted_mean(y, weights)
        spread = max(weighted_variance(y, weights), 1e-12)
        phi = clipped_log(center * (1.0 - center) / spread - 1.0, 0.5, 1e6)
        return self.link.link(0.5 * (y + center)), [phi]

    def variance(
        self, mu: FloatArray, aux: AuxValues, trials: FloatArray | None = None
    ) -> FloatArray:
        return mu * (1.0 - mu) / (1.0 + np.exp(aux[0]))

    def simulate(
        self,
        rng: np.random.Generator,
        mu: FloatArray,
        aux: AuxValues,
        trials: FloatArray | None = None,
    ) -> FloatArray:
        draws = beta_draws(rng, mu, np.exp(aux[0]))
        # doubles round some draws to 0 or 1, which no beta variable takes
        return np.clip(draws, np.finfo(float).tiny, 1.0 - np.finfo(float).epsneg)

    def cdf(
        self,
        y: FloatArray,
        mu: FloatArray,
        aux: AuxValues,
        trials: FloatArray | None = None,
    ) -> FloatArray:
        phi = np.exp(aux[0])
        return special.betainc(mu * phi, (1.0 - mu) * phi, np.clip(y, 0.0, 1.0))


def beta_draws(rng: np.random.Generator, mu: FloatArray, phi: FloatArray) -> FloatArray:
    """Beta variables of mean mu; parameters that underflow to 0 are kept positive."""
    tiny = np.finfo(float).tiny
    return rng.beta(np.maximum(mu * phi, tiny), np.maximum((1.0 - mu) * phi, tiny))


def _minus_rest(x: FloatArray, log_x: FloatArray, log_gamma: FloatArray) -> FloatArray:
    """``x log x - x - log Gamma(x)``, given ``log x`` and ``log Gamma(1 + x)``."""
    large = 0.5 * log_x - HALF_LOG_TWO_PI - stirling_remainder(np.maximum(x, 1.0))
    return np.where(x < 1.0, (1.0 + x) * log_x - x - log_gamma, large)


def _times_log_minus_digamma(x: FloatArray, log_x: FloatArray, first: FloatArray) -> FloatArray:
    """``x (log x - digamma(x))``, given ``log x`` and ``digamma(1 + x)``."""
    large = x * log_minus_digamma(np.maximum(x, 1.0))
    return np.where(x < 1.0, 1.0 + x * (log_x - first), large)


def _minus_divergence(obs: Obs, t: FloatArray, p: FloatArray, q: FloatArray) -> FloatArray:
    """``p log(y/p) + q log((1-y)/q)``, its digits kept where y is close to p."""
    d = np.where(t < 0.0, obs.y - p, q - (1.0 - obs.y))
    near = np.abs(d) < 0.25 * np.minimum(p, q)
    d = np.where(near, d, 0.0)
    tiny = np.finfo(float).tiny
    close = p * log1pmx(d / np.maximum(p, tiny)) + q * log1pmx(-d / np.maximum(q, tiny))
    tail = np.log1p(np.exp(-np.abs(t)))
    log_p, log_q = np.minimum(t, 0.0) - tail, np.minimum(-t, 0.0) - tail
    return np.where(near, close, p * (obs.log_y - log_p) + q * (obs.log_rest - log_q))
