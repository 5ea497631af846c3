"""The Tweedie distribution with 1 < p < 2: exact zeros and a continuous positive part."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy import special

from glmmlab._types import BoolArray, FloatArray
from glmmlab.families._start import clipped_log, positive_mean, weighted_mean, weighted_variance
from glmmlab.families.base import AuxPart, AuxValues, Family, Obs, Parts
from glmmlab.families.special import log1pmx, log_minus_digamma, stirling_remainder
from glmmlab.links import expit_pair

__all__ = ["Tweedie"]

_BLOCK = 512  # rows at a time in the series
_FAR = 120.0  # peaks from here on are nowhere near the end of the sum at 1
_LARGEST = 350.0
_END = 15.0
"""tau beyond which the power no longer moves: p within 3e-7 of 1 or 2.  The terms of the density
that meet there grow as 1/(2-p), and their rounding errors with them."""
_POISSON_END = 1e17
_MANY = 400.0
"""Expected numbers of gamma variables from here on are summed over in steps, not one by one."""


class _Series(NamedTuple):
    """log sum exp(T_j) and the two means its derivatives are made of, for rows with y > 0."""

    log_sum: FloatArray
    excess: FloatArray  # mean of j - peak
    power: FloatArray  # mean of d T_j / d p, the part that grows with the peak left out


class _Rows(NamedTuple):
    """Columns, one entry a row of the block."""

    log_y: FloatArray
    up: FloatArray  # p - 1
    down: FloatArray  # 2 - p
    peak: FloatArray  # where the terms are largest

    def take(self, at: np.ndarray) -> _Rows:
        return _Rows(*(v[at, None] for v in self))


class Tweedie(Family):
    """Tweedie distribution with mean mu and variance phi mu^p, 1 < p < 2.

    A Poisson number of gamma variables: zero with positive probability.  The auxiliary predictors
    are log phi and ``shape`` tau, p = 1 + expit(tau).

    The density is the series of Dunn & Smyth (2005, Stat. Comput. 15:267), around its largest
    term and with Stirling's formula taken out, so that the terms that grow with 1/phi meet in
    the deviance instead of cancelling.

    Examples
    --------
    >>> import numpy as np
    >>> aux = (np.log(2.0), np.array(0.0))
    >>> Tweedie().variance(np.array([4.0]), aux).round(6).tolist()
    [16.0]
    """

    name = "tweedie"
    has_residual = True
    default_link = "log"
    allowed_links = ("log", "identity", "sqrt")
    natural = "log"
    support = "0 and numbers greater than 0"
    auxiliary = ("dispersion", "shape")
    shape_limit = ("gamma", 1.0)
    unbounded_shape = (
        "its power runs to 1, and where all responses are whole multiples of one number, as counts "
        "and rounded measurements are, its density there has no bound. Use a count family, or "
        "responses that are not rounded"
    )

    def check(self, y: FloatArray, trials: FloatArray | None = None) -> BoolArray:
        return ~((y >= 0) & (y < np.inf))

    def prepare(self, y: FloatArray, trials: FloatArray | None = None) -> Obs:
        y = np.asarray(y, dtype=float)
        positive = y > 0
        log_y = np.log(np.where(positive, y, 1.0))
        return Obs(y=y, positive=positive, rows=np.flatnonzero(positive), log_y=log_y)

    # ------------------------------------------------------------------ the log-density

    def normaliser(self, obs: Obs, aux: AuxValues) -> FloatArray:
        shape = np.broadcast_shapes(obs.y.shape, np.shape(aux[0]), np.shape(aux[1]))
        out = np.zeros(shape)
        log_y, a, tau = _positive_rows(obs, aux, shape)
        out[..., obs.rows] = _series(log_y, a, tau).log_sum - log_y
        return out

    def natural_part(self, obs: Obs, aux: AuxValues, t: FloatArray, third: bool = False) -> Parts:
        up, down = _power(aux[1])
        rate = np.exp(-aux[0])
        t = np.clip(t, -_LARGEST, _LARGEST)
        m1 = rate * (obs.y * np.exp(-up * t))
        m2 = rate * np.exp(down * t)
        g1 = m1 - m2
        g2 = -up * m1 - down * m2
        # minus half the deviance over phi: at the saturated value both terms meet
        top = np.where(obs.positive, rate * np.exp(down * obs.log_y), 0.0)
        parts = (top / (up * down) - m1 / up - m2 / down, g1, g2)
        return (*parts, up * up * m1 - down * down * m2) if third else parts

    def natural_aux_part(self, obs: Obs, aux: AuxValues, t: FloatArray) -> AuxPart:
        l, g1, g2 = self.natural_part(obs, aux, t)
        up, down = _power(aux[1])
        rate = np.exp(-aux[0])
        t = np.clip(t, -_LARGEST, _LARGEST)
        m1 = rate * (obs.y * np.exp(-up * t))
        m2 = rate * np.exp(down * t)
        top = np.where(obs.positive, rate * np.exp(down * obs.log_y), 0.0)
        saturated = top / (up * down) * (1.0 / down - 1.0 / up - obs.log_y)
        l_p = m1 * (t + 1.0 / up) / up + m2 * (t - 1.0 / down) / down + saturated
        l_a = -l
        rows = obs.rows
        log_y, a, tau = _positive_rows(obs, aux, l.shape)
        if rows.size:
            series = _series(log_y, a, tau, derivatives=True)
            l_a[..., rows] -= series.excess / _power(tau)[0]
            l_p[..., rows] += series.power
        # beyond the end the density does not depend on tau
        scale = np.where(np.abs(aux[1]) < _END, up * down, 0.0)
        return [(l_a, -g1, -g2), (scale * l_p, -scale * t * g1, -scale * (t * g2 + g1))]

    # ------------------------------------------------------------------ moments and draws

    def start(
        self,
        y: FloatArray,
        trials: FloatArray | None = None,
        weights: FloatArray | None = None,
    ) -> tuple[FloatArray, list[float]]:
        center = weighted_mean(y, weights)
        if center <= 0:
            return self.link.link(positive_mean(y, weights)), [0.0, 0.0]
        relative = weighted_variance(y / center, weights)
        phi = clipped_log(relative, 1e-4, 1e4) + 0.5 * math.log(center)
        return self.link.link(positive_mean(y, weights)), [phi, 0.0]

    def variance(
        self, mu: FloatArray, aux: AuxValues, trials: FloatArray | None = None
    ) -> FloatArray:
        return np.exp(aux[0]) * mu ** (1.0 + _power(aux[1])[0])

    def _compound(
        self, mu: FloatArray, aux: AuxValues
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Mean number of gamma variables, their shape and their scale."""
        up, down = _power(aux[1])
        phi = np.exp(aux[0])
        return mu**down / (phi * down), down / up, phi * up * mu**up

    def simulate(
        self,
        rng: np.random.Generator,
        mu: FloatArray,
        aux: AuxValues,
        trials: FloatArray | None = None,
    ) -> FloatArray:
        number, shape, scale = self._compound(np.asarray(mu, dtype=float), aux)
        few = np.minimum(number, _POISSON_END)
        # beyond that the number varies by less than one part in 10^8
        count = np.where(number > few, number, rng.poisson(few))
        return rng.standard_gamma(count * shape) * scale

    def cdf(
        self,
        y: FloatArray,
        mu: FloatArray,
        aux: AuxValues,
        trials: FloatArray | None = None,
    ) -> FloatArray:
        """P(Y <= y) as the Poisson mixture of gamma distributions."""
        number, shape, scale = self._compound(np.asarray(mu, dtype=float), aux)
        y, number, shape, scale = np.broadcast_arrays(y, number, shape, scale)
        out = np.empty(y.shape)
        many = number >= _MANY
        for chosen, total in ((~many, _sum_of_each), (many, _sum_in_steps)):
            if chosen.any():
                at = np.maximum(y[chosen], 0.0) / scale[chosen]
                out[chosen] = total(at, number[chosen], shape[chosen])
        return np.where(np.asarray(y) < 0, 0.0, np.minimum(out, 1.0))

    def unit_deviance(
        self,
        y: FloatArray,
        mu: FloatArray,
        aux: AuxValues = (),
        trials: FloatArray | None = None,
    ) -> FloatArray:
        """``2 [y^(2-p)/((1-p)(2-p)) - y mu^(1-p)/(1-p) + mu^(2-p)/(2-p)]``."""
        up, down = _power(aux[1])
        return 2.0 * (mu**down / down + y * mu**-up / up - y**down / (up * down))

    def shape(self, value: float) -> dict[str, float]:
        return {"power": float(1.0 + _power(value)[0])}


def _power(tau: FloatArray | float) -> tuple[FloatArray, FloatArray]:
    """p - 1 and 2 - p, both to all digits."""
    return expit_pair(np.clip(np.asarray(tau), -_END, _END))


def _sum_of_each(at: FloatArray, number: FloatArray, shape: FloatArray) -> FloatArray:
    """P(sum <= at) over every number of gamma variables, scale 1."""
    total = np.exp(-number)
    for k in range(1, int(np.max(number + 10.0 * np.sqrt(number) + 40.0)) + 1):
        chance = np.exp(special.xlogy(k, number) - number - math.lgamma(k + 1.0))
        total = total + chance * special.gammainc(k * shape, at)
    return total


def _sum_in_steps(at: FloatArray, number: FloatArray, shape: FloatArray) -> FloatArray:
    """The same by the trapezoidal rule, where numbers are many and their law is smooth.

    A step is a small part of the width of the Poisson law and of the gamma law's, both measured
    in numbers of variables.
    """
    width = np.sqrt(number)
    steps = 2.5 * float(np.sqrt(np.max(1.0 + shape)))
    reach = 9.0
    total = np.zeros(number.shape)
    mass = np.zeros(number.shape)
    for j in np.arange(-np.ceil(reach * steps), np.ceil(reach * steps) + 1.0):
        k = number + j / steps * width
        chance = np.exp(-number * _bend((k - number) / number) - stirling_remainder(k))
        chance = chance / np.sqrt(k)
        mass = mass + chance
        total = total + chance * special.gammainc(k * shape, at)
    return np.asarray(total / mass)


def _bend(d: FloatArray) -> FloatArray:
    """(1 + d) log(1 + d) - d without cancellation near 0."""
    near = np.clip(d, -0.25, 0.25)
    return np.where(near == d, (1.0 + d) * log1pmx(near) + d * d, (1.0 + d) * np.log1p(d) - d)


def _positive_rows(
    obs: Obs, aux: AuxValues, shape: tuple[int, ...]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """log y, log phi and tau of the rows with y > 0, all of one shape."""
    rows = obs.rows
    arrays = (obs.log_y, aux[0], aux[1])
    log_y, a, tau = (np.broadcast_to(v, shape)[..., rows] for v in arrays)
    return log_y, a, tau


def _series(
    log_y: FloatArray, a: FloatArray, tau: FloatArray, derivatives: bool = False
) -> _Series:
    """The sum over the number of gamma variables, in blocks of rows of like width.

    Where the peak lies far from 1 the summand is a smooth hump of width sigma; the trapezoidal
    rule with steps of sigma / 2.5 then gives the sum to all digits with 61 terms.
    """
    shape = log_y.shape
    log_y, a, tau = (np.ascontiguousarray(v).reshape(-1) for v in (log_y, a, tau))
    up, down = _power(tau)
    peak = np.maximum(np.exp(down * log_y - a) / down, 1e-290)
    rows = _Rows(log_y, up, down, peak)
    width = np.sqrt(peak * up)
    out = np.zeros((3, log_y.size))
    # neighbours in the order of the width need windows of like length
    order = np.argsort(width, kind="stable")
    far = peak[order] >= _FAR
    for chosen, block in ((order[~far], _near_block), (order[far], _far_block)):
        for begin in range(0, chosen.size, _BLOCK):
            at = chosen[begin : begin + _BLOCK]
            out[: 3 if derivatives else 1, at] = block(rows.take(at), width[at], derivatives)
    return _Series(*out.reshape(3, *shape))


def _near_block(row: _Rows, width: FloatArray, derivatives: bool) -> FloatArray:
    """Every term around the peak, by log-gamma functions."""
    first = np.maximum(np.floor(row.peak[:, 0] - 9.6 * width) - 2.0, 1.0)
    j = first[:, None] + np.arange(float(int(26.0 * width.max()) + 36))
    ratio = row.down / row.up
    x = j * ratio
    log_peak = np.log(row.peak)
    slope = log_peak + ratio * (log_peak + np.log(ratio))
    term = j * slope - row.peak / row.up - special.gammaln(j + 1.0) - special.gammaln(x)
    return _sums(row, j, x, term, np.ones(len(width)), derivatives)


def _far_block(row: _Rows, width: FloatArray, derivatives: bool) -> FloatArray:
    """Terms in steps of width / 2.5, over the saturated density's, by Stirling's formula.

    log T_j = -peak/(p-1) [(1+d) log(1+d) - d] + log(x/j)/2 - log(2 pi) - rest(j) - rest(x),
    d = (j - peak)/peak, x = j (2-p)/(p-1).
    """
    step = np.maximum(width / 2.5, 1.0)
    j = np.round(row.peak) + step[:, None] * np.arange(-24.0, 37.0)
    x = j * (row.down / row.up)
    d = (j - row.peak) / row.peak
    term = -(row.peak / row.up) * _bend(d) + 0.5 * np.log(x / j) - math.log(2.0 * math.pi)
    term = term - stirling_remainder(j) - stirling_remainder(x)
    return _sums(row, j, x, term, step, derivatives)


def _sums(
    row: _Rows,
    j: FloatArray,
    x: FloatArray,
    term: FloatArray,
    step: FloatArray,
    derivatives: bool,
) -> FloatArray:
    """``log sum`` and, if asked, the mean excess and the mean derivative in p."""
    top = term.max(axis=1)
    weight = np.exp(term - top[:, None])
    total = weight.sum(axis=1)
    log_sum = top + np.log(total * step)
    if not derivatives:
        return log_sum[None, :]
    above = j - row.peak
    slope = -row.log_y / row.up - row.down / (row.up * row.up) + 1.0 / row.down
    inner = j * (np.log(j / row.peak) - log_minus_digamma(x)) / (row.up * row.up)
    excess = (weight * above).sum(axis=1) / total
    power = (weight * (above * slope + inner)).sum(axis=1) / total
    return np.stack([log_sum, excess, power])
