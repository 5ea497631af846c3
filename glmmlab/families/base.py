"""What a family of distributions tells the engine: its log-density and derivatives.

Letters
-------
===========  ==========================================================  ==================
``eta``      linear predictor of the conditional model                   (n,) or (B, n)
``aux``      auxiliary predictors (log dispersion, shape, ...), each     0-d, (n,), (B, 1)
             broadcastable against ``eta``                               or (B, n)
``mu``       the mean parameter, ``link.inverse(eta)``                   as ``eta``
``t``        the mean on the family's natural scale: ``mu``, ``log mu``  as ``eta``
             or ``logit mu``
``l``        log-density of a row, without the normaliser                as ``eta``
``d1 d2 d3`` first three derivatives of ``l`` in ``eta``                 as ``eta``
``g1 g2 g3`` the same in ``t``                                           as ``eta``
===========  ==========================================================  ==================

A family writes its derivatives in ``t``, where they neither overflow nor cancel; links other
than the natural one are composed by the chain rule here, once for all families.

``mu`` is the mean of the conditional model everywhere: for zero-inflated and truncated families
``E(y)`` is another number, which :meth:`Family.mean` gives.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any, ClassVar, TypeVar

import numpy as np

from glmmlab import links
from glmmlab._types import BoolArray, FloatArray
from glmmlab.errors import UnknownNameError
from glmmlab.links import Link

__all__ = ["AuxPart", "AuxValues", "Family", "Obs", "Parts", "remember"]

Obs = SimpleNamespace
"""Arrays that depend on the response alone, made once by :meth:`Family.prepare`."""

AuxValues = Sequence[FloatArray]
Parts = tuple[FloatArray, ...]
"""``(l, d1, d2)`` or ``(l, d1, d2, d3)``."""

AuxPart = list[tuple[FloatArray, FloatArray, FloatArray]]
"""One ``(l_a, d1_a, d2_a)`` for every auxiliary predictor."""

_NATURAL_RANGE = {"identity": (-np.inf, np.inf), "log": (0.0, np.inf), "logit": (0.0, 1.0)}
_INNER_MEAN = {"identity": 1.0, "log": 1.0, "logit": 0.5}


Remembered = TypeVar("Remembered")


def remember(
    obs: Obs, argument: FloatArray, compute: Callable[[FloatArray], Remembered]
) -> Remembered:
    """``compute(argument)``, or what it gave last time if the argument is the same.

    The engine asks for the eta part and then for the auxiliary part (and the normaliser) at one
    point; their gamma functions cost more than all else.  ``argument`` must be an array that
    nobody else holds and changes.
    """
    last = getattr(obs, "last", None)
    if last is not None and np.array_equal(last[0], argument):
        return last[1]
    value = compute(argument)
    obs.last = (argument, value)
    return value


class Family(ABC):
    """A distribution with a link: log-density, derivatives, moments, draws.

    Parameters
    ----------
    link : str or Link, optional
        One of the family's ``allowed_links``; its ``default_link`` when left out.

    Raises
    ------
    UnknownNameError
        The link is unknown, or the family does not take it.

    Examples
    --------
    >>> import glmmlab as gl
    >>> gl.families.get("poisson")
    Poisson(link='log')
    """

    name: str
    default_link: ClassVar[str]
    allowed_links: ClassVar[tuple[str, ...]]
    natural: ClassVar[str] = "identity"
    """The link in whose predictor the family writes its derivatives."""
    support: ClassVar[str]
    """Which responses are possible, in words."""
    integer: ClassVar[bool] = False
    is_binomial: ClassVar[bool] = False
    zero_is_possible: ClassVar[bool] = True
    """Whether a zero has positive density; if not, zero inflation makes a hurdle model."""
    is_hurdle: ClassVar[bool] = False
    smallest: ClassVar[float] = 0.0
    """Of the responses; where the mean is positive, those up to here ask for a mean of 0."""
    separated_by: ClassVar[str] = "only zeros"
    """The responses of a level whose coefficient runs to infinity, in words."""
    dispersion_label: ClassVar[str] = ""
    """What the reported dispersion is, e.g. ``sigma^2``."""
    dispersion_hint: ClassVar[str] = ""
    """How to read the reported dispersion where its direction surprises."""
    dispersion_limit: ClassVar[tuple[str, float] | None] = None
    """The simpler family at the end of the dispersion's range, and the sign of the predictor's
    infinity there."""
    shape_limit: ClassVar[tuple[str, float] | None] = None
    """The same for the shape."""
    contains: ClassVar[tuple[str, ...]] = ()
    """Simpler families at a value of the dispersion inside its range."""
    unbounded_shape: ClassVar[str] = ""
    """Where the likelihood has no bound as the shape falls: which responses do that, and a cure."""
    has_residual: ClassVar[bool] = False
    """Whether the spread around the mean can vanish (counts and trials have one of their own)."""
    residual_floor: ClassVar[float] = 1e-6
    """A residual spread below this share of the response's own counts as zero."""
    perfect_advice: ClassVar[str] = (
        "Look for a predictor that is the response itself; otherwise simplify: take out "
        "interactions, random slopes, or a dispersion formula"
    )
    """What to do about a fit whose residual spread has vanished."""
    always_unbounded: ClassVar[bool] = False
    """Whether the likelihood rises without bound somewhere on any data: its estimate is then a
    proper maximum elsewhere."""
    location_scale: ClassVar[bool] = False
    """Whether ``mu`` and ``exp(dispersion)`` are in the unit of the response."""
    auxiliary: tuple[str, ...] = ()

    def __init__(self, link: str | Link | None = None) -> None:
        self.link = self._checked(self.default_link if link is None else link)
        self._direct = self.link.name == self.natural
        low, high = _NATURAL_RANGE[self.natural]
        self.eta_range: tuple[float, float] = (
            (self.link.lower, np.inf)
            if self.natural == "identity"
            else self.link.interval(low, high)
        )
        """Open interval of linear predictors with a legal mean."""

    def _checked(self, link: str | Link) -> Link:
        chosen = links.get(link)
        if chosen.name not in self.allowed_links:
            raise UnknownNameError(
                f"The {self.name} family does not take the {chosen.name!r} link; "
                f"use one of: {', '.join(self.allowed_links)}."
            )
        return chosen

    def with_link(self, link: str | Link | None) -> Family:
        """The same family with another link."""
        return self if link is None else type(self)(link=link, **self.options())

    def options(self) -> dict[str, Any]:
        """What the family was made with beside its link, as arguments of its class."""
        return {}

    def __repr__(self) -> str:
        given = {"link": self.link.name, **self.options()}
        arguments = ", ".join(f"{name}={value!r}" for name, value in given.items())
        return f"{type(self).__name__}({arguments})"

    @property
    def base(self) -> Family:
        """The family without its zero inflation."""
        return self

    @property
    def is_linear(self) -> bool:
        """Whether this is the classical linear model: normal errors and the identity link."""
        return False

    # ------------------------------------------------------------------ the response

    def complaint(self, y: FloatArray) -> str:
        """Why these responses cannot be fitted though each of them is possible; usually empty."""
        return ""

    @abstractmethod
    def check(self, y: FloatArray, trials: FloatArray | None = None) -> BoolArray:
        """Rows, shape (n,), whose response lies outside the support (True is bad)."""

    def endless(self, y: FloatArray, trials: FloatArray | None = None) -> FloatArray | None:
        """Which way a row's likelihood rises without end along its linear predictor, shape (n,).

        +1 upwards, -1 downwards, 0 for rows with a best predictor; None where all rows have one.
        """
        way = {"log": -1.0, "inverse": 1.0}.get(self.link.name)  # of a mean that falls to 0
        return None if way is None else np.where(y <= self.smallest, way, 0.0)

    @abstractmethod
    def prepare(self, y: FloatArray, trials: FloatArray | None = None) -> Obs:
        """Everything that depends on the response alone: logarithms, log-gammas, ..."""

    @abstractmethod
    def start(
        self,
        y: FloatArray,
        trials: FloatArray | None = None,
        weights: FloatArray | None = None,
    ) -> tuple[FloatArray, list[float]]:
        """Starting values by moments.

        Returns
        -------
        eta : ndarray, shape (n,)
            Linear predictors of means between the rows' own and the overall one.
        aux : list of float
            One value for each auxiliary predictor; finite for every legal response.
        """

    # ------------------------------------------------------------------ the log-density

    @abstractmethod
    def normaliser(self, obs: Obs, aux: AuxValues) -> FloatArray:
        """The part of the log-density that does not involve ``eta``, shape (n,) or (B, n)."""

    @abstractmethod
    def natural_part(self, obs: Obs, aux: AuxValues, t: FloatArray, third: bool = False) -> Parts:
        """``(l, g1, g2)`` or ``(l, g1, g2, g3)``, derivatives in the natural predictor."""

    def natural_aux_part(self, obs: Obs, aux: AuxValues, t: FloatArray) -> AuxPart:
        """``(l_a, g1_a, g2_a)`` for every auxiliary predictor, ``g`` in the natural predictor."""
        return []

    def eta_part(self, obs: Obs, aux: AuxValues, eta: FloatArray, third: bool = False) -> Parts:
        """Log-density without the normaliser, and its derivatives in ``eta``.

        Parameters
        ----------
        obs : Obs
            From :meth:`prepare`.
        aux : sequence of ndarray
            Auxiliary predictors in the order of ``auxiliary``.
        eta : ndarray, shape (n,) or (B, n)
            Linear predictors; B points may be evaluated in one call.
        third : bool
            Whether to add the third derivative.

        Returns
        -------
        tuple of ndarray
            ``(l, d1, d2)`` or ``(l, d1, d2, d3)``.  Where ``eta`` has no legal mean ``l`` is
            ``-inf`` and the derivatives are finite.
        """
        if self._direct:
            return self.natural_part(obs, aux, eta, third)
        (t, t1, t2, t3), inside = self._natural(eta)
        # A mean near 1e304 overflows when squared (Gaussian with a log link); such rows become
        # -inf below, so the floating-point warnings on the way say nothing.
        with np.errstate(over="ignore", invalid="ignore"):
            l, g1, g2, *g3 = self.natural_part(obs, aux, t, third)
            parts = [l, g1 * t1, (g2 * t1) * t1 + g1 * t2]
            if third:
                parts.append(((g3[0] * t1) * t1) * t1 + 3.0 * (g2 * t1) * t2 + g1 * t3)
        return _finite(parts, inside)

    def aux_part(self, obs: Obs, aux: AuxValues, eta: FloatArray) -> AuxPart:
        """Derivatives in the auxiliary predictors.

        Returns
        -------
        list of (l_a, d1_a, d2_a)
            One entry for each name in ``auxiliary``: the derivative of the log-density
            (normaliser included), and that of its first and second ``eta`` derivative.
        """
        if self._direct or not self.auxiliary:
            return self.natural_aux_part(obs, aux, eta)
        (t, t1, t2, _), inside = self._natural(eta)
        out: AuxPart = []
        with np.errstate(over="ignore", invalid="ignore"):  # as in eta_part
            for l_a, g1_a, g2_a in self.natural_aux_part(obs, aux, t):
                parts = _finite([l_a, g1_a * t1, (g2_a * t1) * t1 + g1_a * t2], inside, 0.0)
                out.append((parts[0], parts[1], parts[2]))
        return out

    def _natural(self, eta: FloatArray) -> tuple[links.Derivatives, BoolArray | None]:
        """The natural predictor with its eta derivatives, and which rows are legal."""
        low, high = self.eta_range
        inside: BoolArray | None = None
        if low > -np.inf or high < np.inf:
            legal = np.asarray((eta > low) & (eta < high))
            if not legal.all():
                inside = legal
                eta = np.where(legal, eta, self.link.link(np.asarray(_INNER_MEAN[self.natural])))
        if self.natural == "log":
            return self.link.log_mean(eta), inside
        if self.natural == "logit":
            return self.link.logit_mean(eta), inside
        return self.link.derivatives(eta), inside

    def logpdf(
        self,
        y: FloatArray,
        mu: FloatArray | None = None,
        aux: AuxValues = (),
        trials: FloatArray | None = None,
        *,
        eta: FloatArray | None = None,
    ) -> FloatArray:
        """Log-density, constants included, at a mean ``mu`` or a linear predictor ``eta``.

        Examples
        --------
        >>> import numpy as np
        >>> import glmmlab as gl
        >>> poisson = gl.families.get("poisson")
        >>> poisson.logpdf(np.array([0.0, 2.0]), mu=np.array([1.0, 2.0])).round(4).tolist()
        [-1.0, -1.3069]
        """
        if eta is None:
            if mu is None:
                raise TypeError("logpdf needs mu or eta")
            eta = self.link.link(np.asarray(mu, dtype=float))
        obs = self.prepare(np.asarray(y, dtype=float), trials)
        return self.normaliser(obs, aux) + self.eta_part(obs, aux, np.asarray(eta))[0]

    # ------------------------------------------------------------------ moments and draws

    def expected(self, mu: FloatArray, aux: AuxValues) -> FloatArray:
        """E(y) (per trial for binomial kinds) at conditional mean ``mu``."""
        return np.asarray(mu, dtype=float)

    def conditional_expected(self, mu: FloatArray, aux: AuxValues) -> FloatArray:
        """The same without zero inflation: ``mu`` itself, but for truncated counts."""
        return np.asarray(mu, dtype=float)

    def mean(self, eta: FloatArray, aux: AuxValues) -> FloatArray:
        """E(y) at a linear predictor; per trial for binomial kinds."""
        return self.expected(self.link.inverse(eta), aux)

    @abstractmethod
    def variance(
        self, mu: FloatArray, aux: AuxValues, trials: FloatArray | None = None
    ) -> FloatArray:
        """Var(y); for binomial kinds of the count of successes (one trial if not given)."""

    def has_spread(self, y: FloatArray) -> BoolArray:
        """Rows, shape (n,), whose responses the residual spread belongs to."""
        return np.ones(y.shape, dtype=bool)

    def response_spread(self, y: FloatArray) -> float:
        """The size of the differences between responses, against which a residual is small."""
        return float(np.std(y))

    def residual_spread(self, mu: FloatArray, aux: AuxValues) -> FloatArray:
        """The scale of responses around ``mu``; the standard deviation where there is one."""
        with np.errstate(over="ignore", under="ignore"):
            return np.sqrt(self.variance(mu, aux))

    @abstractmethod
    def simulate(
        self,
        rng: np.random.Generator,
        mu: FloatArray,
        aux: AuxValues,
        trials: FloatArray | None = None,
    ) -> FloatArray:
        """One draw for each element of ``mu``; successes for binomial kinds."""

    @abstractmethod
    def cdf(
        self,
        y: FloatArray,
        mu: FloatArray,
        aux: AuxValues,
        trials: FloatArray | None = None,
    ) -> FloatArray:
        """P(Y <= y)."""

    def unit_deviance(
        self,
        y: FloatArray,
        mu: FloatArray,
        aux: AuxValues = (),
        trials: FloatArray | None = None,
    ) -> FloatArray | None:
        """Squared deviance residual of every row, or None where the family defines none."""
        return None

    # ------------------------------------------------------------------ what a summary prints

    def dispersion(self, value: float) -> float:
        """The reported phi at a value of the dispersion predictor log phi; 1 without dispersion."""
        return np.exp(value) if "dispersion" in self.auxiliary else 1.0

    def shape(self, value: float) -> dict[str, float]:
        """Names and values of the shape parameters at a value of the shape predictor."""
        return {}


def _finite(parts: list[FloatArray], inside: BoolArray | None, outside: float = -np.inf) -> Parts:
    """Make rows without a legal mean, and rows that overflowed, harmless for the engine."""
    total = parts[0]
    with np.errstate(over="ignore"):
        for part in parts[1:]:
            total = total + part
    good = np.isfinite(total)
    if inside is not None:
        good &= inside
    if good.all():
        return tuple(parts)
    return (
        np.where(good, parts[0], outside),
        *(np.where(good, part, 0.0) for part in parts[1:]),
    )
