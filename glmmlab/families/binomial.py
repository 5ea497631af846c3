"""The binomial distribution: successes out of trials, and single yes-or-no responses."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from scipy import special

from glmmlab._types import BoolArray, FloatArray
from glmmlab.families.base import AuxValues, Family, Obs, Parts

__all__ = ["Binomial"]


class Binomial(Family):
    """``y`` successes in ``trials`` independent trials, each with probability ``mu``.

    ``y`` is the number of successes; without ``trials`` every row is one trial.
    ``variance``, ``simulate`` and ``cdf`` speak of that count: Var(y) = n mu (1 - mu).

    Examples
    --------
    >>> import numpy as np
    >>> family = Binomial(link="cloglog")
    >>> family.variance(np.array([0.5]), (), trials=np.array([10.0])).tolist()
    [2.5]
    """

    name = "binomial"
    default_link = "logit"
    allowed_links: ClassVar[tuple[str, ...]] = (
        "logit",
        "probit",
        "cloglog",
        "log",
        "identity",
        "sqrt",
        "inverse",
    )
    natural = "logit"
    support = "whole numbers of successes between 0 and the number of trials"
    integer = True
    is_binomial = True
    separated_by = "only successes or only failures"

    def check(self, y: FloatArray, trials: FloatArray | None = None) -> BoolArray:
        n = np.ones_like(y) if trials is None else np.asarray(trials, dtype=float)
        with np.errstate(invalid="ignore"):  # an infinite response is itself a bad row
            whole = np.isfinite(y) & np.isfinite(n) & (y == np.floor(y)) & (n == np.floor(n))
        return ~(whole & (y >= 0) & (y <= n))

    def endless(self, y: FloatArray, trials: FloatArray | None = None) -> FloatArray:
        up = -1.0 if self.link.name == "inverse" else 1.0  # the way of larger means
        way = np.where(y <= 0, -up, np.where(y >= (1.0 if trials is None else trials), up, 0.0))
        return np.asarray(way * np.where(way < 0, *np.isinf(self.eta_range)))

    def prepare(self, y: FloatArray, trials: FloatArray | None = None) -> Obs:
        y = np.asarray(y, dtype=float)
        if self._one_exponential(trials):
            return Obs(sign=2.0 * y - 1.0, coefficient=np.broadcast_to(0.0, y.shape))
        n = np.ones_like(y) if trials is None else np.asarray(trials, dtype=float)
        return Obs(y=y, trials=n, failures=n - y, sign=None, coefficient=_log_choose(n, y, n - y))

    def _one_exponential(self, trials: FloatArray | None) -> bool:
        """Whether every row is a single 0 or 1, which needs its sign alone."""
        return trials is None or bool((np.asarray(trials) == 1.0).all())

    def normaliser(self, obs: Obs, aux: AuxValues) -> FloatArray:
        return obs.coefficient

    def natural_part(self, obs: Obs, aux: AuxValues, t: FloatArray, third: bool = False) -> Parts:
        if obs.sign is not None:
            return _bernoulli(obs.sign, t, third)
        positive = np.maximum(t, 0.0)
        negative = positive - t
        low, high = np.exp(-negative), np.exp(-positive)
        e = low * high  # exp(-|t|)
        larger = 1.0 / (1.0 + e)
        p, q = low * larger, high * larger
        # written so that rows with all successes (or none) keep their digits as l -> 0
        l = -(obs.trials * np.log1p(e) + obs.y * negative + obs.failures * positive)
        g2 = -obs.trials * (p * q)
        parts = (l, obs.y * q - obs.failures * p, g2)
        return (*parts, g2 * (q - p)) if third else parts

    def start(
        self,
        y: FloatArray,
        trials: FloatArray | None = None,
        weights: FloatArray | None = None,
    ) -> tuple[FloatArray, list[float]]:
        n = np.ones_like(y) if trials is None else trials
        return self.link.link((y + 0.5) / (n + 1.0)), []

    def variance(
        self, mu: FloatArray, aux: AuxValues, trials: FloatArray | None = None
    ) -> FloatArray:
        """Var(y) of the count: n mu (1 - mu)."""
        return (1.0 if trials is None else trials) * (mu * (1.0 - mu))

    def simulate(
        self,
        rng: np.random.Generator,
        mu: FloatArray,
        aux: AuxValues,
        trials: FloatArray | None = None,
    ) -> FloatArray:
        n = 1 if trials is None else np.asarray(trials).astype(np.int64)
        return np.asarray(rng.binomial(n, mu), dtype=float)

    def cdf(
        self,
        y: FloatArray,
        mu: FloatArray,
        aux: AuxValues,
        trials: FloatArray | None = None,
    ) -> FloatArray:
        n = np.ones_like(np.asarray(y, dtype=float)) if trials is None else trials
        k = np.floor(y)
        inner = special.betaincc(np.maximum(k, 0.0) + 1.0, np.maximum(n - k, 1.0), mu)
        return np.where(k < 0, 0.0, np.where(k >= n, 1.0, inner))

    def unit_deviance(
        self,
        y: FloatArray,
        mu: FloatArray,
        aux: AuxValues = (),
        trials: FloatArray | None = None,
    ) -> FloatArray | None:
        """``2 [y log(y / n mu) + (n - y) log((n - y) / n(1 - mu))]``, y and n counts."""
        n = 1.0 if trials is None else trials
        rest = n - y
        return 2.0 * (special.rel_entr(y, n * mu) + special.rel_entr(rest, n * (1.0 - mu)))


def _bernoulli(sign: FloatArray, t: FloatArray, third: bool) -> Parts:
    """One trial a row: everything from a single exponential of -|z|, z = +-t.

    Long rows cost what their memory does: every array is used again as soon as it is free.
    """
    z = sign * t
    e = np.abs(z)
    np.exp(np.negative(e, out=e), out=e)
    q = 1.0 + e
    np.reciprocal(q, out=q)
    miss = np.maximum(e, z <= 0.0)  # exp(-max(z, 0)), since e <= 1
    miss *= q  # expit(-z)
    l, lost = np.minimum(z, 0.0, out=z), np.log1p(e)
    l -= lost
    g1 = np.multiply(sign, miss, out=lost)
    e *= q
    e *= q
    g2 = np.negative(e, out=e)
    if not third:
        return l, g1, g2
    g3 = np.multiply(miss, 2.0, out=q)
    g3 -= 1.0
    g3 *= g2
    g3 *= sign
    return l, g1, g2, g3


def _log_choose(n: FloatArray, y: FloatArray, failures: FloatArray) -> FloatArray:
    # via the beta function: gammaln differences lose digits for many trials
    inner = (y > 0) & (failures > 0)
    value = -np.log1p(n) - special.betaln(y + 1.0, failures + 1.0)
    return np.where(inner, value, 0.0)
