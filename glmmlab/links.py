"""Link functions: how the mean of a response becomes a linear predictor.

A link ``g`` maps a mean ``mu`` to ``eta = g(mu)``.  The engine needs the inverse link and its
first three derivatives; families also need the mean on the scale that is natural to them
(``log mu`` for positive means, ``logit mu`` for probabilities), which every link can give without
passing through a mean that has been rounded to 0 or 1.

Everything is elementwise, broadcasts, and stays finite and accurate for ``|eta| <= 700``.
"""

from __future__ import annotations

import difflib
import math
from abc import ABC, abstractmethod
from typing import ClassVar, Literal

import numpy as np
from scipy import special

from glmmlab._types import BoolArray, FloatArray
from glmmlab.errors import UnknownNameError

__all__ = [
    "CLogLog",
    "Identity",
    "Inverse",
    "Link",
    "Log",
    "Logit",
    "Probit",
    "Sqrt",
    "expit_pair",
    "exponential_parts",
    "get",
    "names",
    "softplus",
]

Derivatives = tuple[FloatArray, FloatArray, FloatArray, FloatArray]

_LARGEST = 700.0  # exp(700) is about 1e304: beyond, doubles overflow
_ROOT_TWO_OVER_PI = math.sqrt(2 / math.pi)


def expit_pair(t: FloatArray) -> tuple[FloatArray, FloatArray]:
    """``expit(t)`` and ``expit(-t)``, each to full relative accuracy, from two exponentials.

    Examples
    --------
    >>> import numpy as np
    >>> p, q = expit_pair(np.array([-800.0, 0.0, 40.0]))
    >>> p.round(3).tolist(), float(f"{q[2]:.4g}")
    ([0.0, 0.5, 1.0], 4.248e-18)
    """
    low = np.exp(np.minimum(t, 0.0))
    high = np.exp(-np.maximum(t, 0.0))  # one of the two is 1, their product is exp(-|t|)
    larger = 1.0 / (1.0 + low * high)
    return low * larger, high * larger


def softplus(t: FloatArray) -> FloatArray:
    """``log(1 + exp(t))`` without overflow.

    Examples
    --------
    >>> import numpy as np
    >>> softplus(np.array([-50.0, 0.0, 1000.0])).round(4).tolist()
    [0.0, 0.6931, 1000.0]
    """
    return np.log1p(np.exp(-np.abs(t))) + np.maximum(t, 0.0)


class Link(ABC):
    """A link function ``eta = g(mu)``, its inverse and the inverse's derivatives.

    Examples
    --------
    >>> import numpy as np
    >>> link = get("logit")
    >>> float(link.inverse(link.link(np.float64(0.25))))
    0.25
    """

    name: ClassVar[str]
    lower: ClassVar[float] = -math.inf
    """Smallest linear predictor (exclusive) at which the link is one-to-one."""

    @abstractmethod
    def link(self, mu: FloatArray) -> FloatArray:
        """Linear predictor of a mean."""

    @abstractmethod
    def inverse(self, eta: FloatArray) -> FloatArray:
        """Mean at a linear predictor."""

    @abstractmethod
    def derivatives(self, eta: FloatArray) -> Derivatives:
        """The inverse link and its first three derivatives in ``eta``."""

    @abstractmethod
    def link_derivative(self, mu: FloatArray) -> FloatArray:
        """Derivative of ``eta`` with respect to ``mu``, as a function of ``mu``."""

    def valid_eta(self, eta: FloatArray) -> BoolArray | Literal[True]:
        """True, or the elements of ``eta`` that lie in the link's domain."""
        return True if self.lower == -math.inf else np.asarray(eta > self.lower)

    def complement(self, eta: FloatArray) -> FloatArray:
        """``1 - inverse(eta)``; links onto (0, 1) keep its digits when the mean is near 1."""
        return 1.0 - self.inverse(eta)

    def log_mean(self, eta: FloatArray) -> Derivatives:
        """``log mu(eta)`` and its first three derivatives, for links onto positive means."""
        mu, mu1, mu2, mu3 = self.derivatives(eta)
        r1, r2, r3 = mu1 / mu, mu2 / mu, mu3 / mu
        return np.log(mu), r1, r2 - r1 * r1, r3 - 3.0 * r1 * r2 + 2.0 * r1**3

    def logit_mean(self, eta: FloatArray) -> Derivatives:
        """``log(mu / (1 - mu))`` and its first three derivatives, for means in (0, 1)."""
        mu, mu1, mu2, mu3 = self.derivatives(eta)
        rest = self.complement(eta)
        r1, r2, r3 = mu1 / mu, mu2 / mu, mu3 / mu
        s1, s2, s3 = mu1 / rest, mu2 / rest, mu3 / rest
        first = r1 + s1
        second = (r2 - r1 * r1) + (s2 + s1 * s1)
        third = (r3 - 3.0 * r1 * r2 + 2.0 * r1**3) + (s3 + 3.0 * s1 * s2 + 2.0 * s1**3)
        return np.log(mu / rest), first, second, third

    def interval(self, low: float, high: float) -> tuple[float, float]:
        """Open interval of linear predictors whose means lie in the open interval (low, high).

        Examples
        --------
        >>> get("inverse").interval(0.0, 1.0)
        (1.0, inf)
        """
        with np.errstate(divide="ignore"):  # the ends may be the link's own infinities
            ends = sorted(float(self.link(np.asarray(end))) for end in (low, high))
        return max(ends[0], self.lower), ends[1]

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))


class Identity(Link):
    """``eta = mu``."""

    name = "identity"

    def link(self, mu: FloatArray) -> FloatArray:
        return np.asarray(mu, dtype=float)

    def inverse(self, eta: FloatArray) -> FloatArray:
        return np.asarray(eta, dtype=float)

    def derivatives(self, eta: FloatArray) -> Derivatives:
        mu = np.asarray(eta, dtype=float)
        zero = np.zeros_like(mu)
        return mu, np.ones_like(mu), zero, zero

    def link_derivative(self, mu: FloatArray) -> FloatArray:
        return np.ones_like(np.asarray(mu, dtype=float))


class Log(Link):
    """``eta = log mu``.

    The exponential is taken at ``min(eta, 700)``: no likelihood that gets there is ever accepted,
    and derivatives must stay finite for the step to be halved.
    """

    name = "log"

    def link(self, mu: FloatArray) -> FloatArray:
        return np.log(mu)

    def inverse(self, eta: FloatArray) -> FloatArray:
        return np.exp(np.minimum(eta, _LARGEST))

    def derivatives(self, eta: FloatArray) -> Derivatives:
        mu = self.inverse(eta)
        return mu, mu, mu, mu

    def link_derivative(self, mu: FloatArray) -> FloatArray:
        return 1.0 / mu

    def complement(self, eta: FloatArray) -> FloatArray:
        return -np.expm1(np.minimum(eta, _LARGEST))

    def log_mean(self, eta: FloatArray) -> Derivatives:
        t = np.asarray(eta, dtype=float)
        zero = np.zeros_like(t)
        return t, np.ones_like(t), zero, zero

    def logit_mean(self, eta: FloatArray) -> Derivatives:
        rest = -np.expm1(eta)
        odds = np.exp(eta) / rest
        second = odds * (1.0 + odds)
        return eta - np.log(rest), 1.0 + odds, second, second * (1.0 + 2.0 * odds)


class Logit(Link):
    """``eta = log(mu / (1 - mu))``."""

    name = "logit"

    def link(self, mu: FloatArray) -> FloatArray:
        return np.log(mu) - np.log1p(-mu)

    def inverse(self, eta: FloatArray) -> FloatArray:
        return expit_pair(eta)[0]

    def derivatives(self, eta: FloatArray) -> Derivatives:
        mu, rest = expit_pair(eta)
        mu1 = mu * rest
        return mu, mu1, mu1 * (rest - mu), mu1 * (1.0 - 6.0 * mu1)

    def link_derivative(self, mu: FloatArray) -> FloatArray:
        return 1.0 / (mu * (1.0 - mu))

    def complement(self, eta: FloatArray) -> FloatArray:
        return expit_pair(eta)[1]

    def logit_mean(self, eta: FloatArray) -> Derivatives:
        t = np.asarray(eta, dtype=float)
        zero = np.zeros_like(t)
        return t, np.ones_like(t), zero, zero


class Probit(Link):
    """``eta = Phi^-1(mu)``, the quantile of the standard normal distribution."""

    name = "probit"

    def link(self, mu: FloatArray) -> FloatArray:
        return special.ndtri(mu)

    def inverse(self, eta: FloatArray) -> FloatArray:
        return special.ndtr(eta)

    def derivatives(self, eta: FloatArray) -> Derivatives:
        density = _normal_density(eta)
        return special.ndtr(eta), density, -eta * density, (eta * eta - 1.0) * density

    def link_derivative(self, mu: FloatArray) -> FloatArray:
        return 1.0 / _normal_density(special.ndtri(mu))

    def complement(self, eta: FloatArray) -> FloatArray:
        return special.ndtr(-eta)

    def logit_mean(self, eta: FloatArray) -> Derivatives:
        # logit Phi is odd, so work at x = |eta| with the hazards of both tails:
        # a = phi(x)/Phi(x), b = phi(x)/Phi(-x), and their slopes through x + a and b - x.
        x = np.abs(eta)
        a = _normal_density(x) / special.ndtr(x)
        b = _ROOT_TWO_OVER_PI / special.erfcx(x / math.sqrt(2.0))
        excess, bend = _upper_hazard_excess(x, b)
        sign = np.sign(eta)
        t = special.log_ndtr(eta) - special.log_ndtr(-eta)
        up = x + a
        first = a + b
        second = sign * (b * excess - a * up)
        third = b * bend + a * (up * up + a * up - 1.0)
        return t, first, second, third


def _normal_density(x: FloatArray) -> FloatArray:
    return np.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)


def _upper_hazard_excess(x: FloatArray, hazard: FloatArray) -> tuple[FloatArray, FloatArray]:
    """``h = hazard - x`` and ``2 h^2 + x h - 1`` of the normal upper tail at ``x >= 0``.

    Direct differences lose x^2 and x^4 units in the last place; beyond x = 5 Laplace's continued
    fraction ``h = 1/(x + 2/(x + 3/(x + ...)))`` gives both without a subtraction.
    """
    direct = hazard - x
    bend = 2.0 * direct * direct + x * direct - 1.0
    far = x > 5.0
    if not np.any(far):
        return direct, bend
    z = np.maximum(x, 5.0)
    k = np.zeros_like(z)
    for level in range(45, 3, -1):
        k = level / (z + k)
    k4 = k
    k3 = 3.0 / (z + k4)
    k2 = 2.0 / (z + k3)
    h = 1.0 / (z + k2)
    difference = (z + 3.0 * k3 - 2.0 * k4) / ((z + k4) * (z + k3))  # k3 - k2
    bend_far = 2.0 * h * h * difference / (z + k3)  # h (2 h - k2)
    return np.where(far, h, direct), np.where(far, bend_far, bend)


class CLogLog(Link):
    """``eta = log(-log(1 - mu))``, the complementary log-log link."""

    name = "cloglog"

    def link(self, mu: FloatArray) -> FloatArray:
        return np.log(-np.log1p(-mu))

    def inverse(self, eta: FloatArray) -> FloatArray:
        return -np.expm1(-np.exp(np.minimum(eta, _LARGEST)))

    def derivatives(self, eta: FloatArray) -> Derivatives:
        s = np.exp(np.minimum(eta, _LARGEST))
        mu1 = s * np.exp(-s)
        once = mu1 * s  # multiplied one factor at a time: mu1 is 0 before s^2 overflows
        return -np.expm1(-s), mu1, mu1 - once, mu1 - 3.0 * once + once * s

    def link_derivative(self, mu: FloatArray) -> FloatArray:
        return -1.0 / ((1.0 - mu) * np.log1p(-mu))

    def complement(self, eta: FloatArray) -> FloatArray:
        return np.exp(-np.exp(np.minimum(eta, _LARGEST)))

    def logit_mean(self, eta: FloatArray) -> Derivatives:
        # t = log(exp(s) - 1), s = exp(eta); with c = s/(exp(s) - 1): t' = s + c,
        # t'' = t'(1 - c), t''' = t'[(1 - c)^2 + c (t' - 1)], every factor positive.
        s = np.exp(np.maximum(np.minimum(eta, _LARGEST), -_LARGEST))  # s/mu must not be 0/0
        first, c, below = exponential_parts(s)
        second = first * below
        third = first * (below * below + c * (s - below))
        return s + np.log(-np.expm1(-s)), first, second, third


def exponential_parts(s: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """``s/(1 - exp(-s))``, ``c = s/(exp(s) - 1)`` and ``1 - c``, for ``s > 0``.

    The last by Bernoulli numbers where the difference would cancel.  These are the derivatives
    of log(1 - exp(-s)), the logarithm of the probability that a Poisson count is positive.

    Examples
    --------
    >>> import numpy as np
    >>> [v.round(4).tolist() for v in exponential_parts(np.array([1e-6, 1.0]))]
    [[1.0, 1.582], [1.0, 0.582], [0.0, 0.418]]
    """
    first = s / -np.expm1(-s)
    c = first * np.exp(-s)
    small = np.minimum(s, 0.5)
    square = small * small
    tail = 1 / 30240 - square * (1 / 1209600 - square / 47900160)
    series = 0.5 * small - square * (1 / 12 - square * (1 / 720 - square * tail))
    return first, c, np.where(s < 0.5, series, 1.0 - c)


class Inverse(Link):
    """``eta = 1 / mu``, for positive means: ``eta`` must be positive."""

    name = "inverse"
    lower = 0.0

    def link(self, mu: FloatArray) -> FloatArray:
        return 1.0 / mu

    def inverse(self, eta: FloatArray) -> FloatArray:
        with np.errstate(divide="ignore"):  # eta = 0 is outside the domain; valid_eta says so
            return 1.0 / eta

    def derivatives(self, eta: FloatArray) -> Derivatives:
        mu = self.inverse(eta)
        square = mu * mu
        return mu, -square, 2.0 * square * mu, -6.0 * square * square

    def link_derivative(self, mu: FloatArray) -> FloatArray:
        return -1.0 / (mu * mu)


class Sqrt(Link):
    """``eta = sqrt(mu)``, one-to-one for positive ``eta``."""

    name = "sqrt"
    lower = 0.0

    def link(self, mu: FloatArray) -> FloatArray:
        return np.sqrt(mu)

    def inverse(self, eta: FloatArray) -> FloatArray:
        return np.asarray(eta * eta)

    def derivatives(self, eta: FloatArray) -> Derivatives:
        eta = np.asarray(eta, dtype=float)
        return eta * eta, 2.0 * eta, np.full_like(eta, 2.0), np.zeros_like(eta)

    def link_derivative(self, mu: FloatArray) -> FloatArray:
        return 0.5 / np.sqrt(mu)


_REGISTRY: dict[str, type[Link]] = {
    cls.name: cls for cls in (Identity, Log, Logit, Probit, CLogLog, Inverse, Sqrt)
}


def names() -> tuple[str, ...]:
    """Names of all links.

    Examples
    --------
    >>> names()
    ('identity', 'log', 'logit', 'probit', 'cloglog', 'inverse', 'sqrt')
    """
    return tuple(_REGISTRY)


def get(name: str | Link) -> Link:
    """A link by its name (a link passes through).

    Parameters
    ----------
    name : str or Link
        One of :func:`names`.

    Returns
    -------
    Link

    Raises
    ------
    UnknownNameError
        No such link; the message suggests the nearest name.

    Examples
    --------
    >>> get("cloglog")
    CLogLog()
    """
    if isinstance(name, Link):
        return name
    try:
        return _REGISTRY[name]()
    except KeyError:
        near = difflib.get_close_matches(str(name).lower(), _REGISTRY, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise UnknownNameError(
            f"Unknown link {name!r}.{hint} Known links: {', '.join(_REGISTRY)}."
        ) from None
