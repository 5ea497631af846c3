"""Zero inflation: one layer over any family."""

from __future__ import annotations

import numpy as np

from glmmlab._types import BoolArray, FloatArray
from glmmlab.errors import ResponseError, UnknownNameError
from glmmlab.families.base import AuxPart, AuxValues, Family, Obs, Parts
from glmmlab.links import Link, expit_pair, softplus

__all__ = ["ZeroInflated"]

_LOWEST = float(
    -np.finfo(float).max
)  # a log-density that loses against every other without being -inf


_OF_THE_BASE = (
    "link",
    "eta_range",
    "natural",
    "default_link",
    "allowed_links",
    "integer",
    "is_binomial",
    "separated_by",
    "dispersion_label",
    "dispersion_hint",
    "dispersion_limit",
    "shape_limit",
    "contains",
    "unbounded_shape",
    "has_residual",
    "residual_floor",
    "perfect_advice",
    "location_scale",
)
"""What a family with zero inflation has as its base has it."""


class ZeroInflated(Family):
    """A point mass at 0 with probability pi, mixed with a base family.

    The last auxiliary predictor, ``zero_inflation``, is zeta = logit pi.  With w the posterior
    probability that a zero comes from the base, all derivatives are those of the base weighted by
    w, plus terms in k = w (1 - w); for y > 0, w = 1 and k = 0.  Over a base without zeros (gamma,
    beta, truncated counts) this is a hurdle model.

    ``mu`` is the mean of the base; E(y) = (1 - pi) E(base).

    Parameters
    ----------
    base : Family

    Raises
    ------
    UnknownNameError
        The base is no family, or itself zero-inflated.
    ResponseError
        The base is a distribution on all numbers (gaussian, t).

    Examples
    --------
    >>> import numpy as np
    >>> from glmmlab.families import Poisson
    >>> family = ZeroInflated(Poisson())
    >>> family.name, family.auxiliary
    ('zero_inflated_poisson', ('zero_inflation',))
    >>> family.mean(np.log(np.array([4.0])), (np.array(0.0),)).round(6).tolist()
    [2.0]
    """

    def __init__(self, base: Family) -> None:
        if not isinstance(base, Family):
            raise UnknownNameError(
                f"ZeroInflated takes a family, such as gl.families.Poisson(), not {base!r}."
            )
        if isinstance(base, ZeroInflated):
            raise UnknownNameError(f"{base!r} is zero-inflated already; give its base family.")
        if base.natural == "identity":
            raise ResponseError(
                f"Zero inflation mixes zeros with counts or positive responses; the {base.name} "
                "family spreads over all numbers. Use a count family, or gamma or beta."
            )
        self._base = base
        self.name = f"zero_inflated_{base.name}"
        for name in _OF_THE_BASE:
            setattr(self, name, getattr(base, name))
        self.is_hurdle = not base.zero_is_possible  # type: ignore[misc]
        self.support = base.support if base.zero_is_possible else f"{base.support}, and 0"  # type: ignore[misc]
        self.auxiliary = (*base.auxiliary, "zero_inflation")

    @property
    def base(self) -> Family:
        """The family without its zero inflation."""
        return self._base

    def with_link(self, link: str | Link | None) -> ZeroInflated:
        return self if link is None else ZeroInflated(self.base.with_link(link))

    def __repr__(self) -> str:
        return f"ZeroInflated({self.base!r})"

    # ------------------------------------------------------------------ the response

    def check(self, y: FloatArray, trials: FloatArray | None = None) -> BoolArray:
        bad = self.base.check(y, trials)
        return bad if self.base.zero_is_possible else bad & (np.asarray(y) != 0)

    def complaint(self, y: FloatArray) -> str:
        return self.base.complaint(y)

    def endless(self, y: FloatArray, trials: FloatArray | None = None) -> FloatArray | None:
        return self.base.endless(y, trials)

    def prepare(self, y: FloatArray, trials: FloatArray | None = None) -> Obs:
        y = np.asarray(y, dtype=float)
        zero = y == 0
        # a base without zeros sees a legal stand-in there; its density is then overruled
        legal = y if self.base.zero_is_possible else np.where(zero, _stand_in(self.base), y)
        rows = np.flatnonzero(zero)
        at_zero = None
        if self.base.zero_is_possible and rows.size and self._has_normaliser_at_zero():
            at_zero = self.base.prepare(y[rows], None if trials is None else trials[rows])
        return Obs(
            base=self.base.prepare(legal, trials),
            zero=zero,
            rows=rows,
            at_zero=at_zero,
        )

    def _has_normaliser_at_zero(self) -> bool:
        return self.base.is_binomial and bool(self.base.auxiliary)

    def start(
        self,
        y: FloatArray,
        trials: FloatArray | None = None,
        weights: FloatArray | None = None,
    ) -> tuple[FloatArray, list[float]]:
        """The base's moments without half of the zeros; pi starts from that half."""
        zero = np.asarray(y) == 0
        share = float(np.mean(zero))
        pi = min(max(0.5 * share if self.base.zero_is_possible else share, 0.02), 0.98)
        keep = ~zero
        if self.base.zero_is_possible:
            keep[np.flatnonzero(zero)[::2]] = True
        if not keep.any():
            legal = y if self.base.zero_is_possible else np.full_like(y, _stand_in(self.base))
            eta, aux = self.base.start(legal, trials, weights)
            return eta, [*aux, float(np.log(pi / (1.0 - pi)))]
        part = [None if v is None else v[keep] for v in (trials, weights)]
        kept, aux = self.base.start(y[keep], *part)
        eta = np.full(y.shape, float(np.mean(kept)))
        eta[keep] = kept
        return eta, [*aux, float(np.log(pi / (1.0 - pi)))]

    # ------------------------------------------------------------------ the log-density

    def normaliser(self, obs: Obs, aux: AuxValues) -> FloatArray:
        # at y = 0 everything sits inside the logarithm of the mixture
        return np.where(obs.zero, 0.0, self.base.normaliser(obs.base, aux[:-1]))

    def natural_part(self, obs: Obs, aux: AuxValues, t: FloatArray, third: bool = False) -> Parts:
        """As :meth:`eta_part`, in the base's natural predictor."""
        return self._mixture(obs, aux, self.base.natural_part(obs.base, aux[:-1], t, third))

    def eta_part(self, obs: Obs, aux: AuxValues, eta: FloatArray, third: bool = False) -> Parts:
        return self._mixture(obs, aux, self.base.eta_part(obs.base, aux[:-1], eta, third))

    def _mixture(self, obs: Obs, aux: AuxValues, base: Parts) -> Parts:
        zeta = aux[-1]
        l0, b1, b2, *b3 = base
        own, point = self._competitors(obs, aux, l0)
        w, v = expit_pair(own - point)
        k = w * v
        kb = k * b1
        l = np.maximum(own, point) + np.log1p(np.minimum(w, v) / np.maximum(w, v)) - softplus(zeta)
        l = np.where(l0 == -np.inf, -np.inf, l)
        # one factor at a time: k is exactly 0 before a product of large derivatives overflows
        parts = (l, w * b1, w * b2 + kb * b1)
        if not b3:
            return parts
        return (*parts, w * b3[0] + 3.0 * kb * b2 + ((v - w) * kb * b1) * b1)

    def _competitors(
        self, obs: Obs, aux: AuxValues, l0: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Log-density of the base and of the point mass (both without the factor 1 - pi)."""
        own = np.maximum(l0, _LOWEST)
        if not self.base.zero_is_possible:
            own = np.where(obs.zero, _LOWEST, own)
        elif obs.at_zero is not None:
            own[..., obs.rows] += self._normaliser_at_zero(obs, aux)
        point = np.where(obs.zero, aux[-1], -np.inf)
        return own, point

    def _normaliser_at_zero(self, obs: Obs, aux: AuxValues) -> FloatArray:
        n = obs.zero.size
        rows = tuple(
            a[..., obs.rows] if np.ndim(a) and np.shape(a)[-1] == n else a for a in aux[:-1]
        )
        return self.base.normaliser(obs.at_zero, rows)

    def natural_aux_part(self, obs: Obs, aux: AuxValues, t: FloatArray) -> AuxPart:
        parts = self.base.natural_part(obs.base, aux[:-1], t)
        return self._mixture_aux(obs, aux, parts, self.base.natural_aux_part(obs.base, aux[:-1], t))

    def aux_part(self, obs: Obs, aux: AuxValues, eta: FloatArray) -> AuxPart:
        parts = self.base.eta_part(obs.base, aux[:-1], eta)
        return self._mixture_aux(obs, aux, parts, self.base.aux_part(obs.base, aux[:-1], eta))

    def _mixture_aux(self, obs: Obs, aux: AuxValues, base: Parts, base_aux: AuxPart) -> AuxPart:
        l0, b1, b2 = base[:3]
        own, point = self._competitors(obs, aux, l0)
        w, v = expit_pair(own - point)
        k = w * v
        kb = k * b1
        out: AuxPart = []
        for b_a, b1_a, b2_a in base_aux:
            ka = k * b_a
            d2_a = w * b2_a + ka * b2 + 2.0 * kb * b1_a + ((v - w) * kb * b1) * b_a
            out.append((w * b_a, w * b1_a + ka * b1, d2_a))
        pi = expit_pair(np.asarray(aux[-1]))[0]
        out.append((v - pi, -kb, -(k * b2 + (v - w) * kb * b1)))
        return out

    # ------------------------------------------------------------------ moments and draws

    def expected(self, mu: FloatArray, aux: AuxValues) -> FloatArray:
        return expit_pair(-np.asarray(aux[-1]))[0] * self.base.expected(mu, aux[:-1])

    def conditional_expected(self, mu: FloatArray, aux: AuxValues) -> FloatArray:
        return self.base.conditional_expected(mu, aux[:-1])

    def variance(
        self, mu: FloatArray, aux: AuxValues, trials: FloatArray | None = None
    ) -> FloatArray:
        """Var(y) = (1 - pi) [V + pi m^2], m and V the base's mean and variance (of the count)."""
        pi, own = expit_pair(np.asarray(aux[-1]))
        m = self.base.expected(mu, aux[:-1])
        if self.is_binomial and trials is not None:
            m = m * trials
        return own * (self.base.variance(mu, aux[:-1], trials) + pi * m * m)

    def has_spread(self, y: FloatArray) -> BoolArray:
        own = self.base.has_spread(y)
        return own & (y > 0) if self.is_hurdle else own

    def response_spread(self, y: FloatArray) -> float:
        return self.base.response_spread(y)

    def residual_spread(self, mu: FloatArray, aux: AuxValues) -> FloatArray:
        return self.base.residual_spread(mu, aux[:-1])

    def simulate(
        self,
        rng: np.random.Generator,
        mu: FloatArray,
        aux: AuxValues,
        trials: FloatArray | None = None,
    ) -> FloatArray:
        draws = self.base.simulate(rng, mu, aux[:-1], trials)
        pi = expit_pair(np.asarray(aux[-1]))[0]
        shape = np.broadcast_shapes(draws.shape, np.shape(pi))
        return np.where(rng.random(shape) < pi, 0.0, draws)

    def cdf(
        self,
        y: FloatArray,
        mu: FloatArray,
        aux: AuxValues,
        trials: FloatArray | None = None,
    ) -> FloatArray:
        pi, own = expit_pair(np.asarray(aux[-1]))
        return pi * (np.asarray(y) >= 0) + own * self.base.cdf(y, mu, aux[:-1], trials)

    def dispersion(self, value: float) -> float:
        return self.base.dispersion(value)

    def shape(self, value: float) -> dict[str, float]:
        return self.base.shape(value)


def _stand_in(base: Family) -> float:
    """A response the base allows, for rows where it will not be asked."""
    return 0.5 if not base.integer else 1.0
