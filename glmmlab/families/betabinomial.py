"""The beta-binomial distribution: successes whose probability varies from row to row."""

from __future__ import annotations

import numpy as np

from glmmlab._types import FloatArray
from glmmlab.families._start import clipped_log, weighted_mean
from glmmlab.families.base import AuxPart, AuxValues, Obs, Parts, remember
from glmmlab.families.beta import beta_draws
from glmmlab.families.binomial import Binomial
from glmmlab.families.rises import Rises
from glmmlab.families.special import GammaSet, rising
from glmmlab.links import expit_pair, softplus

__all__ = ["BetaBinomial"]


class BetaBinomial(Binomial):
    """Successes out of n trials whose probability is beta distributed with mean mu.

    ``variance`` is that of the count: n mu (1 - mu) (phi + n)/(phi + 1).  The auxiliary predictor
    ``dispersion`` is log phi; phi to infinity gives the binomial distribution.

    Examples
    --------
    >>> import numpy as np
    >>> n = np.array([10.0])
    >>> BetaBinomial().variance(np.array([0.5]), (np.log(4.0),), trials=n).round(6).tolist()
    [7.0]
    """

    name = "betabinomial"
    allowed_links = ("logit", "probit", "cloglog", "log")
    dispersion_hint = "larger phi = less spread"
    dispersion_limit = ("binomial", 1.0)
    auxiliary = ("dispersion",)

    def prepare(self, y: FloatArray, trials: FloatArray | None = None) -> Obs:
        obs = super().prepare(y, trials)
        obs.some = (obs.y > 0).astype(float)
        obs.short = (obs.failures > 0).astype(float)
        obs.any = (obs.trials > 0).astype(float)
        obs.whole = Rises(np.maximum(obs.trials - 1.0, 0.0))
        obs.less_one = np.maximum(np.stack([obs.y, obs.failures]) - 1.0, 0.0)
        return obs

    def _one_exponential(self, trials: FloatArray | None) -> bool:
        return False

    def normaliser(self, obs: Obs, aux: AuxValues) -> FloatArray:
        rise = obs.whole.part(np.exp(aux[0]), "log")
        return obs.coefficient - obs.any * aux[0] - rise

    def natural_part(self, obs: Obs, aux: AuxValues, t: FloatArray, third: bool = False) -> Parts:
        a = aux[0]
        phi = np.exp(a)
        p, q = expit_pair(t)
        rise = _rise(obs, phi * p, phi * q)
        pq = p * q
        m = phi * pq
        turn = q - p
        h = m * (rise.first[0] - rise.first[1])
        spread = m * (m * (rise.second[0] + rise.second[1]))
        base = (obs.some + obs.short) * pq
        l = obs.some * (a - softplus(-t)) + obs.short * (a - softplus(t))
        parts = (
            l + rise.log[0] + rise.log[1],
            obs.some * q - obs.short * p + h,
            turn * h + spread - base,
        )
        if not third:
            return parts
        g3 = turn * (turn * h + 3.0 * spread - base) - 2.0 * pq * h
        return (*parts, g3 + m * (m * (m * (rise.third[0] - rise.third[1]))))

    def natural_aux_part(self, obs: Obs, aux: AuxValues, t: FloatArray) -> AuxPart:
        phi = np.exp(aux[0])
        p, q = expit_pair(t)
        alpha, beta = phi * p, phi * q
        rise = _rise(obs, alpha, beta)
        whole = phi * obs.whole.part(phi, "first")
        m = alpha * q
        ends = obs.some + obs.short - obs.any
        l_a = ends + alpha * rise.first[0] + beta * rise.first[1] - whole
        h = m * (rise.first[0] - rise.first[1])
        lean = m * (alpha * rise.second[0] - beta * rise.second[1])
        bend = 2.0 * (rise.second[0] + rise.second[1])
        bend = bend + alpha * rise.third[0] + beta * rise.third[1]
        return [(l_a, h + lean, (q - p) * (h + lean) + m * (m * bend))]

    def start(
        self,
        y: FloatArray,
        trials: FloatArray | None = None,
        weights: FloatArray | None = None,
    ) -> tuple[FloatArray, list[float]]:
        eta, _ = super().start(y, trials, weights)
        n = np.maximum(np.ones_like(y) if trials is None else trials, 1.0)
        center = (weighted_mean(y, weights) + 0.5) / (weighted_mean(n, weights) + 1.0)
        # E (y - n mu)^2 = n mu (1 - mu) [1 + (n - 1) rho], rho = 1/(1 + phi)
        excess = weighted_mean((y - n * center) ** 2 / (n * center * (1.0 - center)), weights) - 1
        rho = excess / max(weighted_mean(n, weights) - 1.0, 1.0)
        return eta, [clipped_log(1.0 / max(rho, 1e-3) - 1.0, 0.5, 200.0)]

    def variance(
        self, mu: FloatArray, aux: AuxValues, trials: FloatArray | None = None
    ) -> FloatArray:
        """Var(y) of the count: n mu (1 - mu) (phi + n)/(phi + 1)."""
        n = 1.0 if trials is None else trials
        rho = 1.0 / (1.0 + np.exp(aux[0]))
        return n * (mu * (1.0 - mu)) * (1.0 + (n - 1.0) * rho)

    def simulate(
        self,
        rng: np.random.Generator,
        mu: FloatArray,
        aux: AuxValues,
        trials: FloatArray | None = None,
    ) -> FloatArray:
        n = 1 if trials is None else np.asarray(trials).astype(np.int64)
        shape = np.broadcast_shapes(np.shape(mu), np.shape(n), np.shape(aux[0]))
        chance = beta_draws(rng, np.broadcast_to(mu, shape), np.exp(aux[0]))
        return np.asarray(rng.binomial(n, chance), dtype=float)

    def cdf(
        self,
        y: FloatArray,
        mu: FloatArray,
        aux: AuxValues,
        trials: FloatArray | None = None,
    ) -> FloatArray:
        """P(Y <= y) by summing the probabilities upwards from 0."""
        n = np.ones_like(np.asarray(y, dtype=float)) if trials is None else trials
        phi = np.exp(aux[0])
        k, mu, phi, n = (np.array(v) for v in np.broadcast_arrays(np.floor(y), mu, phi, n))
        alpha, beta = mu * phi, (1.0 - mu) * phi
        log_p = rising(np.maximum(beta, 1e-300), n).log - rising(phi, n).log
        total = np.exp(log_p)
        last = np.minimum(k, n)
        for j in range(int(np.max(last, initial=0.0))):
            more = last > j
            up = (np.maximum(n - j, 1.0) / (j + 1.0)) * (alpha + j)
            log_p = log_p + np.log(up / np.where(more, beta + n - j - 1.0, 1.0))
            total = total + np.where(more, np.exp(log_p), 0.0)
        return np.where(k < 0, 0.0, np.where(k >= n, 1.0, np.minimum(total, 1.0)))

    def unit_deviance(
        self,
        y: FloatArray,
        mu: FloatArray,
        aux: AuxValues = (),
        trials: FloatArray | None = None,
    ) -> None:
        return None


def _rise(obs: Obs, alpha: FloatArray, beta: FloatArray) -> GammaSet:
    """Gamma differences over the successes (first axis 0) and over the failures (1)."""

    def differences(x: FloatArray) -> GammaSet:
        rows = obs.y.shape
        k = obs.less_one.reshape(2, *(1,) * (x.ndim - 1 - len(rows)), *rows)
        return rising(1.0 + x, k)

    return remember(obs, np.array([alpha, beta]), differences)
